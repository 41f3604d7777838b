"""Hooks that add what passes through a layer to its statistics, and give everything back afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from fairprune.errors import NumericError
from fairprune.methods import Loss
from fairprune.statistics import Aggregate, LayerStatistics, ModelStatistics, Wanted, Worked, gradient_key

CACHED_WEIGHTS = 2**15 - 1
"""float32 numbers that a core's cache holds beside those they are added to; of more than these torch shares an operation
among threads, which then wait for each other at each."""


class _Seen:
    """One input tensor's statistics; layers that read it share the work and, of covariances, the memory too."""

    def __init__(self, tensor: torch.Tensor, hessian: bool, weights: torch.Tensor | None = None) -> None:
        self.tensor = tensor
        rows = tensor.detach().reshape(-1, tensor.shape[-1]).float()
        if weights is not None:
            # √w on each x is w on x² and on x xᵀ; a weight of 1 changes no bit.
            rows = rows * weights.flatten().sqrt().repeat_interleave(len(rows) // weights.numel())[:, None]
        self.product = rows.T @ rows if hessian else None
        self.squares = rows.square().sum(dim=0) if self.product is None else self.product.diagonal().clone()
        self.worked = Worked()
        self.sums: list[tuple[LayerStatistics, torch.Tensor]] = []
        """Layers that were here already, and the covariance sum that each had before."""

    def add_to(self, entry: LayerStatistics) -> None:
        entry.input_sum = self.squares.clone() if entry.input_sum is None else entry.input_sum + self.squares
        if self.product is None:
            return
        old = entry.hessian_sum
        if old is None:
            entry.hessian_sum, entry.worked = self.product, self.worked
            return
        # Shared sums are replaced, never changed in place: who has the same old one gets the same new one.
        sharer = next((other for other, before in self.sums if before is old), None)
        self.sums.append((entry, old))
        entry.hessian_sum = old + self.product if sharer is None else sharer.hessian_sum


@dataclass
class InputObserver:
    """What the hooks of `observe_inputs` must know of the forward pass that is running."""

    weights: torch.Tensor | None = None
    """(windows of the batch,), or (windows, tokens), float32, on the model's device: how much each counts. None: each once."""


@contextmanager
def observe_inputs(
    linears: Mapping[str, nn.Module], into: ModelStatistics, *, hessian: bool = False
) -> Iterator[InputObserver]:
    """Inside, every call of these layers adds Σ x_j² of its input to `into[name].input_sum`, and x xᵀ where asked for.

    Layers that read the same tensor (queries, keys, values) share one computation. Windows count as often as the
    `weights` of what this gives say.
    """
    last: list[_Seen] = []
    observer = InputObserver()

    def hook_for(name: str) -> object:
        def hook(_layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            if not last or last[0].tensor is not inputs[0]:
                last[:] = [_Seen(inputs[0], hessian, observer.weights)]
            last[0].add_to(into[name])

        return hook

    handles = [layer.register_forward_pre_hook(hook_for(name)) for name, layer in linears.items()]  # type: ignore[arg-type]
    try:
        yield observer
    finally:
        last.clear()
        for handle in handles:
            handle.remove()


class GradientObserver:
    """Adds g² (or |g|) to the sums as each gradient becomes ready, and frees it at once.

    Never more than one layer's gradient lives beside the sums. `loss` says whose backward pass is running.
    """

    def __init__(self, linears: Mapping[str, nn.Module], into: ModelStatistics, wanted: Wanted) -> None:
        self.linears, self.into, self.wanted = linears, into, wanted
        self.loss: Loss | None = None
        self.weight = 1.0
        """How much the window counts whose backward pass is running."""
        self.seen = dict.fromkeys(linears, 0)
        """How many gradients each layer has had."""

    @contextmanager
    def watching(self) -> Iterator[None]:
        handles = [
            layer.weight.register_post_accumulate_grad_hook(self._hook_for(name, layer))  # type: ignore[operator]
            for name, layer in self.linears.items()
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def check_all_seen(self, windows: int) -> None:
        """Raises NumericError when a layer had no gradient in one of the windows."""
        expected = windows * len(self.wanted.losses)
        without = [name for name, count in self.seen.items() if count != expected]
        if without:
            raise NumericError(
                f"{len(without)} layers had no gradient in every window (first: {without[0]}): they cannot be scored"
            )

    def _hook_for(self, name: str, layer: nn.Module) -> object:
        def hook(parameter: torch.Tensor) -> None:
            gradient = parameter.grad
            assert gradient is not None
            assert self.loss is not None
            parameter.grad = None
            if isinstance(layer, Conv1D):
                gradient = gradient.T
            sums = self.into[name].gradient_sum
            for aggregate in self.wanted.aggregates(self.loss):
                key = gradient_key(self.loss, aggregate)
                if key not in sums:
                    sums[key] = torch.zeros(gradient.shape, dtype=torch.float32, device=gradient.device)
                _add(sums[key], gradient, aggregate, self.weight)
            self.seen[name] += 1

        return hook


def _add(total: torch.Tensor, gradient: torch.Tensor, aggregate: Aggregate, weight: float) -> None:
    """Adds g² or |g|, times the weight, in float32; on a CPU a few rows at a time: widened, they stay in its cache."""
    rows = max(1, CACHED_WEIGHTS // gradient.shape[1]) if gradient.device.type == "cpu" else len(gradient)
    for sums, part in zip(torch.split(total, rows), torch.split(gradient, rows), strict=True):
        g = part.float()
        if aggregate == "l2":
            sums.addcmul_(g, g, value=weight)
        else:
            sums.add_(g.abs(), alpha=weight)
