"""What a pruning method may know of a layer's calibration data, and the one pass that collects it.

All sums are float32. Units: input norms are means over sequences of sums over tokens of x²; gradients are sums
over sequences of g² (or |g|), one sequence per backward pass, because a batch would give (Σg)² instead of Σg².
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers.pytorch_utils import Conv1D

from fairprune.errors import BadInput, NumericError
from fairprune.methods import Loss
from fairprune.models import LoadedModel, only_gradients_of, weight_matrix

Aggregate = Literal["l1", "l2"]


@dataclass
class LayerStatistics:
    """The statistics of one linear layer."""

    name: str
    sequences: int = 0
    tokens: int = 0
    input_sum: torch.Tensor | None = None
    """(in,): Σ over all sequences and tokens of x_j², float32."""
    gradient_sum: dict[str, torch.Tensor] = field(default_factory=dict)
    """'l2' → Σ over sequences of g², 'l1' → Σ|g|; (out, in), float32."""

    def input_norm(self) -> torch.Tensor:
        """A_j = ‖X_j‖₂ with the mean over sequences: sqrt(Σ x_j² / sequences), shape (in,)."""
        if self.input_sum is None or not self.sequences:
            raise NumericError(f"{self.name}: no input statistics were collected")
        return (self.input_sum / self.sequences).sqrt()

    def gradient(self, aggregate: Aggregate) -> torch.Tensor:
        """G, shape (out, in): Σ g² for 'l2', Σ |g| for 'l1'."""
        if aggregate not in self.gradient_sum:
            raise NumericError(f"{self.name}: no gradient statistics ({aggregate}) were collected")
        return self.gradient_sum[aggregate]

    def noise(self, shape: torch.Size, seed: int) -> torch.Tensor:
        """Uniform noise in [0, 1) of this shape, the same on every device, decided by seed and layer name."""
        digest = hashlib.sha256(f"{seed}\n{self.name}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
        return torch.rand(shape, generator=generator)


ModelStatistics = dict[str, LayerStatistics]


@dataclass(frozen=True)
class WindowSeen:
    """Progress of a pass: window `done` of `total` is in the statistics."""

    done: int
    total: int


@contextmanager
def observe_inputs(linears: Mapping[str, nn.Module], into: ModelStatistics) -> Iterator[None]:
    """Inside, every call of these layers adds Σ x_j² of its input to `into[name].input_sum`.

    Layers that read the same tensor (queries, keys, values) share one sum.
    """
    last: list[tuple[torch.Tensor, torch.Tensor]] = []

    def hook_for(name: str) -> object:
        def hook(_layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            x = inputs[0].detach()
            if not last or last[0][0] is not inputs[0]:
                rows = x.reshape(-1, x.shape[-1]).float()
                last[:] = [
                    (
                        inputs[0],
                        rows.square_().sum(dim=0) if x.dtype != torch.float32 else rows.square().sum(dim=0),
                    )
                ]
            entry = into[name]
            entry.input_sum = last[0][1].clone() if entry.input_sum is None else entry.input_sum + last[0][1]

        return hook

    handles = [layer.register_forward_pre_hook(hook_for(name)) for name, layer in linears.items()]  # type: ignore[arg-type]
    try:
        yield
    finally:
        last.clear()
        for handle in handles:
            handle.remove()


@contextmanager
def observe_gradients(
    linears: Mapping[str, nn.Module], into: ModelStatistics, aggregate: Aggregate
) -> Iterator[dict[str, int]]:
    """Inside, every backward pass adds g² (or |g|) to `into[name].gradient_sum` as each gradient becomes ready.

    Each gradient is freed at once: never more than one layer's gradient lives beside the sums.

    Yields:
        How many gradients each layer has had.
    """
    seen = dict.fromkeys(linears, 0)

    def hook_for(name: str, layer: nn.Module) -> object:
        def hook(parameter: torch.Tensor) -> None:
            gradient = parameter.grad
            assert gradient is not None
            parameter.grad = None
            if isinstance(layer, Conv1D):
                gradient = gradient.T
            sums = into[name].gradient_sum
            if aggregate not in sums:
                sums[aggregate] = torch.zeros(gradient.shape, dtype=torch.float32, device=gradient.device)
            g = gradient.float()
            if aggregate == "l2":
                sums[aggregate].addcmul_(g, g)
            else:
                sums[aggregate].add_(g.abs())
            seen[name] += 1

        return hook

    handles = [
        layer.weight.register_post_accumulate_grad_hook(hook_for(name, layer))  # type: ignore[operator]
        for name, layer in linears.items()
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


def window_loss(
    loaded: LoadedModel, window: torch.Tensor, loss: Loss, loss_mask: torch.Tensor | None
) -> torch.Tensor:
    """The loss of one window (1, tokens): next-token cross-entropy, float32, a scalar.

    last_token: of the last token alone; all_tokens: mean over all tokens but the first; summary_tokens: mean over
    the tokens where `loss_mask` (tokens,) is true.
    """
    tokens = window.shape[1]
    keep = 2 if loss == "last_token" else tokens
    arguments: dict[str, object] = {"input_ids": window, "use_cache": False}
    if "logits_to_keep" in inspect.signature(loaded.model.forward).parameters:
        # The output matrix is a fifth of a small model's work: only rows that enter the loss are computed.
        arguments["logits_to_keep"] = keep
    logits = loaded.model(**arguments).logits[0, -keep:-1].float()
    targets = window[0, -(keep - 1) :]
    if loss == "summary_tokens":
        if loss_mask is None or not bool(loss_mask[1:].any()):
            raise BadInput(
                "loss 'summary_tokens' needs windows with summary tokens: use the calibration set model-output"
            )
        return cross_entropy(logits[loss_mask[1:]], targets[loss_mask[1:]])
    return cross_entropy(logits, targets)


def collect(
    loaded: LoadedModel,
    ids: torch.Tensor,
    into: ModelStatistics,
    *,
    loss: Loss | None = None,
    aggregate: Aggregate = "l2",
    loss_mask: torch.Tensor | None = None,
    batch_size: int = 8,
) -> Iterator[WindowSeen]:
    """One pass of the dense model over all windows: input norms, and gradients where `loss` is given.

    Args:
        ids: int (windows, tokens), no padding.
        into: filled as the pass goes on; complete when the iterator ends.
        loss: whose gradient is taken; None for a forward pass alone (batched by `batch_size`).
        loss_mask: bool (windows, tokens) for 'summary_tokens'.

    Raises:
        NumericError: a layer without gradient, or statistics that are not finite.
    """
    linears = loaded.linears()
    for name in linears:
        into.setdefault(name, LayerStatistics(name))
    windows, tokens = ids.shape
    if tokens < 2:
        raise BadInput(f"calibration windows have {tokens} token: at least 2 are needed")
    ids = ids.to(loaded.device, torch.long)
    if loss is None:
        with observe_inputs(linears, into), torch.no_grad():
            for start in range(0, windows, batch_size):
                batch = ids[start : start + batch_size]
                loaded.model.base_model(input_ids=batch, use_cache=False)
                yield WindowSeen(min(start + batch_size, windows), windows)
    else:
        weights: list[nn.Parameter] = [layer.weight for layer in linears.values()]  # type: ignore[misc]
        with (
            only_gradients_of(loaded.model, weights),
            observe_inputs(linears, into),
            observe_gradients(linears, into, aggregate) as seen,
        ):
            for index in range(windows):
                mask = None if loss_mask is None else loss_mask[index].to(loaded.device)
                window_loss(loaded, ids[index : index + 1], loss, mask).backward()  # type: ignore[no-untyped-call]
                yield WindowSeen(index + 1, windows)
        without = [name for name, count in seen.items() if count != windows]
        if without:
            raise NumericError(
                f"{len(without)} layers had no gradient in every window (first: {without[0]}): they cannot be scored"
            )
    for entry in into.values():
        entry.sequences, entry.tokens = windows, windows * tokens
    check_finite(into)


def check_finite(statistics: ModelStatistics) -> None:
    """Raises NumericError when a statistic is NaN or infinite."""
    for entry in statistics.values():
        for kind, values in [("input", entry.input_sum), *entry.gradient_sum.items()]:
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
        if any(values.shape != (rows, columns) for values in entry.gradient_sum.values()):
            return False
    return True
