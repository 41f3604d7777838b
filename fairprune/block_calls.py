"""How a model calls its blocks: what it passes to each, and how to do something else in their place.

No wrapper module and no exception as control flow: a block's `forward` is set aside and put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from fairprune.models import Block, LoadedModel
from fairprune.onload import onloaded


@dataclass
class BlockCall:
    """What the model passes to one block: everything but the hidden states, and whether it returns a tuple."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    hidden: torch.Tensor
    by_name: bool

    def run(self, block: nn.Module, hidden: torch.Tensor) -> torch.Tensor:
        """The block's output hidden states for other input hidden states, called as the model calls it."""
        positional = self.args if self.by_name else (hidden, *self.args)
        named = {**self.kwargs, "hidden_states": hidden} if self.by_name else self.kwargs
        result = block(*positional, **named)
        return result[0] if isinstance(result, tuple) else result  # type: ignore[no-any-return]


def block_calls(loaded: LoadedModel, ids: torch.Tensor) -> list[BlockCall]:
    """How the model calls each of its blocks for these ids (batch, tokens), without running the blocks.

    Every block lets its hidden states through unchanged for the length of this call, so one walk costs the
    embedding and the masks alone. The first entry's `hidden` is the real input of the first block.
    """
    calls: list[BlockCall] = []

    def note(_block: Block, call: BlockCall) -> torch.Tensor:
        calls.append(call)
        return call.hidden

    with instead_of_blocks(loaded, note, returns_tuple(loaded, ids[:1, :2])), torch.no_grad():
        loaded.model.base_model(input_ids=ids, use_cache=False)
    return calls


@contextmanager
def instead_of_blocks(
    loaded: LoadedModel, work: Callable[[Block, BlockCall], torch.Tensor], as_tuple: bool
) -> Iterator[None]:
    """Inside, the model calls `work` where it would call a block, and goes on with the hidden states it returns.

    Args:
        as_tuple: whether the blocks of this model return a tuple.
    """

    def forward_of(block: Block) -> Any:
        def forward(*args: Any, **kwargs: Any) -> Any:
            by_name = "hidden_states" in kwargs
            hidden = kwargs["hidden_states"] if by_name else args[0]
            result = work(block, BlockCall(args if by_name else args[1:], kwargs, hidden, by_name))
            return (result, None) if as_tuple else result

        return forward

    try:
        for block in loaded.blocks:
            block.module.forward = forward_of(block)
        yield
    finally:
        for block in loaded.blocks:
            block.module.__dict__.pop("forward", None)


def returns_tuple(loaded: LoadedModel, ids: torch.Tensor) -> bool:
    """Whether the model's blocks return a tuple, seen at the first one, which stands in for all: they are alike."""
    seen: list[bool] = []
    first = loaded.blocks[0]
    original = first.module.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        seen.append(isinstance(result, tuple))
        return result

    try:
        for block in loaded.blocks:
            block.module.forward = forward
        with onloaded(loaded, first), torch.no_grad():
            loaded.model.base_model(input_ids=ids, use_cache=False)
    finally:
        for block in loaded.blocks:
            block.module.__dict__.pop("forward", None)
    return seen[0]
