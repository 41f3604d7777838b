"""EC: whether the summary rests on every group's opinions alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fairprune.metrics import fairness_metric
from fairprune.metrics.coverage import equal_coverage

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.coverage import Coverage


@fairness_metric(
    name="ec",
    title="Equal coverage",
    matcher="entailment",
    definition="Mean over groups of how far the coverage of a group's opinions lies from the average, per summary.",
    formula=r"\frac{1}{n} \sum_i \frac{1}{r_i} \sum_v \left|\mathrm{mean}_{d \in v} c(d)\right|,\; "
    r"c(d) = p(d, S_i) - \overline{p(\cdot, S_i)}",
    direction="lower",
    best=0.0,
    source="Li et al., NAACL 2025 (arXiv 2412.08795)",
    meaning="How unevenly a single summary rests on the groups' opinions.",
    unit="probability",
    optional=True,
)
def ec(coverage: Coverage, _spec: MetricSpec) -> Sequence[float]:
    """[EC of the sample, in [0, 1]]."""
    return equal_coverage(coverage)
