"""The additive variant that the released HGLA script computes unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fairprune.methods import pruning_method
from fairprune.methods.hgla import HglaOptions, scaled_gradient

if TYPE_CHECKING:
    import torch

    from fairprune.statistics import LayerStatistics


@pruning_method(
    name="hgla-additive",
    title="HGLA, additive",
    needs=("input_sq", "gradient"),
    compares="row",
    formula=r"|W_{ij}|\cdot(\lVert X_j\rVert_2 + |G'_{ij}|^p)",
    summary="What the released HGLA script runs by default: keeps weights with a high gradient. Not HGLA.",
    source="released code of arXiv 2508.17610, default flags",
    options=HglaOptions,
)
def hgla_additive(weight: torch.Tensor, statistics: LayerStatistics, options: HglaOptions) -> torch.Tensor:
    base = weight.abs().mul_(statistics.input_norm())
    gradient = scaled_gradient(base, statistics.gradient(options.loss, options.aggregate))
    if options.exponent != 1:
        gradient = gradient.pow(options.exponent)
    return base.addcmul_(weight.abs(), gradient)
