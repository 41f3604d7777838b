"""Bootstrap over topics: one set of resamples feeds every metric and every system.

Samples of one topic are not independent, so whole topics are drawn. Because dense and pruned are read under
the same resamples, their difference has its own, paired interval.

Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 (clusters, strata),
10 (bias) and 13 (percentile interval).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]
Statistic = Callable[[FloatArray, FloatArray], FloatArray]
"""(weights (R, n), table (n, columns)) → (R,); NaN where no scored sample is drawn."""

LEVEL = 0.95
_CHUNK = 1024  # resamples at once: bounds the memory of float weights to 8 KiB per sample


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % percentile interval."""

    value: float | None
    """None: no sample is scored."""
    low: float | None
    high: float | None
    bias: float | None
    """Mean over resamples minus value. Folded statistics (absolute values) are biased upward."""
    n: int
    """Scored samples."""
    n_topics: int
    """Topics of the scored samples; below 2 there is no interval."""
    n_empty: int
    """Resamples in which no scored sample was drawn; left out of the interval."""


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
    total = weights @ np.where(present, table, 0.0)
    count = weights @ present.astype(np.float64)
    means: FloatArray = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return means


def weighted_mean(weights: FloatArray, table: FloatArray) -> FloatArray:
    """The weighted mean of the first column: (R,)."""
    return weighted_column_means(weights, table[:, :1])[:, 0]


def scored(table: FloatArray) -> NDArray[np.bool_]:
    """(n, columns) → (n,): samples that have any number."""
    return np.asarray(~np.isnan(table).all(axis=1), dtype=np.bool_)


def estimate(statistic: Statistic, table: FloatArray, weights: IntArray, topics: Sequence[str]) -> Estimate:
    """Value, interval and bias of one system.

    Args:
        table: (n, columns), a row of NaN for an unscored sample.
        weights: (R, n) from `resample_weights`.
        topics: of the n samples.
    """
    return _estimate(lambda w: statistic(w, table), scored(table), weights, topics)


def estimate_difference(
    statistic: Statistic, after: FloatArray, before: FloatArray, weights: IntArray, topics: Sequence[str]
) -> Estimate:
    """`after` − `before` over the samples that both have scored, under the same resamples."""
    both = scored(after) & scored(before)
    a, b = (np.where(both[:, None], table, np.nan) for table in (after, before))
    return _estimate(lambda w: statistic(w, a) - statistic(w, b), both, weights, topics)


def _estimate(
    of: Callable[[FloatArray], FloatArray],
    mask: NDArray[np.bool_],
    weights: IntArray,
    topics: Sequence[str],
) -> Estimate:
    if weights.shape[1] != len(mask) or len(topics) != len(mask):
        raise BadInput(f"weights {weights.shape} and {len(topics)} topics do not fit {len(mask)} samples")
    n = int(mask.sum())
    n_topics = len({topic for topic, one in zip(topics, mask, strict=True) if one})
    if n == 0:
        return Estimate(None, None, None, None, 0, 0, 0)
    value = float(of(np.ones((1, len(mask))))[0])
    if n_topics < 2:
        return Estimate(value, None, None, None, n, n_topics, 0)
    drawn = np.concatenate(
        [of(weights[i : i + _CHUNK].astype(np.float64)) for i in range(0, len(weights), _CHUNK)]
    )
    finite = drawn[~np.isnan(drawn)]
    n_empty = len(drawn) - len(finite)
    if len(finite) == 0:
        return Estimate(value, None, None, None, n, n_topics, n_empty)
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(value, float(low), float(high), float(finite.mean()) - value, n, n_topics, n_empty)


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95 % interval of a proportion, in [0, 1].

    Source: Wilson, JASA 22 (1927).

    >>> [round(end, 4) for end in wilson(8, 10)]
    [0.4902, 0.9433]

    Raises:
        BadInput: n < 1, or successes outside [0, n].
    """
    if n < 1 or not 0 <= successes <= n:
        raise BadInput(f"{successes} successes of {n} are not a proportion: need 0 ≤ successes ≤ n and n ≥ 1")
    from scipy.stats import binomtest  # slow to import, and pages read this module

    interval = binomtest(successes, n).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
