"""Rows of a database become votes: repeats, attention, practice, and what was not finished."""

from dataclasses import dataclass, replace

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.agreement import consistency
from fairprune.judgments.bias import Rules, exclusions
from fairprune.judgments.labelling import LabelVote
from fairprune.judgments.stored import label_votes_of, votes_of
from fairprune.judgments.votes import outcomes


@dataclass(frozen=True)
class Row:
    study: str = "s"
    judge: str = "J001"
    group: str | None = "left"
    item: str = "i1"
    kind: str = "main"
    occasion: int = 0
    question: str = "fairer"
    answer: str = "left"
    system_left: str = "wanda"
    system_right: str = "dense"
    expected: tuple[str, ...] = ()
    set_id: str | None = "film"
    position: int = 4
    swapped: bool | None = False
    sample: str = ""
    seconds: float | None = 12.0
    comment: str = ""
    complete: bool = True


def test_every_kind_of_row():
    rows = [
        Row(),
        Row(occasion=1, answer="right", system_left="dense", system_right="wanda"),
        Row(item="at", kind="attention", expected=("left", "tie"), answer="right", set_id=None),
        Row(
            item="c", kind="comprehension", expected=("right",), occasion=1, system_left="x", system_right="x"
        ),
        Row(item="i2", complete=False),
    ]
    main, repeat, attention, practice = votes_of(rows)
    assert (main.kind, main.item, main.sample, main.position, main.group) == ("item", "i1", "film", 4, "left")
    assert (repeat.kind, repeat.item, repeat.repeat_of) == ("repeat", "i1~1", "i1")
    assert (attention.kind, attention.expected, attention.sample) == ("attention", ("left", "tie"), "")
    assert (practice.kind, practice.expected) == ("practice", ())
    votes = votes_of(rows)
    assert [one.item for one in outcomes(votes, "fairer")] == ["i1"]
    assert consistency(votes, "fairer").same.value == 1.0
    assert [one.rule for one in exclusions(votes, Rules(attention_failures=1))] == ["attention"]


def test_a_strange_answer_is_refused():
    with pytest.raises(BadInput, match="unknown answer 'fresh'"):
        votes_of([Row(answer="fresh")])


def test_ratings_are_no_votes():
    rows = [Row(), Row(question="sure", answer="very")]
    assert [one.question for one in votes_of(rows, ("fairer", "better"))] == ["fairer"]
    with pytest.raises(BadInput, match="unknown answer 'very'"):
        votes_of(rows)


def test_labels():
    row = Row(answer="fresh", system_right="")
    rows = [
        row,
        replace(row, occasion=1),
        replace(row, item="at", kind="attention", expected=("none",)),
        replace(row, item="p", kind="practice", expected=("none",)),
        replace(row, complete=False),
        replace(row, question="sure"),
    ]
    main, repeat, attention, practice = label_votes_of(rows, ("fairer",))
    assert main == LabelVote("J001", "i1", "fresh", 12.0, "left", None, 4)
    assert (repeat.kind, repeat.item, repeat.repeat_of) == ("repeat", "i1~1", "i1")
    assert (attention.kind, attention.expected) == ("attention", ("none",))
    assert (practice.kind, practice.expected) == ("practice", ())
    assert [one.rule for one in exclusions([attention], Rules(attention_failures=1))] == ["attention"]
    # a group may be called as a side is
    assert label_votes_of([replace(row, answer="left")])[0].answer == "left"


def test_what_is_skipped_stays_and_what_is_not_known_is_said():
    skipped = Row(
        item="at", kind="attention", expected=("tie",), answer="skipped", complete=False, seconds=None
    )
    unsided = Row(item="i2", swapped=None, set_id=None, sample="the film")
    found = votes_of([skipped, unsided])
    assert [(one.kind, one.answer, one.answered) for one in found] == [
        ("attention", "skipped", False),
        ("item", "left", True),
    ]
    assert (found[1].sided, found[1].sample) == (False, "the film")
    (label,) = label_votes_of([replace(skipped, expected=("none",))])
    assert (label.kind, label.answer, label.answered) == ("attention", "skipped", False)
