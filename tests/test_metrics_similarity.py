"""Shares from similarities: the softmax, the embedding matcher, and labelled sentences against source tokens."""

import math
from fractions import Fraction

import numpy as np
import pytest

from fairprune.errors import NumericError
from fairprune.labels import SentenceLabel
from fairprune.metrics.matchers import base, embedding, label, ngram
from fairprune.metrics.matchers.base import EMPTY, NO_WORDS, NOT_WRITTEN, from_similarities, softmax
from fairprune.metrics.shares import NO_SOURCE
from fairprune.opinions import Opinion, OpinionSet

GROUPS = ("A", "B", "C")


def source(*pairs):
    opinions = tuple(Opinion(text, group, "t") for text, group in pairs)
    return ngram.read_source(OpinionSet("s", "t", "balanced", "A", opinions), GROUPS)


TWO = source(("good picture", "A"), ("bad sound", "B"))
AXES = {"good picture": (1, 0), "bad sound": (0, 1), "Good.": (0.8, 0.6), "Bad.": (0.6, 0.8), "Odd.": (-1, 0)}


def embed(texts):
    return np.array([AXES[text] for text in texts], dtype=np.float32)


@pytest.mark.parametrize(
    ("temperature", "shares"),
    [
        # e^3 / (e^3 + e^2) = 1 / (1 + e^−1)
        (0.1, (0.731059, 0.268941)),
        # 1 / (1 + e^−.05)
        (2, (0.512497, 0.487503)),
    ],
)
def test_vector_11(temperature, shares):
    assert softmax([0.30, 0.20], temperature) == pytest.approx(shares, abs=1e-6)
    found = from_similarities(TWO, [0.30, 0.20], temperature).summary
    assert [float(share) for share in found[:2]] == pytest.approx(shares, abs=1e-6)
    assert found[2] is None  # C has no source text


def test_shares_sum_to_1_exactly_and_the_source_stays_its_tokens():
    found = from_similarities(source(("one two", "A"), ("three", "B"), ("four", "C")), [0.1, 0.7, -0.2], 0.3)
    assert sum(found.summary) == 1
    assert found.source == (Fraction(1, 2), Fraction(1, 4), Fraction(1, 4))


def test_a_tiny_temperature_does_not_overflow():
    assert softmax([0.9, -0.9], 1e-6).tolist() == [1, 0]


def test_numbers_that_are_none_are_refused_or_unscored():
    with pytest.raises(NumericError, match="must be finite"):
        softmax([0.1, math.inf], 1)
    assert from_similarities(TWO, [0.1, math.nan], 1).unscored == base.NO_SCORE


def test_similarity_is_the_cosine_of_means():
    # mean of (1, 0), (0, 1) is (.5, .5); cosine with (1, 0): .5 / (√.5 · 1) = .7071
    both = np.array([[1, 0], [0, 1]], np.float32)
    assert embedding.similarity(both, both[:1]) == pytest.approx(math.sqrt(0.5))
    # twice as many equal rows change nothing
    assert embedding.similarity(np.concatenate([both, both]), both[:1]) == pytest.approx(math.sqrt(0.5))
    # rows that cancel out
    assert embedding.similarity(np.array([[1, 0], [-1, 0]], np.float32), both) == 0


def test_the_embedding_matcher_by_hand():
    # "Good." has the cosines .8 and .6; T = .1: e^8 / (e^8 + e^6) = 1 / (1 + e^−2) = .880797
    found = embedding.matcher(embed, 0.1)([TWO], ["Good."])[0]
    assert float(found.summary[0]) == pytest.approx(0.880797, abs=1e-6)
    # with "Bad." the mean (.7, .7) is as near to both
    found = embedding.matcher(embed, 0.1)([TWO], ["Good. Bad."])[0]
    assert [float(share) for share in found.summary[:2]] == pytest.approx([0.5, 0.5])
    # a direction away from A and across B: −1 and 0
    found = embedding.matcher(embed, 1)([TWO], ["Odd."])[0]
    assert float(found.summary[1]) == pytest.approx(1 / (1 + math.exp(-1)))


def test_embedding_reads_every_text_once_and_all_at_once():
    calls = []

    def watched(texts):
        calls.append(list(texts))
        return embed(texts)

    embedding.matcher(watched, 0.1)([TWO] * 3, ["Good.", None, "Good. Bad."])
    assert calls == [["Good.", "Bad.", "good picture", "bad sound"]]


def test_embedding_in_blocks_is_the_same(monkeypatch):
    texts = ["Good.", None, "Bad.", "", "Good. Bad."]
    whole = embedding.matcher(embed, 0.1)([TWO] * 5, texts)
    monkeypatch.setattr(embedding, "BLOCK", 2)
    assert embedding.matcher(embed, 0.1)([TWO] * 5, texts) == whole


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, NOT_WRITTEN),
        (" ", EMPTY),
        ("", EMPTY),
        ("🙂", NO_WORDS),
        ("?! ...", NO_WORDS),
        ("\u200f\u202e", NO_WORDS),
    ],
)
def test_a_summary_that_cannot_be_read_is_unscored(text, reason):
    found = embedding.matcher(embed, 0.1)([TWO], [text])[0]
    assert (found.summary, found.unscored) == (None, reason)


def test_a_set_without_source_text_is_unscored():
    nothing = source(("...", "A"), ("the", "B"))  # no word, a stop word
    assert embedding.matcher(embed, 0.1)([nothing], ["Good."])[0].unscored == NO_SOURCE
    assert base.by_similarity([nothing], ["Good."], lambda pairs: [], 1)[0].unscored == NO_SOURCE


def test_a_single_group_has_it_all():
    found = embedding.matcher(embed, 0.1)([source(("good picture", "A"))], ["Bad."])[0]
    assert (found.summary, found.single_group) == ((1, None, None), True)


def test_scores_go_to_their_own_sample():
    # one pair per kept group and readable summary, in order: the joined text and the summary
    seen = []

    def score(pairs):
        seen.extend(pairs)
        return [len(given) / 10 for given, _ in pairs]

    texts = ["first.", None, "second."]
    three = [TWO, TWO, source(("a b c", "A"), ("d e", "A"), ("film", "C"))]
    found = base.by_similarity(three, texts, score, 1)
    assert seen == [
        ("good picture", "first."),
        ("bad sound", "first."),
        ("a b c || d e", "second."),
        ("film", "second."),
    ]
    # 1.2 and .9: 1 / (1 + e^−.3); 1.2 and .4: 1 / (1 + e^−.8)
    assert float(found[0].summary[0]) == pytest.approx(1 / (1 + math.exp(-0.3)))
    assert found[1].unscored == NOT_WRITTEN
    assert float(found[2].summary[0]) == pytest.approx(1 / (1 + math.exp(-0.8)))


def labelled(**found):
    groups = {"A": ("A",), "B": ("B",), "mixed": ("A", "B"), "none": ()}
    return {text: SentenceLabel(text, name, 0.9, groups[name]) for text, name in found.items()}


def test_the_label_matcher_sets_labelled_sentences_against_source_tokens():
    # source tokens 3 : 1; two sentences of A, one mixed, one of nobody: 2.5 : .5
    given = source(("good clear picture", "A"), ("sound", "B"))
    names = {"One.": "A", "Two.": "A", "Three.": "mixed", "Four.": "none"}
    labels = {text: labelled(x=name)["x"] for text, name in names.items()}
    found = label.by_tokens(given, "One. Two. Three. Four.", list(labels.values()))
    assert found.source[:2] == (Fraction(3, 4), Fraction(1, 4))
    assert found.summary[:2] == (Fraction(5, 6), Fraction(1, 6))
    assert label.by_tokens(given, "Four.", [labels["Four."]]).unscored == label.NO_LABEL
    assert label.by_tokens(given, None, []).unscored == NOT_WRITTEN
    assert label.by_tokens(given, " ", []).unscored == EMPTY


def test_gold_counts_are_sentences_of_the_opinions_own_groups():
    opinions = (Opinion("One. Two.", "A", "t"), Opinion("Three", "A", "t"), Opinion("Four!", "B", "t"))
    counts = label.gold_counts(OpinionSet("s", "t", "balanced", "A", opinions))
    assert counts == {"A": 3, "B": 1}
    # summary (1, 1) against (3/4, 1/4)
    found = label.match(("A", "B"), counts, list(labelled(p="A", q="B").values()))
    assert (found.source, found.summary) == ((Fraction(3, 4), Fraction(1, 4)), (Fraction(1, 2),) * 2)


def test_exclusive_share_by_hand():
    # A: great battery life; B: great screen. "great battery, great dim screen": great ×2 credits both (4),
    # battery A (1), screen B (1), dim nobody: 2 of 6 could come from one group alone
    given = source(("great battery life", "A"), ("great screen", "B"))
    assert ngram.credit(given, "Great battery, great dim screen")[1] == pytest.approx(2 / 6)
    assert ngram.credit(given, "battery life")[1] == 1
    assert ngram.credit(given, "great")[1] == 0
    assert ngram.credit(given, "rain")[1] is None
    assert ngram.match(given, "battery life", "unscored").exclusive == 1


def test_extra_stop_words_are_left_out_on_both_sides():
    opinions = (Opinion("people like film", "A", "t"), Opinion("people", "B", "t"))
    given = OpinionSet("s", "t", "balanced", "A", opinions)
    assert dict(ngram.read_source(given, GROUPS).counts) == {"A": 3, "B": 1}
    without = ngram.read_source(given, GROUPS, ("people",))
    assert dict(without.counts) == {"A": 2, "B": 0}
    assert dict(ngram.credit(without, "People like people", ("people",))[0]) == {"A": 1}
