"""Verdicts and references as HTML."""

import pytest

from fairprune.evaluate import evaluate
from fairprune.spec import MetricSpec
from fairprune.tables import verdict_lines
from fairprune.ui import inference
from fairprune.uncertainty import VERDICTS
from tests.test_evaluate import BOTH, FRESH, INFO, make_set

SETS = [make_set(i) for i in range(40)]


@pytest.fixture(scope="module")
def evaluation():
    texts = {"dense": [BOTH] * 40, "pruned": [FRESH] * 30 + [BOTH] * 10}
    return evaluate(SETS, texts, INFO, MetricSpec(resamples=200), None)


def test_verdicts_stand_with_margin_and_p(evaluation):
    found = inference.verdict_table(evaluation["metrics"], evaluation["validity"])
    for words in (
        "<i>▼</i>worse</span><small>n = 40 paired</small>",
        "primary",
        "exploratory",
        "5.0 points",
        "Holm 0.010",
        "<b>+75.0 to +75.0</b><small>points, n = 40</small>",
        "<b>valid</b><small>oracle &lt; random &lt; one group in 100",
    ):
        assert words in found, words
    # SPD2 has no labels: one cell says why, over all columns
    assert 'colspan="6"' in found and "no group classifier was given" in found
    assert inference.no_verdicts(evaluation["metrics"]) == []


def test_every_verdict_has_its_chip_and_its_words():
    assert set(inference.CHIPS) == set(VERDICTS)
    assert {word.lower() for word in inference.WORDS} >= set(VERDICTS)
    assert len({symbol for _, symbol in inference.CHIPS.values()}) == len(VERDICTS)  # not by colour alone
    assert inference.words_list().count("<dt>") == len(inference.WORDS)
    assert inference.verdict_chip({"verdict": None}) == "" == inference.verdict_chip({})


def test_a_demonstration_has_no_verdict_words():
    few = evaluate(
        SETS[:8], {"dense": [BOTH] * 8, "pruned": [FRESH] * 8}, INFO, MetricSpec(resamples=100), None
    )
    found = inference.verdict_table(few["metrics"], few["validity"])
    assert not any(word in found for word in ("better", "non-inferior", "worse", "undecided"))
    reasons = inference.no_verdicts(few["metrics"])
    assert "BUR, UER, SOF, AUC: demonstration, no inference" in reasons
    assert any("at 8 topics intervals cover" in line for line in inference.limits(few["metrics"]))


def test_limits_name_a_metric_once_where_all_its_intervals_share_one():
    def cells(*limits):
        return {
            name: {"limit": limit}
            for name, limit in zip(("dense", "pruned", "difference"), limits, strict=True)
        }

    metrics = {
        "uer": cells("few", "few", "few"),
        "bur": cells("few", None, "rare"),
        "sof": cells(None, None, None),
    }
    assert inference.limits(metrics) == ["BUR dense, UER: few", "BUR difference: rare"]


def test_a_difference_that_cannot_be_is_not_called_detectable(evaluation):
    cells = evaluation["metrics"]["bur"]
    # 172 points: of a rate there are no more than 100
    few = {**cells, "difference": {**cells["difference"], "smallest_detectable": 1.727}}
    found = inference.verdict_table({"bur": few}, {})
    assert "<b>–</b><small>none: larger than any difference</small>" in found and "172" not in found
    assert "detectable: no difference that there can be" in verdict_lines({"bur": few}, {})[0]


def test_a_reason_stands_in_the_row_where_others_have_a_verdict(evaluation):
    cells = evaluation["metrics"]["uer"]
    why = {**cells["difference"], "verdict": None, "verdict_reason": "<i>no margin</i>", "margin": None}
    found = inference.verdict_table({**evaluation["metrics"], "uer": {**cells, "difference": why}}, {})
    assert "<small>&lt;i&gt;no margin&lt;/i&gt;</small>" in found and "none given" in found
    assert "<b>–</b><small>not computed</small>" in found  # validity


def test_a_signed_metric_is_judged_by_its_distance(evaluation):
    cells = evaluation["metrics"]["bur"]
    distance = {"value": -0.25, "low": -0.5, "high": 0.0, "limit": None}
    signed = {**cells, "difference": {**cells["difference"], "distance": distance}}
    quiet = {system: {**signed[system], "limit": None} for system in ("dense", "pruned", "difference")}
    assert inference.limits({"spd2": quiet}) == []
    few = {**quiet["difference"], "distance": {**distance, "limit": "few changed"}}
    assert inference.limits({"spd2": {**quiet, "difference": few}}) == ["SPD2 distance from 0: few changed"]
    found = inference.verdict_table({"spd2": signed}, {})
    assert "judged by its distance from 0: −0.25, 95 %: −0.50 to +0.00" in found


def test_references_and_whether_a_metric_is_valid_here(evaluation):
    found = inference.reference_table(evaluation["metrics"])
    assert all(head in found for head in inference.REFERENCES.values())
    broken = {
        **evaluation["validity"],
        "bur": {**evaluation["validity"]["bur"], "valid": False, "share": 0.77},
        "uer": {"share": None, "reason": "<b>why</b>"},
    }
    found = inference.verdict_table(evaluation["metrics"], broken)
    assert "<b>not valid here</b><small>oracle &lt; random &lt; one group in 77" in found
    assert "&lt;b&gt;why" in found


def test_missing_references_are_a_dash(evaluation):
    cells = dict(evaluation["metrics"]["bur"])
    del cells["first"]
    assert "<b>–</b><small>not computed</small>" in inference.reference_table({"bur": cells})


def test_runs_of_earlier_versions_show_nothing():
    cell = {"value": 0.1, "low": None, "high": None, "n": 3, "n_unscored": 0}
    old = {"bur": {"dense": cell, "pruned": cell, "difference": cell, "random": cell}}
    assert inference.verdict_table(old, {}) == "" == inference.reference_table(old)
    assert inference.no_verdicts(old) == []
    assert verdict_lines(old, {}) == []


def test_lines_for_a_terminal(evaluation):
    lines = verdict_lines(evaluation["metrics"], evaluation["validity"])
    line = next(line for line in lines if line.startswith("bur"))
    for words in ("worse", "primary", "p 0.010, Holm 0.010", "margin 5 points", "valid (100% of resamples)"):
        assert words in line
    assert "no verdict (no group classifier was given)" in next(
        line for line in lines if line.startswith("spd2")
    )
