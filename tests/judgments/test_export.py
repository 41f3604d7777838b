"""Rows for other programs: complete, pseudonymous, blind where they must be, and nothing a spreadsheet runs."""

import csv
import io
import json

import pandas as pd
import pytest

from fairprune.errors import BadInput
from fairprune.judgments.export import (
    ARENA,
    COLUMNS,
    arena_rows,
    rows,
    to_csv,
    to_jsonl,
    to_parquet,
)
from fairprune.judgments.votes import Vote

RUNS = {"dense": "aaaa", "wanda": "bbbb"}


def vote(answer="left", judge="j1", item="i1", **more):
    sides = {"system_left": "wanda", "system_right": "dense", "question": "fairer", **more}
    return Vote("s", judge, item, answer=answer, **sides)


def test_a_row_says_all_of_a_vote():
    (row,) = rows([vote(seconds=12.5, group="left", sample="film", position=3, comment="ok")], RUNS)
    assert tuple(row) == COLUMNS
    assert (row["run_left"], row["run_right"], row["preferred"]) == ("bbbb", "aaaa", "wanda")
    assert (row["seconds"], row["group"], row["sample"], row["position"]) == (12.5, "left", "film", 3)
    assert rows([vote("tie")], RUNS)[0]["preferred"] is None


def test_a_system_without_a_run_is_refused_but_attention_needs_none():
    with pytest.raises(BadInput, match="'wanda' of item 'i1' has no run"):
        rows([vote()], {"dense": "aaaa"})
    attention = vote(kind="attention", expected=("left",), system_left="full", system_right="cut")
    assert rows([attention], RUNS)[0]["run_left"] is None


def test_rows_are_in_order():
    votes = [vote(judge="j2"), vote(item="i2", position=1), vote(item="i1", position=0)]
    assert [(row["judge"], row["item"]) for row in rows(votes, RUNS)] == [
        ("j1", "i1"),
        ("j1", "i2"),
        ("j2", "i1"),
    ]


HOSTILE = '=HYPERLINK("http://x","y")'


def test_csv_holds_nothing_that_runs():
    for text in (HOSTILE, "+1", "-1+cmd", "@SUM(1)", "\tx", " =1", "＝1"):
        table = list(csv.reader(io.StringIO(to_csv(rows([vote(comment=text, group=text)], RUNS)).decode())))
        assert tuple(table[0]) == COLUMNS
        cells = dict(zip(*table, strict=True))
        assert cells["comment"] == f"'{text}" and cells["group"] == f"'{text}"
    cells = dict(zip(*csv.reader(io.StringIO(to_csv(rows([vote()], RUNS)).decode())), strict=True))
    assert cells["seconds"] == "" and cells["repeat_of"] == ""


def test_json_lines_and_parquet_keep_texts_and_types():
    table = rows([vote(comment=HOSTILE, seconds=1.5, position=2), vote("tie", "j2")], RUNS)
    lines = [json.loads(line) for line in to_jsonl(table).decode().splitlines()]
    assert lines == table and lines[1]["seconds"] is None
    frame = pd.read_parquet(io.BytesIO(to_parquet(table)))
    assert list(frame.columns) == list(COLUMNS)
    assert frame["seconds"].dtype == "float64" and frame["position"].dtype == "int64"
    assert frame["comment"].tolist()[0] == HOSTILE and pd.isna(frame["preferred"][1])


def test_arena_rows():
    votes = [
        vote("left"),
        vote("right", "j2"),
        vote("tie", "j3"),
        vote("both_unfair", "j4"),
        vote("cannot_tell", "j5"),
        vote("left", "j6", "r1", kind="repeat", repeat_of="i1"),
        vote("left", "j1", question="better"),
    ]
    found = arena_rows(votes, "fairer")
    assert [row["winner"] for row in found] == ["model_a", "model_b", "tie", "tie (bothbad)"]
    assert all((row["model_a"], row["model_b"]) == ("wanda", "dense") for row in found)
    assert tuple(found[0]) == ARENA
    assert pd.read_parquet(io.BytesIO(to_parquet(found, ARENA)))["turn"].tolist() == [1] * 4
