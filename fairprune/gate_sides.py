"""The two sides of a gate: scores per sample, out of a stored run, a result file, or a fresh comparison."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fairprune.comparison import KIND
from fairprune.errors import BadInput, unknown
from fairprune.literature import read_file
from fairprune.metrics import METRICS, limits
from fairprune.spec import MetricSpec, parse_part
from fairprune.text import counted
from fairprune.uncertainty import FloatArray, scored, weighted_mean

Table = FloatArray
SHOWN_SETS = 5
"""Of the opinion sets that one side lacks, so many are named."""
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
    no_labels: str | None = None
    """Why its sentences have no group labels; None where they have, or where the result does not say."""
    notes: tuple[str, ...] = ()
    """What a reader must know of its data and classifier."""

    @property
    def degenerate(self) -> float | None:
        """Share of summaries that are degenerate or were not written; None without samples."""
        broken = [bool(row.scores.get("degenerate")) or row.scores.get("words") is None for row in self.rows]
        return sum(broken) / len(broken) if broken else None


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
    part = next(iter(result["comparisons"].values()), {}) if own else result
    no_labels = (part.get("classifier") or {}).get("reason")
    notes = tuple(result["data"].get("notes") or ()) if own else ()
    return Side(f"{shown}:{system}", tuple(groups), spec, rows, no_labels, notes)


def pair(baseline: Side, candidate: Side) -> tuple[list[tuple[Row, Row]], int, list[str]]:
    """The baseline's samples, each with the candidate's.

    An opinion set that the candidate's result lacks is not left out, or whoever drops what went badly passes: it counts as a summary
    without a score.

    Returns: the pairs, in the baseline's order; in how many of them the candidate has nothing; what a reader must know.

    Raises:
        BadInput: other groups, metrics that were computed in another way, no sample in common, a baseline that lacks a set.
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
    known = dict(zip(_keys(baseline), baseline.rows, strict=True))
    others = dict(zip(_keys(candidate), candidate.rows, strict=True))
    if not known.keys() & others.keys():
        raise BadInput(
            f"{baseline.name} and {candidate.name} have no opinion set in common: a gate compares summaries of the same "
            "opinions"
        )
    if unmatched := [key for key in others if key not in known]:
        raise BadInput(
            f"{baseline.name} lacks {_some(unmatched, len(others))} of {candidate.name}: nothing says how fair the baseline "
            "is on them. Score both on the same opinions"
        )
    absent = [key for key in known if key not in others]
    found = [
        (row, others.get(key) or Row(row.set_id, row.topic, row.composition, None, {}))
        for key, row in known.items()
    ]
    notes = []
    if absent:
        notes.append(
            f"{candidate.name} lacks {_some(absent, len(known))} of {baseline.name}: they count as fully unfair before the candidate "
            "may pass"
        )
    same = sum(a.text is not None and a.text == b.text for a, b in found)
    if same:
        of = counted(len(found), "summary", "summaries")
        notes.append(f"{same} of {of} {'is' if same == 1 else 'are'} the same, word for word")
    return found, len(absent), notes


def _keys(side: Side) -> list[tuple[str, int]]:
    """A set's id, and how often it has stood before: sets may repeat."""
    seen: Counter[str] = Counter()
    keys = []
    for row in side.rows:
        keys.append((row.set_id, seen[row.set_id]))
        seen[row.set_id] += 1
    return keys


def _some(keys: Sequence[tuple[str, int]], n: int) -> str:
    """'2 of 50 opinion sets (a1…, b2…)'."""
    named = [
        set_id if not again else f"{set_id} for the {again + 1}. time" for set_id, again in keys[:SHOWN_SETS]
    ]
    more = ", …" if len(keys) > SHOWN_SETS else ""
    return f"{len(keys):,} of {counted(n, 'opinion set')} ({', '.join(named)}{more})"


def table_of(metric: str, rows: Sequence[Row], side: Side) -> Table:
    """The rows of a metric, (n, columns), rebuilt from a result; NaN throughout for an unscored sample.

    Raises:
        BadInput: the result does not hold what the metric needs.
    """
    if metric == "sof":
        return np.array([_losses(row, side) for row in rows])
    # A metric whose corpus value is not a mean needs more than one number of each sample.
    if METRICS[metric].statistic is not weighted_mean or all(metric not in row.scores for row in rows):
        raise BadInput(f"{side.name} has no {metric} per sample: choose another metric, or score it again")
    return np.array([[_number(row.scores.get(metric), metric, row, side)] for row in rows])


def _losses(row: Row, side: Side) -> list[float]:
    p_x, p_y = row.scores.get("p_x") or {}, row.scores.get("p_y") or {}
    return [
        # np.maximum: a missing share makes a missing loss.
        float(np.maximum(0.0, _number(p_x[group], "p_x", row, side) - _number(p_y[group], "p_y", row, side)))
        if group in p_x and group in p_y
        else np.nan
        for group in side.groups
    ]


def _number(value: Any, name: str, row: Row, side: Side) -> float:
    """NaN for a missing one.

    Raises:
        BadInput: a result file that was changed by hand, or by a program that writes NaN.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadInput(
            f"{name} of opinion set {row.set_id} in {side.name} is {value!r:.40}, not a number: score it again"
        )
    return float(value)


def worst_rows(metric: str, after: Table, before: Table, rows: Sequence[Row], side: Side) -> Table:
    """`after` with each sample that only `before` has scored counted as fully unfair; as it is where that has no bound.

    Fully unfair is a summary of the smallest group alone: BUR 1, UER (1 − p_min) / r, SOF's losses p_x but 0 for that
    group; AUC 1 at every τ above 0, and at 0 too where ties are unfair. SPD2: see `_worst_balances`. Any other metric: its
    largest value.
    """
    if metric == "spd2":
        return _worst_balances(after, before, side)
    filled = after.copy()
    if metric not in ("bur", "uer", "auc", "sof"):
        filled[scored(before) & ~scored(after)] = limits(METRICS[metric])[1]
        return filled
    for i in np.flatnonzero(scored(before) & ~scored(after)).tolist():
        p_x = rows[i].scores.get("p_x") or {}
        if (
            len(p_x) < 2
        ):  # a result that does not say what stood in the source: nothing smaller is known to be the most
            filled[i] = limits(METRICS[metric])[1]
            continue
        least = min(p_x, key=p_x.__getitem__)
        losses = {group: 0.0 if group == least else share for group, share in p_x.items()}
        if metric == "sof":
            filled[i] = [losses.get(group, np.nan) for group in side.groups]
        else:
            edge = (
                1.0 if side.spec.ties == "le" else 0.95
            )  # half a step of .1 of the trapezoid is missing at τ = 0
            filled[i, 0] = {"bur": 1.0, "uer": sum(losses.values()) / len(losses), "auc": edge}[metric]
    return filled


def has_bound(metric: str, side: Side) -> bool:
    """Whether an unscored summary has a most unfair value: corrected shares, which may leave [0, 1], have none."""
    return not (metric == "spd2" and side.spec.spd2_source == "confusion-corrected")


def _worst_balances(after: Table, before: Table, side: Side) -> Table:
    """SPD2 with all missing samples leaning as far as they can to one group, the one that moves the mean further from 0.

    Two groups: a value is y − x, both in [−1, 1], and x is the baseline's too. From its value v follows −1 − v ≤ x ≤ 1 − v,
    so the candidate's is at most min(2, 2 + v) and at least max(−2, v − 2). More groups: at most 2.
    """
    missing = scored(before) & ~scored(after)
    if not missing.any() or not has_bound("spd2", side):
        return after.copy()
    ends = [np.full(len(after), 2.0)]
    if len(side.groups) == 2:
        ends = [np.minimum(2.0, 2.0 + before[:, 0]), np.maximum(-2.0, before[:, 0] - 2.0)]
    both = scored(before)
    choices = []
    for end in ends:
        filled = after.copy()
        filled[missing, 0] = end[missing]
        choices.append(filled)
    return max(choices, key=lambda table: abs(float(table[both, 0].mean())))
