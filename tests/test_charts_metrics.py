"""Small multiples of hand-made cells: what is drawn, where, and what is left out."""

from __future__ import annotations

from typing import Any

import pytest

from fairprune.charts_metrics import (
    REFERENCE_MARKS,
    ROWS,
    SUMMARIES,
    by_unit,
    metric_label,
    metric_panel,
    scale_range,
    unit_of,
)
from fairprune.metrics import METRICS

SPACE = "\N{NO-BREAK SPACE}"


def cell(
    value: float | None, low: float | None = None, high: float | None = None, **more: Any
) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": 9, "n_unscored": 2, "reason": None, **more}


CELLS = {
    "dense": cell(0.5, 0.4, 0.6),
    "pruned": cell(0.7, 0.5, 0.8),
    "difference": cell(0.2, -0.1, 0.5),
    "random": cell(0.6),
    "oracle": cell(0.1),
    "one_group": cell(0.9),
}


def test_one_scale_per_unit() -> None:
    # BUR and AUC count summaries, UER and SOF are shares of a summary's words
    assert by_unit(["bur", "auc", "uer", "sof"]) == {
        SUMMARIES: ["bur", "auc"],
        unit_of(METRICS["uer"]): ["uer", "sof"],
    }
    assert len({unit_of(METRICS[name]) for name in ("bur", "uer", "spd2", "ec", "ec_embedding")}) == 5


def test_the_scale_holds_every_value_every_interval_and_zero() -> None:
    low, high = scale_range([CELLS], 100)
    # from −10 to 90 points: 100 wide, 6 of room at either end
    assert (low, high) == pytest.approx((-16, 96))
    assert scale_range([{name: cell(None) for name in CELLS}], 100) == pytest.approx((-6.0e-2, 6.0e-2))
    assert scale_range(
        [{"dense": cell(0.5), "pruned": cell(0.5), "difference": cell(0.0)}], 1
    ) == pytest.approx((-0.03, 0.53))


def test_every_system_has_its_row_and_its_interval() -> None:
    figure = metric_panel("bur", CELLS, (-16, 96))
    drawn = {trace.name: trace for trace in figure.data}
    assert {name: (trace.x[0], trace.y[0]) for name, trace in drawn.items()} == {
        "dense": (50, ROWS.index("dense")),
        "pruned": (70, ROWS.index("pruned")),
        "pruned − dense": (pytest.approx(20), ROWS.index("difference")),
        "oracle": (10, 2),
        "random extract": (60, 2),
        "one group alone": (90, 2),
    }
    error = drawn["pruned"].error_x
    assert (error.array[0], error.arrayminus[0]) == (pytest.approx(10), pytest.approx(20))
    assert drawn["random extract"].error_x.array is None  # a mark, no interval
    assert tuple(figure.layout.xaxis.range) == (-16, 96)
    assert "n = 9, 2 unscored" in drawn["dense"].customdata[0]
    assert f"95 %: 40.0{SPACE}% to 60.0{SPACE}%" in drawn["dense"].customdata[0]
    assert "+20.0 points" in drawn["pruned − dense"].customdata[0]


def test_references_are_told_apart_by_shape() -> None:
    assert len({mark.symbol for mark in REFERENCE_MARKS.values()}) == 3


def test_a_signed_metric_is_in_its_own_unit() -> None:
    figure = metric_panel("spd2", {**CELLS, "difference": cell(-0.2, -0.5, 0.1)}, (-1, 1))
    drawn = {trace.name: trace for trace in figure.data}
    assert drawn["dense"].x[0] == 0.5 and "+0.500" in drawn["dense"].customdata[0]
    assert "−0.200" in drawn["pruned − dense"].customdata[0]


def test_what_is_missing_is_a_dash_with_its_reason() -> None:
    old = {"dense": cell(0.5), "pruned": cell(None, reason="no <b>match</b>"), "difference": cell(None)}
    figure = metric_panel("bur", old, (0, 100))
    dashes = {note.y: note.hovertext for note in figure.layout.annotations}
    assert dashes == {
        ROWS.index("pruned"): "no &lt;b&gt;match&lt;/b&gt;",
        ROWS.index("difference"): "not computed",
        ROWS.index("references"): "no references were scored",
    }
    assert [trace.name for trace in figure.data] == ["dense"]
    assert "no interval" in figure.data[0].customdata[0]


def test_the_noise_band_lies_behind_the_change() -> None:
    assert not [shape for shape in metric_panel("bur", CELLS, (0, 1)).layout.shapes if shape.type == "rect"]
    figure = metric_panel("bur", {**CELLS, "noise": cell(0.0, -0.05, 0.05)}, (0, 1))
    (band,) = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (band.x0, band.x1) == (-5, 5)
    assert band.y0 < ROWS.index("difference") < band.y1
    unknown = metric_panel("bur", {**CELLS, "noise": cell(None)}, (0, 1))
    assert not [shape for shape in unknown.layout.shapes if shape.type == "rect"]


def test_names_on_a_page() -> None:
    assert metric_label("bur") == "BUR"
    assert metric_label("ec_embedding") == "EC by similarity"
    assert len({metric_label(name) for name in METRICS}) == len(METRICS)
