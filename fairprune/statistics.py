"""What a pruning method may know of a layer's calibration data, and the one pass that collects it.

All sums are float32. Units: input norms are means over sequences of sums over tokens of x²; gradients are sums
over sequences of g² (or |g|), one sequence per backward pass, because a batch would give (Σg)² instead of Σg².
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers.pytorch_utils import Conv1D

from fairprune.accelerator import exact_products, free_bytes, onto
from fairprune.errors import BadInput, NumericError
from fairprune.methods import Loss
from fairprune.models import LoadedModel, only_gradients_of, weight_matrix

Aggregate = Literal["l1", "l2"]
MOST_AT_ONCE = 8
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
class WindowSeen:
    """Progress of a pass: window `done` of `total` is in the statistics."""

    done: int
    total: int

    def __str__(self) -> str:
        return f"window {self.done} of {self.total}"


@dataclass(frozen=True)
class BlockWalked:
    """Progress of a pass block by block: visit `done` of `total` to a block is over."""

    done: int
    total: int

    def __str__(self) -> str:
        return f"block by block, visit {self.done} of {self.total}"


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


class _Seen:
    """One input tensor's statistics; layers that read it share the work and, of covariances, the memory too."""

    def __init__(self, tensor: torch.Tensor, hessian: bool) -> None:
        self.tensor = tensor
        rows = tensor.detach().reshape(-1, tensor.shape[-1]).float()
        self.product = rows.T @ rows if hessian else None
        self.squares = rows.square().sum(dim=0) if self.product is None else self.product.diagonal().clone()
        self.sums: list[tuple[LayerStatistics, torch.Tensor]] = []
        """Layers that were here already, and the covariance sum that each had before."""

    def add_to(self, entry: LayerStatistics) -> None:
        entry.input_sum = self.squares.clone() if entry.input_sum is None else entry.input_sum + self.squares
        if self.product is None:
            return
        old = entry.hessian_sum
        if old is None:
            entry.hessian_sum = self.product
            return
        # Shared sums are replaced, never changed in place: who has the same old one gets the same new one.
        sharer = next((other for other, before in self.sums if before is old), None)
        self.sums.append((entry, old))
        entry.hessian_sum = old + self.product if sharer is None else sharer.hessian_sum


@contextmanager
def observe_inputs(
    linears: Mapping[str, nn.Module], into: ModelStatistics, *, hessian: bool = False
) -> Iterator[None]:
    """Inside, every call of these layers adds Σ x_j² of its input to `into[name].input_sum`, and x xᵀ where asked for.

    Layers that read the same tensor (queries, keys, values) share one computation.
    """
    last: list[_Seen] = []

    def hook_for(name: str) -> object:
        def hook(_layer: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            if not last or last[0].tensor is not inputs[0]:
                last[:] = [_Seen(inputs[0], hessian)]
            last[0].add_to(into[name])

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
                _add(sums[key], gradient, aggregate)
            self.seen[name] += 1

        return hook


def _add(total: torch.Tensor, gradient: torch.Tensor, aggregate: Aggregate) -> None:
    """Adds g² or |g| in float32, a few rows at a time: widened, they stay in the processor's cache."""
    rows = max(1, CACHED_WEIGHTS // gradient.shape[1])
    for sums, part in zip(torch.split(total, rows), torch.split(gradient, rows), strict=True):
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
    batch_size: int | None = None,
) -> Iterator[WindowSeen | BlockWalked]:
    """One pass of the dense model over all windows: input norms, and whatever else is wanted.

    One forward pass per window serves everything; each distinct loss adds one backward pass. A streamed model is
    walked block by block (`fairprune.blockwise`).

    Args:
        ids: int (windows, tokens), no padding.
        into: filled as the pass goes on; complete when the iterator ends.
        loss_mask: bool (windows, tokens) for 'summary_tokens'.
        batch_size: of forward passes without gradients; None: as many as fit the free memory, at most 8.

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
    if loaded.streamed:
        from fairprune.blockwise import walk

        with exact_products():
            yield from walk(loaded, ids, into, wanted, loss_mask)
    elif not losses:
        batch_size = batch_size or windows_at_once(loaded, tokens)
        with observe_inputs(linears, into, hessian=wanted.hessian), torch.no_grad(), exact_products():
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
            exact_products(),
        ):
            for index in range(windows):
                mask = None if loss_mask is None else loss_mask[index].to(loaded.device)
                values = window_losses(loaded, ids[index : index + 1], losses, mask)
                for loss, value in zip(losses, values, strict=True):
                    gradients.loss = loss
                    value.backward(retain_graph=loss != losses[-1])  # type: ignore[no-untyped-call]
                yield WindowSeen(index + 1, windows)
        gradients.check_all_seen(windows)
    for entry in into.values():
        entry.sequences, entry.tokens = windows, windows * tokens
    check_finite(into)


def windows_at_once(loaded: LoadedModel, tokens: int) -> int:
    """How many windows one forward pass may take: at most 8, and no more than half the free memory holds.

    A window's activations in one block are at most what its linear layers read and write, twice over; the rest of
    its passage is smaller.
    """
    widths = max(
        sum(sum(weight_matrix(layer).shape) for layer in block.linears.values()) for block in loaded.blocks
    )
    one = 2 * tokens * widths * weight_matrix(next(iter(loaded.linears().values()))).element_size()
    return max(1, min(MOST_AT_ONCE, free_bytes(loaded.device) // 2 // max(one, 1)))


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
