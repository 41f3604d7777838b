"""What a model passes to its blocks, and other work in their place."""

from __future__ import annotations

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from fairprune.block_calls import block_calls, instead_of_blocks, returns_tuple
from fairprune.models import find_blocks, load


def test_block_calls_replay_the_model_exactly(tiny_folder):
    loaded = load(tiny_folder)
    ids = torch.randint(4, 60, (3, 11), generator=torch.Generator().manual_seed(0))
    calls = block_calls(loaded, ids)
    hidden = calls[0].hidden
    with torch.no_grad():
        for block, call in zip(loaded.blocks, calls, strict=True):
            hidden = call.run(block.module, hidden)
        expected = loaded.model.base_model(input_ids=ids, use_cache=False).last_hidden_state
    torch.testing.assert_close(loaded.model.model.norm(hidden), expected)
    assert all("forward" not in block.module.__dict__ for block in loaded.blocks)


def test_block_calls_replay_blocks_with_conv1d():
    from fairprune.models import LoadedModel

    model = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=32, n_positions=32)).eval()
    loaded = LoadedModel(model, find_blocks(model), None, None)  # type: ignore[arg-type]
    ids = torch.randint(0, 32, (2, 9))
    calls = block_calls(loaded, ids)
    hidden = calls[0].hidden
    with torch.no_grad():
        for block, call in zip(loaded.blocks, calls, strict=True):
            hidden = call.run(block.module, hidden)
        expected = model.transformer(input_ids=ids, use_cache=False).last_hidden_state
    torch.testing.assert_close(model.transformer.ln_f(hidden), expected)


def test_other_work_in_place_of_the_blocks_is_what_the_model_goes_on_with(tiny_folder):
    loaded = load(tiny_folder)
    ids = torch.randint(4, 60, (1, 7), generator=torch.Generator().manual_seed(1))
    given = torch.randn(1, 7, 16, generator=torch.Generator().manual_seed(2))
    visited = []

    def work(block, call):
        visited.append(block.index)
        return given if block.index == 1 else call.hidden

    with instead_of_blocks(loaded, work, returns_tuple(loaded, ids[:, :2])), torch.no_grad():
        logits = loaded.model(input_ids=ids, use_cache=False).logits
    assert visited == [0, 1]
    torch.testing.assert_close(logits, loaded.model.lm_head(loaded.model.model.norm(given)))
    assert all("forward" not in block.module.__dict__ for block in loaded.blocks)
