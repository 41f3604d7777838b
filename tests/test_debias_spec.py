"""Edits and recoveries in a spec: what is refused and how, what decides a run's identity, titles."""

from __future__ import annotations

import json

import pytest

from fairprune import examples
from fairprune.bundle.archive import Archive
from fairprune.bundle.manifest import read_manifest
from fairprune.bundle.parsing import load_json
from fairprune.debias_spec import ONLY_NC3, EditSpec, RecoverySpec
from fairprune.errors import BadInput
from fairprune.spec import RunSpec, build, content_hash, parse_calibration


def spec(**parts) -> RunSpec:
    values = {"model": {"name": "m"}, "pruning": {"method": "wanda"}, "calibration": {}, "evaluation": {}}
    return build(**{**values, **parts})


def test_a_run_without_edit_and_recovery_is_written_as_before_these_existed():
    written = json.loads(spec().canonical())
    assert sorted(written) == [
        *("calibration", "device", "evaluation", "metrics", "model", "pruning", "version"),
    ]
    assert spec(edit=None, recovery=None).id == spec().id == content_hash(spec().canonical())


def test_every_stored_id_of_the_examples_stays():
    checked = 0
    for path in examples.files():
        with Archive(path) as box:
            manifest = read_manifest(load_json(box.read("manifest.json"), "manifest.json"))
        for entry in manifest.runs:
            assert RunSpec.model_validate(entry.spec).id == entry.id
            checked += 1
    assert checked > 10


def test_an_edit_and_a_recovery_are_part_of_the_identity():
    others = [
        spec(edit={}),
        spec(edit={"control": "random"}),
        spec(edit={"control": "first-only"}),
        spec(edit={"ratio": 1e-5}),
        spec(edit={"order": "before"}),
        spec(recovery={}),
        spec(recovery={"kind": "denp"}),
        spec(recovery={"kind": "nc3"}),
        spec(recovery={"kind": "nc3", "strength": 5}),
        spec(edit={}, recovery={}),
        spec(calibration={"name": "denp"}),
    ]
    assert len({one.id for one in [spec(), *others]}) == 1 + len(others)
    for one in others:
        again = RunSpec.model_validate_json(one.canonical())
        assert again == one
        assert again.id == one.id


def test_what_only_nc3_reads_is_written_for_nc3_alone():
    for kind in ("uniform", "denp"):
        assert not set(ONLY_NC3) & set(RecoverySpec(kind=kind).model_dump())
    assert set(ONLY_NC3) < set(RecoverySpec(kind="nc3").model_dump())


def test_titles_say_what_was_done_beside_pruning():
    assert spec(edit={}).title() == "m · wanda 50% · balanced on movies + SPIN"
    assert spec(edit={"control": "random"}).title().endswith(" + SPIN control (random)")
    assert spec(edit={"ratio": 1e-5, "order": "before"}).additions == ("SPIN (ratio 1e-05, order before)",)
    assert (
        spec(edit={}, recovery={"steps": 60}).system_name()
        == "wanda 50 % + SPIN + recovery (uniform, steps 60)"
    )
    assert spec(recovery={"kind": "denp"}).title().endswith(" + recovery (DENP)")
    assert spec(edit={}, recovery={"kind": "nc3"}).additions == ("SPIN", "recovery (UNC3)")
    assert spec().additions == ()


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"edit": {"ratio": 0}}, r"edit.ratio cannot be 0: .*\(Share of a matrix's weights that counts"),
        ({"edit": {"kind": "spln"}}, "edit.kind cannot be 'spln'"),
        ({"edit": {"rate": 1}}, "edit.rate cannot be 1"),
        ({"edit": {"second": "fairness"}}, "the first and the second set of an edit are both 'fairness'"),
        ({"edit": {"general": "privacy"}}, "the second and the general set of an edit are both 'privacy'"),
        ({"recovery": {"steps": 0}}, r"recovery.steps cannot be 0: .*\(Optimiser steps"),
        ({"recovery": {"strength": 5}}, "recovery 'uniform' takes no strength, but got 5"),
        ({"recovery": {"kind": "denp", "words": "party"}}, "takes no words, but got 'party'"),
        ({"recovery": {"kind": "nc3", "words": "age"}}, "recovery.words cannot be 'age'"),
        ({"calibration": {"name": "denp:x"}}, "takes nothing after it, but got 'x'"),
    ],
)
def test_what_is_refused_says_what_would_be_right(parts, says):
    with pytest.raises(BadInput, match=says):
        spec(**parts)


def test_denp_is_a_calibration_set():
    assert parse_calibration("denp", ("fresh", "rotten")) == ("denp", None)


@pytest.mark.parametrize("part", [EditSpec, RecoverySpec])
def test_every_field_has_its_sentence(part):
    for name, field in part.model_fields.items():
        assert field.description and field.description.endswith("."), name
