"""A local folder → a transformers decoder model, its blocks and their prunable linear layers.

Blocks are found by structure, not by class name: of the decoder's module lists the one that holds most parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from torch import nn
from transformers.pytorch_utils import Conv1D

from fairprune import onload
from fairprune.encoders import refuse_encoder
from fairprune.errors import BadInput, NumericError
from fairprune.tokens import TextTokenizer

Placement = Literal["resident", "streamed"]


@dataclass(frozen=True)
class Block:
    """One decoder block."""

    index: int
    name: str
    """Module name in the model, such as model.layers.0."""
    module: nn.Module
    linears: dict[str, nn.Module]
    """Full module name → linear layer, in the order of the module tree; every weight once."""
    tied: dict[str, str] = field(default_factory=dict)
    """Full module name of a linear layer that is not in `linears`, because its weight is another's → the name of
    that other one: a layer of this or an earlier block, pruned there, or a module outside the blocks such as the
    embedding, never pruned."""

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
    streamed: bool = False
    """The blocks rest on the host, and each comes to the device for its turn alone (`fairprune.onload`)."""

    @property
    def device(self) -> torch.device:
        """Where the model computes; of a streamed one the embedding and the output matrix lie there."""
        return self.model.get_input_embeddings().weight.device  # type: ignore[no-any-return]

    @property
    def dtype(self) -> str:
        return str(next(self.model.parameters()).dtype).removeprefix("torch.")

    def linears(self) -> dict[str, nn.Module]:
        """All prunable layers of all blocks by full name."""
        return {name: layer for block in self.blocks for name, layer in block.linears.items()}


def load(
    folder: Path, *, dtype: str = "auto", device: str = "cpu", placement: Placement = "resident"
) -> LoadedModel:
    """Loads a decoder model from safetensors, whose weights stay memory-mapped. No code from the folder is run.

    Args:
        folder: has config.json and *.safetensors (checked by `catalogue.check_folder`).
        dtype: 'auto' keeps the checkpoint's own.
        placement: resident: the whole model lies on the device; streamed: its blocks rest on the host.

    Raises:
        BadInput: an encoder, or no decoder model that transformers knows, or one whose blocks `find_blocks` refuses.
        Unavailable: the device has too little memory.
    """
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # progress goes to the caller, not to a terminal

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if getattr(config, "is_encoder_decoder", False):
            # Some of these load as a decoder alone, with attention to an encoder that is not there.
            raise BadInput(
                f"{folder} is an encoder-decoder model ({config.model_type}): only decoder models can be pruned, "
                "such as Llama, Qwen or OPT"
            )
        refuse_encoder(config.to_dict(), folder)
        model, loading = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype="auto" if dtype == "auto" else getattr(torch, dtype),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (ValueError, KeyError, OSError, RuntimeError, SafetensorError) as error:
        raise BadInput(f"transformers cannot load {folder} as a decoder model: {error}") from error
    _check_complete(folder, loading)
    tokenizer = TextTokenizer.from_folder(folder) if (folder / "tokenizer.json").is_file() else None
    loaded = LoadedModel(model.eval(), find_blocks(model), folder, tokenizer)
    return onload.placed(loaded, torch.device(device), placement)


def _check_complete(folder: Path, loading: dict[str, Any]) -> None:
    """Raises BadInput when a weight is not in the files: transformers would fill it with random numbers and carry on."""
    absent = sorted(loading["missing_keys"]) + sorted(str(key) for key in loading["mismatched_keys"])
    if absent:
        raise BadInput(
            f"{folder} lacks {len(absent)} weights that its config.json asks for, or has them in another shape "
            f"(first: {absent[0]}): copy the folder again, or save the model with save_pretrained"
        )


def find_blocks(model: nn.Module) -> tuple[Block, ...]:
    """The decoder blocks of a model, in order.

    A linear layer whose weight is that of a layer before it, or of a module outside the blocks, is listed as tied.

    Raises:
        BadInput: no list of equal blocks with linear layers, or blocks with matrices that are no linear layers
            (mixtures of experts).
    """
    kind = type(model).__name__
    prefix, layers = _block_list(model, kind)
    owners = {  # id of a weight → the module that it belongs to; the parameters live as long as the model
        id(parameter): name.rpartition(".")[0]
        for name, parameter in reversed(list(model.named_parameters(remove_duplicate=False)))
        if not name.startswith(f"{prefix}.")
    }
    blocks = []
    for index, layer in enumerate(layers):
        block = Block(index, f"{prefix}.{index}", layer, {})
        for inner, part in layer.named_modules(remove_duplicate=False):
            if isinstance(part, nn.Linear | Conv1D):
                name = f"{block.name}.{inner}"
                owner = owners.setdefault(id(part.weight), name)
                if owner == name:
                    block.linears[name] = part
                else:
                    block.tied[name] = owner
        if not block.linears and not block.tied:
            raise BadInput(f"block {block.name} of {kind} has no linear layers to prune")
        _check_all_linear(block, kind)
        blocks.append(block)
    return tuple(blocks)


def _block_list(model: nn.Module, kind: str) -> tuple[str, nn.ModuleList]:
    """Name and list of the blocks: the largest module list of the text decoder, where a model has other parts too."""
    get_decoder = getattr(model, "get_decoder", None)
    decoder: nn.Module = get_decoder() if callable(get_decoder) else model
    best: tuple[int, str, nn.ModuleList] | None = None
    start = next(name for name, module in model.named_modules() if module is decoder)
    for inner, module in decoder.named_modules(prefix=start):
        if isinstance(module, nn.ModuleList) and len(module):
            size = sum(parameter.numel() for parameter in module.parameters())
            if best is None or size > best[0]:
                best = (size, inner, module)
    if best is None:
        raise BadInput(
            f"{kind} has no list of decoder blocks: only transformers decoder models can be pruned"
        )
    _, prefix, layers = best
    kinds = sorted({type(layer).__name__ for layer in layers})
    if len(kinds) > 1:
        raise BadInput(
            f"the blocks {prefix} of {kind} are of different kinds ({', '.join(kinds)}): "
            "only models whose blocks are all alike can be pruned"
        )
    return prefix, layers


def _check_all_linear(block: Block, kind: str) -> None:
    """Raises BadInput when a block has matrices that are not the weight of a linear layer."""
    linear = {id(part.weight) for part in block.module.modules() if isinstance(part, nn.Linear | Conv1D)}
    others = {
        name: parameter
        for name, parameter in block.module.named_parameters()
        if parameter.ndim >= 2 and id(parameter) not in linear
    }
    if not others:
        return
    # Experts are stacked: one parameter (experts, out, in), or (experts · out, in), beside the router's matrix.
    experts = [name for name in others if "expert" in name]
    name = (experts or list(others))[0]
    where = f"{block.name}.{name} of shape {tuple(others[name].shape)}"
    if experts:
        raise BadInput(
            f"{kind} is a mixture of experts ({where}): only models without experts can be pruned, "
            "since each expert sees a part of the calibration tokens alone"
        )
    raise BadInput(
        f"block {block.name} of {kind} holds {sum(p.numel() for p in others.values())} weights outside linear layers "
        f"({where}): this architecture is not supported"
    )


def check_finite_weights(loaded: LoadedModel) -> None:
    """Raises NumericError when a prunable weight is NaN or infinite: nothing that follows could be trusted."""
    for name, layer in loaded.linears().items():
        low, high = torch.aminmax(weight_matrix(layer))  # NaN passes through both
        if not bool(torch.isfinite(low) & torch.isfinite(high)):
            bad = int((~torch.isfinite(weight_matrix(layer))).sum())
            raise NumericError(
                f"{bad} of {layer.weight.numel()} weights of {name} are NaN or infinite: the checkpoint is damaged, copy or "  # type: ignore[operator]
                "convert it again"
            )


def check_causal(loaded: LoadedModel) -> None:
    """Raises BadInput when a token's output depends on the tokens after it: an encoder, which loads as a decoder too."""
    one, other = (torch.tensor([[1, 2, last]], device=loaded.device) for last in (3, 4))
    with torch.no_grad():
        before, after = (loaded.model(input_ids=ids, use_cache=False).logits[0, :2] for ids in (one, other))
    if not torch.equal(before.nan_to_num(), after.nan_to_num()):
        raise BadInput(
            f"{loaded.folder} is an encoder ({loaded.model.config.model_type}): each of its tokens sees those after it, but "
            "the loss of an answer needs a decoder model, such as Llama, Qwen or OPT"
        )


def last_logits(model: Any, ids: torch.Tensor, keep: int) -> torch.Tensor:
    """The logits (batch, keep, vocabulary) of the last `keep` positions; a model that can computes only those.

    Args:
        ids: (batch, tokens), no padding.
    """
    arguments: dict[str, object] = {"input_ids": ids, "use_cache": False}
    if "logits_to_keep" in inspect.signature(model.forward).parameters:
        # The output matrix is a fifth of a small model's work.
        arguments["logits_to_keep"] = keep
    logits: torch.Tensor = model(**arguments).logits
    return logits[:, -keep:]


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
