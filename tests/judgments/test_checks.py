"""Practice, comprehension and attention items: their right answer follows from how they are made."""

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.checks import (
    ASKED_FOR,
    ASKED_FOR_LABELS,
    attention,
    comprehension,
    label_practice,
    practice,
)
from fairprune.judgments.labelling import LABEL
from fairprune.judgments.votes import BETTER, FAIRER
from fairprune.judgments.wording import STANDARDS, label_wording, wording
from fairprune.opinions import Opinion, OpinionSet


def make(key: str, *groups: str) -> OpinionSet:
    opinions = tuple(Opinion(f"{group} says {i}", group, "films") for i, group in enumerate(groups))
    return OpinionSet(key, "films", "mixed", groups[0], opinions)


SKEWED = make("s", *["like"] * 6, *["dislike"] * 2)


def shares(text: str) -> dict[str, int]:
    sentences = [part for part in text.split(".") if part.strip()]
    return {g: sum(s.strip().startswith(f"{g} says") for s in sentences) for g in ("like", "dislike")}


def test_practice_by_the_standard():
    (proportional,) = practice([SKEWED], "proportional", 1)
    (equal,) = practice([SKEWED], "equal", 1)
    # six of eight like it: three of four places, or two
    assert shares(proportional.b.text) == {"like": 3, "dislike": 1}
    assert shares(equal.b.text) == {"like": 2, "dislike": 2}
    for one in (proportional, equal):
        assert shares(one.a.text) == {"like": 4, "dislike": 0}
        assert one.expected == {FAIRER: ("b",)} and one.kind == "practice" and one.set_id == "s"
        assert one.explanation and one.prompt == ""


def test_sets_that_teach_nothing_are_passed_over():
    one_group = make("o", *["like"] * 4)
    # seven of eight: three of four places are as far from it as all four
    nearly = make("n", *["like"] * 7, "dislike")
    assert [one.set_id for one in practice([one_group, nearly, SKEWED], "proportional", 1)] == ["s"]
    with pytest.raises(
        BadInput, match="2 practice items cannot be made: several groups have opinions in 1 set only"
    ):
        practice([one_group, SKEWED], "equal", 2)
    assert practice([], "equal", 0) == []


@pytest.mark.parametrize("standard", STANDARDS)
def test_the_comprehension_item_names_no_side_because_sides_are_drawn(standard):
    one = comprehension(wording(standard))
    words = wording(standard).comprehension
    right = {"a": one.a, "b": one.b}[one.expected[FAIRER][0]]
    assert right.text == {"left": words.left, "right": words.right}[words.expected]
    for text in (one.prompt, one.a.text, one.b.text, one.explanation):
        assert not {"A", "B", "A:", "B:", "left", "right"} & set(text.split())
    assert one.set_id is None


def test_attention_items_ask_for_answers_in_turn_and_come_evenly():
    found = attention([SKEWED], (FAIRER, BETTER), 3, 12)
    assert [one.after for one in found] == [3, 6, 9]
    assert [one.expected[FAIRER] for one in found] == [(answer,) for answer in ASKED_FOR]
    for one, words in zip(found, ASKED_FOR.values(), strict=True):
        assert set(one.expected) == {FAIRER, BETTER}
        assert f"please answer “{words}”" in one.b.text and "please" not in one.a.text
    assert [one.after for one in attention([SKEWED], (FAIRER,), 2, 2)] == [1, 1]
    with pytest.raises(BadInput, match="3 attention items do not fit among 2 items of a judge"):
        attention([SKEWED], (FAIRER,), 3, 2)
    assert attention([], (FAIRER,), 0, 5) == []


def test_labels_are_practised_on_a_group_on_several_and_on_none():
    one, several, none, again = label_practice([make("o", "like"), SKEWED], 4)
    assert [item.expected for item in (one, several, none)] == [
        {LABEL: ("like",)},
        {LABEL: ("mixed",)},
        {LABEL: ("none",)},
    ]
    assert one.a.text == "like says 0." and one.b is None
    assert several.a.text == "Some say: “like says 0.” Others say: “dislike says 6.”"
    assert none.a.text == "These are 8 opinions on films."
    assert (
        all(item.explanation and item.set_id == "s" for item in (one, several, none))
        and again.a.text == one.a.text
    )
    with pytest.raises(BadInput, match="no set has opinions of several groups"):
        label_practice([make("o", "like")], 1)
    assert label_practice([], 0) == []


def test_a_sentence_asks_for_a_label_and_its_comprehension_shows_one_text():
    found = attention([SKEWED], (LABEL,), 3, 12, ASKED_FOR_LABELS)
    assert [one.expected for one in found] == [{LABEL: ("none",)}, {LABEL: ("mixed",)}, {LABEL: ("none",)}]
    assert [one.after for one in found] == [3, 6, 9] and all(one.b is None for one in found)
    # whoever answers by the opinion itself, and does not read on, is found
    assert found[0].a.text.startswith("like says 0. ") and "please answer “No group”" in found[0].a.text
    one = comprehension(label_wording(("like", "dislike")))
    assert one.b is None and one.expected == {LABEL: ("mixed",)} and one.set_id is None
