"""The simulation study measures our own code on rows that are ours, and writes where it should."""

from fractions import Fraction

import numpy as np
import pytest

from benchmarks.coverage import CASES, DESIGNS, errors_of, rows, simulate, study, table_of, write
from fairprune.metrics import METRICS
from fairprune.metrics.shares import from_shares
from fairprune.spec import MetricSpec


def test_its_rows_are_those_of_the_metrics():
    # p_x 3/4, 1/2, 1/4 and p_y in sixteenths, the tie at τ = .8 left out (floats decide it otherwise)
    cases = [(Fraction(x, 4), Fraction(y, 16)) for x in (1, 2, 3) for y in range(17)]
    source, summary = (np.array([float(pair[i]) for pair in cases]) for i in (0, 1))
    found = rows(source, summary, source, summary)
    for name in found:
        metric = METRICS[name]
        for i, (x, y) in enumerate(cases):
            shares = from_shares(("a", "b"), {"a": x, "b": 1 - x}, {"a": y, "b": 1 - y})
            expected = metric.sample(shares, MetricSpec())
            assert list(found[name][i]) == pytest.approx(list(expected)[: found[name].shape[1]]), (name, x, y)


def test_topics_are_those_of_movies():
    data = simulate(CASES[0], 451, DESIGNS[451], np.random.default_rng(0))
    assert len(set(data.topics)) == 148
    assert {data.topics.count(topic) for topic in set(data.topics)} == {3, 4}
    alone = simulate(CASES[0], 100, DESIGNS[100], np.random.default_rng(0))
    assert len(set(alone.topics)) == 100


def test_a_small_study_covers():
    found = study(CASES[0], 60, 60, 60)
    assert len(found) == 11
    for row in found:
        # of 60 intervals that cover with 95 %, fewer than 50 hold the truth once in 2,000 studies
        assert row.coverage > 50 / 60, row
        assert (row.errors is None) == (row.what == "value")
    lines = table_of(found)
    assert len(lines) == 13 and lines[0].endswith("n = 60 |")
    assert len(errors_of(found)) == 8


def test_tables_are_written_between_their_marks(tmp_path):
    page = tmp_path / "metrics.md"
    page.write_text(
        "before\n<!-- coverage: begin -->\nold\n<!-- coverage: end -->\nafter\n", encoding="utf-8"
    )
    write(["new"], page)
    assert page.read_text(encoding="utf-8").split() == [
        *("before", "<!--", "coverage:", "begin", "-->", "new", "<!--", "coverage:", "end", "-->", "after")
    ]
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no section"):
        write(["new"], page)
