"""Figures of hand-made values: what is drawn, where, and what is left out."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from fairprune.charts import (
    GROUP_COLOURS,
    MARKS,
    confusion_heatmap,
    direction_chart,
    group_colour,
    percent,
    points,
)
from fairprune.errors import BadInput

SPACE = "\N{NO-BREAK SPACE}"


def test_percent_and_points() -> None:
    assert percent(0.125) == f"12.5{SPACE}%"
    assert percent(0.0) == f"0.0{SPACE}%"
    assert percent(None) == "–"
    assert points(0.125) == "+12.5 points"
    assert points(-0.05) == "−5.0 points"
    assert points(None) == "–"


ROWS: list[dict[str, Any]] = [
    {"group": "a", "system": "dense", "value": 0.1, "low": 0.05, "high": 0.2, "n": 5},
    {"group": "a", "system": "pruned", "value": -0.1, "low": None, "high": None, "n": 5},
    {"group": "b", "system": "dense", "value": -0.1, "low": -0.2, "high": -0.05, "n": 5},
    {"group": "b", "system": "pruned", "value": None, "low": None, "high": None, "n": 0},
]


def test_direction_in_points_with_intervals() -> None:
    figure = direction_chart(ROWS, ["a", "b"])
    dense, pruned = figure.data
    assert list(dense.x) == [10.0, -10.0]
    assert list(dense.error_x.array) == pytest.approx([10.0, 5.0])  # 20 − 10; −5 − (−10)
    assert list(dense.error_x.arrayminus) == pytest.approx([5.0, 10.0])  # 10 − 5; −10 − (−20)
    assert list(pruned.x) == [-10.0]  # a missing value draws nothing
    assert list(pruned.error_x.array) == [0.0]
    assert "no interval" in pruned.customdata[0]
    # two systems: 0.17 apart around the group's line
    assert list(dense.y) == pytest.approx([-0.085, 0.915])
    assert list(pruned.y) == pytest.approx([0.085])


def test_systems_differ_in_colour_and_shape() -> None:
    figure = direction_chart(ROWS, ["a", "b"])
    assert [trace.marker.symbol for trace in figure.data] == ["circle", "diamond"]
    assert [trace.marker.color for trace in figure.data] == [MARKS["dense"].colour, MARKS["pruned"].colour]
    assert len({mark.colour for mark in MARKS.values()}) == len({mark.symbol for mark in MARKS.values()}) == 4


def test_direction_names_are_text() -> None:
    figure = direction_chart([{**ROWS[0], "group": "<i>"}], ["<i>"])
    assert list(figure.layout.yaxis.ticktext) == ["&lt;i&gt;"]


def test_confusion_by_row() -> None:
    (trace,) = confusion_heatmap([[3, 1], [0, 0]], ["a", "b"]).data
    assert [list(row) for row in trace.z] == [[0.75, 0.25], [None, None]]  # nobody of b was held out
    assert list(trace.text[0]) == [f"3<br>75{SPACE}%", f"1<br>25{SPACE}%"]
    assert list(trace.text[1]) == ["0<br>–", "0<br>–"]


def test_group_colours_are_fixed_by_place() -> None:
    assert group_colour(("fresh", "rotten"), "rotten") == GROUP_COLOURS[1]
    assert len(set(GROUP_COLOURS)) == 12
    assert not set(GROUP_COLOURS) & {mark.colour for mark in MARKS.values()}
    with pytest.raises(BadInput, match="unknown group 'fresch': did you mean 'fresh'"):
        group_colour(("fresh", "rotten"), "fresch")


def test_importing_colours_costs_no_plotly_and_no_torch() -> None:
    code = (
        "import sys, fairprune.charts; "
        "sys.exit(any(name in sys.modules for name in ('plotly', 'torch', 'streamlit', 'sqlalchemy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
