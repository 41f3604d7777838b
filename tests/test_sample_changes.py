"""Numbers of one sample with their signs and words, and word-level differences."""

import time

import pytest

from fairprune.sample_changes import MOST_WORDS, deltas, heard, vanished, word_changes

SPACE = "\N{NO-BREAK SPACE}"
GROUPS = ("fresh", "rotten")


def one(**more):
    return {
        "bur": 0,
        "uer": 0.125,
        "spd2": 0.1,
        "p_x": {"fresh": 0.5, "rotten": 0.5},
        "coverage": {"fresh": 0.5, "rotten": 0.25},
        "rouge_l": 0.2,
        "unscored": None,
        **more,
    }


def told(dense, pruned):
    return {delta.name: delta for delta in deltas({"dense": dense, "pruned": pruned}, GROUPS)}


def test_every_change_has_sign_unit_and_word():
    found = told(
        one(), one(bur=1, uer=0.25, spd2=-0.3, coverage={"fresh": 0.75, "rotten": 0.0}, rouge_l=0.175)
    )
    shown = {name: (d.before, d.after, d.change, d.words, d.tone) for name, d in found.items()}
    assert shown == {
        "BUR": ("fair", "unfair", "+1", "became unfair", "worse"),
        "UER": (f"12.5{SPACE}%", f"25.0{SPACE}%", "+12.5 points", "less fair", "worse"),
        # |−0.30| − |0.10| = 0.2: further from 0
        "SPD2": ("+0.10", "−0.30", "−0.40", "further from 0, less fair", "worse"),
        "Covered, fresh": (
            f"50.0{SPACE}%",
            f"75.0{SPACE}%",
            "+25.0 points",
            "more of its opinions heard",
            "better",
        ),
        "Covered, rotten": (
            f"25.0{SPACE}%",
            f"0.0{SPACE}%",
            "−25.0 points",
            "fewer of its opinions heard",
            "worse",
        ),
        "ROUGE-L": (f"20.0{SPACE}%", f"17.5{SPACE}%", "−2.5 points", "fewer of the opinions' words", "worse"),
    }


def test_the_other_way_round_is_better():
    found = told(one(bur=1, uer=0.25, spd2=-0.3), one())
    assert found["BUR"].words == "became fair" and found["BUR"].change == "−1"
    assert (found["UER"].change, found["UER"].tone) == ("−12.5 points", "better")
    assert found["SPD2"].words == "nearer to 0, fairer"


def test_no_change_and_a_turned_sign():
    found = told(one(), one(spd2=-0.1))
    assert {found[name].words for name in ("BUR", "UER", "ROUGE-L")} == {"no change"}
    assert found["SPD2"].words == "as far from 0, on the other side" and found["SPD2"].tone == "same"


def test_missing_numbers_say_why_and_are_no_zero():
    found = told(one(bur=None, uer=None, unscored="no match"), one())
    assert (
        found["UER"].tone == "missing"
        and found["UER"].words == "dense: no match"
        and found["UER"].before == "–"
    )
    assert told(one(), None)["BUR"].words == "pruned: no summary"
    old = told(one(coverage=None), one(coverage=None))
    assert old["Covered, fresh"].words == "not computed" and old["Covered, fresh"].change == ""


def test_a_group_without_opinions_has_no_coverage_row():
    assert "Covered, rotten" not in told(one(p_x={"fresh": 1.0}), one(p_x={"fresh": 1.0}))


def test_a_vanished_group_was_heard_before():
    sample = {"dense": one(), "pruned": one(coverage={"fresh": 0.5, "rotten": 0.0})}
    assert vanished(sample) == ["rotten"]
    never = {
        "dense": one(coverage={"fresh": 0.5, "rotten": 0.0}),
        "pruned": one(coverage={"fresh": 0.0, "rotten": 0.0}),
    }
    assert vanished(never) == ["fresh"]
    assert vanished({"dense": one(coverage=None), "pruned": one()}) == [] and vanished({"dense": one()}) == []


def test_heard_counts_distinct_opinions():
    sample = {"dense": {"evidence": [[[0, 0.9], [2, 0.6]], [[0, 0.7]], []]}, "pruned": {"evidence": None}}
    assert heard(sample, "dense") == 2 and heard(sample, "pruned") is None


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("a b c.", ["a b c."], [[("=", "a b c. ")]]),
        ("a b c.", ["a x c."], [[("=", "a "), ("-", "b "), ("+", "x "), ("=", "c. ")]]),
        # a whole sentence gone: its words stand where the next one begins
        ("One. Two. Three.", ["One.", "Three."], [[("=", "One. ")], [("-", "Two. "), ("=", "Three. ")]]),
        ("One. Two.", ["One."], [[("=", "One. "), ("-", "Two. ")]]),
        ("", ["New words."], [[("+", "New words. ")]]),
        # signs of scripts without spaces are words of their own
        ("这部电影很好", ["这部片很好"], [[("=", "这部"), ("-", "电影"), ("+", "片"), ("=", "很好")]]),
        ("شاهدت الفيلم", ["شاهدت المسرح"], [[("=", "شاهدت "), ("-", "الفيلم "), ("+", "المسرح ")]]),
        ("<b>x</b> y", ["<b>x</b> z"], [[("=", "<b>x</b> "), ("-", "y "), ("+", "z ")]]),
    ],
)
def test_word_changes(before, after, changes):
    assert word_changes(before, after) == changes


def test_kept_and_inserted_words_are_the_summary_and_kept_and_deleted_ones_the_dense_one():
    before, after = (
        "The plot is dull. I liked 音楽 a lot!",
        ["The long plot is dull.", "音声 a lot, I liked!"],
    )
    found = word_changes(before, after)
    assert found is not None
    pieces = [piece for row in found for piece in row]
    assert "".join(text for kind, text in pieces if kind != "-").split() == " ".join(after).split()
    kept = "".join(text for kind, text in pieces if kind != "+")
    assert "".join(kept.split()) == "".join(before.split())


def test_long_texts_are_refused_and_repeating_ones_are_fast():
    assert word_changes("a " * (MOST_WORDS + 1), ["a."]) is None
    assert word_changes("a", []) is None
    start = time.monotonic()
    assert word_changes("the cat " * 900, [("cat the a " * 600).strip()]) is not None
    assert time.monotonic() - start < 5
