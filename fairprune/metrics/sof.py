"""SOF: whether the same group always loses."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from fairprune.metrics import fairness_metric
from fairprune.uncertainty import FloatArray, weighted_column_means

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.shares import Shares


def contrasts_of_losses(weights: FloatArray, losses: FloatArray) -> FloatArray:
    """(weights (R, n), losses (n, groups)) → (R, groups): D(v) − mean D, signed.

    D(v) is the weighted mean over the samples in which v is kept; NaN for a group that a resample does not draw.
    """
    means = weighted_column_means(weights, losses)
    return means - _row_means(means)[:, None]


def spread_of_losses(weights: FloatArray, losses: FloatArray) -> FloatArray:
    """(weights (R, n), losses (n, groups)) → (R,): mean over groups of |D(v) − mean D|.

    A group that a resample does not draw at all is left out of that resample; where it draws none, the value is NaN.
    """
    return _row_means(np.abs(contrasts_of_losses(weights, losses)))


def _row_means(table: FloatArray) -> FloatArray:
    """Mean of each row over its entries that are not NaN; NaN where there is none."""
    present = ~np.isnan(table)
    count = present.sum(axis=1)
    total = np.where(present, table, 0.0).sum(axis=1)
    means: FloatArray = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    return means


@fairness_metric(
    name="sof",
    title="Second-order fairness",
    matcher="ngram",
    definition="Mean distance of the groups' mean losses from their average, over the corpus.",
    formula=r"\frac{1}{|V|} \sum_v \left| D(v) - \bar D \right|,\; "
    r"D(v) = \mathrm{mean}_i \max\left(0,\; p_x^{(i)}(v) - p_y^{(i)}(v)\right)",
    direction="lower",
    best=0.0,
    source="Zhang et al., NAACL 2024 (arXiv 2311.07884)",
    meaning="Whether losing room always hits the same group.",
    statistic=spread_of_losses,
    contrasts=contrasts_of_losses,
)
def sof(shares: Shares, spec: MetricSpec) -> Sequence[float]:
    """Loss max(0, p_x − p_y) per group of the corpus; NaN for a group that is not kept."""
    row = [float("nan")] * len(shares.groups)
    for i, p_x, p_y in shares.pairs(spec.reading):
        row[i] = float(max(Fraction(0), p_x - p_y))
    return row
