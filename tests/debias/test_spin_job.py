"""SPIN as a run calls it: the halves of the sets, the document, the controls, and a model that changes as it says."""

from __future__ import annotations

import dataclasses
import json

import pytest

from fairprune.debias.awareness import AwarenessSet
from fairprune.debias.spin import Edited, matrices, undo
from fairprune.debias.spin_choice import control_first, control_random
from fairprune.debias.spin_job import (
    material_of,
    measure_dense,
    run_spin,
    select,
    split_sets,
    time_selection,
)
from fairprune.debias.spin_measures import bandwidths, measure
from fairprune.debias_spec import EditSpec
from fairprune.errors import BadInput
from fairprune.models import load, weight_matrix
from tests.debias.spinning import OPTIONS, bits, changed, three_sets


@pytest.fixture
def loaded(tiny_folder):
    return load(tiny_folder)


def test_selection_and_measurement_never_share_a_prompt():
    sets = three_sets(12)
    # one prompt of the first set stands in the general one too
    shared = dataclasses.replace(sets["general"].items[3], prompt=sets["first"].items[5].prompt.upper() + " ")
    general = dataclasses.replace(
        sets["general"], items=(*sets["general"].items[:3], shared, *sets["general"].items[4:])
    )
    left_out = 0
    for seed in range(8):
        halves = split_sets({**sets, "general": general}, OPTIONS.model_copy(update={"seed": seed}))
        read = {item.prompt.casefold().strip() for half in halves.selection.values() for item in half}
        measured = {item.prompt.casefold().strip() for half in halves.measurement.values() for item in half}
        assert not read & measured
        left_out += sum(halves.left_out.values())
        if not any(halves.left_out.values()):  # pairs stay pairs
            assert [item.pair for item in halves.measurement["first"]] == [
                item.pair for item in halves.measurement["second"]
            ]
    assert left_out > 0


def test_fewer_prompts_are_drawn_alike_in_paired_sets():
    options = OPTIONS.model_copy(update={"samples": 3})
    halves = split_sets(three_sets(20), options, 4)
    for half, n in ((halves.selection, 3), (halves.measurement, 4)):
        assert [len(one) for one in half.values()] == [n, n, n]
        assert [item.pair for item in half["first"]] == [item.pair for item in half["second"]]
    other = split_sets(three_sets(20), options.model_copy(update={"seed": 1}), 4)
    assert other.selection["first"] != halves.selection["first"]


def test_sets_that_say_nothing_together():
    sets = three_sets()
    with pytest.raises(BadInput, match="one set given twice"):
        split_sets({**sets, "second": sets["first"]}, OPTIONS)
    with pytest.raises(BadInput, match="one set given twice"):
        split_sets({**sets, "general": sets["second"]}, OPTIONS)
    with pytest.raises(BadInput, match="is empty"):
        split_sets({**sets, "general": AwarenessSet("file:x", "Nothing", (), "")}, OPTIONS)
    without = tuple(dataclasses.replace(item, response="") for item in sets["second"].items)
    with pytest.raises(BadInput, match=r"8 items of 8 .* have no response"):
        split_sets({**sets, "second": dataclasses.replace(sets["second"], items=without)}, OPTIONS)


def test_the_document_and_the_model(loaded):
    before, seen = bits(loaded), []
    found = run_spin(loaded, OPTIONS, lambda *step: seen.append(step), sets=three_sets())
    json.dumps(found, allow_nan=False)
    assert found["kind"] == "spin" and EditSpec(**found["edit"]) == OPTIONS
    edits = [Edited(**one) for one in found["undo"]]
    assert len(edits) == found["choice"]["weights"] == sum(changed(before, loaded).values()) > 0
    assert found["choice"]["of"] == 6 * 512 and len(found["choice"]["matrices"]) == 6
    assert found["sets"]["first"] | {"hash": ""} == {
        **{"name": "file:a", "title": "Concern A", "hash": "", "source": "written for tests", "items": 8},
        **{"selection": 4, "measurement": 4, "with_unsafe": 4, "left_out": 0},
    }
    names = [(one["name"], one["concern"]) for one in found["quantities"]]
    assert names == [
        *(
            ("margin", "first"),
            ("cautionary phrases", "first"),
            ("margin", "second"),
            ("cautionary phrases", "second"),
        ),
        *(("hsic", None), ("hsic without scale", None), ("perplexity", None)),
    ]
    for one in found["quantities"]:
        assert list(one["systems"]) == ["before", "edited", "random", "first-only"]
        assert list(one["differences"]) == ["before", "random", "first-only"]
        assert all(cell["n"] == 4 for cell in [*one["systems"].values(), *one["differences"].values()])
    assert found["hsic"] | {"widths": 0} == {
        **{"widths": 0, "widths_of": "before", "pairs": 4, "reason": None},
        "estimate": "unbiased",
    }
    same = {"weights": found["choice"]["weights"], "fewer": 0, "shared": 0}
    assert found["controls"] == {"random": same, "first-only": same}
    assert found["verdict"]["outcome"] == "demonstration" and found["measured_on"] == "as given"
    assert {text.split(":")[0] for *_, text in seen} >= {"importance of the general set", "model 4 of 4"}
    assert all(0 < done <= total for done, total, _ in seen)
    undo(loaded, edits)
    assert not changed(before, loaded)


def test_what_is_measured_before_is_the_given_model_and_edited_the_edited_one(loaded):
    sets = three_sets()
    found = run_spin(loaded, OPTIONS, sets=sets)
    material = material_of(loaded, sets, split_sets(sets, OPTIONS).measurement)
    now = measure(loaded, material)  # the model is the edited one here
    margin = next(one for one in found["quantities"] if one["name"] == "margin")
    assert margin["systems"]["edited"]["value"] == pytest.approx(float(now.margin["first"].mean()))
    undo(loaded, [Edited(**one) for one in found["undo"]])
    was = measure(loaded, material)
    assert margin["systems"]["before"]["value"] == pytest.approx(float(was.margin["first"].mean()))
    assert found["hsic"]["widths"] == pytest.approx(bandwidths(was))


@pytest.mark.parametrize("control", ["random", "first-only"])
def test_a_control_is_what_is_done_where_it_is_asked_for(loaded, control):
    sets = three_sets()
    choice = select(loaded, split_sets(sets, OPTIONS).selection, OPTIONS)
    wanted = control_random(choice, loaded, 0) if control == "random" else control_first(choice)
    before = bits(loaded)
    found = run_spin(loaded, OPTIONS.model_copy(update={"control": control}), sets=sets)
    places = {
        (one.name, int(p) // one.shape[1], int(p) % one.shape[1])
        for one in wanted.matrices
        for p in one.places
    }
    assert {(one["module"], one["row"], one["column"]) for one in found["undo"]} == places
    assert sum(changed(before, loaded).values()) == choice.count
    assert found["verdict"] is None and list(found["quantities"][0]["systems"]) == ["before", "edited"]


def test_the_dense_model_beside_a_pruned_one(loaded, monkeypatch):
    sets = three_sets()
    monkeypatch.setattr("fairprune.debias.spin_job.load_sets", lambda _edit: sets)
    dense = measure_dense(loaded, OPTIONS, measured=3)
    for layer in matrices(loaded, "all").values():
        weight_matrix(layer)[:, ::3] = 0
    found = run_spin(loaded, OPTIONS, dense=dense, measured=3)
    margin = found["quantities"][0]
    assert list(margin["systems"])[:2] == ["dense", "before"] and margin["systems"]["dense"]["n"] == 3
    assert margin["systems"]["dense"]["value"] == pytest.approx(float(dense.margin["first"].mean()))
    assert found["hsic"]["pairs"] == 3 and "at least 4" in found["hsic"]["reason"]
    four = measure_dense(loaded, OPTIONS)
    hsic = run_spin(loaded, OPTIONS, dense=four)["hsic"]
    assert hsic["widths"] == pytest.approx(bandwidths(four)) and hsic["widths_of"] == "dense"


def test_unpaired_sets_have_no_hsic_and_sets_without_unsafe_answers_no_margin(loaded):
    found = run_spin(loaded, OPTIONS, sets=three_sets(unsafe=False, paired=False))
    assert "hsic" not in {one["name"] for one in found["quantities"]}
    assert "no situation stands in both" in found["hsic"]["reason"]
    assert found["quantities"][0]["systems"]["edited"]["value"] is None
    assert found["verdict"]["outcome"] == "demonstration"


def test_of_several_prompts_with_one_pair_the_first_counts_in_both_sets(loaded):
    sets = three_sets(6)
    for role in ("first", "second"):
        items = [
            dataclasses.replace(one, pair=f"situation {i // 2}") for i, one in enumerate(sets[role].items)
        ]
        sets[role] = dataclasses.replace(sets[role], items=tuple(items))
    given = material_of(loaded, sets, {role: one.items for role, one in sets.items()})
    assert given.pairs == ((0, 0), (2, 2), (4, 4))


def test_choosing_without_measuring(loaded):
    found = run_spin(loaded, OPTIONS, sets=three_sets(), measures=False)
    assert found["quantities"] is None and found["verdict"] is None and found["undo"]


def test_nothing_chosen_leaves_the_model_alone(loaded):
    before = bits(loaded)
    with pytest.raises(BadInput, match="smallest ratio that chooses any"):
        run_spin(loaded, OPTIONS.model_copy(update={"ratio": 1e-5}), sets=three_sets())
    assert not changed(before, loaded)


def test_seed_and_options_decide_the_choice(loaded):
    sets = three_sets(16)

    def places(**options):
        edit = OPTIONS.model_copy(update=options)
        choice = select(loaded, split_sets(sets, edit).selection, edit)
        return {(one.name, int(place)) for one in choice.matrices for place in one.places}

    usual = places()
    assert usual == places() != places(seed=1)
    assert places(scope="global") != usual and places(selection="released") != usual
    assert {name for name, _ in places(modules="attention")}.isdisjoint({name for name, _ in usual})


def test_the_time_beside_bare_passes(loaded):
    before = bits(loaded)
    timing = time_selection(loaded, OPTIONS, three_sets())
    assert min(*timing.bare, *timing.spin) > 0
    told = timing.to_json()
    assert told["ratio"]["wall"] == timing.ratio == told["spin"]["wall"] / told["bare"]["wall"]
    assert told["ratio"]["processor"] == told["spin"]["processor"] / told["bare"]["processor"]
    assert not changed(before, loaded)
    assert all(parameter.grad is None for parameter in loaded.model.parameters())


def test_the_packaged_sets_go_through(loaded):
    edit = EditSpec(ratio=0.1, general_ratio=0.01, samples=2)
    found = run_spin(loaded, edit, measured=4)
    assert found["sets"]["first"]["title"] == "Fairness" and found["sets"]["first"]["with_unsafe"] == 4
    assert found["hsic"]["pairs"] == 4


def test_the_same_numbers_again(tiny_folder):
    one, other = (run_spin(load(tiny_folder), OPTIONS, sets=three_sets()) for _ in range(2))
    for found in (one, other):
        del found["seconds"]
    assert one == other
