"""Figures of one pruned matrix: how rows and columns were pruned, its scores with the cut, its mask, its heads.

Values of `fairprune.mask_details` → Plotly figures, on axes that are the same for every matrix: sparsity from 0 to 100 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairprune.charts import GROUP_COLOURS, MARKS, percent, plain_hover

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from numpy.typing import NDArray

KEPT, DROPPED = MARKS["dense"].colour, MARKS["pruned"].colour
OTHER = GROUP_COLOURS[1]
"""Line of the other run, dashed."""
_CUTS = {
    "row": "each row has its own",
    "matrix": "one for the matrix",
    "pattern": "each group of the pattern has its own",
    "columns": "each block of columns has its own",
}


def sparsity_bars(counts: Sequence[int], what: str, other: Sequence[int] | None = None) -> go.Figure:
    """How many rows (columns, neurons) have which sparsity, in bins of equal width over [0, 1].

    Args:
        what: what is counted, in the plural.
        other: the same of another run, drawn as a dashed line.
    """
    import plotly.graph_objects as go

    bins = len(counts)
    width = 100 / bins
    centres = [(place + 0.5) * width for place in range(bins)]
    hovers = [
        f"{count:,} {what} with a sparsity of {place * width:g} to {(place + 1) * width:g} %"
        for place, count in enumerate(counts)
    ]
    figure = go.Figure(
        go.Bar(
            x=centres,
            y=list(counts),
            width=width,
            marker={"color": DROPPED, "line": {"width": 0}},
            customdata=hovers,
            hovertemplate="%{customdata}<extra></extra>",
            name="this run",
        )
    )
    if other is not None:
        figure.add_scatter(
            x=centres,
            y=list(other),
            mode="lines",
            line={"shape": "hvh", "color": OTHER, "width": 2.5, "dash": "dash"},
            name="other run",
            hovertemplate="other run: %{y:,}<extra></extra>",
        )
    _laid_out(figure, f"sparsity of a {what[:-1]}, %", what, legend=other is not None)
    figure.update_xaxes(range=[0, 100])
    return figure


def score_bars(found: Mapping[str, Any]) -> go.Figure:
    """Kept and dropped weights by score, and the band in which the cuts lie (5 to 95 % of them), with their median."""
    import plotly.graph_objects as go

    log = found["scale"] == "log"

    def place_of(value: float) -> float:
        return math.log10(value) if log else value

    low, high = place_of(found["low"]), place_of(found["high"])
    bins = len(found["kept"])
    width = (high - low) / bins
    centres = [low + (place + 0.5) * width for place in range(bins)]
    figure = go.Figure()
    for name, colour, pattern in (("dropped", DROPPED, "/"), ("kept", KEPT, "")):
        figure.add_bar(
            x=centres,
            y=found[name],
            width=width,
            name=name,
            marker={
                "color": colour,
                "line": {"width": 0},
                "pattern": {"shape": pattern, "size": 5, "fillmode": "overlay", "fgcolor": "#ffffffa0"},
            },
            customdata=[_score_hover(found, place, name, log) for place in range(bins)],
            hovertemplate="%{customdata}<extra></extra>",
        )
    cut = found["cut"]
    if cut is not None:
        ends = [
            place_of(max(cut[end], found["low"]) if log else cut[end]) for end in ("low", "median", "high")
        ]
        if ends[2] > ends[0]:
            figure.add_vrect(
                x0=ends[0], x1=ends[2], fillcolor=OTHER, opacity=0.3, line_width=0, layer="below"
            )
        tallest = max(a + b for a, b in zip(found["kept"], found["dropped"], strict=True))
        figure.add_scatter(
            x=[ends[1], ends[1]],
            y=[0, 1.04 * tallest],
            mode="lines",
            name="cut" if cut["n"] == 1 else "middle cut",
            line={"color": OTHER, "width": 2.5, "dash": "dash"},
            hoverinfo="skip",
        )
    _laid_out(figure, f"score{', logarithmic' if log else ''}", "weights read", legend=True)
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"})
    ticks = _ticks(found["low"], found["high"], log)
    figure.update_xaxes(
        range=[low - width / 2, high + width / 2],
        tickvals=[place_of(tick) for tick in ticks],
        ticktext=[f"{tick:.2g}" for tick in ticks],
    )
    return figure


def cut_words(found: Mapping[str, Any]) -> str:
    """Where the cut lies and how many there are, in words."""
    cut = found["cut"]
    if cut is None:
        return "Nothing was dropped: there is no cut."
    if cut["n"] == 1:
        return f"The largest score that was dropped is {cut['median']:.4g}: {_CUTS[cut['within']]}."
    return (
        f"A cut is the largest score that was dropped: {_CUTS[cut['within']]}. The middle one of {cut['n']:,} lies at "
        f"{cut['median']:.4g}; the band holds those from the lowest 5 % ({cut['low']:.4g}) to the highest 5 % ({cut['high']:.4g})."
    )


def _score_hover(found: Mapping[str, Any], place: int, name: str, log: bool) -> str:
    low, high, bins = found["low"], found["high"], len(found["kept"])
    ends = [
        low * (high / low) ** (i / bins) if log else low + (high - low) * i / bins for i in (place, place + 1)
    ]
    start = "at most" if log and place == 0 else f"{ends[0]:.3g} to"
    return f"{found[name][place]:,} {name}<br>score {start} {ends[1]:.3g}"


def _ticks(low: float, high: float, log: bool) -> list[float]:
    """Powers of ten between the ends; where there are fewer than two, five values from end to end."""
    if log:
        powers = [10.0**p for p in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
        if len(powers) >= 2:
            return powers
        return [low * (high / low) ** (i / 4) for i in range(5)]
    return [low + (high - low) * i / 4 for i in range(5)]


def mask_picture(
    shares: NDArray[Any], height: int, width: int, rows: int, columns: int, what: str = "dropped"
) -> go.Figure:
    """The mask in cells: share of each cell's weights that was dropped (or `what` else), on a scale from 0 to 100 %.

    Args:
        shares: (cells down, cells across), [0, 1].
        height, width: of a cell, in weights; the last of a side may be smaller.
    """
    import plotly.graph_objects as go

    down = [f"{start:,}–{min(start + height, rows) - 1:,}" for start in range(0, rows, height)]
    across = [f"{start:,}–{min(start + width, columns) - 1:,}" for start in range(0, columns, width)]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=[start * width for start in range(len(across))],
            y=[start * height for start in range(len(down))],
            customdata=[[f"outputs {a}, inputs {b}" for b in across] for a in down],
            hovertemplate=f"%{{customdata}}<br>%{{z:.1%}} {what}<extra></extra>",
            colorscale="Cividis",
            zmin=0.0,
            zmax=1.0,
            colorbar={
                "thickness": 12,
                "tickvals": [0, 0.25, 0.5, 0.75, 1],
                "ticktext": [percent(tick, 0) for tick in (0, 0.25, 0.5, 0.75, 1)],
                "tickfont": {"size": 13},
            },
        )
    )
    figure.update_layout(
        height=380,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={"title": {"text": "input column"}, "fixedrange": True, "showgrid": False, "zeroline": False},
        yaxis={
            "title": {"text": "output row"},
            "autorange": "reversed",
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
        font={"size": 14},
    )
    return figure


def head_bars(
    labels: Sequence[str], shares: Sequence[float], other: Sequence[float] | None = None
) -> go.Figure:
    """The sparsity of every head, from 0 to 100 %.

    Args:
        other: of another run, drawn as dashes.
    """
    import plotly.graph_objects as go

    names = [plain_hover(label) for label in labels]
    figure = go.Figure(
        go.Bar(
            x=names,
            y=[100 * share for share in shares],
            marker={"color": DROPPED},
            hovertemplate="head %{x}: %{y:.2f} %<extra></extra>",
            name="this run",
        )
    )
    if other is not None:
        figure.add_scatter(
            x=names,
            y=[100 * share for share in other],
            mode="markers",
            marker={"symbol": "line-ew-open", "size": 14, "color": OTHER, "line": {"width": 3}},
            hovertemplate="other run, head %{x}: %{y:.2f} %<extra></extra>",
            name="other run",
        )
    _laid_out(figure, "head", "sparsity, %", legend=other is not None)
    figure.update_xaxes(type="category")
    figure.update_yaxes(range=[0, 100])
    return figure


def _laid_out(figure: go.Figure, x: str, y: str, *, legend: bool) -> None:
    figure.update_layout(
        height=280,
        bargap=0 if y != "sparsity, %" else 0.2,
        margin={"l": 10, "r": 10, "t": 44 if legend else 20, "b": 10},
        showlegend=legend,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        xaxis={"title": {"text": x}, "fixedrange": True, "showgrid": False, "zeroline": False},
        yaxis={"title": {"text": y}, "fixedrange": True, "rangemode": "tozero"},
        font={"size": 14},
    )
