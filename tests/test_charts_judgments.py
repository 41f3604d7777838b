"""Charts of judgments: every system in its own mark, both analyses, what is missing is not drawn, names as text."""

from fairprune.charts import METHOD_MARKS
from fairprune.charts_judgments import UNKNOWN, mark_of, strengths_chart, trust_chart
from fairprune.judgments.metric_agreement import MetricValues, compare
from fairprune.judgments.ranking import rank
from fairprune.judgments.votes import outcomes
from tests.judgments.test_metric_agreement import study
from tests.judgments.test_primary import CROWD


def dots(figure):
    return [trace for trace in figure.data if trace.customdata is not None]


def test_marks_are_those_of_the_methods():
    methods = {"my run": "hgla", "base": "dense"}
    assert mark_of("my run", methods).symbol == METHOD_MARKS["hgla"].symbol
    assert mark_of("wanda 50 %", {}).colour == METHOD_MARKS["wanda"].colour
    assert mark_of("base", methods).symbol == mark_of("dense", {}).symbol == "circle"
    assert mark_of("somebody else's", {}).colour == UNKNOWN.colour


def test_two_analyses_and_their_intervals():
    results = outcomes(CROWD, "fairer")
    ranking = rank(results, reference="dense", resamples=100)
    figure = strengths_chart({"all": ranking, "as registered": ranking}, {})
    drawn = dots(figure)
    assert [trace.marker.symbol for trace in drawn] == ["circle-open", "circle-open", "circle", "circle"]
    wanda = drawn[1]
    found = ranking.strengths[1].strength
    assert wanda.x[0] == found.value and wanda.error_x.array[0] == found.high - found.value
    # the reference has no interval: a dot alone, and the hover says why
    assert drawn[0].error_x.array is None and "0 by definition" in drawn[0].customdata[0]
    assert f"n = {found.n:,} decided votes" in wanda.customdata[0]
    assert drawn[0].y[0] != drawn[2].y[0]
    # a third analysis takes nothing from the registered one
    three = strengths_chart({"all": ranking, "as registered": ranking, "without a rule": ranking}, {})
    assert [trace.marker.symbol for trace in dots(three)][::2] == ["circle-open", "circle", "circle-open-dot"]


def test_names_are_text():
    hostile = [
        one.__class__(**{**one.__dict__, "system_b": "<b>wanda</b>"}) for one in outcomes(CROWD, "fairer")
    ]
    figure = strengths_chart({"all": rank(hostile, resamples=100)}, {})
    assert "<b>wanda" not in str(figure.layout.yaxis.ticktext)
    assert all("<b><b>" not in trace.customdata[0] for trace in dots(figure))


def test_metrics_baselines_and_people():
    values = {(f"s{i}", name): float(name == "dense") for i in range(6) for name in ("dense", "wanda")}
    metrics = [MetricValues("BUR", values, True), MetricValues("length", {}, True, True)]
    found = compare(study([["a", "a", "tie"]] * 6), metrics, resamples=100)
    figure = trust_chart(found)
    assert figure.layout.yaxis.ticktext[0] == "BUR" and "length" in figure.layout.yaxis.ticktext
    # length scores nothing: it has a row and no dot
    assert len(dots(figure)) == 3
    assert {trace.marker.symbol for trace in dots(figure)} == {"circle", "square-open", "diamond"}
