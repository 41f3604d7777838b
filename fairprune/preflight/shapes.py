"""What a model looks like without loading it: its matrices, widths and number format, from headers or numbers of a config."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from fairprune import catalogue
from fairprune.errors import Unavailable

_ASKED_AGAIN_SECONDS = 300.0
ITEM_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of one weight in memory, by the names that a spec uses."""
_STORED = {
    "F64": 8,
    "F32": 4,
    "BF16": 2,
    "F16": 2,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I64": 8,
    "I32": 4,
    "I8": 1,
    "U8": 1,
}
_FORMATS = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
_BLOCK = re.compile(r"^(.*?)\.?(\d+)\.(.+)$")
_OTHER_SENSES = re.compile(r"vision|visual|image|audio|speech")
_OWN_INPUT = ("o_proj", "out_proj", "down_proj", "c_proj", "fc2", "dense_4h_to_h", "dense", "wo", "w2")
"""Last names of layers that end a part of a block and read a tensor of their own; the others of the part share one."""
_FUSED = ("query_key_value", "qkv_proj", "c_attn", "Wqkv")
"""Layers that make queries, keys and values at once."""
_CONV1D = ("gpt2", "openai-gpt", "imagegpt")  # their matrices are stored (in, out)

Origin = Literal["headers", "hub", "catalogue"]


def _llama(
    width: int, inner: int, blocks: int, heads: int, keys: int, vocabulary: int, **more: Any
) -> dict[str, Any]:
    """Numbers of a config.json: width, MLP width, blocks, heads, heads of keys and values, vocabulary."""
    return {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": blocks,
        "num_attention_heads": heads,
        "num_key_value_heads": keys,
        "vocab_size": vocabulary,
        "dtype": "bfloat16",
        **more,
    }


CONFIGS: dict[str, dict[str, Any]] = {
    "smollm2-135m": _llama(576, 1536, 30, 9, 3, 49152, tie_word_embeddings=True),
    "tinyllama-1.1b-chat": _llama(2048, 5632, 22, 32, 4, 32000),
    "gemma-2b-it": _llama(2048, 16384, 18, 8, 1, 256000, head_dim=256, tie_word_embeddings=True),
    "llama-3-8b": _llama(4096, 14336, 32, 32, 8, 128256),
}
"""Of models of the catalogue, the numbers of config.json that sizes follow from: for an estimate before they are here."""


@dataclass(frozen=True)
class Matrix:
    """One prunable weight matrix."""

    block: int
    rows: int
    """Outputs."""
    columns: int
    """Inputs."""
    reads: str
    """The tensor that it reads: equal for layers of a block that share their input."""

    @property
    def size(self) -> int:
        return self.rows * self.columns


@dataclass(frozen=True)
class ModelShape:
    """All that memory and time follow from."""

    matrices: tuple[Matrix, ...]
    parameters: int
    """All weights; tied embeddings once."""
    stored_bytes: int
    """Of the safetensors files."""
    dtype: str
    """Number format that 'auto' means: float32, bfloat16 or float16."""
    width: int
    """Of the hidden states."""
    vocabulary: int
    key_values: int
    """Numbers that one token leaves in the cache of keys and values, per block: keys and values together."""
    origin: Origin
    """Where all this is from: the files' headers, the hub, or the catalogue's numbers."""

    @property
    def prunable(self) -> int:
        """Weights in the linear layers of the blocks."""
        return sum(matrix.size for matrix in self.matrices)

    @property
    def blocks(self) -> int:
        return 1 + max(matrix.block for matrix in self.matrices)

    @property
    def block_weights(self) -> int:
        """Prunable weights of the largest block."""
        sizes: dict[int, int] = defaultdict(int)
        for matrix in self.matrices:
            sizes[matrix.block] += matrix.size
        return max(sizes.values())

    @property
    def largest(self) -> int:
        """Weights of the largest prunable matrix."""
        return max(matrix.size for matrix in self.matrices)

    @property
    def kept_per_token(self) -> int:
        """Numbers that one token leaves in one block for a backward pass: what its layers read, and what they write."""
        one = [matrix for matrix in self.matrices if matrix.block == self.matrices[0].block]
        return sum({matrix.reads: matrix.columns for matrix in one}.values()) + sum(m.rows for m in one)

    @property
    def covariances(self) -> int:
        """Numbers in the XXᵀ of all distinct inputs of all blocks: Σ in²."""
        return sum(columns**2 for columns in {m.reads: m.columns for m in self.matrices}.values())

    @property
    def stored_covariances(self) -> int:
        """The same as they are written to disk: one for each layer, shared inputs or not."""
        return sum(matrix.columns**2 for matrix in self.matrices)

    @property
    def block_covariances(self) -> int:
        """The same of the block that has most."""
        sums: dict[int, int] = defaultdict(int)
        for (block, _), columns in {(m.block, m.reads): m.columns for m in self.matrices}.items():
            sums[block] += columns**2
        return max(sums.values())

    def item_bytes(self, dtype: str) -> int:
        """Bytes of one loaded weight in a spec's number format."""
        return ITEM_BYTES[self.dtype if dtype == "auto" else dtype]


def model_shape(name: str) -> ModelShape:
    """The shape of a model by catalogue name, hub id or folder. Reads headers alone, or asks the hub; no weight is read.

    Raises:
        BadInput: no such model, or a folder that holds none.
        Unavailable: a hub model that neither lies here nor can be asked for, and that the catalogue does not know.
    """
    source = catalogue.resolve(name)
    folder = catalogue.preview_folder(source)
    if folder is not None:
        config = catalogue.check_folder(folder)
        return from_tensors(catalogue.tensors(folder), config, "headers")
    moment = int(time.monotonic() / _ASKED_AGAIN_SECONDS)
    found = _from_hub(source.place, moment) if source.kind == "hub" else None
    if found is not None:
        return found
    if source.name not in CONFIGS:
        raise Unavailable(
            f"{source.place} is not on this machine and the hub cannot be asked for its shape: fetch it first, or give a local folder"
        )
    return from_config(CONFIGS[source.name], "catalogue")


def from_tensors(
    tensors: Mapping[str, tuple[str, tuple[int, ...]]], config: Mapping[str, Any], origin: Origin
) -> ModelShape:
    """The shape of a checkpoint.

    Args:
        tensors: name → (safetensors' name of the number format, shape).
        config: of config.json.

    Raises:
        Unavailable: no tensor has a block number in its name.
    """
    text = _text_config(config)
    # A pruned folder has its masks beside the weights, under the same names.
    tensors = {name: value for name, value in tensors.items() if value[0] != "BOOL"}
    grouped: dict[str, dict[tuple[int, str], tuple[int, int]]] = defaultdict(dict)
    for name, (_, shape) in tensors.items():
        match = _BLOCK.match(name)
        if match and len(shape) == 2:
            grouped[match[1]][int(match[2]), match[3].removesuffix(".weight")] = (shape[0], shape[1])
    if not grouped:
        raise Unavailable("no weight matrix has a block number in its name: the memory cannot be estimated")
    # As the engine does: the largest list of the text decoder, whatever else the model can see or hear.
    texts = {prefix: found for prefix, found in grouped.items() if not _OTHER_SENSES.search(prefix)}
    layers = max((texts or grouped).values(), key=lambda found: sum(a * b for a, b in found.values()))
    swapped = text.get("model_type") in _CONV1D
    matrices = tuple(
        Matrix(block, *((b, a) if swapped else (a, b)), _reads(block, kind))
        for (block, kind), (a, b) in sorted(layers.items())
    )
    plain = {
        name: shape for name, (_, shape) in tensors.items() if len(shape) == 2 and not _BLOCK.match(name)
    }
    head = next((name for name in plain if name.endswith(("lm_head.weight", "embed_out.weight"))), None)
    parameters = sum(_count(shape) for _, shape in tensors.values())
    tied = config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))
    if head is not None and len(plain) > 1 and tied:
        parameters -= _count(plain[head])
    words = text.get("vocab_size")
    embeddings = [shape for shape in plain.values() if shape[0] == words] or list(plain.values())
    embedding = max(embeddings, key=lambda shape: shape[0], default=(0, matrices[0].columns))
    first = {kind: shape for (block, kind), shape in layers.items() if block == matrices[0].block}
    given = (text.get(key) for key in ("hidden_size", "n_embd", "n_embed", "d_model"))
    width = next((int(value) for value in given if value), embedding[1])
    return ModelShape(
        matrices=matrices,
        parameters=parameters,
        stored_bytes=sum(_count(shape) * _STORED.get(kind, 4) for kind, shape in tensors.values()),
        dtype=_dtype(config, tensors),
        width=width,
        vocabulary=embedding[0],
        key_values=_key_values(first, swapped, width, bool(text.get("new_decoder_architecture"))),
        origin=origin,
    )


def from_config(config: Mapping[str, Any], origin: Origin) -> ModelShape:
    """The shape of a decoder whose blocks are those of Llama, from the numbers of its config.json."""
    text = _text_config(config)
    width, inner, vocabulary = (int(text[key]) for key in ("hidden_size", "intermediate_size", "vocab_size"))
    heads = int(text["num_attention_heads"])
    head = int(text.get("head_dim") or width // heads)
    keys = head * int(text.get("num_key_value_heads") or heads)
    kinds = {
        "self_attn.q_proj": (head * heads, width),
        "self_attn.k_proj": (keys, width),
        "self_attn.v_proj": (keys, width),
        "self_attn.o_proj": (width, head * heads),
        "mlp.gate_proj": (inner, width),
        "mlp.up_proj": (inner, width),
        "mlp.down_proj": (width, inner),
    }
    blocks = int(text["num_hidden_layers"])
    matrices = tuple(
        Matrix(block, *shape, _reads(block, kind)) for block in range(blocks) for kind, shape in kinds.items()
    )
    outside = vocabulary * width * (1 if config.get("tie_word_embeddings", False) else 2)
    parameters = sum(matrix.size for matrix in matrices) + outside + (2 * blocks + 1) * width
    dtype = _dtype(config, {})
    return ModelShape(
        matrices, parameters, parameters * ITEM_BYTES[dtype], dtype, width, vocabulary, 2 * keys, origin
    )


@lru_cache(maxsize=32)
def _from_hub(place: str, _moment: int) -> ModelShape | None:
    """The shape of a hub model from the headers of its files there; None when the hub does not answer or refuses.

    Args:
        _moment: changes when an earlier answer is too old: a form that is drawn again does not ask again.
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, NotASafetensorsRepoError, OfflineModeIsEnabled

    try:
        api = HfApi()
        files = api.get_safetensors_metadata(place, timeout=catalogue.HUB_TIMEOUT_S).files_metadata
        config = json.loads(Path(api.hf_hub_download(place, "config.json")).read_text(encoding="utf-8"))
    except (
        httpx2.HTTPError,
        HfHubHTTPError,
        NotASafetensorsRepoError,
        OfflineModeIsEnabled,
        OSError,
        ValueError,
    ):
        return None
    tensors = {
        name: (str(info.dtype), tuple(info.shape))
        for file in files.values()
        for name, info in file.tensors.items()
    }
    return from_tensors(tensors, config, "hub")


def _text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part that speaks of the text decoder."""
    inner = config.get("text_config")
    return inner if isinstance(inner, Mapping) else config


def _reads(block: int, kind: str) -> str:
    part, _, last = kind.rpartition(".")
    return f"{block}.{part}.{last if last in _OWN_INPUT else 'input'}"


def _count(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


def _dtype(config: Mapping[str, Any], tensors: Mapping[str, tuple[str, tuple[int, ...]]]) -> str:
    """What 'auto' loads: the config's format, else that of the first weight, else float32."""
    text = _text_config(config)
    for value in (config.get("dtype"), config.get("torch_dtype"), text.get("dtype"), text.get("torch_dtype")):
        if value in ITEM_BYTES:
            return str(value)
    return next((_FORMATS[kind] for kind, _ in tensors.values() if kind in _FORMATS), "float32")


def _key_values(layers: Mapping[str, tuple[int, int]], swapped: bool, width: int, repeated: bool) -> int:
    """Numbers of one token's keys and values, from the matrices of a block that make them.

    Args:
        repeated: the cache holds keys and values once for every query head, as Falcon's newer decoders do.
    """
    outputs = {kind.rpartition(".")[2]: shape[1 if swapped else 0] for kind, shape in layers.items()}
    if "k_proj" in outputs and "v_proj" in outputs:
        return outputs["k_proj"] + outputs["v_proj"]
    fused = next((outputs[name] for name in _FUSED if name in outputs), None)
    return 2 * width if fused is None or repeated else fused - width
