"""What is known of the group labels → Plotly figures, in the colours of `charts`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairprune.charts import GROUP_COLOURS, percent

if TYPE_CHECKING:
    import plotly.graph_objects as go


def reliability_chart(bins: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Stated confidence (across) against accuracy (up) with 95 % intervals, and the line of a perfectly calibrated model.

    Args:
        bins: of `labels.heldout.reliability`, fractions; a larger dot has more opinions in its bin.
    """
    import plotly.graph_objects as go

    figure = go.Figure(
        go.Scatter(
            x=[100 * part["confidence"] for part in bins],
            y=[100 * part["accuracy"] for part in bins],
            mode="markers",
            marker={
                "color": GROUP_COLOURS[0],
                "size": [7 + part["n"] ** 0.5 for part in bins],
                "opacity": 1,
            },
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [100 * (part["high"] - part["accuracy"]) for part in bins],
                "arrayminus": [100 * (part["accuracy"] - part["low"]) for part in bins],
                "thickness": 2,
                "color": GROUP_COLOURS[0],
            },
            customdata=[_reliability_hover(part) for part in bins],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    figure.add_shape(
        type="line", x0=0, y0=0, x1=100, y1=100, line={"width": 1.5, "color": "#8a94a3", "dash": "dot"}
    )
    axis = {"fixedrange": True, "zeroline": False, "ticksuffix": "\N{NO-BREAK SPACE}%"}
    first = 100 * min((part["from"] for part in bins), default=0.0)
    figure.update_layout(
        height=330,
        margin={"l": 10, "r": 10, "t": 20, "b": 10},
        xaxis={"title": {"text": "stated confidence"}, "range": [first - 2, 102], **axis},
        yaxis={"title": {"text": "share that is right"}, "range": [-3, 103], **axis},
        font={"size": 15},
        showlegend=False,
    )
    return figure


def _reliability_hover(part: Mapping[str, Any]) -> str:
    return (
        f"<b>stated {percent(part['confidence'])}, right {percent(part['accuracy'])}</b>"
        f"<br>95 %: {percent(part['low'])} to {percent(part['high'])}<br>n = {part['n']} opinions"
    )
