"""The charts of a talk: those of the pages, with lettering for a projector. Values → Plotly as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fairprune.charts import percent, plain_hover
from fairprune.charts_layers import short_names
from fairprune.charts_matrix import mask_picture
from fairprune.charts_tradeoffs import CLICK, ends_of, span, trade_off_chart
from fairprune.layer_cells import MEASURES, measure_value
from fairprune.mask_details import picture_shares
from fairprune.tradeoffs import Entry, lines
from fairprune.tradeoffs_axes import SPARSITY, Axis, cell_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_NAMED = 15
"""Blocks whose number stands below the layers: more would stand on their heads."""
LETTERING = 19
"""Of axes and legend, in pixels."""
MOST_BANDS = 3
"""Methods whose bands can be told apart; more have bars."""
_BELOW: dict[str, Any] = {
    **{"orientation": "h", "thickness": 16, "len": 0.9},
    **{"x": 0.5, "y": -0.22, "yanchor": "top"},
}
"""A colour scale below its figure."""


def trade_off(entries: Sequence[Entry], axis: Axis) -> dict[str, Any] | None:
    """One number over achieved sparsity, a line per method; None where no run has it.

    Args:
        entries: of runs that compare, at least one; of one seed, since a mean over seeds has no interval from here.
    """
    drawn, _ = lines(entries, SPARSITY, axis, lambda _entries, _axis: None)
    if not drawn:
        return None
    first = entries[0].headline
    dense = {"x": cell_of(first, SPARSITY, "dense"), "y": cell_of(first, axis, "dense")}
    figure = trade_off_chart(
        drawn,
        SPARSITY,
        axis,
        dense=dense,
        random=None,
        intervals="bands" if len({line.method for line in drawn}) <= MOST_BANDS else "bars",
        x_span=span(SPARSITY, ends_of(drawn, SPARSITY, dense["x"], "x")),
        y_span=span(axis, ends_of(drawn, axis, dense["y"])),
    )
    for trace in figure.data:
        if trace.mode == "markers":  # what hollow marks mean stands below the figure
            trace.showlegend = False
        if trace.customdata is not None:  # a click does nothing in a talk
            trace.customdata = [
                ["", str(words).removesuffix(f"<br>{CLICK}")] for _, words in trace.customdata
            ]
    figure.update_layout(
        height=None,
        legend={"font": {"size": LETTERING - 2}, "y": 1.02, "yanchor": "bottom"},
        margin={"l": 10, "r": 16, "t": 10, "b": 10},
    )
    figure.update_xaxes(title={"text": "achieved sparsity, %"})
    figure.update_yaxes(title=None)  # it stands above the figure, where it is read without turning the head
    return _plain(figure)


def layers(matrices: Sequence[Mapping[str, Any]], measure: str) -> dict[str, Any]:
    """Projections (down) × blocks (across): on a wide screen a model of many blocks lies better than it stands.

    Args:
        matrices: of SparsityReport.to_json(), at least one; a projection that a block does not have leaves an empty cell.
        measure: a key of MEASURES.
    """
    import plotly.graph_objects as go

    shown = MEASURES[measure]
    kinds = list(dict.fromkeys(str(matrix["kind"]) for matrix in matrices))
    blocks = sorted({int(matrix["block"]) for matrix in matrices})
    found = {(int(matrix["block"]), str(matrix["kind"])): matrix for matrix in matrices}
    colours: list[list[float | None]] = []
    hovers: list[list[str]] = []
    for kind in kinds:
        row = [found.get((block, kind)) for block in blocks]
        values = [None if matrix is None else measure_value(measure, matrix) for matrix in row]
        colours.append([None if value is None else shown.position(value) for value in values])
        hovers.append(
            [
                "" if matrix is None else _words(matrix, shown.title, value)
                for matrix, value in zip(row, values, strict=True)
            ]
        )
    figure = go.Figure(
        go.Heatmap(
            z=colours,
            x=[str(block) for block in blocks],
            y=[plain_hover(name) for name in short_names(kinds)],
            customdata=hovers,
            hovertemplate="%{customdata}<extra></extra>",
            hoverongaps=False,
            colorscale="Cividis",
            zmin=shown.position(shown.bottom),
            zmax=shown.position(shown.top),
            xgap=2,
            ygap=2,
            colorbar={
                **_BELOW,
                "tickvals": [shown.position(tick) for tick in shown.ticks],
                "ticktext": shown.tick_texts(),
            },
        )
    )
    axis = {"type": "category", "fixedrange": True, "showgrid": False}
    figure.update_layout(
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        xaxis={
            **axis,
            "title": {"text": "block", "standoff": 4},
            "tickangle": 0,
            "dtick": -(-len(blocks) // MOST_NAMED),
        },
        yaxis={**axis, "autorange": "reversed"},
    )
    return _plain(figure)


def mask(matrix: Mapping[str, Any], picture: Mapping[str, Any]) -> dict[str, Any]:
    """Which weights of one matrix went: outputs (down) × inputs (across), in cells.

    Args:
        matrix: of SparsityReport.to_json(). picture: of the same matrix, as `mask_details` keeps it.
    """
    rows, columns = int(matrix["rows"]), int(matrix["columns"])
    shares = picture_shares(picture, rows, columns)
    figure = mask_picture(shares, int(picture["height"]), int(picture["width"]), rows, columns)
    figure.update_traces(colorbar={**_BELOW, "tickfont": None})
    figure.update_layout(height=None, margin={"l": 10, "r": 10, "t": 10, "b": 10})
    figure.update_xaxes(title={"text": "input", "standoff": 4})
    figure.update_yaxes(title={"text": "output"})
    return _plain(figure)


def _words(matrix: Mapping[str, Any], title: str, value: float | None) -> str:
    own = [] if title == MEASURES["achieved"].title else [f"{title.lower()} {percent(value, 3)}"]
    return "<br>".join(
        [
            f"<b>{plain_hover(str(matrix['name']))}</b>",
            *own,
            f"sparsity {percent(matrix['achieved'], 3)}, asked {percent(matrix['asked'], 3)}",
        ]
    )


def _plain(figure: go.Figure) -> dict[str, Any]:
    """The figure as JSON without Plotly's template: the page gives it its own colours, light or dark."""
    figure.update_layout(template="none", font={"size": LETTERING}, autosize=True)
    figure.update_xaxes(automargin=True)
    figure.update_yaxes(automargin=True)
    found: dict[str, Any] = json.loads(figure.to_json())
    found["layout"].pop("template", None)
    return {"data": found["data"], "layout": found["layout"]}
