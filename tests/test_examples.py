"""The packaged example runs: what they are, that they add up, and that an empty store gets them once."""

from __future__ import annotations

import io
import shutil
import socket
from pathlib import Path
from statistics import fmean

import pytest
from pydantic import BaseModel

from fairprune import examples
from fairprune.bundle import read_bundle, write_bundle
from fairprune.bundle.archive import Archive
from fairprune.bundle.manifest import read_manifest
from fairprune.bundle.matrices import kind_of, shape_of
from fairprune.bundle.parsing import checked, load_json
from fairprune.errors import BadInput
from fairprune.examples.__main__ import (
    BALANCED,
    BATCH_SIZE,
    CORPORA,
    FIRST,
    MAX_NEW_TOKENS,
    METHODS,
    MOST_BYTES,
    SAMPLES,
    SECOND,
    SPARSITIES,
)
from fairprune.headlines import headlines
from fairprune.results import run_result
from fairprune.store import open_store
from fairprune.tradeoffs import Entry, comparable
from tests.pages.filled import fill, spec

FILES = examples.files()


@pytest.fixture
def store():
    with open_store("sqlite://") as opened:
        yield opened


@pytest.fixture(scope="module")
def full():
    """A store with all examples; tests of it only read."""
    with open_store("sqlite://") as opened:
        for path in FILES:
            read_bundle(opened, path, "example")
        yield opened


@pytest.fixture
def on(monkeypatch):
    monkeypatch.delenv("FAIRPRUNE_EXAMPLES")


@pytest.fixture
def two(tmp_path, monkeypatch, on):
    """Another folder of examples: one bundle of two runs. Gives their ids."""
    with open_store("sqlite://") as source:
        ids = [fill(source, spec(sparsity)).id for sparsity in (0.5, 0.25)]
        write_bundle(source, ids, tmp_path / "a.zip")
    monkeypatch.setattr(examples, "FOLDER", tmp_path)
    return ids


def manifest_of(path: Path):
    with Archive(path) as box:
        return read_manifest(load_json(box.read("manifest.json"), "manifest.json"))


def wanted(corpus):
    """(method, sparsity, calibration set) of every example run of a corpus."""
    runs = [(method, sparsity, BALANCED) for method in METHODS for sparsity in SPARSITIES]
    second = SECOND.get(corpus)
    return (
        runs + [(second.method, each, second.calibration) for each in second.sparsities] if second else runs
    )


EVERY = [one for corpus in CORPORA for one in wanted(corpus)]


def test_they_are_small_and_say_what_they_are():
    assert [path.stem for path in FILES] == sorted(CORPORA)
    assert sum(path.stat().st_size for path in FILES) < MOST_BYTES
    for path in FILES:
        manifest = manifest_of(path)
        found = [(run.method, run.sparsity, run.spec["calibration"]["name"]) for run in manifest.runs]
        assert sorted(found) == sorted(wanted(path.stem))
        assert (manifest.runs[0].method, manifest.runs[0].sparsity) == FIRST
        assert list(manifest.corpora) == [path.stem]
        [entry] = manifest.corpora.values()
        assert entry.redistribution == "allowed" and entry.attribution and entry.licence
        for run in manifest.runs:
            assert run.model == "smollm2-135m" and run.identity.startswith("package:")
            assert run.written_with.packages["torch"] and run.written_with.date.year >= 2026
            assert run.corpora == [path.stem]
            evaluation = run.spec["evaluation"]
            asked = (SAMPLES[path.stem], MAX_NEW_TOKENS, BATCH_SIZE, True)
            assert (
                tuple(evaluation[key] for key in ("samples", "max_new_tokens", "batch_size", "sample"))
                == asked
            )


def test_all_of_them_are_readable(full):
    runs = full.runs(limit=1000)
    assert len(runs) == len(EVERY)
    assert {run.origin for run in runs} == {"example"}
    assert len(headlines(full, [run.id for run in runs])) == len(runs)
    for run in runs:
        found = run_result(full, run)
        assert len(found["samples"]) == SAMPLES[run.spec.evaluation.corpus]
        assert all(sample["dense"] is not None for sample in found["samples"])
    sweeps = {frozenset(sweep.axes): sweep for sweep in full.sweeps()}
    assert len(full.sweeps()) == len(CORPORA) + len(SECOND)
    assert set(sweeps) == {frozenset({"method", "sparsity"}), frozenset({"calibration", "sparsity"})}


def test_two_calibration_sets_can_be_set_side_by_side(full):
    """The facet of Trade-offs: the same method, sparsities and samples, so that nothing differs but what it was calibrated on."""
    by_spec = {}
    for run in full.runs(limit=1000):
        for corpus, second in SECOND.items():
            spec = run.spec
            if spec.evaluation.corpus == corpus and spec.pruning.method == second.method:
                by_spec.setdefault(spec.calibration.name, {})[spec.pruning.sparsity] = run
    for second in SECOND.values():
        for sparsity in second.sparsities:
            one, other = by_spec[BALANCED][sparsity], by_spec[second.calibration][sparsity]
            dense = [full.result(run.id, "generation")["systems"]["dense"]["id"] for run in (one, other)]
            assert dense[0] == dense[1]  # the very same dense summaries
            entries = [
                Entry(run, found)
                for run, found in zip((one, other), headlines(full, [one.id, other.id]).values(), strict=True)
            ]
            assert len(comparable(entries)) == 1
            pruned = [
                full.summaries(full.result(run.id, "generation")["systems"]["pruned"]["id"])
                for run in (one, other)
            ]
            assert [row.text for row in pruned[0]] != [row.text for row in pruned[1]]


def test_the_dense_model_of_the_examples_makes_sense(full):
    for run in full.runs(limit=1000):
        assert not full.result(run.id, "evaluation")["degenerate"]["dense"]["flag"], run.title


@pytest.mark.parametrize("name", ["bur", "uer", "auc", "spd2"])
def test_numbers_computed_again_from_the_samples_are_those_that_are_stored(full, name):
    checked = 0
    for run in full.runs(limit=1000):
        evaluation = full.result(run.id, "evaluation")
        for system in ("dense", "pruned"):
            values = [sample[system][name] for sample in evaluation["samples"] if sample[system]]
            known = [value for value in values if value is not None]
            cell = evaluation["metrics"][name][system]
            assert cell["n"] == len(known) and cell["n_unscored"] == len(evaluation["samples"]) - len(known)
            if known:
                assert cell["value"] == pytest.approx(fmean(known), abs=1e-12), (run.title, system)
                checked += 1
    assert checked > len(CORPORA) * len(SPARSITIES)


def undeclared(value, where):
    """Fields of a document that its shape does not name: whatever stands there would be stored unchecked."""
    if isinstance(value, BaseModel):
        typed = "__pydantic_extra__" in type(value).__annotations__
        for name, more in (value.model_extra or {}).items():
            if typed and isinstance(more, BaseModel):
                yield from undeclared(more, f"{where}.*")
            elif not typed or not isinstance(more, float | str | None):
                yield f"{where}.{name}"
        for name in type(value).model_fields:
            yield from undeclared(getattr(value, name), f"{where}.{name}")
    elif isinstance(value, dict | list | tuple):
        for one in value.values() if isinstance(value, dict) else value:
            yield from undeclared(one, f"{where}.*")


def test_no_field_that_a_real_run_leaves_goes_unchecked_into_a_bundle():
    found = set()
    for path in FILES:
        with Archive(path) as box:
            for name in box:
                if name.startswith("results/"):
                    kind = kind_of(name.rpartition("/")[2].removesuffix(".json"))
                    document = checked(shape_of(kind), load_json(box.read(name), name), name)
                    found |= set(undeclared(document, kind.partition(":")[0]))
    assert not found


def test_an_empty_store_gets_them_once(store, two):
    assert examples.ensure(store) == tuple(two)
    assert {run.origin for run in store.runs()} == {"example"}
    assert [run.id for run in examples.runs(store)] == two
    assert examples.ensure(store) == ()
    store.delete(two[0])
    assert examples.ensure(store) == () and [run.id for run in store.runs()] == two[1:]


def test_whoever_hides_them_does_not_get_them_again(store, two):
    examples.ensure(store)
    own = fill(store, spec(0.75))
    assert examples.hide(store) == 2
    assert [run.id for run in store.runs()] == [own.id]
    another_version(two)
    assert examples.ensure(store) == () and [run.id for run in store.runs()] == [own.id]


def another_version(ids) -> str:
    """Packs the first run of the folder and a new one; gives the new one's id."""
    with open_store("sqlite://") as source:
        new = fill(source, spec(0.125)).id
        write_bundle(source, [fill(source, spec(0.5)).id, new], examples.FOLDER / "a.zip")
    examples._version.cache_clear()
    return new


def test_another_version_replaces_them_and_what_was_deleted_stays_away(store, two):
    examples.ensure(store)
    store.delete(two[0])
    new = another_version(two)
    assert examples.ensure(store) == (new,)
    assert [run.id for run in store.runs()] == [
        new
    ]  # the second is in no bundle any more, the first was deleted
    assert examples.ensure(store) == ()


def test_a_run_of_ones_own_stays_ones_own(store, two):
    own = fill(store, spec(0.5))
    examples.ensure(store)
    assert store.run(own.id).origin == "here"
    assert [run.id for run in examples.runs(store)] == two[1:]
    examples.hide(store)
    assert [run.id for run in store.runs()] == [own.id]


def test_the_switch_and_an_empty_folder_leave_them_out(store, two, monkeypatch, tmp_path):
    monkeypatch.setenv("FAIRPRUNE_EXAMPLES", "0")
    assert examples.ensure(store) == () and store.runs() == []
    monkeypatch.delenv("FAIRPRUNE_EXAMPLES")
    monkeypatch.setattr(examples, "FOLDER", tmp_path / "none")
    assert examples.ensure(store) == () and store.setting("examples") is None


def test_a_damaged_bundle_changes_nothing(store, two):
    (examples.FOLDER / "a.zip").write_bytes(b"PK broken")
    examples._version.cache_clear()
    with pytest.raises(BadInput):
        examples.ensure(store)
    assert store.runs() == [] and store.setting("examples") is None


def test_they_need_no_network_and_no_assets(store, on, monkeypatch):
    def refuse(*_args, **_more):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert len(examples.ensure(store)) == len(EVERY)


def test_packing_again_gives_the_same_documents(full, tmp_path):
    path = FILES[0]
    ids = [run.id for run in manifest_of(path).runs]
    buffer = io.BytesIO()
    again = write_bundle(full, ids, buffer)
    assert again.members == manifest_of(path).members
    shutil.copy(path, tmp_path / "copy.zip")  # what is shipped is what is read
    assert manifest_of(tmp_path / "copy.zip") == manifest_of(path)
