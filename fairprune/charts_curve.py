"""The specification curve as a Plotly figure: every way to measure, sorted by what it says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fairprune.charts import GROUP_COLOURS, plain_hover, points

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from fairprune.multiverse import Row

CHOICES = ("matcher", "reading", "ties", "tau", "unscored", "seed")
_CLEAR, _UNCLEAR = GROUP_COLOURS[0], "#8a94a3"
_TRACES: tuple[tuple[bool | None, str, str, str], ...] = (
    (True, "interval excludes zero", "circle", _CLEAR),
    (False, "interval holds zero", "circle-open", _UNCLEAR),
    (None, "no interval", "x-thin-open", _UNCLEAR),
)
"""What a specification says of zero, its label, symbol and colour: told apart by shape."""


def curve_chart(rows: Sequence[Row], a: str, b: str) -> go.Figure:
    """Above: a − b with its interval per specification, smallest first. Below: which choice each one made.

    Filled marks have an interval that excludes zero, hollow ones an interval that holds it, crosses have none and say
    why; a specification without a value draws nothing.
    """
    from plotly.subplots import make_subplots

    drawn = sorted(
        (row for row in rows if row.difference is not None), key=lambda row: (row.difference, row.low or 0.0)
    )
    levels = _levels(drawn)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.04, row_heights=[0.5, 0.5])
    for clear, label, symbol, colour in _TRACES:
        _curve(figure, [(i, row) for i, row in enumerate(drawn) if row.clear is clear], label, symbol, colour)
    marks = [(i, levels.index((name, value))) for i, row in enumerate(drawn) for name, value in _made(row)]
    figure.add_scatter(
        x=[i for i, _ in marks],
        y=[place for _, place in marks],
        mode="markers",
        marker={"symbol": "line-ns-open", "size": 9, "color": "#5b6675"},
        hoverinfo="skip",
        showlegend=False,
        row=2,
        col=1,
    )
    figure.add_hline(y=0, line={"width": 1.5, "color": "#8a94a3", "dash": "dot"}, row=1, col=1)
    figure.update_yaxes(
        title={"text": f"{plain_hover(a)} − {plain_hover(b)}, points"}, fixedrange=True, row=1, col=1
    )
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(levels))),
        ticktext=[f"{name} {value}" for name, value in levels],
        range=[len(levels) - 0.5, -0.5],
        fixedrange=True,
        showgrid=False,
        row=2,
        col=1,
    )
    figure.update_xaxes(showticklabels=False, fixedrange=True, showgrid=False, zeroline=False)
    figure.update_layout(
        height=330 + 24 * max(4, len(levels)),
        margin={"l": 10, "r": 20, "t": 40, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        font={"size": 14},
    )
    return figure


def _curve(figure: Any, placed: Sequence[tuple[int, Row]], label: str, symbol: str, colour: str) -> None:
    """One trace: specifications that say the same of zero. Of a kind that does not occur the legend says nothing."""
    values = [100 * (row.difference or 0.0) for _, row in placed]
    ends = [
        (None, None) if row.low is None or row.high is None else (100 * row.low, 100 * row.high)
        for _, row in placed
    ]
    figure.add_scatter(
        x=[i for i, _ in placed],
        y=values,
        mode="markers",
        name=label,
        showlegend=bool(placed),
        marker={"symbol": symbol, "size": 7, "color": colour},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0.0 if high is None else high - v for (_, high), v in zip(ends, values, strict=True)],
            "arrayminus": [0.0 if low is None else v - low for (low, _), v in zip(ends, values, strict=True)],
            "thickness": 1,
            "width": 0,
            "color": colour,
        },
        customdata=[_hover(row) for _, row in placed],
        hovertemplate="%{customdata}<extra></extra>",
        row=1,
        col=1,
    )


def _made(row: Row) -> list[tuple[str, str]]:
    """The choices of a specification, without those that do not matter."""
    return [(name, str(getattr(row, name))) for name in CHOICES if getattr(row, name) is not None]


def _levels(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Every (choice, value) that occurs, choice by choice."""
    found = list(dict.fromkeys(made for row in rows for made in _made(row)))
    return sorted(found, key=lambda made: (CHOICES.index(made[0]), made[1]))


def _hover(row: Row) -> str:
    ends = (
        f"no interval: {plain_hover(str(row.reason))}"
        if row.low is None
        else f"95 %: {points(row.low)} to {points(row.high)}"
    )
    made = ", ".join(f"{name} {value}" for name, value in _made(row))
    return f"<b>{points(row.difference)}</b><br>{ends}<br>n = {row.n}<br>{plain_hover(made)}"
