"""HSIC of the states of paired prompts: the unbiased estimate, a form without scale, their intervals and a null.

The biased estimate, tr(K H L H) / n², lies too high by a term of order 1/n: its interval held the true value in 62 % of
samples of 30 pairs, and in 44 % of 80.

Sources: Gretton et al., Measuring Statistical Dependence with Hilbert-Schmidt Norms (2005); Song et al., Feature Selection
via Dependence Maximization, JMLR 13 (2012), equation 4; Efron and Stein, The jackknife estimate of variance, Annals of
Statistics 9 (1981).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fairprune.uncertainty import LEVEL, Estimate, FloatArray, Statistic
from fairprune.uncertainty.intervals import t_interval

PERMUTATIONS = 999
LEAST_PAIRS = 4
"""Fewer pairs have no unbiased estimate, and too few arrangements for a null."""
FEW_PAIRS = 30
TOO_FEW_LIMIT = "at least 5 pairs are needed for an interval: without one of 4 there is no value"
FEW_LIMIT = "fewer than 30 pairs: at 8 and 15 pairs the interval covers between 93 and 100 %"
SAME_LIMIT = "without any one of the pairs the value is the same: nothing shows how far it could vary, so there is no interval"
NO_SCALE = "the states of one set depend on nothing, not even on themselves"


def median_distances(states: tuple[FloatArray, FloatArray]) -> tuple[float, float] | None:
    """Median distance between two prompts' states, of the first and the second set: widths of kernels.

    None where more than half of the distances of a set are 0.

    Args:
        states: (pairs, width) of each set.
    """
    from scipy.spatial.distance import pdist

    first, second = (float(np.median(pdist(one))) for one in states)
    return (first, second) if first > 0 and second > 0 else None


def kernels(states: tuple[FloatArray, FloatArray], widths: tuple[float, float]) -> FloatArray:
    """(pairs, 2 · pairs): exp(−d² / 2σ²) among the first set's states, and beside it among the second's."""
    from scipy.spatial.distance import cdist

    return np.concatenate(
        [
            np.exp(-cdist(one, one, "sqeuclidean") / (2 * width**2))
            for one, width in zip(states, widths, strict=True)
        ],
        axis=1,
    )


def hsic(counted: FloatArray, table: FloatArray) -> FloatArray:
    """HSIC of the pairs that count, unbiased: 0 on average where nothing depends, and below it about half of the time.

    With K, L of n pairs and zeros on their diagonals: [tr(K L) + 1ᵀK1 · 1ᵀL1 / ((n − 1)(n − 2)) − 2 · 1ᵀK L1 / (n − 2)] / (n (n − 3)).

    Args:
        counted: (R, n), 1 for a pair that counts and 0 for another.
        table: (n, 2n) of `kernels`.

    Returns:
        (R,); NaN of fewer than 4 pairs.
    """
    n = len(table)
    k, other = table[:, :n] * (1 - np.eye(n)), table[:, n:] * (1 - np.eye(n))
    return _unbiased(counted, k, other)


def scale_free(counted: FloatArray, table: FloatArray) -> FloatArray:
    """HSIC over the root of the product of both sets' HSIC with themselves, as `hsic`: 1 where one set's kernel is the other's.

    With widths of `median_distances` of the same states, a model whose states are only larger or smaller has the same value.
    NaN also where a set's HSIC with itself is not above 0.
    """
    n = len(table)
    k, other = table[:, :n] * (1 - np.eye(n)), table[:, n:] * (1 - np.eye(n))
    own = _unbiased(counted, k, k), _unbiased(counted, other, other)
    known = (own[0] > 0) & (own[1] > 0)
    root = np.sqrt(np.where(known, own[0] * own[1], np.nan))
    found: FloatArray = _unbiased(counted, k, other) / root
    return found


def _unbiased(counted: FloatArray, k: FloatArray, other: FloatArray) -> FloatArray:
    """(R,), of kernels (n, n) with zeros on their diagonals."""
    m = counted.sum(axis=1)
    in_k, in_other = (counted @ k) * counted, (counted @ other) * counted  # (R, n)
    trace = ((counted @ (k * other)) * counted).sum(axis=1)
    sums = in_k.sum(axis=1) * in_other.sum(axis=1)
    joint = (in_k * in_other).sum(axis=1)
    m = np.where(m >= LEAST_PAIRS, m, np.nan)
    found: FloatArray = (trace + sums / ((m - 1) * (m - 2)) - 2 * joint / (m - 2)) / (m * (m - 3))
    return found


def jackknife(
    statistic: Statistic, table: FloatArray, topics: Sequence[str], before: FloatArray | None = None
) -> Estimate:
    """Value ± t · standard error of the jackknife that leaves out one situation after the other; of a difference to `before`.

    Simulated with 300 samples of states of 8 and 6 dimensions, normal and with heavy tails, fixed widths of 3.9. The interval
    of HSIC holds the true value in 95 to 97 % at 30 pairs and 95 to 96 % at 80 (where nothing depends: 99 to 100 %), that of
    a difference in 95 to 98 % and 94 to 96 % where it is not 0, and in 98 to 99 % and 96 to 98 % where it is. Of the form
    without scale: 95 to 96 % and 92 to 95 % (98 to 100 %), differences 96 to 99 %. Intervals by resampling held 96 to 100 %: a pair
    that is drawn twice adds to the spread of such a statistic. The jackknife's variance is too large on average, not too small.

    Args:
        statistic: (counted (R, n), table) → (R,).
        table: (n, columns).
        topics: of each pair.
        before: the same of another model; the value is that of `table` minus that of this.
    """

    def of(counted: FloatArray) -> FloatArray:
        found = statistic(counted, table)
        return found if before is None else found - statistic(counted, before)

    names, place = np.unique(topics, return_inverse=True)
    n, g = len(topics), len(names)
    value = float(of(np.ones((1, n)))[0])
    if not math.isfinite(value):
        return Estimate(None, None, None, None, n, g, 0, limit=NO_SCALE)
    bare = Estimate(value, None, None, None, n, g, 0)
    without = of((place[None, :] != np.arange(g)[:, None]).astype(np.float64))
    if g < 2 or not np.isfinite(without).all():
        return replace(bare, limit=TOO_FEW_LIMIT)
    se = float(np.sqrt((g - 1) / g * ((without - without.mean()) ** 2).sum()))
    if se < 1e-12 * max(1.0, abs(value)):
        return replace(bare, limit=SAME_LIMIT)
    low, high = t_interval(value, se, g - 1, LEVEL)
    most = 1.0 if before is None else 2.0
    ends = max(low, -most), min(high, most)
    return Estimate(value, *ends, None, n, g, 0, se, g - 1, FEW_LIMIT if g < FEW_PAIRS else None)


def hsic_null(table: FloatArray, seed: int) -> dict[str, float]:
    """What `hsic` would be, were the pairs not pairs: mean and 95th percentile over rearrangements, and the p of the value."""
    from scipy.stats import permutation_test

    n = len(table)
    k, other = table[:, :n] * (1 - np.eye(n)), table[:, n:] * (1 - np.eye(n))
    in_k, in_other = k.sum(axis=1), other.sum(axis=1)
    sums = in_k.sum() * in_other.sum() / ((n - 1) * (n - 2))

    def statistic(order: Any) -> float:
        trace = (k * other[np.ix_(order, order)]).sum()
        return float(trace + sums - 2 / (n - 2) * (in_k @ in_other[order])) / (n * (n - 3))

    found = permutation_test(
        (np.arange(n),),
        statistic,
        permutation_type="pairings",
        vectorized=False,
        n_resamples=PERMUTATIONS,
        alternative="greater",
        rng=np.random.default_rng(seed),
    )
    return {
        "null_mean": float(np.mean(found.null_distribution)),
        "null_95": float(np.quantile(found.null_distribution, 0.95)),
        "p_value": float(found.pvalue),
    }
