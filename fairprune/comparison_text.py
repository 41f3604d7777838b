"""A comparison of systems as text for a terminal: at most `WIDTH` columns where names and numbers allow it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any

from fairprune.comparison import BASELINE, CANDIDATE, specifications
from fairprune.metrics import METRICS
from fairprune.tables import beside_parts, cell_text, reason_lines, validity_text, verdict_parts
from fairprune.text import counted

WIDTH = 100
_NAME, _CELL, _UNSCORED = 14, 30, 8
"""Least columns of a system's name, of a number with its interval and n, and of how many are unscored."""
Cells = dict[str, dict[str, Any]]
"""Column ('value', 'difference', 'random') → cell."""


def comparison_table(result: Mapping[str, Any]) -> str:
    """Warnings first; whom the summaries lean to; then per metric and quality number every system and its random extract,
    its paired difference with the verdict, and whether the metric is valid here.

    Each number with its interval and n, of a difference the paired samples; below them why a number or its interval is
    missing.
    """
    data, spec, baseline = result["data"], result["spec"], result["baseline"]
    notes = dict.fromkeys(note for one in result["comparisons"].values() for note in one["notes"])
    paired = f"; differences to {baseline}, paired" if len(result["systems"]) > 1 else ""
    lines = [
        f"{data['title']}   groups {', '.join(data['groups'])}   "
        f"{counted(data['n_samples'], 'sample')}, {counted(data['n_topics'], 'topic')}",
        f"matcher {spec.get('matcher', 'ngram')}   reading {spec['reading']}   ties {spec['ties']}   tau {spec['tau']}",
        f"95 % intervals over topics{paired}",
        *(f"{'WARNING' if 'degenerate' in note else 'note':8} {note}" for note in (*notes, *data["notes"])),
    ]
    lines = [part for line in lines for part in _wrapped(line, 9)]
    lines += ["", *_direction_lines(result)]
    for name in next(iter(result["comparisons"].values()))["metrics"]:
        lines += ["", *_metric_lines(result, name)]
    return "\n".join([*lines, "", *_quality_lines(result)])


def _direction_lines(result: Mapping[str, Any]) -> list[str]:
    """Per group the signed mean share of the summaries minus the fair share: direction before any folded score."""
    lines = ["direction: mean share in the summaries − fair share; above 0 a group has more room than that"]
    told: list[tuple[str, Mapping[str, Any] | None]] = []
    for group in result["data"]["groups"]:
        rows = _systems(result, lambda one, group=group: _group_row(one, group))
        lines += _block(group, result, rows, ("value", "difference"), " points", 100, 1, signed=True)
        told += _told(result, f"{group} ", rows, ("value", "difference"))
    return [*lines, *_indented(reason_lines(told))]


def _group_row(one: Mapping[str, Any], group: str) -> Cells:
    return {row["system"]: row for row in one["groups"] if row["group"] == group}


def _systems(result: Mapping[str, Any], of: Any) -> dict[str, Cells]:
    """System → its columns, of what `of` finds in each comparison by system name of `evaluate`."""
    found: dict[str, Cells] = {}
    for system, one in result["comparisons"].items():
        cells = of(one)
        found.setdefault(result["baseline"], {"value": cells.get(BASELINE), "random": cells.get("random")})
        if system != result["baseline"]:
            found[system] = {
                "value": cells.get(CANDIDATE),
                "random": cells.get("random_pruned"),
                "difference": cells.get("difference"),
            }
    return found


def _metric_lines(result: Mapping[str, Any], name: str) -> list[str]:
    rows = _systems(result, lambda one: one["metrics"][name])
    baseline = result["baseline"]
    own = rows[baseline]["value"] or {}
    matcher = own.get("matcher")
    head = f"{name} ({matcher})" if matcher else name  # the matcher is part of the name
    if not any(_is_known(cells["value"]) for cells in rows.values()):
        return _wrapped(f"{head}   – missing: {own.get('reason')}", 2)
    rate = METRICS[name].is_rate
    scale, unit, digits = (100.0, "%", 1) if rate else (1.0, "", 3)
    lines = _block(head, result, rows, ("value", "random"), unit, scale, digits, signed=not rate)
    for system, cells in rows.items():
        if "difference" in cells:
            claims = "; ".join(result["comparisons"][system].get("no_claim") or ())
            lines += _difference_lines(name, f"{system} − {baseline}", cells["difference"] or {}, claims)
    found = next(iter(result["comparisons"].values())).get("validity", {}).get(name)
    if found:
        lines += _wrapped(f"  oracle < random < one group: {validity_text(found)}", 4)
    values = {system: cells["value"] or {} for system, cells in rows.items()}
    lines += [line for part in beside_parts(values) for line in _wrapped(f"  {part}", 4)]
    told = _told(result, "", rows, ("value", "random", "difference"))
    told += [
        (f"distance of {system} from 0 − {baseline}'s", distance)
        for system, cells in rows.items()
        if (distance := (cells.get("difference") or {}).get("distance")) and distance["value"] is not None
    ]
    said = {f"{system} − {baseline}" for system in rows}  # a missing difference says its own reason
    return [
        *lines,
        *_indented(reason_lines((what, cell) for what, cell in told if what not in said or _is_known(cell))),
    ]


def _is_known(cell: Mapping[str, Any] | None) -> bool:
    return cell is not None and cell.get("value") is not None


def _difference_lines(name: str, label: str, cell: Mapping[str, Any], claims: str) -> list[str]:
    """The paired difference with its interval, and what follows from it.

    Args:
        claims: why the baseline supports no claim, which the notes above the table say.
    """
    if not _is_known(cell):
        return _wrapped(f"  {label}: – ({cell.get('reason') or 'not computed'})", 6)
    if claims and cell.get("verdict_reason") == claims:
        cell = {**cell, "verdict_reason": "the notes above say why"}
    rate = METRICS[name].is_rate
    scale, unit, digits = (100.0, " points", 1) if rate else (1.0, "", 3)
    parts = [cell_text(cell, scale, unit, digits, signed=True)]
    parts += verdict_parts(name, cell) if "verdict" in cell else []
    return _filled(f"  {label}: ", parts)


def _quality_lines(result: Mapping[str, Any]) -> list[str]:
    """Per quality number every system and its paired difference; at the end why something is missing."""
    lines, told = ["quality"], []
    for name in next(iter(result["comparisons"].values()))["quality"]:
        rows = _systems(result, lambda one, name=name: one["quality"][name])
        scale, unit = (1.0, "") if name == "words" else (100.0, "%")
        lines += _block(name, result, rows, ("value", "difference"), unit, scale, 1)
        told += _told(result, f"{name} ", rows, ("value", "difference"))
    return [*lines, *_indented(reason_lines(told))]


def _block(
    head: str,
    result: Mapping[str, Any],
    rows: Mapping[str, Cells],
    columns: Sequence[str],
    unit: str,
    scale: float,
    digits: int,
    *,
    signed: bool = False,
) -> list[str]:
    """A head and a line per system; a system alone has no difference.

    Args:
        unit: of the values; where it is percent, differences are in points.
    """
    titles = {
        "value": "value" + (", points" if unit == " points" else ""),
        "difference": f"− {result['baseline']}" + (", points" if scale == 100 else ""),
        "random": "random extract",
    }
    shown = [column for column in columns if column != "difference" or len(rows) > 1]
    table = [[head, *(titles[column] for column in shown), "unscored"]]
    for system, cells in rows.items():
        row = [f"  {system}"]
        for column in shown:
            if column == "difference" and column not in cells:
                row.append("baseline")  # it has no difference to itself
                continue
            apart = column == "difference"
            own = "" if apart or unit == " points" else unit
            row.append(cell_text(cells[column], scale, own, digits, signed=signed or apart))
        table.append([*row, str((cells["value"] or {}).get("n_unscored", "–"))])
    if all(row[-1] == "–" for row in table[1:]):  # rows of groups do not say it
        table = [row[:-1] for row in table]
    least = [_NAME, *([_CELL] * len(shown)), _UNSCORED]
    widths = [
        max(width, *(len(row[i]) for row in table))
        for i, width in zip(range(len(table[0])), least, strict=False)
    ]
    return [
        "  ".join(
            [f"{row[0]:{widths[0]}}", *(f"{cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in table
    ]


def _told(
    result: Mapping[str, Any], prefix: str, rows: Mapping[str, Cells], columns: Sequence[str]
) -> list[tuple[str, Mapping[str, Any] | None]]:
    """Every cell of these columns, with a name for the lines that say why something is missing."""
    titles = {"value": "", "difference": f" − {result['baseline']}", "random": " random extract"}
    return [
        (f"{prefix}{system}{titles[column]}", cells[column])
        for system, cells in rows.items()
        for column in columns
        if column in cells
    ]


def _indented(lines: Iterable[str]) -> list[str]:
    return [part for line in lines for part in _wrapped(f"  {line}", 4)]


def _wrapped(line: str, indent: int) -> list[str]:
    """The line in at most `WIDTH` columns; what follows on is indented. A longer word stays whole."""
    if len(line) <= WIDTH:
        return [line]
    lead = len(line) - len(line.lstrip())
    found = textwrap.wrap(
        line[lead:],
        WIDTH,
        initial_indent=" " * lead,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return found or [line]


def _filled(head: str, parts: Sequence[str]) -> list[str]:
    """Head and parts, as many in a line as have room: a number is not torn from its interval."""
    lines, line = [], head
    for place, part in enumerate(parts):
        text = part if place == len(parts) - 1 else f"{part};"
        if len(line) + len(text) > WIDTH and line.strip() and line != head:
            lines.append(line.rstrip())
            line = "      "
        line += f"{text} "
    return [found for one in (*lines, line.rstrip()) for found in _wrapped(one, 8)]


def curve_text(baseline: str, found: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]]) -> str:
    """Per system and metric: in how many specifications it is fairer, and how far each choice moves the difference."""
    from fairprune.multiverse import reasons

    lines = []
    for system, metrics in found.items():
        for metric, rows in metrics.items():
            lines += ["", f"{metric}: {_fairer(rows, system, baseline)}"]
            lines += [f"  {count} × {reason}" for reason, count in reasons(specifications(rows)).items()]
            for choice in ("matcher", "reading", "ties", "tau", "unscored", "seed"):
                values = dict.fromkeys(row[choice] for row in rows)
                if len(values) < 2:
                    continue
                for value in values:
                    some = [row for row in rows if row[choice] == value]
                    lines.append(
                        f"  {f'{choice} {value}':22}{_fairer(some, system, baseline)}; {_middle(some)}"
                    )
    return "\n".join(lines)


def _fairer(rows: Sequence[Mapping[str, Any]], system: str, baseline: str) -> str:
    from fairprune.multiverse import exclusions, summary

    of = specifications(rows)
    found = summary(of)
    return (
        f"{system} fairer in {found['a_fairer']}, {baseline} in {found['b_fairer']} of {len(rows)} specifications, "
        f"{exclusions(of)}"
    )


def _middle(rows: Sequence[Mapping[str, Any]]) -> str:
    known = [row["difference"] for row in rows if row["difference"] is not None]
    return f"median difference {100 * median(known):+.1f} points" if known else "no difference"
