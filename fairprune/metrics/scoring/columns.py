"""What a cell says beside its value: n-gram credit that tells groups apart, and SPD2's absolute and corrected sides."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.metrics import METRICS, Metric
from fairprune.metrics.confusion import correction_bounds, outside
from fairprune.metrics.scoring.systems import System
from fairprune.metrics.shares import Shares
from fairprune.uncertainty import FloatArray, Resamples, estimate, estimate_difference, weighted_mean

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


def spd2_columns(systems: Sequence[System], draws: Resamples, both: NDArray[np.bool_]) -> dict[str, Any]:
    """`absolute` with its interval; where SPD2 is corrected, of a single system also `correction_low` and
    `correction_high`, which say what the confusion matrix leaves open, and `n_outside`, samples whose corrected
    shares leave [0, 1]."""
    columns: dict[str, Any] = {"absolute": None, "absolute_low": None, "absolute_high": None}
    tables = [system.tables["spd2"] for system in systems]
    if all(table.shape[1] > 1 for table in tables):
        parts = [table[:, 1:2] for table in tables]
        least = (0.0, math.inf)
        if len(parts) == 1:
            found = estimate(weighted_mean, parts[0], draws, limits=least)
        else:
            found = estimate_difference(weighted_mean, parts[0], parts[1], draws, limits=least)
        columns = {"absolute": found.value, "absolute_low": found.low, "absolute_high": found.high}
    correction = systems[0].correction
    if correction is not None and len(systems) == 1:
        observed: FloatArray = systems[0].tables["spd2_observed"][both]
        bounds = correction_bounds(correction, observed, SEED)
        columns["correction_low"], columns["correction_high"] = bounds or (None, None)
        columns["n_outside"] = outside([one for one in systems[0].inputs["spd2"] if isinstance(one, Shares)])
    return columns
