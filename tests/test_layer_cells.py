"""What stands in the cells of a heatmap, by hand: measures, their scales, differences."""

from __future__ import annotations

from itertools import pairwise

import pytest

from fairprune.errors import BadInput
from fairprune.layer_cells import (
    DIFFERENCE,
    MEASURES,
    OVERLAP,
    difference_cells,
    measure_cells,
    measure_value,
    signed_text,
    telling,
)
from tests.test_charts_layers import SPACE, matrix


def test_measures_by_hand() -> None:
    one = matrix(0, "q_proj")
    assert measure_value("dead_columns", one) == 0.25  # 2 of 8
    assert measure_value("row_range", one) == 0.5  # 0.75 − 0.25
    assert measure_value("achieved", one) == measure_value("asked", one) == 0.5
    assert measure_value("score_removed", matrix(0, "q_proj", score_removed=None)) is None
    with pytest.raises(BadInput, match="did you mean 'row_range'"):
        measure_value("row_rang", one)


def test_scale_of_differences_is_symmetric() -> None:
    # log10(1 + 0.009 / 0.001) = 1; the ends: log10(1 + 1 / 0.001) = log10(1001)
    assert DIFFERENCE.position(0.009) == pytest.approx(1.0)
    assert DIFFERENCE.position(-0.009) == pytest.approx(-1.0)
    assert DIFFERENCE.position(0.0) == 0.0
    assert (
        DIFFERENCE.position(DIFFERENCE.top)
        == -DIFFERENCE.position(DIFFERENCE.bottom)
        == pytest.approx(3.000434)
    )
    assert DIFFERENCE.tick_texts() == ["−100", "−10", "−1", "0", "+1", "+10", "+100"]
    assert [signed_text(value) for value in (0.0123, -0.5, 0.0, None)] == ["+1.2", "−50.0", "0", ""]


def test_difference_of_two_runs_by_hand() -> None:
    mine = [matrix(0, "q_proj", achieved=0.5), matrix(0, "k_proj"), matrix(0, "up_proj", score_removed=None)]
    theirs = [matrix(0, "q_proj", achieved=0.375), matrix(0, "up_proj")]
    q, k, _ = difference_cells(mine, theirs, "achieved")
    assert (q.value, q.text) == (0.125, "+12.5")
    assert f"50.000{SPACE}% here, 37.500{SPACE}% there, +12.500 points" in q.hover
    assert (k.value, k.text) == (None, "")  # the other run has no such matrix
    assert difference_cells(mine, theirs, "score_removed")[2].value is None


def test_what_tells_alone_where_the_weights_went() -> None:
    alike = [matrix(block, "q_proj") for block in range(3)]
    assert telling(alike) == "achieved"
    # 2 and 40 % of the score: 1.3 of the 4 powers of ten; sparsity 50 to 60 %: a tenth; columns 0 to 25 %: half of their scale
    for one, removed, achieved in zip(alike, (0.02, 0.1, 0.4), (0.5, 0.55, 0.6), strict=True):
        one.update(score_removed=removed, achieved=achieved)
    assert telling(alike) == "score_removed"
    for one, spread in zip(alike, (0.0, 0.1, 0.25), strict=True):
        one.update(column_spread=spread)
    assert telling(alike) == "column_spread"
    for one in alike:
        one.update(score_removed=None)
    assert telling(alike) == "column_spread" and telling([]) == "achieved"


def test_unknown_measure() -> None:
    with pytest.raises(BadInput, match="unknown measure 'sparsity'"):
        measure_cells([matrix(0, "q_proj")], "sparsity")


def test_few_blocks_keep_the_ticks_of_their_scale_apart() -> None:
    for measure in (*MEASURES.values(), OVERLAP, DIFFERENCE):
        places = [measure.position(tick) for tick in measure.ticks]
        gaps = [300 * (b - a) / (places[-1] - places[0]) for a, b in pairwise(places)]
        assert min(gaps) >= 25, measure.title  # in a window of 360 pixels
