"""What the rows and columns of a weight matrix stand for: attention heads, neurons of the MLP. Values only, without torch.

Known by the matrix's name within its block and the sizes in the model's config. Where the two do not fit each other,
nothing is said: a matrix without parts is drawn without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Fused = Literal["stacked", "by head", "by group"]
"""How a fused matrix orders its rows: all queries, then all keys, then all values (GPT-2, Phi-3); query, key and value of one
head after the other (GPT-NeoX, BLOOM, older Falcon); the queries of a key head, its key, its value (newer Falcon)."""

FUSED: dict[str, Fused] = {
    "gpt2": "stacked",
    "phi3": "stacked",
    "gpt_neox": "by head",
    "bloom": "by head",
}
"""Type of model → order of its fused matrix, as its code in transformers splits it. Falcon has three: see `attention_of`."""
FUSED_NAMES = ("qkv_proj", "query_key_value", "c_attn")
OUTPUT_NAMES = ("o_proj", "out_proj", "dense", "c_proj")
NEURON_ROWS = ("gate_proj", "up_proj", "fc1", "c_fc", "dense_h_to_4h", "gate_up_proj")
NEURON_COLUMNS = ("down_proj", "fc2", "dense_4h_to_h")
"""`c_proj` is the output of attention or of the MLP, by what holds it."""


@dataclass(frozen=True)
class Attention:
    """The heads of a model's blocks."""

    heads: int
    """Of queries."""
    key_heads: int
    """Of keys and of values: fewer than `heads` where several queries share one."""
    size: int
    """Dimensions of a head."""
    fused: Fused | None = None
    """Order of a matrix that holds queries, keys and values; None: not known for this model."""


@dataclass(frozen=True)
class Parts:
    """Which part each row, or each column, of a matrix belongs to."""

    what: Literal["heads", "neurons"]
    axis: Literal["rows", "columns"]
    of: NDArray[np.int64]
    """(rows,) or (columns,): number of the part."""
    labels: tuple[str, ...] = ()
    """Of the heads, in order: 'q 0', 'k 0'. Neurons are known by their numbers."""

    @property
    def count(self) -> int:
        return int(self.of.max()) + 1


def attention_of(config: Any) -> Attention | None:
    """The heads that a transformers config speaks of; None where it names none."""
    config = config.get_text_config()
    heads = getattr(config, "num_attention_heads", None)
    width = getattr(config, "hidden_size", None)
    if not heads or not width:
        return None
    key_heads = getattr(config, "num_key_value_heads", None) or heads
    fused = FUSED.get(config.model_type)
    if config.model_type == "falcon":
        if config.new_decoder_architecture:
            key_heads, fused = config.num_kv_heads, "by group"
        elif config.multi_query:
            key_heads, fused = 1, "by group"  # one group: all queries, the key, the value
        else:
            key_heads, fused = heads, "by head"
    if fused == "by head":
        key_heads = heads  # whatever else the config holds: each query has a key and a value beside it
    return Attention(heads, key_heads, getattr(config, "head_dim", None) or width // heads, fused)


def parts_of(kind: str, rows: int, columns: int, attention: Attention | None) -> Parts | None:
    """The heads or neurons of a matrix; None where the structure has none, or its sizes are not those of the config.

    Args:
        kind: name within the block, as in 'self_attn.q_proj'.
    """
    name = kind.rpartition(".")[2]
    if in_attention(kind):
        return None if attention is None else _heads(name, rows, columns, attention)
    if name == "gate_up_proj" and rows % 2 == 0:
        return Parts("neurons", "rows", np.arange(rows) % (rows // 2))
    if name in NEURON_ROWS:
        return Parts("neurons", "rows", np.arange(rows))
    if name in NEURON_COLUMNS or name == "c_proj":
        return Parts("neurons", "columns", np.arange(columns))
    return None


def in_attention(kind: str) -> bool:
    """Whether a matrix belongs to attention, by its name within the block: 'self_attn.q_proj'. Else to the MLP."""
    holder = kind.rpartition(".")[0]
    return "attn" in holder or "attention" in holder


def _heads(name: str, rows: int, columns: int, attention: Attention) -> Parts | None:
    heads, key_heads, size = attention.heads, attention.key_heads, attention.size
    letters = {"q_proj": ("q", heads), "k_proj": ("k", key_heads), "v_proj": ("v", key_heads)}
    if name in letters:
        letter, count = letters[name]
        return _parts("rows", [f"{letter} {i}" for i in range(count)], size, rows)
    if name in OUTPUT_NAMES:
        return _parts("columns", [f"o {i}" for i in range(heads)], size, columns)
    if name in FUSED_NAMES and attention.fused is not None:
        return _parts("rows", _fused_labels(attention), size, rows)
    return None


def _fused_labels(attention: Attention) -> list[str]:
    """The heads of a fused matrix in the order of its rows."""
    heads, key_heads = attention.heads, attention.key_heads
    if attention.fused == "stacked":
        counts = {"q": heads, "k": key_heads, "v": key_heads}
        return [f"{letter} {i}" for letter, count in counts.items() for i in range(count)]
    share = heads // key_heads  # queries of a group; 1 where query, key and value stand head by head
    return [
        label
        for group in range(key_heads)
        for label in (*(f"q {group * share + i}" for i in range(share)), f"k {group}", f"v {group}")
    ]


def _parts(axis: Literal["rows", "columns"], labels: list[str], size: int, length: int) -> Parts | None:
    if len(labels) * size != length:
        return None
    return Parts("heads", axis, np.repeat(np.arange(len(labels)), size), tuple(labels))
