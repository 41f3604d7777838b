"""Several systems against the first: the same numbers as `evaluate`, in a table and a document."""

from __future__ import annotations

import json

import pytest

from fairprune.comparison import compare, comparison_table, curve_text, curves
from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.literature.build import Sample, build
from fairprune.spec import MetricSpec

SPEC = MetricSpec(resamples=200)


def dataset(n=40):
    """Good and bad words in equal number; every third sample has another topic than its neighbours."""
    samples = [
        Sample(f"sample {i}", f"case-{i}", f"topic {i // 2}", [("good kettle boils fast", "good"), ("bad lid broke soon", "bad")])
        for i in range(n)
    ]  # fmt: skip
    return build("t:side", "toys", "side", ("good", "bad"), samples, noun="review", source="tests")


def summaries(n=40):
    fair, unfair = "good kettle boils but bad lid broke", "good kettle boils fast and well"
    return {
        "dense": [fair] * n,
        "pruned": [unfair if i % 4 == 0 else fair for i in range(n)],
        "mute": [None] * n,
    }


def result(n=40):
    texts = summaries(n)
    return compare(
        dataset(n), {name: texts[name] for name in ("dense", "pruned")}, SPEC, None, reason="none given"
    )


def test_each_system_is_scored_as_evaluate_scores_it():
    data, texts = dataset(), summaries()
    found = compare(data, texts, SPEC, None)
    assert list(found["comparisons"]) == ["pruned", "mute"] and found["baseline"] == "dense"
    own = evaluate(data.sets, {"dense": texts["dense"], "pruned": texts["pruned"]}, data.info, SPEC, None)
    assert found["comparisons"]["pruned"]["metrics"] == own["metrics"]
    # 10 of 40 summaries say good words alone: shares (1, 0) against (.5, .5)
    assert own["metrics"]["bur"]["pruned"]["value"] == 0.25
    assert own["metrics"]["bur"]["difference"]["value"] == 0.25
    row = found["samples"][4]
    assert row["id"] == "case-4" and row["topic"] == "topic 2"
    assert row["scores"]["pruned"]["bur"] == 1 and row["scores"]["dense"]["bur"] == 0
    assert row["scores"]["mute"]["unscored"] == "no summary written" and row["texts"]["mute"] is None


def test_one_system_alone():
    found = compare(dataset(), {"mine": summaries()["pruned"]}, SPEC, None)
    assert list(found["comparisons"]) == ["mine"] and found["systems"] == ["mine"]
    assert found["comparisons"]["mine"]["metrics"]["bur"]["dense"]["value"] == 0.25
    assert "mine" in comparison_table(found)
    with pytest.raises(BadInput, match="no summaries to score"):
        compare(dataset(), {}, SPEC, None)


def test_the_document_is_json_without_nan():
    found = json.loads(json.dumps(compare(dataset(), summaries(), SPEC, None), allow_nan=False))
    assert found["kind"] == "fairprune evaluation"
    assert found["data"]["n_samples"] == 40 and found["data"]["n_topics"] == 20


def test_the_table_names_systems_and_what_is_missing():
    found = compare(dataset(), summaries(), SPEC, None, reason="no group classifier: give --train")
    text = comparison_table(found)
    lines = text.splitlines()
    assert lines[0] == "toys   groups good, bad   40 samples, 20 topics"
    rows = [line.split() for line in lines]
    bur = next(i for i, row in enumerate(rows) if row[:1] == ["bur"])
    assert rows[bur + 1][:2] == ["dense", "0.0%"] and rows[bur + 2][:2] == ["pruned", "25.0%"]
    assert "+25.0" in rows[bur + 2]
    assert rows[bur + 3][0] == "mute" and rows[bur + 3][1] == "–" and rows[bur + 3][-2:] == ["40", "–"]
    assert "spd2 (label)  – missing: no group classifier: give --train" in text
    assert "note     40 of the summaries of mute unscored: no summary written" in text


def test_a_degenerate_system_is_warned_of_first():
    found = compare(dataset(), {"dense": summaries()["dense"], "broken": [""] * 40}, SPEC, None)
    assert (
        "WARNING  100% of the summaries of broken are degenerate" in comparison_table(found).splitlines()[2]
    )


def test_truncation_marks_reach_the_quality_table():
    systems = {"dense": summaries()["dense"], "asked": summaries()["pruned"]}
    found = compare(dataset(), systems, SPEC, None, truncated={"asked": [True] * 10 + [False] * 30})
    quality = found["comparisons"]["asked"]["quality"]["truncated"]
    assert quality["pruned"]["value"] == 0.25 and quality["dense"]["value"] is None


def test_specification_curves_of_every_other_system():
    texts = summaries()
    systems = {"dense": texts["dense"], "pruned": texts["pruned"]}
    found = curves(dataset(), systems, SPEC, None)
    assert list(found) == ["pruned"] and list(found["pruned"]) == ["bur", "uer", "sof"]
    # The candidate is unfair in 10 of 40 samples; only where a tie at tau = 1 is unfair is every summary unfair.
    rows = found["pruned"]["bur"]
    assert {(row["difference"], row["tau"] == "1" and row["ties"] == "le") for row in rows} == {
        (0.25, False),
        (0.0, True),
    }
    text = curve_text("dense", found)
    n, equal = len(rows), sum(row["difference"] == 0 for row in rows)
    assert f"bur: pruned fairer in 0, dense in {n - equal} of {n} specifications" in text
    assert "median difference +25.0 points" in text
    with pytest.raises(BadInput, match="give --summaries of another one"):
        curves(dataset(), {"dense": texts["dense"]}, SPEC, None)
