"""Quality numbers, degenerate summaries, the random extract."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairprune.errors import BadInput
from fairprune.metrics import quality
from fairprune.metrics.matchers.words import content_stems
from fairprune.metrics.references import random_extract
from fairprune.opinions import Opinion, OpinionSet


def test_repetition():
    # a b c d a b c d: 4-grams abcd bcda cdab dabc abcd: 5, of which 4 differ
    assert quality.repetition("a b c d A b c d") == pytest.approx(1 / 5)
    assert quality.repetition("a b c d e") == 0
    assert quality.repetition("one two three") is None
    # 10 times the same word: 7 4-grams, 1 differs
    assert quality.repetition("good " * 10) == pytest.approx(6 / 7)


def test_rouge_l_by_hand():
    # common "the plot bore": 3 of 4 and 3 of 5 → 2 · .75 · .6 / 1.35
    source = quality.rouge_tokens("the plot was really boring")
    assert quality.rouge_l("the good plot bores", source) == pytest.approx(2 * 0.75 * 0.6 / 1.35)
    assert quality.rouge_l("", source) == 0
    assert quality.rouge_l("电池", []) is None


TEXT = st.lists(
    st.sampled_from(["Films", "film", "great", "boring!", "the", "of", "acting", "éa"]), max_size=30
).map(" ".join)


@given(TEXT, TEXT)
def test_rouge_l_is_the_packages(summary, source):
    from rouge_score.rouge_scorer import RougeScorer

    expected = RougeScorer(["rougeL"], use_stemmer=True).score(source, summary)["rougeL"].fmeasure
    tokens = quality.rouge_tokens(source)
    assert quality.rouge_l(summary, tokens) == (pytest.approx(expected) if tokens else None)


def test_rouge_l_of_very_long_texts_is_quick():
    tokens = quality.rouge_tokens("good film bad plot " * 5000)
    start = time.perf_counter()
    assert quality.rouge_l("good film bad plot " * 5000, tokens) == 1
    assert time.perf_counter() - start < 5


@given(st.lists(st.integers(0, 5), max_size=40), st.lists(st.integers(0, 5), max_size=40))
def test_longest_common_subsequence_is_the_tables(a, b):
    a, b = [str(one) for one in a], [str(one) for one in b]
    row = [0] * (len(b) + 1)
    for one in a:
        last, row = row, [0]
        for j, other in enumerate(b):
            row.append(last[j] + 1 if one == other else max(row[j], last[j + 1]))
    assert quality.longest_common_subsequence(a, b) == row[-1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quality, "_LONG", 0)
        assert quality.longest_common_subsequence(a, b) == row[-1]


@pytest.mark.parametrize("kinds", [50, 20_000, 10**9])
def test_long_texts_in_another_order_are_quick(kinds):
    rng = np.random.default_rng(0)
    words = [str(number) for number in rng.integers(0, kinds, 100_000)]
    mixed = [words[i] for i in rng.permutation(len(words))]
    start = time.process_time()
    assert 0 < quality.longest_common_subsequence(mixed, words) < 50_000
    assert time.process_time() - start < 8


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("", [quality.EMPTY]),
        ("   ", [quality.EMPTY]),
        ("Great acting here.", [quality.TOO_SHORT]),
        ("great acting " * 8, [quality.REPEATS]),
        ("Nothing that anybody ever wrote down.", [quality.NO_COMMON]),
        ("bla", [quality.TOO_SHORT, quality.NO_COMMON]),
        ("The acting is great and the plot works.", []),
    ],
)
def test_degenerate_reasons(text, reasons):
    source = frozenset(content_stems("great acting, weak plot"))
    assert quality.degenerate_reasons(text, source) == reasons


def long_set(number=0):
    texts = [f"Opinion {i} has exactly six words." for i in range(8)]
    return OpinionSet(f"id{number}", "t", "balanced", "a", tuple(Opinion(t, "a", "t") for t in texts))


@pytest.mark.parametrize(
    ("length", "n_words"), [(12, 12), (14, 12), (16, 18), (6, 6), (4, 4), (1, 1), (1000, 48)]
)
def test_random_extract_comes_nearest_to_the_length(length, n_words):
    assert len(random_extract(long_set(), length, 0).split()) == n_words


def test_random_extract_is_seeded_and_differs_between_sets():
    assert random_extract(long_set(), 12, 0) == random_extract(long_set(), 12, 0)
    assert len({random_extract(long_set(n), 12, 0) for n in range(10)}) > 1
    assert len({random_extract(long_set(), 12, seed) for seed in range(10)}) > 1


def test_random_extract_counts_ideographs_as_words():
    # sentences of 4 ideographs each: two of them are as long as a summary of 8
    opinions = tuple(Opinion("电影很好。", "a", "t") for _ in range(5))
    assert random_extract(OpinionSet("x", "t", "balanced", "a", opinions), 8, 0) == "电影很好。 电影很好。"


def test_random_extract_without_a_length():
    with pytest.raises(BadInput, match="an extract of 0 words cannot be drawn: ask for at least 1"):
        random_extract(long_set(), 0, 0)


def test_random_extract_of_nothing():
    assert random_extract(OpinionSet("x", "t", "balanced", "a", (Opinion(" ", "a", "t"),)), 5, 0) is None
