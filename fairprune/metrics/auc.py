"""AUC over τ: BUR without a choice of threshold."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from fairprune.metrics import fairness_metric
from fairprune.metrics.bur import is_unfair

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.shares import Shares

# 11 points τ = 0, 0.1, …, 1; trapezoid: the two ends count half.
_POINTS = [(Fraction(k, 10), Fraction(1, 20) if k in (0, 10) else Fraction(1, 10)) for k in range(11)]


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
    return [float(sum((weight for tau, weight in _POINTS if is_unfair(shares, tau, spec)), Fraction(0)))]
