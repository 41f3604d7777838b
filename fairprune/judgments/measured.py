"""A number of a study with its interval, or with the reason why it has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fairprune.uncertainty import LEVEL, FloatArray
from fairprune.uncertainty.intervals import t_interval

RESAMPLES = 1000
ONE_CLUSTER = "only one {what}: nothing shows how much another would differ, so there is no interval"
POINT = "every resample gives the same value: nothing shows how far it could vary, so there is no interval"


@dataclass(frozen=True)
class Measured:
    """A value with its 95 % interval."""

    value: float | None
    """None: not defined, and `why` says so."""
    low: float | None
    high: float | None
    n: int
    """What was counted: votes, pairs of votes or items, as the function says."""
    n_clusters: int
    """What was resampled: samples, items or judges, as the function says."""
    why: str | None = None
    """Why there is no value, or no interval."""

    @property
    def defined(self) -> bool:
        return self.value is not None


def undefined(why: str, n: int = 0, n_clusters: int = 0) -> Measured:
    """No value, and why."""
    return Measured(None, None, None, n, n_clusters, why)


def cluster_weights(n_clusters: int, resamples: int, seed: int | np.random.Generator) -> FloatArray:
    """How often each cluster is drawn: (resamples, n_clusters), every row sums to n_clusters."""
    drawn = np.random.default_rng(seed).integers(0, n_clusters, (resamples, n_clusters))
    cells = drawn + n_clusters * np.arange(resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=resamples * n_clusters)
    return counts.reshape(resamples, n_clusters).astype(np.float64)


def measured(
    value: float,
    draws: FloatArray,
    n: int,
    n_clusters: int,
    limits: tuple[float, float],
    what: str = "item",
) -> Measured:
    """value ± t · se of a cluster bootstrap, cut at the least and the largest value that there can be.

    The standard error is that of the resamples, corrected for the number g of clusters (a bootstrap varies by
    (g − 1) / g too little); t has g − 1 degrees of freedom. The percentile interval covers too little where there are few clusters.

    Args:
        draws: (R,), NaN where the statistic is not defined in a resample: those are left out, and `why` counts them.
        what: a cluster's name in the singular, for the reason.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and 12.
    """
    if n_clusters < 2:
        return Measured(value, None, None, n, n_clusters, ONE_CLUSTER.format(what=what))
    kept = draws[~np.isnan(draws)]
    if len(kept) < len(draws) / 2:
        none = f"not defined in {len(draws) - len(kept)} of {len(draws)} resamples, so there is no interval"
        return Measured(value, None, None, n, n_clusters, none)
    se = float(np.std(kept, ddof=1)) * (n_clusters / (n_clusters - 1)) ** 0.5
    if se < 1e-12:
        return Measured(value, None, None, n, n_clusters, POINT)
    low, high = t_interval(value, se, n_clusters - 1, LEVEL)
    lost = len(draws) - len(kept)
    why = f"not defined in {lost} of {len(draws)} resamples, which are left out" if lost else None
    return Measured(value, max(low, limits[0]), min(high, limits[1]), n, n_clusters, why)
