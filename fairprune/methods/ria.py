"""RIA: relative importance of a weight in its row and column, times the root of the input norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fairprune.methods import pruning_method
from fairprune.methods.wanda import WandaOptions

if TYPE_CHECKING:
    import torch

    from fairprune.statistics import LayerStatistics


@pruning_method(
    name="ria",
    title="RIA",
    needs=("input_sq",),
    compares="row",
    formula=r"\left(\frac{|W_{ij}|}{\sum_k |W_{ik}|}+\frac{|W_{ij}|}{\sum_k |W_{kj}|}\right)\cdot\lVert X_j\rVert_2^{1/2}",
    summary="Keeps weights that are large for their row or column, so that no input is cut off whole.",
    source="Zhang et al., Plug-and-Play, ICLR 2024",
    options=WandaOptions,
)
def ria(weight: torch.Tensor, statistics: LayerStatistics, options: WandaOptions) -> torch.Tensor:
    size = weight.abs()
    smallest = 1e-30  # an all-zero row or column has relative importance 0, not 0/0
    by_row = size / size.sum(dim=1, keepdim=True).clamp_min(smallest)
    by_column = size / size.sum(dim=0, keepdim=True).clamp_min(smallest)
    return (by_row + by_column) * statistics.input_norm().sqrt()
