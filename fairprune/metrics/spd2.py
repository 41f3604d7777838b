"""SPD2: whether labelled sentences of the summary keep the source's balance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fairprune.metrics import fairness_metric

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec
    from fairprune.metrics.shares import Shares

NOT_COMPARABLE = (
    "SPD2 follows the description in the literature; the published equation could not be checked, so "
    "absolute values are not compared with published ones"
)


@fairness_metric(
    name="spd2",
    title="Second-order statistical parity difference",
    matcher="label",
    definition="Balance of the groups among labelled summary sentences minus that among source sentences.",
    formula=r"\frac{1}{n} \sum_i \left(y_a^{(i)} - y_b^{(i)}\right) - \left(x_a^{(i)} - x_b^{(i)}\right)",
    direction="zero",
    best=0.0,
    source="Huang et al., EACL 2024 (arXiv 2402.00322); EMNLP 2025 (arXiv 2508.17610)",
    meaning="Above zero the summaries lean to the first group, below zero away from it.",
)
def spd2(shares: Shares, _spec: MetricSpec) -> Sequence[float]:
    """[value, absolute] with d = y − x per group.

    Two groups: value d_a − d_b in [−2, 2] (a is the first group), absolute |value|.
    More: value max d − min d in [0, 2], absolute the mean of |d|.
    The reading does not matter: the balance is always compared with the source's own.
    """
    d = [p_y - p_x for _, p_x, p_y in shares.pairs("ratio")]
    if len(d) == 2:
        value = d[0] - d[1]
        return [float(value), float(abs(value))]
    return [float(max(d) - min(d)), float(sum(abs(x) for x in d) / len(d))]
