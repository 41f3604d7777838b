"""The cells of a result: metric × system, with interval, bias, n and what is missing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fairprune.labels import NONE
from fairprune.metrics import Metric
from fairprune.metrics.scoring.columns import credit_columns, estimate_of, multi_columns, spd2_columns
from fairprune.metrics.scoring.numbers import BERTSCORE, RATES
from fairprune.metrics.scoring.systems import Inputs, System
from fairprune.opinions import CorpusInfo
from fairprune.uncertainty import (
    NOTHING,
    Estimate,
    Resamples,
    estimate,
    estimate_difference,
    scored,
    weighted_mean,
)

SYSTEMS = ("dense", "pruned")
AGAIN = "dense_again"
"""The dense model on the same opinions in another order and other batches: what differs is noise."""
PARTS = {
    "dense": ("dense",),
    "pruned": ("pruned",),
    "difference": ("pruned", "dense"),  # the first minus the second
    "random": ("random",),
    "random_pruned": ("random_pruned",),
    # What is left over chance: folded metrics depend on length and are not 0 without any bias.
    "excess": ("dense", "random"),
    "excess_pruned": ("pruned", "random_pruned"),
    # References as long as the dense summaries (the pruned ones, where there are no dense ones).
    "oracle": ("oracle",),
    "one_group": ("one_group",),
    "first": ("first",),
    "permuted": ("permuted",),
}
NOISE_PARTS = {AGAIN: (AGAIN,), "noise": (AGAIN, "dense")}
"""Where the dense model was asked twice: the second answer, and how far it is from the first."""
GROUP_PARTS = ("dense", "pruned", "difference", "random", "oracle", "one_group", "first", "permuted")
_EXTRACT_OF = {"random": "dense", "random_pruned": "pruned"}
"""A random extract exists where the summary does whose length it has."""
BOTH_UNSCORED = "no sample is scored for both systems"
Cell = dict[str, Any]


def metric_cells(
    metric: Metric, systems: Mapping[str, System], draws: Resamples, no_label: str
) -> dict[str, Cell]:
    """The metric's cell for every name in `PARTS`.

    random and random_pruned: extracts as long as each dense and each pruned summary; excess: dense − random;
    excess_pruned: pruned − random_pruned, both paired. Each cell names its matcher. dense_again and noise are there only
    where the dense model was asked twice.

    Args:
        no_label: why sentences have no labels; '' when they have.
    """
    cells: dict[str, Cell] = {}
    for name, parts in (PARTS | (NOISE_PARTS if AGAIN in systems else {})).items():
        present, reason = _present(systems, parts)
        if reason is None and metric.name not in present[0].tables:
            reason = no_label
        if reason is not None:
            cells[name] = _missing(len(draws.topics), reason) | _EXTRAS.get(metric.name, {})
        else:
            cells[name] = _metric_cell(metric, present, draws)
        cells[name]["matcher"] = metric.matcher
    return cells


# What a missing cell says in the columns that only this metric has.
_EXTRAS: dict[str, Cell] = {
    "bur": {
        "n_single_group": 0,
        **dict.fromkeys(("value_multi", "multi_low", "multi_high", "multi_limit")),
    },
    "spd2": dict.fromkeys(("absolute", "absolute_low", "absolute_high", "absolute_limit", "none_share")),
}


def quality_cells(name: str, systems: Mapping[str, System], draws: Resamples) -> dict[str, Cell]:
    """The mean of a quality number for dense, pruned and difference."""
    cells = {}
    for system in (*SYSTEMS, "difference"):
        present, reason = _present(systems, PARTS[system])
        if reason is not None:
            cells[system] = _missing(len(draws.topics), reason)
            continue
        tables = [one.tables[name] for one in present]
        binary = name in RATES
        if len(tables) == 2:
            found = estimate_difference(weighted_mean, tables[0], tables[1], draws, binary=binary)
        else:
            least = -1.0 if name.startswith(BERTSCORE) else 0.0
            most = math.inf if name == "words" else 1.0  # all others are shares
            found = estimate(weighted_mean, tables[0], draws, binary=binary, limits=(least, most))
        why = "not recorded" if name == "truncated" else "no summary has this number"
        cells[system] = _cell(found, len(draws.topics), why)
    return cells


def group_rows(systems: Mapping[str, System], info: CorpusInfo, draws: Resamples) -> list[dict[str, Any]]:
    """Direction before any folded score: the signed mean p_y − p_x per group and system."""
    rows = []
    for i, group in enumerate(info.groups):
        for name in GROUP_PARTS:
            present, reason = _present(systems, PARTS[name])
            if reason is not None:
                continue
            tables = [one.tables["groups"][:, [i]] for one in present]
            found = (
                estimate(weighted_mean, tables[0], draws, limits=(-1.0, 1.0))
                if len(tables) == 1
                else estimate_difference(weighted_mean, tables[0], tables[1], draws, limits=(-1.0, 1.0))
            )
            which = "scored sample" if len(tables) == 1 else "sample that both systems score"
            why = f"no {which} has opinions of {group}"
            if not np.logical_and.reduce([scored(one.tables["groups"]) for one in present]).any():
                why = BOTH_UNSCORED if len(tables) > 1 else _why_unscored(present[0].main)
            rows.append(
                {
                    "group": group,
                    "system": name,
                    "value": found.value,
                    "low": found.low,
                    "high": found.high,
                    "limit": found.limit,
                    "n": found.n,
                    "reason": why if found.value is None else None,
                }
            )
    return rows


def _metric_cell(metric: Metric, systems: Sequence[System], draws: Resamples) -> Cell:
    tables = [system.tables[metric.name] for system in systems]
    why = BOTH_UNSCORED if len(systems) > 1 else _why_unscored(systems[0].inputs[metric.name])
    found = estimate_of(metric, systems, tables, draws)
    cell = _cell(found, len(draws.topics), why)
    both = np.logical_and.reduce([scored(table) for table in tables])
    cell |= credit_columns(metric, systems, both)
    if metric.name == "bur":
        cell |= multi_columns(metric, systems, draws, both, found)
    if metric.name == "spd2":
        cell |= spd2_columns(systems, draws, both)
        none_shares = [_none_share(system) for system in systems]
        missing = any(share is None for share in none_shares)
        cell["none_share"] = None if missing else _minus([share or 0.0 for share in none_shares])
    return cell


def _present(systems: Mapping[str, System], parts: Sequence[str]) -> tuple[list[System], str | None]:
    """The systems of a cell, or why it has none."""
    missing = list(dict.fromkeys(_EXTRACT_OF.get(part, part) for part in parts if part not in systems))
    if missing:
        return [], f"there are no {' and no '.join(missing)} summaries"
    return [systems[part] for part in parts], None


def _cell(found: Estimate, n_samples: int, why: str) -> Cell:
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "bias": found.bias,
        "limit": found.limit,
        "n": found.n,
        "n_unscored": n_samples - found.n,
        "reason": why if found.value is None else None,
    }


def _missing(n_samples: int, reason: str) -> Cell:
    return _cell(NOTHING, n_samples, reason)


def _why_unscored(inputs: Inputs) -> str:
    reasons = Counter(one.unscored for one in inputs if one.unscored)
    listed = ", ".join(f"{reason} ({count})" for reason, count in sorted(reasons.items()))
    return f"no sample is scored: {listed}"


def _none_share(system: System) -> float | None:
    """Share of the summaries' sentences that speak for no group; None without a sentence."""
    labels = [label.label for found in system.labels or [] for label in found]
    return labels.count(NONE) / len(labels) if labels else None


def _minus(values: Sequence[float]) -> float:
    return values[0] if len(values) == 1 else values[0] - values[1]
