"""Many methods and sparsities on one calibration set: the dense model is walked once for all of them.

One forward pass per window, and one backward pass per distinct loss, serve every method that calibrates on the dense
model; only methods that calibrate on pruned outputs walk again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from fairprune.allocation import Target
from fairprune.methods import Method, Options
from fairprune.models import LoadedModel, weight_matrix
from fairprune.passes import BlockWalked, WindowSeen, collect
from fairprune.prune import Calibration, LayerPruned, prune, wanted_dense
from fairprune.report import MatrixReport
from fairprune.statistics import ModelStatistics, Wanted, empty_statistics


@dataclass(frozen=True)
class Arm:
    """One cell of a study."""

    method: Method
    options: Options
    target: Target


@dataclass(frozen=True)
class ArmPruned:
    """The model is pruned as this arm says, until the next event is asked for."""

    arm: Arm
    matrices: tuple[MatrixReport, ...]
    masks: dict[str, torch.Tensor]
    """Module name → bool (out, in), true = kept."""


def wanted_by(arms: Sequence[Arm]) -> Wanted | None:
    """What one pass of the dense model must collect for all arms; None when none needs it."""
    each = [
        wanted for arm in arms if (wanted := wanted_dense(arm.method, arm.options, arm.target)) is not None
    ]
    if not each:
        return None
    return Wanted(frozenset().union(*(one.gradients for one in each)), any(one.hessian for one in each))


def study(
    loaded: LoadedModel,
    arms: Sequence[Arm],
    calibration: Calibration | None,
    statistics: ModelStatistics | None = None,
) -> Iterator[WindowSeen | BlockWalked | ArmPruned]:
    """Prunes the dense model once per arm, in the order given, and leaves it dense.

    Args:
        statistics: of the dense model, as `wanted_by` says; collected here when missing.

    Raises:
        BadInput, NumericError: as `prune`; the model is dense again then too.
    """
    linears = loaded.linears()
    dense = {name: weight_matrix(layer).clone() for name, layer in linears.items()}

    def restore() -> None:
        for name, layer in linears.items():
            weight_matrix(layer).copy_(dense[name])

    wanted = wanted_by(arms)
    if statistics is None:
        statistics = empty_statistics(linears)
        if wanted is not None and calibration is not None:
            yield from collect(
                loaded,
                calibration.ids,
                statistics,
                wanted,
                loss_mask=calibration.loss_mask,
                weights=calibration.weights,
            )
    try:
        for arm in arms:
            pruned = [
                event
                for event in prune(loaded, arm.method, arm.options, arm.target, calibration, statistics)
                if isinstance(event, LayerPruned)
            ]
            yield ArmPruned(
                arm,
                tuple(event.report for event in pruned),
                {event.report.name: event.keep for event in pruned},
            )
            restore()
    finally:
        restore()
