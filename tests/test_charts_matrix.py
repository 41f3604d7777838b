"""Figures of one matrix, of hand-made values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fairprune.charts_matrix import (
    DROPPED,
    KEPT,
    cut_words,
    head_bars,
    mask_picture,
    score_bars,
    sparsity_bars,
)

CUT = {"within": "row", "low": 0.5, "median": 1.0, "high": 2.0, "n": 4}


def score(**more: Any) -> dict[str, Any]:
    values = {
        "scale": "linear",
        "low": 0.0,
        "high": 4.0,
        "dropped": [3, 1, 0, 0],
        "kept": [0, 1, 2, 1],
        "n": 8,
    }
    return {**values, "cut": CUT, **more}


def test_bins_of_sparsity() -> None:
    figure = sparsity_bars([1, 0, 0, 3], "rows")
    (bars,) = figure.data
    assert list(bars.x) == [12.5, 37.5, 62.5, 87.5] and bars.width == 25  # four bins of 25 points
    assert bars.customdata[3] == "3 rows with a sparsity of 75 to 100 %"
    assert tuple(figure.layout.xaxis.range) == (0, 100)  # the same for every matrix


def test_the_other_run_is_a_dashed_line() -> None:
    figure = sparsity_bars([1, 3], "columns", [4, 0])
    assert list(figure.data[1].y) == [4, 0] and figure.data[1].line.dash == "dash"
    assert figure.layout.showlegend is True


def test_scores_are_stacked_and_the_cuts_are_a_band() -> None:
    figure = score_bars(score())
    dropped, kept, cut = figure.data
    assert list(dropped.x) == [0.5, 1.5, 2.5, 3.5] and list(kept.y) == [0, 1, 2, 1]
    assert (dropped.marker.color, kept.marker.color) == (DROPPED, KEPT)
    assert dropped.marker.pattern.shape == "/"  # not by colour alone
    assert figure.layout.barmode == "stack"
    (band,) = figure.layout.shapes
    assert (band.x0, band.x1) == (0.5, 2.0)
    assert list(cut.x) == [1.0, 1.0] and cut.name == "middle cut"
    assert kept.customdata[2] == "2 kept<br>score 2 to 3"


def test_one_cut_is_a_line_without_a_band() -> None:
    one = {**CUT, "within": "matrix", "low": 1.0, "high": 1.0, "n": 1}
    figure = score_bars(score(cut=one))
    assert not figure.layout.shapes and figure.data[2].name == "cut"
    assert cut_words(score(cut=one)) == "The largest score that was dropped is 1: one for the matrix."


def test_logarithmic_scores() -> None:
    # 0.01 to 100 in four bins: a decade each
    found = score(scale="log", low=0.01, high=100.0, cut={**CUT, "low": 0.001, "median": 1.0, "high": 10.0})
    figure = score_bars(found)
    assert list(figure.data[0].x) == pytest.approx([-1.5, -0.5, 0.5, 1.5])
    assert list(figure.layout.xaxis.tickvals) == pytest.approx([-2, -1, 0, 1, 2])
    assert list(figure.layout.xaxis.ticktext) == ["0.01", "0.1", "1", "10", "1e+02"]
    (band,) = figure.layout.shapes
    assert (band.x0, band.x1) == pytest.approx((-2, 1))  # what lies below the first bar begins there
    assert figure.data[0].customdata[0] == "3 dropped<br>score at most 0.1"


def test_nothing_dropped_has_no_cut() -> None:
    figure = score_bars(score(cut=None, dropped=[0, 0, 0, 0]))
    assert len(figure.data) == 2 and not figure.layout.shapes
    assert "no cut" in cut_words(score(cut=None))


def test_words_of_many_cuts() -> None:
    text = cut_words(score())
    assert "each row has its own" in text and "middle one of 4 lies at 1" in text


def test_picture_names_rows_and_columns() -> None:
    # 5 rows in cells of 2, 4 columns in cells of 3
    figure = mask_picture(np.array([[0.0, 1.0], [0.5, 0.0], [0.0, 0.25]]), 2, 3, 5, 4)
    (heat,) = figure.data
    assert (heat.zmin, heat.zmax) == (0.0, 1.0)  # the same for every matrix
    assert heat.customdata[0][0] == "outputs 0–1, inputs 0–2"
    assert heat.customdata[2][1] == "outputs 4–4, inputs 3–3"
    assert figure.layout.yaxis.autorange == "reversed"


def test_heads() -> None:
    figure = head_bars(["q 0", "<k>"], [0.5, 0.25], [0.4, 0.3])
    assert list(figure.data[0].x) == ["q 0", "&lt;k&gt;"] and list(figure.data[0].y) == [50.0, 25.0]
    assert list(figure.data[1].y) == pytest.approx([40.0, 30.0])
    assert tuple(figure.layout.yaxis.range) == (0, 100)
