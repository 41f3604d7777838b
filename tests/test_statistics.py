"""The statistics of a layer as values."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
import torch

from fairprune.errors import NumericError
from fairprune.models import load
from fairprune.statistics import LayerStatistics, Wanted, Worked, check_finite, empty_statistics, matches


def test_units_by_hand():
    entry = LayerStatistics("x", 4, 8, torch.tensor([16.0, 0.0]), {"last_token/l2": torch.ones(1, 2)})
    entry.hessian_sum = torch.eye(2)
    assert entry.input_norm().tolist() == [2.0, 0.0]  # sqrt(16 / 4 sequences)
    assert entry.hessian().tolist() == [[0.5, 0], [0, 0.5]]  # 2 / 4 sequences
    assert entry.gradient("last_token", "l2").tolist() == [[1.0, 1.0]]
    with pytest.raises(NumericError, match=r"x: no gradient statistics \(all_tokens/l1\)"):
        entry.gradient("all_tokens", "l1")
    with pytest.raises(NumericError, match="y: no input statistics"):
        LayerStatistics("y").input_norm()


def test_noise_depends_on_seed_and_name_alone():
    shape = torch.Size([3, 4])
    one = LayerStatistics("a").noise(shape, 0)
    assert torch.equal(one, LayerStatistics("a", 5, 9).noise(shape, 0))
    assert not torch.equal(one, LayerStatistics("b").noise(shape, 0))
    assert not torch.equal(one, LayerStatistics("a").noise(shape, 1))


def test_statistics_on_their_own_device_are_the_same_object():
    entry = LayerStatistics("x", 1, 1, torch.ones(2), {"last_token/l2": torch.ones(1, 2)})
    assert entry.on(torch.device("cpu")) is entry
    there = entry.on(torch.device("meta"))
    assert there.input_sum.device.type == there.gradient_sum["last_token/l2"].device.type == "meta"
    assert entry.input_sum.device.type == "cpu"
    assert there.worked is entry.worked


def test_what_is_worked_out_is_worked_out_once_among_threads():
    worked, calls, together = Worked(), [], Barrier(4)

    def ask():
        together.wait()
        return worked.once("key", lambda: calls.append(1) or len(calls))

    with ThreadPoolExecutor(4) as pool:
        assert [future.result() for future in [pool.submit(ask) for _ in range(4)]] == [1, 1, 1, 1]
    assert worked.once("other", lambda: 7) == 7
    worked.clear()
    assert worked.once("key", lambda: 9) == 9


def test_what_is_wanted_in_order():
    wanted = Wanted(frozenset({("last_token", "l2"), ("all_tokens", "l2"), ("all_tokens", "l1")}))
    assert wanted.losses == ["all_tokens", "last_token"]
    assert wanted.aggregates("all_tokens") == ["l1", "l2"]


def test_matches_compares_names_and_shapes(tiny_folder):
    loaded = load(tiny_folder)
    found = empty_statistics(loaded.linears())
    for name, layer in loaded.linears().items():
        rows, columns = layer.weight.shape
        found[name].input_sum, found[name].gradient_sum = (
            torch.ones(columns),
            {"k": torch.ones(rows, columns)},
        )
    assert matches(found, loaded.linears())
    assert not matches(dict(list(found.items())[1:]), loaded.linears())
    found["model.layers.0.mlp.up_proj"].input_sum = torch.ones(5)
    assert not matches(found, loaded.linears())


def test_statistics_that_are_not_finite_are_an_error():
    with pytest.raises(NumericError, match="layer: the l2 statistics"):
        check_finite({"layer": LayerStatistics("layer", 1, 1, None, {"l2": torch.tensor([float("inf")])})})
