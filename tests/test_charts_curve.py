"""The specification curve as a figure."""

from fairprune.charts_curve import curve_chart
from fairprune.multiverse import Row


def row(difference, low, high, tau="0.8", reading="ratio", reason=None):
    return Row("bur", "ngram", reading, "lt", tau, "left out", 0, 0.0, 0.0, difference, low, high, 9, reason)


ROWS = [
    row(0.10, 0.05, 0.20),
    row(-0.20, -0.30, -0.10, tau="0.9"),
    row(None, None, None),
    row(0.02, None, None, reading="equal", reason="<i>nothing varies"),
    row(0.05, -0.01, 0.2),
]


def test_sorted_and_told_apart_by_shape():
    figure = curve_chart(ROWS, "<b>A</b>", "B")
    clear, unclear, unknown, _ = figure.data
    # −20, +2, +5, +10 points, in this order; the missing one draws nothing
    assert (list(clear.x), list(clear.y)) == ([0, 3], [-20, 10])
    assert (list(unclear.x), list(unclear.y)) == ([2], [5])
    assert (list(unknown.x), list(unknown.y)) == ([1], [2])
    assert [one.name for one in (clear, unclear, unknown)] == [
        "interval excludes zero",
        "interval holds zero",
        "no interval",
    ]
    assert len({one.marker.symbol for one in (clear, unclear, unknown)}) == 3
    assert [round(value, 9) for value in clear.error_y.array] == [10, 10]
    assert list(unknown.error_y.array) == [0]
    assert "no interval: &lt;i&gt;nothing varies" in unknown.customdata[0]
    assert "&lt;b&gt;A" in figure.layout.yaxis.title.text


def test_every_specification_marks_its_choices():
    figure = curve_chart(ROWS, "A", "B")
    named = list(figure.layout.yaxis2.ticktext)
    assert named == [
        "matcher ngram",
        "reading equal",
        "reading ratio",
        "ties lt",
        "tau 0.8",
        "tau 0.9",
        "unscored left out",
        "seed 0",
    ]
    made = figure.data[3]
    assert len(made.x) == 4 * 6
    assert {named[y] for x, y in zip(made.x, made.y, strict=True) if x == 1} == {
        *("matcher ngram", "reading equal", "ties lt", "tau 0.8", "unscored left out", "seed 0")
    }


def test_nothing_to_draw():
    figure = curve_chart([], "A", "B")
    assert all(len(trace.x) == 0 for trace in figure.data)
    assert not any(trace.showlegend for trace in figure.data)
