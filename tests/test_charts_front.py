import pytest

from fairprune.charts_front import FAINTEST, front_chart
from fairprune.pareto import Front
from fairprune.tradeoffs_axes import axes_of
from tests.many_runs import entry

AXES = axes_of([entry().headline])
BUR, ROUGE = AXES["bur"], AXES["rouge_l"]


def drawn(figure, name):
    """The trace of a method's runs; the one of its legend has no point."""
    return next(trace for trace in figure.data if trace.name == name and trace.customdata is not None)


def test_opacity_number_and_ring_say_how_often_a_run_is_on_the_front():
    runs = [entry(bur=0.3, sparsity=0.2), entry(bur=0.5, sparsity=0.6), entry("magnitude", bur=0.4)]
    front = Front({"dense": 0.75, runs[0].run.id: 0.5, runs[1].run.id: 0.0}, 38, 40, 12, 1000)
    figure = front_chart(runs, ROUGE, BUR, front)
    wanda = drawn(figure, "wanda")
    assert list(wanda.x) == pytest.approx([30.0, 30.0]) and list(wanda.y) == pytest.approx([30.0, 50.0])
    assert list(wanda.marker.opacity) == pytest.approx([FAINTEST + (1 - FAINTEST) * 0.5, FAINTEST])
    assert [row[0] for row in wanda.customdata] == [run.run.id for run in runs[:2]]
    assert "in 50" in wanda.customdata[0][1] and "1,000 resamples, n = 38" in wanda.customdata[0][1]
    assert list(wanda.text) == ["21\N{NO-BREAK SPACE}%", "61\N{NO-BREAK SPACE}%"]  # achieved
    assert wanda.marker.size[0] < wanda.marker.size[1]
    assert "takes no part" in drawn(figure, "magnitude").customdata[0][1]
    assert "in 75" in drawn(figure, "dense").customdata[0][1]
    rings = [(trace.x[0], trace.y[0]) for trace in figure.data if trace.name is None]
    assert rings == [(pytest.approx(30.0), pytest.approx(30.0)), (pytest.approx(40.0), pytest.approx(20.0))]


def test_without_a_probability_all_marks_are_full():
    figure = front_chart(
        [entry(), entry("magnitude", degenerate=True)], ROUGE, BUR, Front({}, reason="one topic")
    )
    assert list(drawn(figure, "wanda").marker.opacity) == [1.0]
    assert list(drawn(figure, "magnitude").marker.symbol) == ["square-open"]
    names = [trace.name for trace in figure.data]
    assert "hollow: over 20 % of summaries degenerate" in names
    assert not any(name and name.startswith("ring") for name in names)
    assert "no front probability" in drawn(figure, "wanda").customdata[0][1]


def test_many_runs_have_neither_labels_nor_bars_and_missing_ones_no_mark():
    few = [entry(sparsity=0.1), entry(sparsity=0.2, bur=None)]
    assert drawn(front_chart(few, ROUGE, BUR, Front({})), "wanda").error_y.array == (pytest.approx(10.0),)
    assert drawn(front_chart(few, ROUGE, BUR, Front({}), bars=False), "wanda").error_y.array is None
    many = [entry(sparsity=place / 100) for place in range(50)]
    wanda = drawn(front_chart(many, ROUGE, BUR, Front({})), "wanda")
    assert wanda.mode == "markers" and wanda.error_y.array is None and len(wanda.x) == 50
    assert not front_chart([entry(bur=None)], ROUGE, BUR, Front({})).data
