"""The words of page Judge and its HTML, without a page."""

from __future__ import annotations

import pytest

from fairprune.judgments.checks import ASKED_FOR, ASKED_FOR_LABELS
from fairprune.judgments.votes import ANSWERS
from fairprune.judgments.wording import STANDARDS, label_wording, wording
from fairprune.store.judgments_design import PAIR_ANSWERS
from fairprune.store.judgments_values import ENDS as WAYS
from fairprune.store.judgments_values import Task
from fairprune.ui.judge_words import (
    ENDS,
    LABELS,
    PAIR,
    answer_name,
    answers_of,
    opinions_html,
    paragraphs,
    prose,
    question_html,
    questions_of,
    stored_sentence,
    texts_html,
)
from tests.pages.filled import HOSTILE, make_set


def task(**more):
    values = {
        "key": "k",
        "number": 1,
        "practice": False,
        "comprehension": False,
        "prompt": "",
        "opinions": None,
        "left": "left text",
        "right": "right text",
        "questions": ("fairer", "better"),
        "answered": {},
    }
    return Task(**{**values, **more})


def test_every_answer_and_every_end_has_its_words():
    assert tuple(PAIR) == PAIR_ANSWERS == ANSWERS and tuple(ENDS) == WAYS
    assert answer_name("left", pair=True) == "A" and answer_name("left", pair=False) == "left"
    assert answer_name("none", pair=False) == "No group" and answer_name("none", pair=True) == "none"
    # attention items ask for an answer by what stands on its button
    assert ASKED_FOR.items() <= PAIR.items() and ASKED_FOR_LABELS.items() <= LABELS.items()
    assert answers_of({"id": "x"}, pair=True) == PAIR_ANSWERS
    assert answers_of({"id": "x", "answers": ["1", "2"]}, pair=True) == ("1", "2")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ("", []),
        (True, []),
        ("one\n\ntwo\nstill two\r\n\r\nthree", ["one", "two\nstill two", "three"]),
        (["a\n\nb", " ", 3], ["a\n\nb", "3"]),
        (7, ["7"]),
    ],
)
def test_paragraphs(value, expected):
    assert paragraphs(value) == expected
    assert prose(value).count("<p ") == len(expected)


def test_the_wording_of_every_task_is_drawn_whole():
    for found in (*map(wording, STANDARDS), label_wording(("left", "right"))):
        assert paragraphs(list(found.codebook)) == list(found.codebook)


def test_opinions_are_counted_by_group_and_keep_their_colours():
    one = make_set("tunnel", [(HOSTILE, "rotten"), ("good", "fresh"), ("bad", "rotten")])
    text = opinions_html(one, ("fresh", "rotten"))
    assert text.index("1 of 3") < text.index("2 of 3") and HOSTILE not in text and "&lt;img" in text
    alone = make_set("tunnel", [("bad", "rotten")])
    colour = text.split(">rotten<")[0].rsplit("--g:", 1)[1][:7]
    assert f"--g:{colour}" in opinions_html(alone, ("fresh", "rotten"))
    assert "fresh" not in opinions_html(alone, ("fresh", "rotten"))
    unknown = opinions_html(make_set("t", [("x", "others")]), ())
    assert "others" in unknown and "1 of 1" in unknown


def test_texts_and_questions_are_escaped():
    assert HOSTILE not in texts_html(task(left=HOSTILE, right=HOSTILE))
    assert texts_html(task(right=None)).count("<section") == 1
    assert "(empty)" in texts_html(task(left="\n"))
    shown = question_html(HOSTILE, 1, 2, HOSTILE, True)
    assert HOSTILE not in shown and ">2</span>" in shown and "fp-here" in shown
    assert "fp-number" not in question_html("one", 0, 1, None, False)


def test_what_is_stored_is_told_to_who_comes_back():
    assert stored_sentence(3, 20, task()).startswith("Welcome back: 3 of 20 items are stored. It")
    assert "1 of 2 answers to this one" in stored_sentence(3, 20, task(answered={"fairer": "tie"}))


def test_questions_by_their_ids():
    public = {"questions": [{"id": "b", "text": "B?"}, {"id": "a", "text": "A?"}]}
    assert list(questions_of(public)) == ["b", "a"] and questions_of({}) == {}
