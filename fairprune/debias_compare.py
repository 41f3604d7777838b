"""An edited or recovered run beside the run that it was pruned to and its controls: the same numbers, and paired differences.

A number of the dense model changes little or much by pruning; what an edit or a recovery is worth is its difference to the pruned run
and to its controls, over the same samples. Without torch and without Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fairprune.debias_group import Member, group_of
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
            member.title: _difference(
                name, scores, asked, member, draws, _own_reasons(name, shown, asked, member)
            )
            for member in members
            if member is not asked and member.spec.id in evaluations
        }
        found.append(Beside(name, shown, differences))
    return found


def _own_reasons(name: str, shown: Mapping[str, Mapping[str, Any]], *members: Member) -> str:
    """Why the values themselves are missing, as their cells say; else that no sample is scored in both."""
    cells = [shown.get(member.title) or {} for member in members]
    found = [str(cell["reason"]) for cell in cells if cell.get("reason")]
    return "; ".join(dict.fromkeys(found)) or f"no sample has {name.upper()} in both runs"


def _difference(
    name: str, scores: Mapping[str, Scores], asked: Member, other: Member, draws: Resamples, why_not: str
) -> dict[str, Any]:
    """Args: why_not: the reason of a difference that is missing because a value is."""
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
    if found.value is None:
        return {**values, "reason": found.limit or why_not}
    return {**values, "reason": found.limit if found.low is None else None}


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


def conclusion(
    rows: Sequence[Beside], members: Sequence[Member], n: int, states: Mapping[str, str] | None = None
) -> str:
    """What the fairness numbers of the group say together, in a sentence: only what the run moves beyond base and all controls counts.

    Without the base or one of the controls nothing can be told: neither an effect nor that there is none.

    Args:
        rows: numbers of the members that can be compared.
        members: these, with the asked run among them; the whole group is told from the asked run.
        states: run id → the state of a member that cannot be compared, in words; one that is not named was not started.
    """
    asked = next(member for member in members if member.role == "asked")
    others = [member for member in group_of(asked.spec) if member.role != "asked"]
    there = {member.spec.id for member in members}
    gone = [
        f"{member.title} ({(states or {}).get(member.spec.id, 'not started')})"
        for member in others
        if member.spec.id not in there
    ]
    if gone:
        return f"No conclusion: {' and '.join(gone)} {'is' if len(gone) == 1 else 'are'} missing."
    if n < FEW_SAMPLES:
        return f"{DEMONSTRATION.capitalize()}: {n} samples, fewer than {FEW_SAMPLES}."
    alone = len(others) == 1
    against = "the pruned run" if alone else "the pruned run and the controls"
    told: dict[bool, list[str]] = {True: [], False: []}
    compared = False
    for row in rows:
        cells = [row.differences[member.title] for member in others if member.title in row.differences]
        if len(cells) < len(others) or any(cell["value"] is None for cell in cells):
            continue
        compared = True
        found = [improves(row.name, cell) for cell in cells]
        if found[0] is not None and len(set(found)) == 1:
            told[bool(found[0])].append(row.name.upper())
    if not compared:
        return f"No conclusion: no metric has paired differences to {against}."
    if not any(told.values()):
        return f"No effect on fairness beyond {against}: no metric's paired difference has an interval that says so."
    parts = [
        f"{word} on {', '.join(told[good])}"
        for good, word in ((True, "fairer"), (False, "less fair"))
        if told[good]
    ]
    return (
        f"Beyond {'the pruned run' if alone else 'the pruned run and every control'}: {' and '.join(parts)}."
    )
