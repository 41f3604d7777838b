"""Random pruning: the control that every other method must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from fairprune.methods import Options, pruning_method

if TYPE_CHECKING:
    import torch

    from fairprune.statistics import LayerStatistics


class RandomOptions(Options):
    seed: int = Field(
        0, ge=0, lt=2**32, description="Seed of the noise; each layer draws from (seed, layer name)."
    )


@pruning_method(
    name="random",
    title="Random",
    needs=(),
    compares="row",
    formula=r"u_{ij} \sim U[0, 1)",
    summary="Drops weights at random, seeded. The control: a method that is not better than this does nothing.",
    source="control",
    options=RandomOptions,
)
def random(weight: torch.Tensor, statistics: LayerStatistics, options: RandomOptions) -> torch.Tensor:
    """Drawn on the host, so that every device gets the same mask."""
    return statistics.noise(weight.shape, options.seed).to(weight.device)
