"""Figures of edits and recoveries: nothing missing is drawn as a number, nothing is told apart by colour alone, names stay text."""

from __future__ import annotations

import math

from fairprune.charts_debias import (
    chosen_chart,
    collapse_lines,
    rac_curve,
    rac_histogram,
    recovery_losses,
    relation_chart,
    without_number,
    word_cosines,
)
from fairprune.tradeoffs_axes import axes_of
from fairprune.tradeoffs_collapse import NUMBERS, placed, spots
from tests.test_tradeoffs_collapse import entries_of, report

HOSTILE = "<img src=x>"


def cell(value, low=None, high=None):
    return {"value": value, "low": low, "high": high, "n": 9}


def test_chosen_weights_beside_chance():
    one = {"name": "model.layers.3.mlp.up_proj", "both": 7, "chosen": 5, "chance": 1.5}
    figure = chosen_chart([one, {**one, "name": HOSTILE}])
    assert [list(trace.y) for trace in figure.data] == [[7, 7], [5, 5], [1.5, 1.5]]
    assert list(figure.data[0].x) == ["3.mlp.up_proj", "&lt;img src=x&gt;"]
    assert len({trace.marker.symbol for trace in figure.data}) == 3


def test_the_histogram_holds_every_text_once_and_says_what_is_refused():
    split = {"accepted": False, "means": {"low": 0.1, "high": 0.9}}
    figure = rac_histogram([0.0, 0.1, 0.2, 1.0], [False, False, False, True], split)
    rest, affected = figure.data
    assert (list(rest.x), list(affected.x)) == ([0.0, 0.1, 0.2], [1.0])
    assert affected.marker.pattern.shape != rest.marker.pattern.shape
    assert "refused" in affected.name
    assert [shape.x0 for shape in figure.layout.shapes] == [0.1, 0.9]
    assert len(rac_histogram([0.5, 0.5], [False, False], {**split, "accepted": True}).data) == 2  # all alike


def test_rises_that_are_no_numbers_are_left_out_and_told():
    split = {"accepted": True, "means": {"low": 0.1, "high": math.inf}}
    values = [0.0, 0.2, None, math.nan, math.inf, -math.inf, 1.0]
    figure = rac_histogram(values, [False, False, False, False, True, False, True], split)
    rest, affected = figure.data
    assert (list(rest.x), list(affected.x)) == ([0.0, 0.2], [1.0])
    assert (rest.xbins.start, math.isfinite(rest.xbins.size)) == (0.0, True)
    assert [shape.x0 for shape in figure.layout.shapes] == [0.1]
    told = without_number(values, "texts")
    assert told.startswith("4 of 7 texts have no finite number and are not drawn")
    assert without_number([None, 1.0], "texts").startswith("1 of 2 texts has no finite number and is not")
    assert without_number([0.0, -1.0], "texts") == ""
    none = rac_histogram([math.nan, None], [True, False], split)
    assert [len(trace.x) for trace in none.data] == [0, 0]


def test_a_path_has_a_gap_where_the_loss_is_no_number():
    cells = [cell(1.0, 0.9, 1.1), cell(math.inf, 1.0, math.inf), cell(math.nan), cell(None), cell(2.0, 1.5)]
    curve = {"sparsities": [0.0, 0.2, 0.3, 0.4, 0.5], "all": cells, "affected": None, "rest": None}
    [line] = rac_curve(curve).data
    assert list(line.y) == [1.0, None, None, None, 2.0]
    assert [round(value, 9) for value in line.error_y.array] == [0.1, 0, 0, 0, 0]
    assert [round(value, 9) for value in line.error_y.arrayminus] == [0.1, 0, 0, 0, 0.5]
    assert not line.connectgaps


def test_a_refused_split_draws_all_texts_alone():
    curve = {
        "sparsities": [0.0, 0.2],
        "all": [cell(1.0, 0.9, 1.2), cell(2.0)],
        "affected": None,
        "rest": None,
    }
    [line] = rac_curve(curve).data
    assert (list(line.x), list(line.y)) == ([0, 20], [1, 2])
    assert [round(value, 9) for value in line.error_y.array] == [0.2, 0]  # no interval, no bar
    both = {**curve, "affected": curve["all"], "rest": curve["all"]}
    assert len({trace.line.dash for trace in rac_curve(both).data[1:]}) == 2


def test_a_word_without_a_cosine_is_not_drawn_as_zero():
    words = [
        {"text": HOSTILE, "group": "women", "n": 12, "dense": 0.1, "pruned": None},
        {"text": "he", "group": None, "n": 10, "dense": 0.2, "pruned": 0.3},
    ]
    figure = word_cosines(words, ("pruned", "recovered"))
    segment, dense, pruned = figure.data
    assert list(segment.x) == [0.2, 0.3]
    assert (list(dense.x), list(pruned.x)) == ([0.1, 0.2], [None, 0.3])
    assert (dense.name, pruned.name) == ("pruned", "recovered")
    assert list(figure.layout.yaxis.ticktext) == ["&lt;img src=x&gt; (women)", "he (control)"]


def test_losses_of_a_recovery_with_and_without_an_added_term():
    report = {"steps": 2, "loss": [[1, 3.0], [2, 2.5]], "extra": [], "extra_name": None}
    figure = recovery_losses(report)
    [line] = figure.data
    assert (list(line.x), list(line.y)) == ([1, 2], [3.0, 2.5])
    assert figure.layout.xaxis.dtick == 1  # no step between two steps
    assert figure.layout.yaxis.title.text == "loss, nats per token, before the step"
    assert len(recovery_losses({**report, "extra": [[1, 0.2]], "extra_name": "10 · UNC3"}).data) == 2


def test_the_relation_is_drawn_within_strata():
    entries = entries_of([("wanda", 0.5, 0.2), ("magnitude", 0.5, 0.4), ("wanda", 0.3, 0.1)])
    reports = {one.run.id: report(value) for one, value in zip(entries, (1.0, 2.0, 9.0), strict=True)}
    y = axes_of(entry.headline for entry in entries)["uer"]
    runs = [one for one in placed(entries, reports, y, "unc3") if one.collapse is not None]
    figure = relation_chart(runs, "UNC3", y)
    drawn = {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}
    assert drawn["magnitude"][0] == [0.5] and drawn["wanda"][0] == [-0.5]
    assert [round(drawn[name][1][0], 9) for name in ("magnitude", "wanda")] == [10.0, -10.0]
    assert {trace.customdata[0][0] for trace in figure.data} == {one.entry.run.id for one in runs}


def test_collapse_over_sparsity_has_a_line_per_method_and_its_control():
    entries = entries_of([("wanda", 0.5, 0.2), ("wanda", 0.3, 0.1), ("magnitude", 0.5, 0.4)])
    reports = {one.run.id: report(value) for one, value in zip(entries, (1.5, 1.1, 9.0), strict=True)}
    cell = reports[entries[0].run.id]["lists"]["group"]["measures"]["unc3"]["ratio"]
    cell.update(low=1.2, high=2.0)
    figure = collapse_lines(spots(entries, reports, "unc3"), NUMBERS["unc3"])
    drawn = {trace.name: trace for trace in figure.data}
    assert sorted(drawn) == [
        f"{method}: {words} words" for method in ("magnitude", "wanda") for words in ("control", "group")
    ]
    group, control = drawn["wanda: group words"], drawn["wanda: control words"]
    assert (list(group.x), list(group.y)) == ([30.0, 50.0], [1.1, 1.5])
    assert [round(one, 9) for one in group.error_y.array] == [0, 0.5]
    assert [round(one, 9) for one in group.error_y.arrayminus] == [0, 0.3]
    assert (group.line.dash, control.line.dash) == ("solid", "dot")
    assert list(control.y) == [1.0, 1.0]
    assert [one[0] for one in group.customdata] == [entries[1].run.id, entries[0].run.id]
    assert "1.50 (95 %: 1.20 to 2.00), n = 9" in group.customdata[1][1]
