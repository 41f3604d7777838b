"""Block by block or all at once: the same statistics, the same masks, one block at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fairprune import blockwise
from fairprune import onload as onload_module
from fairprune.allocation import Target
from fairprune.blockwise import portion_size
from fairprune.errors import BadInput, NumericError
from fairprune.methods import METHODS, get_method
from fairprune.models import load, weight_matrix
from fairprune.passes import BlockWalked, collect
from fairprune.prune import Calibration, LayerPruned, prune
from fairprune.statistics import Wanted, empty_statistics
from tests.architectures import ARCHITECTURES
from tests.conftest import TINY
from tests.test_architectures import folders  # noqa: F401 - a fixture

IDS = torch.randint(4, 60, (5, 12), generator=torch.Generator().manual_seed(8))
ALL = Wanted(frozenset({("last_token", "l2"), ("all_tokens", "l2"), ("all_tokens", "l1")}), hessian=True)


def gather(loaded, wanted=ALL, ids=IDS, **kwargs):
    found = empty_statistics(loaded.linears())
    events = list(collect(loaded, ids, found, wanted, **kwargs))
    return found, events


def close(one, other):
    assert one.keys() == other.keys()
    for name, entry in one.items():
        assert (entry.sequences, entry.tokens) == (other[name].sequences, other[name].tokens)
        torch.testing.assert_close(entry.input_sum, other[name].input_sum, rtol=1e-4, atol=1e-7)
        assert entry.gradient_sum.keys() == other[name].gradient_sum.keys()
        for key, values in entry.gradient_sum.items():
            torch.testing.assert_close(values, other[name].gradient_sum[key], rtol=1e-3, atol=1e-9)
        if entry.hessian_sum is not None:
            torch.testing.assert_close(entry.hessian_sum, other[name].hessian_sum, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("portion", [1, 2, 5])
def test_the_statistics_are_those_of_the_whole_model(tiny_folder, monkeypatch, portion):
    resident, _ = gather(load(tiny_folder))
    monkeypatch.setattr(blockwise, "portion_size", lambda *_args, **_kwargs: portion)
    streamed, events = gather(load(tiny_folder, placement="streamed"))
    close(resident, streamed)
    portions = -(-5 // portion)
    assert events == [
        BlockWalked(i + 1, portions * 4) for i in range(portions * 4)
    ]  # 2 blocks, there and back
    first = "model.layers.0.self_attn"
    assert streamed[f"{first}.q_proj"].hessian_sum is streamed[f"{first}.k_proj"].hessian_sum


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_architecture_gives_the_same_statistics_block_by_block(folders, name):  # noqa: F811
    close(gather(load(folders(name)))[0], gather(load(folders(name), placement="streamed"))[0])


@pytest.mark.parametrize("name", sorted(METHODS))
@pytest.mark.parametrize("allocation", ["uniform", "owl", "global"])
def test_every_method_prunes_the_same_weights_block_by_block(tiny_folder, name, allocation):
    method, kept = get_method(name), []
    for placement in ("resident", "streamed"):
        loaded = load(tiny_folder, placement=placement)
        events = prune(
            loaded, method, method.parse_options({}), Target(0.5, None, allocation), Calibration(IDS)
        )
        masks = {event.report.name: event.keep for event in events if isinstance(event, LayerPruned)}
        for layer, module in loaded.linears().items():
            assert not weight_matrix(module)[~masks[layer]].any()
        kept.append(masks)
    differing = sum(int((kept[0][layer] != kept[1][layer]).sum()) for layer in kept[0])
    assert differing <= 0.001 * sum(mask.numel() for mask in kept[0].values())  # float order alone


@pytest.mark.parametrize("method_name", ["hgla", "wanda"])
def test_golden_masks_block_by_block(method_name):
    loaded = load(TINY, dtype="float32", placement="streamed")
    method = get_method(method_name)
    ids = torch.from_numpy(np.load(TINY / "calibration_ids.npy"))
    events = prune(loaded, method, method.parse_options({}), Target(0.5), Calibration(ids))
    packed, differing = np.load(TINY / f"{method_name}_0.5.keep.npz"), 0
    for event in events:
        if isinstance(event, LayerPruned):
            bits = np.unpackbits(packed[event.report.name])[: event.keep.numel()].astype(bool)
            differing += int((event.keep.numpy().reshape(-1) != bits).sum())
    assert differing <= 0.001 * 129_024


@pytest.mark.parametrize("method_name", ["hgla", "wanda", "sparsegpt", "magnitude"])
def test_never_more_than_one_block_is_on_the_device(tiny_folder, monkeypatch, method_name):
    loaded = load(tiny_folder, placement="streamed")
    resting = {
        block.index: [parameter.data_ptr() for parameter in block.module.parameters()]
        for block in loaded.blocks
    }
    seen = set()
    real = onload_module.onto

    def counted(tensor, device, *, copy=False):
        away = [
            block.index
            for block in loaded.blocks
            for parameter, rest in zip(block.module.parameters(), resting[block.index], strict=True)
            if parameter.data_ptr() != rest
        ]
        assert len(set(away)) <= 1
        seen.update((index, away.count(index)) for index in away)
        return real(tensor, device, copy=copy)

    monkeypatch.setattr(onload_module, "onto", counted)
    method = get_method(method_name)
    for _ in prune(loaded, method, method.parse_options({}), Target(0.5), Calibration(IDS)):
        pass
    assert {index for index, _ in seen} == {0, 1}
    assert (
        max(count for _, count in seen) == 8
    )  # 7 linear layers and 2 norms: when the last one is brought, 8 are there


def test_what_waits_on_the_host_is_bounded(tiny_folder, monkeypatch):
    loaded = load(tiny_folder)
    monkeypatch.setattr(blockwise, "host_free_bytes", lambda: 4 * 12 * 16 * 4 * 3 * 2)
    # One window: 12 tokens × 16 × 4 bytes, at 2 blocks and the end with a loss; a quarter of the free memory holds 2.
    assert portion_size(loaded, 5, 12, losses=True) == 2
    assert portion_size(loaded, 5, 12, losses=False) == 5  # room for 6
    monkeypatch.setattr(blockwise, "host_free_bytes", lambda: 0)
    assert portion_size(loaded, 5, 12, losses=True) == 1


def test_weights_that_blocks_share_need_the_whole_model(tiny_folder):
    from fairprune.models import LoadedModel, find_blocks

    loaded = load(tiny_folder)
    layers = loaded.model.model.layers
    layers[1].mlp.up_proj.weight = layers[0].mlp.up_proj.weight
    tied = LoadedModel(loaded.model, find_blocks(loaded.model), loaded.folder, None, streamed=True)
    with pytest.raises(BadInput, match=r"layers\.1\.mlp\.up_proj is shared among blocks.*'resident'"):
        gather(tied)


def test_a_layer_without_gradient_is_an_error_here_too(tiny_folder):
    loaded = load(tiny_folder, placement="streamed")
    loaded.model.model.layers[1].mlp.forward = lambda x: x * 0
    with pytest.raises(NumericError, match="3 layers had no gradient"):
        gather(loaded)
    assert all(parameter.grad is None for parameter in loaded.model.parameters())


@pytest.mark.parametrize("portion", [2, 5])
def test_weights_of_windows_are_those_of_the_whole_model(tiny_folder, monkeypatch, portion):
    weights = torch.tensor([3.0, 1.0, 1.0, 0.5, 2.0])
    resident, _ = gather(load(tiny_folder), weights=weights)
    monkeypatch.setattr(blockwise, "portion_size", lambda *_args, **_kwargs: portion)
    streamed, _ = gather(load(tiny_folder, placement="streamed"), weights=weights)
    close(resident, streamed)
    plain, _ = gather(load(tiny_folder, placement="streamed"))
    name = "model.layers.1.mlp.down_proj"
    assert not torch.allclose(plain[name].input_sum, streamed[name].input_sum, rtol=1e-3)
