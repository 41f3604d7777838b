"""Statistics on disk: the same numbers back, damaged files are no statistics, old ones make room."""

from __future__ import annotations

import os
from dataclasses import replace

import torch

from fairprune import statistics_cache
from fairprune.paths import home
from fairprune.statistics import LayerStatistics, Wanted
from fairprune.statistics_cache import Place

PAIR = frozenset({("last_token", "l2")})
PLACE = Place("m", "float32", "cpu", "w")


def some(seed: int = 0, size: int = 4) -> dict[str, LayerStatistics]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: LayerStatistics(
            name,
            3,
            30,
            torch.rand(size, generator=generator),
            {"last_token/l2": torch.rand(2, size, generator=generator)},
        )
        for name in ("model.layers.0.a", "model.layers.1.c")
    }


def files() -> list[str]:
    return sorted(path.name for path in (home() / "statistics").iterdir())


def test_the_same_numbers_come_back():
    before = some()
    assert statistics_cache.write(PLACE, before)
    after = statistics_cache.read(PLACE, Wanted(PAIR))
    assert after.keys() == before.keys()
    for name, entry in before.items():
        assert (after[name].sequences, after[name].tokens) == (3, 30)
        assert torch.equal(after[name].input_sum, entry.input_sum)
        assert torch.equal(after[name].gradient("last_token", "l2"), entry.gradient("last_token", "l2"))


def test_only_what_is_there_whole_is_given():
    statistics_cache.write(PLACE, some())
    assert statistics_cache.read(PLACE, Wanted()) is not None  # input norms serve Wanda too
    assert statistics_cache.read(PLACE, Wanted(frozenset({("all_tokens", "l2")}))) is None
    assert statistics_cache.read(PLACE, Wanted(PAIR, hessian=True)) is None
    more = some()
    for entry in more.values():
        entry.hessian_sum = torch.eye(4)
    statistics_cache.write(PLACE, more)
    assert torch.equal(
        statistics_cache.read(PLACE, Wanted(PAIR, hessian=True))["model.layers.1.c"].hessian_sum, torch.eye(4)
    )


def test_any_change_of_what_they_depend_on_is_another_place():
    statistics_cache.write(PLACE, some())
    for change in ({"weights": "n"}, {"dtype": "bfloat16"}, {"device": "cuda"}, {"windows": "v"}):
        assert statistics_cache.read(replace(PLACE, **change), Wanted()) is None


def test_a_damaged_file_is_removed(caplog):
    statistics_cache.write(PLACE, some())
    path = home() / "statistics" / f"{PLACE.key}-inputs.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    assert statistics_cache.read(PLACE, Wanted(PAIR)) is None
    assert not path.exists()
    assert "damaged" in caplog.text


def test_the_least_recently_used_make_room(monkeypatch):
    def inputs_only(seed: int) -> dict[str, LayerStatistics]:
        return {"l": LayerStatistics("l", 1, 1, torch.full((100,), float(seed)))}

    places = [Place("m", "float32", "cpu", str(i)) for i in range(3)]
    names = [f"{place.key}-inputs.safetensors" for place in places]
    statistics_cache.write(places[0], inputs_only(0))
    folder = home() / "statistics"
    size = (folder / names[0]).stat().st_size
    monkeypatch.setattr(statistics_cache, "LIMIT_BYTES", 2 * size + 50)
    statistics_cache.write(places[1], inputs_only(1))
    os.utime(folder / names[0], (1, 1))
    os.utime(folder / names[1], (2, 2))
    statistics_cache.read(places[0], Wanted())  # now the younger one
    statistics_cache.write(places[2], inputs_only(2))
    assert files() == sorted([names[0], names[2]])
    monkeypatch.setattr(statistics_cache, "LIMIT_BYTES", 10)
    assert not statistics_cache.write(PLACE, inputs_only(3))


def test_a_full_disk_leaves_no_half_file(monkeypatch):
    def full(tensors, path, metadata):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(statistics_cache, "save_file", full)
    assert not statistics_cache.write(PLACE, some())
    assert files() == []
