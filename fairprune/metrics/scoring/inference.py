"""From the difference of two systems to p-values, what n could have shown, and a word with a margin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairprune.metrics import METRICS, Metric, chosen
from fairprune.metrics.scoring.beside import distance
from fairprune.metrics.scoring.systems import System, limits_of
from fairprune.spec import MetricSpec
from fairprune.uncertainty import (
    DEMONSTRATION,
    FEW_SAMPLES,
    Estimate,
    Resamples,
    decide,
    estimate_difference,
    holm,
    paired_test,
    smallest_detectable,
)

Cell = dict[str, Any]

ONE_SYSTEM = "there are no summaries of a second system to compare with"


def comparisons(
    systems: Mapping[str, System],
    draws: Resamples,
    spec: MetricSpec,
    no_claim: str | None,
    no_label: str = "",
) -> dict[str, Cell]:
    """Per metric what its difference cell says beyond the interval.

    margin and primary of the spec (what is not primary is exploratory); p_value of the paired test, p_holm adjusted over
    the primary metrics (None for the others); smallest_detectable with power 0.8 at this n; verdict, and verdict_reason
    where there is none. All in distance from the best value: `distance` holds that difference for a signed metric,
    where a mean of either sign is unfair.

    Args:
        no_claim: why the dense model supports no claim about pruning; None where it does.
        no_label: why sentences have no labels; '' when they have.
    """
    # Only a metric of labels is missing where both systems are there.
    absent = no_label if {"dense", "pruned"} <= set(systems) and no_label else ONE_SYSTEM
    found = {name: _compare(metric, systems, draws, spec) for name, metric in chosen(spec).items()}
    tested = {
        name: _p_value(METRICS[name], systems, draws, spec) if _enough(one) else None
        for name, one in found.items()
    }
    adjusted = holm({name: tested.get(name) for name in spec.primary}, spec.alpha)
    cells: dict[str, Cell] = {}
    for name, one in found.items():
        primary, margin = name in spec.primary, spec.margins.get(name)
        p_value = adjusted[name] if primary else tested[name]
        reason = _no_verdict(one, margin, name, no_claim, absent)
        verdict = None
        if reason is None and one is not None and margin is not None:
            verdict = decide(one, margin, p_value, spec.alpha)
        cells[name] = {
            "primary": primary,
            "margin": margin,
            "alpha": spec.alpha,
            "p_value": tested[name],
            "p_holm": adjusted.get(name),
            "smallest_detectable": smallest_detectable(one.se, one.df, spec.alpha) if one else None,
            "verdict": verdict,
            "verdict_reason": reason,
        }
        if METRICS[name].direction == "zero":
            keys = ("value", "low", "high", "limit")
            distance_cell = {key: getattr(one, key) if one else None for key in keys}
            missing = _no_value(one, absent)
            cells[name]["distance"] = {**distance_cell, "n": one.n if one else 0, "reason": missing}
    return cells


def no_claim_reasons(
    systems: Mapping[str, System],
    draws: Resamples,
    spec: MetricSpec,
    degenerate: Mapping[str, Mapping[str, Any]],
) -> tuple[list[str], list[str]]:
    """Why the dense model supports no claim about pruning, and why one must be read with care; both empty where neither holds.

    No claim: more than 20 % of its summaries are degenerate, or a primary metric finds it no fairer than random extracts
    of the same length. With care: it is fairer, but the interval of that excess holds 0.
    """
    if "dense" not in systems:
        return [], []
    none, care = [], []
    if degenerate["dense"]["flag"]:
        none.append(f"{degenerate['dense']['share']:.0%} of the dense summaries are degenerate")
    for name in spec.primary:
        metric = METRICS[name]
        tables = [systems[system].tables.get(name) for system in ("dense", "random")]
        if tables[0] is None or tables[1] is None:
            continue
        over = estimate_difference(
            distance(metric), tables[0], tables[1], draws, binary=metric.binary, level=1 - spec.alpha
        )
        beside = f"fairer than random extracts of the same length ({name.upper()})"
        if over.value is not None and over.value >= 0:
            none.append(f"the dense model is not {beside}")
        elif over.high is not None and over.high >= 0:
            care.append(f"the dense model is not shown to be {beside}")
    return none, care


def _compare(
    metric: Metric, systems: Mapping[str, System], draws: Resamples, spec: MetricSpec
) -> Estimate | None:
    """pruned − dense in distance from the best value, with level 1 − alpha; None where a system is missing."""
    tables = [
        systems[name].tables.get(metric.name) if name in systems else None for name in ("pruned", "dense")
    ]
    if tables[0] is None or tables[1] is None:
        return None
    folded = metric.contrasts is not None or metric.direction == "zero"
    return estimate_difference(
        distance(metric),
        tables[0],
        tables[1],
        draws,
        binary=metric.binary,
        folded=folded,
        limits=(0.0, limits_of(metric, systems["pruned"])[1]),
        level=1 - spec.alpha,
    )


def _enough(one: Estimate | None) -> bool:
    return one is not None and one.n >= FEW_SAMPLES


def _p_value(
    metric: Metric, systems: Mapping[str, System], draws: Resamples, spec: MetricSpec
) -> float | None:
    return paired_test(
        distance(metric),
        systems["pruned"].tables[metric.name],
        systems["dense"].tables[metric.name],
        draws.topics,
        permutations=spec.resamples,
        seed=spec.seed,
    ).p_value


def _no_value(one: Estimate | None, absent: str) -> str | None:
    if one is None:
        return absent
    return "no sample is scored for both systems" if one.value is None else None


def _no_verdict(
    one: Estimate | None, margin: float | None, name: str, no_claim: str | None, absent: str
) -> str | None:
    if one is None or one.value is None:
        return _no_value(one, absent)
    if one.n < FEW_SAMPLES:
        return DEMONSTRATION
    if one.low is None:
        return one.limit
    if no_claim is not None:
        return no_claim
    return f"no margin is given for {name}" if margin is None else None
