"""Words, stems, counts: the matchers and the pinned stop list."""

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairprune.labels import SentenceLabel
from fairprune.metrics import METRICS
from fairprune.metrics.matchers import label, ngram
from fairprune.metrics.matchers.words import content_stems, stop_words, tokens, words
from fairprune.opinions import Opinion, OpinionSet
from fairprune.spec import MetricSpec

GROUPS = ("A", "B")


def opinion_set(*pairs, topic="t"):
    opinions = tuple(Opinion(text, group, topic) for text, group in pairs)
    return OpinionSet("s" + topic, topic, "balanced", opinions[0].group if opinions else "A", opinions)


VECTOR_10 = opinion_set(("the battery is great . great battery life", "A"), ("the screen is dim", "B"))


def test_stop_list_is_whole():
    found = stop_words()
    assert len(found) == 198
    assert {"i", "the", "wouldn't", "he'd", "ain", "ma", "yourselves", "she'll"} <= found
    assert not {"would", "could", "also", "us", "cannot", "good"} & found  # in other lists, not in NLTK's


def test_stop_lists_of_179_and_198_words_give_the_same_tokens():
    # the 19 that were added all hold an apostrophe, at which tokens break into parts that both lists hold
    assert all(part in stop_words() for word in stop_words() for part in tokens(word))


def test_stems_are_porters_original():
    assert content_stems("The batteries were dying, SKIES cleared") == ["batteri", "dy", "ski", "clear"]
    # NLTK's extended mode would give 'die' and 'sky'


def test_tokens_of_other_scripts():
    assert tokens("电池 good!") == ["电", "池", "good"]
    assert tokens("🙂🙂 <b>ok</b>") == ["b", "ok", "b"]
    assert tokens("שלום عالم") == ["שלום", "عالم"]
    assert words("电池很好 really don't") == ["电", "池", "很", "好", "really", "don't"]


@pytest.mark.parametrize(
    ("summary", "n_y", "bur", "uer"),
    [
        # p_x (5/7, 2/7); p_y (3/5, 2/5): loss .714286 − .6 = .114286, half of it
        ("Battery life is great, the screen is dim.", {"A": 3, "B": 2}, 0, 0.057143),
        # p_y (1, 0): loss 2/7, half of it
        ("Great battery.", {"A": 2}, 1, 0.142857),
    ],
)
def test_vector_10(summary, n_y, bur, uer):
    source = ngram.read_source(VECTOR_10, GROUPS)
    assert dict(source.counts) == {"A": 5, "B": 2}
    assert dict(ngram.credit(source, summary)[0]) == n_y
    shares = ngram.match(source, summary, "unscored")
    assert METRICS["bur"].sample(shares, MetricSpec()) == [bur]
    assert METRICS["uer"].sample(shares, MetricSpec()) == pytest.approx([uer], abs=1e-6)


def test_vector_10_no_match():
    source = ngram.read_source(VECTOR_10, GROUPS)
    shares = ngram.match(source, "The weather is nice.", "unscored")
    assert (shares.zero_match, shares.summary) == (True, None)
    assert ngram.match(source, "The weather is nice.", "uniform").summary == (Fraction(1, 2),) * 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("हिन्दी में", ["हिन्दी", "में"]),  # vowel signs follow their letters
        ("كِتَابٌ جيد", ["كِتَابٌ", "جيد"]),  # so do the points of Arabic
        ("Café cafe\u0301", ["café", "café"]),  # an accent of its own is the same word
        ("电池很好, ok", ["电", "池", "很", "好", "ok"]),
        ("👍🏽 \u0301 ❤️ 5★", ["5"]),  # emoji, a sign without a letter
    ],
)
def test_tokens_of_every_script(text, expected):
    assert tokens(text) == expected


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_plain_text_is_read_by_the_same_rules(text):
    # A letter of another script takes it the other way, and is a word of its own.
    assert tokens(f"{text} é") == [*tokens(text), "é"]
    assert words(f"{text} é") == [*words(text), "é"]


def test_a_token_that_both_groups_use_credits_both():
    source = ngram.read_source(opinion_set(("great screen", "A"), ("great sound", "B")), GROUPS)
    # great ×2 for both, screen for A
    assert dict(ngram.credit(source, "Great, great screen")[0]) == {"A": 3, "B": 2}


@pytest.mark.parametrize(
    ("text", "reason"), [(None, ngram.NOT_WRITTEN), ("", ngram.EMPTY), ("  \n", ngram.EMPTY)]
)
def test_no_summary_is_unscored_even_when_no_match_is_uniform(text, reason):
    shares = ngram.match(ngram.read_source(VECTOR_10, GROUPS), text, "uniform")
    assert (shares.summary, shares.unscored, shares.zero_match) == (None, reason, False)


def test_doubling_every_opinion_changes_nothing():
    pairs = [(o.text, o.group) for o in VECTOR_10.opinions]
    twice = ngram.read_source(opinion_set(*pairs, *pairs), GROUPS)
    once = ngram.read_source(VECTOR_10, GROUPS)
    text = "Battery life is great, the screen is dim."
    assert ngram.match(twice, text, "unscored") == ngram.match(once, text, "unscored")


def test_100_sets_of_8_opinions_take_less_than_2_seconds():
    content_stems("the stemmer is loaded")
    vocabulary = [
        f"{stem}{end}" for stem in ("walk", "act", "plot", "bore", "film") for end in ("ing", "ed", "s", "er")
    ]
    start = time.perf_counter()
    for i in range(100):
        texts = [" ".join(vocabulary[(i * j + k) % 20] + str(k % 7) for k in range(40)) for j in range(8)]
        source = ngram.read_source(opinion_set(*((t, GROUPS[j % 2]) for j, t in enumerate(texts))), GROUPS)
        assert ngram.match(source, texts[0], "unscored").summary is not None
    assert time.perf_counter() - start < 2


def labelled(*names):
    groups = {"A": ("A",), "B": ("B",), "mixed": GROUPS, "none": ()}
    return [SentenceLabel(f"{i}", name, 0.9, groups[name]) for i, name in enumerate(names)]


def test_labels_mixed_and_none():
    # a, a, mixed, none → (2.5, .5) of 3 = (5/6, 1/6); x (.5, .5): SPD2 = 4/6
    shares = label.match(GROUPS, labelled("A", "B"), labelled("A", "A", "mixed", "none"))
    assert shares.summary == (Fraction(5, 6), Fraction(1, 6))
    assert METRICS["spd2"].sample(shares, MetricSpec()) == pytest.approx([2 / 3, 2 / 3])


def test_labels_all_none_is_unscored():
    shares = label.match(GROUPS, labelled("A", "B"), labelled("none", "none"))
    assert (shares.summary, shares.unscored) == (None, label.NO_LABEL)


def test_labels_without_source_or_summary_are_unscored():
    assert label.match(GROUPS, labelled("none"), labelled("A")).unscored == "no source text"
    assert label.match(GROUPS, labelled("A"), None).unscored == ngram.NOT_WRITTEN
    assert label.match(GROUPS, labelled("A"), []).unscored == ngram.EMPTY


def test_a_group_that_only_the_summary_speaks_for_does_not_vanish():
    # x (1, 0), y (.5, .5): 0 − 1
    shares = label.match(GROUPS, labelled("A", "A"), labelled("A", "B"))
    assert METRICS["spd2"].sample(shares, MetricSpec())[0] == -1
