"""What a recovery moves: kept weights, rows of words, float32 copies; and what must stay."""

from __future__ import annotations

import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

from fairprune.debias.moving import check_step, is_tied, moving_weights, output_matrix
from fairprune.errors import BadInput, NumericError
from fairprune.masks import apply_mask
from fairprune.models import load, weight_matrix
from tests.architectures import BASE


def halved(loaded):
    """The masks that keep the larger half of each matrix, which are applied."""
    masks = {}
    for name, layer in loaded.linears().items():
        weight = weight_matrix(layer)
        masks[name] = weight.abs() > weight.abs().float().median()
        apply_mask(weight, masks[name])
    return masks


@pytest.fixture
def tiny(tiny_folder):
    return load(tiny_folder)


def untied(folder):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        LlamaForCausalLM(LlamaConfig(**BASE)).save_pretrained(folder)
    return load(folder)


def test_the_zeros_stay_and_the_rest_moves(tiny):
    masks = halved(tiny)
    moving = moving_weights(tiny, masks, (), matrices=True)
    assert [one.name for one in moving] == list(tiny.linears())
    for one in moving:
        assert (one.drop == ~masks[one.name]).all()
        assert not one.copied  # float32: AdamW moves the weight itself
        one.parameter.grad = torch.ones_like(one.parameter)
        one.take_gradient(1)
        assert (one.master.grad == masks[one.name].float()).all()


def test_an_infinite_gradient_of_a_pruned_weight_is_no_nan(tiny):
    halved(tiny)
    one = moving_weights(tiny, None, (), matrices=True)[0]
    gradient = torch.zeros_like(one.parameter)
    gradient[one.drop] = torch.inf
    one.parameter.grad = gradient
    one.take_gradient(1)
    assert (one.master.grad == 0).all()


def test_a_weight_without_gradient_is_an_error(tiny):
    one = moving_weights(tiny, None, (), matrices=True)[0]
    with pytest.raises(NumericError, match="has no gradient at step 3"):
        one.take_gradient(3)


def test_masks_lie_as_out_by_in_whatever_the_layer_keeps(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = GPT2Config(vocab_size=64, n_embd=16, n_layer=2, n_head=4, n_positions=64)
        GPT2LMHeadModel(config).save_pretrained(tmp_path)
    loaded = load(tmp_path)
    masks = halved(loaded)
    for one in moving_weights(loaded, masks, (), matrices=True):
        assert (one.drop == ~masks[one.name].T).all()  # Conv1D keeps (in, out)


def test_rows_of_the_output_matrix(tiny, tmp_path):
    moving = moving_weights(tiny, None, (9, 5, 9), matrices=False)
    (one,) = moving
    assert one.rows.tolist() == [5, 9] and one.copied
    assert one.parameter is tiny.model.get_input_embeddings().weight
    assert is_tied(tiny) and "the input embedding" in one.name
    other = untied(tmp_path)
    assert not is_tied(other)
    (one,) = moving_weights(other, None, (3,), matrices=False)
    assert one.parameter is output_matrix(other).weight and "embedding" not in one.name


def test_what_was_written_is_put_back_bit_for_bit(tiny_folder):
    for dtype in ("float32", "bfloat16"):
        loaded = load(tiny_folder, dtype=dtype)
        before = {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}
        moving = moving_weights(loaded, None, (5, 9), matrices=True)
        assert all(one.copied == (dtype == "bfloat16" or one.rows is not None) for one in moving)
        for one in moving:
            one.master += 1
            one.write()
            assert one.values.float().allclose(one.before.float() + 1, rtol=1e-2)
        changed = {
            name for name, tensor in loaded.model.state_dict().items() if not tensor.equal(before[name])
        }
        assert (
            len(changed) == 2 * 7 + 2
        )  # seven matrices in each block, and the embedding, which has two names
        embedding = loaded.model.get_input_embeddings().weight
        rows = (embedding != before["lm_head.weight"]).any(dim=1).nonzero().flatten().tolist()
        assert rows == [5, 9]
        for one in moving:
            one.restore()
        assert all(tensor.equal(before[name]) for name, tensor in loaded.model.state_dict().items())


def test_memory_by_hand(tiny_folder):
    loaded = load(tiny_folder, dtype="bfloat16")
    matrix = next(
        one for one in moving_weights(loaded, None, (), matrices=True) if one.name.endswith("0.mlp.up_proj")
    )
    # 32 × 16 = 512 weights: moments 8, mask 1, copy 2, gradient 2, master 4.
    assert matrix.memory == 512 * (8 + 1 + 2 + 2 + 4)
    (rows,) = moving_weights(loaded, None, (5, 9), matrices=False)
    vocabulary = loaded.model.config.vocab_size
    # Two rows of 16; the gradient is that of the whole matrix.
    assert rows.memory == 32 * (8 + 1 + 2 + 4) + vocabulary * 16 * 2
    single = moving_weights(load(tiny_folder), None, (), matrices=True)[0]
    assert single.memory == single.parameter.numel() * (8 + 1 + 4 + 4)


def test_masks_that_do_not_fit_are_refused(tiny):
    masks = {
        name: torch.ones_like(weight_matrix(layer), dtype=torch.bool)
        for name, layer in tiny.linears().items()
    }
    first = next(iter(masks))
    with pytest.raises(BadInput, match=f"{first} is in one of them only"):
        moving_weights(tiny, {name: mask for name, mask in masks.items() if name != first}, (), matrices=True)
    with pytest.raises(BadInput, match=r"is \(2, 3\), its weight"):
        moving_weights(tiny, masks | {first: torch.ones(2, 3, dtype=torch.bool)}, (), matrices=True)
    masks[first][0, :3] = False
    with pytest.raises(BadInput, match=f"3 weights of {first} should be 0 by its mask"):
        moving_weights(tiny, masks, (), matrices=True)


def test_rows_that_do_not_fit_are_refused(tiny):
    with pytest.raises(BadInput, match="no words were given"):
        moving_weights(tiny, None, (), matrices=False)
    size = tiny.model.config.vocab_size
    with pytest.raises(BadInput, match=f"do not fit the {size} rows"):
        moving_weights(tiny, None, (1, size), matrices=False)


def test_a_zero_that_moved_and_a_number_that_is_none_are_errors():
    values, drop = torch.tensor([1.0, 0.0, -0.0]), torch.tensor([False, True, True])
    check_step("m", values, drop, 4)  # −0 is 0
    with pytest.raises(NumericError, match="1 pruned weight of m did not stay 0 in step 4"):
        check_step("m", torch.tensor([1.0, 0.1, 0.0]), drop, 4)
    for bad in (torch.nan, torch.inf):
        with pytest.raises(NumericError, match="m is not finite after step 4"):
            check_step("m", torch.tensor([bad, 0.0, 0.0]), drop, 4)
    # A sum that overflows is no weight that does.
    check_step("m", torch.tensor([3e38, 3e38, 0.0]), torch.tensor([False, False, True]), 4)
