"""The reliability chart: values, intervals, and that it costs nothing to import."""

import subprocess
import sys

import pytest

from fairprune.charts_labels import reliability_chart

SPACE = "\N{NO-BREAK SPACE}"
BINS = [
    {"from": 0.5, "to": 0.6, "n": 16, "confidence": 0.55, "accuracy": 0.5, "low": 0.25, "high": 0.75},
    {"from": 0.9, "to": 1.0, "n": 4, "confidence": 0.95, "accuracy": 1.0, "low": 0.5, "high": 1.0},
]


def test_confidence_across_accuracy_up_in_percent():
    figure = reliability_chart(BINS)
    (dots,) = figure.data
    assert list(dots.x) == pytest.approx([55, 95])
    assert list(dots.y) == [50, 100]
    assert list(dots.error_y.array) == [25, 0]  # 75 − 50; 100 − 100
    assert list(dots.error_y.arrayminus) == [25, 50]  # 50 − 25; 100 − 50
    assert list(dots.marker.size) == [11, 9]  # 7 + √16, 7 + √4
    assert f"stated 55.0{SPACE}%, right 50.0{SPACE}%" in dots.customdata[0]
    assert "n = 16 opinions" in dots.customdata[0]
    (line,) = figure.layout.shapes  # a perfectly calibrated model
    assert (line.x0, line.y0, line.x1, line.y1) == (0, 0, 100, 100)
    assert figure.layout.xaxis.range == (48, 102)  # from the first bin on


def test_without_bins_it_is_empty():
    (dots,) = reliability_chart([]).data
    assert not dots.x


def test_importing_it_costs_no_plotly_and_no_torch():
    code = "import sys, fairprune.charts_labels; sys.exit(any(name in sys.modules for name in ('plotly', 'torch')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
