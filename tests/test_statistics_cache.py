"""Statistics on disk: the same numbers back, damaged files are no statistics, old ones make room."""

from __future__ import annotations

import os

import pytest
import torch

from fairprune import statistics_cache
from fairprune.paths import home
from fairprune.statistics import LayerStatistics


def some(seed: int = 0, size: int = 4) -> dict[str, LayerStatistics]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: LayerStatistics(
            name,
            3,
            30,
            torch.rand(size, generator=generator),
            {"l2": torch.rand(2, size, generator=generator)},
        )
        for name in ("model.layers.0.a/b", "model.layers.1.c")
    }


def test_the_same_numbers_come_back():
    before = some()
    assert statistics_cache.write("x", before)
    after = statistics_cache.read("x")
    assert after.keys() == before.keys()
    for name, entry in before.items():
        assert (after[name].sequences, after[name].tokens) == (3, 30)
        assert torch.equal(after[name].input_sum, entry.input_sum)
        assert torch.equal(after[name].gradient("l2"), entry.gradient("l2"))
    assert statistics_cache.read("y") is None


def test_any_change_of_what_they_depend_on_is_another_key():
    keys = {
        statistics_cache.key(*parts)
        for parts in (("m", "f32"), ("m", "bf16"), ("n", "f32"), ("mf", "32"), ("m",))
    }
    assert len(keys) == 5


def test_a_damaged_file_is_removed(caplog):
    statistics_cache.write("x", some())
    path = home() / "statistics" / "x.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    assert statistics_cache.read("x") is None
    assert not path.exists()
    assert "damaged" in caplog.text


def test_the_least_recently_used_make_room(monkeypatch):
    statistics_cache.write("a", some())
    folder = home() / "statistics"
    size = (folder / "a.safetensors").stat().st_size
    monkeypatch.setattr(statistics_cache, "LIMIT_BYTES", 2 * size + 50)
    statistics_cache.write("b", some(1))
    os.utime(folder / "a.safetensors", (1, 1))
    os.utime(folder / "b.safetensors", (2, 2))
    statistics_cache.read("a")  # now the younger one
    statistics_cache.write("c", some(2))
    assert sorted(path.stem for path in folder.glob("*.safetensors")) == ["a", "c"]
    monkeypatch.setattr(statistics_cache, "LIMIT_BYTES", 10)
    assert not statistics_cache.write("d", some(3))


def test_a_full_disk_leaves_no_half_file(monkeypatch):
    def full(tensors, path, metadata):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(statistics_cache, "save_file", full)
    assert not statistics_cache.write("x", some())
    assert list((home() / "statistics").iterdir()) == []


@pytest.mark.parametrize("name", ["x"])
def test_no_input_sums_no_entry(name):
    statistics_cache.write(name, {"l": LayerStatistics("l", 1, 2, None, {"l1": torch.ones(1, 1)})})
    assert statistics_cache.read(name)["l"].input_sum is None
