"""Edited and recovered runs in a bundle: all of their result goes along, and nothing else is let in under its name."""

from __future__ import annotations

import copy

import pytest
from pydantic import ValidationError

from fairprune.bundle import read_bundle, write_bundle
from fairprune.bundle.debias_documents import Debias
from fairprune.errors import BadInput
from fairprune.store import open_store
from tests.debias_runs import edit, execute, plan, sides_accepted
from tests.pages.filled import app, errors
from tests.report_asked import ask_and_make
from tests.toy_corpus import import_toy

DENP = {"kind": "denp", "steps": 2, "samples": 20, "seqlen": 160, "batch_size": 2}
NC3 = {"kind": "nc3", "words": "sentiment", "steps": 4, "samples": 8, "seqlen": 40, "batch_size": 8}


@pytest.fixture
def runs(tiny_folder, monkeypatch):
    """Real runs with every part of the result."""
    sides_accepted(monkeypatch)
    corpus = import_toy()
    asked = (
        {"edit": edit()},
        {"edit": edit(control="random")},
        {"recovery": DENP},
        {"recovery": NC3},
        {"calibration": "denp", "calibration_samples": 20},
    )
    with open_store() as store:
        found = []
        for values in asked:
            run, code = execute(store, plan(tiny_folder, corpus, **values))
            assert code == 0, run.error_detail
            found.append(run.id)
        ask_and_make(store, found[0])
        yield store, found


def test_all_of_the_result_goes_along(runs, tmp_path, monkeypatch):
    store, ids = runs
    write_bundle(store, ids, tmp_path / "runs.zip")
    before = {run_id: store.result(run_id, "debias") for run_id in ids}
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path / "other"))
    with open_store() as other:
        read_bundle(other, tmp_path / "runs.zip", "imported")
        for run_id in ids:
            assert other.run(run_id).spec.id == run_id
            assert other.result(run_id, "debias") == before[run_id]
    for run_id in ids:
        page = app("Debias", run=run_id)
        assert not errors(page), errors(page)


def test_every_real_document_has_its_shape_and_a_broken_one_has_not(runs):
    store, ids = runs
    for run_id in ids:
        Debias.model_validate(store.result(run_id, "debias"))
    spin, denp, nc3 = (store.result(ids[place], "debias") for place in (0, 2, 3))

    def broken(value, change):
        other = copy.deepcopy(value)
        change(other)
        with pytest.raises((ValidationError, BadInput)):
            Debias.model_validate(other)

    broken(spin, lambda one: one["edit"].pop("undo"))
    broken(spin, lambda one: one["edit"]["choice"].update(weights="many"))
    broken(spin, lambda one: one["edit"]["quantities"][0]["systems"].pop("edited"))
    broken(spin, lambda one: one["edit"]["undo"][0].update(old="<script>"))
    broken(denp, lambda one: one["recovery"]["rac"]["members"].pop())
    broken(denp, lambda one: one["recovery"]["rac"]["curve"]["all"].pop())
    broken(denp, lambda one: one["recovery"]["report"].update(loss=[[1, "x"]]))
    assert denp["recovery"]["texts"]
    broken(denp, lambda one: one["recovery"]["texts"][0].update(text="the text itself"))
    broken(denp, lambda one: one["recovery"]["texts"][0].pop("after"))
    broken(nc3, lambda one: one["collapse"]["measures"].pop("unc3"))
    broken(nc3, lambda one: one["collapse"]["words"][0].update(dense="high"))
