"""The contract of the table of metrics: every entry is complete, and copying the source is best."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from fairprune.metrics import METRICS, fairness_metric
from fairprune.metrics.shares import from_shares
from fairprune.spec import MetricSpec

HALF = {"a": Fraction(1, 2), "b": Fraction(1, 2)}
SKEWED = {"a": Fraction(3, 4), "b": Fraction(1, 4)}
ALL_A = {"a": Fraction(1), "b": Fraction(0)}


def value(metric, pairs):
    table = np.array([metric.sample(from_shares(("a", "b"), x, y), MetricSpec()) for x, y in pairs])
    return metric.statistic(np.ones((1, len(pairs))), table)[0]


def test_the_table_holds_the_metrics():
    assert set(METRICS) == {"bur", "uer", "auc", "sof", "spd2"}


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
    assert metric.unit == "fraction"
    assert metric.matcher in ("ngram", "label")


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_copying_the_sources_shares_reaches_the_best_value(metric):
    assert value(metric, [(HALF, HALF), (SKEWED, SKEWED)]) == metric.best


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_silencing_a_group_is_worse_than_best(metric):
    assert value(metric, [(HALF, ALL_A), (SKEWED, ALL_A)]) > metric.best


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_an_unscored_row_changes_nothing_and_weights_count_samples(metric):
    rows = [
        metric.sample(from_shares(("a", "b"), *p), MetricSpec()) for p in ((HALF, SKEWED), (SKEWED, HALF))
    ]
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
