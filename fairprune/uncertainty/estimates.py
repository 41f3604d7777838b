"""A number of a corpus, or the difference of two, with its interval, bias and n."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput
from fairprune.uncertainty.intervals import (
    LEVEL,
    folded_interval,
    paired_proportion_interval,
    proportion_interval,
    t_interval,
    t_quantile,
)
from fairprune.uncertainty.resampling import (
    Contrasts,
    FloatArray,
    Resamples,
    Statistic,
    paired,
    scored,
    weighted_mean,
)


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval."""

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
    se: float | None = None
    """Standard error: of the bootstrap over topics, corrected for the number of topics and strata."""
    df: int | None = None
    """Degrees of freedom of `se`: topics minus strata, at least 1."""
    limit: str | None = None
    """Where the simulation study found that the interval covers less or more than it says: how much, in words."""


FEW_TOPICS = 30
FEW_TOPICS_LIMIT = "fewer than 30 topics: at 8 topics intervals cover between 90 and 100 %"
ALIKE_LIMIT = "most samples have the same value: the interval covers about 92 % at 100 samples, 67 % at 8"
RARE_LIMIT = "hardly any sample changed: the interval covers about 98 %"
FOLDED_LIMIT = "where neither system leans to a group, the interval covers about 99 %"
POINT_LIMIT = (
    "every resample gives the same value: nothing shows how far it could vary, so there is no interval"
)
NOTHING = Estimate(None, None, None, None, 0, 0, 0)


def estimate(
    statistic: Statistic,
    table: FloatArray,
    draws: Resamples,
    *,
    binary: bool = False,
    contrasts: Contrasts | None = None,
    limits: tuple[float, float] = (-math.inf, math.inf),
    level: float = LEVEL,
) -> Estimate:
    """Value, interval and bias of one system.

    The interval is value ± t · se; Wilson's for a mean of zeros and ones; one that may end at zero for a mean of
    absolute contrasts.

    Args:
        table: (n, columns), a row of NaN for an unscored sample.
        binary: whether the value is a share of samples, of which each counts 0 or 1. The metric says so, not the values: a
            loss that is 0 in every sample seen is no proportion.
        contrasts: the signed numbers whose mean absolute value the statistic is.
        limits: the least and the largest value that there can be: no interval reaches beyond.
    """
    found = _bootstrap(lambda w: statistic(w, table), scored(table), draws)
    if found.value is None or found.se is None or found.df is None:
        return found
    if found.se == 0 and not binary:
        return replace(found, limit=POINT_LIMIT)
    if contrasts is not None:
        low, high = _contrast_interval(contrasts, table, found, draws, level)
    elif binary:
        low, high = proportion_interval(found.value, found.n, found.n_topics, found.se, found.df, level)
    else:
        low, high = t_interval(found.value, found.se, found.df, level)
    low, high = max(low, limits[0]), min(high, limits[1])
    mean = statistic is weighted_mean and not binary
    return replace(found, low=low, high=high, limit=_limit(found, table if mean else None))


def estimate_difference(
    statistic: Statistic,
    after: FloatArray,
    before: FloatArray,
    draws: Resamples,
    *,
    binary: bool = False,
    folded: bool = False,
    limits: tuple[float, float] = (-math.inf, math.inf),
    level: float = LEVEL,
) -> Estimate:
    """`after` − `before` over the samples that both have scored, under the same resamples.

    Args:
        binary: as in `estimate`.
        folded: whether the statistic is an absolute value, or a mean of such: only for the limit that is stated.
        limits: as in `estimate`, of one system's value; a difference lies within their distance.
    """
    a, b, both = paired(after, before)
    found = _bootstrap(lambda w: statistic(w, a) - statistic(w, b), both, draws)
    if found.value is None or found.se is None or found.df is None:
        return found
    if binary:
        change = a[both, 0] - b[both, 0]
        gained, lost = float((change > 0).mean()), float((change < 0).mean())
        low, high, se = paired_proportion_interval(
            gained, lost, found.n, found.n_topics, found.se, found.df, level
        )
        limit = _limit(found) or (RARE_LIMIT if gained + lost < 0.05 else None)
        return replace(found, low=low, high=high, se=se, limit=limit)
    if found.se == 0:
        return replace(found, limit=POINT_LIMIT)
    low, high = t_interval(found.value, found.se, found.df, level)
    most = limits[1] - limits[0]
    low, high = max(low, -most), min(high, most)
    limit = _limit(found) or (FOLDED_LIMIT if folded else None)
    return replace(found, low=low, high=high, limit=limit)


def estimate_over_draws(
    statistic: Statistic,
    after: Sequence[FloatArray],
    before: FloatArray | None,
    draws: Resamples,
    seed: int,
) -> Estimate:
    """The mean over calibration draws of one system, or of its difference to `before`, resampled on both levels.

    Calibration draws and topics are drawn independently of one another, so that the interval speaks of another
    calibration set and of other topics. Its degrees of freedom are those of the smaller level: two or three
    calibration draws give a wide interval, as they should.

    Args:
        after: one table (n, columns) per calibration draw, on the same n samples.
        before: the dense model's table, which does not depend on calibration; None: `after` alone.

    Returns:
        n counts samples that every table scores. One draw: no interval, since nothing shows how draws differ.

    Raises:
        BadInput: no draw, or tables of different lengths.

    Source: Owen, Annals of Applied Statistics 1 (2007), the pigeonhole bootstrap.
    """
    if not after:
        raise BadInput("there is no calibration draw to estimate from: give at least one table")
    tables = [*after] if before is None else [*after, before]
    lengths = sorted({len(table) for table in tables})
    if lengths != [len(draws.topics)]:
        raise BadInput(f"tables of {lengths} samples do not fit {len(draws.topics)} topics")
    mask = np.logical_and.reduce([scored(table) for table in tables])
    kept = [np.where(mask[:, None], table, np.nan) for table in tables]
    pruned = kept[: len(after)]

    def per_draw(w: FloatArray) -> FloatArray:
        base = 0.0 if before is None else statistic(w, kept[-1])
        return np.stack([statistic(w, table) - base for table in pruned], axis=1)  # (R, K)

    k = len(pruned)
    rng = np.random.default_rng(seed)
    alone = _bootstrap(lambda w: per_draw(w).mean(axis=1), mask, draws)
    if alone.value is None or alone.df is None or k < 2:
        return replace(alone, low=None, high=None, bias=None, se=None, df=None)
    values = draws.of(per_draw)
    # A resample of K things varies by (K − 1) / K too little: deviations are stretched by the root of the inverse.
    drawn = rng.multinomial(k, np.full(k, 1 / k), size=len(values)) / k
    stretched = 1 / k + (drawn - 1 / k) * np.sqrt(k / (k - 1))
    both = (values * stretched).sum(axis=1)
    both = both[~np.isnan(both)]
    se = float(both.std() * np.sqrt(draws.spread)) if len(both) else None
    if se is None:
        return replace(alone, low=None, high=None, bias=None, se=None, df=None)
    df = min(alone.df, k - 1)
    low, high = t_interval(alone.value, se, df)
    return replace(alone, low=low, high=high, se=se, df=df)


def _bootstrap(of: Callable[[FloatArray], FloatArray], mask: NDArray[np.bool_], draws: Resamples) -> Estimate:
    """Value, bias and standard error, without an interval."""
    if len(draws.topics) != len(mask):
        raise BadInput(f"weights of {len(draws.topics)} samples do not fit {len(mask)} samples")
    n = int(mask.sum())
    n_topics = len({topic for topic, one in zip(draws.topics, mask, strict=True) if one})
    if n == 0:
        return NOTHING
    value = float(of(np.ones((1, len(mask))))[0])
    if n_topics < 2:
        return Estimate(value, None, None, None, n, n_topics, 0)
    drawn = draws.of(of)
    finite = drawn[~np.isnan(drawn)]
    n_empty = len(drawn) - len(finite)
    if len(finite) == 0:
        return Estimate(value, None, None, None, n, n_topics, n_empty)
    se = float(finite.std() * np.sqrt(draws.spread))
    if se < 1e-12 * max(1.0, abs(value)):
        se = 0.0  # rounding of a number that does not vary
    df = max(1, n_topics - draws.strata)
    return Estimate(value, None, None, float(finite.mean()) - value, n, n_topics, n_empty, se, df)


def _contrast_interval(
    contrasts: Contrasts, table: FloatArray, found: Estimate, draws: Resamples, level: float
) -> tuple[float, float]:
    """One contrast (or two that mirror each other): exact. More: by the triangle inequality, at least `level`.

    | mean|ĉ| − mean|c| | is at most mean|ĉ − c|, whose quantile the bootstrap gives.
    """
    assert found.value is not None and found.df is not None
    point = contrasts(np.ones((1, len(table))), table)[0]
    present = ~np.isnan(point)
    drawn = draws.of(lambda w: contrasts(w, table)[:, present])
    drawn = drawn[~np.isnan(drawn).any(axis=1)]
    if not len(drawn):
        return t_interval(found.value, found.se or 0.0, found.df, level)
    if present.sum() <= 2:
        se = float(drawn[:, 0].std() * np.sqrt(draws.spread))
        return folded_interval(found.value, se, found.df, level)
    away = np.abs(drawn - point[present]).mean(axis=1)
    wider = np.sqrt(draws.spread) * t_quantile(level, found.df) / t_quantile(level, 10**9)
    half = float(np.quantile(away, level)) * wider
    return max(0.0, found.value - half), found.value + half


def _limit(found: Estimate, table: FloatArray | None = None) -> str | None:
    """What the simulation study says against an interval.

    Args:
        table: of a mean of numbers that are not zeros and ones.
    """
    if table is not None:
        values = table[~np.isnan(table[:, 0]), 0]
        if np.unique(values, return_counts=True)[1].max() > 0.8 * len(values):
            return ALIKE_LIMIT
    return FEW_TOPICS_LIMIT if found.n_topics < FEW_TOPICS else None
