"""A streamed model: its blocks rest on the host and come for their turn alone."""

from __future__ import annotations

import pytest
import torch

from fairprune.errors import Unavailable
from fairprune.models import load, weight_matrix
from fairprune.onload import onloaded, placed


def test_what_is_done_inside_lasts_only_when_it_is_written_back(tiny_folder):
    loaded = load(tiny_folder, placement="streamed")
    block = loaded.blocks[0]
    weight = weight_matrix(next(iter(block.linears.values())))
    before = weight.clone()
    with onloaded(loaded, block):
        weight_matrix(next(iter(block.linears.values()))).zero_()
    assert torch.equal(weight_matrix(next(iter(block.linears.values()))), before)
    with onloaded(loaded, block, write_back=True):
        weight_matrix(next(iter(block.linears.values()))).zero_()
    found = weight_matrix(next(iter(block.linears.values())))
    assert not found.any() and found.data_ptr() == weight.data_ptr()


def test_a_fault_inside_leaves_the_block_as_it_rested(tiny_folder):
    loaded = load(tiny_folder, placement="streamed")
    block = loaded.blocks[1]
    resting = {name: parameter.data_ptr() for name, parameter in block.module.named_parameters()}
    before = {name: parameter.clone() for name, parameter in block.module.named_parameters()}
    with pytest.raises(RuntimeError, match="stop"), onloaded(loaded, block, write_back=True):
        assert all(p.data_ptr() != resting[name] for name, p in block.module.named_parameters())
        for parameter in block.module.parameters():
            parameter.data.zero_()
        raise RuntimeError("stop")
    for name, parameter in block.module.named_parameters():
        assert parameter.data_ptr() == resting[name] and torch.equal(parameter, before[name])


def test_a_resident_model_is_not_copied(tiny_folder):
    loaded = load(tiny_folder)
    pointers = [parameter.data_ptr() for parameter in loaded.blocks[0].module.parameters()]
    with onloaded(loaded, loaded.blocks[0]):
        assert [parameter.data_ptr() for parameter in loaded.blocks[0].module.parameters()] == pointers


def test_a_placement_can_be_changed(tiny_folder):
    loaded = load(tiny_folder)
    streamed = placed(loaded, torch.device("cpu"), "streamed")
    assert (loaded.streamed, streamed.streamed) == (False, True)
    assert placed(streamed, torch.device("cpu"), "resident") == loaded
    assert streamed.device.type == "cpu"


def test_a_device_without_room_is_said_in_a_sentence(tiny_folder, monkeypatch):
    loaded = load(tiny_folder)

    def full(*_args, **_kwargs):
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(torch.Tensor, "to", full)
    with pytest.raises(Unavailable, match=r"does not fit on meta.*the placement 'streamed'"):
        placed(loaded, torch.device("meta"), "resident")
