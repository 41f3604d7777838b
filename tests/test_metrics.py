"""The contract of the table of metrics: every entry is complete, and copying the source is best."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from fairprune.metrics import METRICS, chosen, fairness_metric, in_order, matcher_names
from fairprune.metrics.coverage import Coverage
from fairprune.metrics.shares import from_shares
from fairprune.spec import MetricSpec

HALF = {"a": Fraction(1, 2), "b": Fraction(1, 2)}
SKEWED = {"a": Fraction(3, 4), "b": Fraction(1, 4)}
ALL_A = {"a": Fraction(1), "b": Fraction(0)}
OF_SHARES = {"bur", "uer", "auc", "sof", "spd2"}
OF_COVERAGE = {
    "ec": "entailment",
    "cp": "entailment",
    "ec_embedding": "similarity",
    "cp_embedding": "similarity",
}


def sample(metric, source, summary):
    """What the metric reads when source and summary have these shares: the shares, or two opinions per group that
    are covered as much as the summary has of the group's share."""
    if metric.name in OF_SHARES:
        return metric.sample(from_shares(("a", "b"), source, summary), MetricSpec())
    covered = [(i, float(summary[group] / source[group])) for i, group in enumerate("ab") for _ in range(2)]
    return metric.sample(Coverage(("a", "b"), tuple(covered)), MetricSpec())


def value(metric, pairs):
    table = np.array([sample(metric, x, y) for x, y in pairs])
    return metric.statistic(np.ones((1, len(pairs))), table)[0]


def test_the_table_holds_the_metrics():
    assert set(METRICS) == OF_SHARES | set(OF_COVERAGE)


def test_coverage_is_scored_only_where_it_is_asked_for():
    assert set(chosen(MetricSpec())) == OF_SHARES
    asked = chosen(MetricSpec(extra=("ec_embedding",)))
    assert set(asked) == OF_SHARES | {"ec_embedding"}
    assert all(METRICS[name].optional == (name in OF_COVERAGE) for name in METRICS)


@pytest.mark.parametrize(
    ("spec", "name", "shown"),
    [
        ({}, "bur", "ngram"),
        ({"extra_stop_words": "people"}, "uer", "ngram (without people)"),
        ({"matcher": "label"}, "sof", "label"),
        ({"matcher": "embedding"}, "auc", "embedding (MiniLM)"),
        ({"matcher": "embedding", "temperature": 2}, "bur", "embedding (MiniLM, T = 2)"),
        ({"matcher": "bertscore"}, "bur", "bertscore (MiniLM)"),
        (
            {"matcher": "bertscore", "matcher_model": "x/roberta-large", "bertscore": "f1"},
            "bur",
            "bertscore (roberta-large, F1)",
        ),
        ({"matcher": "bartscore", "matcher_model": "/models/bart/"}, "bur", "bartscore (bart)"),
        ({"matcher": "embedding"}, "spd2", "label"),
        ({"spd2_source": "gold-source"}, "spd2", "label, gold-source"),
        ({"extra": "ec", "entailment_model": "x/nli"}, "ec", "entailment (nli)"),
        ({"extra": "cp_embedding"}, "cp_embedding", "similarity (MiniLM)"),
    ],
)
def test_the_matcher_is_part_of_the_name(spec, name, shown):
    assert chosen(MetricSpec.model_validate(spec))[name].matcher == shown


def test_different_choices_have_different_names():
    specs = [
        {},
        {"matcher": "embedding"},
        {"matcher": "bertscore"},
        {"matcher": "bertscore", "bertscore": "f1"},
    ]
    assert len({matcher_names(MetricSpec.model_validate(spec))["ngram"] for spec in specs}) == 4


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_texts_are_present(metric):
    for text in (metric.title, metric.definition, metric.formula, metric.source, metric.meaning, metric.unit):
        assert len(text) > 3
    assert metric.definition.endswith(".")
    assert metric.meaning.endswith(".")
    assert "arXiv" in metric.source
    assert metric.formula.count("{") == metric.formula.count("}")


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_direction_unit_and_matcher_are_known(metric):
    assert metric.direction in ("lower", "zero")
    if metric.name in OF_SHARES:
        assert (metric.unit, metric.optional) == ("fraction", False)
        assert metric.matcher == ("label" if metric.name == "spd2" else "ngram")
    else:
        assert metric.matcher == OF_COVERAGE[metric.name]
        assert metric.unit == {"entailment": "probability", "similarity": "cosine"}[metric.matcher]


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_copying_the_sources_shares_reaches_the_best_value(metric):
    assert value(metric, [(HALF, HALF), (SKEWED, SKEWED)]) == metric.best


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_silencing_a_group_is_worse_than_best(metric):
    assert value(metric, [(HALF, ALL_A), (SKEWED, ALL_A)]) > metric.best


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_an_unscored_row_changes_nothing_and_weights_count_samples(metric):
    rows = [sample(metric, *p) for p in ((HALF, SKEWED), (SKEWED, HALF))]
    table = np.array([*rows, [np.nan] * len(rows[0])])
    repeated = np.array([rows[0], rows[0], rows[1]])
    expected = metric.statistic(np.ones((1, 3)), repeated)[0]
    weights = np.array([[2.0, 1.0, 5.0], [0.0, 0.0, 1.0]])
    found = metric.statistic(weights, table)
    assert found[0] == pytest.approx(expected)
    assert np.isnan(found[1])


def test_a_second_use_of_a_name_is_an_error():
    with pytest.raises(ValueError, match="'bur'"):
        fairness_metric(
            name="bur",
            title="t",
            matcher="ngram",
            definition="d",
            formula="f",
            direction="lower",
            best=0,
            source="s",
            meaning="m",
        )(METRICS["uer"].sample)


def test_listing_the_metrics_is_cheap():
    heavy = "torch", "transformers", "sklearn", "nltk", "scipy", "sentence_transformers", "rouge_score"
    code = f"import sys, fairprune.metrics; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_one_order_of_metrics_for_table_terminal_and_page():
    assert list(METRICS)[:5] == ["bur", "uer", "spd2", "sof", "auc"]
    assert in_order(["auc", "new", "uer", "ec", "bur"]) == ["bur", "uer", "auc", "ec", "new"]
