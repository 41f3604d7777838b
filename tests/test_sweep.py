"""Grids of runs: how many, in which order, what is left out and why."""

from __future__ import annotations

import pytest

from fairprune.errors import BadInput, Unavailable
from fairprune.plan import plan_run
from fairprune.sweep import LIMIT, Axes, numbers, options_of, parts_of, plan_sweep
from tests.toy_corpus import import_toy


@pytest.fixture
def base():
    return {"corpus": import_toy(), "seqlen": 200, "calibration_samples": 2, "samples": 2, "device": "cpu"}


def axes(folder, **values):
    asked = {"models": (str(folder),), "methods": ("wanda",), "sparsities": (0.5,)}
    return Axes(**{**asked, **values})


def rows(plan):
    """(seed, calibration, method, amount) of every run, in order."""
    return [
        (
            spec.calibration.seed,
            spec.calibration.name,
            spec.pruning.method,
            spec.pruning.pattern or spec.pruning.sparsity,
        )
        for spec in plan.specs
    ]


def test_a_grid_is_every_value_with_every_other_and_each_run_is_the_one_of_plan_run(tiny_folder, base):
    # 2 methods × (2 sparsities + 1 pattern) × 2 calibration sets × 2 seeds = 24
    wide = axes(
        tiny_folder,
        methods=("wanda", "hgla"),
        sparsities=(0.25, 0.5, 0.25),
        patterns=("2:4",),
        calibrations=("balanced", "skewed:good"),
        seeds=(0, 1),
    )
    plan = plan_sweep(wide, base)
    assert len(plan.specs) == 24 and plan.left_out == ()
    one = plan_run(
        **base, model=str(tiny_folder), method="hgla", pattern="2:4", calibration="skewed:good", seed=1
    )
    assert plan.specs[-1].id == one.id
    # What shares windows follows one another: all of a seed and a calibration set, method by method.
    assert rows(plan)[:7] == [
        (0, "balanced", "wanda", 0.25),
        (0, "balanced", "wanda", 0.5),
        (0, "balanced", "wanda", "2:4"),
        (0, "balanced", "hgla", 0.25),
        (0, "balanced", "hgla", 0.5),
        (0, "balanced", "hgla", "2:4"),
        (0, "skewed:good", "wanda", 0.25),
    ]
    # What is told at once for a form is the same, as soon as the weights were hashed once.
    assert [spec.id for spec in plan_sweep(wide, base, checked=False).specs] == [
        spec.id for spec in plan.specs
    ]


def test_a_method_without_calibration_runs_once_for_all_sets(tiny_folder, base):
    plan = plan_sweep(
        axes(tiny_folder, methods=("magnitude", "wanda"), calibrations=("balanced", "random")), base
    )
    assert [(name, method) for _, name, method, _ in rows(plan)] == [
        ("balanced", "magnitude"),
        ("balanced", "wanda"),
        ("random", "wanda"),
    ]
    (left,) = plan.left_out
    assert left.mixes == ("magnitude · random",) and "its run on balanced stands for all" in left.reason
    # With outlier allocation it does read the windows.
    both = plan_sweep(
        axes(tiny_folder, methods=("magnitude",), calibrations=("balanced", "random")),
        {**base, "allocation": "owl"},
    )
    assert len(both.specs) == 2 and both.left_out == ()


def test_impossible_mixes_are_named_and_left_out(tiny_folder, base):
    plan = plan_sweep(
        axes(tiny_folder, patterns=("2:4", "2:5"), calibrations=("balanced", "skewed:nobody")), base
    )
    assert rows(plan) == [(0, "balanced", "wanda", 0.5), (0, "balanced", "wanda", "2:4")]
    reasons = {left.reason.split(":")[0]: left.mixes for left in plan.left_out}
    # Width 16 is no multiple of 5. The group is refused before the pattern is looked at.
    assert reasons == {
        "pattern 2": ("wanda 2:5 · balanced",),
        "unknown group of calibration set 'skewed'": (
            "wanda 50% · skewed:nobody",
            "wanda 2:4 · skewed:nobody",
            "wanda 2:5 · skewed:nobody",
        ),
    }
    uneven = plan_sweep(axes(tiny_folder, patterns=("2:4",)), {**base, "allocation": "owl"})
    assert rows(uneven) == [(0, "balanced", "wanda", 0.5)]
    assert "allocation must be 'uniform'" in uneven.left_out[0].reason


def test_where_nothing_can_run_the_first_reason_is_the_refusal(tiny_folder, base):
    with pytest.raises(BadInput, match="does not exist"):
        plan_sweep(axes("/nowhere/model"), base)
    with pytest.raises(BadInput, match="windows of 20 tokens are too short"):
        plan_sweep(axes(tiny_folder), {**base, "seqlen": 20})
    # A model that cannot be had takes only its own runs out.
    plan = plan_sweep(axes(tiny_folder, models=(str(tiny_folder), "/nowhere/model")), base)
    assert len(plan.specs) == 1
    assert plan.left_out[0].mixes == ("model · wanda 50%",)


def test_a_hub_model_that_cannot_be_had_is_asked_for_once(tiny_folder, base, monkeypatch):
    asked = []

    def refuse(name):
        asked.append(name)
        raise Unavailable(f"{name} cannot be had")

    monkeypatch.setattr("fairprune.catalogue.check", refuse)
    with pytest.raises(Unavailable, match="cannot be had"):
        plan_sweep(axes("owner/model", sparsities=(0.1, 0.2, 0.3)), base)
    assert asked == ["owner/model"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"sparsities": ()}, "no sparsity or pattern"),
        ({"methods": ()}, "no method"),
        ({"seeds": ()}, "no seed"),
        ({"calibrations": ()}, "no calibration set"),
        ({"models": ()}, "no model"),
        ({"methods": ("wnada",)}, "did you mean 'wanda'"),
        # 1 model × 1 method × 1 calibration set × 3 sparsities × 67 seeds = 201
        ({"sparsities": (0.1, 0.2, 0.3), "seeds": tuple(range(67))}, f"has 201 runs, at most {LIMIT}"),
    ],
)
def test_grids_that_cannot_be(tiny_folder, base, values, says):
    with pytest.raises(BadInput, match=says):
        plan_sweep(axes(tiny_folder, **values), base)


def test_options_go_to_the_methods_that_have_them(tiny_folder, base):
    found = options_of(["wanda", "hgla", "magnitude"], {"loss": "all_tokens"})
    assert found == {"wanda": {}, "hgla": {"loss": "all_tokens"}, "magnitude": {}}
    with pytest.raises(BadInput, match="unknown option of the methods wanda"):
        options_of(["wanda"], {"loss": "all_tokens"})
    with pytest.raises(BadInput, match="'loss' of method 'hgla' cannot be 'some'"):
        options_of(["hgla"], {"loss": "some"})
    plan = plan_sweep(axes(tiny_folder, methods=("wanda", "hgla")), base, found)
    assert [spec.pruning.options.get("loss") for spec in plan.specs] == [None, "all_tokens"]


def test_lists_are_repeated_or_separated_by_commas():
    assert list(parts_of(["a, b", "c", ""])) == ["a", "b", "c"]
    assert numbers(["0.1,0.3", "0.5"], float, "sparsity") == (0.1, 0.3, 0.5)
    with pytest.raises(BadInput, match=r"seed '1.5' is not a whole number, such as 0"):
        numbers(["1.5"], int, "seed")


def test_titles():
    few = Axes(("owner/some", "b"), ("wanda",), sparsities=(0.1, 0.5), patterns=("2:4",))
    assert few.title("movies") == "some, b · wanda · 10%, 50%, 2:4 · balanced on movies"
    many = Axes(("m",), ("a", "b", "c", "d"), ("x", "y"), (0.5, 0.1, 0.2, 0.3), seeds=(0, 1))
    assert many.title("c") == "m · 4 methods · 10% to 50% (4) · x, y on c · 2 seeds"
    assert many.to_json()["seed"] == [0, 1]
