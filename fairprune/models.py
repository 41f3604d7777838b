"""A local folder → a transformers decoder model, its blocks and their prunable linear layers.

Blocks are found by structure, not by class name: the list of equal modules that holds most of the parameters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from fairprune.errors import BadInput, Unavailable
from fairprune.tokens import TextTokenizer


@dataclass(frozen=True)
class Block:
    """One decoder block."""

    index: int
    name: str
    """Module name in the model, such as model.layers.0."""
    module: nn.Module
    linears: dict[str, nn.Module]
    """Full module name → linear layer, in the order of the module tree."""

    def kind(self, name: str) -> str:
        """The layer's name within the block: model.layers.0.mlp.up_proj → mlp.up_proj."""
        return name.removeprefix(self.name + ".")


@dataclass(frozen=True)
class LoadedModel:
    model: Any
    """The transformers model, in eval mode."""
    blocks: tuple[Block, ...]
    folder: Path
    tokenizer: TextTokenizer | None
    """None where the folder has no tokenizer.json; enough for calibration by ids."""

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        return str(next(self.model.parameters()).dtype).removeprefix("torch.")

    def linears(self) -> dict[str, nn.Module]:
        """All prunable layers of all blocks by full name."""
        return {name: layer for block in self.blocks for name, layer in block.linears.items()}


def load(folder: Path, *, dtype: str = "auto", device: str = "cpu") -> LoadedModel:
    """Loads a decoder model from safetensors. No code from the folder is run.

    Args:
        folder: has config.json and *.safetensors (checked by `catalogue.check_folder`).
        dtype: 'auto' keeps the checkpoint's own.

    Raises:
        BadInput: not a decoder model that transformers knows, or no blocks with linear layers.
        Unavailable: the device has too little memory.
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # progress goes to the caller, not to a terminal

    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype="auto" if dtype == "auto" else getattr(torch, dtype),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (ValueError, KeyError, OSError) as error:
        raise BadInput(f"transformers cannot load {folder} as a decoder model: {error}") from error
    try:
        model = model.to(device).eval()
    except torch.OutOfMemoryError as error:
        raise Unavailable(
            f"{folder.name} does not fit on {device}: choose a smaller model, or bfloat16"
        ) from error
    tokenizer = TextTokenizer.from_folder(folder) if (folder / "tokenizer.json").is_file() else None
    return LoadedModel(model, find_blocks(model), folder, tokenizer)


def find_blocks(model: nn.Module) -> tuple[Block, ...]:
    """The decoder blocks of a model, in order.

    Raises:
        BadInput: no list of equal blocks with linear layers, or weights that are no linear layers (mixtures of experts).
    """
    best: tuple[int, str, nn.ModuleList] | None = None
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) and len({type(item) for item in module}) == 1:
            size = sum(parameter.numel() for parameter in module.parameters())
            if best is None or size > best[0]:
                best = (size, name, module)
    if best is None:
        raise BadInput(
            f"{type(model).__name__} has no list of decoder blocks: only transformers decoder models can be pruned"
        )
    _, prefix, layers = best
    blocks = []
    for index, layer in enumerate(layers):
        name = f"{prefix}.{index}"
        linears = {
            f"{name}.{inner}": part
            for inner, part in layer.named_modules()
            if isinstance(part, nn.Linear | Conv1D)
        }
        if not linears:
            raise BadInput(f"block {name} of {type(model).__name__} has no linear layers to prune")
        in_linears = sum(part.weight.numel() for part in linears.values())
        in_matrices = sum(p.numel() for p in layer.parameters() if p.ndim >= 2)
        if in_linears < in_matrices:
            raise BadInput(
                f"block {name} of {type(model).__name__} holds {in_matrices - in_linears} weights outside linear layers "
                "(a mixture of experts?): this architecture is not supported"
            )
        blocks.append(Block(index, name, layer, linears))
    return tuple(blocks)


def weight_matrix(layer: nn.Module) -> torch.Tensor:
    """The weight of a linear layer as (out, in); a view, so that writing to it writes to the layer."""
    weight: torch.Tensor = layer.weight.data  # type: ignore[assignment]
    return weight.T if isinstance(layer, Conv1D) else weight


@contextmanager
def only_gradients_of(model: nn.Module, parameters: list[nn.Parameter]) -> Iterator[None]:
    """Inside, exactly these parameters require a gradient; afterwards all flags and gradients are as before."""
    flags = {parameter: parameter.requires_grad for parameter in model.parameters()}
    gradients = {parameter: parameter.grad for parameter in model.parameters()}
    wanted = set(parameters)
    try:
        for parameter in flags:
            parameter.requires_grad_(parameter in wanted)
            parameter.grad = None
        with torch.enable_grad():
            yield
    finally:
        for parameter, flag in flags.items():
            parameter.grad = gradients[parameter]
            parameter.requires_grad_(flag)


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
    returns_tuple = _returns_tuple(loaded, ids[:1, :2])
    calls: list[BlockCall] = []

    def let_through(index: int) -> Any:
        def forward(*args: Any, **kwargs: Any) -> Any:
            by_name = "hidden_states" in kwargs
            hidden = kwargs["hidden_states"] if by_name else args[0]
            calls.append(BlockCall(args if by_name else args[1:], kwargs, hidden, by_name))
            return (hidden, None) if returns_tuple[index] else hidden

        return forward

    try:
        for block in loaded.blocks:
            block.module.forward = let_through(block.index)
        with torch.no_grad():
            loaded.model.base_model(input_ids=ids, use_cache=False)
    finally:
        for block in loaded.blocks:
            block.module.__dict__.pop("forward", None)
    return calls


def _returns_tuple(loaded: LoadedModel, ids: torch.Tensor) -> list[bool]:
    """Whether each block returns a tuple, seen on a walk over two tokens."""
    seen: list[bool] = []
    hooks = [
        block.module.register_forward_hook(
            lambda _module, _args, output: seen.append(isinstance(output, tuple))
        )
        for block in loaded.blocks
    ]
    try:
        with torch.no_grad():
            loaded.model.base_model(input_ids=ids, use_cache=False)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
