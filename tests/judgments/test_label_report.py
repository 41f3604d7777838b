"""What a paper says of labels: every number with its n and interval, or the reason why there is none."""

from dataclasses import replace

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.bias import REGISTERED
from fairprune.judgments.closed import read_closed, reported_spd2
from fairprune.judgments.label_errors import Against
from fairprune.judgments.label_report import (
    ACCURACY_HEADS,
    AGAINST_HEADS,
    SPD2_HEADS,
    accuracy_rows,
    against_rows,
    label_findings,
    label_methods,
    matrix_table,
    meaning,
    reported_text,
    spd2_rows,
)
from fairprune.judgments.label_results import results_of_labels
from fairprune.judgments.labelling import LABEL
from fairprune.judgments.measured import Measured
from fairprune.judgments.results import flow_in
from fairprune.store import open_store
from tests.closed import SYSTEMS, study_of_labels


@pytest.fixture(scope="module")
def filled():
    with open_store("sqlite://") as store:
        closed = read_closed(store, study_of_labels(store))
        reported = reported_spd2(store, closed)
    found = results_of_labels(closed, resamples=100)
    return closed, reported, found.selections[REGISTERED].questions[LABEL]


def test_the_methods_say_what_was_frozen(filled):
    closed, _, _ = filled
    design, frozen = closed.promise
    text = label_methods(design, frozen, flow_in(closed, closed.rules), closed.given)
    assert "8 of 8 of dense, 8 of 8 of wanda 50 %" in text and "16 items with 3 labels each" in text
    assert "3 gave answers; the registered rules left out 1 of them, and 2 were analysed" in text
    assert "fresh, rotten, several groups or no group" in text and frozen.digest in text
    assert "took less than 2 s" in text and "a margin of 0.1" in text
    with pytest.raises(BadInput, match="report what was frozen"):
        label_methods(
            design.model_copy(update={"items": 3}), frozen, flow_in(closed, closed.rules), closed.given
        )


def test_findings_have_numbers_and_reasons(filled):
    _, _, found = filled
    told = label_findings(found, 0.1)
    assert "raw agreement 1.00" in told[0] and "16 sentences" in told[0] and "2 repeats" in told[0]
    assert any(one.startswith("wanda 50 %: classifier and people agree on") for one in told)
    assert told[-1].startswith("wanda 50 % against dense: of a difference in SPD2")
    assert "demonstration" in told[-1]  # eight samples


def test_tables_fit_their_heads(filled):
    _, reported, found = filled
    assert {len(row) for row in accuracy_rows(found)} == {len(ACCURACY_HEADS)}
    assert {len(row) for row in spd2_rows(found, reported)} == {len(SPD2_HEADS)}
    assert {len(row) for row in against_rows(found.against, 0.1)} == {len(AGAINST_HEADS)}
    heads, rows = matrix_table(found.confusion[SYSTEMS[1]])
    assert heads[1:5] == [f"Classifier: {name}" for name in ("fresh", "rotten", "several groups", "no group")]
    assert {len(row) for row in rows} == {len(heads)}
    assert rows[0][-1] == "8" and "[" in rows[0][-2] and rows[1][-2] == "nobody gave this label"


def test_spd2_of_the_run_stands_beside(filled):
    closed, reported, _ = filled
    assert set(reported) == {"dense", SYSTEMS[1]}
    with open_store("sqlite://") as store:
        again = read_closed(store, study_of_labels(store))
        evaluation = store.result(again.runs[SYSTEMS[1]], "evaluation")
    assert reported[SYSTEMS[1]]["value"] == evaluation["metrics"]["spd2"]["pruned"]["value"]
    assert (
        reported_text({"value": 0.5, "low": 0.25, "high": 0.75, "n": 8}) == "0.50 [0.25, 0.75], n = 8 samples"
    )
    assert reported_text(None) == "not stored"
    assert reported_text({"value": None, "reason": "no label"}) == "not defined (no label)"
    assert closed.label


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [(-0.03, 0.04, "within the margin"), (0.06, 0.2, "beyond the margin"), (0.0, 0.2, "undecided")],
)
def test_what_errors_mean_claims_no_more_than_the_interval(low, high, says):
    value = Measured(0.01, low, high, 80, 40)
    assert says in meaning(Against("wanda", "dense", value, value), 0.05)
    assert "demonstration" in meaning(Against("wanda", "dense", value, replace(value, n_clusters=8)), 0.05)
