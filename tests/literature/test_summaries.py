"""Summaries as fields and as files."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re

import pandas as pd
import pytest

from fairprune.errors import BadInput
from fairprune.literature import fairsumm
from fairprune.literature.summaries import find
from tests.conftest import DATA

FOLDER = DATA / "literature"


@pytest.fixture
def data():
    file = FOLDER / "fairsumm.json"
    return fairsumm.read(file.name, file.read_bytes(), "sentiment")


def test_a_field_with_and_without_a_label(data):
    assert find("pruned", data) == ("pruned", data.summaries["pruned"])
    assert find("tiny=pruned", data)[0] == "tiny"


def test_text_line_by_line(data):
    label, texts = find(str(FOLDER / "dense.txt"), data)
    assert label == "dense" and texts == data.summaries["dense"]


def test_lines_with_ids_in_another_order(data):
    assert find(f"a={FOLDER / 'pruned.jsonl'}", data) == ("a", data.summaries["pruned"])


def test_published_predictions_are_json_in_a_text_file(data, tmp_path):
    file = tmp_path / "predictions.txt"
    lines = [{"input": "…", "prediction": {"text": f"summary {i}"}} for i in range(6)]
    file.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert find(str(file), data)[1][5] == "summary 5"


def test_json_csv_and_parquet(data, tmp_path):
    mapped = {name: f"of {name}" for name in data.ids[:5]}  # one has none
    (tmp_path / "a.json").write_text(json.dumps(mapped), encoding="utf-8")
    assert find(str(tmp_path / "a.json"), data)[1] == [f"of {name}" for name in data.ids[:5]] + [None]
    (tmp_path / "b.json").write_text(json.dumps(["x", None, "", "y", "z", "w"]), encoding="utf-8")
    assert find(str(tmp_path / "b.json"), data)[1] == ["x", None, "", "y", "z", "w"]
    frame = pd.DataFrame({"id": reversed(data.ids), "summary": list("abcdef")})
    frame.to_csv(tmp_path / "c.csv", index=False)
    frame.to_parquet(tmp_path / "c.parquet")
    for suffix in ("csv", "parquet"):
        assert find(str(tmp_path / f"c.{suffix}"), data)[1] == list("fedcba")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.txt", "one\ntwo\n", "a.txt has 2 summaries for 6 samples"),
        ("a.jsonl", '{"id": "lamp-1", "text": "x"}\n{"id": "lamp-1", "text": "y"}\n', "line 2 of a.jsonl: the id 'lamp-1' was there"),
        ("a.jsonl", '{"id": "lump-1", "text": "x"}\n', "unknown sample in line 1 of a.jsonl: 'lump-1': did you mean 'lamp-1'"),
        ("a.jsonl", '{"words": "x"}\n', "line 1 of a.jsonl has no summary: name its field prediction, summary, text or output"),
        ("a.jsonl", "{\n", "line 1 of a.jsonl is not JSON"),
        ("a.json", "[1, 2]", "summary 1 of a.json is 1, not a text: write the summary as a text"),
        ("a.json", '{"lamp-1": {"x": 1}}', r"""'lamp-1' of a.json is {"x": 1}, an object without 'text'"""),
        ("a.json", '{"lamp-1": ["a"]}', r"""'lamp-1' of a.json is \["a"\], a list"""),
        ("a.jsonl", '{"prediction": {"x": 1}}\n', r"""line 1 of a.jsonl is {"x": 1}, an object without 'text'"""),
        ("a.jsonl", '{"prediction": ["a"]}\n', r"""line 1 of a.jsonl is \["a"\], a list"""),
        ("a.json", "3", "a.json holds '3'"),
        ("a.pkl", "x", "a.pkl is a pickle"),
        ("a.xlsx", "x", "ends in '.xlsx'"),
        ("a.json", '["\\ud83d", "", "", "", "", ""]', "summary 1 of a.json has half a character"),
    ],
)  # fmt: skip
def test_what_is_refused(data, tmp_path, name, text, said):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        find(str(tmp_path / name), data)


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.txt", "a.csv", "a.parquet"])
def test_a_pickle_under_another_name_is_a_pickle(data, tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps(["x"] * 6))
    with pytest.raises(BadInput, match=f"{name} is a pickle.*\nimport pandas\npandas.read_pickle"):
        find(str(tmp_path / name), data)


def test_lists_and_objects_in_the_cells_of_a_table_are_no_texts(data, tmp_path):
    for value, said in ((["a"], 'a list, ["a"]'), ({"x": 1}, 'an object, {"x": 1}')):
        frame = pd.DataFrame({"id": data.ids, "summary": [None, value, *[None] * 4]})
        frame.to_parquet(tmp_path / "a.parquet")
        with pytest.raises(
            BadInput, match=re.escape(f"'summary' of a.parquet holds no summaries: row 2 has {said}")
        ):
            find(str(tmp_path / "a.parquet"), data)


NUMBERS = ["4", "4.5", "", "1e3", "-2", "85 %"]


def test_a_column_of_numbers_holds_no_summaries(data, tmp_path):
    pd.DataFrame({"summary": NUMBERS}).to_csv(tmp_path / "a.csv", index=False)
    pd.DataFrame({"summary": [1.0, 2.5, None, 4, 5, 6]}).to_parquet(tmp_path / "b.parquet")
    (tmp_path / "c.txt").write_text("1\n2\n3\n4\n5\nnan\n", encoding="utf-8")
    for name, example in (("a.csv", "4"), ("b.parquet", "1.0"), ("c.txt", "1")):
        with pytest.raises(
            BadInput, match=f"summaries in {name} are numbers, such as '{example}', not texts: name the field"
        ):
            find(str(tmp_path / name), data)
    rated = dataclasses.replace(data, summaries={"stars": NUMBERS})
    with pytest.raises(BadInput, match=r"the field 'stars' of fairsumm\.json are numbers"):
        find("stars", rated)


@pytest.mark.parametrize(
    "texts", [["10", "good", "7", "3", "2", "1"], [""] * 6, ["..."] * 6, [None] * 6, ["five stars"] * 6]
)
def test_texts_among_which_there_are_numbers_stay(data, texts):
    assert find("a", dataclasses.replace(data, summaries={"a": texts})) == ("a", texts)


def test_neither_a_field_nor_a_file(data):
    with pytest.raises(
        BadInput, match=r"'tiny' is neither a field of fairsumm\.json nor a file; its fields of text: gold"
    ):
        find("tiny", data)
