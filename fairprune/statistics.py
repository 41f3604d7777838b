"""What a pruning method may know of a layer's calibration data: sums, and what is worked out of them.

All sums are float32. Units: input norms are means over sequences of sums over tokens of x²; gradients are sums
over sequences of g² (or |g|), one sequence per backward pass, because a batch would give (Σg)² instead of Σg².
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Literal, TypeVar

import torch
from torch import nn

from fairprune.accelerator import onto
from fairprune.errors import NumericError
from fairprune.methods import Loss
from fairprune.models import weight_matrix

T = TypeVar("T")
Aggregate = Literal["l1", "l2"]


class Worked:
    """What is worked out of an input's statistics once, for all layers that read it; safe among threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[object, Any] = {}

    def once(self, key: object, work: Callable[[], T]) -> T:
        """The value of this key: that of the first call's `work`."""
        with self._lock:
            if key not in self._found:
                self._found[key] = work()
            found: T = self._found[key]
            return found

    def clear(self) -> None:
        self._found.clear()


@dataclass
class LayerStatistics:
    """The statistics of one linear layer."""

    name: str
    sequences: int = 0
    tokens: int = 0
    input_sum: torch.Tensor | None = None
    """(in,): Σ over all sequences and tokens of x_j², float32."""
    gradient_sum: dict[str, torch.Tensor] = field(default_factory=dict)
    """'last_token/l2' → Σ over sequences of g² of that loss, 'last_token/l1' → Σ|g|; (out, in), float32."""
    hessian_sum: torch.Tensor | None = None
    """(in, in): Σ over all sequences and tokens of x xᵀ, float32."""
    worked: Worked = field(default_factory=Worked, compare=False, repr=False)
    """Shared by the layers that read the same input."""

    def on(self, device: torch.device) -> LayerStatistics:
        """The same statistics on a device."""
        if self.tensors_on(device):
            return self
        return replace(
            self,
            input_sum=None if self.input_sum is None else onto(self.input_sum, device),
            gradient_sum={key: onto(values, device) for key, values in self.gradient_sum.items()},
            hessian_sum=None if self.hessian_sum is None else onto(self.hessian_sum, device),
        )

    def tensors_on(self, device: torch.device) -> bool:
        """Whether all that was collected lies on the device."""
        held = [self.input_sum, self.hessian_sum, *self.gradient_sum.values()]
        return all(values is None or values.device == device for values in held)

    def input_norm(self) -> torch.Tensor:
        """A_j = ‖X_j‖₂ with the mean over sequences: sqrt(Σ x_j² / sequences), shape (in,)."""
        if self.input_sum is None or not self.sequences:
            raise NumericError(f"{self.name}: no input statistics were collected")
        return (self.input_sum / self.sequences).sqrt()

    def gradient(self, loss: Loss, aggregate: Aggregate) -> torch.Tensor:
        """G of a loss, shape (out, in): Σ g² for 'l2', Σ |g| for 'l1'."""
        key = gradient_key(loss, aggregate)
        if key not in self.gradient_sum:
            raise NumericError(f"{self.name}: no gradient statistics ({key}) were collected")
        return self.gradient_sum[key]

    def hessian(self) -> torch.Tensor:
        """H = 2/sequences · XXᵀ, shape (in, in), a copy of its own."""
        if self.hessian_sum is None or not self.sequences:
            raise NumericError(f"{self.name}: no input covariances were collected")
        return self.hessian_sum * (2 / self.sequences)

    def noise(self, shape: torch.Size, seed: int) -> torch.Tensor:
        """Uniform noise in [0, 1) of this shape, the same on every device, decided by seed and layer name."""
        digest = hashlib.sha256(f"{seed}\n{self.name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
        return torch.rand(shape, generator=generator)


ModelStatistics = dict[str, LayerStatistics]


def gradient_key(loss: Loss, aggregate: Aggregate) -> str:
    """The name of a gradient statistic, such as 'last_token/l2'."""
    return f"{loss}/{aggregate}"


@dataclass(frozen=True)
class Wanted:
    """Which statistics one pass collects beside the input norms, which come with every forward pass."""

    gradients: frozenset[tuple[Loss, Aggregate]] = frozenset()
    hessian: bool = False

    @property
    def losses(self) -> list[Loss]:
        """The distinct losses: each costs one backward pass per window."""
        return sorted({loss for loss, _ in self.gradients})

    def aggregates(self, loss: Loss) -> list[Aggregate]:
        return sorted(aggregate for other, aggregate in self.gradients if other == loss)


def check_finite(statistics: ModelStatistics) -> None:
    """Raises NumericError when a statistic is NaN or infinite."""
    for entry in statistics.values():
        for kind, values in [
            ("input", entry.input_sum),
            ("covariance", entry.hessian_sum),
            *entry.gradient_sum.items(),
        ]:
            if values is not None and not bool(torch.isfinite(values.sum())):
                raise NumericError(
                    f"{entry.name}: the {kind} statistics are not finite; is the model sound in this number format?"
                )


def empty_statistics(linears: Mapping[str, nn.Module]) -> ModelStatistics:
    """Statistics for methods without calibration: names alone."""
    return {name: LayerStatistics(name) for name in linears}


def matches(statistics: ModelStatistics, linears: Mapping[str, nn.Module]) -> bool:
    """Whether the statistics are of layers of these names and shapes."""
    if statistics.keys() != linears.keys():
        return False
    for name, layer in linears.items():
        rows, columns = weight_matrix(layer).shape
        entry = statistics[name]
        if entry.input_sum is not None and entry.input_sum.shape != (columns,):
            return False
        if entry.hessian_sum is not None and entry.hessian_sum.shape != (columns, columns):
            return False
        if any(values.shape != (rows, columns) for values in entry.gradient_sum.values()):
            return False
    return True
