"""AUC over τ: BUR without a choice of threshold."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING

from fairprune.metrics import fairness_metric

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.shares import Shares

POINTS = 11
"""τ = 0, 0.1, …, 1; trapezoid: the two ends count half."""
_WEIGHTS = [Fraction(1, 20) if k in (0, POINTS - 1) else Fraction(1, 10) for k in range(POINTS)]
_AREA = [sum(_WEIGHTS[k:], Fraction(0)) for k in range(POINTS + 1)]
"""Area where all points from k on are unfair."""


@fairness_metric(
    name="auc",
    title="Area under BUR over τ",
    matcher="ngram",
    definition="Binary unfair rate averaged over all thresholds τ from 0 to 1 (11-point trapezoid).",
    formula=r"\int_0^1 \mathrm{BUR}(\tau)\, d\tau",
    direction="lower",
    best=0.0,
    source="Zhang et al., NAACL 2024 (arXiv 2311.07884)",
    meaning="How unfair the summaries are whichever threshold one prefers.",
)
def auc(shares: Shares, spec: MetricSpec) -> Sequence[float]:
    """[area under this sample's own step, in [0, 1]]; being linear, the corpus value is their mean."""
    if shares.single_group:
        return [0.0]
    tenths = 10 * shares.least_ratio(spec.reading)
    # The first of the points 0 … 10 that is above it, or at it where ties are unfair; all later ones are unfair too.
    first = floor(tenths) + 1 if spec.ties == "lt" else ceil(tenths)
    return [float(_AREA[min(first, POINTS)])]
