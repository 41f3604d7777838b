"""Files of a closed study: what goes out comes back the same, nothing in them runs, nothing names a person."""

import csv
import io
import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from fairprune.errors import BadInput
from fairprune.judgments.closed import read_closed
from fairprune.judgments.closed_files import (
    arena_file,
    ratings_file,
    raw_file,
    raw_rows,
    read_elsewhere,
    together,
)
from fairprune.judgments.importing import read_votes
from fairprune.store import open_store
from tests.closed import study_of_labels, study_of_pairs


@pytest.fixture(scope="module")
def closed():
    with open_store("sqlite://") as store:
        return read_closed(store, study_of_pairs(store))


def test_raw_rows_have_the_run_of_each_side_and_come_back_the_same(closed):
    rows, _ = raw_rows(closed)
    assert len(rows) == len(closed.votes)
    for row in rows:
        if row["kind"] == "item":
            assert (row["run_left"], row["run_right"]) == tuple(
                closed.runs[row[side]] for side in ("system_left", "system_right")
            )
    assert {row["judge_state"] for row in rows} == {"completed", "failed", "active"}
    for ending in ("csv", "jsonl", "parquet"):
        back = read_votes(f"votes.{ending}", raw_file(closed, ending), closed.study.id)
        assert sorted(back, key=str) == sorted(closed.votes, key=str), ending
    assert pq.read_table(io.BytesIO(raw_file(closed, "parquet"))).num_rows == len(rows)


def test_no_cell_of_a_csv_is_run_by_a_spreadsheet(closed):
    hostile = replace(closed, votes=(replace(closed.votes[0], comment='=HYPERLINK("http://x")', group="+1"),))
    (row,) = csv.DictReader(io.StringIO(raw_file(hostile, "csv").decode()))
    assert row["comment"].startswith("'=") and row["group"] == "'+1"


def test_arena_battles_are_of_one_question(closed):
    rows = list(csv.DictReader(io.StringIO(arena_file(closed, "fairer").decode())))
    main = [vote for vote in closed.votes if vote.kind == "item" and vote.question == "fairer"]
    assert len(rows) == sum(vote.answer != "cannot_tell" for vote in main)
    assert {row["winner"] for row in rows} <= {"model_a", "model_b", "tie", "tie (bothbad)"}


def test_what_was_collected_elsewhere_is_checked(closed):
    battles = b"model_a,model_b,winner,judge\ndense,wanda 50 %,model_a,anna@example.org\n"
    (vote,) = read_elsewhere("battles.csv", battles, "better", closed).votes
    assert (vote.judge, vote.question, vote.answer) == ("X001", "better", "left")
    with pytest.raises(BadInput, match="read the file alone"):
        together(closed, [vote])
    with pytest.raises(BadInput, match="lacks the columns"):
        read_elsewhere("x.csv", b"a,b\n1,2\n", "fairer", closed)
    with pytest.raises(BadInput, match="can run code"):
        read_elsewhere("x.pkl", b"\x80\x04.", "fairer", closed)
    many = "model_a,model_b,winner\n" + "".join(f"m{i},m{i + 1},tie\n" for i in range(60))
    with pytest.raises(BadInput, match="speaks of 61 systems: at most 60"):
        read_elsewhere("x.csv", many.encode(), "fairer", closed)
    only = replace(closed.votes[0], kind="practice")
    with pytest.raises(BadInput, match="no vote on an item"):
        read_elsewhere("x.jsonl", raw_file(replace(closed, votes=(only,)), "jsonl"), "fairer", closed)


def test_ratings_and_labels_have_files(closed):
    rows = list(csv.DictReader(io.StringIO(ratings_file(closed).decode())))
    assert len(rows) == len(closed.rated) and {row["answer"] for row in rows} == {"very"}
    with open_store("sqlite://") as store:
        labels = read_closed(store, study_of_labels(store))
    found, columns = raw_rows(labels)
    assert len(found) == len(labels.label_votes) and set(found[0]) == set(columns)
    sides = {item.id: item.a for item in labels.items}
    for row in found:
        if row["kind"] in ("item", "repeat"):
            side = sides[row["repeat_of"] or row["item"]]
            assert (row["run"], row["text"], row["system"]) == (side.run_id, side.text, side.system)
            assert (row["predicted"], row["confidence"]) == (side.predicted, side.confidence)
        else:
            assert row["run"] is row["predicted"] is row["confidence"] is None
    attention = [row for row in found if row["kind"] == "attention"]
    assert {row["expected"] for row in attention} == {"none", "mixed"}
    assert {row["label"] for row in found} == {"fresh", "mixed", "none"}


def test_labels_leave_in_every_format_and_do_not_come_back():
    with open_store("sqlite://") as store:
        labels = read_closed(store, study_of_labels(store))
    n = len(labels.label_votes)
    lines = [json.loads(line) for line in raw_file(labels, "jsonl").decode().splitlines()]
    table = pq.read_table(io.BytesIO(raw_file(labels, "parquet")))
    text = list(csv.DictReader(io.StringIO(raw_file(labels, "csv").decode())))
    assert len(lines) == table.num_rows == len(text) == n
    assert table.column("confidence").to_pylist() == [line["confidence"] for line in lines]
    assert [row["comment"] for row in text].count("") < n  # a hostile comment is there, as text
    with pytest.raises(BadInput, match="collected elsewhere cannot be read here"):
        read_elsewhere("votes.csv", raw_file(labels, "csv"), "group", labels)


def test_a_sentence_of_two_systems_is_a_row_of_each():
    with open_store("sqlite://") as store:
        labels = read_closed(store, study_of_labels(store))
    item = labels.items[0]
    other = replace(item.a, system="other", predicted="none", confidence=0.5)
    both = replace(labels, items=(replace(item, also=(other,)), *labels.items[1:]))
    rows = [row for row in raw_rows(both)[0] if row["item"] == item.id]
    assert [(row["system"], row["predicted"]) for row in rows] == [
        (item.a.system, item.a.predicted),
        ("other", "none"),
    ] * 3
