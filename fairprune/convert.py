"""GGUF weights → a folder that transformers loads in a second. Run by `python -m fairprune.convert`.

Its own module and process, so that `fairprune.assets` (which pages import) never imports torch, and so that
the memory of the conversion is given back when it is done.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fairprune.errors import NumericError, Unavailable


def convert(gguf: Path, out: Path) -> None:
    """Dequantises a GGUF decoder to bfloat16 safetensors, with its tokenizer, and loads it to check it.

    Args:
        gguf: the weights, one file with its tokenizer inside.
        out: folder for config.json, model.safetensors, generation_config.json and the tokenizer's files.

    Raises:
        NumericError: the converted model's logits are not finite.
        Unavailable: the tokenizer in the file has no chat template.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GenerationConfig
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    out.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    if not tokenizer.chat_template:
        raise Unavailable(f"{gguf.name} has no chat template: an instruction-tuned chat model is needed")
    tokenizer.save_pretrained(out)

    # Not `from_pretrained(gguf_file=…)`: it asks for accelerate, and its model refuses to be saved.
    config = AutoConfig.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    config.pad_token_id = tokenizer.pad_token_id
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    weights = load_gguf_checkpoint(
        str(gguf), return_tensors=True, model_to_load=model, torch_dtype=torch.bfloat16
    )
    keys = model.load_state_dict(weights["tensors"], strict=False)
    # Tied embeddings: the file has no output matrix of its own.
    missing = set(keys.missing_keys) - ({"lm_head.weight"} if config.tie_word_embeddings else set())
    if missing or keys.unexpected_keys:
        raise NumericError(
            f"{gguf.name} does not fit its own configuration: "
            f"missing {sorted(missing)[:3]}, unexpected {keys.unexpected_keys[:3]}"
        )
    del weights
    model.tie_weights()
    # Greedy by default: sampling settings belong to a run's description, not to the weights.
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(out)
    del model
    _check(out)


def _check(folder: Path) -> None:
    """One tiny forward pass of what was written."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    if not tokenizer.chat_template:
        raise Unavailable(f"the tokenizer written to {folder} lost its chat template")
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.bfloat16)
    tokens = tokenizer("The film was", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logits = model(tokens).logits
    if not bool(torch.isfinite(logits).all()):
        raise NumericError(f"the model converted to {folder} gives logits that are not finite")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m fairprune.convert GGUF-FILE OUT-FOLDER")
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
