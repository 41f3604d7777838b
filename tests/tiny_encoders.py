"""Real encoders of two layers, width 16, with a word tokenizer: built in a second, random, without a download."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tiny import WORDS

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
MORE = ["superb", "dull", "acting", "plot", "battery", "screen", "not", "||", "weather", "dim"]


def _tokenizer(folder: Path, max_length: int) -> int:
    """Writes a tokenizer of whole words between [CLS] and [SEP]; returns the size of its vocabulary."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordLevel

    vocabulary = list(dict.fromkeys([*SPECIALS, *(word.lower() for word in WORDS), *MORE, *".,!?"]))
    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": max_length,
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return len(vocabulary)


def _save(model, folder: Path) -> Path:
    model.save_pretrained(folder)
    return folder


def make_bert(folder: Path, labels: tuple[str, ...] = (), max_length: int = 64) -> Path:
    """A BERT encoder; with `labels` one with a classifier on top."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel

    settings = {"id2label": dict(enumerate(labels)), "num_labels": len(labels)} if labels else {}
    config = BertConfig(
        vocab_size=_tokenizer(folder, max_length),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=max_length,
        initializer_range=0.5,
        pad_token_id=0,
        **settings,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertForSequenceClassification(config) if labels else BertModel(config)
    return _save(model, folder)


def make_bart(folder: Path, max_length: int = 64) -> Path:
    """A BART encoder-decoder."""
    import torch
    from transformers import BartConfig, BartForConditionalGeneration

    config = BartConfig(
        vocab_size=_tokenizer(folder, max_length),
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=max_length,
        init_std=0.5,
        pad_token_id=0,
        bos_token_id=2,
        eos_token_id=3,
        decoder_start_token_id=3,
        forced_eos_token_id=3,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BartForConditionalGeneration(config)
    return _save(model, folder)
