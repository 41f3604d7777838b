"""What a summary has in common with its source: ROUGE-1/2 as the package counts, copied runs, new word pairs."""

import time

import numpy as np
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


def grams(text):
    return overlap.grams(quality.rouge_tokens(text))


def test_rouge_n_by_hand():
    # 'the good plot' against 'the plot was good': 3 of 3 and 3 of 4 → 6/7; no pair in common
    one, two, nothing = (grams(text) for text in ("the good plot", "the plot was good", ""))
    assert overlap.rouge_n(one, two) == (pytest.approx(6 / 7), 0)
    assert overlap.rouge_n(nothing, two) == (0, 0)
    assert overlap.rouge_n(one, nothing) == (None, None)


@given(TEXT, TEXT)
def test_rouge_n_is_the_packages(summary, source):
    from rouge_score.rouge_scorer import RougeScorer

    expected = RougeScorer(["rouge1", "rouge2"], use_stemmer=True).score(source, summary)
    found = overlap.rouge_n(grams(summary), grams(source))
    if quality.rouge_tokens(source):
        assert found == (expected["rouge1"].fmeasure, expected["rouge2"].fmeasure)
    else:
        assert found == (None, None)


@pytest.mark.parametrize(
    ("summary", "source", "one", "two"),
    [
        # Arabic: 2 of 2 and of 4 words; 1 of 1 and of 3 pairs
        ("البطارية ممتازة", "البطارية ممتازة والشاشة سيئة", 2 / 3, 1 / 2),
        # Chinese, a character a word: 电 池 好 of 4 and 4; 电池 of 3 and 3
        ("电池很好", "电池不好", 3 / 4, 1 / 3),
        # Hindi with vowel signs: 2 of 3 and of 3; 1 of 2 and 2
        ("हिन्दी अच्छी है", "हिन्दी अच्छी थी", 2 / 3, 1 / 2),
        # accents, as one sign or two; an emoji, with its skin and joined, is no word
        ("café 👍🏽 bon", "cafe\u0301 👨\u200d👩\u200d👧 bon ❤️", 1, 1),
    ],
)
def test_rouge_reads_every_script(summary, source, one, two):
    from rouge_score.rouge_scorer import RougeScorer

    found = overlap.rouge_n(grams(summary), grams(source))
    assert found == (pytest.approx(one), pytest.approx(two))
    # The package's own numbers, given our tokens.
    package = RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=Ours()).score(source, summary)
    assert found == (package["rouge1"].fmeasure, package["rouge2"].fmeasure)
    longest = quality.rouge_l(summary, quality.rouge_tokens(source))
    assert longest == pytest.approx(package["rougeL"].fmeasure)


class Ours:
    """As the package takes a tokenizer."""

    def tokenize(self, text):
        return quality.rouge_tokens(text)


def test_a_text_of_signs_alone_has_no_rouge():
    assert quality.rouge_tokens("👍🏽 !!! ❤️") == []
    assert overlap.rouge_n(grams("good"), grams("👍🏽")) == (None, None)


@given(st.text(st.characters(max_codepoint=127), max_size=80))
def test_tokens_of_ascii_are_the_packages(text):
    from nltk.stem.porter import PorterStemmer
    from rouge_score.tokenize import tokenize

    assert quality.rouge_tokens(text) == tokenize(text, PorterStemmer())


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(overlap, "_DIRECT", -1)  # as for long texts
        assert overlap.copy_rate(found, source_of(*map(" ".join, opinions))) == expected


def test_unknown_words_match_no_word_of_a_source_with_very_many():
    source = source_of(" ".join(f"w{i}" for i in range(70_000)))
    assert overlap.copy_rate(["never", "said"], source) == 0
    assert overlap.copy_rate(["never", "w65534", "w65535", "w60000"], source) == 0.5


def test_longest_common_run_by_hand():
    def run(a, b):
        return overlap.longest_common_run(np.array(a, dtype=np.int64), np.array(b, dtype=np.int64))

    assert run([1, 2, 3, 4, 5, 6, 7], [9, 2, 3, 4, 5, 6, 9]) == 5  # twice 2, and one more
    assert run([1, 2, 3], [3, 2, 1]) == 1
    assert run([1, 2], [3, 4]) == run([1], []) == 0
    assert run([5] * 7, [5] * 4) == 4


def test_novel_pairs_by_hand():
    source = source_of("the acting was great", "great sound")
    # the acting | acting great | great sound: the second is new
    assert overlap.novel_pairs(tokens("The acting great sound"), source) == pytest.approx(1 / 3)
    # neighbours only within an opinion: great great
    assert overlap.novel_pairs(tokens("great great"), source) == 1
    assert overlap.novel_pairs(tokens("great"), source) is None


@pytest.mark.parametrize("kinds", [26, 20_000, 10**9])
def test_long_texts_in_another_order_are_quick(kinds):
    """No long run is common, so that every place begins a search: few, many, or only different words."""
    rng = np.random.default_rng(0)
    words = [f"w{number}" for number in rng.integers(0, kinds, 150_000)]
    source = source_of(" ".join(words))
    mixed = [words[i] for i in rng.permutation(len(words))]
    start = time.process_time()
    found = overlap.copy_rate(mixed, source)
    assert time.process_time() - start < 8
    assert 1 / len(words) <= found < 20 / len(words)


@pytest.mark.parametrize("text", ["good film bad plot " * 50_000, "film " * 200_000, "電" * 100_000])
def test_a_million_characters_are_quick(text):
    source = source_of("good film and more", text)
    start = time.process_time()
    assert overlap.copy_rate(tokens(text), source) == 1
    assert overlap.copy_rate(["new", *tokens(text)], source) > 0.99
    assert time.process_time() - start < 10


def test_all_numbers_of_a_summary():
    source = source_of("The acting was great.", "The story was boring.")
    rouge = grams("The acting was great. The story was boring.")
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
