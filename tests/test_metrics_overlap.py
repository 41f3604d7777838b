"""What a summary has in common with its source: ROUGE-1/2 as the package counts, copied runs, new word pairs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairprune.metrics import overlap, quality
from fairprune.metrics.matchers.words import tokens
from fairprune.metrics.scoring.numbers import QUALITY, quality_numbers
from fairprune.opinions import Opinion, OpinionSet

WORDS = st.lists(
    st.sampled_from(["Films", "film", "great", "boring!", "the", "of", "acting", "éa"]), max_size=25
)
TEXT = WORDS.map(" ".join)


def source_of(*texts):
    opinions = tuple(Opinion(text, "fresh", "t", str(i)) for i, text in enumerate(texts))
    return overlap.read_tokens(OpinionSet("s", "t", "balanced", "fresh", opinions))


def copied(summary, *texts):
    return overlap.copy_rate(tokens(summary), source_of(*texts))


def test_rouge_n_by_hand():
    # 'the good plot' against 'the plot was good': 3 of 3 and 3 of 4 → 6/7; no pair in common
    one, two = (quality.rouge_tokens(text) for text in ("the good plot", "the plot was good"))
    assert overlap.rouge_n(one, two) == (pytest.approx(6 / 7), 0)
    assert overlap.rouge_n([], two) == (0, 0)
    assert overlap.rouge_n(one, []) == (None, None)


@given(TEXT, TEXT)
def test_rouge_n_is_the_packages(summary, source):
    from rouge_score.rouge_scorer import RougeScorer

    expected = RougeScorer(["rouge1", "rouge2"], use_stemmer=True).score(source, summary)
    found = overlap.rouge_n(quality.rouge_tokens(summary), quality.rouge_tokens(source))
    if quality.rouge_tokens(source):
        assert found == (expected["rouge1"].fmeasure, expected["rouge2"].fmeasure)
    else:
        assert found == (None, None)


def test_copied_by_hand():
    # 'the acting was great' of 6 words
    assert copied("Critics: the acting was great today", "The acting was great, really.") == 4 / 6
    assert copied("The acting was great.", "THE acting -- was great!") == 1
    assert copied("Nothing alike", "The acting was great.") == 0
    assert copied("", "The acting was great.") is None
    assert copied("…", "The acting was great.") is None
    assert copied("word", "") == 0


def test_no_run_goes_over_the_end_of_an_opinion():
    # 'acting great' stands in neither: the longest run has one word of two
    assert copied("acting great", "the acting", "great sound") == 0.5


@given(WORDS, st.lists(WORDS, min_size=1, max_size=3))
def test_copied_is_the_longest_common_run(summary, opinions):
    found = tokens(" ".join(summary))
    sources = [tokens(" ".join(opinion)) for opinion in opinions]
    runs = {
        end - start
        for start in range(len(found))
        for end in range(start + 1, len(found) + 1)
        if any(
            source[i : i + end - start] == found[start:end] for source in sources for i in range(len(source))
        )
    }
    expected = max(runs, default=0) / len(found) if found else None
    assert overlap.copy_rate(found, source_of(*map(" ".join, opinions))) == expected


def test_novel_pairs_by_hand():
    source = source_of("the acting was great", "great sound")
    # the acting | acting great | great sound: the second is new
    assert overlap.novel_pairs(tokens("The acting great sound"), source) == pytest.approx(1 / 3)
    # neighbours only within an opinion: great great
    assert overlap.novel_pairs(tokens("great great"), source) == 1
    assert overlap.novel_pairs(tokens("great"), source) is None


@pytest.mark.parametrize("text", ["good film bad plot " * 50_000, "film " * 200_000, "電" * 100_000])
def test_a_million_characters_are_quick(text):
    source = source_of("good film and more", text)
    start = time.perf_counter()
    assert overlap.copy_rate(tokens(text), source) == 1
    assert overlap.copy_rate(["new", *tokens(text)], source) > 0.99
    assert time.perf_counter() - start < 10


def test_all_numbers_of_a_summary():
    source = source_of("The acting was great.", "The story was boring.")
    rouge = quality.rouge_tokens("The acting was great. The story was boring.")
    found = quality_numbers("The acting was great.", rouge, source, True)
    assert tuple(found) == QUALITY
    # 4 of 4 and 4 of 8 tokens → 2/3; pairs 3 of 3 and 3 of 7 → .6
    assert found["rouge_1"] == found["rouge_l"] == pytest.approx(2 / 3)
    assert found["rouge_2"] == pytest.approx(0.6)
    assert (found["words"], found["empty"], found["copied"], found["novel"]) == (4, 0, 1, 0)
    assert (found["repetition"], found["truncated"]) == (0, 1)
    empty = quality_numbers("", rouge, source, None)
    assert (empty["rouge_1"], empty["words"], empty["empty"]) == (0, 0, 1)
    assert {name for name, number in empty.items() if number is None} == {
        "repetition",
        "copied",
        "novel",
        "truncated",
    }
