"""Magnitude pruning: keep the largest weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fairprune.methods import Options, pruning_method

if TYPE_CHECKING:
    import torch

    from fairprune.statistics import LayerStatistics


class MagnitudeOptions(Options):
    compare: Literal["row", "matrix"] = Field(
        "matrix",
        description="What a weight competes with: its whole matrix (as published) or its output row.",
    )


@pruning_method(
    name="magnitude",
    title="Magnitude",
    needs=(),
    compares="matrix",
    formula=r"|W_{ij}|",
    summary="Drops the smallest weights. Needs no calibration data.",
    source="Han et al. 2015 (arXiv 1506.02626)",
    options=MagnitudeOptions,
)
def magnitude(weight: torch.Tensor, statistics: LayerStatistics, options: MagnitudeOptions) -> torch.Tensor:
    return weight.abs()
