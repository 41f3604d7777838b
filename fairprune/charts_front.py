"""Fairness against quality as a Plotly figure: every run a mark, its opacity the probability that nothing beats it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairprune.charts import MARKS, opened, outline, percent, plain_hover, run_mark
from fairprune.charts_tradeoffs import CLICK, axis_title, interval_text, short
from fairprune.pareto import DENSE, Front
from fairprune.tradeoffs import Entry
from fairprune.tradeoffs_axes import Axis, cell_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

FAINTEST = 0.3
"""Opacity of a run that is beaten in every resample: it is still seen."""
OFTEN = 0.5
"""From this probability on a mark has a ring: opacity alone is hard to compare."""
MOST_LABELS, MOST_BARS = 40, 12
"""Runs of which each has its sparsity beside it, and its two intervals; of more the hover and the table tell."""
LEAST_SIZE, MORE_SIZE = 9.0, 12.0
"""Of a mark at no sparsity, and what is added at 100 %."""


def front_chart(entries: Sequence[Entry], x: Axis, y: Axis, front: Front, *, bars: bool = True) -> go.Figure:
    """Quality (across) and fairness (up) of runs that compare, and of the dense model.

    Runs without a value on an axis are not drawn. Where the front has no probability every mark has its full colour.

    Args:
        bars: whether each point has its two intervals, where there are few runs.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    shown = [entry for entry in entries if _both(entry.headline, "pruned", x, y) is not None]
    # What was edited or recovered beside pruning is a series of its own, with a dot in its marks.
    series = sorted({_series(entry) for entry in shown})
    labelled = len(shown) <= MOST_LABELS
    bars = bars and len(shown) <= MOST_BARS
    for one in series:
        members = [entry for entry in shown if _series(entry) == one]
        _method(figure, one, members, x, y, front, bars=bars, labelled=labelled)
    if shown:
        _dense(figure, shown[0], x, y, front, bars=bars)
    if any(entry.degenerate for entry in shown):
        mark = {"color": MARKS["dense"].colour, "symbol": "circle-open", "size": 13, "line": {"width": 2.5}}
        name = "hollow: over 20 % of summaries degenerate"
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=mark, name=name, hoverinfo="skip")
    if front.probability:
        ring = {"color": MARKS["dense"].colour, "symbol": "circle-open", "size": 19, "line": {"width": 2}}
        name = "ring: on the front in at least half of the resamples"
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=ring, name=name, hoverinfo="skip")
    if y.better == "zero":
        figure.add_hline(y=0, line={"width": 1.5, "color": "#8a94a3", "dash": "dot"}, layer="below")
    figure.update_layout(
        height=440 + 12 * (len(series) + 3),
        margin={"l": 10, "r": 12, "t": 12, "b": 10},
        legend={"orientation": "h", "y": -0.24, "yanchor": "top", "x": 0, "font": {"size": 14}},
        hovermode="closest",
        clickmode="event+select",
        font={"size": 15},
    )
    figure.update_xaxes(title={"text": axis_title(x)}, zeroline=False, type="log" if x.log else None)
    figure.update_yaxes(title={"text": axis_title(y)}, zeroline=False)
    return figure


def _series(entry: Entry) -> tuple[str, str]:
    """Method, and what was done beside pruning."""
    return entry.spec.pruning.method, " + ".join(entry.spec.additions)


def _both(
    headline: Mapping[str, Any], system: str, x: Axis, y: Axis
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """A system's cells on both axes; None where one has no value."""
    across, up = cell_of(headline, x, system), cell_of(headline, y, system)
    if across is None or up is None or across["value"] is None or up["value"] is None:
        return None
    return across, up


def _method(
    figure: go.Figure,
    series: tuple[str, str],
    entries: Sequence[Entry],
    x: Axis,
    y: Axis,
    front: Front,
    *,
    bars: bool,
    labelled: bool,
) -> None:
    mark = run_mark(series[0], bool(series[1]))
    method = plain_hover(short(" + ".join(part for part in series if part)))
    cells = [found for entry in entries if (found := _both(entry.headline, "pruned", x, y)) is not None]
    chances = [front.probability.get(entry.run.id) for entry in entries]
    figure.add_scatter(
        x=[x.scale * across["value"] for across, _ in cells],
        y=[y.scale * up["value"] for _, up in cells],
        mode="markers+text" if labelled else "markers",
        name=method,
        showlegend=False,  # the legend would take the first mark's opacity
        text=[percent(entry.achieved, 0) for entry in entries] if labelled else None,
        textposition="top center",
        textfont={"size": 12},
        marker={
            "color": mark.colour,
            "symbol": [opened(mark.symbol) if entry.degenerate else mark.symbol for entry in entries],
            "size": [LEAST_SIZE + MORE_SIZE * (entry.achieved or entry.asked) for entry in entries],
            "opacity": [_opacity(chance, front) for chance in chances],
            "line": outline(mark, [entry.degenerate for entry in entries]),
        },
        error_x=_errors(x, [across for across, _ in cells], mark.colour) if bars else None,
        error_y=_errors(y, [up for _, up in cells], mark.colour) if bars else None,
        customdata=[
            [entry.run.id, _hover(entry, across, up, x, y, front)]
            for entry, (across, up) in zip(entries, cells, strict=True)
        ],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )
    edge = {"width": 2 if series[1] else 0, "color": "#ffffff"}
    key = {"color": mark.colour, "symbol": mark.symbol, "size": 13, "line": edge}
    figure.add_scatter(x=[None], y=[None], mode="markers", marker=key, name=method, hoverinfo="skip")
    often = [place for place, chance in enumerate(chances) if chance is not None and chance >= OFTEN]
    _rings(
        figure, [(x.scale * cells[i][0]["value"], y.scale * cells[i][1]["value"]) for i in often], mark.colour
    )


def _rings(figure: go.Figure, places: Sequence[tuple[float, float]], colour: str) -> None:
    if places:
        figure.add_scatter(
            x=[x for x, _ in places],
            y=[y for _, y in places],
            mode="markers",
            marker={
                "color": colour,
                "symbol": "circle-open",
                "size": 25,
                "line": {"width": 2, "color": colour},
            },
            hoverinfo="skip",
            showlegend=False,
        )


def _dense(figure: go.Figure, entry: Entry, x: Axis, y: Axis, front: Front, *, bars: bool) -> None:
    """The dense model, which takes part in the front like a run."""
    found = _both(entry.headline, "dense", x, y)
    if found is None:
        return
    across, up = found
    colour, chance = MARKS["dense"].colour, front.probability.get(DENSE)
    lines = ["<b>dense model</b>", *_values(across, up, x, y), _chance(chance, front)]
    place = (x.scale * across["value"], y.scale * up["value"])
    figure.add_scatter(
        x=[place[0]],
        y=[place[1]],
        mode="markers+text",
        name="dense",
        text=["dense"],
        textposition="top center",
        textfont={"size": 13},
        marker={
            "color": colour,
            "symbol": "asterisk-open",
            "size": 16,
            "line": {"width": 3, "color": colour},
        },
        error_x=_errors(x, [across], colour) if bars else None,
        error_y=_errors(y, [up], colour) if bars else None,
        customdata=[["", "<br>".join(lines)]],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )
    if chance is not None and chance >= OFTEN:
        _rings(figure, [place], colour)


def _opacity(chance: float | None, front: Front) -> float:
    if not front.probability:
        return 1.0
    return FAINTEST if chance is None else FAINTEST + (1 - FAINTEST) * chance


def _errors(axis: Axis, cells: Sequence[Mapping[str, Any]], colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [_arm(axis, cell, "high") for cell in cells],
        "arrayminus": [_arm(axis, cell, "low") for cell in cells],
        "thickness": 1,
        "width": 3,
        "color": colour,
    }


def _arm(axis: Axis, cell: Mapping[str, Any], end: str) -> float:
    return 0.0 if cell[end] is None else axis.scale * abs(float(cell[end]) - float(cell["value"]))


def _values(across: Mapping[str, Any], up: Mapping[str, Any], x: Axis, y: Axis) -> list[str]:
    lines = []
    for axis, cell in ((y, up), (x, across)):
        count = "" if cell["n"] is None else f", n = {cell['n']:,}"
        ends = interval_text(axis, cell["low"], cell["high"])
        lines.append(f"{plain_hover(axis.title)} {axis.shown(cell['value'])}, {ends}{count}")
    return lines


def _hover(
    entry: Entry, across: Mapping[str, Any], up: Mapping[str, Any], x: Axis, y: Axis, front: Front
) -> str:
    lines = [
        f"<b>{plain_hover(short(entry.run.label, 90))}</b>",
        f"sparsity asked {percent(entry.asked, 1)}, achieved {percent(entry.achieved, 2)}",
        *_values(across, up, x, y),
        _chance(front.probability.get(entry.run.id), front),
    ]
    if entry.degenerate:
        lines.append("<b>degenerate: over 20 % of summaries say nothing</b>")
    return "<br>".join([*lines, CLICK])


def _chance(chance: float | None, front: Front) -> str:
    """The probability in words, or that the run takes no part."""
    if chance is None:
        return "takes no part in the front" if front.probability else "no front probability"
    return f"on the front in {percent(chance, 0)} of {front.resamples:,} resamples, n = {front.n:,}"
