"""Wanda: weights times the norm of their input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fairprune.methods import Options, pruning_method

if TYPE_CHECKING:
    import torch

    from fairprune.statistics import LayerStatistics


class WandaOptions(Options):
    propagate: Literal["dense", "pruned"] = Field(
        "pruned",
        description="Calibrate each block on the outputs of the pruned blocks before it (as published), or on the dense model.",
    )


@pruning_method(
    name="wanda",
    title="Wanda",
    needs=("input_sq",),
    compares="row",
    formula=r"|W_{ij}| \cdot \lVert X_j \rVert_2",
    summary="Drops weights that are small or read an input that is hardly ever active. Needs no gradients.",
    source="Sun et al., ICLR 2024 (arXiv 2306.11695), eq. 1",
    options=WandaOptions,
)
def wanda(weight: torch.Tensor, statistics: LayerStatistics, options: WandaOptions) -> torch.Tensor:
    return weight.abs().mul_(statistics.input_norm())
