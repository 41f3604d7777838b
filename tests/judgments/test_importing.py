"""Votes that come back, votes from elsewhere, and files that are refused in words."""

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.export import (
    arena_rows,
    rows,
    to_csv,
    to_jsonl,
    to_parquet,
)
from fairprune.judgments.importing import read_file, read_votes
from fairprune.judgments.votes import Vote, outcomes

RUNS = {"dense": "aaaa", "wanda": "bbbb"}
HEAD = "judge,item,question,system_left,system_right,answer"


def vote(judge, item, answer, **more):
    return Vote("s", judge, item, "fairer", "wanda", "dense", answer, **more)


VOTES = [
    vote("j1", "i1", "left", seconds=12.25, group="left", sample="film", comment="=1+1\nnew line, comma"),
    vote("j1", "i2", "both_unfair", position=1),
    vote("j1", "r1", "right", position=2, kind="repeat", repeat_of="i1"),
    vote("j1", "at", "left", position=3, kind="attention", expected=("left", "both_unfair")),
    vote("j1", "at2", "skipped", position=4, kind="attention", expected=("tie",)),
    vote("j2", "i1", "cannot_tell"),
    Vote("s", "j2", "i1", "better", "dense", "wanda", "tie", 0.0),
]


@pytest.mark.parametrize("write", [("v.csv", to_csv), ("v.jsonl", to_jsonl), ("v.parquet", to_parquet)])
def test_what_is_exported_comes_back(write):
    name, to_bytes = write
    found = read_votes(name, to_bytes(rows(VOTES, RUNS)), "s")
    assert sorted(found, key=repr) == sorted(VOTES, key=repr)


def test_the_study_is_the_one_that_is_asked_for_and_judges_get_pseudonyms():
    found = read_votes(
        "v.csv", to_csv(rows(VOTES[:1], RUNS)), "mine", pseudonym=lambda name: f"hash of {name}"
    )
    assert found[0].study == "mine" and found[0].judge == "hash of j1"


def test_arena_rows_come_back():
    battles = arena_rows(VOTES, "fairer")
    found = read_votes("battles.jsonl", to_jsonl(battles), "s")
    assert [(one.judge, one.item, one.answer) for one in found] == [
        ("j1", "i1", "left"),
        ("j1", "i2", "both_unfair"),
    ]
    bare = b"model_a,model_b,winner\nx,y,model_a\nx,y,tie (bothbad)\n"
    votes = read_votes("battles.csv", bare, "s", question="better")
    assert [one.answer for one in votes] == ["left", "both_unfair"]
    assert len({one.judge for one in votes}) == 2 and len(outcomes(votes, "better")) == 2


def test_a_file_says_runs_and_how_judges_ended_where_it_does():
    head = f"{HEAD},run_left,run_right,judge_state"
    rows_ = [
        "j1,i1,fairer,wanda,dense,left,bbbb,aaaa,completed",
        "j1,i2,fairer,dense,wanda,tie,aaaa,cccc,completed",
        "j2,i1,fairer,wanda,dense,left,bbbb,aaaa,",
    ]
    found = read_file("v.csv", "\n".join([head, *rows_]).encode(), "s")
    assert found.runs == {"dense": "aaaa"}  # wanda is of two runs: of neither for sure
    assert found.states == {"j1": "completed", "j2": ""}


def test_sides_that_are_not_known_stay_so():
    battles = b"model_a,model_b,winner\nx,y,model_a\n"
    (vote_,) = read_votes("battles.csv", battles, "s")
    assert not vote_.sided and vote_.answer == "left"
    (row,) = rows([vote_], {"x": "", "y": ""})
    assert row["sides"] == "not known"
    (back,) = read_votes("v.jsonl", to_jsonl([row]), "s")
    assert back == vote_
    with pytest.raises(BadInput, match="sides 'maybe' is neither 'as shown' nor 'not known'"):
        read_votes("v.csv", f"{HEAD},sides\nj,i,fairer,a,b,left,maybe\n".encode(), "s")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("j,i,fairer,a,b,lefft", "row 2 of v.csv: answer 'lefft' is none of left, right"),
        ("j,i,fairer,a,a,left", "compares 'a' with itself"),
        (",i,fairer,a,b,left", "judge is empty"),
        (f"{'x' * 201},i,fairer,a,b,left", "judge has 201 characters, more than 200"),
        ("j,i\x1b[2J,fairer,a,b,left", "holds a control character"),
        ("j,i,fairer,a,b", "5 cells, but its header has 6"),
    ],
)
def test_rows_that_are_no_votes(row, says):
    with pytest.raises(BadInput) as error:
        read_votes("v.csv", f"{HEAD}\n{row}\n".encode(), "s")
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("seconds", "soon", "seconds 'soon' is no number"),
        ("seconds", "-1", "no time"),
        ("seconds", "nan", "no time"),
        ("seconds", "1e999", "no time"),
        ("position", "1.5", "no whole number"),
        ("position", "-1", "outside 0 to"),
        ("kind", "vote", "kind 'vote' is none of"),
        ("kind", "repeat", "names the item that it repeats"),
        ("expected", "maybe", "unknown expected answer"),
        ("comment", "x" * 10_001, "comment has 10,001 characters"),
    ],
)
def test_cells_that_cannot_be(column, value, says):
    text = f"{HEAD},{column}\nj,i,fairer,a,b,left,{value}\n"
    with pytest.raises(BadInput, match=says):
        read_votes("v.csv", text.encode(), "s")


def test_files_that_cannot_be():
    with pytest.raises(BadInput, match="lacks the columns item, question"):
        read_votes("v.csv", b"judge,answer\nj,left\n", "s")
    with pytest.raises(BadInput, match="is a pickle"):
        read_votes("v.pkl", b"\x80\x04", "s")
    with pytest.raises(BadInput, match="winner 'x' is none of model_a"):
        read_votes("v.csv", b"model_a,model_b,winner\nx,y,x\n", "s")
    with pytest.raises(BadInput, match="two votes on item 'i'"):
        read_votes("v.csv", f"{HEAD}\nj,i,fairer,a,b,left\nj,i,fairer,a,b,tie\n".encode(), "s")
