"""The simulation study measures our own code on populations whose truth is known, and writes where it should."""

import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.coverage import calibration, tables
from benchmarks.coverage.__main__ import Found, of_case, open_tasks
from benchmarks.coverage.calibration import Covered
from benchmarks.coverage.study import CASES, DESIGNS, NUMBERS, Number, Row, designs, study
from benchmarks.coverage.worlds import SLOTS, Case, Design, System, world
from fairprune.metrics import METRICS

SMALL = 12
"""Topics of a population: enough to draw from."""
BY_NAME = {case.name: case for case in CASES}


def test_every_metric_and_what_it_shows_is_looked_at():
    assert {number.metric for number in NUMBERS} == set(METRICS)
    shown = [number.what for number in NUMBERS if number.metric == "spd2"]
    assert shown == ["value", "difference", "distance", "absolute", "absolute difference"]
    assert {"ec", "cp", "ec_embedding", "cp_embedding"} < {n.metric for n in NUMBERS if n.is_judged}
    assert {case.groups for case in CASES} == {2, 3}
    assert {0.05, 0.15} <= {case.changed for case in CASES}
    assert any(case.tested and case.null for case in CASES) and all(
        case.null for case in CASES if case.tested
    )
    assert all(100 in [design.n for design in designs(case)] for case in CASES)


def test_topics_are_those_of_the_sets_that_ship():
    by_n = {design.n: design for design in DESIGNS}
    counts = np.bincount(by_n[451].topic)  # `movies`: 148 topics of three or four sets
    assert len(counts) == 148 and set(counts) == {3, 4}
    assert (by_n[451].mix == np.arange(451) % 3).all()
    assert set(np.bincount(by_n[24].topic)) == {12} and set(np.bincount(by_n[24].mix)) == {8}
    assert set(np.bincount(by_n[100].topic)) == {1}


@pytest.mark.parametrize("name", ["pruned worse", "3 groups, worse"])
def test_a_data_set_has_the_mixes_of_its_design(name):
    population, design = world(BY_NAME[name], topics=SMALL), Design(9, 3)
    places = population.draw(design, np.random.default_rng(0))
    assert (population.mix[places] == design.mix).all()
    assert len(set(places // SLOTS)) <= 3  # three topics, drawn with replacement
    weights = population.weights(design)[0]
    assert np.bincount(population.mix, weights) == pytest.approx([3, 3, 3])


@pytest.mark.parametrize("groups", [2, 3])
def test_where_nobody_leans_the_truth_is_exactly_zero(groups):
    even = Case("even", System(0.0, 0.8), System(0.0, 1.5), groups=groups)
    population = world(even, topics=SMALL)
    for name in ("sof", "cp", "cp_embedding", *(["spd2"] if groups == 2 else [])):
        assert Number(name, "value").truth(population, Design(99, 99)) == pytest.approx(0, abs=1e-12), name
        assert np.abs(population.pruned[name]).max() > 0.05


def test_systems_that_can_be_exchanged_differ_by_exactly_nothing():
    population = world(BY_NAME["5 % changed, alike"], topics=SMALL)
    for number in NUMBERS:
        if number.is_difference:
            assert number.truth(population, Design(100, 100)) == pytest.approx(0, abs=1e-12)


def test_as_many_samples_change_as_the_case_says():
    sparse = world(BY_NAME["15 % changed, worse"], topics=60)
    changed = (sparse.dense["ec"] != sparse.pruned["ec"]).mean()
    assert changed == pytest.approx(0.15, abs=0.04)  # 720 samples: three standard errors
    assert Number("uer", "difference").truth(sparse, Design(100, 100)) > 0.005


def test_the_truth_is_what_very_large_data_sets_show():
    population, design = world(BY_NAME["pruned worse"], topics=SMALL), Design(30_000, 30_000)
    places = population.draw(design, np.random.default_rng(0))
    once = np.ones((1, design.n))
    for number in (Number("uer", "value"), Number("bur", "difference"), Number("cp", "difference")):
        seen = [
            float(number.statistic(once, number.table(of)[places])[0])
            for of in (population.pruned, population.dense)
        ]
        found = seen[0] - seen[1] if number.is_difference else seen[0]
        assert found == pytest.approx(number.truth(population, design), abs=0.01)


def test_another_calibration_draw_has_the_same_dense_model():
    one, other = calibration.populations(0.5, calibrations=2, topics=3)
    assert (one.dense["uer"] == other.dense["uer"]).all()
    assert (one.pruned["uer"] != other.pruned["uer"]).any()


def rows_of(case, design, sets):
    return {(row.metric, row.what): row for row in study(case, design, world(case, topics=60), sets)}


def test_a_small_study_covers():
    found = rows_of(BY_NAME["alike"], Design(40, 40), 60)
    assert len(found) == len(NUMBERS) - 4  # of the similarities, which are the same statistics
    for row in found.values():
        # of 60 intervals that cover with 95 %, fewer than 50 hold the truth once in 2,000 studies
        assert row.coverage > 50 / 60, row
        judged = Number(row.metric, row.what).is_judged
        assert (row.errors is not None) == judged and row.passes is None
        # 12 of 60 tests at 5 % reject once in 30,000 studies
        assert row.errors is None or row.errors < 12 / 60, row


def test_where_few_samples_change_intervals_cover_and_gates_rarely_pass_a_harm_at_the_margin():
    """Value ± t · se covers 85 % of these and passes 16 %."""
    found = rows_of(replace(BY_NAME["5 % changed, worse"], name="sparse"), Design(100, 100), 60)
    covered = [found[name, "difference"].coverage for name in ("uer", "auc", "sof", "ec", "cp")]
    passed = [found[name, "difference"].passes for name in ("bur", "uer", "auc", "sof", "ec", "cp")]
    assert np.mean(covered) > 0.92
    assert np.mean(passed) < 0.09
    assert found["uer", "difference"].limited == 1


def row(case="alike", n=100, metric="bur", what="difference", coverage=0.95, **more):
    numbers = {"truth": 0.0, "missing": 0.0, "width": 0.1, "errors": None, "passes": None, "fails": None}
    return Row(case, n, metric, what, coverage=coverage, **{**numbers, "limited": 0.0, **more})


def test_tables_show_cases_sizes_tests_gates_and_calibration_draws():
    rows = [
        row(errors=0.034),
        row(n=8, coverage=0.9),
        row("pruned worse", coverage=0.981, passes=0.051, fails=0.02),
        row("pruned worse", n=8, coverage=float("nan")),
    ]
    covered = [Covered("uer", 0.25, 2, 0.961, 0.1), Covered("uer", 0.25, 3, 0.952, 0.1)]
    assert tables.by_case(rows)[0] == "| coverage at n = 100 | alike | pruned worse |"
    assert tables.by_case(rows)[2] == "| BUR difference | 95.0 | **98.1** |"
    assert tables.by_size(rows)[0] == "| lowest and highest coverage | n = 8 | n = 100 |"
    assert tables.by_size(rows)[2] == "| BUR difference | 90–90 | 95–98 |"
    assert tables.of_test(rows)[2] == "| BUR difference | 3.4 |"
    assert tables.of_gate(rows)[2] == "| BUR difference | 5.1 / 2.0 |"
    assert tables.of_calibration(covered, 100)[2] == "| UER | 96.1 | 95.2 |"
    assert tables.weak(rows) == ["pruned worse, bur difference: covers 98.1 %, limit stated in 0.0 %"]
    assert tables.weak([row(errors=0.07)]) == ["alike, bur difference: test errs in 7.0 %"]
    whole = tables.all_tables(rows, covered, 1000)
    assert whole[0].startswith("1,000 data sets") and whole[-1] == "| UER | 96.1 | 95.2 |"


def test_a_study_goes_on_from_what_it_has_found(tmp_path):
    kept = tmp_path / "rows.jsonl"
    first = Found(2, kept)
    assert len(list(open_tasks(first))) == sum(len(designs(case)) for case in CASES)
    assert next(open_tasks(first))[1] == tables.SIZE
    first.add([row("pruned worse", n=8), row("pruned worse", n=12)])
    first.add([Covered("uer", 0.25, 2, 0.961, 0.1)])
    again = Found(2, kept)
    again.read()
    assert again.in_order() == (first.rows, first.covered)
    assert ("pruned worse", 8) not in list(open_tasks(again)) and ("alike", 8) in list(open_tasks(again))
    other = Found(3, kept)  # of another number of data sets nothing is taken
    other.read()
    assert other.in_order() == ([], [])
    assert {json.loads(line)["sets"] for line in kept.read_text(encoding="utf-8").splitlines()} == {2}


def test_one_task_is_one_case_at_one_size(monkeypatch):
    monkeypatch.setattr("benchmarks.coverage.__main__._world", lambda name: world(BY_NAME[name], topics=3))
    found = of_case("pruned worse", 8, 2)
    assert {(one.case, one.n) for one in found} == {("pruned worse", 8)}


def test_intervals_over_calibration_draws_cover(monkeypatch):
    monkeypatch.setattr(calibration, "DRAWN", (3,))
    monkeypatch.setattr(calibration, "JUDGED", ("uer", "bur"))
    found = calibration.calibration_study(60, 0.5, calibration.populations(0.5, calibrations=10, topics=6))
    assert [(one.metric, one.calibrations) for one in found] == [("uer", 3), ("bur", 3)]
    assert all(one.coverage > 50 / 60 and one.width > 0 for one in found)


def test_tables_are_written_between_their_marks(tmp_path):
    page = tmp_path / "metrics.md"
    page.write_text(
        "before\n<!-- coverage: begin -->\nold\n<!-- coverage: end -->\nafter\n", encoding="utf-8"
    )
    tables.write(["new"], page)
    assert page.read_text(encoding="utf-8").split() == [
        *("before", "<!--", "coverage:", "begin", "-->", "new", "<!--", "coverage:", "end", "-->", "after")
    ]
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="has no section"):
        tables.write(["new"], page)
