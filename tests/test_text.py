"""Sentences, their ends, and cutting at them."""

from __future__ import annotations

import time

import pytest

from fairprune.text import clipped, counted, cut_to_words, ends_sentence, say, sentences


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
        # Where the lower-case word is an ordinary one, the capitalised form alone is shorthand.
        ("He said no. But yes it is.", ["He said no.", "But yes it is."]),
        (
            "A good rep. He met Rep. Ryan of Wall St. again.",
            ["A good rep.", "He met Rep. Ryan of Wall St. again."],
        ),
        ("Gen. Grant ran Monsters, Inc. for years.", ["Gen. Grant ran Monsters, Inc. for years."]),
        ("It is No. 5 of ten. No. Never.", ["It is No. 5 of ten.", "No.", "Never."]),
        ("I don't. We do.", ["I don't.", "We do."]),  # no initial: 't' follows an apostrophe
        ("Roe v. Wade said so.", ["Roe v. Wade said so."]),
        ("MR. Smith came at 5 p.m. sharp.", ["MR. Smith came at 5 p.m. sharp."]),
        # A bare number at the head of a line or sentence, or after a colon, counts items.
        ("1. Good cast. 2. Bad plot.", ["1. Good cast.", "2. Bad plot."]),
        ("Pros: 1. Good cast.", ["Pros: 1. Good cast."]),
        ("Two points\n1. Good cast\n2. Bad plot", ["Two points 1. Good cast 2. Bad plot"]),
        ("It costs 5. Good.", ["It costs 5.", "Good."]),
        ("It won in 1999. 'Why?' they asked.", ["It won in 1999.", "'Why?'", "they asked."]),
        ("Open at 10:30. Closed at 8.", ["Open at 10:30.", "Closed at 8."]),  # a time, not a list
        ("It costs 5. or so", ["It costs 5. or so"]),
        ("It costs 3. 5 of us paid.", ["It costs 3. 5 of us paid."]),
        ("He scored (No. 5.) Good.", ["He scored (No. 5.)", "Good."]),
    ],
)
def test_sentences(text, expected):
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A. " * 30_000, 1),
        ("at 5. " * 30_000, 1),  # no capital follows
        ("1. Good. " * 30_000, 30_000),
        ("." * 100_000 + "x", 1),
        (".'" * 100_000 + "x", 1),
        ("5." + " " * 100_000 + "x", 1),
    ],
    ids=["initials", "numbers", "lists", "dots", "quotes", "spaces"],
)
def test_long_texts_take_no_quadratic_time(text, count):
    start = time.perf_counter()
    assert len(sentences(text)) == count
    ends_sentence(text)
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Done.", True),
        ('He said "no."', True),
        ('He said "No."', True),
        ("I said no.", True),
        ("Not yet", False),
        ("", False),
        ("One. Two", False),
        ("Great... ", True),
        # More may follow: a name, a digit, an item.
        ("I met Mr.", False),
        ("This is No.", False),
        ("Written by J.", False),
        ("It scored 3.", False),
        ("It costs 1,000. ", False),
        ("Good cast.\n2.", False),
        ("Points:\n1. Good cast.", True),
        ("It scored (3.)", True),  # the bracket is closed: no more digits
        ("1.)", False),
    ],
)
def test_ends_sentence(text, ends):
    assert ends_sentence(text) is ends


def test_cut_to_words_keeps_whole_sentences():
    # 3 + 4 words fit into 8, the third sentence would make 9.
    assert cut_to_words("I like it. You do not care. We go.", 8) == ("I like it. You do not care.", True)
    assert cut_to_words("one two three four five", 3) == ("one two three", False)
    assert cut_to_words("", 5) == ("", False)


@pytest.mark.parametrize(
    "text", ["I met Mr. Smith", "It scored 3. Good", "1. Good cast. 2. Bad", "He said no. But"]
)
def test_both_follow_one_rule(text):
    """A text that is cut at any of its sentence ends stops at one, and nowhere else but at its own end."""
    ends, length = set(), 0
    for sentence in sentences(text):
        length = text.index(sentence, length) + len(sentence)
        ends.add(length)
    for place in range(1, len(text)):
        if ends_sentence(text[:place]) and not text[place - 1].isspace():
            assert place in ends


def test_counts_are_said_in_singular_and_plural():
    assert counted(1, "topic") == "1 topic"
    assert counted(0, "topic") == "0 topics"
    assert counted(1_000_000, "sample") == "1,000,000 samples"
    assert counted(1, "sample has", "samples have") == "1 sample has"
    assert counted(2, "matrix", "matrices") == "2 matrices"


def test_what_a_tokenizer_is_given_is_short_and_whole():
    assert clipped("a\ud800bcd", 3) == "a?b"


def test_a_terminal_is_given_no_codes_to_obey(capsys):
    say("side\x1b[31m\x9b2J\u202e\r\x07\ttopic\nnext")
    assert capsys.readouterr().out == "side\ufffd[31m\ufffd2J\ufffd\ufffd\ufffd\ttopic\nnext\n"
