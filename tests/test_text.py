"""Sentences, their ends, and cutting at them."""

from __future__ import annotations

import time

import pytest

from fairprune.text import cut_to_words, ends_sentence, sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Smith liked it. I did not! Why", ["Mr. Smith liked it.", "I did not!", "Why"]),
        ("Great... really great. 'Wow!' she said.", ["Great...", "really great.", "'Wow!'", "she said."]),
        ("It costs 3.50 and it is worth it.", ["It costs 3.50 and it is worth it."]),
        ("J. R. R. Tolkien wrote it. Good.", ["J. R. R. Tolkien wrote it.", "Good."]),
        ("", []),
        ("  \n ", []),
        ("好的。 不好。", ["好的。", "不好。"]),
    ],
)
def test_sentences(text, expected):
    assert sentences(text) == expected


def test_long_texts_of_abbreviations_take_no_quadratic_time():
    start = time.perf_counter()
    assert len(sentences("A. " * 30_000)) == 1
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("text", "ends"),
    [("Done.", True), ('He said "no."', True), ("Not yet", False), ("", False), ("One. Two", False)],
)
def test_ends_sentence(text, ends):
    assert ends_sentence(text) is ends


def test_cut_to_words_keeps_whole_sentences():
    # 3 + 4 words fit into 8, the third sentence would make 9.
    assert cut_to_words("I like it. You do not care. We go.", 8) == ("I like it. You do not care.", True)
    assert cut_to_words("one two three four five", 3) == ("one two three", False)
    assert cut_to_words("", 5) == ("", False)
