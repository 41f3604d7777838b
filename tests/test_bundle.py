"""Runs → file → runs: equal documents, equal numbers, and what is kept as it was."""

from __future__ import annotations

import io
import json

import pandas as pd
import pytest
from PIL import Image

from fairprune.bundle import read_bundle, write_bundle
from fairprune.bundle.read import FOREIGN
from fairprune.bundle.terms import terms_of, texts_of, warning_for
from fairprune.errors import BadInput, StoreError, Unavailable
from fairprune.headlines import headlines
from fairprune.jobs import retry
from fairprune.results import run_result
from fairprune.store import open_store
from tests.bundles import members_of
from tests.pages.filled import DENSE, PRUNED, fill, spec


@pytest.fixture
def store():
    with open_store("sqlite://") as opened:
        yield opened


@pytest.fixture
def other():
    with open_store("sqlite://") as opened:
        yield opened


def written(store, *run_ids) -> io.BytesIO:
    file = io.BytesIO()
    write_bundle(store, run_ids, file)
    file.seek(0)
    return file


def without_ids(result):
    """Generations are named anew where they are read."""
    for facts in result["generation"].values():
        facts.pop("id")
    return result


def test_another_install_shows_the_same_numbers(store, other):
    run = fill(store, texts={"dense": DENSE, "pruned": PRUNED, "dense_again": DENSE})
    store.describe(run.id, name="The one", notes="line 1\nline 2", tags=["talk", "a"])
    store.log(run.id, "one more line")
    run = store.run(run.id)
    found = read_bundle(other, written(store, run.id))
    assert (found.new, found.kept, found.left_out) == ((run.id,), (), ())
    assert found.sentence() == "1 run imported"
    there = other.run(run.id)
    assert there.origin == "imported" and there.state == "done"
    same = ("spec", "title", "device", "created", "started", "finished", "seconds", "attempt")
    for name in (*same, "name", "notes", "tags"):
        assert getattr(there, name) == getattr(run, name), name
    assert other.logs(run.id) == store.logs(run.id)
    assert without_ids(run_result(other, there)) == without_ids(run_result(store, run))
    assert headlines(other, [run.id]) == headlines(store, [run.id])
    generation = other.result(run.id, "generation")
    own = store.result(run.id, "generation")
    for system, facts in generation["systems"].items():
        # Under a name that no run here gives its summaries: those of others are never taken for one's own.
        assert facts["id"].startswith(FOREIGN)
        assert other.summaries(facts["id"]) == store.summaries(own["systems"][system]["id"])


def test_a_bundle_of_imported_runs_is_the_same_bundle(store, other):
    ids = [fill(store, spec(sparsity)).id for sparsity in (0.25, 0.5)]
    store.put_sweep("two", {"sparsity": [0.25, 0.5]}, ids)
    first = written(store, *ids)
    read_bundle(other, first)
    again = members_of(written(other, *ids).getvalue())
    before = members_of(first.getvalue())
    assert {name for name in before if before[name] != again[name]} == {"manifest.json"}  # its date alone
    manifests = [json.loads(members["manifest.json"]) for members in (before, again)]
    for manifest in manifests:
        manifest.pop("created")
    assert manifests[0] == manifests[1]  # with the versions of where the runs were made


def test_sweeps_come_along_as_far_as_their_runs_do(store, other):
    ids = [fill(store, spec(sparsity)).id for sparsity in (0.2, 0.4, 0.6)]
    whole = store.put_sweep("three", {"sparsity": [0.2, 0.4, 0.6]}, ids)
    read_bundle(other, written(store, *ids))
    assert other.sweeps() == [whole]
    with open_store("sqlite://") as third:
        read_bundle(third, written(store, *ids[:2]))
        [part] = third.sweeps()
        assert set(part.run_ids) == set(ids[:2]) and part.axes == whole.axes
    with open_store("sqlite://") as third:
        read_bundle(third, written(store, ids[0]))  # one run alone is no sweep
        assert third.sweeps() == []


def test_a_run_that_is_here_stays_as_it_is(store, other):
    run = fill(store)
    own, queued = other.submit(run.spec)
    assert queued and own.id == run.id
    new = fill(store, spec(0.25))
    found = read_bundle(other, written(store, run.id, new.id))
    assert (found.new, found.kept) == ((new.id,), (run.id,))
    assert found.sentence() == "1 run imported; 1 run here already, kept as it is"
    assert other.run(run.id) == own
    again = read_bundle(other, written(store, run.id, new.id))
    assert (again.new, again.kept) == ((), (run.id, new.id))


def test_the_first_of_a_bundle_stands_first_in_the_list(store, other):
    ids = [fill(store, spec(sparsity)).id for sparsity in (0.2, 0.4, 0.6)]
    read_bundle(other, written(store, ids[1], ids[2], ids[0]))
    assert [run.id for run in other.runs()] == [ids[1], ids[2], ids[0]]


def test_imported_runs_do_not_start_again(store, other):
    run = fill(store)
    read_bundle(other, written(store, run.id))
    same, queued = other.submit(run.spec)
    assert not queued and same.state == "done"
    with pytest.raises(StoreError, match="not computed here"):
        retry(run.id, other)


def test_a_local_run_never_takes_the_summaries_of_others(store, other):
    run = fill(store)
    read_bundle(other, written(store, run.id))
    for facts in store.result(run.id, "generation")["systems"].values():
        assert other.generation(facts["id"]) is None and other.summaries(facts["id"]) == []


def test_the_manifest_says_what_there_is(store):
    run = fill(store)
    file = io.BytesIO()
    manifest = write_bundle(store, [run.id[:8], run.id], file)
    [entry] = manifest.runs
    assert (entry.id, entry.method, entry.sparsity) == (run.id, "magnitude", 0.5)
    assert entry.seeds == {"calibration": 0, "evaluation": 0, "metrics": 0}
    assert entry.spec == run.spec.model_dump(mode="json")
    assert entry.written_with.packages["torch"].startswith("2.")
    assert manifest.corpora["movies"].groups == ["fresh", "rotten"]
    assert manifest.corpora["movies"].redistribution == "not allowed"
    members = members_of(file.getvalue())
    assert set(members) - {"manifest.json"} == set(manifest.members)
    assert not [name for name in members if "pickle" in name or name.endswith((".pkl", ".pt"))]
    readme = members["README.txt"].decode()
    assert run.title in readme and "rottentomatoes.com" in readme and "not allowed" in readme


@pytest.mark.slow
def test_pictures_go_along_where_they_are_asked_for(store, other):
    """Two figures of a run as PNG, drawn by the Chromium that is here; who reads the bundle needs none."""
    run = fill(store)
    file = io.BytesIO()
    write_bundle(store, [run.id], file, pictures=True)
    members = members_of(file.getvalue())
    pictures = {name: data for name, data in members.items() if name.startswith("pictures/")}
    assert set(pictures) == {f"pictures/{run.id}-{figure}.png" for figure in ("direction", "layers")}
    for data in pictures.values():
        image = Image.open(io.BytesIO(data))
        assert image.format == "PNG" and image.width == 2000
        assert len(image.convert("RGB").getcolors(2**24)) > 50  # drawn, not empty
    assert not [name for name in members_of(written(store, run.id).getvalue()) if name.endswith(".png")]
    assert read_bundle(other, file).new == (run.id,)


def test_pictures_need_a_browser(store, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="pictures need a Chrome or Chromium"):
        write_bundle(store, [fill(store).id], tmp_path / "runs.zip", pictures=True)
    assert list(tmp_path.iterdir()) == []


def test_the_tables_are_for_other_programs(store):
    run = fill(store)
    members = members_of(written(store, run.id).getvalue())
    tables = {
        name: pd.read_parquet(io.BytesIO(members[f"tables/{name}.parquet"]))
        for name in ("numbers", "summaries", "opinions")
    }
    numbers = tables["numbers"].set_index(["name", "system"])
    stored = store.result(run.id, "evaluation")["metrics"]["uer"]["dense"]
    assert numbers.loc[("uer", "dense"), "value"] == stored["value"]
    assert numbers.loc[("achieved", "pruned"), "value"] == 0.5  # 8 + 4 + 8 of 40 weights
    texts = tables["summaries"].set_index(["system", "sample"])["text"]
    assert list(texts["dense"]) == list(DENSE)
    assert list(texts["pruned"]) == list(PRUNED[:2])  # the third was not written
    assert len(tables["opinions"]) == 6 and set(tables["opinions"]["group"]) == {"fresh", "rotten"}


def test_only_finished_runs_are_written(store, tmp_path):
    with pytest.raises(BadInput, match="at least one run"):
        write_bundle(store, [], io.BytesIO())
    run, _ = store.submit(spec())
    with pytest.raises(BadInput, match="is queued: a bundle holds finished runs alone"):
        write_bundle(store, [run.id], io.BytesIO())
    store.claim("cpu", 1)
    store.finish(run.id, "done")
    with pytest.raises(StoreError, match="no stored evaluation and sparsity and generation"):
        write_bundle(store, [run.id], tmp_path / "runs.zip")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(Unavailable, match="cannot be written"):
        write_bundle(store, [fill(store, spec(0.25)).id], tmp_path / "none" / "runs.zip")


def test_a_file_is_replaced_as_a_whole(store, tmp_path):
    target = tmp_path / "runs.zip"
    target.write_text("old")
    write_bundle(store, [fill(store).id], target)
    assert target.read_bytes().startswith(b"PK") and list(tmp_path.iterdir()) == [target]


def test_whose_texts_a_run_holds():
    assert terms_of("products").redistribution == terms_of("politics").redistribution == "allowed"
    assert terms_of("user:mine-12345678").redistribution == "not known"
    assert texts_of(spec()) == ("movies",)  # magnitude reads no windows
    wanda = {"pruning": {"method": "wanda"}, "evaluation": {"samples": 3, "corpus": "products"}}
    assert texts_of(spec(**wanda, calibration={"corpus": "politics"})) == ("products", "politics")
    assert texts_of(spec(**wanda, calibration={"name": "general"})) == ("products", "movies")  # film plots
    assert texts_of(spec(**wanda, calibration={"name": "general:c4"})) == ("products", "c4")
    assert warning_for(["products", "politics"]) is None
    assert "movies (the package's licence does not cover" in warning_for(["products", "movies"])
