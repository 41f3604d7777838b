"""CP: whether summaries rest on the same group's opinions time and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fairprune.metrics import fairness_metric
from fairprune.metrics.coverage import parity, parity_contrasts, parity_row

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.coverage import Coverage


@fairness_metric(
    name="cp",
    title="Coverage parity",
    matcher="entailment",
    definition="Mean over groups of how far the coverage of all its opinions in the corpus lies from the average.",
    formula=r"\frac{1}{|V|} \sum_v \left|\mathrm{mean}_{i,\; d \in v} c_i(d)\right|,\; "
    r"c_i(d) = p(d, S_i) - \overline{p(\cdot, S_i)}",
    direction="lower",
    best=0.0,
    source="Li et al., NAACL 2025 (arXiv 2412.08795)",
    meaning="Whether the same group's opinions are favoured throughout.",
    unit="probability",
    statistic=parity,
    contrasts=parity_contrasts,
    optional=True,
)
def cp(coverage: Coverage, _spec: MetricSpec) -> Sequence[float]:
    """Sums of c(d) and numbers of documents per group of the corpus."""
    return parity_row(coverage)
