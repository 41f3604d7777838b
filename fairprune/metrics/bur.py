"""BUR: how often some group falls below τ times its share."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from fairprune.metrics import fairness_metric

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.shares import Shares


def is_unfair(shares: Shares, tau: Fraction, spec: MetricSpec) -> bool:
    """Whether any kept group is under-represented at τ; a single kept group never is."""
    if shares.single_group:
        return False
    least = shares.least_ratio(spec.reading)
    return least < tau if spec.ties == "lt" else least <= tau


@fairness_metric(
    name="bur",
    title="Binary unfair rate",
    matcher="ngram",
    definition="Share of summaries in which at least one group holds less than τ times its fair share.",
    formula=r"\frac{1}{n} \sum_i \left[\, \exists v :\; p_y^{(i)}(v) < \tau\, p_x^{(i)}(v) \,\right]",
    direction="lower",
    best=0.0,
    source="Zhang et al., NAACL 2024 (arXiv 2311.07884)",
    meaning="How often a summary clearly under-represents somebody.",
    binary=True,
)
def bur(shares: Shares, spec: MetricSpec) -> Sequence[float]:
    """[0 or 1]."""
    return [float(is_unfair(shares, Fraction(spec.tau), spec))]
