"""What the study found, as Markdown; written between two marks of docs/metrics.md."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.coverage.calibration import DESIGN, Covered
from benchmarks.coverage.study import Row

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"
HEADING = "## Coverage"
SIZE = 100
"""Samples of the data sets whose cases stand apart."""
LOWEST, HIGHEST, MOST_ERRORS = 0.93, 0.97, 0.06


def all_tables(rows: Sequence[Row], covered: Sequence[Covered], sets: int) -> list[str]:
    """What stands in the documentation."""
    parts = [
        [f"{sets:,} data sets per case and size; coverage and errors in percent."],
        by_case(rows),
        by_size(rows),
        of_test(rows),
        of_gate(rows),
        of_calibration(covered, DESIGN.n),
    ]
    return [line for part in parts for line in (*part, "")][:-1]


def by_case(rows: Sequence[Row], n: int = SIZE) -> list[str]:
    """One line per number, one column per case: coverage at n in percent; outside 93 to 97 in bold."""
    of = [row for row in rows if row.n == n]

    def cell(row: Row | None) -> str:
        if row is None or math.isnan(row.coverage):
            return "–"
        text = f"{100 * row.coverage:.1f}"
        return text if LOWEST <= row.coverage <= HIGHEST else f"**{text}**"

    return _table(f"coverage at n = {n}", of, lambda row: row.case, cell)


def by_size(rows: Sequence[Row]) -> list[str]:
    """One line per number, one column per n: the lowest and the highest coverage of all cases, in percent."""
    found = {
        (row.metric, row.what, row.n): [
            one.coverage
            for one in rows
            if (one.metric, one.what, one.n) == (row.metric, row.what, row.n) and not math.isnan(one.coverage)
        ]
        for row in rows
    }

    def cell(row: Row | None) -> str:
        values = [] if row is None else found[row.metric, row.what, row.n]
        return f"{100 * min(values):.0f}–{100 * max(values):.0f}" if values else "–"

    in_order = sorted(rows, key=lambda row: row.n)
    return _table("lowest and highest coverage", in_order, lambda row: f"n = {row.n}", cell)


def of_test(rows: Sequence[Row]) -> list[str]:
    """How often the paired test rejects what is true, in percent, per case and n."""
    tested = [row for row in rows if row.errors is not None]
    return _table(
        "paired test at 5 %",
        tested,
        lambda row: f"{row.case}, n = {row.n}",
        lambda row: "–" if row is None or row.errors is None else _percent(row.errors),
    )


def of_gate(rows: Sequence[Row]) -> list[str]:
    """How often a gate passes, and fails, a harm that is exactly its margin, in percent, per case and n."""
    judged = [row for row in rows if row.passes is not None]
    return _table(
        "passes / fails at alpha 5 %",
        judged,
        lambda row: f"{row.case}, n = {row.n}",
        lambda row: (
            "–"
            if row is None or row.passes is None or row.fails is None
            else f"{_percent(row.passes)} / {_percent(row.fails)}"
        ),
    )


def of_calibration(found: Sequence[Covered], n: int) -> list[str]:
    """Coverage of the mean over several calibration draws, in percent."""
    heads = list(dict.fromkeys((one.between, one.calibrations) for one in found))
    lines = _head([f"mean difference, n = {n}", *(f"{k} draws, lean ± {between:g}" for between, k in heads)])
    for metric in dict.fromkeys(one.metric for one in found):
        cells = {
            (one.between, one.calibrations): f"{100 * one.coverage:.1f}"
            for one in found
            if one.metric == metric
        }
        lines.append(_line([metric.upper(), *(cells.get(head, "–") for head in heads)]))
    return lines


def weak(rows: Sequence[Row], n: int = SIZE) -> list[str]:
    """What lies outside the bounds at n samples, one line each, with how often a limit stands beside the number."""
    found = []
    for row in rows:
        if row.n != n:
            continue
        where = f"{row.case}, {row.metric} {row.what}"
        if not LOWEST <= row.coverage <= HIGHEST:
            found.append(
                f"{where}: covers {_percent(row.coverage)} %, limit stated in {_percent(row.limited)} %"
            )
        for what, share in (
            ("test errs", row.errors),
            ("gate passes", row.passes),
            ("gate fails", row.fails),
        ):
            if share is not None and share > MOST_ERRORS:
                found.append(f"{where}: {what} in {_percent(share)} %")
    return found


def write(lines: Sequence[str], path: Path = DOCS) -> None:
    """Puts the tables between the two marks of the section "Coverage" of the documentation."""
    text = path.read_text(encoding="utf-8")
    begin, end = "<!-- coverage: begin -->", "<!-- coverage: end -->"
    if begin not in text or end not in text:
        raise SystemExit(f"{path} has no section between {begin} and {end}: write {HEADING} with both first")
    before, after = text.split(begin)[0], text.split(end)[1]
    path.write_text(before + begin + "\n\n" + "\n".join(lines) + "\n\n" + end + after, encoding="utf-8")


def _table(
    title: str, rows: Sequence[Row], column: Callable[[Row], str], cell: Callable[[Row | None], str]
) -> list[str]:
    heads = list(dict.fromkeys(column(row) for row in rows))
    lines = _head([title, *heads])
    by: dict[tuple[str, str], dict[str, Row]] = {}
    for row in rows:
        by.setdefault((row.metric, row.what), {})[column(row)] = row
    for (metric, what), cells in by.items():
        lines.append(_line([f"{metric.upper()} {what}", *(cell(cells.get(head)) for head in heads)]))
    return lines


def _head(heads: Sequence[str]) -> list[str]:
    return [_line(heads), "|" + "---|" * len(heads)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
