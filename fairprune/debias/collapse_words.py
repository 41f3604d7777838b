"""A Neural Collapse report in words, for pages and the command line. Without torch and without Streamlit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from fairprune.debias.collapse_report import NO_RATIO
from fairprune.tables import missing_reason


def change_of(cells: Mapping[str, Any]) -> str:
    """Which number of a measure says how it changed: its ratio, or the difference of one that may be below 0."""
    return "difference" if cells["ratio"]["reason"] == NO_RATIO else "ratio"


def limits_of(found: Mapping[str, Any], measures: Iterable[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """What `tables.reason_lines` says of these measures: a name and a cell for each that has no interval, or one with a limit.

    A measure of a list stands once for each reason, however many of its numbers have it.
    """
    told: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for name in measures:
        for one in found["lists"].values():
            if one["reason"]:
                continue
            cells = one["measures"][name]
            label = f"{found['measures'][name]['title']} of {one['title'].lower()}"
            for cell in (cells["dense"], cells["pruned"], cells[change_of(cells)]):
                limit = cell.get("limit") or cell["reason"]
                if cell["value"] is not None and (missing_reason(cell) is not None or limit):
                    told.setdefault(f"{label} {limit}", (label, {**cell, "limit": limit}))
    return list(told.values())


def change_sentence(found: Mapping[str, Any]) -> str:
    """How UNC3 of the group words changed beside that of the control words, and whether that is more than theirs; plain text."""
    group, control = (found["lists"][name] for name in ("group", "control"))
    own = group["measures"]["unc3"]["ratio"]
    if group["reason"] or own["value"] is None:
        return f"No UNC3 of group words: {group['reason'] or own['reason']}."
    said = f"UNC3 of group words is {_times(own)} what it was"
    against = found["against_control"]["unc3"]
    if control["reason"] or against["value"] is None:
        return f"{said}; nothing to compare it with: {control['reason'] or against['reason']}."
    said += f", that of control words {_times(control['measures']['unc3']['ratio'])}"
    if against["low"] is None:
        return f"{said}: {against['value']:.2f} times the control's change, without an interval that could tell it from none."
    beside = f"{said}: beside the control's change {_times(against)} as much"
    if against["low"] <= 1 <= against["high"]:
        return f"{beside}, no change beyond that of control words."
    return f"{beside}, {'less' if against['high'] < 1 else 'more'} than control words alone would have it."


def _times(cell: Mapping[str, Any]) -> str:
    """'0.82 times (95 %: 0.63 to 1.05)'."""
    said = f"{cell['value']:.2f} times"
    if cell["low"] is None or cell["high"] is None:
        return said
    return f"{said} (95 %: {cell['low']:.2f} to {cell['high']:.2f})"
