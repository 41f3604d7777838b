"""Gradient pruning: weights times their accumulated gradients, without activations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fairprune.methods import Options, pruning_method

if TYPE_CHECKING:
    import torch

    from fairprune.statistics import LayerStatistics


class GradientOptions(Options):
    aggregate: Literal["l1", "l2"] = Field(
        "l2",
        description="Gradients over samples: root of the sum of squares (l2, as published) or sum of absolute values (l1).",
    )


def published_gradient(statistics: LayerStatistics, aggregate: Literal["l1", "l2"]) -> torch.Tensor:
    """G of GBLM-Pruner, shape (out, in): sqrt(Σ g²) or Σ|g| of the loss over all tokens."""
    total = statistics.gradient("all_tokens", aggregate)
    return total.sqrt() if aggregate == "l2" else total


@pruning_method(
    name="gradient",
    title="Gradient",
    needs=("gradient",),
    compares="row",
    formula=r"|W_{ij}|\cdot\sqrt{\textstyle\sum_s g_{ij,s}^2}",
    summary="Drops weights whose change would hardly change the loss. Reads no activations.",
    source="GBLM-Pruner's gradient-only variant (arXiv 2311.04902)",
    options=GradientOptions,
)
def gradient(weight: torch.Tensor, statistics: LayerStatistics, options: GradientOptions) -> torch.Tensor:
    return weight.abs() * published_gradient(statistics, options.aggregate)
