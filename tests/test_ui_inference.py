"""Verdicts and references as HTML."""

import pytest

from fairprune.evaluate import evaluate
from fairprune.spec import MetricSpec
from fairprune.tables import verdict_lines
from fairprune.ui import inference
from tests.test_evaluate import BOTH, FRESH, INFO, make_set

SETS = [make_set(i) for i in range(40)]


@pytest.fixture(scope="module")
def evaluation():
    texts = {"dense": [BOTH] * 40, "pruned": [FRESH] * 30 + [BOTH] * 10}
    return evaluate(SETS, texts, INFO, MetricSpec(resamples=200), None)


def test_verdicts_stand_with_margin_and_p(evaluation):
    found = inference.verdict_table(evaluation["metrics"])
    for words in (
        "<b>worse</b>",
        "primary",
        "exploratory",
        "5.0 points",
        "Holm 0.010",
        "+75.0 to +75.0 points",
    ):
        assert words in found
    # SPD2 has no labels: no verdict, and why
    assert "there are not both dense and pruned summaries with this metric" in found


def test_a_demonstration_has_no_verdict_words():
    few = evaluate(
        SETS[:8], {"dense": [BOTH] * 8, "pruned": [FRESH] * 8}, INFO, MetricSpec(resamples=100), None
    )
    found = inference.verdict_table(few["metrics"])
    assert "demonstration, no inference" in found
    assert not any(word in found for word in ("better", "non-inferior", "worse", "undecided"))
    assert any("at 8 topics intervals cover" in line for line in inference.limits(few["metrics"]))


def test_references_say_whether_a_metric_is_valid_here(evaluation):
    found = inference.reference_table(evaluation["metrics"], evaluation["validity"])
    assert "<b>valid</b><small>in 100.0" in found
    assert all(head in found for head in inference.REFERENCES.values())
    broken = {
        **evaluation["validity"],
        "bur": {**evaluation["validity"]["bur"], "valid": False, "share": 0.5},
        "uer": {"share": None, "reason": "<b>why</b>"},
    }
    found = inference.reference_table(evaluation["metrics"], broken)
    assert "not valid here" in found
    assert "&lt;b&gt;why" in found


def test_runs_of_earlier_versions_show_nothing():
    cell = {"value": 0.1, "low": None, "high": None, "n": 3, "n_unscored": 0}
    old = {"metrics": {"bur": {"dense": cell, "pruned": cell, "difference": cell}}}
    assert inference.sections(old) == []
    assert verdict_lines(old["metrics"], {}) == []


def test_sections(evaluation):
    titles = [title for title, _, _ in inference.sections(evaluation)]
    assert titles == ["What may be concluded?", "Beside fair and unfair by construction"]


def test_lines_for_a_terminal(evaluation):
    lines = verdict_lines(evaluation["metrics"], evaluation["validity"])
    line = next(line for line in lines if line.startswith("bur"))
    for words in ("worse", "primary", "p 0.010, Holm 0.010", "margin 5 points", "valid (100% of resamples)"):
        assert words in line
    assert "no verdict (there are not both" in next(line for line in lines if line.startswith("spd2"))
