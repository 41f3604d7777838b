"""Which reader takes a file, and that the same data in other formats scores the same."""

from __future__ import annotations

import json

import pytest

from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.literature import Columns, load
from fairprune.literature.build import MAX_SAMPLES, Sample, build
from fairprune.spec import MetricSpec
from tests.conftest import DATA

FOLDER = DATA / "literature"


@pytest.mark.parametrize(
    ("file", "attribute", "name"),
    [
        ("fairsumm.json", "sentiment", "fairsumm:sentiment"),
        ("hgla.jsonl", "label", "hgla:label"),
        ("hgla.csv", "label", "hgla:label"),
    ],
)
def test_the_format_is_found(file, attribute, name):
    assert load(str(FOLDER / file), attribute).info.name == name


def test_the_format_is_asked_for():
    with pytest.raises(BadInput, match="unknown column 'input'"):
        load(str(FOLDER / "table.csv"), "mood", "hgla")
    with pytest.raises(BadInput, match="unknown format 'fairsum': did you mean 'fairsumm'"):
        load(str(FOLDER / "table.csv"), "mood", "fairsum")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(BadInput, match="No such file"):
        load(str(tmp_path / "none.json"), "x")
    with pytest.raises(BadInput, match="cannot be read"):
        load(str(tmp_path), "x")


def test_the_same_opinions_score_the_same_in_every_format(tmp_path):
    """Two samples by hand. 1: pos 'good kettle' (2 tokens), neg 'lid broke' (2); summary 'good kettle': shares (1, 0)
    against (.5, .5): BUR 1, UER .25. 2: pos 'bright lamp', neg 'loose switch', all words: BUR 0, UER 0. Means .5, .125."""
    samples = [
        ([("good kettle", "pos"), ("lid broke", "neg")], "good kettle"),
        ([("bright lamp", "pos"), ("loose switch", "neg")], "bright lamp loose switch"),
    ]
    (tmp_path / "a.json").write_text(
        json.dumps(
            [
                {"units": [{"text": t, "value": {"side": g}} for t, g in units], "sum": s}
                for units, s in samples
            ]
        )
    )
    (tmp_path / "b.jsonl").write_text(
        "".join(
            json.dumps({"input": " || ".join(t for t, _ in units), "side": [g for _, g in units], "sum": s})
            + "\n"
            for units, s in samples
        )
    )
    lines = ["text,side,sample,sum"]
    lines += [f"{t},{g},{i},{s}" for i, (units, s) in enumerate(samples) for t, g in units]
    (tmp_path / "c.csv").write_text("\n".join(lines))
    for name, groups in (("a.json", ("neg", "pos")), ("b.jsonl", ("neg", "pos")), ("c.csv", ("neg", "pos"))):
        data = load(str(tmp_path / name), "side", columns=Columns())
        assert data.info.groups == groups
        metrics = evaluate(data.sets, {"dense": data.summaries["sum"]}, data.info, MetricSpec(), None)[
            "metrics"
        ]
        assert metrics["bur"]["dense"]["value"] == 0.5
        assert metrics["uer"]["dense"]["value"] == 0.125


def test_more_samples_than_are_read():
    one = Sample("sample 1", "", "", [("a b", "x"), ("c d", "y")])
    with pytest.raises(BadInput, match="100,001 samples, more than 100,000"):
        build("n", "t", "side", ("x", "y"), [one] * (MAX_SAMPLES + 1), noun="review", source="s")


def test_a_hundred_thousand_samples_are_read():
    one = Sample("sample 1", "", "", [("a b", "x"), ("c d", "y")])
    data = build("n", "t", "side", ("x", "y"), [one] * MAX_SAMPLES, noun="review", source="s")
    assert len(data.sets) == MAX_SAMPLES and len(set(data.ids)) == MAX_SAMPLES
