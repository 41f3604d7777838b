"""Values → Plotly figures, and the colours of the whole dashboard. No database, no Streamlit, no torch.

Colours are those of Okabe and Ito (2008) first, then of Tol's muted scheme: told apart with every common
colour vision, on light and on dark ground. Nothing is said by colour alone: systems differ in shape too.
Plotly is imported where a figure is made, because the pages that only need a colour open faster without it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

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


@dataclass(frozen=True)
class Measure:
    """One number of a pruned matrix, for the heatmap."""

    title: str
    explanation: str
    top: float
    """Where the colour scale ends, the same for every run: colours can be compared between runs."""
    ticks: tuple[float, ...]
    """Values named beside the scale: the first is where it begins, the last where it ends."""
    scale: Literal["linear", "root", "log"] = "linear"
    """Colour by the value, its square root or its logarithm: where most values are small beside the end."""

    @property
    def bottom(self) -> float:
        """Where the colour scale begins; smaller values have its colour too."""
        return self.ticks[0]

    def position(self, value: float) -> float:
        """Where a value stands on the colour scale, before it is cut at its end."""
        if self.scale == "log":
            return math.log10(max(value, self.bottom))
        return value**0.5 if self.scale == "root" else value

    def tick_texts(self) -> list[str]:
        """The ticks in percent; the first of a logarithm stands for all that is smaller, zero too."""
        texts = [f"{100 * tick:g}\N{NO-BREAK SPACE}%" for tick in self.ticks]
        return [f"≤ {texts[0]}", *texts[1:]] if self.scale == "log" else texts


MEASURES: dict[str, Measure] = {
    "score_removed": Measure(
        "Score removed",
        "Share of the total |score| that the dropped weights held: what the method itself calls lost.",
        1.0,
        (0.0001, 0.001, 0.01, 0.1, 1.0),  # second-order scores lose 0.1 to 1 %, magnitudes 10 to 30 %
        scale="log",
    ),
    "achieved": Measure(
        "Sparsity",
        "Share of the matrix's weights that pruning dropped.",
        1.0,
        (0.0, 0.25, 0.5, 0.75, 1.0),
    ),
    "column_spread": Measure(
        "Column spread",
        "Standard deviation of sparsity over input columns: 0 where every input loses alike, at most 50 %.",
        0.5,
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
    ),
    "dead_columns": Measure(
        "Dead columns",
        "Share of input columns of which no weight is left: inputs that are no longer read.",
        1.0,
        (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0),
        scale="root",
    ),
    "row_range": Measure(
        "Row range",
        "Sparsity of the fullest pruned output row minus that of the emptiest: 0 where all rows lose alike.",
        1.0,
        (0.0, 0.25, 0.5, 0.75, 1.0),
    ),
}


def group_colour(groups: Sequence[str], group: str) -> str:
    """The colour of a group of the corpus, by its place in `groups`.

    Raises:
        BadInput: a group that is not among them.
    """
    if group not in groups:
        raise unknown("group", group, groups)
    return GROUP_COLOURS[list(groups).index(group) % len(GROUP_COLOURS)]


def measure_value(name: str, matrix: Mapping[str, Any]) -> float | None:
    """A measure of one matrix of a sparsity report, a fraction; None where it is missing.

    Raises:
        BadInput: no measure has this name.
    """
    if name not in MEASURES:
        raise unknown("measure", name, MEASURES)
    if name == "dead_columns":
        return float(matrix["dead_columns"]) / float(matrix["columns"])
    if name == "row_range":
        return float(matrix["row_max"]) - float(matrix["row_min"])
    value = matrix[name]
    return None if value is None else float(value)


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
_LEAST_HEIGHT = 320
"""Of the heatmap, pixels: the ticks of its scale stand apart however few blocks there are."""


def layer_heatmap(matrices: Sequence[Mapping[str, Any]], measure: str) -> go.Figure:
    """Blocks (down) × projections (across): colour is the measure, the number is the sparsity in percent.

    Args:
        matrices: of SparsityReport.to_json(). A projection that a block does not have leaves an empty cell.
        measure: a name of MEASURES.

    Raises:
        BadInput: no measure has this name.
    """
    import plotly.graph_objects as go

    if measure not in MEASURES:
        raise unknown("measure", measure, MEASURES)
    shown = MEASURES[measure]
    kinds = list(dict.fromkeys(str(matrix["kind"]) for matrix in matrices))
    blocks = sorted({int(matrix["block"]) for matrix in matrices})
    found = {(int(matrix["block"]), str(matrix["kind"])): matrix for matrix in matrices}
    colours: list[list[float | None]] = []
    texts: list[list[str]] = []
    hovers: list[list[str]] = []
    for block in blocks:
        row = [found.get((block, kind)) for kind in kinds]
        values = [None if matrix is None else measure_value(measure, matrix) for matrix in row]
        colours.append([None if value is None else shown.position(value) for value in values])
        texts.append(["" if matrix is None else f"{100 * float(matrix['achieved']):.1f}" for matrix in row])
        hovers.append(["" if matrix is None else _hover(matrix) for matrix in row])
    figure = go.Figure(
        go.Heatmap(
            z=colours,
            x=[_short(kind) for kind in kinds],
            y=[str(block) for block in blocks],
            text=texts,
            customdata=hovers,
            texttemplate="%{text}",
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            colorscale="Cividis",
            zmin=shown.position(shown.bottom),
            zmax=shown.position(shown.top),
            xgap=2,
            ygap=2,
            colorbar={
                "thickness": 14,
                "tickvals": [shown.position(tick) for tick in shown.ticks],
                "ticktext": shown.tick_texts(),
                "tickfont": {"size": 14},
            },
        )
    )
    figure.update_layout(
        height=max(_LEAST_HEIGHT, 80 + 27 * len(blocks)),
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        xaxis={"side": "top", **_AXIS},
        yaxis={"autorange": "reversed", "title": {"text": "block"}, "nticks": len(blocks), **_AXIS},
        font={"size": 14},
    )
    return figure


def _short(kind: str) -> str:
    """'self_attn.q_proj' → 'q': the names that people say."""
    return kind.rsplit(".", 1)[-1].removesuffix("_proj")


def _hover(matrix: Mapping[str, Any]) -> str:
    lines = [
        f"<b>{plain_hover(str(matrix['name']))}</b>",
        f"{matrix['rows']:,} × {matrix['columns']:,} weights",
        f"sparsity {percent(matrix['achieved'], 3)}, asked {percent(matrix['asked'], 3)}",
        f"score removed {percent(measure_value('score_removed', matrix), 3)}",
        f"columns: spread {percent(matrix['column_spread'], 2)}, dead {matrix['dead_columns']:,}",
        f"rows {percent(matrix['row_min'], 2)} to {percent(matrix['row_max'], 2)}",
    ]
    return "<br>".join(lines)


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
