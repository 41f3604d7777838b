"""The two sides of a gate: scores per sample, out of a stored run, a result file, or a fresh comparison."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fairprune.comparison import KIND
from fairprune.errors import BadInput, unknown
from fairprune.literature import read_file
from fairprune.metrics import METRICS
from fairprune.spec import MetricSpec, parse_part
from fairprune.uncertainty import FloatArray, scored, weighted_mean

Table = FloatArray
_IRRELEVANT = ("resamples", "seed", "margins", "primary", "alpha", "extra", "quality_bertscore")
"""Fields of the metrics' spec that two sides need not share: they move no value that a gate reads."""


@dataclass(frozen=True)
class Row:
    """One sample of one system."""

    set_id: str
    topic: str
    composition: str
    text: str | None
    scores: Mapping[str, Any]
    """As `evaluate` gives them per sample."""


@dataclass(frozen=True)
class Side:
    """One system's scores."""

    name: str
    groups: tuple[str, ...]
    spec: MetricSpec
    rows: tuple[Row, ...]

    @property
    def degenerate(self) -> float | None:
        """Share of degenerate summaries among the written ones; None where none was written."""
        written = [row for row in self.rows if row.scores.get("words") is not None]
        return sum(bool(row.scores.get("degenerate")) for row in written) / len(written) if written else None


def read_result(path: Path) -> dict[str, Any]:
    """A file of `run --json` or `evaluate --json`.

    Raises:
        BadInput: it is neither.
    """
    try:
        found = json.loads(read_file(path))
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"{path} is not JSON ({error}): name a file of run --json or evaluate --json"
        ) from error
    if not isinstance(found, dict) or not (found.get("kind") == KIND or "run_id" in found):
        raise BadInput(f"{path} is not a result: name a file of run --json or evaluate --json")
    return found


def systems_of(result: Mapping[str, Any]) -> list[str]:
    """Systems that a result has scored, the baseline first."""
    if result.get("kind") == KIND:
        return [str(name) for name in result["systems"]]
    rows = result.get("samples") or [{}]
    return [name for name in ("dense", "pruned") if name in (rows[0].get("scores") or {})]


def side_of(result: Mapping[str, Any], system: str, shown: str) -> Side:
    """One system of a result (of `run_result` or `compare`).

    Args:
        shown: what the person called the result.

    Raises:
        BadInput: a system that the result does not have, a field that is missing.
    """
    known = systems_of(result)
    if system not in known:
        raise unknown(f"system of {shown}:", system, known)
    own = result.get("kind") == KIND
    try:
        spec = parse_part(MetricSpec, dict(result["spec"] if own else result["spec"]["metrics"]))
        groups = result["data"]["groups"] if own else dict.fromkeys(row["group"] for row in result["groups"])
        rows = tuple(
            Row(
                set_id=str(one["set_id"]),
                topic=str(one["topic"]),
                composition=str(one["composition"]),
                text=(one["texts"] if own else one).get(system),
                scores=one["scores"][system],
            )
            for one in result["samples"]
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{shown} lacks {error}: it was written by another version of fairprune; run it again"
        ) from error
    return Side(f"{shown}:{system}", tuple(groups), spec, rows)


def pair(baseline: Side, candidate: Side) -> tuple[list[tuple[Row, Row]], list[str]]:
    """Samples that both sides have, in the baseline's order, and what a reader must know of the rest.

    Raises:
        BadInput: other groups, metrics that were computed in another way, no sample in common.
    """
    if set(baseline.groups) != set(candidate.groups) or baseline.groups[:1] != candidate.groups[:1]:
        raise BadInput(
            f"{baseline.name} has the groups {', '.join(baseline.groups)}, {candidate.name} has "
            f"{', '.join(candidate.groups)}: they must be the same, the first one too"
        )
    one, two = (side.spec.model_dump(mode="json") for side in (baseline, candidate))
    for name, value in one.items():
        if name not in _IRRELEVANT and value != two[name]:
            raise BadInput(
                f"{name} was {value!r} for {baseline.name} and {two[name]!r} for {candidate.name}: score both in the "
                "same way"
            )
    others = dict(zip(_keys(candidate), candidate.rows, strict=True))
    found = [
        (row, others[key]) for key, row in zip(_keys(baseline), baseline.rows, strict=True) if key in others
    ]
    if not found:
        raise BadInput(
            f"{baseline.name} and {candidate.name} have no opinion set in common: a gate compares summaries of the same "
            "opinions"
        )
    notes = []
    for side in (baseline, candidate):
        if len(side.rows) > len(found):
            notes.append(
                f"{len(side.rows) - len(found)} samples of {side.name} are not in the other: left out"
            )
    same = sum(a.text is not None and a.text == b.text for a, b in found)
    if same:
        notes.append(f"{same} of {len(found)} summaries are the same, word for word")
    return found, notes


def _keys(side: Side) -> list[tuple[str, int]]:
    """A set's id, and how often it has stood before: sets may repeat."""
    seen: Counter[str] = Counter()
    keys = []
    for row in side.rows:
        keys.append((row.set_id, seen[row.set_id]))
        seen[row.set_id] += 1
    return keys


def table_of(metric: str, rows: Sequence[Row], side: Side) -> Table:
    """The rows of a metric, (n, columns), rebuilt from a result; NaN throughout for an unscored sample.

    Raises:
        BadInput: the result does not hold what the metric needs.
    """
    if metric == "sof":
        return np.array([_losses(row, side.groups) for row in rows])
    # A metric whose corpus value is not a mean needs more than one number of each sample.
    if METRICS[metric].statistic is not weighted_mean or all(metric not in row.scores for row in rows):
        raise BadInput(f"{side.name} has no {metric} per sample: choose another metric, or score it again")
    values = [row.scores.get(metric) for row in rows]
    return np.array([[np.nan if value is None else float(value)] for value in values])


def _losses(row: Row, groups: Sequence[str]) -> list[float]:
    p_x, p_y = row.scores.get("p_x") or {}, row.scores.get("p_y")
    return [
        max(0.0, p_x[group] - p_y[group]) if p_y and group in p_x and group in p_y else np.nan
        for group in groups
    ]


def worst_rows(metric: str, after: Table, before: Table, rows: Sequence[Row], side: Side) -> Table:
    """`after` with each sample that only `before` has scored counted as fully unfair; as it is where that has no bound.

    Fully unfair is a summary of the smallest group alone: BUR 1, UER (1 − p_min) / r, SOF's losses p_x but 0 for that
    group; AUC 1 at every τ above 0, and at 0 too where ties are unfair.
    """
    filled = after.copy()
    for i in np.flatnonzero(scored(before) & ~scored(after)).tolist():
        p_x = rows[i].scores.get("p_x") or {}
        if len(p_x) < 2:
            continue
        least = min(p_x, key=p_x.__getitem__)
        losses = {group: 0.0 if group == least else share for group, share in p_x.items()}
        if metric == "sof":
            filled[i] = [losses.get(group, np.nan) for group in side.groups]
        elif metric in ("bur", "uer", "auc"):
            edge = (
                1.0 if side.spec.ties == "le" else 0.95
            )  # half a step of .1 of the trapezoid is missing at τ = 0
            filled[i, 0] = {"bur": 1.0, "uer": sum(losses.values()) / len(losses), "auc": edge}[metric]
    return filled
