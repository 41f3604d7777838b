"""Whether a sentence encoder tells sentiment apart: pairs of statements that differ in nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fairprune.uncertainty import LEVEL, FloatArray

if TYPE_CHECKING:
    from fairprune.labels import Embedder
    from fairprune.opinions import CorpusInfo

MIN_AUC = 0.7
"""Below it, nearness says too little of sentiment: metrics that rest on it are withheld for sentiment groups."""
RESAMPLES = 500
SENTIMENTS = frozenset(
    {
        *("fresh", "rotten", "positive", "negative", "neutral", "mixed", "good", "bad", "pos", "neg", "neu"),
        *("like", "dislike", "love", "hate", "happy", "unhappy", "satisfied", "dissatisfied"),
        *("recommended", "not recommended", "favourable", "unfavourable", "favorable", "unfavorable"),
    }
)
"""Names of groups that are sentiments, beside ratings such as 4 or '2 stars'."""
_RATING = re.compile(r"[0-9]+(\.[0-9]+)?( ?(stars?|/ ?[0-9]+))?", re.IGNORECASE)


@dataclass(frozen=True)
class Polarity:
    """The test of one encoder."""

    auc: float
    """P(a pair of one sentiment is more similar than a pair of opposite ones); .5 by chance."""
    low: float
    high: float
    """95 %, statements resampled as whole minimal pairs."""
    same_topic: float
    """Share of triples in which a statement is nearer to the one of a minimal pair that shares its sentiment."""
    pairs: int
    """Minimal pairs."""

    @property
    def passed(self) -> bool:
        return self.auc >= MIN_AUC

    def sentence(self, encoder: str) -> str:
        """For people: what was measured and what follows."""
        number = (
            f"an AUC of {self.auc:.2f} (95 %: {self.low:.2f} to {self.high:.2f}, {self.pairs} minimal pairs)"
        )
        if self.passed:
            return f"{encoder} tells sentiment apart with {number}"
        return (
            f"{encoder} hardly tells sentiment apart ({number}, {MIN_AUC} is asked for): withheld for groups that are "
            "sentiments"
        )


@cache
def pairs() -> tuple[tuple[str, str], ...]:
    """The minimal pairs: (in favour, against)."""
    file = Path(__file__).parent / "polarity_pairs.tsv"
    rows = [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    return tuple((positive, negative) for positive, negative in rows)


def is_sentiment(info: CorpusInfo) -> bool:
    """Whether the corpus's groups are sentiments or ratings, by their names."""
    return all(group.lower() in SENTIMENTS or _RATING.fullmatch(group.strip()) for group in info.groups)


def polarity(embed: Embedder, statements: Sequence[tuple[str, str]] | None = None, seed: int = 0) -> Polarity:
    """The polarity test of an encoder.

    Statements of different minimal pairs are compared: similarities of one sentiment (both in favour, both
    against) with similarities of opposite ones, pooled over all pairs, so that a difference of topic counts as the
    noise that it is. The two sides of one minimal pair are not compared: nothing of one sentiment is as near.

    Args:
        embed: texts → rows of length 1.
        statements: minimal pairs; ours by default.
    """
    given = statements if statements is not None else pairs()
    n = len(given)
    rows = embed([text for side in (0, 1) for text in (pair[side] for pair in given)]).astype(np.float64)
    near = rows @ rows.T
    first, second = np.triu_indices(n, 1)
    same = np.concatenate([near[first, second], near[n + first, n + second]])
    opposite = np.concatenate([near[first, n + second], near[n + first, second]])
    ranked = _Ranked(same, opposite)
    point = ranked.auc(np.ones(len(same)))
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(RESAMPLES):
        times = np.bincount(rng.integers(n, size=n), minlength=n)
        weights = np.tile(times[first] * times[second], 2).astype(np.float64)
        if weights.any():  # one and the same pair, drawn n times, compares with nothing
            drawn.append(ranked.auc(weights))
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    a, b = np.nonzero(~np.eye(n, dtype=bool))
    nearer = [
        near[a + shift, b + shift] - near[a + shift, b + n - shift] for shift in (0, n)
    ]  # own sentiment − the other, on the topic of b
    wins = np.concatenate(nearer)
    same_topic = float((wins > 0).mean() + (wins == 0).mean() / 2)
    return Polarity(point, float(low), float(high), same_topic, n)


class _Ranked:
    """Similarities in their order, so that a weighted AUC is one pass."""

    def __init__(self, same: FloatArray, opposite: FloatArray) -> None:
        values = np.concatenate([same, opposite])
        self.order = np.argsort(values, kind="stable")
        self.is_same = np.concatenate([np.ones(len(same)), np.zeros(len(opposite))])[self.order]
        # Equal similarities share a place: each counts half against the others.
        self.place = np.unique(values[self.order], return_inverse=True)[1]

    def auc(self, weights: FloatArray) -> float:
        """Weighted P(same > opposite) + ½ P(equal); the weights of same and of opposite pairs are alike.

        Source: Mann and Whitney, Annals of Mathematical Statistics 18 (1947).
        """
        each = np.concatenate([weights, weights])[self.order]
        mass = np.bincount(self.place, each * (1 - self.is_same))
        below = np.cumsum(mass) - mass / 2
        return float((each * self.is_same * below[self.place]).sum() / (weights.sum() ** 2))
