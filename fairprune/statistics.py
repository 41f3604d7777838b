"""What a pruning method may know of a layer's calibration data, and the one pass that collects it.

All sums are float32. Units: input norms are means over sequences of sums over tokens of x²; gradients are sums
over sequences of g² (or |g|), one sequence per backward pass, because a batch would give (Σg)² instead of Σg².
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
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
CACHED_WEIGHTS = 2**17
"""float32 numbers that a core's cache holds beside those they are added to."""


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
class WindowSeen:
    """Progress of a pass: window `done` of `total` is in the statistics."""

    done: int
    total: int


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


@contextmanager
def observe_inputs(
    linears: Mapping[str, nn.Module], into: ModelStatistics, *, hessian: bool = False
) -> Iterator[None]:
    """Inside, every call of these layers adds Σ x_j² of its input to `into[name].input_sum`, and x xᵀ where asked for.

    Layers that read the same tensor (queries, keys, values) share one computation.
    """
    last: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]] = []

    def hook_for(name: str) -> object:
        def hook(_layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            x = inputs[0].detach()
            if not last or last[0][0] is not inputs[0]:
                rows = x.reshape(-1, x.shape[-1]).float()
                product = rows.T @ rows if hessian else None
                squares = rows.square().sum(dim=0) if product is None else product.diagonal().clone()
                last[:] = [(inputs[0], squares, product)]
            entry = into[name]
            entry.input_sum = last[0][1].clone() if entry.input_sum is None else entry.input_sum + last[0][1]
            if last[0][2] is not None:
                # Shared among the layers that read the same input: replaced, never changed in place.
                old = entry.hessian_sum
                entry.hessian_sum = last[0][2] if old is None else old + last[0][2]

        return hook

    handles = [layer.register_forward_pre_hook(hook_for(name)) for name, layer in linears.items()]  # type: ignore[arg-type]
    try:
        yield
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
                _add(sums[key], gradient, aggregate)
            self.seen[name] += 1

        return hook


def _add(total: torch.Tensor, gradient: torch.Tensor, aggregate: Aggregate) -> None:
    """Adds g² or |g| in float32, a few rows at a time: widened, they stay in the processor's cache."""
    rows = max(1, CACHED_WEIGHTS // gradient.shape[1])
    for sums, part in zip(total.split(rows), gradient.split(rows), strict=True):
        g = part.float()
        if aggregate == "l2":
            sums.addcmul_(g, g)
        else:
            sums.add_(g.abs())


def window_losses(
    loaded: LoadedModel, window: torch.Tensor, losses: Sequence[Loss], loss_mask: torch.Tensor | None
) -> list[torch.Tensor]:
    """The losses of one window (1, tokens) from one forward pass: next-token cross-entropies, float32 scalars.

    last_token: of the last token alone; all_tokens: mean over all tokens but the first; summary_tokens: mean over
    the tokens where `loss_mask` (tokens,) is true.
    """
    tokens = window.shape[1]
    keep = 2 if list(losses) == ["last_token"] else tokens
    arguments: dict[str, object] = {"input_ids": window, "use_cache": False}
    if "logits_to_keep" in inspect.signature(loaded.model.forward).parameters:
        # The output matrix is a fifth of a small model's work: only rows that enter the loss are computed.
        arguments["logits_to_keep"] = keep
    logits = loaded.model(**arguments).logits[0, -keep:-1].float()
    targets = window[0, -(keep - 1) :]
    found = []
    for loss in losses:
        if loss == "last_token":
            found.append(cross_entropy(logits[-1:], targets[-1:]))
        elif loss == "all_tokens":
            found.append(cross_entropy(logits, targets))
        elif loss_mask is None or not bool(loss_mask[1:].any()):
            raise BadInput(
                "loss 'summary_tokens' needs windows with summary tokens: use the calibration set model-output"
            )
        else:
            found.append(cross_entropy(logits[loss_mask[1:]], targets[loss_mask[1:]]))
    return found


def collect(
    loaded: LoadedModel,
    ids: torch.Tensor,
    into: ModelStatistics,
    wanted: Wanted | None = None,
    *,
    loss_mask: torch.Tensor | None = None,
    batch_size: int = 8,
) -> Iterator[WindowSeen]:
    """One pass of the dense model over all windows: input norms, and whatever else is wanted.

    One forward pass per window serves everything; each distinct loss adds one backward pass.

    Args:
        ids: int (windows, tokens), no padding.
        into: filled as the pass goes on; complete when the iterator ends.
        loss_mask: bool (windows, tokens) for 'summary_tokens'.
        batch_size: of forward passes without gradients.

    Raises:
        NumericError: a layer without gradient, or statistics that are not finite.
    """
    wanted = wanted or Wanted()
    linears = loaded.linears()
    for name in linears:
        into.setdefault(name, LayerStatistics(name))
    windows, tokens = ids.shape
    if tokens < 2:
        raise BadInput(f"calibration windows have {tokens} token: at least 2 are needed")
    ids = ids.to(loaded.device, torch.long)
    losses = wanted.losses
    if not losses:
        with observe_inputs(linears, into, hessian=wanted.hessian), torch.no_grad():
            for start in range(0, windows, batch_size):
                batch = ids[start : start + batch_size]
                loaded.model.base_model(input_ids=batch, use_cache=False)
                yield WindowSeen(min(start + batch_size, windows), windows)
    else:
        weights: list[nn.Parameter] = [layer.weight for layer in linears.values()]  # type: ignore[misc]
        gradients = GradientObserver(linears, into, wanted)
        with (
            only_gradients_of(loaded.model, weights),
            observe_inputs(linears, into, hessian=wanted.hessian),
            gradients.watching(),
        ):
            for index in range(windows):
                mask = None if loss_mask is None else loss_mask[index].to(loaded.device)
                values = window_losses(loaded, ids[index : index + 1], losses, mask)
                for loss, value in zip(losses, values, strict=True):
                    gradients.loss = loss
                    value.backward(retain_graph=loss != losses[-1])  # type: ignore[no-untyped-call]
                yield WindowSeen(index + 1, windows)
        without = [name for name, count in gradients.seen.items() if count != windows * len(losses)]
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
