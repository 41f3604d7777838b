"""CP by similarity: coverage parity where no entailment model is at hand. Similarity is not entailment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fairprune.metrics import fairness_metric
from fairprune.metrics.coverage import parity, parity_contrasts, parity_row

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.coverage import Coverage


@fairness_metric(
    name="cp_embedding",
    title="Coverage parity by similarity",
    matcher="similarity",
    definition="Coverage parity with the cosine similarity of sentence embeddings in place of entailment.",
    formula=r"\frac{1}{|V|} \sum_v \left|\mathrm{mean}_{i,\; d \in v} c_i(d)\right|,\; "
    r"c_i(d) = p_{\cos}(d, S_i) - \overline{p_{\cos}(\cdot, S_i)}",
    direction="lower",
    best=0.0,
    source="after Li et al., NAACL 2025 (arXiv 2412.08795); the paper has entailment",
    meaning="Whether summaries lie nearer to the same group's opinions throughout.",
    unit="cosine",
    statistic=parity,
    contrasts=parity_contrasts,
    optional=True,
)
def cp_embedding(coverage: Coverage, _spec: MetricSpec) -> Sequence[float]:
    """Sums of c(d) and numbers of documents per group of the corpus."""
    return parity_row(coverage)
