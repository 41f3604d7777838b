"""What judges preferred, and which metric sees it → Plotly figures: a dot and its interval per row. No database, no Streamlit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fairprune.charts import MARKS, METHOD_MARKS, Mark, plain_hover
from fairprune.judgments.bias import ALL, REGISTERED
from fairprune.judgments.measured import Measured
from fairprune.judgments.metric_agreement import Comparison
from fairprune.judgments.ranking import Ranking

if TYPE_CHECKING:
    import plotly.graph_objects as go

UNKNOWN = Mark("other", "#7d8794", "diamond")
METRIC_MARK = Mark("fairness metric", "#0072b2", "circle")
BASELINE_MARK = Mark("baseline, knows nothing of fairness", "#7d8794", "square-open")
CEILING_MARK = Mark("judges among themselves", "#d55e00", "diamond")
LONGEST = 27
"""Characters of a name beside the axis."""
_SHIFT = 0.2
_KIND, _OTHER = {REGISTERED: "", ALL: "-open"}, "-open-dot"
"""Of a symbol, by the analysis that it shows."""


def mark_of(system: str, methods: Mapping[str, str]) -> Mark:
    """How a system of a study is drawn: as its method, or the dense model, is drawn everywhere.

    Args:
        methods: system → method or 'dense'; others are told by the first word of their name, or drawn in grey.
    """
    method = methods.get(system) or system.split(" ", maxsplit=1)[0]
    found = MARKS["dense"] if method == "dense" else METHOD_MARKS.get(method, UNKNOWN)
    return Mark(system, found.colour, found.symbol)


@dataclass(frozen=True)
class _Dot:
    place: float
    mark: Mark
    value: Measured
    hover: str


def strengths_chart(rankings: Mapping[str, Ranking], methods: Mapping[str, str]) -> go.Figure:
    """Strength of every system, in log-odds, strongest above; one dot per analysis: as registered is filled, all is open.

    Args:
        rankings: name of an analysis → its ranking; the order of systems is that of the registered one.
    """
    first = rankings.get(REGISTERED) or next(iter(rankings.values()))
    order = [one.system for one in first.strengths]
    order += [one.system for found in rankings.values() for one in found.strengths if one.system not in order]
    order = list(dict.fromkeys(order))
    dots: list[_Dot] = []
    middle = (len(rankings) - 1) / 2
    for number, (name, found) in enumerate(rankings.items()):
        for one in found.strengths:
            mark = mark_of(one.system, methods)
            mark = Mark(mark.label, mark.colour, f"{mark.symbol}{_KIND.get(name, _OTHER)}")
            text = f"<b>{plain_hover(one.system)}</b>, {plain_hover(name)}<br>{_text(one.strength)}"
            place = order.index(one.system) + _SHIFT * (number - middle)
            dots.append(_Dot(place, mark, one.strength, f"{text}<br>n = {one.strength.n:,} decided votes"))
    title = f"log-odds ({first.reference or 'mean'} = 0)"
    figure = _rows(order, dots, title)
    figure.add_vline(x=0, line={"width": 1.5, "color": "#8a94a3", "dash": "dot"}, layer="below")
    for name in rankings:
        symbol = f"circle{_KIND.get(name, _OTHER)}"
        key = {"color": MARKS["dense"].colour, "symbol": symbol, "size": 12, "line": {"width": 2}}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=key, name=plain_hover(name))
    return figure


def trust_chart(found: Comparison) -> go.Figure:
    """Accuracy of metrics, baselines and people at foretelling votes, in percent, with intervals."""
    rows = [
        *((one, BASELINE_MARK if one.baseline else METRIC_MARK) for one in found.metrics),
        (found.constant, BASELINE_MARK),
        (found.ceiling, CEILING_MARK),
    ]
    rows.sort(key=lambda row: -(row[0].accuracy.value if row[0].accuracy.value is not None else -1.0))
    dots = [
        _Dot(
            place,
            mark,
            one.accuracy,
            f"<b>{plain_hover(one.name)}</b><br>{_text(one.accuracy, 100)}<br>n = {one.accuracy.n:,} items",
        )
        for place, (one, mark) in enumerate(rows)
    ]
    figure = _rows([one.name for one, _ in rows], dots, "votes foretold, %", scale=100.0)
    for mark in (METRIC_MARK, BASELINE_MARK, CEILING_MARK):
        key = {"color": mark.colour, "symbol": mark.symbol, "size": 12, "line": {"width": 2}}
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=key, name=mark.label)
    return figure


def _rows(names: Sequence[str], dots: Sequence[_Dot], title: str, scale: float = 1.0) -> go.Figure:
    import plotly.graph_objects as go

    figure = go.Figure()
    for dot in dots:
        value = dot.value
        if value.value is None:
            continue
        ends: dict[str, Any] = {}
        if value.low is not None and value.high is not None:
            ends = {
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [scale * (value.high - value.value)],
                    "arrayminus": [scale * (value.value - value.low)],
                    "thickness": 2.5,
                    "width": 6,
                    "color": dot.mark.colour,
                }
            }
        figure.add_scatter(
            x=[scale * value.value],
            y=[dot.place],
            mode="markers",
            marker={
                "color": dot.mark.colour,
                "symbol": dot.mark.symbol,
                "size": 13,
                "line": {"width": 2.5 if "open" in dot.mark.symbol else 0, "color": dot.mark.colour},
            },
            customdata=[dot.hover],
            hovertemplate="%{customdata}<extra></extra>",
            showlegend=False,
            **ends,
        )
    figure.update_layout(
        height=130 + 58 * max(2, len(names)),
        margin={"l": 10, "r": 16, "t": 46, "b": 50},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 14}},
        font={"size": 15},
        xaxis={"title": {"text": plain_hover(title)}, "fixedrange": True, "zeroline": False},
        yaxis={
            "tickmode": "array",
            "tickvals": list(range(len(names))),
            "ticktext": [plain_hover(_short(name)) for name in names],
            "tickfont": {"size": 15},
            "range": [len(names) - 0.5, -0.5],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
    )
    return figure


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _text(value: Measured, scale: float = 1.0) -> str:
    """A value with its interval, in words, for a hover."""
    unit = " %" if scale == 100 else ""
    digits = 1 if scale == 100 else 2

    def shown(one: float) -> str:
        return f"{scale * one:.{digits}f}".replace("-", "−")

    if value.value is None:
        return plain_hover(f"not defined: {value.why}")
    if value.low is None or value.high is None:
        return f"{shown(value.value)}{unit}<br>{plain_hover(f'no interval: {value.why}')}"
    return f"{shown(value.value)}{unit}<br>95 %: {shown(value.low)} to {shown(value.high)}{unit}"
