from dataclasses import replace

import pytest

from fairprune.charts import METHOD_MARKS
from fairprune.charts_tradeoffs import CLICK, DASHES, ends_of, short, span, trade_off_chart
from fairprune.methods import METHODS
from fairprune.tradeoffs import lines
from fairprune.tradeoffs_axes import JUDGES, NOT_JUDGED, SPARSITY, axes_of, cell_of
from tests.many_runs import entry, nobody

AXES = axes_of([entry().headline])
BUR, ROUGE = AXES["bur"], AXES["rouge_l"]
DENSE = {"x": cell_of(entry().headline, SPARSITY, "dense"), "y": cell_of(entry().headline, BUR, "dense")}
HOSTILE = "<img src=x onerror=alert(1)>" + "long " * 60


def chart(runs, x=SPARSITY, **more):
    found, _ = lines(runs, x, BUR, nobody)
    dense = {**DENSE, "x": cell_of(runs[0].headline, x, "dense")}
    return trade_off_chart(
        found, x, BUR, dense=dense, random={"value": 0.65, "low": 0.5, "high": 0.8}, **more
    )


def sweep(method="wanda", **more):
    return [entry(method, sparsity, bur=sparsity, **more) for sparsity in (0.2, 0.4, 0.6)]


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def test_every_method_has_a_colour_and_a_symbol_of_its_own():
    assert set(METHOD_MARKS) == set(METHODS)
    assert len({mark.colour for mark in METHOD_MARKS.values()}) == len(METHODS)
    assert len({mark.symbol for mark in METHOD_MARKS.values()}) == len(METHODS)
    assert all(mark.label == name for name, mark in METHOD_MARKS.items())


def test_a_line_over_achieved_sparsity_with_its_band():
    figure = chart(sweep())
    (line,) = named(figure, "wanda")
    assert list(line.x) == pytest.approx([21.0, 41.0, 61.0]) and list(line.y) == pytest.approx(
        [20.0, 40.0, 60.0]
    )
    (band,) = [trace for trace in figure.data if trace.fill == "toself"]
    assert list(band.y) == pytest.approx([30.0, 50.0, 70.0, 50.0, 30.0, 10.0])  # up and back
    assert line.error_y.array is None
    assert figure.layout.xaxis.title.text == "achieved sparsity of the pruned layers, %"
    assert figure.layout.yaxis.title.text == "BUR, % (↓ lower is fairer)"


def test_dense_and_random_extract_go_across_and_stand_in_the_legend():
    figure = chart(sweep())
    assert {shape.y0 for shape in figure.layout.shapes if shape.type == "line"} == {20.0, 65.0, 0}
    (band,) = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert (band.y0, band.y1) == (10.0, 30.0)
    names = [trace.name for trace in figure.data]
    assert any(name.startswith("dense: 20.0") for name in names if name)
    assert any(name.startswith("random extract: 65.0") for name in names if name)


def test_few_points_have_bars_and_intervals_can_be_left_out():
    (line,) = named(chart(sweep()[:2]), "wanda")
    assert list(line.error_y.array) == pytest.approx([10.0, 10.0])
    (line,) = named(chart(sweep(), intervals="bars"), "wanda")
    assert len(line.error_y.array) == 3
    bare = chart(sweep(), intervals="none")
    assert not [trace for trace in bare.data if trace.fill] and not [
        shape for shape in bare.layout.shapes if shape.type == "rect"
    ]


def test_degenerate_runs_are_hollow_and_the_legend_says_so():
    figure = chart([*sweep()[:2], entry(sparsity=0.6, bur=0.1, degenerate=True)])
    (line,) = named(figure, "wanda")
    assert list(line.marker.symbol) == ["circle", "circle", "circle-open"]
    assert named(figure, "hollow: over 20 % of summaries degenerate")
    assert "degenerate" in line.customdata[2][1] and "degenerate" not in line.customdata[0][1]
    assert not named(chart(sweep()), "hollow: over 20 % of summaries degenerate")


def test_draws_are_small_and_lead_to_their_runs_the_mean_to_none():
    runs = [entry(bur=value, seed=seed) for seed, value in enumerate((0.2, 0.4))]
    figure = chart(runs)
    (line,) = named(figure, "wanda")
    assert list(line.y) == pytest.approx([30.0]) and line.customdata[0][0] == ""
    assert "mean of 2 draws" in line.customdata[0][1] and "seed 0, 1" in line.customdata[0][1]
    (small,) = [trace for trace in figure.data if trace.mode == "markers" and trace.customdata is not None]
    assert [row[0] for row in small.customdata] == [one.run.id for one in runs]
    assert named(figure, "small: one draw; the line is their mean")


def test_variants_of_a_method_differ_by_dash():
    figure = chart([*sweep(), *sweep(calibration={"name": "random"})])
    dashes = [trace.line.dash for trace in figure.data if trace.name and trace.name.startswith("wanda")]
    assert dashes == list(DASHES[:2])


def test_hover_tells_all_as_text():
    figure = chart([entry(name=HOSTILE[:110])])
    (line,) = named(figure, "wanda")
    run_id, hover = line.customdata[0]
    assert len(run_id) == 16
    assert "<img" not in hover and "&lt;img" in hover
    for part in ("asked 50.0", "achieved 51.00", "95 %: 40.0", "n = 40", "seed 0", CLICK):
        assert part in hover.replace("\N{NO-BREAK SPACE}", " "), part


def test_quality_across_shows_the_dense_model_as_a_point():
    figure = chart(sweep(), x=ROUGE)
    (dense,) = named(figure, "dense")
    assert (list(dense.x), list(dense.y)) == ([40.0], [20.0])
    assert not [trace for trace in figure.data if trace.fill]  # a band needs an ordered axis
    perplexity = chart(sweep(), x=AXES["perplexity_opinions"])
    assert perplexity.layout.xaxis.type == "log"


def test_panels_share_a_scale():
    found, _ = lines(sweep(), SPARSITY, BUR, nobody)
    ends = ends_of(found, BUR, DENSE["y"])
    assert min(ends) == pytest.approx(0.1) and max(ends) == pytest.approx(0.7)
    low, high = span(BUR, [*ends, None])
    # from 0 to 70 points, 5 % of room at either end
    assert (low, high) == (pytest.approx(-3.5), pytest.approx(73.5))
    assert span(SPARSITY, [0.61]) == (-2.0, pytest.approx(66.0))
    assert span(BUR, []) is None and span(AXES["perplexity_opinions"], [10.0]) is None


def test_long_names_are_cut():
    assert short("a" * 44) == "a" * 44
    assert len(short("a" * 45)) == 44 and short("a" * 45).endswith("…")


def test_votes_of_judges_upwards_have_their_middle_and_their_intervals():
    judged, other = entry("wanda", 0.5), entry("magnitude", 0.5)
    cell = {"value": 0.25, "low": 0.1, "high": 0.4, "n": 40, "n_unscored": 0, "reason": None}
    judged = replace(judged, headline={**judged.headline, "judges": cell})
    found, missing = lines([judged, other], SPARSITY, JUDGES, nobody)
    assert [(one.run.spec.pruning.method, why) for one, why in missing] == [
        ("magnitude", f"no Judges: {NOT_JUDGED}")
    ]
    ends = ends_of(found, JUDGES, cell_of(judged.headline, JUDGES, "dense"))
    least, most = span(JUDGES, ends)
    assert least < 10.0 and 50.0 < most < 60.0  # from the end of the interval to where judges prefer neither
    figure = trade_off_chart(
        found, SPARSITY, JUDGES, dense={"y": cell_of(judged.headline, JUDGES, "dense")}, random=None
    )
    (line,) = named(figure, "wanda")
    assert list(line.y) == [25.0] and list(line.error_y.array) == [pytest.approx(15.0)]
    assert "n = 40" in line.customdata[0][1]
    assert {shape.y0 for shape in figure.layout.shapes} == {50.0}
