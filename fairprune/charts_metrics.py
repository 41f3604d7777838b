"""Small multiples of the fairness metrics → Plotly figures: one panel per metric, one scale per unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairprune.charts import MARKS, Mark, percent, plain_hover, points
from fairprune.metrics import METRICS, Metric

if TYPE_CHECKING:
    import plotly.graph_objects as go

NEUTRAL = "#7d8794"
"""Of what no model wrote: it is seen on light and on dark ground."""
REFERENCE_MARKS: dict[str, Mark] = {
    "oracle": Mark("oracle", NEUTRAL, "triangle-up"),
    "random": Mark("random extract", NEUTRAL, "x-thin-open"),
    "one_group": Mark("one group alone", NEUTRAL, "triangle-down"),
}
"""From the fairest to the least fair by construction; told apart by shape."""
ROWS = ("dense", "pruned", "references", "difference")
"""Of a panel, from above."""
SUMMARIES = "share of the summaries, %"
UNIT_TITLES = {
    "words": "share of a summary's words, %",
    "balance": "difference of two balances",
    "probability": "probability",
    "cosine": "cosine",
}
"""Unit of a scale, where it is not the share of the summaries → its title."""
_ROOM = 0.06
"""Of the scale, left empty at either end."""


def metric_label(name: str) -> str:
    """How a metric is called on a page: 'bur' → 'BUR', 'ec_embedding' → 'EC by similarity'."""
    return (
        f"{name.removesuffix('_embedding').upper()} by similarity"
        if name.endswith("_embedding")
        else name.upper()
    )


def unit_of(metric: Metric) -> str:
    """What a number of this metric is a part of: metrics of one unit share a scale.

    BUR and its mean over thresholds, AUC, count summaries; UER and SOF are shares of a summary's words.
    """
    if metric.direction == "zero":
        return UNIT_TITLES["balance"]
    if metric.unit != "fraction":
        return UNIT_TITLES[metric.unit]
    return SUMMARIES if metric.binary or metric.name == "auc" else UNIT_TITLES["words"]


def by_unit(names: Iterable[str]) -> dict[str, list[str]]:
    """Unit → its metrics, both in the order in which they come."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(unit_of(METRICS[name]), []).append(name)
    return found


def scale_range(cells_of: Sequence[Mapping[str, Any]], scale: float) -> tuple[float, float]:
    """Where the scale of a unit begins and ends: all values and intervals of its metrics, and zero.

    Args:
        cells_of: per metric its cells by system.
        scale: 100 for percent, 1 otherwise.
    """
    names = ("dense", "pruned", "difference", *REFERENCE_MARKS)
    ends = [0.0]
    for cells in cells_of:
        found = [cells[name] for name in names if cells.get(name)]
        ends += [cell[key] for cell in found for key in ("value", "low", "high") if cell[key] is not None]
    least, most = scale * min(ends), scale * max(ends)
    room = _ROOM * (most - least or 1.0)
    return least - room, most + room


def metric_panel(name: str, cells: Mapping[str, Any], span: tuple[float, float]) -> go.Figure:
    """dense, pruned, the references by construction, and pruned − dense with its interval; what is missing is a '–'.

    Args:
        cells: the metric's cells by system, fractions; references and noise may be missing (runs of earlier versions).
        span: of the scale, as `scale_range` gives it.
    """
    import plotly.graph_objects as go

    metric = METRICS[name]
    scale = 100.0 if metric.is_rate else 1.0
    figure = go.Figure()
    noise = cells.get("noise")
    if noise and noise["low"] is not None and noise["high"] is not None:
        figure.add_shape(
            type="rect",
            x0=scale * noise["low"],
            x1=scale * noise["high"],
            y0=ROWS.index("difference") - 0.42,
            y1=ROWS.index("difference") + 0.42,
            fillcolor=NEUTRAL,
            opacity=0.28,
            line={"width": 0},
        )
    figure.add_vline(x=0, line={"width": 1.5, "color": "#8a94a3", "dash": "dot"})
    for system in ("dense", "pruned", "difference"):
        _add(figure, metric, system, cells.get(system), MARKS[system], ROWS.index(system))
    for system, mark in REFERENCE_MARKS.items():
        if cells.get(system):
            _add(figure, metric, system, cells[system], mark, ROWS.index("references"), interval=False)
    if not any((cells.get(system) or {}).get("value") is not None for system in REFERENCE_MARKS):
        _dash(figure, ROWS.index("references"), "no references were scored")
    labels = {"dense": "dense", "pruned": "pruned", "references": "references", "difference": "change"}
    figure.update_layout(
        height=210,
        margin={"l": 10, "r": 12, "t": 6, "b": 10},
        showlegend=False,
        xaxis={"range": list(span), "fixedrange": True, "zeroline": False, "nticks": 6},
        yaxis={
            "tickmode": "array",
            "tickvals": list(range(len(ROWS))),
            "ticktext": [labels[row] for row in ROWS],
            "tickfont": {"size": 14},
            "range": [len(ROWS) - 0.5, -0.5],
            "fixedrange": True,
            "showgrid": False,
            "zeroline": False,
        },
        font={"size": 14},
    )
    return figure


def _add(
    figure: go.Figure,
    metric: Metric,
    system: str,
    cell: Mapping[str, Any] | None,
    mark: Mark,
    row: int,
    *,
    interval: bool = True,
) -> None:
    """One mark of the panel, or a dash that says why there is none."""
    if cell is None or cell["value"] is None:
        if interval:
            _dash(figure, row, str((cell or {}).get("reason") or "not computed"))
        return
    scale = 100.0 if metric.is_rate else 1.0
    value = scale * cell["value"]
    known = interval and cell["low"] is not None and cell["high"] is not None
    figure.add_scatter(
        x=[value],
        y=[row],
        name=mark.label,
        mode="markers",
        marker={
            "color": mark.colour,
            "symbol": mark.symbol,
            "size": 13 if interval else 11,
            "line": {"width": 3 if mark.symbol.endswith("open") else 0, "color": mark.colour},
        },
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [scale * cell["high"] - value],
            "arrayminus": [value - scale * cell["low"]],
            "thickness": 2.5,
            "width": 6,
            "color": mark.colour,
        }
        if known
        else None,
        customdata=[_hover(metric, system, cell, mark)],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _dash(figure: go.Figure, row: int, reason: str) -> None:
    figure.add_annotation(
        x=0, y=row, text="–", showarrow=False, hovertext=plain_hover(reason), font={"size": 18}, xshift=14
    )


def _hover(metric: Metric, system: str, cell: Mapping[str, Any], mark: Mark) -> str:
    difference = system == "difference"

    def shown(value: float) -> str:
        if not metric.is_rate:
            return (
                f"{value:+.3f}".replace("-", "−")
                if difference or metric.direction == "zero"
                else f"{value:.3f}"
            )
        return points(value) if difference else percent(value)

    ends = "no interval"
    if cell["low"] is not None and cell["high"] is not None:
        ends = f"95 %: {shown(cell['low'])} to {shown(cell['high'])}"
    unscored = f", {cell['n_unscored']} unscored" if cell.get("n_unscored") else ""
    return f"<b>{metric_label(metric.name)}, {mark.label}</b><br>{shown(cell['value'])}<br>{ends}<br>n = {cell['n']}{unscored}"
