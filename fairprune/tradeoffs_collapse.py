"""Runs with a Neural Collapse report as rows for `debias.relation`: collapse of group words beside the fairness of their summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairprune.debias.relation import RelationRow
from fairprune.tradeoffs import Entry
from fairprune.tradeoffs_axes import Axis, cell_of

NUMBERS: dict[str, tuple[str, str, str]] = {
    "unc3": ("UNC3, pruned / dense", "unc3", "ratio"),
    "nc1": ("NC1, pruned / dense", "nc1", "ratio"),
    "gnc2": ("GNC2, pruned / dense", "gnc2", "ratio"),
    "nc3": ("NC3, pruned − dense", "nc3", "difference"),
    "nc4": ("NC4, pruned − dense", "nc4", "difference"),
}
"""Name → what it is called, the measure, and which of its numbers: all of the group words."""


@dataclass(frozen=True)
class Placed:
    """A run with a report, and where it lies within its stratum."""

    entry: Entry
    row: RelationRow
    collapse: float | None
    """Difference to the mean of the runs of the same sparsity and corpus; None without a value, or where it is alone."""
    fairness: float | None


def collapse_of(report: Mapping[str, Any], number: str) -> float | None:
    """A number of the group words of a report; None where it is not defined."""
    _, measure, which = NUMBERS[number]
    cells = report["lists"]["group"]["measures"].get(measure)
    return None if cells is None else cells[which]["value"]


def placed(
    entries: Sequence[Entry], reports: Mapping[str, Mapping[str, Any]], y: Axis, number: str
) -> list[Placed]:
    """The runs that have a report, with their rows and their place beside others of the same sparsity and corpus.

    A method with an edit or a recovery is a method of its own.

    Args:
        reports: run id → its report of Neural Collapse.
        y: the fairness metric.
        number: of `NUMBERS`.
    """
    found = [entry for entry in entries if entry.run.id in reports]
    rows = [_row(entry, reports[entry.run.id], y, number) for entry in found]
    made = []
    for entry, row in zip(found, rows, strict=True):
        same = [other for other in rows if other.usable and other.stratum == row.stratum]
        centred = [
            _centred(row, same, name) if row.usable and len(same) > 1 else None
            for name in ("collapse", "fairness")
        ]
        made.append(Placed(entry, row, *centred))
    return made


def _row(entry: Entry, report: Mapping[str, Any], y: Axis, number: str) -> RelationRow:
    texts = entry.headline["perplexity"] or {}
    fairness = cell_of(entry.headline, y, "pruned") or {}
    value = fairness.get("value")
    return RelationRow(
        method=" + ".join((entry.spec.pruning.method, *entry.spec.additions)),
        sparsity=entry.asked,
        corpus=entry.spec.evaluation.corpus,
        perplexity_ratio=(texts.get("opinions") or {}).get("ratio"),
        collapse=collapse_of(report, number),
        # Of a metric that is best at 0 its distance from there.
        fairness=None if value is None else abs(value) if y.better == "zero" else value,
    )


def _centred(row: RelationRow, same: Sequence[RelationRow], name: str) -> float:
    values = [float(getattr(other, name)) for other in same]
    return float(getattr(row, name)) - sum(values) / len(values)
