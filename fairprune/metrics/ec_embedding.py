"""EC by similarity: equal coverage where no entailment model is at hand. Similarity is not entailment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fairprune.metrics import fairness_metric
from fairprune.metrics.coverage import equal_coverage

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.coverage import Coverage


@fairness_metric(
    name="ec_embedding",
    title="Equal coverage by similarity",
    matcher="similarity",
    definition="Equal coverage with the cosine similarity of sentence embeddings in place of entailment.",
    formula=r"\frac{1}{n} \sum_i \frac{1}{r_i} \sum_v \left|\mathrm{mean}_{d \in v} c(d)\right|,\; "
    r"c(d) = p_{\cos}(d, S_i) - \overline{p_{\cos}(\cdot, S_i)}",
    direction="lower",
    best=0.0,
    source="after Li et al., NAACL 2025 (arXiv 2412.08795); the paper has entailment",
    meaning="How much nearer a single summary lies to some groups' opinions than to others'.",
    unit="cosine",
    optional=True,
)
def ec_embedding(coverage: Coverage, _spec: MetricSpec) -> Sequence[float]:
    """[EC of the sample, in [0, 2]]."""
    return equal_coverage(coverage)
