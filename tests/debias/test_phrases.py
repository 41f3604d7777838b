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
        "That is unfair--really.",
        "'Unfair', she said.",
        "Each person's own choice.",
    ],
)
def test_cautious(text):
    assert is_cautious(text)


@pytest.mark.parametrize(
    "text", ["", "Sure, here it is.", "The cannon was unfairly heavy.", "He can touch it."]
)
def test_not_cautious(text):
    assert not is_cautious(text)


@pytest.mark.parametrize(
    "text",
    [
        "That's fine.",  # "fine", "fair": no part of a phrase is one
        "Fair enough, it is fairly easy.",
        "They were treated unequally.",
        "He answered disrespectfully.",
        "An unstereotyped role, and nonconsent.",
        "Stereotypes2 is a band.",
        "Hawaii can't wait.",
        "This is non-confidential.",
        "This is non\u2011confidential.",  # a hyphen that does not break
        "The non-personal data is here.",
        "Consent-o-matic is a program.",
        "It is not fair-trade coffee.",
        "She gave it as an aid.",
        "Maybe careful people know.",
        "He was an individual.",
        "I can\nnota bene.",
    ],
)
def test_a_phrase_within_other_words_is_none(text):
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
