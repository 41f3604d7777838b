"""Folding, cutting, dropping and counting of opinions."""

from __future__ import annotations

from collections import Counter

from fairprune.corpora.build import CUT_INSIDE, clean, fold, seeded_key
from fairprune.opinions import Opinion


def test_fold_keeps_the_separator_of_the_prompt_out() -> None:
    assert fold(" good\n\t||  bad ||| ugly") == "good | bad | ugly"


def test_clean_counts_all_that_it_leaves_out() -> None:
    long = " ".join(["word"] * 45)  # one sentence of 45 words: cut to 40, kept
    two = "One two three. " + " ".join(["more"] * 39) + "."  # 3 + 39 > 40 words: the first sentence alone
    rows = [
        Opinion("  Good   film. ", "a", "t"),
        Opinion("Good film.", "b", "t"),  # the same words in the same topic, whatever the group
        Opinion("Good film.", "a", "u"),  # another topic
        Opinion(" \n", "a", "t"),
        Opinion("No.", "a", "t"),
        Opinion(long, "a", "t"),
        Opinion(two, "a", "t"),
    ]
    dropped: Counter[str] = Counter()
    kept = clean(rows, dropped, min_words=2)
    assert [opinion.text for opinion in kept] == [
        "Good film.",
        "Good film.",
        " ".join(["word"] * 40),
        "One two three.",
    ]
    assert dropped == {
        "same text twice in a topic": 1,
        "empty text": 1,
        "fewer than 2 words": 1,
        CUT_INSIDE: 1,
    }


def test_seeded_key_keeps_parts_apart() -> None:
    assert seeded_key("ab", "c") != seeded_key("a", "bc")
