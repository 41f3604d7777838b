"""An edited run beside its base and controls: paired differences, and what they say together."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from fairprune.debias_compare import NOT_PAIRED, beside, conclusion, improves
from fairprune.debias_group import group_of
from fairprune.pareto import Scores
from fairprune.spec import build
from fairprune.uncertainty import draw_resamples

N = 40
SPEC = build(model={"name": "m"}, pruning={"method": "wanda"}, calibration={}, evaluation={}, edit={})
MEMBERS = group_of(SPEC)
IDS = [member.spec.id for member in MEMBERS]
DRAWS = draw_resamples([f"topic {i}" for i in range(N)], [""] * N, 300, 0)


SET_IDS = [str(i) for i in range(N)]


def scores(values, set_ids=SET_IDS):
    table = np.asarray(values, dtype=np.float64)[:, None]
    return Scores(tuple(set_ids), {"pruned": {"uer": table, "rouge_l": 1 - table}}, {})


def cell(value):
    return {"value": value, "low": None, "high": None, "n": N, "n_unscored": 0}


def evaluation(value):
    cells = {"dense": cell(0.1), "pruned": cell(value), "difference": cell(value - 0.1)}
    return {"metrics": {"uer": cells}, "quality": {"rouge_l": cells}}


@pytest.fixture
def noise():
    return np.random.default_rng(0).uniform(0.3, 0.5, N)


def rows(asked, others, part="metrics"):
    found = {IDS[1]: asked, **dict.fromkeys((IDS[0], *IDS[2:]), others)}
    evaluations = {key: evaluation(float(values.mean())) for key, values in found.items()}
    return beside(MEMBERS, evaluations, {key: scores(values) for key, values in found.items()}, DRAWS, part)


def test_differences_are_paired_and_of_the_asked_run_to_each_other(noise):
    [row] = rows(noise - 0.1, noise)
    assert list(row.cells) == ["dense", *(member.title for member in MEMBERS)]
    assert list(row.differences) == ["pruned", "control: random", "control: first-only"]
    for found in row.differences.values():
        # Every sample moved by as much: the samples' own spread plays no part.
        assert found["value"] == pytest.approx(-0.1)
        assert found["n"] == N


def test_only_what_differs_from_base_and_all_controls_is_an_effect(noise):
    moved = noise - 0.1 + np.random.default_rng(1).normal(0, 0.01, N)
    [row] = rows(moved, noise)
    assert [improves("uer", one) for one in row.differences.values()] == [True] * 3
    assert conclusion([row], MEMBERS, N) == "Beyond the pruned run and every control: fairer on UER."
    worse = rows(noise + (noise - moved), noise)
    assert conclusion(worse, MEMBERS, N).endswith("less fair on UER.")
    # Beyond the pruned run alone, but not beyond the controls: no effect.
    values = {IDS[1]: moved, IDS[0]: noise, IDS[2]: moved, IDS[3]: moved}
    same = beside(
        MEMBERS,
        {key: evaluation(float(one.mean())) for key, one in values.items()},
        {key: scores(one) for key, one in values.items()},
        DRAWS,
    )
    assert conclusion(same, MEMBERS, N).startswith(
        "No effect on fairness beyond the pruned run and the controls"
    )
    assert "fewer than" in conclusion([row], MEMBERS, 8)


def test_quality_has_its_own_direction(noise):
    [row] = rows(noise - 0.1 + np.random.default_rng(1).normal(0, 0.01, N), noise, "quality")
    assert row.name == "rouge_l"
    assert all(improves("rouge_l", one) for one in row.differences.values())


def test_other_samples_are_no_pairs_and_missing_stays_missing(noise):
    found = {key: scores(noise) for key in IDS}
    found[IDS[2]] = scores(noise, tuple(map(str, range(1, N + 1))))
    evaluations = {key: evaluation(0.4) for key in IDS}
    [row] = beside(MEMBERS, evaluations, found, DRAWS)
    assert row.differences["control: random"] == {
        "value": None,
        "low": None,
        "high": None,
        "n": 0,
        "reason": NOT_PAIRED,
    }
    del evaluations[IDS[3]]
    [row] = beside(MEMBERS, evaluations, found, DRAWS)
    assert "control: first-only" not in row.cells and "control: first-only" not in row.differences
    assert improves("spd2", {"low": 0.1, "high": 0.2}) is None  # best at 0: the sign says nothing alone


@pytest.mark.parametrize("there", list(product((True, False), repeat=3)), ids=str)
@pytest.mark.parametrize("moves", [True, False])
def test_without_base_or_a_control_there_is_no_verdict(noise, there, moves):
    moved = noise - 0.1 + np.random.default_rng(1).normal(0, 0.01, N)
    values = {IDS[1]: moved if moves else noise, **dict.fromkeys((IDS[0], *IDS[2:]), noise)}
    kept = dict(zip((IDS[0], *IDS[2:]), there, strict=True))
    members = [member for member in MEMBERS if kept.get(member.spec.id, True)]
    values = {member.spec.id: values[member.spec.id] for member in members}
    found = beside(
        members,
        {key: evaluation(float(one.mean())) for key, one in values.items()},
        {key: scores(one) for key, one in values.items()},
        DRAWS,
    )
    states = {IDS[0]: "failed", IDS[2]: "cancelled"}
    said = conclusion(found, members, N, states)
    names = ("pruned (failed)", "control: random (cancelled)", "control: first-only (not started)")
    gone = [name for name, is_there in zip(names, there, strict=True) if not is_there]
    if gone:
        assert said == f"No conclusion: {' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} missing."
    elif moves:
        assert said == "Beyond the pruned run and every control: fairer on UER."
    else:
        assert said.startswith("No effect on fairness beyond the pruned run and the controls")


def test_runs_of_other_samples_support_no_conclusion(noise):
    found = {key: scores(noise) for key in IDS}
    found[IDS[2]] = scores(noise, tuple(map(str, range(1, N + 1))))
    rows_found = beside(MEMBERS, {key: evaluation(0.4) for key in IDS}, found, DRAWS)
    assert conclusion(rows_found, MEMBERS, N).startswith("No conclusion: no metric has paired differences")


def test_a_difference_of_missing_values_says_what_the_values_say(noise):
    nothing = np.full(N, np.nan)
    found = {key: scores(nothing) for key in IDS}
    lost = {**cell(None), "reason": "no summary is long enough"}
    evaluations = {
        key: {"metrics": {"uer": {"dense": cell(0.1), "pruned": lost, "difference": lost}}} for key in IDS
    }
    [row] = beside(MEMBERS, evaluations, found, DRAWS)
    assert {one["reason"] for one in row.differences.values()} == {"no summary is long enough"}
    evaluations[IDS[1]]["metrics"]["uer"]["pruned"] = {**cell(None)}
    evaluations[IDS[0]]["metrics"]["uer"]["pruned"] = {**cell(None)}
    [row] = beside(MEMBERS, evaluations, found, DRAWS)
    assert row.differences["pruned"]["reason"] == "no sample has UER in both runs"
