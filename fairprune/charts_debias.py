"""Edits and recoveries as Plotly figures: chosen weights against chance, rises of losses and their split, words' cosines, losses."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairprune.charts import GROUP_COLOURS, MARKS, opened, outline, plain_hover, run_mark
from fairprune.charts_tradeoffs import short

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from fairprune.tradeoffs_axes import Axis
    from fairprune.tradeoffs_collapse import Placed, Spot

BINS = 40
FEW_STEPS = 20
"""Each of so few has a tick of its own."""
_GREY = "#8a94a3"
_ONE, _OTHER = GROUP_COLOURS[0], GROUP_COLOURS[1]
SETS: dict[str, tuple[str, str, str, str]] = {
    "all": ("all texts", _GREY, "circle", "solid"),
    "rest": ("the rest", _ONE, "square", "dash"),
    "affected": ("affected texts", _OTHER, "diamond", "solid"),
}
"""Set of texts → its name, colour, symbol and dash: told apart without colour."""


def chosen_chart(matrices: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Per matrix: weights that both sets rest on, beside as many as chance would give; matrices in the order of the model."""
    import plotly.graph_objects as go

    names = [plain_hover(_short(str(one["name"]))) for one in matrices]
    figure = go.Figure()
    for key, label, colour, symbol in (
        ("both", "in both tops", _ONE, "circle"),
        ("chosen", "zeroed", _OTHER, "diamond"),
        ("chance", "in both tops by chance", _GREY, "line-ew-open"),
    ):
        figure.add_scatter(
            x=names,
            y=[one[key] for one in matrices],
            mode="markers",
            name=label,
            marker={"color": colour, "symbol": symbol, "size": 10, "line": {"width": 2, "color": colour}},
            hovertemplate=f"%{{x}}<br>{label}: %{{y:.2f}}<extra></extra>",
        )
    _layout(figure, 380)
    figure.update_xaxes(
        showticklabels=len(matrices) <= 12, title={"text": "matrices, in the order of the model"}
    )
    figure.update_yaxes(title={"text": "weights"}, rangemode="tozero")
    return figure


def _short(name: str) -> str:
    """'model.layers.3.mlp.up_proj' → '3.mlp.up_proj'."""
    head, _, tail = name.partition(".layers.")
    return tail or head


def finite(value: float | None) -> bool:
    """Whether a number is there and can be drawn."""
    return value is not None and math.isfinite(value)


def without_number(values: Sequence[float | None], what: str) -> str:
    """'2 of 30 texts have no finite rise and are not drawn.'; '' where all have one."""
    missing = sum(not finite(value) for value in values)
    if not missing:
        return ""
    verb = "has" if missing == 1 else "have"
    return (
        f"{missing} of {len(values)} {what} {verb} no finite number and {'is' if missing == 1 else 'are'} not drawn: the loss was "
        "infinite or NaN, so that the model or its number format is to be looked at."
    )


def rac_histogram(
    values: Sequence[float | None], members: Sequence[bool], split: Mapping[str, Any]
) -> go.Figure:
    """How many texts have which rise of their loss, the two sets stacked; the means of both are lines.

    Rises that are no finite numbers are not drawn: `without_number` says how many there are.
    """
    import plotly.graph_objects as go

    drawn = [
        (value, member)
        for value, member in zip(values, members, strict=True)
        if value is not None and finite(value)
    ]
    known = [value for value, _ in drawn]
    least, most = (min(known), max(known)) if known else (0.0, 1.0)
    size = (most - least) / min(BINS, max(8, len(known) // 3)) or 1.0
    figure = go.Figure()
    for affected, pattern in ((False, ""), (True, "/")):
        name, colour, _, _ = SETS["affected" if affected else "rest"]
        figure.add_histogram(
            x=[value for value, member in drawn if member == affected],
            xbins={"start": least, "end": most + size, "size": size},
            name=name if split["accepted"] else f"{name} (refused)",
            marker={"color": colour, "pattern": {"shape": pattern, "fgcolor": "#ffffff", "bgcolor": colour}},
            hovertemplate="rise %{x}<br>%{y} texts<extra></extra>",
        )
    for mean in filter(finite, split["means"].values()):
        figure.add_vline(x=mean, line={"width": 2, "color": _GREY, "dash": "dot"})
    _layout(figure, 360)
    figure.update_layout(barmode="stack", bargap=0.05)
    figure.update_xaxes(title={"text": "RAC, nats per token"})
    figure.update_yaxes(title={"text": "texts"})
    return figure


def rac_curve(curve: Mapping[str, Any]) -> go.Figure:
    """Mean loss of the texts of each set over sparsity, with 95 % intervals."""
    import plotly.graph_objects as go

    figure = go.Figure()
    x = [100 * one for one in curve["sparsities"]]
    for key, (name, colour, symbol, dash) in SETS.items():
        cells = curve.get(key)
        if cells:
            _line(figure, x, cells, name, colour, symbol, dash)
    _layout(figure, 400)
    figure.update_xaxes(title={"text": "sparsity of Wanda along the path, %"})
    figure.update_yaxes(title={"text": "mean loss, nats per token"})
    return figure


def _line(
    figure: go.Figure,
    x: Sequence[float],
    cells: Sequence[Mapping[str, Any]],
    name: str,
    colour: str,
    symbol: str,
    dash: str,
) -> None:
    def away(end: str) -> list[float]:
        return [
            abs(one[end] - one["value"]) if finite(one[end]) and finite(one["value"]) else 0.0
            for one in cells
        ]

    figure.add_scatter(
        x=list(x),
        y=[one["value"] if finite(one["value"]) else None for one in cells],
        mode="lines+markers",
        name=name,
        line={"color": colour, "width": 2.5, "dash": dash},
        marker={"color": colour, "symbol": symbol, "size": 10},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": away("high"),
            "arrayminus": away("low"),
            "thickness": 1.5,
            "width": 4,
            "color": colour,
        },
        customdata=[f"{name}, n = {one['n']}" for one in cells],
        hovertemplate="%{customdata}<br>%{y:.3f} at %{x:.0f} %<extra></extra>",
    )


def word_cosines(
    words: Sequence[Mapping[str, Any]], names: tuple[str, str] = ("dense", "pruned")
) -> go.Figure:
    """Per word: its cosine in two models, joined by a line; group words first, then the control's.

    Args:
        names: of the two, whose cosines stand under 'dense' and 'pruned'.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    labels = [plain_hover(f"{one['text']} ({one['group'] or 'control'})") for one in words]
    places = list(range(len(words)))
    for place, one in enumerate(words):
        if one["dense"] is not None and one["pruned"] is not None:
            figure.add_scatter(
                x=[one["dense"], one["pruned"]],
                y=[place, place],
                mode="lines",
                line={"width": 1.5, "color": _GREY},
                hoverinfo="skip",
                showlegend=False,
            )
    for system, shown in zip(("dense", "pruned"), names, strict=True):
        mark = MARKS[system]
        figure.add_scatter(
            x=[one[system] for one in words],
            y=places,
            mode="markers",
            name=shown,
            marker={"color": mark.colour, "symbol": mark.symbol, "size": 10},
            customdata=[
                f"{label}, {shown}, n = {one['n']}" for label, one in zip(labels, words, strict=True)
            ],
            hovertemplate="%{customdata}<br>cosine %{x:.3f}<extra></extra>",
        )
    _layout(figure, 140 + 20 * len(words))
    figure.update_xaxes(title={"text": "cos(w, μ − μ_G)"})
    figure.update_yaxes(
        tickmode="array", tickvals=places, ticktext=labels, range=[len(words) - 0.5, -0.5], showgrid=False
    )
    return figure


def recovery_losses(report: Mapping[str, Any]) -> go.Figure:
    """The loss of each step's own windows, and the added term where there is one."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for key, name, colour, dash in (
        ("loss", "loss, nats per token", _ONE, "solid"),
        ("extra", f"added term: {report['extra_name']}", _OTHER, "dash"),
    ):
        if report[key]:
            figure.add_scatter(
                x=[step for step, _ in report[key]],
                y=[value for _, value in report[key]],
                mode="lines+markers",
                name=plain_hover(name),
                line={"color": colour, "width": 2, "dash": dash},
                marker={"color": colour, "size": 6},
                hovertemplate="step %{x}: %{y:.3f}<extra></extra>",
            )
    _layout(figure, 320)
    # Fewer ticks than steps would stand between them.
    whole = {"dtick": 1} if report["steps"] <= FEW_STEPS else {}
    figure.update_xaxes(title={"text": "step"}, **whole)
    what = "" if report["extra"] else "loss, nats per token, "
    figure.update_yaxes(title={"text": f"{what}before the step"}, rangemode="tozero")
    return figure


def collapse_lines(drawn: Sequence[Spot], number: tuple[str, str, str]) -> go.Figure:
    """A number of collapse over sparsity: a line per method (and setting), group words solid with intervals, control words dotted.

    Every mark has its run's id as the first part of `customdata`.

    Args:
        drawn: in the order of their lines.
        number: what it is called, the measure, and which of its numbers.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    settings = {one.setting for one in drawn}
    lines = dict.fromkeys((one.line, one.setting) for one in drawn)
    for line, setting in lines:
        own = [one for one in drawn if (one.line, one.setting) == (line, setting)]
        spec = own[0].entry.spec
        mark = run_mark(spec.pruning.method, bool(spec.additions))
        name = short(line) if len(settings) == 1 else f"{short(line)}, {setting}"
        for key, said, dash in (("group", "group words", "solid"), ("control", "control words", "dot")):
            cells = [(one, getattr(one, key)) for one in own if getattr(one, key) is not None]
            if not cells:
                continue
            ends = [
                (0.0, 0.0)
                if cell["low"] is None or cell["high"] is None
                else (cell["high"] - cell["value"], cell["value"] - cell["low"])
                for _, cell in cells
            ]
            figure.add_scatter(
                x=[100 * one.entry.asked for one, _ in cells],
                y=[cell["value"] for _, cell in cells],
                mode="lines+markers",
                name=plain_hover(f"{name}: {said}"),
                line={"color": mark.colour, "width": 2, "dash": dash},
                marker={
                    "color": mark.colour,
                    "symbol": mark.symbol if key == "group" else opened(mark.symbol),
                    "size": 11,
                    "line": outline(mark, [key == "control"] * len(cells)),
                },
                error_y={
                    "type": "data",
                    "array": [high for high, _ in ends],
                    "arrayminus": [low for _, low in ends],
                    "width": 3,
                    "thickness": 1.2,
                    "visible": key == "group",
                },
                customdata=[
                    [
                        one.entry.run.id,
                        f"<b>{plain_hover(short(one.entry.run.label, 90))}</b><br>{said}: {_ends(cell)}",
                    ]
                    for one, cell in cells
                ],
                hovertemplate="%{customdata[1]}<extra></extra>",
            )
    _layout(figure, 420)
    figure.update_layout(clickmode="event+select")
    figure.add_hline(
        1.0 if number[2] == "ratio" else 0.0,
        line={"width": 1.5, "color": _GREY, "dash": "dash"},
        layer="below",
    )
    figure.update_xaxes(title={"text": "sparsity, % of the weights asked for"})
    figure.update_yaxes(title={"text": plain_hover(number[0])}, zeroline=False)
    return figure


def _ends(cell: Mapping[str, Any]) -> str:
    """'0.82 (95 %: 0.63 to 1.05), n = 17'."""
    ends = (
        "no interval"
        if cell["low"] is None or cell["high"] is None
        else f"95 %: {cell['low']:.2f} to {cell['high']:.2f}"
    )
    return f"{cell['value']:.2f} ({ends}), n = {cell['n']}".replace("-", "−")


def relation_chart(drawn: Sequence[Placed], name: str, y: Axis) -> go.Figure:
    """Runs by collapse (across) and fairness (up), each as its difference to the mean of its stratum.

    Every mark has its run's id as the first part of `customdata`.

    Args:
        drawn: runs with both numbers.
        name: of the collapse number.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for method in sorted({one.row.method for one in drawn}):
        own = [one for one in drawn if one.row.method == method]
        spec = own[0].entry.spec
        mark = run_mark(spec.pruning.method, bool(spec.additions))
        figure.add_scatter(
            x=[one.collapse for one in own],
            y=[y.scale * (one.fairness or 0.0) for one in own],
            mode="markers",
            name=plain_hover(short(method)),
            marker={
                "color": mark.colour,
                "symbol": mark.symbol,
                "size": 12,
                "line": outline(mark, [False] * len(own)),
            },
            customdata=[
                [
                    one.entry.run.id,
                    f"<b>{plain_hover(short(one.entry.run.label, 90))}</b><br>{plain_hover(name)} {one.row.collapse:.3f}"
                    f"<br>{plain_hover(y.title)} {y.shown(one.row.fairness)}<br>perplexity ratio {one.row.perplexity_ratio:.2f}",
                ]
                for one in own
            ],
            hovertemplate="%{customdata[1]}<extra></extra>",
        )
    unit = ", points" if y.scale == 100.0 else ""
    for line in (figure.add_hline, figure.add_vline):
        line(0, line={"width": 1.5, "color": _GREY, "dash": "dot"}, layer="below")
    _layout(figure, 420)
    figure.update_layout(clickmode="event+select")
    figure.update_xaxes(title={"text": f"{plain_hover(name)}, − mean of its stratum"}, zeroline=False)
    figure.update_yaxes(
        title={"text": f"{plain_hover(y.title)}{unit}, − mean of its stratum"}, zeroline=False
    )
    return figure


def _layout(figure: go.Figure, height: int) -> None:
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 12, "t": 12, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 14}},
        font={"size": 15},
        hovermode="closest",
    )
