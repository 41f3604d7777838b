"""Totals of a sparsity report, by hand."""

from __future__ import annotations

import json

import pytest

from fairprune.report import MatrixReport, SparsityReport


def matrix(name: str, rows: int, columns: int, dropped: int) -> MatrixReport:
    return MatrixReport(
        name,
        0,
        name,
        rows,
        columns,
        0.5,
        dropped,
        dropped,
        0.1,
        0.5,
        0.9,
        0.0,
        0.5,
        1.0,
        0.2,
        1,
        None,
        0.3,
        0.01,
    )


def test_totals_are_weighted_by_size():
    report = SparsityReport(0.5, (matrix("a", 2, 4, 3), matrix("b", 4, 8, 17)), model_parameters=100)
    # 3 + 17 of 8 + 32 weights; 20 of 100 parameters.
    assert (report.weights, report.dropped, report.achieved, report.achieved_model) == (40, 20, 0.5, 0.2)
    found = json.loads(json.dumps(report.to_json()))
    assert found["achieved"] == 0.5
    assert found["matrices"][1]["achieved"] == pytest.approx(17 / 32)
    assert found["matrices"][0]["silent_inputs"] is None


def test_an_empty_report_divides_by_nothing():
    assert SparsityReport(0.5, (), 0).achieved == SparsityReport(0.5, (), 0).achieved_model == 0
