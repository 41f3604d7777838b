"""A number of a corpus, or the difference of two, with its interval, bias and n."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput
from fairprune.uncertainty.intervals import (
    LEVEL,
    effective_size,
    folded_interval,
    proportion_interval,
    smoothed_error,
    t_interval,
    t_quantile,
)
from fairprune.uncertainty.resampling import (
    CHUNK,
    Contrasts,
    FloatArray,
    IntArray,
    Resamples,
    Statistic,
    paired,
    scored,
    weighted_mean,
)
from fairprune.uncertainty.tilting import Tilting, tilting


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
    """Where the simulation study found that the interval covers less or more than it says: how much, in words. Of a value
    without an interval: why it has none."""
    tilting: Tilting | None = field(default=None, repr=False, compare=False)
    """Of a difference: its standard error for every truth that there might be."""

    def se_at(self, truth: float) -> float | None:
        """The standard error that the data would have, were this the truth; None without one."""
        if not self.se:
            return None
        return self.se if self.tilting is None else self.tilting.se_at(truth)

    def interval(self, level: float) -> tuple[float, float] | None:
        """At another level than that of `low` and `high`, of a difference; None without a standard error."""
        if self.value is None or not self.se or self.df is None:
            return None
        if self.tilting is None:
            return t_interval(self.value, self.se, self.df, level)
        return self.tilting.interval(level, self.df)


FEW_TOPICS = 30
MOST_TOPICS = 2000
"""Of so many a difference has value ± t · standard error: leaving each out in turn would take longer than it is worth."""
FEW_TOPICS_LIMIT = "fewer than 30 topics: at 8 topics intervals cover between 90 and 100 %"
ALIKE_LIMIT = "most samples have the same value: the interval covers about 92 % at 100 samples, 67 % at 8"
RARE = 0.05
RARE_LIMIT = "a share of at most 5 %, or of all but 5 %: the interval is wide and covers about 98 %"
FEW_CHANGES = 0.25
FEW_CHANGES_LIMIT = (
    "at most a quarter of the paired samples differ: the interval is wide and covers between 97 and 100 %"
)
LEAST_CHANGED = 3
"""Topics, of a difference of means."""
TOO_FEW_LIMIT = (
    "fewer than 3 topics changed: nothing shows how much one could change, so there is no interval"
)
GROUPS_LIMIT = "of three groups or more the interval is wide: it covers between 97 and 99 %"
FOLDED_LIMIT = (
    "a difference of absolute values: where neither system leans to a group, the interval covers about 99 %; where one does, SPD2's "
    "about 91 %, and a gate passes a harm at the margin in up to 14 %"
)
SKEWED = 0.15
"""Skewness of topics per root of their number."""
SKEWED_LIMIT = "a few samples stand far out: the interval covers too little, between 85 and 93 % at 100 samples, 78 % at 60"
FEW_DRAWS = 5
FEW_DRAWS_LIMIT = "few calibration draws: the interval is wide and covers between 95 and 100 %"
POINT_LIMIT = (
    "every resample gives the same value: nothing shows how far it could vary, so there is no interval"
)
ONE_DRAW_LIMIT = "one calibration draw only: nothing shows how draws differ, so there is no interval"
ONE_TOPIC_LIMIT = "one topic only: there is no interval"
EMPTY_LIMIT = "no resample holds a scored sample: there is no interval"
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
    limit = _limit(found, table if mean else None)
    if limit is None and binary and not RARE < found.value < 1 - RARE:
        limit = RARE_LIMIT
    if limit is None and not binary:
        parts = _contributions(lambda w: statistic(w, table), scored(table), found, draws)
        limit = SKEWED_LIMIT if _is_skewed(parts) else None
    if limit is None and contrasts is not None and _contrast_count(contrasts, table) > 2:
        limit = GROUPS_LIMIT
    return replace(found, low=low, high=high, limit=limit)


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
    if found.se == 0 and not binary:
        return replace(found, limit=POINT_LIMIT)
    parts = _contributions(lambda w: statistic(w, a) - statistic(w, b), both, found, draws)
    changed, value, spread = _changed(a, b), found.value, found.se
    if binary:
        change = a[both, 0] - b[both, 0]
        gained, lost = float((change > 0).mean()), float((change < 0).mean())
        size = effective_size(gained + lost - found.value**2, found.n, found.n_topics, found.se)
        found = replace(found, se=smoothed_error(gained, lost, size))
    elif _topics_of(changed, draws) < min(LEAST_CHANGED, found.n_topics):
        return replace(found, se=None, limit=TOO_FEW_LIMIT)
    if parts is not None:
        found = replace(found, tilting=tilting(parts, value, spread, binary=binary))
    few = changed.sum() <= FEW_CHANGES * found.n
    limits_found = [FEW_CHANGES_LIMIT if few else _limit(found), FOLDED_LIMIT if folded else None]
    limit = "; ".join(one for one in limits_found if one) or None
    ends = found.interval(level)
    assert ends is not None
    most = limits[1] - limits[0]
    return replace(found, low=max(ends[0], -most), high=min(ends[1], most), limit=limit)


def estimate_over_draws(
    statistic: Statistic,
    after: Sequence[FloatArray],
    before: FloatArray | None,
    draws: Resamples,
    seed: int,
) -> Estimate:
    """The mean over calibration draws of one system, or of its difference to `before`, resampled on both levels.

    Calibration draws and topics are drawn independently of one another, so that the interval speaks of another
    calibration set and of other topics. Where most of the variance lies between two or three calibration draws, it is
    wide, as it should be.

    Args:
        after: one table (n, columns) per calibration draw, on the same n samples.
        before: the dense model's table, which does not depend on calibration; None: `after` alone.

    Returns:
        n counts samples that every table scores. One draw, one topic, or a number that is the same in every draw and
        resample: no interval, and `limit` says why.

    Raises:
        BadInput: no draw, or tables of different lengths.

    Sources: Owen, Annals of Applied Statistics 1 (2007), the pigeonhole bootstrap; Satterthwaite, Biometrics Bulletin 2
    (1946), degrees of freedom of a sum of variances.
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
    bare = replace(alone, low=None, high=None, bias=None, se=None, df=None)
    if alone.value is None or alone.df is None:
        return bare
    if k < 2:
        return replace(bare, limit=ONE_DRAW_LIMIT)
    values = draws.of(per_draw)
    # A resample of K things varies by (K − 1) / K too little: deviations are stretched by the root of the inverse.
    drawn = rng.multinomial(k, np.full(k, 1 / k), size=len(values)) / k
    stretched = 1 / k + (drawn - 1 / k) * np.sqrt(k / (k - 1))
    both = (values * stretched).sum(axis=1)
    both = both[~np.isnan(both)]
    se = float(both.std() * np.sqrt(draws.spread)) if len(both) else 0.0
    if se < 1e-12 * max(1.0, abs(alone.value)):
        return replace(bare, limit=POINT_LIMIT if len(both) else EMPTY_LIMIT)
    df = _joint_df(alone.se or 0.0, alone.df, se, k)
    low, high = t_interval(alone.value, se, df)
    limit = FEW_DRAWS_LIMIT if k <= FEW_DRAWS else None
    return replace(alone, low=low, high=high, se=se, df=df, limit=limit)


def _joint_df(topic_se: float, topic_df: int, se: float, k: int) -> int:
    """Degrees of freedom of se², of which topics make up topic_se² and k calibration draws the rest.

    How much the rest is, k draws say no better than their pairs: there are never more degrees of freedom than pairs.
    """
    topics, whole = topic_se * topic_se, se * se
    drawn = max(0.0, whole - topics)
    spread = topics * topics / topic_df + drawn * drawn / (k - 1)
    joint = math.floor((topics + drawn) ** 2 / spread) if spread > 0 else topic_df
    return max(1, min(joint, topic_df, k * (k - 1) // 2))


def _changed(a: FloatArray, b: FloatArray) -> NDArray[np.bool_]:
    """(n,): samples of which any number differs; a number that neither has does not."""
    different: NDArray[np.bool_] = ((a != b) & ~(np.isnan(a) & np.isnan(b))).any(axis=1)
    return different


def _topics_of(mask: NDArray[np.bool_], draws: Resamples) -> int:
    return len({topic for topic, one in zip(draws.topics, mask, strict=True) if one})


def _bootstrap(of: Callable[[FloatArray], FloatArray], mask: NDArray[np.bool_], draws: Resamples) -> Estimate:
    """Value, bias and standard error, without an interval."""
    if len(draws.topics) != len(mask):
        raise BadInput(f"weights of {len(draws.topics)} samples do not fit {len(mask)} samples")
    n = int(mask.sum())
    n_topics = _topics_of(mask, draws)
    if n == 0:
        return NOTHING
    value = float(of(np.ones((1, len(mask))))[0])
    if n_topics < 2:
        return Estimate(value, None, None, None, n, n_topics, 0, limit=ONE_TOPIC_LIMIT)
    drawn = draws.of(of)
    finite = drawn[~np.isnan(drawn)]
    n_empty = len(drawn) - len(finite)
    if len(finite) == 0:
        return Estimate(value, None, None, None, n, n_topics, n_empty, limit=EMPTY_LIMIT)
    se = float(finite.std() * np.sqrt(draws.spread))
    if se < 1e-12 * max(1.0, abs(value)):
        se = 0.0  # rounding of a number that does not vary
    df = max(1, n_topics - draws.strata)
    return Estimate(value, None, None, float(finite.mean()) - value, n, n_topics, n_empty, se, df)


def _contributions(
    of: Callable[[FloatArray], FloatArray], mask: NDArray[np.bool_], found: Estimate, draws: Resamples
) -> FloatArray | None:
    """(topics,): g times the value minus g − 1 times that without the topic (jackknife); None of more than `MOST_TOPICS`.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 11.
    """
    names, place = np.unique(
        [topic for topic, one in zip(draws.topics, mask, strict=True) if one], return_inverse=True
    )
    n_topics = len(names)
    if n_topics > MOST_TOPICS or found.value is None:
        return None
    kept = np.flatnonzero(mask)

    def without(topics: IntArray) -> FloatArray:
        weights = np.zeros((len(topics), len(mask)))
        weights[:, kept] = place[None, :] != topics[:, None]
        return of(weights)

    blocks = [np.arange(i, min(i + CHUNK, n_topics), dtype=np.int32) for i in range(0, n_topics, CHUNK)]
    left = np.concatenate([without(block) for block in blocks])
    change = np.nan_to_num((n_topics - 1) * (found.value - left))  # a topic without which there is no value
    contributions: FloatArray = found.value + change - change.mean()
    return contributions


def _is_skewed(contributions: FloatArray | None) -> bool:
    """Whether a few topics stand so far out that the mean of so many is not yet normally distributed."""
    if contributions is None or len(contributions) < FEW_TOPICS or not contributions.std():
        return False
    third = float(np.mean((contributions - contributions.mean()) ** 3) / contributions.std() ** 3)
    return abs(third) > SKEWED * math.sqrt(len(contributions))


def _contrast_count(contrasts: Contrasts, table: FloatArray) -> int:
    return int((~np.isnan(contrasts(np.ones((1, len(table))), table)[0])).sum())


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
