"""An edited or recovered run beside the run that it was pruned to and its controls: the same numbers, and paired differences.

A number of the dense model changes little or much by pruning; what an edit or a recovery is worth is its difference to the pruned run
and to its controls, over the same samples. Without torch and without Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fairprune.debias_group import Member
from fairprune.metrics import METRICS, limits
from fairprune.pareto import HIGHER, LOWER, Scores, resampled
from fairprune.uncertainty import DEMONSTRATION, FEW_SAMPLES, Resamples, estimate_difference, weighted_mean

NOT_PAIRED = "the two runs did not summarise the same opinion sets"


@dataclass(frozen=True)
class Beside:
    """One number of all runs of a group."""

    name: str
    """Of the metric or quality number."""
    cells: dict[str, Mapping[str, Any]]
    """'dense', then the title of each run that is done → its cell as the run's evaluation has it."""
    differences: dict[str, dict[str, Any]]
    """Title of the base or of a control → asked − it, paired: value, low, high, n, reason."""


def beside(
    members: Sequence[Member],
    evaluations: Mapping[str, Mapping[str, Any]],
    scores: Mapping[str, Scores],
    draws: Resamples,
    part: str = "metrics",
) -> list[Beside]:
    """Every number of a part of the evaluations, in the order of the asked run's.

    Args:
        members: of one group, with the asked run among them.
        evaluations, scores: run id → what is stored, of those that are done.
        draws: of the asked run's samples.
        part: 'metrics' or 'quality'.
    """
    asked = next(member for member in members if member.role == "asked")
    own = evaluations[asked.spec.id]
    found = []
    for name, cells in own[part].items():
        shown = {"dense": cells["dense"]}
        for member in members:
            one = evaluations.get(member.spec.id)
            if one is not None and name in one[part]:
                shown[member.title] = one[part][name]["pruned"]
        differences = {
            member.title: _difference(name, scores, asked, member, draws)
            for member in members
            if member is not asked and member.spec.id in evaluations
        }
        found.append(Beside(name, shown, differences))
    return found


def _difference(
    name: str, scores: Mapping[str, Scores], asked: Member, other: Member, draws: Resamples
) -> dict[str, Any]:
    missing = {"value": None, "low": None, "high": None, "n": 0}
    one, two = (scores.get(member.spec.id) for member in (asked, other))
    if one is None or two is None or one.set_ids != two.set_ids:
        return {**missing, "reason": NOT_PAIRED}
    if (why := resampled(name)) is not None:
        return {**missing, "reason": why}
    tables = [found.tables.get("pruned", {}).get(name) for found in (one, two)]
    if tables[0] is None or tables[1] is None:
        return {**missing, "reason": "not stored per sample"}
    if name in METRICS:
        metric = METRICS[name]
        statistic, binary, ends = metric.statistic, metric.binary, limits(metric)
    else:
        statistic, binary, ends = weighted_mean, False, (0.0, 1.0)
    found = estimate_difference(statistic, tables[0], tables[1], draws, binary=binary, limits=ends)
    values = {key: value for key, value in asdict(found).items() if key in ("value", "low", "high", "n")}
    return {**values, "reason": found.limit if found.value is None or found.low is None else None}


def improves(name: str, difference: Mapping[str, Any]) -> bool | None:
    """Whether a difference says that the number became better: True or False where its interval does, None where it does not tell.

    A metric that is best at 0 is not told by the sign of its difference alone.
    """
    low, high = difference["low"], difference["high"]
    if low is None or high is None or (name in METRICS and METRICS[name].direction == "zero"):
        return None
    higher = name in HIGHER
    if name not in METRICS and not higher and name not in LOWER:
        return None
    if low > 0:
        return higher
    return not higher if high < 0 else None


def conclusion(rows: Sequence[Beside], members: Sequence[Member], n: int) -> str:
    """What the fairness numbers of the group say together, in a sentence: only what the run moves beyond base and all controls counts."""
    others = [member.title for member in members if member.role != "asked"]
    if n < FEW_SAMPLES:
        return f"{DEMONSTRATION.capitalize()}: {n} samples, fewer than {FEW_SAMPLES}."
    told: dict[bool, list[str]] = {True: [], False: []}
    for row in rows:
        found = [improves(row.name, row.differences[title]) for title in others if title in row.differences]
        if found and len(found) == len(others) and found[0] is not None and len(set(found)) == 1:
            told[bool(found[0])].append(row.name.upper())
    if not any(told.values()):
        against = "the pruned run" if len(others) == 1 else "the pruned run and the controls"
        return f"No effect on fairness beyond {against}: no metric's paired difference has an interval that says so."
    parts = [
        f"{word} on {', '.join(told[good])}"
        for good, word in ((True, "fairer"), (False, "less fair"))
        if told[good]
    ]
    return f"Beyond {'the pruned run' if len(others) == 1 else 'the pruned run and every control'}: {' and '.join(parts)}."
