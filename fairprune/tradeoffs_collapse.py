"""Runs with a Neural Collapse report: which of them compare, as rows for `debias.relation`, and as lines over sparsity."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairprune.debias.relation import RelationRow
from fairprune.spec import content_hash
from fairprune.text import counted, short_name
from fairprune.tradeoffs import Entry, comparison_key
from fairprune.tradeoffs_axes import Axis, cell_of
from fairprune.uncertainty import FEW_SAMPLES

NUMBERS: dict[str, tuple[str, str, str]] = {
    "unc3": ("UNC3 (pruned / dense)", "unc3", "ratio"),
    "nc1": ("NC1 (pruned / dense)", "nc1", "ratio"),
    "nc2_norms": ("NC2 norms (pruned / dense)", "nc2_norms", "ratio"),
    "nc2_angles": ("NC2 angles (pruned / dense)", "nc2_angles", "ratio"),
    "gnc2": ("GNC2 (pruned / dense)", "gnc2", "ratio"),
    "nc3": ("NC3 (pruned − dense)", "nc3", "difference"),
    "nc4": ("NC4 (pruned − dense)", "nc4", "difference"),
}
"""Name → what it is called, the measure, and which of its numbers."""
NO_CHANGE = {"ratio": 1.0, "difference": 0.0}
Reports = Mapping[str, Mapping[str, Any]]
"""Run id → its report of Neural Collapse."""


@dataclass(frozen=True)
class Placed:
    """A run with a report, and where it lies within its stratum."""

    entry: Entry
    row: RelationRow
    collapse: float | None
    """Difference to the mean of the runs that compare with it; None without a value, or where it is alone."""
    fairness: float | None


@dataclass(frozen=True)
class LeftOut:
    """Runs with a report of the word list that take no part in the question, and why."""

    aimed: int
    """Recoveries by UNC3: what is foretold with is what they were trained for."""
    degenerate: int
    few: int
    """With fewer than `FEW_SAMPLES` scored summaries."""

    @property
    def sentence(self) -> str:
        """'Left out: 2 degenerate runs, 1 run with fewer than 30 scored summaries.'; '' where none is."""
        parts = [
            f"{counted(n, one, many)}{why}"
            for n, one, many, why in (
                (self.aimed, "recovery by UNC3", "recoveries by UNC3", ", which aim at this number"),
                (self.degenerate, "degenerate run", "degenerate runs", ""),
                (self.few, "run", "runs", f" with fewer than {FEW_SAMPLES} scored summaries"),
            )
            if n
        ]
        return f"Left out: {'; '.join(parts)}." if parts else ""


@dataclass(frozen=True)
class Spot:
    """A run on a line over sparsity."""

    entry: Entry
    line: str
    """Method with what was added; runs of other settings are on lines of their own."""
    setting: str
    group: Mapping[str, Any]
    """The number of the group words, as a cell."""
    control: Mapping[str, Any] | None


def word_lists(reports: Reports) -> list[str]:
    """The word lists of the reports, the one of most reports first."""
    found = Counter(str(report["list"]) for report in reports.values())
    return sorted(found, key=lambda name: (-found[name], name))


def of_list(entries: Iterable[Entry], reports: Reports, words: str) -> list[Entry]:
    """The runs that have a report of this word list."""
    return [one for one in entries if one.run.id in reports and reports[one.run.id]["list"] == words]


def cell_of_report(report: Mapping[str, Any], number: str, words: str = "group") -> Mapping[str, Any] | None:
    """A number of the report's group or control words, with its interval; None where the report has none."""
    _, measure, which = NUMBERS[number]
    cells = (report["lists"].get(words) or {}).get("measures", {}).get(measure)
    return None if cells is None else cells[which]


def collapse_of(report: Mapping[str, Any], number: str) -> float | None:
    """A number of the group words of a report; None where it is not defined."""
    cell = cell_of_report(report, number)
    return None if cell is None else cell["value"]


def setting_of(entry: Entry, report: Mapping[str, Any]) -> str:
    """The model's name, and a short hash of everything else that must be equal for two runs to compare."""
    rest = [
        comparison_key(entry.spec, True),
        entry.headline["sets"],
        report["list"],
        report["windows_hash"],
        report["min_count"],
    ]
    return f"{short_name(entry.spec.model.name)} · {content_hash(json.dumps(rest))[:4]}"


def spots(entries: Sequence[Entry], reports: Reports, number: str) -> list[Spot]:
    """The runs whose number is there, as points of lines over sparsity: by setting and line, then by sparsity."""
    found = []
    for entry in entries:
        report = reports[entry.run.id]
        group = cell_of_report(report, number)
        if group is None or group["value"] is None:
            continue
        line = " + ".join((entry.spec.pruning.method, *entry.spec.additions))
        control = cell_of_report(report, number, "control")
        has = control is not None and control["value"] is not None
        found.append(Spot(entry, line, setting_of(entry, report), group, control if has else None))
    return sorted(found, key=lambda one: (one.setting, one.line, one.entry.asked, one.entry.run.id))


def that_count(entries: Sequence[Entry], y: Axis, *, weak: bool) -> tuple[list[Entry], LeftOut]:
    """The runs that say something of collapse and fairness, and how many do not.

    Args:
        entries: with a report.
        y: the fairness metric.
        weak: whether degenerate runs and those with few scored summaries take part all the same.
    """
    kept, aimed, degenerate, few = [], 0, 0, 0
    for entry in entries:
        recovery = entry.spec.recovery
        scored = (cell_of(entry.headline, y, "pruned") or {}).get("n") or 0
        if recovery is not None and recovery.kind == "nc3" and not recovery.is_control:
            aimed += 1
        elif not weak and entry.degenerate:
            degenerate += 1
        elif not weak and scored < FEW_SAMPLES:
            few += 1
        else:
            kept.append(entry)
    return kept, LeftOut(aimed, degenerate, few)


def placed(entries: Sequence[Entry], reports: Reports, y: Axis, number: str) -> list[Placed]:
    """The runs with their rows and their place beside others that compare with them.

    A method is a pruning method, whatever was done after it: what is left out one by one must not be alike.

    Args:
        entries: with a report.
        y: the fairness metric.
        number: of `NUMBERS`.
    """
    rows = [_row(entry, reports[entry.run.id], y, number) for entry in entries]
    made = []
    for entry, row in zip(entries, rows, strict=True):
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
        method=entry.spec.pruning.method,
        sparsity=entry.asked,
        corpus=entry.spec.evaluation.corpus,
        perplexity_ratio=(texts.get("opinions") or {}).get("ratio"),
        collapse=collapse_of(report, number),
        # Of a metric that is best at 0 its distance from there.
        fairness=None if value is None else abs(value) if y.better == "zero" else value,
        setting=setting_of(entry, report),
    )


def _centred(row: RelationRow, same: Sequence[RelationRow], name: str) -> float:
    values = [float(getattr(other, name)) for other in same]
    return float(getattr(row, name)) - sum(values) / len(values)
