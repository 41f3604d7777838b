"""The statistics of a streamed model, block by block: one block, and the activations of one window, on the accelerator.

Forward, every block sees all windows of a portion before the next block comes; what enters a block waits on the host.
Backward, blocks come in reverse order: each computes a window's outputs again and hands the gradient on. So a loss costs
one backward pass and one more forward pass of the blocks, and a block's gradient sums are the only ones on the accelerator.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import nn

from fairprune.accelerator import HOST, host_free_bytes, onto
from fairprune.block_calls import BlockCall, block_calls, instead_of_blocks, returns_tuple
from fairprune.errors import BadInput
from fairprune.methods import Loss
from fairprune.models import Block, LoadedModel, only_gradients_of
from fairprune.observers import GradientObserver, observe_inputs
from fairprune.onload import onloaded
from fairprune.passes import BlockWalked, token_weights, window_losses, window_weight
from fairprune.statistics import ModelStatistics, Wanted, empty_statistics

HOST_SHARE = 0.25
"""Share of the free host memory that waiting hidden states may take."""


def portion_size(loaded: LoadedModel, windows: int, tokens: int, *, losses: bool) -> int:
    """How many windows walk through the blocks together: all, or as many as the host has room to keep waiting.

    With a loss, what entered every block is kept for the way back.
    """
    embedding = loaded.model.get_input_embeddings().weight
    hidden = tokens * embedding.shape[1] * embedding.element_size()
    one = hidden * (len(loaded.blocks) + 1 if losses else 1)
    return max(1, min(windows, int(HOST_SHARE * host_free_bytes() / one)))


def walk(
    loaded: LoadedModel,
    ids: torch.Tensor,
    into: ModelStatistics,
    wanted: Wanted,
    loss_mask: torch.Tensor | None,
    window_weights: torch.Tensor | None = None,
) -> Iterator[BlockWalked]:
    """Adds the statistics of all windows to `into`, whose sums stay on the host.

    Args:
        ids: int (windows, tokens), on the model's device.
        window_weights: (windows,) or (windows, tokens), as `passes.window_weights` gives them.

    Raises:
        BadInput: blocks that share weights, whose gradients would have to be summed before they are squared.
        NumericError: a layer without gradient.
    """
    losses = wanted.losses
    if losses and (shared := _shared(loaded)):
        raise BadInput(
            f"{shared} is shared among blocks: its gradient cannot be taken block by block. Use the placement 'resident'"
        )
    size = portion_size(loaded, *ids.shape, losses=bool(losses))
    starts = range(0, len(ids), size)
    visits = len(starts) * len(loaded.blocks) * (2 if losses else 1)
    done = 0
    weights: list[nn.Parameter] = [layer.weight for layer in loaded.linears().values()]  # type: ignore[misc]
    with only_gradients_of(loaded.model, weights):
        for start in starts:
            portion = range(start, min(start + size, len(ids)))
            calls = [_without_gradient(loaded, ids[row : row + 1]) for row in portion]
            counts = None if window_weights is None else window_weights[start : start + size]
            states = [per_block[0].hidden.to(HOST) for per_block in calls]
            entered: list[list[torch.Tensor]] = []
            for block in loaded.blocks:
                if losses:
                    entered.append(states)
                states = _forward(loaded, block, calls, states, into, counts, hessian=wanted.hessian)
                done += 1
                yield BlockWalked(done, visits)
            if not losses:
                continue
            arriving = [
                _at_the_end(
                    loaded,
                    ids[row : row + 1],
                    state,
                    losses,
                    None if loss_mask is None else loss_mask[row],
                    token_weights(window_weights, row),
                )
                for row, state in zip(portion, states, strict=True)
            ]
            for block in reversed(loaded.blocks):
                arriving = _backward(loaded, block, calls, entered.pop(), arriving, into, wanted, counts)
                done += 1
                yield BlockWalked(done, visits)


def _shared(loaded: LoadedModel) -> str | None:
    """A linear layer whose weight a block before it has too."""
    names = loaded.linears().keys()
    return next(
        (name for block in loaded.blocks for name, owner in block.tied.items() if owner in names), None
    )


def _without_gradient(loaded: LoadedModel, ids: torch.Tensor) -> list[BlockCall]:
    with torch.no_grad():
        return block_calls(loaded, ids)


def _forward(
    loaded: LoadedModel,
    block: Block,
    calls: Sequence[list[BlockCall]],
    states: Sequence[torch.Tensor],
    into: ModelStatistics,
    counts: torch.Tensor | None,
    *,
    hessian: bool,
) -> list[torch.Tensor]:
    """What leaves the block, on the host; the statistics of its inputs are added to `into`."""
    seen = empty_statistics(block.linears)
    left = []
    with (
        onloaded(loaded, block),
        torch.no_grad(),
        observe_inputs(block.linears, seen, hessian=hessian) as inputs,
    ):
        for index, (per_block, state) in enumerate(zip(calls, states, strict=True)):
            inputs.weights = None if counts is None else counts[index : index + 1]
            left.append(per_block[block.index].run(block.module, onto(state, loaded.device)).to(HOST))
    _add(into, seen)
    return left


def _at_the_end(
    loaded: LoadedModel,
    ids: torch.Tensor,
    state: torch.Tensor,
    losses: Sequence[Loss],
    mask: torch.Tensor | None,
    weights: torch.Tensor | None,
) -> dict[Loss, torch.Tensor]:
    """Each loss's gradient with respect to what left the last block, on the host."""
    end = onto(state, loaded.device).detach().requires_grad_()
    last = len(loaded.blocks) - 1
    as_tuple = returns_tuple(loaded, ids[:, :2])
    with instead_of_blocks(loaded, lambda block, call: end if block.index == last else call.hidden, as_tuple):
        values = window_losses(loaded, ids, losses, None if mask is None else mask.to(loaded.device), weights)
    found = {}
    for loss, value in zip(losses, values, strict=True):
        (gradient,) = torch.autograd.grad(value, end, retain_graph=loss != losses[-1])
        found[loss] = gradient.to(HOST)
    return found


def _backward(
    loaded: LoadedModel,
    block: Block,
    calls: Sequence[list[BlockCall]],
    entered: Sequence[torch.Tensor],
    arriving: Sequence[dict[Loss, torch.Tensor]],
    into: ModelStatistics,
    wanted: Wanted,
    counts: torch.Tensor | None,
) -> list[dict[Loss, torch.Tensor]]:
    """The gradients with respect to what entered the block, on the host; g² of its weights is added to `into`."""
    seen = empty_statistics(block.linears)
    observer = GradientObserver(block.linears, seen, wanted)
    left = []
    with onloaded(loaded, block), observer.watching():
        for index, (per_block, state, gradients) in enumerate(zip(calls, entered, arriving, strict=True)):
            observer.weight = 1.0 if counts is None else window_weight(counts[index])
            start = onto(state, loaded.device).detach().requires_grad_()
            output = per_block[block.index].run(block.module, start)
            passed = {}
            for loss in wanted.losses:
                observer.loss = loss
                output.backward(onto(gradients[loss], loaded.device), retain_graph=loss != wanted.losses[-1])  # type: ignore[no-untyped-call]
                assert start.grad is not None
                passed[loss] = start.grad.to(HOST)
                start.grad = None
            left.append(passed)
    observer.check_all_seen(len(calls))
    _add(into, seen)
    return left


def _add(into: ModelStatistics, seen: ModelStatistics) -> None:
    """Adds the sums of other windows on the host; layers that read the same input go on sharing one covariance."""
    summed: dict[int, torch.Tensor] = {}
    for name, entry in seen.items():
        known = into[name]
        for key, values in entry.gradient_sum.items():
            before = known.gradient_sum.get(key)
            known.gradient_sum[key] = values.to(HOST) if before is None else before.add_(values.to(HOST))
        if entry.input_sum is not None:
            arrived = entry.input_sum.to(HOST)
            known.input_sum = arrived if known.input_sum is None else known.input_sum + arrived
        if (product := entry.hessian_sum) is not None:
            if id(product) not in summed:
                arrived = product.to(HOST)
                summed[id(product)] = arrived if known.hessian_sum is None else known.hessian_sum + arrived
            known.hessian_sum = summed[id(product)]
