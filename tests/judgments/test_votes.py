"""Votes lose their sides before anything is counted."""

import math

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.votes import ANSWERS, Outcome, Vote, groups_of, outcome, outcomes


def vote(answer="left", **more):
    return Vote(
        **{
            "study": "s",
            "judge": "j1",
            "item": "i1",
            "question": "fairer",
            "system_left": "dense",
            "system_right": "wanda",
            "answer": answer,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("left", "right", "answer", "result", "rank"),
    [
        ("dense", "wanda", "left", "a", 1),
        ("dense", "wanda", "right", "b", -1),
        ("wanda", "dense", "left", "b", -1),
        ("wanda", "dense", "right", "a", 1),
        ("wanda", "dense", "tie", "tie", 0),
        ("wanda", "dense", "both_unfair", "both_unfair", None),
        ("dense", "wanda", "cannot_tell", "cannot_tell", None),
    ],
)
def test_sides_become_systems(left, right, answer, result, rank):
    found = outcome(vote(answer, system_left=left, system_right=right))
    assert (found.system_a, found.system_b, found.result, found.rank) == ("dense", "wanda", result, rank)


def test_swapping_the_sides_and_the_answer_changes_nothing():
    mirrored = {"left": "right", "right": "left"}
    for answer in ANSWERS:
        swapped = vote(mirrored.get(answer, answer), system_left="wanda", system_right="dense")
        assert outcome(vote(answer)) == outcome(swapped)


def test_only_items_of_the_question_count():
    votes = [
        vote(),
        vote(question="better"),
        vote(item="i2", kind="practice"),
        vote(item="i3", kind="attention", expected=("left",)),
        vote(item="r1", kind="repeat", repeat_of="i1"),
    ]
    assert [(one.item, one.question) for one in outcomes(votes, "fairer")] == [("i1", "fairer")]


def test_two_votes_of_one_judge_are_refused():
    with pytest.raises(BadInput, match="two votes on item 'i1'"):
        outcomes([vote(), vote("tie")], "fairer")


def test_the_cluster_is_the_sample_where_there_is_one():
    assert vote().cluster == "i1"
    assert vote(sample="film 3").cluster == "film 3"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"answer": "lefft"}, "did you mean 'left'"),
        ({"kind": "itm"}, "unknown kind of vote"),
        ({"expected": ("left", "yes"), "kind": "attention"}, "unknown expected answer"),
        ({"judge": ""}, "needs a judge"),
        ({"system_left": ""}, "names no system"),
        ({"system_left": "wanda"}, "compares 'wanda' with itself"),
        ({"seconds": -1.0}, "-1.0 seconds"),
        ({"seconds": math.nan}, "nan seconds"),
        ({"kind": "repeat"}, "names the item that it repeats"),
        ({"repeat_of": "i0"}, "names the item that it repeats"),
    ],
)
def test_votes_that_cannot_be_are_refused_in_words(more, says):
    with pytest.raises(BadInput, match=says):
        vote(**more)


def test_outcomes_by_group():
    rows = [outcome(vote(group="left-leaning")), outcome(vote(judge="j2"))]
    automatic = Outcome("", "i9", "fairer", "dense", "wanda", "tie", "i9")
    assert {name: len(of) for name, of in groups_of([*rows, automatic]).items()} == {"": 1, "left-leaning": 1}
