"""Which runs belong beside one with an edit or a recovery."""

from __future__ import annotations

from fairprune.debias_group import base_of, group_of, is_debiased
from fairprune.spec import RunSpec, build


def spec(**parts) -> RunSpec:
    values = {"model": {"name": "m"}, "pruning": {"method": "wanda"}, "calibration": {}, "evaluation": {}}
    return build(**{**values, **parts})


def test_a_run_that_only_prunes_stands_alone():
    assert not is_debiased(spec())
    assert [(one.role, one.spec) for one in group_of(spec())] == [("base", spec())]


def test_an_edit_stands_beside_its_base_and_two_controls():
    asked = spec(edit={"ratio": 1e-3})
    base, own, random, first = group_of(asked)
    assert (base.role, base.spec, own.role, own.spec) == ("base", spec(), "asked", asked)
    assert random.spec == spec(edit={"ratio": 1e-3, "control": "random"})
    assert first.spec == spec(edit={"ratio": 1e-3, "control": "first-only"})
    # From a control one finds the same group.
    assert group_of(random.spec) == group_of(asked)


def test_a_recovery_stands_beside_a_uniform_one_of_as_many_steps():
    recovery = {"kind": "denp", "steps": 7, "seed": 3}
    base, own, control = group_of(spec(recovery=recovery))
    assert base.spec == spec()
    assert own.spec == spec(recovery=recovery)
    assert control.spec == spec(recovery={"kind": "uniform", "steps": 7, "seed": 3})
    assert [one.role for one in group_of(control.spec)] == ["base", "asked"]


def test_the_term_of_unc3_stands_beside_the_same_texts_and_rows_without_it():
    recovery = {"kind": "nc3", "steps": 7, "words": "stance", "parameters": "words", "mean_strength": 2}
    _, own, control = group_of(spec(recovery=recovery))
    assert own.spec == spec(recovery=recovery)
    assert control.spec == spec(recovery={**recovery, "strength": 0, "mean_strength": 0})
    assert control.spec.recovery.label == "recovery (UNC3 control, steps 7, parameters words, words stance)"
    assert [one.role for one in group_of(control.spec)] == ["base", "asked"]


def test_weighted_statistics_stand_beside_balanced_ones():
    asked = spec(calibration={"name": "denp", "samples": 20})
    assert is_debiased(asked)
    base, own = group_of(asked)
    assert base.spec == base_of(asked) == spec(calibration={"name": "balanced", "samples": 20})
    assert (own.role, own.title) == ("asked", "calibrated by DENP")


def test_titles_tell_the_members_apart():
    for one in (spec(edit={}), spec(recovery={"kind": "denp"}), spec(edit={}, recovery={"kind": "nc3"})):
        members = group_of(one)
        assert (
            len({member.title for member in members})
            == len({member.spec.id for member in members})
            == len(members)
        )
