"""Which reader takes a file, and that the same data in other formats scores the same."""

from __future__ import annotations

import json
import pickle

import pytest

from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.literature import Columns, load
from fairprune.literature.build import MAX_SAMPLES, Sample, build
from fairprune.literature.summaries import find
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


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.parquet", "a.txt"])
def test_a_pickle_is_known_by_its_first_bytes(tmp_path, name):
    file = tmp_path / name
    file.write_bytes(pickle.dumps([{"units": []}]))
    with pytest.raises(BadInput, match=f"{name} is a pickle") as refused:
        load(str(file), "side")
    assert f"pandas.read_pickle({str(file)!r})" in str(refused.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (["a"], r"""line 2 has a list, \["a"\]: write the text itself"""),
        ({"x": 1}, """line 2 has an object, {"x": 1}"""),
    ],
)
def test_a_column_with_a_list_or_an_object_is_refused_when_it_is_asked_for(tmp_path, value, said):
    hgla = [
        {"input": "good lid || bad lid", "label": ["g", "b"], "fine": "x", "odd": odd} for odd in ("x", value)
    ]
    rows = [
        {"text": f"{side} lid", "label": side, "sample": str(i), "fine": "x", "odd": odd}
        for i, odd in enumerate(("x", value))
        for side in ("good", "bad")
    ]
    (tmp_path / "h.jsonl").write_text("\n".join(map(json.dumps, hgla)), encoding="utf-8")
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    for name, where in (("h", "line 2"), ("t", "line 3")):
        data = load(str(tmp_path / f"{name}.jsonl"), "label")
        assert data.summaries == {"fine": ["x", "x"]}
        assert find("fine", data)[1] == ["x", "x"]
        with pytest.raises(
            BadInput, match=f"'odd' of {name}.jsonl holds no summaries: {said.replace('line 2', where)}"
        ):
            find("odd", data)


def test_a_summary_column_of_numbers_is_refused_when_it_is_asked_for(tmp_path):
    file = tmp_path / "rated.csv"
    file.write_text("text,side,sample,stars\ngood lid,x,1,4\nbad lid,y,1,4\n", encoding="utf-8")
    data = load(str(file), "side")  # the table may have such a column
    with pytest.raises(BadInput, match=r"the field 'stars' of rated\.csv are numbers, such as '4'"):
        find("stars", data)
