"""GBLM-Pruner: Wanda with a gradient term."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fairprune.methods import pruning_method
from fairprune.methods.gradient import GradientOptions, published_gradient

if TYPE_CHECKING:
    import torch

    from fairprune.statistics import LayerStatistics


class GblmOptions(GradientOptions):
    alpha: float = Field(
        100.0, ge=0, description="Weight α of the gradient term beside the input norm; 100 as published."
    )
    propagate: Literal["dense", "pruned"] = Field(
        "pruned",
        description="Calibrate input norms on the outputs of the pruned blocks before (as published), or on the dense model.",
    )


@pruning_method(
    name="gblm",
    title="GBLM",
    needs=("input_sq", "gradient"),
    compares="row",
    formula=r"|W_{ij}|\cdot\left(\lVert X_j\rVert_2 + \alpha\,\sqrt{\textstyle\sum_s g_{ij,s}^2}\right)",
    summary="Keeps weights that read active inputs or move the loss. The gradient term grows with the number of windows.",
    source="Das et al. 2023 (arXiv 2311.04902)",
    options=GblmOptions,
)
def gblm(weight: torch.Tensor, statistics: LayerStatistics, options: GblmOptions) -> torch.Tensor:
    return weight.abs() * (
        statistics.input_norm() + options.alpha * published_gradient(statistics, options.aggregate)
    )
