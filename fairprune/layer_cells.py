"""Numbers of the pruned matrices as cells of a heatmap: what each measure is, on which fixed scale, and what stands in a cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from fairprune.charts import percent, plain_hover, points
from fairprune.errors import unknown

if TYPE_CHECKING:
    from fairprune.mask_overlap import Overlap

LEAST_SIGNED = 0.001
"""Differences below 0.1 points have nearly the colour of none; beyond, colours go with the logarithm."""


@dataclass(frozen=True)
class Measure:
    """One number of a pruned matrix, for the heatmap."""

    title: str
    explanation: str
    top: float
    """Where the colour scale ends, the same for every run: colours can be compared between runs."""
    ticks: tuple[float, ...]
    """Values named beside the scale: the first is where it begins, the last where it ends."""
    scale: Literal["linear", "root", "log", "signed"] = "linear"
    """Colour by the value, its square root or its logarithm: where most values are small beside the end."""
    digits: int = 1
    """Of the percentage in a cell."""

    @property
    def bottom(self) -> float:
        """Where the colour scale begins; smaller values have its colour too."""
        return self.ticks[0]

    def position(self, value: float) -> float:
        """Where a value stands on the colour scale, before it is cut at its end."""
        if self.scale == "log":
            return math.log10(max(value, self.bottom))
        if self.scale == "signed":
            return math.copysign(math.log10(1 + abs(value) / LEAST_SIGNED), value)
        return value**0.5 if self.scale == "root" else value

    def tick_texts(self) -> list[str]:
        """The ticks in percent; the first of a logarithm stands for all that is smaller, zero too."""
        texts = [f"{100 * tick:g}\N{NO-BREAK SPACE}%" for tick in self.ticks]
        if self.scale == "signed":
            return [f"{100 * tick:+g}".replace("-", "−") if tick else "0" for tick in self.ticks]
        return [f"≤ {texts[0]}", *texts[1:]] if self.scale == "log" else texts


MEASURES: dict[str, Measure] = {
    "score_removed": Measure(
        "Score removed",
        "Share of the total |score| that the dropped weights held: what the method itself calls lost.",
        1.0,
        (0.0001, 0.001, 0.01, 0.1, 1.0),  # second-order scores lose 0.1 to 1 %, magnitudes 10 to 30 %
        scale="log",
        digits=2,
    ),
    "achieved": Measure(
        "Sparsity",
        "Share of the matrix's weights that pruning dropped.",
        1.0,
        (0.0, 0.25, 0.5, 0.75, 1.0),
    ),
    "asked": Measure(
        "Asked",
        "Share of the matrix's weights that pruning was told to drop. Sparsity differs from it by rounding alone.",
        1.0,
        (0.0, 0.25, 0.5, 0.75, 1.0),
    ),
    "column_spread": Measure(
        "Column spread",
        "Standard deviation of sparsity over input columns: 0 where every input loses alike, at most 50 %.",
        0.5,
        (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5),  # most matrices lie below 20 %
        scale="root",
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
TELLING = ("achieved", "row_range", "column_spread", "score_removed")
"""Measures of which one can tell alone where the weights went: what the allocation gave, and how uneven it is within a matrix."""
OVERLAP = Measure(
    "Overlap",
    "Jaccard index of the weights that the two runs keep: kept by both, as a share of kept by either. "
    "100 % where the masks are the same.",
    1.0,
    (0.0, 0.25, 0.5, 0.75, 1.0),
)
DIFFERENCE = Measure(
    "Difference",
    "Of this run minus the other one, in percentage points.",
    1.0,
    (-1.0, -0.1, -0.01, 0.0, 0.01, 0.1, 1.0),
    scale="signed",
)


@dataclass(frozen=True)
class Cell:
    """One matrix in the heatmap."""

    block: int
    kind: str
    name: str
    value: float | None
    text: str
    """In the cell, '' for a value that is missing."""
    hover: str
    """HTML that Plotly reads; names of the model are escaped in it."""


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


def telling(matrices: Sequence[Mapping[str, Any]]) -> str:
    """The measure by whose colours these matrices differ most, for a picture of one alone; the first of `TELLING` where none differ.

    How far apart colours are: from the 10th to the 90th percentile of the matrices, as a share of the measure's scale.
    """
    return max(TELLING, key=lambda name: _apart(name, matrices))


def _apart(name: str, matrices: Sequence[Mapping[str, Any]]) -> float:
    measure = MEASURES[name]
    low, high = measure.position(measure.bottom), measure.position(measure.top)
    values = [measure_value(name, matrix) for matrix in matrices]
    places = [min(max(measure.position(value), low), high) for value in values if value is not None]
    if not places:
        return 0.0
    near, far = np.quantile(places, (0.1, 0.9))
    return float(far - near) / (high - low)


def measure_cells(matrices: Sequence[Mapping[str, Any]], measure: str) -> list[Cell]:
    """A measure of every matrix of SparsityReport.to_json().

    Raises:
        BadInput: no measure has this name.
    """

    def cell(matrix: Mapping[str, Any]) -> tuple[float | None, str]:
        value = measure_value(measure, matrix)
        return value, "" if value is None else f"{100 * value:.{MEASURES[measure].digits}f}"

    return [_cell(matrix, *cell(matrix), []) for matrix in matrices]


def difference_cells(
    matrices: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]], measure: str
) -> list[Cell]:
    """A measure of every matrix minus that of the same matrix in the other run.

    Raises:
        BadInput: no measure has this name.
    """
    other = {str(matrix["name"]): matrix for matrix in others}

    def cell(matrix: Mapping[str, Any]) -> Cell:
        theirs = other.get(str(matrix["name"]))
        mine = measure_value(measure, matrix)
        there = None if theirs is None else measure_value(measure, theirs)
        value = None if mine is None or there is None else mine - there
        line = f"{MEASURES[measure].title}: {percent(mine, 3)} here, {percent(there, 3)} there, {points(value, 3)}"
        return _cell(matrix, value, signed_text(value), [line])

    return [cell(matrix) for matrix in matrices]


def overlap_cells(matrices: Sequence[Mapping[str, Any]], overlaps: Mapping[str, Overlap]) -> list[Cell]:
    """The overlap of the kept weights of every matrix with those of another run."""

    def cell(matrix: Mapping[str, Any]) -> Cell:
        found = overlaps.get(str(matrix["name"]))
        if found is None:
            return _cell(matrix, None, "", ["no mask in the other run"])
        lines = [
            f"kept: overlap {percent(found.kept_jaccard, 2)}, by chance {percent(found.kept_by_chance, 2)}",
            f"dropped: overlap {percent(found.dropped_jaccard, 2)}, by chance {percent(found.dropped_by_chance, 2)}",
            f"{found.differing:,} weights kept by one run alone",
        ]
        value = found.kept_jaccard
        return _cell(matrix, value, "" if value is None else f"{100 * value:.1f}", lines)

    return [cell(matrix) for matrix in matrices]


def signed_text(value: float | None) -> str:
    """A difference of fractions in points for a cell: '+1.2'; '0' for what is exactly nothing, '' for a missing one."""
    if value is None:
        return ""
    return "0" if value == 0 else f"{100 * value:+.1f}".replace("-", "−")


def _cell(matrix: Mapping[str, Any], value: float | None, text: str, lines: list[str]) -> Cell:
    return Cell(
        int(matrix["block"]),
        str(matrix["kind"]),
        str(matrix["name"]),
        value,
        text,
        "<br>".join([*_lines(matrix)[:2], *lines, *_lines(matrix)[2:]]),
    )


def _lines(matrix: Mapping[str, Any]) -> list[str]:
    return [
        f"<b>{plain_hover(str(matrix['name']))}</b>",
        f"{matrix['rows']:,} × {matrix['columns']:,} weights",
        f"sparsity {percent(matrix['achieved'], 3)}, asked {percent(matrix['asked'], 3)}",
        f"score removed {percent(measure_value('score_removed', matrix), 3)}",
        f"columns: spread {percent(matrix['column_spread'], 2)}, dead {matrix['dead_columns']:,}",
        f"rows {percent(matrix['row_min'], 2)} to {percent(matrix['row_max'], 2)}",
    ]
