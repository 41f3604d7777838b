"""SPIN on real models of two blocks: the importance by its definition, and an edit that changes its weights alone."""

from __future__ import annotations

import dataclasses

import pytest
import torch
import transformers

from fairprune.allocation import Target
from fairprune.debias.awareness import AwarenessItem
from fairprune.debias.spin import Edited, Sample, apply_choice, encode, importance, matrices, undo
from fairprune.debias.spin_choice import choose
from fairprune.errors import BadInput, NumericError
from fairprune.methods import get_method
from fairprune.models import LoadedModel, find_blocks, load, weight_matrix
from fairprune.prune import prune
from tests.architectures import ARCHITECTURES
from tests.debias.spinning import OPTIONS, bits, changed, items

SAMPLES = [Sample((5, 6, 7), (8, 9)), Sample((10, 11), (12, 13, 14, 15)), Sample((20,), (21,))]
OTHERS = [Sample((30, 31), (32, 33)), Sample((34, 35, 36), (37,))]
GENERAL = [Sample((40, 41), (42, 43, 44))]


def by_definition(loaded: LoadedModel, samples, names):
    """Σ over samples of |W · ∂L/∂W|, each product taken before the sum, from the model's own logits."""
    total = {}
    layers = loaded.linears()
    for sample in samples:
        loaded.model.zero_grad()
        ids = torch.tensor([[*sample.prompt, *sample.response]])
        logs = torch.log_softmax(loaded.model(ids).logits[0].float(), dim=-1)
        start = len(sample.prompt)
        loss = -sum(logs[start - 1 + i, token] for i, token in enumerate(sample.response)) / len(
            sample.response
        )
        loss.backward()
        for name in names:
            weight = layers[name].weight
            product = (weight.detach().float() * weight.grad.float()).abs()
            if weight.shape != weight_matrix(layers[name]).shape or type(layers[name]).__name__ == "Conv1D":
                product = product.T
            total[name] = total.get(name, 0) + product
    loaded.model.zero_grad()
    return total


def spun(loaded: LoadedModel, options=OPTIONS):
    linears = matrices(loaded, options.modules)
    return choose(*(importance(loaded, own, linears) for own in (SAMPLES, OTHERS, GENERAL)), options)


def test_the_importance_is_that_of_the_definition(tiny_folder):
    loaded = load(tiny_folder)
    linears = matrices(loaded, "all")
    seen = []
    found = importance(loaded, SAMPLES, linears, lambda *step: seen.append(step))
    expected = by_definition(loaded, SAMPLES, linears)
    assert found.keys() == linears.keys() and len(found) == 14
    for name, values in found.items():
        assert values.dtype == torch.float32 and values.shape == weight_matrix(linears[name]).shape
        torch.testing.assert_close(values, expected[name], rtol=1e-4, atol=1e-7)
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert all(parameter.grad is None and parameter.requires_grad for parameter in loaded.model.parameters())


def test_the_loss_of_a_prompt_plays_no_part(tiny_folder):
    loaded = load(tiny_folder)
    linears = matrices(loaded, "mlp")
    # the mean over two response tokens; what the model would have said of tokens 6 and 7 is not in it
    found = importance(loaded, [Sample((5, 6, 7), (8, 9))], linears)
    whole = importance(loaded, [Sample((5,), (6, 7, 8, 9))], linears)
    name = next(iter(linears))
    assert not torch.allclose(found[name], whole[name])
    torch.testing.assert_close(
        found[name], by_definition(loaded, SAMPLES[:1], linears)[name], rtol=1e-4, atol=1e-7
    )


def test_bfloat16_is_summed_in_float32(tiny_folder):
    loaded = load(tiny_folder, dtype="bfloat16")
    linears = matrices(loaded, "mlp")
    found = importance(loaded, SAMPLES, linears)
    assert {values.dtype for values in found.values()} == {torch.float32}
    expected = by_definition(loaded, SAMPLES, linears)
    for name, values in found.items():
        torch.testing.assert_close(values, expected[name], rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", ["gpt2", "opt", "qwen2", "gpt-neox", "falcon-7b", "gemma3"])
def test_models_whose_blocks_are_walked_by_structure(name, tmp_path):
    architecture = ARCHITECTURES[name]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        config = getattr(transformers, architecture.config)(**architecture.options)
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    loaded = LoadedModel(model, find_blocks(model), tmp_path, None)
    linears = matrices(loaded, "mlp")
    mlp = [kind for kind in architecture.matrices if "attn" not in kind and "attention" not in kind]
    assert len(linears) == 2 * len(mlp)
    expected = by_definition(loaded, SAMPLES, linears)
    for matrix, values in importance(loaded, SAMPLES, linears).items():
        torch.testing.assert_close(values, expected[matrix], rtol=1e-3, atol=1e-6)
    before, choice = bits(loaded), spun(loaded)
    edits = apply_choice(loaded, choice)
    assert len(edits) == choice.count == sum(changed(before, loaded).values()) > 0
    undo(loaded, edits)
    assert not changed(before, loaded)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("scope", ["matrix", "global"])
def test_exactly_the_chosen_weights_change_and_come_back(tiny_folder, dtype, scope):
    loaded = load(tiny_folder, dtype=dtype)
    before = bits(loaded)
    dense = {name: weight_matrix(layer).clone() for name, layer in loaded.linears().items()}
    choice = spun(loaded, OPTIONS.model_copy(update={"scope": scope}))
    assert not changed(before, loaded)
    edits = apply_choice(loaded, choice)
    expected = {f"{one.name}.weight": len(one.places) for one in choice.matrices if len(one.places)}
    assert changed(before, loaded) == expected
    for one in choice.matrices:
        weight = weight_matrix(loaded.linears()[one.name])
        gone = {(int(place) // one.shape[1], int(place) % one.shape[1]) for place in one.places}
        differs = (weight != dense[one.name]).nonzero().tolist()
        assert {tuple(place) for place in differs} == gone
        assert all(float(weight[place]) == 0 and not bool(torch.signbit(weight[place])) for place in gone)
        assert gone == {(edit.row, edit.column) for edit in edits if edit.module == one.name}
        assert all(
            edit.old == float(dense[one.name][edit.row, edit.column])
            for edit in edits
            if edit.module == one.name
        )
    again = [Edited.model_validate_json(edit.model_dump_json()) for edit in edits]
    undo(loaded, again)
    assert not changed(before, loaded)


def test_weights_that_are_pruned_are_never_chosen(tiny_folder):
    loaded = load(tiny_folder)
    method = get_method("magnitude")
    list(prune(loaded, method, method.parse_options({}), Target(0.9)))
    linears = matrices(loaded, "mlp")
    zero = {name: weight_matrix(layer) == 0 for name, layer in linears.items()}
    scores = importance(loaded, SAMPLES, linears)
    assert all(bool((scores[name][zero[name]] == 0).all()) for name in linears)
    # of 512 weights of a matrix 52 are left; 0.1 asks for 51 of them in each top
    choice = spun(loaded, OPTIONS.model_copy(update={"ratio": 0.1, "minimum": 100}))
    assert choice.count > 0
    for one in choice.matrices:
        assert one.first <= int((~zero[one.name]).sum())
        assert not bool(zero[one.name].reshape(-1)[torch.from_numpy(one.places)].any())


@pytest.mark.parametrize("first", ["edit", "prune"])
def test_before_and_after_pruning(tiny_folder, first):
    loaded, method = load(tiny_folder), get_method("magnitude")

    def pruned():
        list(prune(loaded, method, method.parse_options({}), Target(0.5)))

    if first == "prune":
        pruned()
    zeros = sum(int((weight_matrix(layer) == 0).sum()) for layer in loaded.linears().values())
    edits = apply_choice(loaded, spun(loaded))
    after = sum(int((weight_matrix(layer) == 0).sum()) for layer in loaded.linears().values())
    assert after - zeros == len(edits) > 0
    if first == "edit":
        pruned()  # what is zero already is dropped first, so that the asked number of weights is zero in the end
        assert sum(int((weight_matrix(layer) == 0).sum()) for layer in loaded.linears().values()) == 4608 // 2
    linears = loaded.linears()
    assert all(float(weight_matrix(linears[one.module])[one.row, one.column]) == 0 for one in edits)


def test_a_weight_that_two_layers_share_is_one_weight(tiny_folder):
    loaded = load(tiny_folder)
    first, second = (block.module.mlp for block in loaded.blocks)
    second.up_proj.weight = first.up_proj.weight
    loaded = dataclasses.replace(loaded, blocks=find_blocks(loaded.model))
    linears = matrices(loaded, "mlp")
    assert len(linears) == 5
    expected = by_definition(
        loaded, SAMPLES, linears
    )  # the gradient of a shared weight is the sum of both uses
    found = importance(loaded, SAMPLES, linears)
    for name, values in found.items():
        torch.testing.assert_close(values, expected[name], rtol=1e-4, atol=1e-7)
    before = bits(loaded)
    edits = apply_choice(loaded, spun(loaded))
    assert torch.equal(first.up_proj.weight, second.up_proj.weight)
    undo(loaded, edits)
    assert not changed(before, loaded)


def test_a_tied_embedding_is_not_touched(tiny_folder):
    loaded = load(tiny_folder)
    assert loaded.model.config.tie_word_embeddings
    before = loaded.model.get_output_embeddings().weight.detach().clone()
    apply_choice(loaded, spun(loaded, OPTIONS.model_copy(update={"modules": "all"})))
    assert torch.equal(loaded.model.get_output_embeddings().weight, before)


@pytest.mark.parametrize(("modules", "kinds"), [("mlp", 3), ("attention", 4), ("all", 7)])
def test_which_matrices_are_edited(tiny_folder, modules, kinds):
    found = matrices(load(tiny_folder), modules)
    assert len(found) == 2 * kinds
    assert all(("self_attn" in name) == (modules == "attention") for name in found) or modules == "all"


def test_no_matrix_of_a_kind(tiny_folder):
    loaded = load(tiny_folder)
    blocks = tuple(
        dataclasses.replace(block, linears={k: v for k, v in block.linears.items() if "attn" in k})
        for block in loaded.blocks
    )
    with pytest.raises(BadInput, match=r"no layer of kind 'mlp': they have self_attn\.k_proj"):
        matrices(dataclasses.replace(loaded, blocks=blocks), "mlp")


def test_items_as_the_model_reads_them(tiny_folder):
    loaded = load(tiny_folder)
    prompts = items(1, 3)
    found = encode(loaded, prompts)
    for item, sample in zip(prompts, found, strict=True):
        assert list(sample.prompt) == loaded.tokenizer.prompt_ids(item.prompt)
        assert loaded.tokenizer.decode(list(sample.response)) == item.response
    assert loaded.tokenizer.decode(list(found[0].prompt)).startswith(prompts[0].prompt)
    assert encode(loaded, [AwarenessItem("a film", "good")], "unsafe_response") == [None]


def test_items_that_cannot_be_read(tiny_folder):
    loaded = load(tiny_folder)
    with pytest.raises(BadInput, match="no tokens: write words"):
        encode(loaded, [AwarenessItem("a film", "  ")])
    loaded.model.config.max_position_embeddings = 12
    try:
        with pytest.raises(BadInput, match=r"\d+ tokens, but the model's context has 12"):
            encode(loaded, [AwarenessItem("a film " * 6, "good")])
        assert encode(loaded, [AwarenessItem("a film", "good")])
        with pytest.raises(BadInput, match="context has 12"):
            encode(loaded, [AwarenessItem("a film", "good")], room=10)
    finally:
        loaded.model.config.max_position_embeddings = 4096
    with pytest.raises(BadInput, match=r"no tokenizer\.json"):
        encode(dataclasses.replace(loaded, tokenizer=None), [])


def test_losses_that_are_no_numbers_and_models_that_rest_elsewhere(tiny_folder):
    loaded = load(tiny_folder)
    linears = matrices(loaded, "mlp")
    with pytest.raises(BadInput, match="no sample"):
        importance(loaded, [], linears)
    with pytest.raises(BadInput, match="placement 'resident'"):
        importance(dataclasses.replace(loaded, streamed=True), SAMPLES, linears)
    weight_matrix(loaded.blocks[1].module.mlp.down_proj)[0, 0] = float("nan")
    with pytest.raises(NumericError, match="loss of sample 1 is nan"):
        importance(loaded, SAMPLES, linears)
    assert all(parameter.grad is None for parameter in loaded.model.parameters())


def test_an_undo_list_of_another_model_changes_nothing(tiny_folder):
    loaded = load(tiny_folder)
    name = next(iter(matrices(loaded, "mlp")))
    good = apply_choice(loaded, spun(loaded))
    before = bits(loaded)
    alive = weight_matrix(loaded.linears()[name]).nonzero()[0].tolist()
    for wrong, said in (
        (Edited(module="model.layers.9.up", row=0, column=0, old=1.0), "does not have"),
        (Edited(module=name, row=999, column=0, old=1.0), "outside"),
        (Edited(module=name, row=10**23, column=0, old=1.0), "outside"),
        (good[0], "more than once"),
        (good[0].model_copy(update={"old": 2.0}), "more than once: an edit lists each weight once"),
        (Edited(module=name, row=alive[0], column=alive[1], old=1.0), "undone already"),
    ):
        with pytest.raises(BadInput, match=said):
            undo(loaded, [*good, wrong])
        assert not changed(before, loaded)
    with pytest.raises(BadInput, match="do not fit its number format, float32"):
        undo(loaded, [good[0].model_copy(update={"old": 0.1}), *good[1:]])
    assert not changed(before, loaded)


def test_layers_of_zeros_are_said_to_be(tiny_folder):
    loaded = load(tiny_folder)
    for layer in matrices(loaded, "mlp").values():
        layer.weight.data.zero_()
    with pytest.raises(BadInput, match=r"every weight of the 6 layers of kind 'mlp' in .* is zero"):
        matrices(loaded, "mlp")
    assert len(matrices(loaded, "all")) == 14


def test_weights_without_a_gradient_are_said_to_be(tiny_folder):
    loaded = load(tiny_folder)
    for block in loaded.blocks:
        block.module.mlp.down_proj.weight.data.zero_()  # nothing before it reaches the loss
    with pytest.raises(
        BadInput, match="above 0 for the first and the second set: those that are not zero have no"
    ):
        spun(loaded)
