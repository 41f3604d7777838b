"""Numbers of a sparsity report as texts. Values → HTML or text; nothing is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairprune.charts import percent
from fairprune.ui import markup


def total_tiles(report: Mapping[str, Any]) -> list[str]:
    """Asked, achieved in the layers, achieved in the model (`SparsityReport.to_json()`); HTML."""
    asked = f"{report['weights']:,} weights can be pruned"
    achieved = f"{report['dropped']:,} weights dropped"
    whole = f"of {report['model_parameters']:,} parameters; embeddings are not pruned"
    return [
        markup.tile("Asked of the layers", percent(report["asked"], 2), asked),
        markup.tile("Achieved in the layers", percent(report["achieved"], 3), achieved),
        markup.tile("Achieved in the whole model", percent(report["achieved_model"], 3), whole),
    ]


def matrix_numbers(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that is known of one pruned matrix, as (name, value) in plain text."""
    silent, dampening = one["silent_inputs"], one.get("dampening")
    return [
        ("Name", str(one["name"])),
        ("Shape, outputs × inputs", f"{one['rows']:,} × {one['columns']:,}"),
        ("Sparsity asked → achieved", f"{percent(one['asked'], 3)} → {percent(one['achieved'], 3)}"),
        ("Weights dropped; zeros afterwards", f"{one['dropped']:,}; {one['zeros']:,}"),
        ("Score removed", percent(one["score_removed"], 3)),
        (
            "Rows: least, median, most sparse",
            " · ".join(percent(one[f"row_{end}"], 2) for end in ("min", "median", "max")),
        ),
        (
            "Columns: least, median, most sparse",
            " · ".join(percent(one[f"column_{end}"], 2) for end in ("min", "median", "max")),
        ),
        ("Spread over columns", percent(one["column_spread"], 2)),
        ("Dead columns", f"{one['dead_columns']:,} of {one['columns']:,}"),
        (
            "Inputs that calibration never used",
            "– (no input statistics)" if silent is None else f"{silent:,}",
        ),
        *([] if dampening is None else [("Dampening used", f"{dampening:g} of the mean diagonal of XXᵀ")]),
    ]
