"""Trade-offs as Plotly figures: lines over sparsity with intervals, and fairness against quality with front probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairprune.charts import MARKS, METHOD_MARKS, opened, outline, percent, plain_hover, run_mark
from fairprune.tradeoffs import Entry, Line, Spot
from fairprune.tradeoffs_axes import Axis, cell_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Of the lines of one method, in their order; a seventh begins anew."""
BANDS = {"bands": "Bands", "bars": "Bars", "none": "None"}
"""How intervals are drawn → its name."""
LEAST_BAND = 3
"""A line of fewer points has bars: a band of two is a trapezoid between two intervals, and says nothing in between."""
MOST_LETTERS = 44
"""Of a name in a legend; the whole stands in the hover."""
CLICK = "click: links to its pages, below the figure"
"""The last line of a run's hover, on a page that shows them below the figure."""
EVEN = 0.5
"""Where judges prefer neither the pruned model nor the dense one."""
_ROOM = 0.05
_DENSE = MARKS["dense"].colour
_RANDOM = MARKS["random"].colour


def short(text: str, most: int = MOST_LETTERS) -> str:
    """`text`, cut with '…' where it is longer.

    >>> short("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def span(axis: Axis, values: Sequence[float | None]) -> tuple[float, float] | None:
    """Where an axis begins and ends for these values and interval ends, in its unit; None: as Plotly has it.

    Panels side by side share it, so that heights can be compared.
    """
    found = [axis.scale * value for value in values if value is not None]
    if axis.log or not found:
        return None
    if axis.kind == "sparsity":
        return -2.0, max(found) + 5.0
    least, most = min(found), max(found)
    if axis.kind == "fairness":
        least, most = min(0.0, least), max(0.0, most)
    if axis.kind == "judges":
        least, most = min(axis.scale * EVEN, least), max(axis.scale * EVEN, most)
    room = _ROOM * (most - least or 1.0)
    return least - room, most + room


def ends_of(
    drawn: Sequence[Line], axis: Axis, dense: Mapping[str, Any] | None, which: str = "y"
) -> list[float | None]:
    """All values and interval ends that a panel shows on an axis, fractions."""
    found: list[float | None] = []
    for spot in (spot for line in drawn for spot in line.spots):
        if which == "y":
            found += [spot.y, spot.low, spot.high]
            found += [(cell_of(entry.headline, axis, "pruned") or {}).get("value") for entry in spot.entries]
        else:
            found += [spot.x]
    found += [(dense or {}).get(key) for key in ("value", "low", "high")]
    return found


def trade_off_chart(
    drawn: Sequence[Line],
    x: Axis,
    y: Axis,
    *,
    dense: Mapping[str, Mapping[str, Any] | None],
    random: Mapping[str, Any] | None,
    intervals: str = "bands",
    x_span: tuple[float, float] | None = None,
    y_span: tuple[float, float] | None = None,
) -> go.Figure:
    """One panel: a line per method and variant, the dense model across, the random extract as a thin line.

    Every mark of a run has its id as the first part of `customdata`; nothing else can be selected.

    Args:
        dense: 'x' and 'y' → the dense model's cell on that axis.
        random: cell of the random extract on y.
        intervals: a key of BANDS.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    own = dense.get("y") or {}
    if own.get("value") is not None:
        _across(figure, y, own, f"dense: {y.shown(own['value'])}", _DENSE, 3.0, "solid", intervals != "none")
    if random is not None and random.get("value") is not None:
        _across(figure, y, random, f"random extract: {y.shown(random['value'])}", _RANDOM, 1.5, "dot", False)
    banded = [line for line in drawn if len(line.spots) >= LEAST_BAND and x.kind == "sparsity"]
    if intervals != "bands":
        banded = []
    for line in banded:  # below all lines
        _band(figure, line, x, y)
    for line in drawn:
        _line(figure, line, x, y, bars=intervals != "none" and line not in banded)
    for line in drawn:
        _draws(figure, line, x, y)
    if (
        x.kind != "sparsity"
        and own.get("value") is not None
        and (dense.get("x") or {}).get("value") is not None
    ):
        _dense_mark(figure, x, y, dense, bars=intervals != "none")
    _legend_notes(figure, [spot for line in drawn for spot in line.spots])
    _layout(figure, x, y, x_span, y_span)
    return figure


def _across(
    figure: go.Figure,
    y: Axis,
    cell: Mapping[str, Any],
    name: str,
    colour: str,
    width: float,
    dash: str,
    band: bool,
) -> None:
    """A horizontal line with its own band; a trace of no point puts it into the legend."""
    if band and cell["low"] is not None and cell["high"] is not None:
        figure.add_hrect(
            y0=y.scale * cell["low"],
            y1=y.scale * cell["high"],
            fillcolor=colour,
            opacity=0.13,
            line={"width": 0},
            layer="below",
        )
    line = {"color": colour, "width": width, "dash": dash}
    figure.add_hline(y=y.scale * cell["value"], line=line, layer="below")
    figure.add_scatter(x=[None], y=[None], mode="lines", line=line, name=name, hoverinfo="skip")


def _band(figure: go.Figure, line: Line, x: Axis, y: Axis) -> None:
    """The intervals of neighbouring points joined; a point without one leaves a gap."""
    mark = METHOD_MARKS[line.method]
    run: list[Spot] = []
    for spot in [*line.spots, None]:
        if spot is not None and spot.low is not None and spot.high is not None:
            run.append(spot)
            continue
        if len(run) > 1:
            xs = [x.scale * one.x for one in run]
            highs = [y.scale * one.high for one in run if one.high is not None]
            lows = [y.scale * one.low for one in run if one.low is not None]
            figure.add_scatter(
                x=[*xs, *reversed(xs)],
                y=[*highs, *reversed(lows)],
                mode="lines",
                line={"width": 0},
                fill="toself",
                fillcolor=_faint(mark.colour, 0.16),
                hoverinfo="skip",
                showlegend=False,
                legendgroup=line.label,
            )
        run = []


def _line(figure: go.Figure, line: Line, x: Axis, y: Axis, *, bars: bool) -> None:
    mark = run_mark(line.method, line.added)
    spots = line.spots
    figure.add_scatter(
        x=[x.scale * spot.x for spot in spots],
        y=[y.scale * spot.y for spot in spots],
        mode="lines+markers",
        name=plain_hover(short(line.label)),
        legendgroup=line.label,
        line={"color": mark.colour, "width": 2.5, "dash": DASHES[line.variant % len(DASHES)]},
        marker={
            "color": mark.colour,
            "symbol": [_symbol(mark.symbol, spot.degenerate) for spot in spots],
            "size": 12,
            "line": outline(mark, [spot.degenerate for spot in spots]),
        },
        error_y=_bars(spots, y, mark.colour) if bars else None,
        customdata=[
            [spot.entries[0].run.id if len(spot.entries) == 1 else "", _hover(spot, x, y)] for spot in spots
        ],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )


def _draws(figure: go.Figure, line: Line, x: Axis, y: Axis) -> None:
    """The runs behind each mean, small."""
    mark = run_mark(line.method, line.added)
    entries = [entry for spot in line.spots if len(spot.entries) > 1 for entry in spot.entries]
    if not entries:
        return
    alone = [_alone(entry, x, y) for entry in entries]
    figure.add_scatter(
        x=[x.scale * spot.x for spot in alone],
        y=[y.scale * spot.y for spot in alone],
        mode="markers",
        showlegend=False,
        legendgroup=line.label,
        marker={
            "color": mark.colour,
            "symbol": [_symbol(mark.symbol, spot.degenerate) for spot in alone],
            "size": 7,
            "opacity": 0.7,
        },
        customdata=[[spot.entries[0].run.id, _hover(spot, x, y)] for spot in alone],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )


def _alone(entry: Entry, x: Axis, y: Axis) -> Spot:
    """A run of several draws as a point of its own."""
    across, up = (cell_of(entry.headline, axis, "pruned") or {} for axis in (x, y))
    return Spot((entry,), across["value"], up["value"], up["low"], up["high"], across["low"], across["high"])


def _symbol(symbol: str, hollow: bool) -> str:
    return opened(symbol) if hollow else symbol


def _bars(spots: Sequence[Spot], y: Axis, colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if spot.high is None else y.scale * (spot.high - spot.y) for spot in spots],
        "arrayminus": [0.0 if spot.low is None else y.scale * (spot.y - spot.low) for spot in spots],
        "thickness": 1.5,
        "width": 4,
        "color": colour,
    }


def _legend_notes(figure: go.Figure, spots: Sequence[Spot]) -> None:
    """What hollow and small marks mean, where there are such."""
    grey = {"color": _DENSE}
    if any(spot.degenerate for spot in spots):
        mark = {**grey, "symbol": "circle-open", "size": 12, "line": {"width": 2.5}}
        name = "hollow: over 20 % of summaries degenerate"
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=mark, name=name, hoverinfo="skip")
    if any(entry.spec.additions for spot in spots for entry in spot.entries):
        mark = {**grey, "symbol": "circle-dot", "size": 12, "line": {"width": 2, "color": "#ffffff"}}
        name = "dot: edited or recovered beside pruning"
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=mark, name=name, hoverinfo="skip")
    if any(len(spot.entries) > 1 for spot in spots):
        mark = {**grey, "symbol": "circle", "size": 7, "opacity": 0.7}
        name = "small: one draw; the line is their mean"
        figure.add_scatter(x=[None], y=[None], mode="markers", marker=mark, name=name, hoverinfo="skip")


def _dense_mark(
    figure: go.Figure, x: Axis, y: Axis, dense: Mapping[str, Mapping[str, Any] | None], *, bars: bool
) -> None:
    """The dense model as a point, where the horizontal axis is no sparsity."""
    across, up = dense["x"] or {}, dense["y"] or {}
    figure.add_scatter(
        x=[x.scale * across["value"]],
        y=[y.scale * up["value"]],
        mode="markers",
        name="dense",
        showlegend=False,
        marker={
            "color": _DENSE,
            "symbol": "asterisk-open",
            "size": 15,
            "line": {"width": 3, "color": _DENSE},
        },
        error_x=_error(x, across) if bars else None,
        error_y=_error(y, up) if bars else None,
        customdata=[["", _dense_hover(x, y, across, up)]],
        hovertemplate="%{customdata[1]}<extra></extra>",
    )


def _error(axis: Axis, cell: Mapping[str, Any]) -> dict[str, Any] | None:
    if cell.get("low") is None or cell.get("high") is None:
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [axis.scale * (cell["high"] - cell["value"])],
        "arrayminus": [axis.scale * (cell["value"] - cell["low"])],
        "thickness": 1.5,
        "width": 4,
        "color": _DENSE,
    }


def _layout(
    figure: go.Figure,
    x: Axis,
    y: Axis,
    x_span: tuple[float, float] | None,
    y_span: tuple[float, float] | None,
) -> None:
    entries = sum(1 for trace in figure.data if trace.showlegend is not False)
    figure.update_layout(
        height=430 + 12 * entries,  # the legend wraps below the panel, and takes its height from it
        margin={"l": 10, "r": 12, "t": 12, "b": 10},
        legend={"orientation": "h", "y": -0.24, "yanchor": "top", "x": 0, "font": {"size": 14}},
        hovermode="closest",
        clickmode="event+select",
        font={"size": 15},
    )
    figure.update_xaxes(
        title={"text": axis_title(x)}, zeroline=False, range=x_span, type="log" if x.log else None
    )
    figure.update_yaxes(
        title={"text": axis_title(y)}, zeroline=False, range=y_span, type="log" if y.log else None
    )
    if y.kind in ("fairness", "judges"):
        even = y.scale * EVEN if y.kind == "judges" else 0
        figure.add_hline(y=even, line={"width": 1, "color": "#8a94a3", "dash": "dot"}, layer="below")
    # A selection shades what was not chosen; a click here names a run, so nothing is to fade.
    figure.update_traces(selector={"type": "scatter"}, unselected={"marker": {"opacity": 1}})


def axis_title(axis: Axis) -> str:
    """'UER, % (↓ lower is fairer)'."""
    unit = ", %" if axis.scale == 100.0 else ""
    if axis.kind == "sparsity":
        return "achieved sparsity of the pruned layers, %"
    return f"{plain_hover(axis.title)}{unit} ({axis.direction})"


def _hover(spot: Spot, x: Axis, y: Axis) -> str:
    """All of a point in a few lines."""
    first = spot.entries[0]
    lines = [f"<b>{plain_hover(short(first.run.label, 90))}</b>"]
    if len(spot.entries) > 1:
        lines[0] = f"<b>mean of {len(spot.entries)} draws of {plain_hover(short(first.run.title, 80))}</b>"
    lines.append(f"sparsity asked {percent(first.asked, 1)}, achieved {percent(first.achieved, 2)}")
    lines.append(
        f"{plain_hover(y.title)} {y.shown(spot.y)}, {interval_text(y, spot.low, spot.high)}{_count(spot, y)}"
    )
    if x.kind != "sparsity":
        lines.append(
            f"{plain_hover(x.title)} {x.shown(spot.x)}, {interval_text(x, spot.x_low, spot.x_high)}{_count(spot, x)}"
        )
    lines.append(
        f"calibrated on {plain_hover(short(first.spec.calibration.name, 40))}, seed {_seeds(spot.entries)}"
    )
    if spot.degenerate:
        lines.append("<b>degenerate: over 20 % of summaries say nothing</b>")
    lines.append(
        CLICK if len(spot.entries) == 1 else "click on a small mark: links to that draw, below the figure"
    )
    return "<br>".join(lines)


def _count(spot: Spot, axis: Axis) -> str:
    """', n = 24' of a single run."""
    if len(spot.entries) > 1:
        return ""
    n = (cell_of(spot.entries[0].headline, axis, "pruned") or {}).get("n")
    return "" if n is None else f", n = {n:,}"


def _seeds(entries: Sequence[Entry]) -> str:
    return ", ".join(str(entry.spec.calibration.seed) for entry in entries)


def interval_text(axis: Axis, low: float | None, high: float | None) -> str:
    """'95 %: 1.0 % to 2.0 %', or that there is none."""
    return "no interval" if low is None or high is None else f"95 %: {axis.shown(low)} to {axis.shown(high)}"


def _dense_hover(x: Axis, y: Axis, across: Mapping[str, Any], up: Mapping[str, Any]) -> str:
    lines = ["<b>dense model</b>"]
    for axis, cell in ((y, up), (x, across)):
        count = "" if cell.get("n") is None else f", n = {cell['n']:,}"
        ends = interval_text(axis, cell.get("low"), cell.get("high"))
        lines.append(f"{plain_hover(axis.title)} {axis.shown(cell['value'])}, {ends}{count}")
    return "<br>".join(lines)


def _faint(colour: str, opacity: float) -> str:
    """'#0072b2' → 'rgba(0,114,178,0.16)'."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
