"""The pictures of a bundle: the figures of a run with their captions, for eyes and slides. Never read back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairprune.captions import caption
from fairprune.charts import direction_chart
from fairprune.charts_layers import layer_heatmap
from fairprune.layer_cells import MEASURES, measure_cells, telling
from fairprune.pictures import png
from fairprune.store import Run


def pictures_of(run: Run, documents: Mapping[str, Any]) -> dict[str, bytes]:
    """Name of the member → PNG: whom the summaries lean to, and what pruning took from each matrix.

    Args:
        documents: the run's results by kind.

    Raises:
        Unavailable: no browser that draws them.
    """
    evaluation, sparsity = documents["evaluation"], documents["sparsity"]
    groups = list(dict.fromkeys(str(row["group"]) for row in evaluation["groups"]))
    direction = direction_chart(evaluation["groups"], groups)
    shown = telling(sparsity["matrices"])
    measure = MEASURES[shown]
    layers = layer_heatmap(measure_cells(sparsity["matrices"], shown), measure)
    return {
        f"pictures/{run.id}-direction.png": png(
            direction,
            run.title,
            caption(run, "direction", evaluation=evaluation),
            height=_height(direction, 280),
        ),
        f"pictures/{run.id}-layers.png": png(
            layers,
            run.title,
            caption(run, "layers", sparsity=sparsity, more=f"{measure.title}: {measure.explanation}"),
            height=_height(layers, 280),
        ),
    }


def _height(figure: Any, text: int) -> int:
    """Of the page, pixels: the figure, and the text around it."""
    return int(figure.layout.height or 450) + text
