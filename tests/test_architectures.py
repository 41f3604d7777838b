"""Each architecture, as a random model of two blocks: every matrix found, replayed, pruned, exported and loaded again."""

from __future__ import annotations

import json

import pytest
import torch
import transformers

from fairprune.allocation import Target
from fairprune.block_calls import block_calls
from fairprune.catalogue import check_folder
from fairprune.errors import BadInput
from fairprune.export import export
from fairprune.masks import keep_mask
from fairprune.methods import get_method
from fairprune.models import LoadedModel, find_blocks, load, weight_matrix
from fairprune.prune import Calibration, LayerPruned, prune
from tests.architectures import ARCHITECTURES, BASE

IDS = torch.randint(3, 60, (3, 12), generator=torch.Generator().manual_seed(11))
every_architecture = pytest.mark.parametrize("name", ARCHITECTURES)


def config_of(name: str):
    architecture = ARCHITECTURES[name]
    return getattr(transformers, architecture.config)(**architecture.options)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Name → the folder of its model, written when it is first asked for; float32."""
    made = {}

    def folder(name):
        if name not in made:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(3)
                model = transformers.AutoModelForCausalLM.from_config(config_of(name), dtype=torch.float32)
            made[name] = tmp_path_factory.mktemp("architecture") / name
            model.save_pretrained(made[name])
        return made[name]

    return folder


def run(loaded: LoadedModel, method_name: str, sparsity: float = 0.37, ids: torch.Tensor = IDS):
    method = get_method(method_name)
    events = prune(loaded, method, method.parse_options({}), Target(sparsity), Calibration(ids))
    return [event for event in events if isinstance(event, LayerPruned)]


def block_outputs(loaded: LoadedModel, ids: torch.Tensor) -> list[torch.Tensor]:
    """What each block gives in the model's own forward pass."""
    seen = []
    handles = [
        block.module.register_forward_hook(
            lambda _module, _args, output: seen.append(output[0] if isinstance(output, tuple) else output)
        )
        for block in loaded.blocks
    ]
    with torch.no_grad():
        loaded.model.base_model(input_ids=ids, use_cache=False)
    for handle in handles:
        handle.remove()
    return seen


@every_architecture
def test_every_matrix_of_the_blocks_is_found_and_no_other(folders, name):
    architecture = ARCHITECTURES[name]
    loaded = load(folders(name))
    assert [block.name for block in loaded.blocks] == [f"{architecture.blocks}.{i}" for i in range(2)]
    for block in loaded.blocks:
        shapes = {block.kind(layer): tuple(weight_matrix(m).shape) for layer, m in block.linears.items()}
        assert shapes == architecture.matrices
        assert list(shapes) == list(architecture.matrices)  # in the order of the module tree
        assert block.tied == {}
    # Embedding and output matrix, tied or not, are no layers of a block.
    embedding, output = (
        loaded.model.get_input_embeddings().weight,
        loaded.model.get_output_embeddings().weight,
    )
    assert (output is embedding) == architecture.tied_output
    pruned = {id(layer.weight) for layer in loaded.linears().values()}
    assert not {id(embedding), id(output)} & pruned
    assert loaded.dtype == "float32" and not loaded.model.training


@pytest.mark.parametrize(
    ("name", "implementation"),
    # Gemma 2 caps its attention scores, which transformers computes with eager attention alone.
    [
        (name, kind)
        for name in ARCHITECTURES
        for kind in ("eager", "sdpa")
        if (name, kind) != ("gemma2", "sdpa")
    ],
)
def test_the_replay_of_the_blocks_is_the_model(folders, name, implementation):
    loaded = load(folders(name))
    loaded.model.set_attn_implementation(implementation)
    calls = block_calls(loaded, IDS)
    assert len(calls) == 2
    hidden = calls[0].hidden
    with torch.no_grad():
        for block, call, expected in zip(loaded.blocks, calls, block_outputs(loaded, IDS), strict=True):
            hidden = call.run(block.module, hidden)
            assert hidden.shape == (3, 12, 16)
            assert torch.equal(hidden, expected)
    assert all("forward" not in block.module.__dict__ for block in loaded.blocks)


@pytest.mark.parametrize("name", [name for name, value in ARCHITECTURES.items() if value.masks_differ])
def test_blocks_with_masks_of_their_own_need_their_own_call(folders, name):
    loaded = load(folders(name))
    loaded.model.set_attn_implementation("eager")
    calls = block_calls(loaded, IDS)
    # Row 11 of a mask: what the last of 12 tokens may look at: the last 4, or all 12.
    allowed = [int((call.kwargs["attention_mask"][0, 0, 11] == 0).sum()) for call in calls]
    assert sorted(allowed) == [4, 12]
    if name.startswith(
        "gemma3"
    ):  # rotary frequencies of their own: base 10,000 for the window, 1,000,000 else
        cosines = [call.kwargs["position_embeddings"][0] for call in calls]
        assert not torch.equal(*cosines)
    with torch.no_grad():
        own = calls[1].run(loaded.blocks[1].module, calls[0].hidden)
        other = calls[0].run(loaded.blocks[1].module, calls[0].hidden)
    assert not torch.allclose(own, other)


@every_architecture
@pytest.mark.parametrize("method_name", ["magnitude", "wanda", "hgla", "sparsegpt"])
def test_exactly_what_was_asked_is_dropped(folders, name, method_name):
    loaded = load(folders(name))
    before = {layer: weight_matrix(module).clone() for layer, module in loaded.linears().items()}
    untouched = {
        key: value.clone()
        for key, value in loaded.model.state_dict().items()
        if key.removesuffix(".weight") not in before
    }
    events = run(loaded, method_name)
    assert [event.report.name for event in events] == list(before)
    for event in events:
        layer = event.report.name
        weight = weight_matrix(loaded.linears()[layer])
        rows, columns = weight.shape
        # 37 % of 16, 32, 64 are 5.92, 11.84, 23.68: 6, 12, 24 in each row; or 37 % of the whole matrix.
        by_row = rows * {16: 6, 32: 12, 64: 24}[columns]
        expected = by_row if method_name in ("wanda", "hgla") else round(0.37 * rows * columns)
        assert event.report.dropped == int((~event.keep).sum()) == int((weight == 0).sum()) == expected
        assert bool((weight[~event.keep] == 0).all())
        if method_name != "sparsegpt":  # which changes what it keeps
            assert torch.equal(weight, before[layer].masked_fill(~event.keep, 0))
    state = loaded.model.state_dict()
    assert all(torch.equal(state[key], value) for key, value in untouched.items())


@every_architecture
def test_wanda_reads_the_second_block_behind_the_pruned_first(folders, name):
    loaded = load(folders(name))
    events = {event.report.name: event.keep for event in run(loaded, "wanda")}
    # The first matrix that the second block calls reads nothing of that block's own pruned matrices.
    seen: dict[str, torch.Tensor] = {}

    def hook_for(layer):
        return lambda _module, inputs: seen.setdefault(layer, inputs[0].detach())

    handles = [
        module.register_forward_pre_hook(hook_for(layer))
        for layer, module in loaded.blocks[1].linears.items()
    ]
    with torch.no_grad():
        loaded.model.base_model(input_ids=IDS, use_cache=False)
    for handle in handles:
        handle.remove()
    layer, inputs = next(iter(seen.items()))
    norm = inputs.reshape(-1, inputs.shape[-1]).square().sum(dim=0).div(3).sqrt()  # mean over 3 sequences
    original = weight_matrix(load(folders(name)).linears()[layer])
    assert torch.equal(events[layer], keep_mask(original.abs() * norm, 0.37))


@every_architecture
def test_an_export_is_loaded_again_with_its_zeros(folders, name, tmp_path):
    loaded = load(folders(name))
    masks = {event.report.name: event.keep for event in run(loaded, "wanda", 0.5)}
    export(loaded, masks, {}, tmp_path / "out")
    again = load(tmp_path / "out")
    assert masks.keys() == again.linears().keys()
    for layer, keep in masks.items():
        assert torch.equal(weight_matrix(again.linears()[layer]) != 0, keep)
    with torch.no_grad():
        logits = [model.model(input_ids=IDS, use_cache=False).logits for model in (loaded, again)]
    assert torch.equal(*logits)


# --- Weights that two layers share ---


SHARED, OWNER = "model.layers.1.mlp.up_proj", "model.layers.0.mlp.up_proj"


class SharingConfig(transformers.LlamaConfig):
    model_type = "llama-with-one-up-projection"


class SharingModel(transformers.LlamaForCausalLM):
    """A Llama whose two blocks have one up projection, and say so as transformers models do."""

    config_class = SharingConfig
    _tied_weights_keys = {  # noqa: RUF012
        "lm_head.weight": "model.embed_tokens.weight",
        f"{SHARED}.weight": f"{OWNER}.weight",
    }


@pytest.fixture(scope="module")
def sharing_folder(tmp_path_factory):
    transformers.AutoConfig.register(SharingConfig.model_type, SharingConfig, exist_ok=True)
    transformers.AutoModelForCausalLM.register(SharingConfig, SharingModel, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = SharingModel(SharingConfig(**BASE, tie_word_embeddings=True))
    folder = tmp_path_factory.mktemp("architecture") / "sharing"
    model.save_pretrained(folder)
    return folder


def up_projections(loaded: LoadedModel) -> list[torch.Tensor]:
    return [layer.mlp.up_proj.weight for layer in loaded.model.model.layers]


@pytest.mark.parametrize("method_name", ["magnitude", "wanda", "hgla", "sparsegpt"])
def test_a_weight_of_two_blocks_is_pruned_once(sharing_folder, tmp_path, method_name):
    loaded = load(sharing_folder)
    first, second = up_projections(loaded)
    assert first is second
    assert [len(block.linears) for block in loaded.blocks] == [7, 6]
    assert [block.tied for block in loaded.blocks] == [{}, {SHARED: OWNER}]
    events = run(loaded, method_name, 0.5)
    masks = {event.report.name: event.keep for event in events}
    assert len(events) == 13 and OWNER in masks and SHARED not in masks
    # 32 · 16 / 2. Chosen again for the second block, another mask would leave more zeros.
    assert int((first == 0).sum()) == 256
    export(loaded, masks, {}, tmp_path / "out")
    for weight in up_projections(load(tmp_path / "out")):
        assert torch.equal(weight, first)
        assert bool((weight[~masks[OWNER]] == 0).all())


def test_one_layer_under_two_names_of_a_block_is_listed_once():
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**BASE))
    attention_of = model.model.layers[0].self_attn
    attention_of.v_proj = attention_of.k_proj
    block = find_blocks(model)[0]
    assert block.tied == {"model.layers.0.self_attn.v_proj": "model.layers.0.self_attn.k_proj"}
    assert len(block.linears) == 6


def test_one_block_used_twice_is_pruned_once(tmp_path):
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**BASE)).eval()
    model.model.layers[1] = model.model.layers[0]
    loaded = LoadedModel(model, find_blocks(model), tmp_path, None)
    assert [len(block.linears) for block in loaded.blocks] == [7, 0]
    assert len(loaded.blocks[1].tied) == 7
    outputs = block_outputs(loaded, IDS)[::2]  # each of the two hooks sees each of the two calls
    hidden = (calls := block_calls(loaded, IDS))[0].hidden
    assert len(calls) == 2
    with torch.no_grad():
        for call, expected in zip(calls, outputs, strict=True):
            hidden = call.run(loaded.blocks[0].module, hidden)
            assert torch.equal(hidden, expected)
    events = run(loaded, "wanda", 0.5)
    assert [event.report.name for event in events] == list(loaded.blocks[0].linears)
    assert all(
        int((layer.weight == 0).sum()) * 2 == layer.weight.numel() for layer in loaded.linears().values()
    )


def test_a_layer_that_is_the_embedding_or_the_output_matrix_is_not_pruned():
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**BASE | {"vocab_size": 32}))
    model.model.layers[1].mlp.up_proj.weight = model.model.embed_tokens.weight  # both (32, 16)
    block = find_blocks(model)[1]
    assert block.tied == {SHARED: "model.embed_tokens"}
    assert SHARED not in block.linears
    # The output matrix comes after the blocks, and is never pruned either.
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**BASE | {"vocab_size": 32}))
    model.lm_head.weight = model.model.layers[1].mlp.up_proj.weight
    assert find_blocks(model)[1].tied == {SHARED: "lm_head"}


# --- What is refused ---

ENCODER_DECODERS = {
    "t5": transformers.T5Config(
        vocab_size=32, d_model=16, d_kv=4, d_ff=32, num_layers=2, num_heads=4, decoder_start_token_id=0
    ),
    "bart": transformers.BartConfig(
        vocab_size=32,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=32,
    ),
}


@pytest.mark.parametrize("name", ENCODER_DECODERS)
def test_encoder_decoders_are_refused(name, tmp_path):
    transformers.AutoModelForSeq2SeqLM.from_config(ENCODER_DECODERS[name]).save_pretrained(tmp_path)
    with pytest.raises(BadInput, match=rf"encoder-decoder model \({name}\): only decoder models"):
        load(tmp_path)


EXPERTS = {
    "MixtralConfig": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "Qwen2MoeConfig": {
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 8,
        "shared_expert_intermediate_size": 16,
    },
    "OlmoeConfig": {"num_experts": 4, "num_experts_per_tok": 2},
}


@pytest.mark.parametrize("name", EXPERTS)
def test_mixtures_of_experts_are_refused(name, tmp_path):
    config = getattr(transformers, name)(**BASE | EXPERTS[name])
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    with pytest.raises(
        BadInput, match=r"mixture of experts \(\w+ = 4\)"
    ):  # at the form, before weights are read
        check_folder(tmp_path)
    # Gate and up of one expert stacked: 2 · intermediate rows of 16.
    rows = 16 if name == "Qwen2MoeConfig" else 64
    with pytest.raises(
        BadInput,
        match=rf"mixture of experts \(model\.layers\.0\.mlp\.experts\.\w+ of shape \(4, {rows}, 16\)\)",
    ):
        load(tmp_path)


def test_the_table_names_real_model_types(folders):
    for name, architecture in ARCHITECTURES.items():
        written = json.loads((folders(name) / "config.json").read_text())
        assert written["model_type"] == getattr(transformers, architecture.config).model_type
