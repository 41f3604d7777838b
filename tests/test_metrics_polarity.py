"""The polarity test of encoders, and its hundred minimal pairs."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fairprune.labels import sentence_embedder
from fairprune.metrics.matchers.words import tokens, words
from fairprune.metrics.polarity import MIN_AUC, is_sentiment, pairs, polarity
from fairprune.opinions import CorpusInfo


def info(*groups):
    return CorpusInfo("c", "C", groups, "review", "p", "s")


def test_there_are_a_hundred_different_pairs():
    found = pairs()
    assert len(found) == 100
    assert len({text.lower() for pair in found for text in pair}) == 200
    assert all(
        len(pair) == 2 and all(text == text.strip() and text.endswith(".") for text in pair) for pair in found
    )


@pytest.mark.parametrize("pair", pairs(), ids=range(100))
def test_the_sides_of_a_pair_differ_by_few_words(pair):
    first, second = (list(tokens(text)) for text in pair)
    shared = sum(min(first.count(word), second.count(word)) for word in set(first))
    assert first != second
    assert max(len(first), len(second)) - shared <= 3
    assert shared >= max(2, len(first) / 3)
    assert all(3 <= len(words(text)) <= 12 for text in pair)


def on_axes(sentiment):
    """Texts of minimal pair i → axis i, and sentiment times ±1 on an axis of its own; rows of length 1."""
    place = {text: (i, 1 - 2 * side) for i, pair in enumerate(pairs()) for side, text in enumerate(pair)}

    def embed(texts):
        rows = np.zeros((len(texts), 101), np.float32)
        for row, text in zip(rows, texts, strict=True):
            i, sign = place[text]
            row[i], row[100] = 1, sentiment * sign
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    return embed


def test_an_encoder_of_sentiment_passes_and_one_of_topics_alone_is_at_chance():
    knows = polarity(on_axes(1.0))
    assert (knows.auc, knows.low, knows.high, knows.same_topic) == (1, 1, 1, 1)
    assert knows.passed
    blind = polarity(on_axes(0.0))
    assert (blind.auc, blind.same_topic) == (0.5, 0.5)
    assert not blind.passed


def test_an_encoder_that_turns_sentiment_around_is_below_chance():
    place = {text: side for pair in pairs() for side, text in enumerate(pair)}

    def embed(texts):  # 90° between equal statements on other topics, 0° between opposite ones
        rows = np.zeros((len(texts), 200), np.float32)
        for row, text in zip(rows, texts, strict=True):
            i = next(i for i, pair in enumerate(pairs()) if text in pair)
            row[i] = 1
            row[100 + i] = 1 - 2 * place[text]
        return rows

    # only the own pair differs, and it is not compared
    assert polarity(embed).auc == 0.5


def test_auc_by_hand():
    # Two pairs, angles in degrees: p1 0, n1 90; p2 30, n2 100. Same: p1p2 30°, n1n2 10°. Opposite: p1n2 100°, p2n1 60°.
    # Both same ones are nearer than both opposite ones: AUC 1. With n2 at 20: n1n2 70°, p1n2 20°: of (30, 70) against
    # (20, 60): 30 beats 60 alone: 1 / 4. Own-pair triples: p1 (30 against 20) no; p2 (30 against 60) yes; n1 (70
    # against 60) no; n2 (70 against 20) no: 1 / 4.
    def at(**degrees):
        def embed(texts):
            angles = np.radians([degrees[text] for text in texts])
            return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)

        return embed

    two = [("p1", "n1"), ("p2", "n2")]
    assert polarity(at(p1=0, n1=90, p2=30, n2=100), two).auc == 1
    found = polarity(at(p1=0, n1=90, p2=30, n2=20), two)
    assert (found.auc, found.same_topic, found.pairs) == (0.25, 0.25, 2)


def test_auc_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    rows = dict(zip((t for p in pairs() for t in p), rng.normal(size=(200, 8)), strict=True))

    def embed(texts):
        return np.array([rows[text] for text in texts], np.float32).round(1)

    r = embed([pair[0] for pair in pairs()] + [pair[1] for pair in pairs()]).astype(np.float64)
    near = r @ r.T
    i, j = np.triu_indices(100, 1)
    same = [*near[i, j], *near[100 + i, 100 + j]]
    opposite = [*near[i, 100 + j], *near[100 + i, j]]
    expected = roc_auc_score([1] * len(same) + [0] * len(opposite), same + opposite)
    found = polarity(embed)
    assert found.auc == pytest.approx(expected)
    assert found.low < found.auc < found.high


@pytest.mark.parametrize(
    ("groups", "yes"),
    [
        (("fresh", "rotten"), True),
        (("Positive", "negative"), True),
        (("pos", "neu", "neg"), True),
        (("1", "2", "3", "4", "5"), True),
        (("1 star", "2 stars"), True),
        (("4/5", "1.5"), True),
        (("democratic", "republican"), False),
        (("positive", "republican"), False),
        (("speaker 1", "speaker 2"), False),
    ],
)
def test_sentiments_are_known_by_the_names_of_the_groups(groups, yes):
    assert is_sentiment(info(*groups)) is yes


def test_the_packaged_encoder_does_not_pass(packaged_home):
    found = polarity(sentence_embedder())
    # measured: .6076 (.585 to .635); with the topic held fixed 73 % of statements lie nearer to their own side
    assert found.auc == pytest.approx(0.608, abs=0.01)
    assert found.same_topic == pytest.approx(0.732, abs=0.01)
    assert found.high < MIN_AUC
    assert "AUC of 0.61 (95 %: 0.5" in found.sentence("MiniLM")
    assert "withheld" in found.sentence("MiniLM")
