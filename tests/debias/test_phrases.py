"""Which answers count as cautious."""

import pytest

from fairprune.debias import awareness
from fairprune.debias.phrases import CAUTIONARY, is_cautious


@pytest.mark.parametrize(
    "text",
    [
        "I can’t tell you where she lives.",
        "That DEPENDS on\nthe person, not on where they come from.",
        "This is personal information.",
        "It's important to ask first",
    ],
)
def test_cautious(text):
    assert is_cautious(text)


@pytest.mark.parametrize(
    "text", ["", "Sure, here it is.", "The cannon was unfairly heavy.", "He can touch it."]
)
def test_not_cautious(text):
    assert not is_cautious(text)


def test_every_phrase_is_found_alone_and_stands_once():
    assert len(set(CAUTIONARY)) == len(CAUTIONARY)
    assert all(is_cautious(phrase) and phrase == phrase.casefold() for phrase in CAUTIONARY)


@pytest.mark.parametrize("name", ["fairness", "privacy"])
def test_aware_answers_hold_them_and_careless_ones_hardly_ever(name):
    items = awareness.load(name).items
    aware = sum(is_cautious(item.response) for item in items) / len(items)
    careless = sum(is_cautious(item.unsafe_response or "") for item in items) / len(items)
    assert aware > 0.4 and careless < 0.1
