"""Values → Plotly figures, and the colours of the whole dashboard. No database, no Streamlit, no torch.

Colours are those of Okabe and Ito (2008) first, then of Tol's muted scheme: told apart with every common
colour vision, on light and on dark ground. Nothing is said by colour alone: systems differ in shape too.
Plotly is imported where a figure is made, because the pages that only need a colour open faster without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from fairprune.errors import unknown

if TYPE_CHECKING:
    import plotly.graph_objects as go

GROUP_COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#56b4e9",
    "#d55e00",
    "#999933",
    "#aa4499",
    "#44aa99",
    "#ddcc77",
    "#6f63c4",
    "#a04660",
)
"""Of the groups in the corpus's order; a thirteenth begins anew."""


@dataclass(frozen=True)
class Mark:
    """How a system is drawn, everywhere alike."""

    label: str
    colour: str
    symbol: str
    """Plotly's name of the marker."""


MARKS: dict[str, Mark] = {
    "dense": Mark("dense", "#738091", "circle"),
    "pruned": Mark("pruned", "#c2308a", "diamond"),
    "difference": Mark("pruned − dense", "#0f9b8e", "square"),
    "random": Mark("random extract", "#a8b0bc", "x-thin-open"),
}
METHOD_MARKS: dict[str, Mark] = {
    "gblm": Mark("gblm", "#56b4e9", "hexagon"),
    "gradient": Mark("gradient", "#cc79a7", "triangle-down"),
    "hgla": Mark("hgla", "#aa4499", "star"),
    "hgla-additive": Mark("hgla-additive", "#6f63c4", "star-diamond"),
    "magnitude": Mark("magnitude", "#e69f00", "square"),
    "random": Mark("random", "#999933", "cross"),
    "ria": Mark("ria", "#d55e00", "pentagon"),
    "sparsegpt": Mark("sparsegpt", "#009e73", "triangle-up"),
    "wanda": Mark("wanda", "#0072b2", "circle"),
}
"""Of the pruning methods: each has a symbol of its own, since groups use some of these colours too."""


def run_mark(method: str, added: bool) -> Mark:
    """How a run is drawn among others: colour and shape of its method, with a dot in it where more was done than pruning."""
    found = METHOD_MARKS[method]
    return replace(found, symbol=f"{found.symbol}-dot") if added else found


def outline(mark: Mark, hollow: Sequence[bool]) -> dict[str, Any]:
    """The `line` of Plotly markers of one mark: of its colour where they are hollow, white where a dot must be seen in them, else none."""
    dotted = mark.symbol.endswith("-dot")
    return {
        "width": [2.5 if one else 2 if dotted else 0 for one in hollow],
        "color": [mark.colour if one or not dotted else "#ffffff" for one in hollow],
    }


def opened(symbol: str) -> str:
    """The hollow form of a marker.

    >>> opened("circle"), opened("circle-dot")
    ('circle-open', 'circle-open-dot')
    """
    bare = symbol.removesuffix("-dot")
    return f"{bare}-open{symbol.removeprefix(bare)}"


def group_colour(groups: Sequence[str], group: str) -> str:
    """The colour of a group of the corpus, by its place in `groups`.

    Raises:
        BadInput: a group that is not among them.
    """
    if group not in groups:
        raise unknown("group", group, groups)
    return GROUP_COLOURS[list(groups).index(group) % len(GROUP_COLOURS)]


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction in percent: 0.125 → '12.5 %' (with a space that does not break); '–' for a missing one."""
    return "–" if value is None else f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def points(value: float | None, digits: int = 1) -> str:
    """A difference of fractions in percentage points: 0.125 → '+12.5 points'; '–' for a missing one."""
    if value is None:
        return "–"
    # + 0.0: what rounds to zero from below is +0.0, never −0.0
    return f"{round(100 * value, digits) + 0.0:+.{digits}f} points".replace("-", "−")


_AXIS: dict[str, Any] = {"type": "category", "fixedrange": True, "showgrid": False, "tickfont": {"size": 15}}


def plain_hover(text: str) -> str:
    """`text` for Plotly, which reads a little HTML: shown as it stands."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def direction_chart(rows: Sequence[Mapping[str, Any]], groups: Sequence[str]) -> go.Figure:
    """Signed mean p_y − p_x per group with its interval, in percentage points: one dot per system.

    Args:
        rows: evaluation['groups'] – group, system, value, low, high (fractions) and n; a missing value draws
            nothing, a missing interval draws the dot alone.
    """
    import plotly.graph_objects as go

    systems = [name for name in MARKS if any(row["system"] == name for row in rows)]
    figure = go.Figure()
    for place, name in enumerate(systems):
        mark = MARKS[name]
        drawn = [
            row
            for row in rows
            if row["system"] == name and row["value"] is not None and row["group"] in groups
        ]
        x = [100 * float(row["value"]) for row in drawn]
        lows = [None if row["low"] is None else 100 * float(row["low"]) for row in drawn]
        highs = [None if row["high"] is None else 100 * float(row["high"]) for row in drawn]
        shift = 0.17 * (place - (len(systems) - 1) / 2)
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[groups.index(row["group"]) + shift for row in drawn],
                name=mark.label,
                mode="markers",
                marker={
                    "color": mark.colour,
                    "symbol": mark.symbol,
                    "size": 13,
                    "line": {"width": 3 if mark.symbol.endswith("open") else 0, "color": mark.colour},
                },
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [0.0 if high is None else high - v for high, v in zip(highs, x, strict=True)],
                    "arrayminus": [0.0 if low is None else v - low for low, v in zip(lows, x, strict=True)],
                    "thickness": 2.5,
                    "width": 6,
                    "color": mark.colour,
                },
                customdata=[
                    f"<b>{plain_hover(str(row['group']))}, {mark.label}</b><br>{points(row['value'])}"
                    f"<br>95 %: {_ends(row)}<br>n = {row['n']}"
                    for row in drawn
                ],
                hovertemplate="%{customdata}<extra></extra>",
            )
        )
    figure.add_vline(x=0, line={"width": 1.5, "color": "#8a94a3", "dash": "dot"})
    figure.update_layout(
        height=150 + 105 * len(groups),
        margin={"l": 10, "r": 20, "t": 50, "b": 50},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 15}},
        xaxis={
            "title": {"text": "points above or below the fair share"},
            "fixedrange": True,
            "zeroline": False,
        },
        yaxis={
            "tickmode": "array",
            "tickvals": list(range(len(groups))),
            "ticktext": [plain_hover(group) for group in groups],
            "tickfont": {"size": 16},
            "range": [len(groups) - 0.5, -0.5],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
        font={"size": 15},
    )
    return figure


def _ends(row: Mapping[str, Any]) -> str:
    if row["low"] is None or row["high"] is None:
        return "no interval"
    return f"{points(row['low'])} to {points(row['high'])}"


def confusion_heatmap(counts: Sequence[Sequence[int]], groups: Sequence[str]) -> go.Figure:
    """Held-out opinions: own group (down) × predicted group (across); colour is the share of the row.

    Args:
        counts: (groups, groups); a row without opinions stays empty.
    """
    import plotly.graph_objects as go

    shares: list[list[float | None]] = [
        [count / sum(row) if sum(row) else None for count in row] for row in counts
    ]
    labels = [plain_hover(group) for group in groups]
    texts = [
        [f"{count}<br>{percent(share, 0)}" for count, share in zip(row, part, strict=True)]
        for row, part in zip(counts, shares, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=labels,
            y=labels,
            text=texts,
            texttemplate="<b>%{text}</b>",
            hovertemplate="%{y} taken for %{x}: %{text}<extra></extra>",
            colorscale="Cividis",
            zmin=0.0,
            zmax=1.0,
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    figure.update_layout(
        height=130 + 80 * len(groups),
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
        xaxis={"side": "top", "title": {"text": "predicted group"}, **_AXIS},
        yaxis={"autorange": "reversed", "title": {"text": "own group"}, **_AXIS},
        font={"size": 15},
    )
    return figure


INKS = ("#000000", "#ffffff")
"""Of the numbers in the cells: on light colours, on dark ones."""
EVEN_LUMINANCE = (1.05 * 0.05) ** 0.5 - 0.05
"""Where black and white have the same contrast, 4.58 : 1: (1 + 0.05) / (L + 0.05) = (L + 0.05) / 0.05 (WCAG 2.2)."""


def inks(scale: str | list[list[Any]], places: Sequence[float]) -> list[str]:
    """Black or white for text on each colour of a Plotly colour scale, whichever has the higher contrast: at least 4.58 : 1.

    Args:
        places: on the scale, 0 to 1; what lies beyond has the colour of the end.
    """
    from plotly.colors import sample_colorscale

    colours = sample_colorscale(scale, [min(1.0, max(0.0, place)) for place in places], colortype="tuple")
    return [INKS[luminance(colour) < EVEN_LUMINANCE] for colour in colours]


def luminance(colour: Sequence[float]) -> float:
    """Relative luminance of an sRGB colour, red, green and blue in [0, 1] (WCAG 2.2)."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
