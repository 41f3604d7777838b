"""The Neural Collapse report of a stored run: made by the worker's child, kept with the run, asked for once."""

from __future__ import annotations

import json

import pytest

from fairprune import jobs
from fairprune.debias_stages import COLLAPSE_WINDOWS
from fairprune.errors import BadInput, StoreError
from fairprune.executors.child import REPORT
from fairprune.store import open_store
from fairprune.worker import main
from tests.debias_runs import execute, plan
from tests.report_asked import ask_and_make
from tests.toy_corpus import import_toy


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


@pytest.fixture
def run(tiny_folder, store):
    found, code = execute(store, plan(tiny_folder, import_toy()))
    assert code == 0, found.error_detail
    return found


def test_a_report_is_kept_with_its_run_and_changes_nothing_else(store, run):
    kinds = ("sparsity", "generation", "evaluation", "calibration", "statistics", "perplexity")
    before = {kind: store.result(run.id, kind) for kind in kinds}
    assert ask_and_make(store, run.id) == 0
    report = store.report(run.id, "collapse")
    assert (report.state, report.error) == ("done", None), report.error_detail
    assert report.done == report.total > 0
    found = store.result(run.id, "debias")["collapse"]
    json.dumps(found, allow_nan=False)
    assert found["list"] == "sentiment"
    unc3 = found["lists"]["group"]["measures"]["unc3"]
    assert unc3["dense"]["value"] != unc3["pruned"]["value"]
    assert {kind: store.result(run.id, kind) for kind in kinds} == before
    assert store.run(run.id) == run


def test_a_report_looks_at_what_the_recovery_looked_at(store, tiny_folder):
    """Same windows and control words, whatever the seed of the run is."""
    recovery = {"kind": "nc3", "words": "sentiment", "steps": 4, "samples": 8, "seqlen": 40, "batch_size": 8}
    run, code = execute(store, plan(tiny_folder, import_toy(), recovery=recovery, seed=1))
    assert code == 0 and run.spec.evaluation.seed == 1, run.error_detail
    own = store.result(run.id, "debias")["collapse"]
    assert ask_and_make(store, run.id, "sentiment", COLLAPSE_WINDOWS) == 0
    again = store.result(run.id, "debias")["collapse"]
    assert again["windows_hash"] == own["windows_hash"] and again["seed"] == own["seed"] == 1
    assert again["lists"] == own["lists"] and again["words"] == own["words"]


def test_what_goes_wrong_is_a_sentence(store, run):
    assert ask_and_make(store, run.id, words="party") == 3
    report = store.report(run.id, "collapse")
    assert report.state == "failed"
    assert "too few words are one token" in report.error
    assert "Traceback" in report.error_detail
    assert store.result(run.id, "debias") is None


def test_what_cannot_be_asked_for(store, run):
    with pytest.raises(BadInput, match="unknown word list 'feelings'"):
        jobs.ask_collapse(run.id, "feelings", 16, store)
    with pytest.raises(BadInput, match="1 windows has no second one"):
        jobs.ask_collapse(run.id, "gender", 1, store)
    with pytest.raises(StoreError, match="there is no run"):
        jobs.ask_collapse("f" * 16, "gender", 16, store)


def test_a_report_whose_run_is_gone_is_nothing_to_do(store, run):
    store.ask_report(run.id, "collapse", {"words": "sentiment", "windows": 16})
    store.claim_report("cpu")
    store.delete(run.id)
    assert main([f"{REPORT}collapse-{run.id}"]) == 0
