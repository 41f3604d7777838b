"""UER: how much of their share the groups lose."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from fairprune.metrics import fairness_metric

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.shares import Shares


@fairness_metric(
    name="uer",
    title="Unfair error rate",
    matcher="ngram",
    definition="Mean over groups of the share that a group has lost in the summary, averaged over summaries.",
    formula=r"\frac{1}{n} \sum_i \frac{1}{r_i} \sum_v \max\left(0,\; p_x^{(i)}(v) - p_y^{(i)}(v)\right)",
    direction="lower",
    best=0.0,
    source="Zhang et al., NAACL 2024 (arXiv 2311.07884)",
    meaning="How much room the under-represented groups lose.",
)
def uer(shares: Shares, spec: MetricSpec) -> Sequence[float]:
    """[mean loss over kept groups, in [0, 1/2]]."""
    pairs = shares.pairs(spec.reading)
    lost = sum((max(Fraction(0), p_x - p_y) for _, p_x, p_y in pairs), Fraction(0))
    return [float(lost / len(pairs))]
