"""Figures of hand-made values: what is drawn, where, and what is left out."""

from __future__ import annotations

import subprocess
import sys
import time
from itertools import pairwise
from typing import Any

import pytest

from fairprune.charts import (
    GROUP_COLOURS,
    MARKS,
    MEASURES,
    confusion_heatmap,
    direction_chart,
    group_colour,
    layer_heatmap,
    measure_value,
    percent,
    points,
)
from fairprune.errors import BadInput

SPACE = "\N{NO-BREAK SPACE}"


def matrix(block: int, kind: str, **more: Any) -> dict[str, Any]:
    values = {
        "name": f"layers.{block}.{kind}",
        "block": block,
        "kind": kind,
        "rows": 4,
        "columns": 8,
        "asked": 0.5,
        "achieved": 0.5,
        "row_min": 0.25,
        "row_max": 0.75,
        "column_spread": 0.1,
        "dead_columns": 2,
        "score_removed": 0.25,
    }
    return {**values, **more}


def test_percent_and_points() -> None:
    assert percent(0.125) == f"12.5{SPACE}%"
    assert percent(0.0) == f"0.0{SPACE}%"
    assert percent(None) == "–"
    assert points(0.125) == "+12.5 points"
    assert points(-0.05) == "−5.0 points"
    assert points(None) == "–"


def test_measures_by_hand() -> None:
    one = matrix(0, "q_proj")
    assert measure_value("dead_columns", one) == 0.25  # 2 of 8
    assert measure_value("row_range", one) == 0.5  # 0.75 − 0.25
    assert measure_value("achieved", one) == 0.5
    assert measure_value("score_removed", matrix(0, "q_proj", score_removed=None)) is None
    with pytest.raises(BadInput, match="did you mean 'row_range'"):
        measure_value("row_rang", one)


def test_heatmap_places_colours_and_numbers() -> None:
    figure = layer_heatmap(
        [
            matrix(1, "self_attn.q_proj", achieved=0.4),
            matrix(0, "self_attn.q_proj"),
            matrix(0, "mlp.up_proj", achieved=0.6),
        ],
        "achieved",
    )
    (trace,) = figure.data
    assert list(trace.x) == ["q", "up"]
    assert list(trace.y) == ["0", "1"]
    assert [list(row) for row in trace.z] == [[0.5, 0.6], [0.4, None]]  # block 1 has no up_proj: empty
    assert [list(row) for row in trace.text] == [["50.0", "60.0"], ["40.0", ""]]
    assert (trace.zmin, trace.zmax) == (0.0, 1.0)
    assert figure.layout.yaxis.autorange == "reversed"  # block 0 on top


def test_heatmap_scale_is_fixed_whatever_the_values() -> None:
    for name, measure in MEASURES.items():
        small = layer_heatmap([matrix(0, "q_proj", score_removed=0.001, column_spread=0.001)], name).data[0]
        large = layer_heatmap([matrix(0, "q_proj", score_removed=0.9, column_spread=0.5)], name).data[0]
        assert small.zmax == large.zmax == measure.position(measure.top)
        assert small.zmin == large.zmin == measure.position(measure.bottom)
        assert measure.ticks[-1] == measure.top
        assert measure.bottom == (0.0001 if measure.scale == "log" else 0.0)


def test_heatmap_square_root_scale() -> None:
    (trace,) = layer_heatmap([matrix(0, "q_proj")], "dead_columns").data
    assert trace.z[0][0] == 0.5  # √(2 of 8)
    assert list(trace.colorbar.tickvals)[3] == pytest.approx(0.1**0.5)
    assert list(trace.colorbar.ticktext)[3] == f"10{SPACE}%"


def test_heatmap_logarithmic_scale_of_the_score() -> None:
    found = {"q_proj": 0.001, "k_proj": 0.01, "v_proj": 0.0, "o_proj": 0.00005, "up_proj": 1.0}
    matrices = [matrix(0, kind, score_removed=value) for kind, value in found.items()]
    (trace,) = layer_heatmap(matrices, "score_removed").data
    # log10: 0.1 % is −3, 1 % is −2, nothing and less than 0.01 % stand at the lowest, −4; all of it is 0
    assert list(trace.z[0]) == pytest.approx([-3.0, -2.0, -4.0, -4.0, 0.0])
    assert (trace.zmin, trace.zmax) == (-4.0, 0.0)
    assert list(trace.colorbar.tickvals) == pytest.approx([-4.0, -3.0, -2.0, -1.0, 0.0])
    assert list(trace.colorbar.ticktext) == [
        f"{tick}{SPACE}%" for tick in ("≤ 0.01", "0.1", "1", "10", "100")
    ]


def test_heatmap_of_few_blocks_keeps_the_ticks_of_its_scale_apart() -> None:
    for name, measure in MEASURES.items():
        figure = layer_heatmap([matrix(block, "q_proj") for block in range(2)], name)
        inside = figure.layout.height - figure.layout.margin.t - figure.layout.margin.b
        places = [measure.position(tick) for tick in measure.ticks]
        length = places[-1] - places[0]
        gaps = [inside * (b - a) / length for a, b in pairwise(places)]
        assert min(gaps) >= 20, name  # the ticks' type is 14 pixels high


def test_heatmap_missing_score_leaves_the_cell_without_colour_but_with_its_sparsity() -> None:
    (trace,) = layer_heatmap([matrix(0, "q_proj", score_removed=None)], "score_removed").data
    assert trace.z[0][0] is None
    assert trace.text[0][0] == "50.0"
    assert "score removed –" in trace.customdata[0][0]


def test_heatmap_hover_shows_names_as_text() -> None:
    (trace,) = layer_heatmap([matrix(0, "q_proj", name="<b>x</b>")], "achieved").data
    assert "&lt;b&gt;x&lt;/b&gt;" in trace.customdata[0][0]
    assert f"sparsity 50.000{SPACE}%" in trace.customdata[0][0]


def test_heatmap_gives_eighty_blocks_room() -> None:
    figure = layer_heatmap([matrix(block, "q_proj") for block in range(80)], "achieved")
    assert figure.layout.height >= 80 * 24
    assert figure.layout.yaxis.nticks == 80


def test_heatmap_unknown_measure() -> None:
    with pytest.raises(BadInput, match="unknown measure 'sparsity'"):
        layer_heatmap([matrix(0, "q_proj")], "sparsity")


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


def test_a_full_heatmap_is_made_in_under_a_second() -> None:
    kinds = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    matrices = [matrix(block, kind) for block in range(32) for kind in kinds]
    layer_heatmap(matrices[:1], "achieved").to_json()  # imports plotly
    start = time.perf_counter()
    text = layer_heatmap(matrices, "score_removed").to_json()
    assert time.perf_counter() - start < 1.0
    assert text.count("layers.31.") == 7
