"""The runs of a figure in numbers: a data frame for files, and the caption under the figure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fairprune import __version__
from fairprune.pareto import DENSE, Front
from fairprune.text import counted, short_name
from fairprune.tradeoffs import Entry, dense_key
from fairprune.tradeoffs_axes import Axis, cell_of

CELL = ("value", "low", "high", "n", "n_unscored")
TEX = (
    *("method", "calibration", "asked", "achieved", "value", "low", "high", "n"),
    *("difference", "difference_low", "difference_high", "verdict", "quality_value", "front"),
)
"""Columns of the LaTeX table: what fits a page in landscape; CSV has all."""
COUNTS = ("n", "n_unscored", "difference_n", "quality_n", "front_n", "front_resamples")


def runs_frame(entries: Sequence[Entry], y: Axis, quality: Axis, fronts: Mapping[str, Front]) -> pd.DataFrame:
    """One row per run and one per distinct dense model: fractions, not percent; empty where missing.

    Args:
        fronts: run id → the front in which the run takes part, or why there is none.
    """
    rows, seen = [], set()
    for entry in entries:
        base = dense_key(entry)
        front = fronts.get(entry.run.id)
        if base not in seen:
            seen.add(base)
            rows.append(_row(entry, DENSE, y, quality, front))
        rows.append(_row(entry, "pruned", y, quality, front))
    frame = pd.DataFrame(rows)
    # Whole numbers stay whole beside missing ones.
    return frame.astype({name: "Int64" for name in COUNTS if name in frame})


def _row(entry: Entry, system: str, y: Axis, quality: Axis, front: Front | None) -> dict[str, Any]:
    spec, dense = entry.spec, system == DENSE
    chance = None if front is None else front.probability.get(DENSE if dense else entry.run.id)
    known = front is not None and chance is not None
    cell, beside = cell_of(entry.headline, y, system) or {}, cell_of(entry.headline, quality, system) or {}
    gap = {} if dense else cell_of(entry.headline, y, "difference") or {}
    found = entry.headline["degenerate"].get(system) or {}
    return {
        "run": None if dense else entry.run.id,
        "name": "dense" if dense else entry.run.label,
        "model": spec.model.name,
        "method": "dense" if dense else spec.pruning.method,
        "added": None if dense else " + ".join(spec.additions) or None,
        "pattern": None if dense else spec.pruning.pattern,
        "allocation": None if dense else spec.pruning.allocation,
        "calibration": None if dense else spec.calibration.name,
        "calibration_corpus": None if dense else spec.calibration.corpus,
        "calibration_seed": None if dense else str(spec.calibration.seed),
        "corpus": spec.evaluation.corpus,
        "asked": 0.0 if dense else entry.asked,
        "achieved": 0.0 if dense else entry.achieved,
        "metric": y.name,
        **{name: cell.get(name) for name in CELL},
        "reason": cell.get("reason"),
        "difference": gap.get("value"),
        "difference_low": gap.get("low"),
        "difference_high": gap.get("high"),
        "difference_n": gap.get("n"),
        "verdict": gap.get("verdict"),
        "verdict_reason": gap.get("verdict_reason"),
        "quality": quality.name,
        **{f"quality_{name}": beside.get(name) for name in ("value", "low", "high", "n")},
        "front": chance,
        "front_n": front.n if known and front else None,
        "front_resamples": front.resamples if known and front else None,
        "degenerate": found.get("flag"),
        "degenerate_share": found.get("share"),
    }


def caption(entries: Sequence[Entry], x: Axis, y: Axis, *, intervals: bool, several: Sequence[int]) -> str:
    """One paragraph to stand under the figure: what is drawn, of which model and opinions, n, intervals, versions.

    Args:
        intervals: whether they are drawn.
        several: of each point that is a mean over calibration draws, how many they are.
    """
    if not entries:
        return ""
    models = _listed(short_name(entry.spec.model.name) for entry in entries)
    corpora = _listed(_opinions(entry) for entry in entries)
    methods = _listed(" + ".join((entry.spec.pruning.method, *entry.spec.additions)) for entry in entries)
    calibrations = _listed(
        f"{entry.spec.calibration.name} on {entry.spec.calibration.corpus}" for entry in entries
    )
    across = (
        "achieved sparsity of the pruned layers" if x.kind == "sparsity" else f"{x.title} ({x.direction})"
    )
    matcher = _matcher(entries) if y.kind == "fairness" else ""
    parts = [
        f"{y.title} ({y.what}; {matcher}{y.direction}) against {across}, {models} pruned by {methods}, "
        f"calibrated on {calibrations}; summaries of {corpora}.",
        f"{counted(len(entries), 'run')}; {_line_text(entries, y)}.",
    ]
    if intervals and y.kind == "judges":
        parts.append(
            f"Intervals are 95 %, from a bootstrap over the samples of each run's study; n = {_range(entries, y)} votes"
            f"{_not_judged(entries, y)}."
        )
    elif intervals:
        resamples = _listed(f"{entry.spec.metrics.resamples:,}" for entry in entries)
        parts.append(
            f"Intervals are 95 %, from a bootstrap over topics ({resamples} resamples); n = {_range(entries, y)}."
        )
    else:
        parts.append(f"n = {_range(entries, y)}{_not_judged(entries, y)}.")
    if several:
        how = "" if y.kind == "judges" else ", resampled on both levels (draws and topics)"
        parts.append(
            f"{counted(len(several), 'point is a mean', 'points are means')} over {spanned(several)} calibration draws{how}."
        )
    broken = sum(entry.degenerate for entry in entries)
    if broken:
        parts.append(
            f"Hollow marks: {broken} with over 20 % degenerate summaries, whose fairness means nothing."
        )
    parts.append(f"fairprune {__version__}.")
    return " ".join(parts)


def spanned(counts: Sequence[int]) -> str:
    """'3', or '2 to 5'."""
    least, most = min(counts), max(counts)
    return str(least) if least == most else f"{least} to {most}"


def _opinions(entry: Entry) -> str:
    """Corpus, opinion sets and topics of a run."""
    sets = counted(entry.headline["n_samples"], "opinion set")
    return f"{entry.spec.evaluation.corpus} ({sets} on {counted(entry.headline['n_topics'], 'topic')})"


def _listed(words: Any) -> str:
    """Distinct words in their order, with 'and' before the last; of more than four the first three."""
    found = [word for word, _ in Counter(words).items()]
    if len(found) > 4:
        return f"{', '.join(found[:3])} and {len(found) - 3} more"
    return " and ".join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else "".join(found)


def _matcher(entries: Sequence[Entry]) -> str:
    found = _listed(entry.spec.metrics.matcher for entry in entries)
    return f"matcher {found}; "


def _line_text(entries: Sequence[Entry], y: Axis) -> str:
    """What the horizontal line is."""
    if y.kind == "judges":
        return "at the horizontal line, 50 %, judges prefer neither the pruned model nor the dense one"
    return f"the horizontal line is the dense model{_dense_text(entries, y)}"


def _not_judged(entries: Sequence[Entry], y: Axis) -> str:
    """'; 2 runs were not judged', on the axis of judges."""
    if y.kind != "judges":
        return ""
    n = sum((cell_of(entry.headline, y, "pruned") or {}).get("value") is None for entry in entries)
    return (
        f"; {counted(n, 'run was', 'runs were')} not judged and {'is' if n == 1 else 'are'} not drawn"
        if n
        else ""
    )


def _dense_text(entries: Sequence[Entry], y: Axis) -> str:
    """': 12.0 % (95 %: 8.0 % to 16.0 %)' where all runs have the same one."""
    cells = [cell_of(entry.headline, y, DENSE) for entry in entries]
    values = {cell["value"] for cell in cells if cell is not None}
    cell = cells[0]
    if len(values) != 1 or cell is None or cell["value"] is None:
        return ""
    ends = (
        "no interval" if cell["low"] is None else f"95 %: {y.shown(cell['low'])} to {y.shown(cell['high'])}"
    )
    return f" ({y.shown(cell['value'])}; {ends}; n = {cell['n']})"


def _range(entries: Sequence[Entry], y: Axis) -> str:
    found = [
        cell["n"]
        for entry in entries
        if (cell := cell_of(entry.headline, y, "pruned")) and cell["n"] is not None
    ]
    if not found:
        return "0"
    return str(found[0]) if min(found) == max(found) else f"{min(found)} to {max(found)}"
