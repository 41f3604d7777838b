"""Folding, cutting, dropping and counting of opinions."""

from __future__ import annotations

from collections import Counter

import pytest

from fairprune.corpora.build import (
    CUT_INSIDE,
    DOUBLE,
    TWO_SPLITS,
    assemble,
    clean,
    fold,
    merge_topics,
    seeded_key,
)
from fairprune.opinions import CorpusInfo, Opinion, Split


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


def texts(topic: str, *numbers: int) -> list[Opinion]:
    return [Opinion(f"This is long text number {i}.", "a", topic, source=f"{topic} {i}") for i in numbers]


def names(opinions: list[Opinion]) -> Counter[str]:
    return Counter(opinion.topic for opinion in opinions)


def test_topics_that_share_three_long_texts_are_one() -> None:
    rows = [*texts("la mer", 1, 2, 3, 4), *texts("the sea", 2, 3, 4, 5), *texts("sky", 4, 5)]
    dropped: Counter[str] = Counter()
    kept = merge_topics(rows, dropped)
    # 2, 3 and 4 stand under both names of the film: one each stays. The sky shares two texts with it: a film of
    # its own.
    assert names(kept) == {"la mer": 5, "sky": 2}
    assert dropped == {DOUBLE: 3}
    assert [o.source for o in kept if o.text.endswith("3.")] == ["la mer 3"]


def test_names_of_one_topic_form_chains_in_any_order() -> None:
    # c–b share 1 2 3 and b–a share 4 5 6: all are a, though c and a share nothing.
    parts = [texts("c", 1, 2, 3), texts("b", 1, 2, 3, 4, 5, 6), texts("a", 4, 5, 6)]
    for order in (parts, parts[::-1]):
        kept = merge_topics([row for part in order for row in part], Counter())
        assert names(kept) == {"a": 6}
        assert len({opinion.text for opinion in kept}) == 6


def test_short_texts_join_no_topics() -> None:
    rows = [Opinion(f"A fine film {i}", "a", topic) for topic in "xy" for i in range(9)]  # four words each
    dropped: Counter[str] = Counter()
    assert merge_topics(rows, dropped) == rows
    assert not dropped


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [("test", "calibration", "test"), ("train", "test", "test"), ("calibration", "train", "calibration")],
)
def test_a_long_text_stays_in_one_split(first: Split, second: Split, stays: Split) -> None:
    of_topic: dict[str, Split] = {"x": first, "y": second}
    short = [Opinion("A fine film.", "a", topic) for topic in "xy"]
    rows = [*texts("x", 1, 2), *texts("y", 2, 3), *short]
    info = CorpusInfo("c", "C", ("a", "b"), "review", "p", "s")
    corpus = assemble(info, rows, lambda opinion: of_topic[opinion.topic], {DOUBLE: 4})
    assert dict(corpus.dropped) == {DOUBLE: 4, TWO_SPLITS: 1}
    where = {opinion.text: split for split, found in corpus.splits.items() for opinion in found}
    assert where["This is long text number 2."] == stays
    assert sum(map(len, corpus.splits.values())) == 5  # both short ones stay


def test_copies_within_a_split_stay() -> None:
    info = CorpusInfo("c", "C", ("a", "b"), "review", "p", "s")
    corpus = assemble(info, [*texts("x", 1), *texts("y", 1)], lambda _: "test", {})
    assert (len(corpus.splits["test"]), corpus.dropped) == (2, ())
