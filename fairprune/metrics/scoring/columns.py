"""What a cell says beside its value: n-gram credit that tells groups apart, and SPD2's absolute and corrected sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.metrics import METRICS, Metric
from fairprune.metrics.confusion import correction_bounds, outside
from fairprune.metrics.scoring.systems import System, limits_of
from fairprune.metrics.shares import Shares
from fairprune.uncertainty import (
    Estimate,
    FloatArray,
    Resamples,
    estimate,
    estimate_difference,
    weighted_mean,
)

ONLY_SINGLE = "every scored sample has opinions of one group only"
SEED = 0
"""Of the draws of the confusion matrix: the same for every cell."""


def credit_columns(metric: Metric, systems: Sequence[System], both: NDArray[np.bool_]) -> dict[str, Any]:
    """`exclusive`: mean share of n-gram credit that one group alone could give, of the first system minus that of
    the second; `n_zero_match` of a single system. {} for other matchers.

    Args:
        both: (n,), samples that all systems score.
    """
    tables = [system.tables["exclusive"][:, 0] for system in systems if "exclusive" in system.tables]
    if METRICS[metric.name].matcher != "ngram" or len(tables) < len(systems):
        return {}
    taken = both & np.logical_and.reduce([~np.isnan(table) for table in tables])
    means = [float(table[taken].mean()) for table in tables] if taken.any() else []
    columns: dict[str, Any] = {"exclusive": (means[0] - sum(means[1:])) if means else None}
    if len(systems) == 1:
        columns["n_zero_match"] = sum(one.zero_match for one in systems[0].main)
    return columns


def estimate_of(
    metric: Metric, systems: Sequence[System], tables: Sequence[FloatArray], draws: Resamples
) -> Estimate:
    """The corpus value of one system, or the first minus the second, with its interval."""
    limits = limits_of(metric, systems[0])
    if len(tables) == 2:
        folded = metric.contrasts is not None
        return estimate_difference(
            metric.statistic, tables[0], tables[1], draws, binary=metric.binary, folded=folded, limits=limits
        )
    return estimate(
        metric.statistic,
        tables[0],
        draws,
        binary=metric.binary,
        contrasts=metric.contrasts,
        limits=limits,
    )


def multi_columns(
    metric: Metric, systems: Sequence[System], draws: Resamples, both: NDArray[np.bool_], found: Estimate
) -> dict[str, Any]:
    """`n_single_group` of the scored samples, which are always fair; and the value without them, `value_multi`, with its
    interval `multi_low`, `multi_high` over the others; `multi_limit` says what is known against it, or why it is missing.

    Args:
        found: the estimate over all samples, which is the same where each has several groups.
    """
    several = np.array([not one.single_group for one in systems[0].main])
    single = int((both & ~several).sum())
    if single:
        tables = [np.where(several[:, None], system.tables[metric.name], np.nan) for system in systems]
        found = estimate_of(metric, systems, tables, draws)
    return {
        "n_single_group": single,
        "value_multi": found.value,
        "multi_low": found.low,
        "multi_high": found.high,
        "multi_limit": ONLY_SINGLE if single and found.value is None else found.limit,
    }


def spd2_columns(systems: Sequence[System], draws: Resamples, both: NDArray[np.bool_]) -> dict[str, Any]:
    """`absolute` with its interval and what is known against that (`absolute_limit`); where SPD2 is corrected, of a single
    system also `correction_low` and `correction_high`, which say what the confusion matrix leaves open, and `n_outside`,
    samples whose corrected shares leave [0, 1]."""
    names = ("absolute", "absolute_low", "absolute_high", "absolute_limit")
    columns: dict[str, Any] = dict.fromkeys(names)
    tables = [system.tables["spd2"] for system in systems]
    if all(table.shape[1] > 1 for table in tables):
        parts = [table[:, 1:2] for table in tables]
        least = (0.0, math.inf)
        if len(parts) == 1:
            found = estimate(weighted_mean, parts[0], draws, limits=least)
        else:
            found = estimate_difference(weighted_mean, parts[0], parts[1], draws, limits=least)
        columns = dict(zip(names, (found.value, found.low, found.high, found.limit), strict=True))
    correction = systems[0].correction
    if correction is not None and len(systems) == 1:
        observed: FloatArray = systems[0].tables["spd2_observed"][both]
        bounds = correction_bounds(correction, observed, SEED)
        columns["correction_low"], columns["correction_high"] = bounds or (None, None)
        columns["n_outside"] = outside([one for one in systems[0].inputs["spd2"] if isinstance(one, Shares)])
    return columns
