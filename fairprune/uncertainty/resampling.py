"""Whole topics are drawn, and one draw feeds every metric and every system.

Samples of one topic are not independent. Because dense and pruned are read under the same resamples, their
difference has its own, paired interval.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 8 (clusters, strata).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
Statistic = Callable[[FloatArray, FloatArray], FloatArray]
"""(weights (R, n), table (n, columns)) → (R,); NaN where no scored sample is drawn."""
Contrasts = Callable[[FloatArray, FloatArray], FloatArray]
"""(weights (R, n), table (n, columns)) → (R, k): signed numbers whose mean absolute value is the statistic."""

CHUNK = 1024
"""Resamples at once, at most."""
LARGEST = 8_000_000
"""Weights that are floats at once: 64 MB."""
KEPT = 25_000_000
"""Weights up to which all of them are kept as floats, 200 MB: every metric reads them."""


@dataclass(frozen=True)
class Resamples:
    """One draw of topics for all metrics and systems."""

    weights: IntArray
    """(R, n): how often each sample is drawn."""
    topics: Sequence[str]
    """Of the n samples."""
    strata: int = 1
    """Lists of topics that were drawn from separately: each costs a degree of freedom."""

    def __post_init__(self) -> None:
        if self.weights.ndim != 2 or self.weights.shape[1] != len(self.topics):
            raise BadInput(f"weights {self.weights.shape} do not fit {len(self.topics)} samples")

    @property
    def spread(self) -> float:
        """What a bootstrap variance must be multiplied with: g topics in s strata vary by (g − s) / g too little."""
        n_topics = len(set(self.topics))
        return n_topics / max(1, n_topics - self.strata)

    def of(self, values: Callable[[FloatArray], FloatArray]) -> FloatArray:
        """`values` of all weights, read in chunks: (R, …)."""
        return np.concatenate([values(part) for part in self._parts()])

    def _parts(self) -> Iterator[FloatArray]:
        """The weights as floats, chunk by chunk; kept where they are few."""
        if self.weights.size <= KEPT:
            yield from self._floats
            return
        rows = max(1, min(CHUNK, LARGEST // self.weights.shape[1]))
        for i in range(0, len(self.weights), rows):
            yield self.weights[i : i + rows].astype(np.float64)

    @cached_property
    def _floats(self) -> list[FloatArray]:
        parts = range(0, len(self.weights), CHUNK)
        return [self.weights[i : i + CHUNK].astype(np.float64) for i in parts]


def draw_resamples(
    topics: Sequence[str], compositions: Sequence[str], resamples: int, seed: int
) -> Resamples:
    """`resample_weights` with what an interval must know of them.

    Raises:
        BadInput: no sample, fewer than one resample.
    """
    weights = resample_weights(topics, compositions, resamples, seed)
    return Resamples(weights, topics, len(topic_strata(topics, compositions)))


def topic_strata(topics: Sequence[str], compositions: Sequence[str]) -> list[list[str]]:
    """Topics by the compositions of their samples, sorted; the bootstrap draws within each list.

    A topic alone in its stratum would be drawn every time, as if it were certain: such topics are pooled, and
    a single one left over joins the smallest other stratum.
    """
    if len(topics) != len(compositions):
        raise BadInput(
            f"{len(topics)} topics but {len(compositions)} compositions: give one of each per sample"
        )
    by_topic: dict[str, list[str]] = defaultdict(list)
    for topic, composition in zip(topics, compositions, strict=True):
        by_topic[topic].append(composition)
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for topic in sorted(by_topic):
        strata[tuple(sorted(by_topic[topic]))].append(topic)
    lists = [strata[key] for key in sorted(strata)]
    pooled = sorted(topic for one in lists if len(one) == 1 for topic in one)
    several = [one for one in lists if len(one) > 1]
    if len(pooled) == 1 and several:
        smallest = min(several, key=len)
        smallest.extend(pooled)
    elif pooled:
        several.append(pooled)
    return several


def resample_weights(
    topics: Sequence[str], compositions: Sequence[str], resamples: int, seed: int
) -> IntArray:
    """How often each sample is drawn: (resamples, n) integers ≥ 0.

    Args:
        topics, compositions: of each of the n samples.
        seed: the same seed gives the same matrix; n samples in another order give its columns in that order.

    Raises:
        BadInput: no sample, fewer than one resample.
    """
    if not topics:
        raise BadInput("there is no sample to resample: give at least one")
    if resamples < 1:
        raise BadInput(f"{resamples} resamples cannot be drawn: ask for at least 1")
    rng = np.random.default_rng(seed)
    samples_of: dict[str, list[int]] = defaultdict(list)
    for i, topic in enumerate(topics):
        samples_of[topic].append(i)
    weights = np.zeros((resamples, len(topics)), dtype=np.int32)
    for stratum in topic_strata(topics, compositions):
        m = len(stratum)
        drawn = rng.multinomial(m, np.full(m, 1 / m), size=resamples)  # (R, m)
        for column, topic in enumerate(stratum):
            weights[:, samples_of[topic]] = drawn[:, [column]]
    return weights


def weighted_column_means(weights: FloatArray, table: FloatArray) -> FloatArray:
    """(R, n), (n, columns) → (R, columns): means over entries that are not NaN; NaN where no weight is."""
    present = ~np.isnan(table)
    # One product: where there are many samples, reading the weights is what takes time.
    both = weights @ np.concatenate([np.where(present, table, 0.0), present], axis=1)
    total, count = np.split(both, 2, axis=1)
    means: FloatArray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means


def weighted_mean(weights: FloatArray, table: FloatArray) -> FloatArray:
    """The weighted mean of the first column: (R,)."""
    return weighted_column_means(weights, table[:, :1])[:, 0]


def scored(table: FloatArray) -> NDArray[np.bool_]:
    """(n, columns) → (n,): samples that have any number."""
    return np.asarray(~np.isnan(table).all(axis=1), dtype=np.bool_)


def paired(after: FloatArray, before: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Both tables with NaN rows wherever one of them is unscored, and which samples both score: (n,)."""
    both = scored(after) & scored(before)
    return np.where(both[:, None], after, np.nan), np.where(both[:, None], before, np.nan), both
