"""Runs that edit and recover, whole, on the tiny model: what is stored, counted and kept zero, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from fairprune import mask_files
from fairprune.debias.spin_job import measure_dense
from fairprune.debias_group import base_of, group_of
from fairprune.errors import BadInput
from fairprune.mask_details import picture_shares, result_kind
from fairprune.models import load, weight_matrix
from fairprune.stages import STAGES, stages_of
from fairprune.store import open_store
from tests.debias_runs import edit, execute, plan, sides_accepted
from tests.toy_corpus import import_toy


@pytest.fixture
def corpus():
    return import_toy()


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


def test_stages_are_those_that_the_run_asks_for(tiny_folder, corpus):
    none = plan(tiny_folder, corpus)
    assert stages_of(none) == STAGES
    after = stages_of(plan(tiny_folder, corpus, edit=edit(), recovery={}))
    assert after[after.index("pruning") :] == ("pruning", "edit", "recovery", "pruned summaries", "metrics")
    before = stages_of(plan(tiny_folder, corpus, edit=edit(order="before")))
    assert before[before.index("edit") + 1] == "statistics"


def test_an_edit_after_pruning_is_counted_kept_and_compared(tiny_folder, corpus, store):
    spec = plan(tiny_folder, corpus, edit=edit())
    base, code = execute(store, base_of(spec))
    assert code == 0, base.error_detail
    run, code = execute(store, spec)
    assert (code, run.state) == (0, "done"), run.error_detail
    assert list(run.seconds) == list(stages_of(spec))
    found = store.result(run.id, "debias")
    json.dumps(found, allow_nan=False)
    chosen = found["edit"]["undo"]
    assert len(chosen) == found["edit"]["choice"]["weights"] > 0
    assert [one["name"] for one in found["edit"]["quantities"]][-1] == "perplexity"
    assert found["edit"]["hsic"]["widths_of"] == "dense" and found["edit"]["measured_on"] == "pruned"
    assert "Measured on the model" not in found["edit"]["verdict"]["sentence"]
    reports = [store.result(one.id, "sparsity") for one in (base, run)]
    assert reports[1]["dropped"] == reports[0]["dropped"] + len(chosen)
    assert reports[1]["achieved"] > reports[0]["achieved"] == 0.5
    by_name = {matrix["name"]: matrix for matrix in reports[1]["matrices"]}
    for matrix in reports[0]["matrices"]:
        own = [one for one in chosen if one["module"] == matrix["name"]]
        other = by_name[matrix["name"]]
        assert (other["edited"], other["zeros"] - matrix["zeros"]) == (len(own), len(own))
        # What Layers shows of its inside is of the mask after the edit, but for the scores.
        plain, edited = (
            store.result(one.id, result_kind(matrix["block"]))[matrix["name"]] for one in (base, run)
        )
        assert edited.get("edited", 0) == len(own) and "edited" not in plain
        assert edited["score"] == plain["score"]
        with mask_files.opened(run.id) as masks:
            keep = masks.keep(matrix["name"])
        shares = picture_shares(edited["picture"], *keep.shape)
        assert shares.shape == keep.shape  # of so small a matrix each weight has its cell
        assert np.array_equal(shares == 0, keep)
    # The two runs' masks differ in the edited weights alone, so that the page Layers shows them.
    with mask_files.opened(base.id) as before, mask_files.opened(run.id) as after:
        for name in before.columns:
            places = {(one["row"], one["column"]) for one in chosen if one["module"] == name}
            gone = np.argwhere(before.keep(name) & ~after.keep(name))
            assert {tuple(map(int, place)) for place in gone} == places
            assert not (after.keep(name) & ~before.keep(name)).any()
    facts = store.result(run.id, "generation")["systems"]
    assert facts["dense"]["reused"]
    assert store.result(run.id, "statistics")["reused"]


def test_controls_zero_as_many_weights_of_other_places(tiny_folder, corpus, store):
    members = group_of(plan(tiny_folder, corpus, edit=edit()))
    places = {}
    for member in members[1:]:
        run, code = execute(store, member.spec)
        assert code == 0, run.error_detail
        undo = store.result(run.id, "debias")["edit"]["undo"]
        places[member.title] = {(one["module"], one["row"], one["column"]) for one in undo}
    asked, random, first = places.values()
    assert len(asked) == len(random) == len(first)
    assert random != asked


def test_an_edit_before_pruning_has_statistics_of_its_own(tiny_folder, corpus, store):
    plain, _ = execute(store, plan(tiny_folder, corpus))
    run, code = execute(store, plan(tiny_folder, corpus, edit=edit(order="before")))
    assert code == 0, run.error_detail
    assert list(run.seconds) == list(stages_of(run.spec))
    found = store.result(run.id, "statistics")
    # Not the dense model's, and nobody may explore the dense model with them.
    assert found == {"reused": False}
    assert store.result(plain.id, "statistics")["place"]
    undo = store.result(run.id, "debias")["edit"]["undo"]
    assert store.result(run.id, "debias")["edit"]["hsic"]["widths_of"] == "before"  # which is the dense one
    with mask_files.opened(run.id) as masks:
        for one in undo:
            keep = masks.keep(one["module"])
            assert not keep[one["row"], one["column"]]
            [details] = [
                found[one["module"]]
                for block in range(2)
                if one["module"] in (found := store.result(run.id, result_kind(block)))
            ]
            assert np.array_equal(picture_shares(details["picture"], *keep.shape) == 0, keep)
    told = store.result(run.id, "debias")["edit"]
    json.dumps(told, allow_nan=False)
    assert told["measured_on"] == "unpruned"
    assert told["verdict"]["sentence"].startswith("Measured on the model before pruning: demonstration")
    # The model that the run goes on with stands beside them, as one that nothing is compared with.
    loaded = load(tiny_folder)
    linears = loaded.linears()
    with mask_files.opened(run.id) as masks:
        for name in masks.columns:
            weight_matrix(linears[name])[torch.from_numpy(~masks.keep(name))] = 0
    final = measure_dense(loaded, run.spec.edit)
    for one in told["quantities"]:
        assert list(one["systems"]) == ["before", "edited", "random", "first-only", "final"]
        assert list(one["differences"]) == ["before", "random", "first-only"]
    margin, perplexity = told["quantities"][0]["systems"], told["quantities"][-1]["systems"]
    assert margin["final"]["value"] == pytest.approx(float(final.margin["first"].mean()), abs=1e-5)
    loss, tokens = final.general.sum(axis=0)
    assert perplexity["final"]["value"] == pytest.approx(float(np.exp(loss / tokens)), rel=1e-4)
    assert perplexity["final"]["value"] != pytest.approx(perplexity["edited"]["value"], rel=1e-4)
    report = store.result(run.id, "sparsity")
    weights = sum(matrix["rows"] * matrix["columns"] for matrix in report["matrices"])
    assert report["dropped"] == round(report["achieved"] * weights) >= weights // 2


def test_a_recovery_keeps_its_zeros_and_measures_every_group(tiny_folder, corpus, store):
    spec = plan(tiny_folder, corpus, recovery={"steps": 3, "samples": 4, "seqlen": 160, "batch_size": 2})
    base, _ = execute(store, base_of(spec))
    run, code = execute(store, spec)
    assert code == 0, run.error_detail
    assert list(run.seconds) == list(stages_of(spec))
    found = store.result(run.id, "debias")["recovery"]
    json.dumps(found, allow_nan=False)
    assert found["report"]["steps"] == 3
    assert {row["group"] for row in found["losses"]} == {"good", "bad"}
    for row in found["losses"]:
        assert row["difference"]["value"] == pytest.approx(
            row["after"]["value"] - row["before"]["value"], abs=1e-6
        )
        own = [text for text in found["texts"] if text["group"] == row["group"]]
        for when in ("before", "after"):
            assert row[when]["value"] == pytest.approx(np.mean([text[when] for text in own]))
            assert row[when]["n"] == len(own)
    sparsity = [store.result(one.id, "sparsity") for one in (base, run)]
    assert found["report"]["zeros"] == sparsity[0]["dropped"] == sparsity[1]["dropped"]
    perplexities = [store.result(one.id, "perplexity")["opinions"]["pruned"]["value"] for one in (base, run)]
    assert perplexities[0] != perplexities[1]


def test_unc3_stores_the_words_before_and_after(tiny_folder, corpus, store):
    recovery = {"kind": "nc3", "words": "sentiment", "steps": 4, "samples": 8, "seqlen": 40, "batch_size": 8}
    run, code = execute(store, plan(tiny_folder, corpus, recovery=recovery))
    assert code == 0, run.error_detail
    found = store.result(run.id, "debias")
    json.dumps(found, allow_nan=False)
    assert found["recovery"]["report"]["rows"] > 1
    for document in (found["collapse"], found["recovery"]["collapse"]):
        assert document["list"] == "sentiment"
        assert {word["text"] for word in document["words"]} >= {"good", "bad"}
    dense, before = found["collapse"]["lists"]["group"], found["recovery"]["collapse"]["lists"]["group"]
    assert dense["measures"]["unc3"]["pruned"] == before["measures"]["unc3"]["pruned"]
    assert dense["measures"]["unc3"]["dense"] != before["measures"]["unc3"]["dense"]
    control, code = execute(store, group_of(run.spec)[2].spec)
    assert code == 0, control.error_detail
    mine, other = (store.result(one.id, "debias")["recovery"]["report"] for one in (run, control))
    same = ("rows", "moved", "steps", "tokens")  # the same texts and weights, another loss
    assert {name: mine[name] for name in same} == {name: other[name] for name in same}
    assert mine["loss"][0] == other["loss"][0] and mine["loss"][-1] != other["loss"][-1]


DENP = {"kind": "denp", "steps": 2, "samples": 20, "seqlen": 160, "batch_size": 2}


def test_balanced_weights_enter_the_loss_of_a_recovery(tiny_folder, corpus, store, monkeypatch):
    sides_accepted(monkeypatch)
    run, code = execute(store, plan(tiny_folder, corpus, recovery=DENP))
    assert code == 0, run.error_detail
    found = store.result(run.id, "debias")["recovery"]
    assert found["rac"]["split"]["accepted"] and found["report"]["weighted"]
    uniform, _ = execute(store, group_of(run.spec)[2].spec)
    other = store.result(uniform.id, "debias")["recovery"]
    assert not other["report"]["weighted"] and "rac" not in other
    assert other["report"]["tokens"] > 0 and other["report"]["steps"] == 2
    same = ("tokens", "windows_drawn")  # the same windows, another loss
    assert {name: other["report"][name] for name in same} == {name: found["report"][name] for name in same}
    assert found["rac"]["shares"]["before"] != found["rac"]["shares"]["after"] == pytest.approx(0.5)


def test_balanced_weights_enter_the_statistics(tiny_folder, corpus, store, monkeypatch):
    sides_accepted(monkeypatch)
    plain, _ = execute(store, plan(tiny_folder, corpus, calibration_samples=21))
    run, code = execute(store, plan(tiny_folder, corpus, calibration="denp", calibration_samples=21))
    assert code == 0, run.error_detail
    places = [store.result(one.id, "statistics")["place"] for one in (plain, run)]
    # Same windows, other weights: other statistics.
    assert places[0]["windows"] != places[1]["windows"]
    windows = [store.result(one.id, "calibration") for one in (plain, run)]
    assert windows[0]["windows"] == windows[1]["windows"]
    weights = windows[1]["weights"]
    assert len(weights) == 21 and np.mean(weights) == pytest.approx(1) and len(set(weights)) > 1
    assert [len(row) for row in windows[1]["segment_weights"]] == [len(row) for row in windows[1]["windows"]]
    rac = store.result(run.id, "debias")["calibration"]["rac"]
    assert rac["split"]["accepted"] and len(rac["values"]) == len(rac["members"]) == rac["n"]


def test_a_refused_split_is_stored_and_the_run_says_why(tiny_folder, corpus, store):
    """A random model reads all texts alike: there is nothing to weigh."""
    run, code = execute(store, plan(tiny_folder, corpus, recovery=DENP))
    assert (code, run.state) == (3, "failed")
    assert "do not fall into two sets: the two means lie" in run.error
    found = store.result(run.id, "debias")["recovery"]["rac"]
    assert not found["split"]["accepted"]
    assert len(found["values"]) == len(found["members"]) == found["n"]
    assert list(run.seconds) == ["model", "opinions"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"edit": {"first": "fairnes"}}, "unknown awareness set 'fairnes': did you mean 'fairness'"),
        ({"edit": {"first": "privacy"}}, "the first and the second set of an edit are both 'privacy'"),
        ({"recovery": {"samples": 4096, "seqlen": 16}}, "training windows of the recovery cannot be cut"),
        ({"recovery": {"seqlen": 8192}}, "8192"),
        ({"recovery": {"kind": "nc3", "words": "party", "samples": 4}}, "too few words are one token"),
    ],
)
def test_what_cannot_be_is_refused_before_it_is_queued(tiny_folder, corpus, asked, says):
    with pytest.raises(BadInput, match=says):
        plan(tiny_folder, corpus, **asked)


def test_a_ratio_that_chooses_nothing_fails_with_the_smallest_that_does(tiny_folder, corpus, store):
    run, code = execute(store, plan(tiny_folder, corpus, edit=edit(ratio=1e-4)))
    assert (code, run.state) == (3, "failed")
    assert "nothing would be edited" in run.error and "the smallest ratio that chooses any is" in run.error
