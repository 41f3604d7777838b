"""Blocks are found by structure; what was borrowed is given back."""

from __future__ import annotations

import shutil

import pytest
import torch
from torch import nn
from transformers import BertConfig, BertLMHeadModel, GPT2Config, GPT2LMHeadModel

from fairprune.errors import BadInput
from fairprune.models import (
    LoadedModel,
    check_causal,
    find_blocks,
    last_logits,
    load,
    only_gradients_of,
    weight_matrix,
)


def test_blocks_and_linears_of_a_llama(tiny_folder):
    loaded = load(tiny_folder)
    assert [block.name for block in loaded.blocks] == ["model.layers.0", "model.layers.1"]
    kinds = [name.removeprefix("model.layers.1.") for name in loaded.blocks[1].linears]
    assert kinds == [
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
        "self_attn.o_proj",
        "mlp.gate_proj",
        "mlp.up_proj",
        "mlp.down_proj",
    ]
    assert weight_matrix(loaded.linears()["model.layers.0.mlp.down_proj"]).shape == (16, 32)
    assert not loaded.model.training
    assert loaded.dtype == "float32"
    assert loaded.tokenizer is not None


def test_dtype_can_be_chosen(tiny_folder):
    assert load(tiny_folder, dtype="bfloat16").dtype == "bfloat16"


def test_conv1d_weights_are_seen_as_out_in():
    model = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=32, n_positions=32))
    blocks = find_blocks(model)
    assert len(blocks) == 2
    # GPT-2's fused attention maps 16 inputs to 48 outputs; Conv1D stores it as (in, out).
    layer = blocks[0].linears["transformer.h.0.attn.c_attn"]
    assert layer.weight.shape == (16, 48)
    view = weight_matrix(layer)
    assert view.shape == (48, 16)
    view[0, 0] = 7.0
    assert layer.weight[0, 0] == 7.0


def test_models_without_blocks_or_with_other_weights_are_refused():
    with pytest.raises(BadInput, match="no list of decoder blocks"):
        find_blocks(nn.Linear(2, 2))

    class Experts(nn.Module):
        def __init__(self):
            super().__init__()
            self.gate, self.experts = nn.Linear(4, 2), nn.Parameter(torch.zeros(2, 4, 4))

    with pytest.raises(
        BadInput, match=r"mixture of experts \(layers\.0\.experts of shape \(2, 4, 4\)\): only models"
    ):
        find_blocks(nn.ModuleDict({"layers": nn.ModuleList([Experts(), Experts()])}))

    class Mixer(nn.Module):
        def __init__(self):
            super().__init__()
            self.project, self.conv = nn.Linear(4, 4), nn.Conv1d(4, 4, 3)

    # A kernel of 4 · 4 · 3 weights.
    with pytest.raises(
        BadInput, match=r"holds 48 weights outside linear layers \(layers\.0\.conv\.weight of"
    ):
        find_blocks(nn.ModuleDict({"layers": nn.ModuleList([Mixer(), Mixer()])}))
    with pytest.raises(BadInput, match=r"block layers\.0 of ModuleDict has no linear layers"):
        find_blocks(nn.ModuleDict({"layers": nn.ModuleList([nn.LayerNorm(4)])}))


def test_blocks_of_different_kinds_are_refused():
    class Other(nn.Linear):
        pass

    layers = nn.ModuleList([nn.Sequential(nn.Linear(4, 4)), Other(4, 4)])
    with pytest.raises(
        BadInput, match=r"blocks layers of ModuleDict .* different kinds \(Other, Sequential\)"
    ):
        find_blocks(nn.ModuleDict({"layers": layers}))


def test_the_largest_list_is_that_of_the_blocks():
    """The inner lists of a block are smaller than the list of the blocks."""
    blocks = nn.ModuleList([nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)]) for _ in range(2)])
    found = find_blocks(nn.ModuleDict({"small": nn.ModuleList([nn.Linear(4, 8)]), "layers": blocks}))
    assert [block.name for block in found] == ["layers.0", "layers.1"]
    assert list(found[1].linears) == ["layers.1.0", "layers.1.1"]


def test_gradient_flags_come_back(tiny_folder):
    model = load(tiny_folder).model
    model.model.embed_tokens.weight.requires_grad_(False)
    before = [parameter.requires_grad for parameter in model.parameters()]
    chosen = model.model.layers[0].mlp.up_proj.weight
    with pytest.raises(RuntimeError, match="stop"), only_gradients_of(model, [chosen]):
        assert [parameter.requires_grad for parameter in model.parameters()].count(True) == 1
        raise RuntimeError("stop")
    assert [parameter.requires_grad for parameter in model.parameters()] == before


def test_a_folder_that_transformers_does_not_know(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "no-such-type"}')
    with pytest.raises(BadInput, match="cannot load"):
        load(tmp_path)


def test_weights_that_are_missing_or_of_another_shape_are_no_random_numbers(tiny_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny_folder, tmp_path / "m")
    weights = load_file(tmp_path / "m" / "model.safetensors")
    name = "model.layers.1.mlp.up_proj.weight"
    for changed in (
        {k: v for k, v in weights.items() if k != name},
        {**weights, name: weights[name][:, :8].clone()},
    ):
        save_file(changed, tmp_path / "m" / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(BadInput, match=r"layers\.1\.mlp\.up_proj|cannot load"):
            load(tmp_path / "m")


def test_garbage_for_weights_is_a_sentence(tiny_folder, tmp_path):
    (tmp_path / "config.json").write_bytes((tiny_folder / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"garbage" * 100)
    with pytest.raises(BadInput, match="cannot load"):
        load(tmp_path)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_weight_that_is_no_number_is_named(tiny_folder, bad):
    from fairprune.errors import NumericError
    from fairprune.models import check_finite_weights

    loaded = load(tiny_folder)
    check_finite_weights(loaded)
    weight_matrix(loaded.linears()["model.layers.1.mlp.up_proj"])[3, 5] = bad
    with pytest.raises(
        NumericError, match=r"1 of 512 weights of model\.layers\.1\.mlp\.up_proj are NaN or inf"
    ):
        check_finite_weights(loaded)


def test_an_encoder_that_loads_as_a_decoder_is_seen(tiny_folder, tmp_path):
    check_causal(load(tiny_folder))
    sizes = {"hidden_size": 16, "num_attention_heads": 4, "num_hidden_layers": 2, "intermediate_size": 32}
    encoder = BertLMHeadModel(BertConfig(**sizes, vocab_size=60)).eval()
    with pytest.raises(BadInput, match=r"is an encoder \(bert\): each of its tokens sees those after it"):
        check_causal(LoadedModel(encoder, (), tmp_path, None))
    decoder = BertLMHeadModel(BertConfig(**sizes, vocab_size=60, is_decoder=True)).eval()
    check_causal(LoadedModel(decoder, (), tmp_path, None))


def test_the_last_logits_are_those_of_all_positions(tiny_folder):
    ids = torch.tensor([[5, 6, 7, 8], [9, 10, 11, 12]])
    gpt = GPT2LMHeadModel(GPT2Config(n_embd=16, n_head=4, n_layer=1, vocab_size=32)).eval()
    for model in (load(tiny_folder).model, gpt):
        with torch.no_grad():
            torch.testing.assert_close(last_logits(model, ids, 3), model(ids).logits[:, -3:])
