"""A real model that is tiny: two Llama blocks of width 16 with random weights and a word tokenizer of its own.

And one that is large, of which only the headers are there: for what reads shapes alone.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from pathlib import Path

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|> {{ message['content'] }} <|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|> {% endif %}"
)
WORDS = [
    "Reviews",
    "about",
    "a",
    "movie",
    ".",
    "Each",
    "review",
    "is",
    "separated",
    "by",
    "||",
    ":",
    ",",
    "!",
    "?",
    "Please",
    "write",
    "short",
    "text",
    "containing",
    "the",
    "salient",
    "information",
    "i.e.",
    "summary",
    "The",
    "of",
    "reviews",
    "statements",
    "products",
    "this",
    "film",
    "was",
    "were",
    "good",
    "bad",
    "funny",
    "dull",
    "great",
    "poor",
    "plot",
    "acting",
    "and",
    "but",
    "not",
    "very",
    "I",
    "we",
    "they",
    "it",
    "price",
    "battery",
    "sound",
    "screen",
    "picture",
    "phone",
    "camera",
    "player",
    "works",
    "broke",
    "love",
    "hate",
    "taxes",
    "jobs",
    "health",
    "care",
    "country",
    "people",
    "war",
    "peace",
    "plan",
    "vote",
    "you",
    "your",
    "our",
    "will",
    "can",
    "have",
    "has",
    "had",
    "with",
    "for",
    "on",
    "in",
    "to",
    "at",
    "an",
    "Statements",
    "US",
    "election",
    "debate",
    "or",
    "business",
    "product",
    "that",
    "as",
    "be",
    "are",
    "more",
    "less",
    "than",
    "like",
    "story",
    "scenes",
    "character",
    "director",
]


def make_tiny_model(folder: Path, *, seed: int = 0, chat: bool = True, extra: Iterable[str] = ()) -> Path:
    """Writes config, safetensors and tokenizer of a model with 2 blocks, width 16, about 6,000 parameters in the blocks."""
    import torch
    from tokenizers import Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import WordPiece
    from transformers import LlamaConfig, LlamaForCausalLM

    specials = ["<unk>", "<|end|>", "<|user|>", "<|assistant|>"]
    letters = sorted({chr(code) for code in range(33, 127)})
    vocabulary = list(
        dict.fromkeys([*specials, *letters, *("##" + letter for letter in letters), *WORDS, *extra])
    )
    tokenizer = Tokenizer(
        WordPiece(
            {word: index for index, word in enumerate(vocabulary)},
            unk_token="<unk>",
            max_input_chars_per_word=64,
        )
    )
    tokenizer.add_special_tokens(specials)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.decoder = decoders.WordPiece(cleanup=False)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings: dict[str, object] = {"eos_token": "<|end|>", "unk_token": "<unk>"}
    if chat:
        settings["chat_template"] = TEMPLATE
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=1,
        tie_word_embeddings=True,
        initializer_range=0.3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    # Single letters are hardly ever the likeliest token: what the model writes are words that a matcher can find.
    first, last = len(specials), len(specials) + 2 * len(letters)
    model.get_input_embeddings().weight.data[first:last] *= 0.05
    model.save_pretrained(folder)
    return folder


def make_headers(folder: Path) -> Path:
    """Config and safetensors header of a model of 24 blocks and width 1024 in bfloat16. Its weights are a hole in the file."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"hidden_size": 1024, "num_attention_heads": 8, "model_type": "llama", "dtype": "bfloat16"}
    (folder / "config.json").write_text(json.dumps(config))
    kinds = {"self_attn.q_proj": (1024, 1024), "self_attn.o_proj": (1024, 1024)}
    kinds |= {"mlp.up_proj": (8192, 1024), "mlp.down_proj": (1024, 8192)}
    tensors = {f"model.layers.{b}.{kind}.weight": shape for b in range(24) for kind, shape in kinds.items()}
    tensors["model.embed_tokens.weight"] = (8000, 1024)
    header, start = {}, 0
    for name, shape in tensors.items():
        end = start + 2 * shape[0] * shape[1]
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + start)
    return folder
