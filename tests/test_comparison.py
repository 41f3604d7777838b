"""Several systems against the first: the same numbers as `evaluate`, in a table and a document."""

from __future__ import annotations

import json

import pytest

from fairprune.comparison import compare, curve_summaries, curves
from fairprune.comparison_text import curve_text
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
    same = found["comparisons"]["pruned"]["metrics"]
    for metrics in (same, own["metrics"]):
        for cells in metrics.values():  # says the systems' own names
            assert cells["difference"].pop("verdict_reason") is not None
    assert same == own["metrics"]
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
    # Nothing was pruned and there is no second model: no sentence speaks of one.
    told = sentences_of(found["comparisons"]["mine"])
    assert "there are no summaries of a second system to compare with" in told
    assert not [text for text in told if "prun" in text or "dense" in text]
    with pytest.raises(BadInput, match="no summaries to score"):
        compare(dataset(), {}, SPEC, None)


def sentences_of(found, key=""):
    """Every sentence of a result for people."""
    if isinstance(found, dict):
        return [text for name, value in found.items() for text in sentences_of(value, name)]
    if isinstance(found, list):
        return [text for value in found for text in sentences_of(value, key)]
    return (
        [found]
        if isinstance(found, str) and key in ("reason", "verdict_reason", "notes", "no_claim", "limit")
        else []
    )


def test_a_baseline_that_supports_no_claim_is_told_of_in_words_that_fit():
    """Its summaries always speak for one group: no fairer than random extracts, whoever wrote them."""
    texts = {"mine": ["good kettle boils fast and well"] * 40, "yours": summaries()["dense"]}
    claim = "mine is not fairer than random extracts of the same length (BUR): "
    pair = compare(dataset(), texts, SPEC, None)["comparisons"]["yours"]
    assert claim + "differences to mine support no claim" in pair["notes"]
    assert claim.removesuffix(": ") == pair["no_claim"][0]
    alone = compare(dataset(), {"mine": texts["mine"]}, SPEC, None)["comparisons"]["mine"]
    assert claim + "the numbers of mine support no claim" in alone["notes"]
    # Fairer, but hardly: ten of forty extracts of that length are unfair.
    care = {"mine": ["bad lid good kettle broke boils"] * 28 + ["good kettle boils fast and well"] * 12}
    found = compare(dataset(), care, SPEC, None)["comparisons"]["mine"]
    told = [text for text in sentences_of(found) if "prun" in text or "dense" in text]
    assert not told


def test_the_document_is_json_without_nan():
    found = json.loads(json.dumps(compare(dataset(), summaries(), SPEC, None), allow_nan=False))
    assert found["kind"] == "fairprune evaluation"
    assert found["data"]["n_samples"] == 40 and found["data"]["n_topics"] == 20


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
    # A system that says the same as the baseline: of UER and SOF nothing varies, which excludes nothing and holds nothing.
    same = curves(dataset(), {"dense": texts["dense"], "same": texts["dense"]}, SPEC, None)
    told = curve_summaries(same)["same"]["uer"]
    assert (told["specifications"], told["intervals"], told["no_interval"]) == (18, 0, 18)
    (why,) = told["reasons"]
    text = curve_text("dense", same)
    assert "the interval excludes zero in 0 of 0 that have one (0 and 0), 18 without an interval" in text
    assert f"  18 × {why}" in text
    assert {row["clear"] for row in same["same"]["uer"]} == {None}
    assert {row["clear"] for row in same["same"]["bur"]} == {False}
    with pytest.raises(BadInput, match="give --summaries of another one"):
        curves(dataset(), {"dense": texts["dense"]}, SPEC, None)
