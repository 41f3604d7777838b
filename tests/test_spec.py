"""Specs: what is refused and how, identity, defaults."""

from __future__ import annotations

import pytest

from fairprune.errors import BadInput
from fairprune.spec import PRESETS, EvaluationSpec, RunSpec, build, parse_calibration, parse_pattern


def spec(**parts) -> RunSpec:
    values = {"model": {"name": "m"}, "pruning": {"method": "wanda"}, "calibration": {}, "evaluation": {}}
    return build(**{**values, **parts})


def test_equal_specs_have_equal_ids_and_any_change_another():
    assert spec().id == spec().id == RunSpec.model_validate_json(spec().model_dump_json()).id
    others = [
        spec(model={"name": "n"}),
        spec(pruning={"method": "wanda", "sparsity": 0.4}),
        spec(pruning={"method": "wanda", "options": {"propagate": "dense"}}),
        spec(calibration={"seed": 1}),
        spec(evaluation={"samples": 9}),
        spec(metrics={"ties": "le"}),
        spec(device="cuda"),
    ]
    assert len({one.id for one in [spec(), *others]}) == 1 + len(others)


def test_a_default_written_out_is_the_same_run():
    assert (
        spec(pruning={"method": "wanda", "sparsity": 0.5, "options": {"propagate": "pruned"}}).id == spec().id
    )


def test_options_are_typed_from_text():
    found = spec(pruning={"method": "hgla", "options": {"exponent": "2"}})
    assert found.pruning.options == {
        "loss": "last_token",
        "aggregate": "l2",
        "propagate": "dense",
        "exponent": 2.0,
    }


def test_a_pattern_fixes_the_sparsity():
    found = spec(pruning={"method": "wanda", "pattern": " 2:4 "}).pruning
    assert (found.pattern, found.sparsity) == ("2:4", 0.5)


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"pruning": {"method": "wnada"}}, "unknown method 'wnada': did you mean 'wanda'"),
        (
            {"pruning": {"method": "wanda", "sparsity": 1.0}},
            r"pruning.sparsity cannot be 1.0: .*less than 1.*\[0, 1\)",
        ),
        ({"pruning": {"method": "wanda", "sparsity": -0.1}}, "pruning.sparsity cannot be -0.1"),
        ({"pruning": {"method": "wanda", "sparsity": float("nan")}}, "pruning.sparsity cannot be nan"),
        ({"pruning": {"method": "wanda", "pattern": "4:2"}}, "pattern '4:2' is not n:m with 0 < n < m"),
        (
            {"pruning": {"method": "wanda", "pattern": "2:4", "sparsity": 0.6}},
            "drops 0.5 of the weights, but sparsity 0.6",
        ),
        (
            {"pruning": {"method": "wanda", "pattern": "2:4", "allocation": "global"}},
            "allocation must be 'uniform'",
        ),
        ({"pruning": {"method": "wanda", "options": {"propgate": "dense"}}}, "did you mean 'propagate'"),
        (
            {"pruning": {"method": "random", "options": {"seed": -1}}},
            "option 'seed' of method 'random' cannot be -1",
        ),
        (
            {"pruning": {"method": "hgla", "options": {"loss": "summary_tokens"}}},
            "exists only with the calibration set model-output",
        ),
        ({"calibration": {"name": "balancd"}}, "unknown calibration set 'balancd': did you mean 'balanced'"),
        ({"calibration": {"name": "skewed"}}, "needs a group"),
        ({"calibration": {"name": "model-output:nice"}}, "model-output:fair or model-output:unfair"),
        ({"calibration": {"name": "balanced:x"}}, "takes nothing after it"),
        ({"calibration": {"samples": 0}}, "calibration.samples cannot be 0"),
        ({"evaluation": {"batch": 3}}, "evaluation.batch cannot be 3"),
        ({"evaluation": {"perplexity_windows": 0}}, "evaluation.perplexity_windows cannot be 0"),
        ({"evaluation": {"perplexity_tokens": 4}}, "perplexity_tokens cannot be 4: .*Tokens per window"),
        ({"metrics": {"tau": "1.5"}}, r"tau '1.5' is outside \[0, 1\]"),
        ({"metrics": {"tau": "four fifths"}}, "such as 0.8 or 4/5"),
    ],
)
def test_what_is_refused_says_what_would_be_right(parts, says):
    with pytest.raises(BadInput, match=says):
        spec(**parts)


def test_calibration_groups_are_checked_against_the_corpus():
    assert parse_calibration("skewed:fresh", ("fresh", "rotten")) == ("skewed", "fresh")
    with pytest.raises(BadInput, match="did you mean 'fresh'"):
        parse_calibration("one-group:frsh", ("fresh", "rotten"))


def test_patterns():
    assert parse_pattern("4:8") == (4, 8)
    for bad in ("0:4", "4:4", "a:b", "2", "2:65", ""):
        with pytest.raises(BadInput, match="n:m"):
            parse_pattern(bad)


def test_quick_reads_at_most_two_windows_of_128_tokens_per_text():
    quick, standard, paper = (PRESETS[name]["evaluation"] for name in ("quick", "standard", "paper"))
    assert (quick["perplexity_windows"], quick["perplexity_tokens"]) == (1, 128)
    assert (standard["perplexity_windows"], standard["perplexity_tokens"]) == (16, 512)
    assert (paper["perplexity_windows"], paper["perplexity_tokens"]) == (None, 2048)
    defaults = EvaluationSpec()
    assert (defaults.perplexity_windows, defaults.perplexity_tokens) == (2, 128)


def test_a_seed_that_no_generator_takes_is_refused():
    with pytest.raises(BadInput, match="seed cannot be 4294967296"):
        spec(calibration={"seed": 2**32})
    assert spec(calibration={"seed": 2**32 - 1}).calibration.seed == 2**32 - 1
