"""The one pass that collects statistics of the dense model: forward, and backward once per distinct loss."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fairprune.accelerator import exact_products, free_bytes
from fairprune.errors import BadInput
from fairprune.methods import Loss
from fairprune.models import LoadedModel, last_logits, only_gradients_of, weight_matrix
from fairprune.observers import GradientObserver, observe_inputs
from fairprune.statistics import LayerStatistics, ModelStatistics, Wanted, check_finite

MOST_AT_ONCE = 8
"""Windows of one forward pass without gradients."""


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


def window_losses(
    loaded: LoadedModel,
    window: torch.Tensor,
    losses: Sequence[Loss],
    loss_mask: torch.Tensor | None,
    weights: torch.Tensor | None = None,
) -> list[torch.Tensor]:
    """The losses of one window (1, tokens) from one forward pass: next-token cross-entropies, float32 scalars.

    last_token: of the last token alone; all_tokens: mean over all tokens but the first; summary_tokens: mean over
    the tokens where `loss_mask` (tokens,) is true.

    Args:
        weights: (tokens,), float32: means are weighted by those of the predicted tokens. None, or all alike: plain means.
    """
    tokens = window.shape[1]
    if weights is not None and bool((weights == weights[0]).all()):
        weights = None  # not a bit may differ from plain means
    keep = 2 if list(losses) == ["last_token"] else tokens
    logits = last_logits(loaded.model, window, keep)[0, :-1].float()  # only rows that enter the loss
    targets = window[0, -(keep - 1) :]
    found = []
    for loss in losses:
        if loss == "last_token":
            found.append(cross_entropy(logits[-1:], targets[-1:]))
        elif loss == "all_tokens":
            found.append(_mean_loss(logits, targets, None if weights is None else weights[1:]))
        elif loss_mask is None or not bool(loss_mask[1:].any()):
            raise BadInput(
                "loss 'summary_tokens' needs windows with summary tokens: use the calibration set model-output"
            )
        else:
            inside = loss_mask[1:]
            own = None if weights is None else weights[1:][inside]
            found.append(_mean_loss(logits[inside], targets[inside], own))
    return found


def _mean_loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None) -> torch.Tensor:
    if weights is None:
        return cross_entropy(logits, targets)
    return (cross_entropy(logits, targets, reduction="none") * weights).sum() / weights.sum()


def collect(
    loaded: LoadedModel,
    ids: torch.Tensor,
    into: ModelStatistics,
    wanted: Wanted | None = None,
    *,
    loss_mask: torch.Tensor | None = None,
    weights: torch.Tensor | None = None,
    batch_size: int | None = None,
) -> Iterator[WindowSeen | BlockWalked]:
    """One pass of the dense model over all windows: input norms, and whatever else is wanted.

    One forward pass per window serves everything; each distinct loss adds one backward pass. A streamed model is
    walked block by block (`fairprune.blockwise`).

    Args:
        ids: int (windows, tokens), no padding.
        into: filled as the pass goes on; complete when the iterator ends.
        loss_mask: bool (windows, tokens) for 'summary_tokens'.
        weights: (windows,) or (windows, tokens), how much each counts, as if it stood there so often; see `window_weights`.
            None: each once. With weights of tokens a loss is the weighted mean over its window (that of the last token alone
            stays), and the window's gradient counts with the mean of its weights.
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
    weights = window_weights(weights, (windows, tokens), loaded.device)
    losses = wanted.losses
    if loaded.streamed:
        from fairprune.blockwise import walk

        with exact_products():
            yield from walk(loaded, ids, into, wanted, loss_mask, weights)
    elif not losses:
        batch_size = batch_size or windows_at_once(loaded, tokens)
        with (
            observe_inputs(linears, into, hessian=wanted.hessian) as inputs,
            torch.no_grad(),
            exact_products(),
        ):
            for start in range(0, windows, batch_size):
                batch = ids[start : start + batch_size]
                inputs.weights = None if weights is None else weights[start : start + batch_size]
                loaded.model.base_model(input_ids=batch, use_cache=False)
                yield WindowSeen(min(start + batch_size, windows), windows)
    else:
        matrices: list[nn.Parameter] = [layer.weight for layer in linears.values()]  # type: ignore[misc]
        gradients = GradientObserver(linears, into, wanted)
        with (
            only_gradients_of(loaded.model, matrices),
            observe_inputs(linears, into, hessian=wanted.hessian) as inputs,
            gradients.watching(),
            exact_products(),
        ):
            for index in range(windows):
                mask = None if loss_mask is None else loss_mask[index].to(loaded.device)
                own = None
                if weights is not None:
                    inputs.weights, gradients.weight = (
                        weights[index : index + 1],
                        window_weight(weights[index]),
                    )
                    own = token_weights(weights, index)
                values = window_losses(loaded, ids[index : index + 1], losses, mask, own)
                for loss, value in zip(losses, values, strict=True):
                    gradients.loss = loss
                    value.backward(retain_graph=loss != losses[-1])  # type: ignore[no-untyped-call]
                yield WindowSeen(index + 1, windows)
        gradients.check_all_seen(windows)
    for entry in into.values():
        entry.sequences, entry.tokens = windows, windows * tokens
    check_finite(into)


def window_weights(
    weights: torch.Tensor | None, shape: tuple[int, int], device: torch.device
) -> torch.Tensor | None:
    """The weights of windows, or of their tokens, as the passes read them: float32, on the device, mean 1; None stays None.

    With a mean of 1 the sums stay sums over so many windows, whatever is divided by their number.

    Raises:
        BadInput: another shape, a weight that is not positive and finite.
    """
    if weights is None:
        return None
    windows, tokens = shape
    if weights.shape not in ((windows,), shape) or not bool((torch.isfinite(weights) & (weights > 0)).all()):
        raise BadInput(
            f"weights {tuple(weights.shape)} do not fit {windows} calibration windows of {tokens} tokens: one positive number "
            "for each window, or for each token, is needed"
        )
    exact = weights.to(torch.float64)
    return (exact / exact.mean()).to(device, torch.float32)


def window_weight(weights: torch.Tensor) -> float:
    """How much a window counts as a whole: its weight (), or the mean of those of its tokens (tokens,)."""
    return float(weights.double().mean())


def token_weights(weights: torch.Tensor | None, row: int) -> torch.Tensor | None:
    """(tokens,): those of a window's tokens; None where windows are weighed as a whole, or not at all."""
    return None if weights is None or weights.ndim == 1 else weights[row]


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
