"""Where the weights rest, and how one block after the other comes to the accelerator.

A model that is too large for the accelerator is *streamed*: its blocks rest on the host (memory-mapped from their
safetensors, until pruning writes to them), the small rest of it (embedding, final norm, output matrix) lies on the
accelerator, and a block is there for its turn alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import torch

from fairprune.accelerator import HOST, onto, release
from fairprune.errors import Unavailable

if TYPE_CHECKING:
    from fairprune.models import Block, LoadedModel


def placed(
    loaded: LoadedModel, device: torch.device, placement: Literal["resident", "streamed"]
) -> LoadedModel:
    """The same model, lying as asked for: wholly on the device, or with its blocks on the host.

    Raises:
        Unavailable: the device has too little memory.
    """
    inside = {id(tensor) for block in loaded.blocks for tensor in _tensors(block.module)}
    try:
        for tensor in _tensors(loaded.model):
            where = HOST if placement == "streamed" and id(tensor) in inside else device
            if tensor.device != where:
                tensor.data = tensor.data.to(where)
    except torch.OutOfMemoryError as error:
        release(device)
        remedy = "or bfloat16" if placement == "streamed" else "bfloat16, or the placement 'streamed'"
        raise Unavailable(
            f"{loaded.folder.name} does not fit on {device}: choose a smaller model, {remedy}"
        ) from error
    if placement == "streamed":
        release(device)
    return replace(loaded, streamed=placement == "streamed")


@contextmanager
def onloaded(loaded: LoadedModel, block: Block, *, write_back: bool = False) -> Iterator[None]:
    """Inside, the block lies on the model's device; afterwards it rests on the host again, if it is streamed.

    Args:
        write_back: what was done to its weights is kept.
    """
    if not loaded.streamed:
        yield
        return
    tensors = list(_tensors(block.module))
    resting = [tensor.data for tensor in tensors]
    try:
        for tensor in tensors:
            # A copy also where the device is the host: what is not written back must not last.
            tensor.data = onto(tensor.data, loaded.device, copy=True)
        yield
        if write_back:
            for tensor, rest in zip(tensors, resting, strict=True):
                rest.copy_(tensor.data)
    finally:
        for tensor, rest in zip(tensors, resting, strict=True):
            tensor.data = rest


def _tensors(module: torch.nn.Module) -> Iterator[torch.Tensor]:
    """All parameters and buffers, each once."""
    yield from module.parameters()
    yield from module.buffers()
