"""Figures of the pruned layers: block × projection.

Scales are fixed, whatever the values: a colour means the same in every run. Colours of the heatmaps are Cividis (Nuñez et
al. 2018), made for common and for missing colour vision; differences go from blue over grey to orange. Both stand on light and
on dark ground. Plotly is imported where a figure is made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from fairprune.charts import INKS, inks
from fairprune.layer_cells import Cell, Measure

if TYPE_CHECKING:
    import plotly.graph_objects as go

DIVERGING = ((0.0, "#00426b"), (0.25, "#3d8fc4"), (0.5, "#dcdcdc"), (0.75, "#e08a3c"), (1.0, "#8f3d00"))
"""Blue: less than in the other run; grey: alike; orange: more. Told apart with every common colour vision."""
CHOSEN = "#d81b60"
"""The frame of the chosen cell: in none of the scales."""

_AXIS: dict[str, Any] = {"type": "category", "fixedrange": True, "showgrid": False}
_ABOVE, _NAMES, _BELOW = 86, 46, 10
"""Pixels above the cells, those of them that names and ticks take below the colour scale, and below the cells."""


def row_height(blocks: int) -> int:
    """Pixels of a block's row: less where there are many, never less than a number needs."""
    return 27 if blocks <= 40 else 20 if blocks <= 80 else 15


def layer_heatmap(
    cells: Sequence[Cell], measure: Measure, chosen: tuple[int, str] | None = None
) -> go.Figure:
    """Blocks (down) × projections (across): colour and number are the measure; a projection that a block lacks stays empty.

    Every cell has a marker that nobody sees, whose custom data are [hover, block, kind]: a heatmap reports no click, markers do.

    Args:
        chosen: (block, kind) of the cell that is framed.
    """
    import plotly.graph_objects as go

    kinds = list(dict.fromkeys(cell.kind for cell in cells))
    blocks = sorted({cell.block for cell in cells})
    found = {(cell.block, cell.kind): cell for cell in cells}
    grid = [[found.get((block, kind)) for kind in kinds] for block in blocks]
    names = short_names(kinds)
    inside = row_height(len(blocks)) * max(2, len(blocks))
    inked = _inks(cells, measure)
    texts = {
        ink: [
            [cell.text if cell and inked[cell.block, cell.kind] == ink else "" for cell in row]
            for row in grid
        ]
        for ink in INKS
    }
    longest = {ink: max(len(text) for row in [[""], *rows] for text in row) for ink, rows in texts.items()}
    # Plotly fits a trace's letters to its longest text: signs of no width make both traces fit alike.
    pads = {ink: "\N{ZERO WIDTH SPACE}" * (max(longest.values()) - longest[ink]) for ink in INKS}
    alike: dict[str, Any] = {
        "z": _grid(grid, lambda cell: None if cell.value is None else measure.position(cell.value), None),
        "x": names,
        "y": [str(block) for block in blocks],
        "hoverinfo": "skip",
        "hoverongaps": False,
        "colorscale": _colours(measure),
        "zmin": measure.position(measure.bottom),
        "zmax": measure.position(measure.top),
        "xgap": 1,
        "ygap": 1,
    }
    figure = go.Figure(
        go.Heatmap(
            **alike,
            text=texts[INKS[0]],
            texttemplate=f"%{{text}}{pads[INKS[0]]}",
            textfont={"color": INKS[0]},
            colorbar={
                "orientation": "h",
                "thickness": 12,
                "x": 0.5,
                "xanchor": "center",
                "y": 1 + _NAMES / inside,
                "yanchor": "bottom",
                "ypad": 0,
                "len": 1,
                "tickvals": [measure.position(tick) for tick in measure.ticks],
                "ticktext": measure.tick_texts(),
                "tickfont": {"size": 13},
            },
        )
    )
    figure.add_scatter(
        x=[names[kinds.index(cell.kind)] for cell in cells],
        y=[str(cell.block) for cell in cells],
        mode="markers",
        marker={"symbol": "square", "size": row_height(len(blocks)) - 4, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[[cell.hover, cell.block, cell.kind] for cell in cells],
        hovertemplate="%{customdata[0]}<extra></extra>",
        showlegend=False,
    )
    pairs = [zip(*rows, strict=True) for rows in zip(alike["z"], texts[INKS[1]], strict=True)]
    dark = [[value if text else None for value, text in row] for row in pairs]
    figure.add_heatmap(  # a trace has one ink: dark cells once more with theirs; the others stay as they are below
        **{**alike, "z": dark},
        text=texts[INKS[1]],
        texttemplate=f"%{{text}}{pads[INKS[1]]}",
        textfont={"color": INKS[1]},
        showscale=False,
    )
    if chosen in found:
        column, row = kinds.index(chosen[1]), blocks.index(chosen[0])
        figure.add_shape(
            type="rect",
            x0=column - 0.49,
            x1=column + 0.49,
            y0=row - 0.47,
            y1=row + 0.47,
            line={"color": CHOSEN, "width": 3},
        )
    figure.update_layout(
        height=_ABOVE + _BELOW + inside,
        margin={"l": 10, "r": 10, "t": _ABOVE, "b": _BELOW},
        xaxis={
            "side": "top",
            "range": [-0.5, len(kinds) - 0.5],
            "tickangle": 0,
            "tickfont": {"size": 14},
            **_AXIS,
        },
        yaxis={
            "range": [len(blocks) - 0.5, -0.5],
            "title": {"text": "block", "standoff": 4},
            "nticks": len(blocks),
            "tickfont": {"size": min(14, row_height(len(blocks)) - 5)},
            **_AXIS,
        },
        font={"size": 13},
        hovermode="closest",
        hoverdistance=-1,  # a click anywhere in a cell is that of its marker, the nearest one
        dragmode=False,
    )
    return figure


def _colours(measure: Measure) -> str | list[list[Any]]:
    return "Cividis" if measure.scale != "signed" else [list(stop) for stop in DIVERGING]


def _inks(cells: Sequence[Cell], measure: Measure) -> dict[tuple[int, str], str]:
    """(block, kind) → black or white, whichever has the higher contrast with the cell's colour."""
    low, high = measure.position(measure.bottom), measure.position(measure.top)
    values = (measure.bottom if cell.value is None else cell.value for cell in cells)
    chosen = inks(_colours(measure), [(measure.position(value) - low) / (high - low) for value in values])
    return {(cell.block, cell.kind): ink for cell, ink in zip(cells, chosen, strict=True)}


def _grid(
    grid: Sequence[Sequence[Cell | None]], value: Callable[[Cell], Any], missing: Any
) -> list[list[Any]]:
    return [[missing if cell is None else value(cell) for cell in row] for row in grid]


def short_names(kinds: Sequence[str]) -> list[str]:
    """'self_attn.q_proj' → 'q', 'mlp.dense_4h_to_h' → '4h→h': the names that people say, short enough for a narrow window.

    Two that would be called alike keep what tells them apart: 'attn.c_proj' and 'mlp.c_proj'.
    """
    short = [short_name(kind) for kind in kinds]
    return [
        name if short.count(name) == 1 else f"{kind.split('.')[-2] if '.' in kind else kind}.{name}"
        for kind, name in zip(kinds, short, strict=True)
    ]


def short_name(kind: str) -> str:
    """The last part of a name, without what all have: 'self_attn.q_proj' → 'q'."""
    name = kind.rsplit(".", 1)[-1]
    if name.startswith("c_"):  # of GPT-2: c_attn, c_proj and c_fc are said as they are
        return name
    name = name.removesuffix("_proj")
    return {"query_key_value": "qkv", "dense_h_to_4h": "h→4h", "dense_4h_to_h": "4h→h"}.get(name, name)
