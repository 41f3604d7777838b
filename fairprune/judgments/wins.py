"""How often judges preferred a run's pruned model to its dense one: a number of the run, for charts over many runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from fairprune.errors import BadInput
from fairprune.judgments.bias import Rules, apply
from fairprune.judgments.closed import Closed, read_closed
from fairprune.judgments.measured import RESAMPLES, cluster_weights, measured
from fairprune.judgments.votes import Outcome, outcomes
from fairprune.store import Store
from fairprune.store.judgments_values import Study

_WORTH = {1: 1.0, 0: 0.5, -1: 0.0}


def win_rates(store: Store, studies: Iterable[Study]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """(run id → cell, why studies were left out), of closed studies of pairs; the newest study of a run counts.
    Votes of elsewhere are not among them.

    The share of decided votes on the primary question, as registered, that prefer the pruned model's summary to the dense one's;
    ties count half, also those of equal texts. Its interval is over samples; n counts votes.
    """
    found: dict[str, dict[str, Any]] = {}
    left_out = []
    for study in studies:
        if study.state != "closed" or study.design.get("task", "pair") != "pair" or study.origin != "here":
            continue
        try:
            closed = read_closed(store, study)
        except BadInput as error:
            left_out.append(f"{study.title}: {error}")
            continue
        for run_id, cell in _of_study(store, closed).items():
            found.setdefault(run_id, cell)
    return found, left_out


def _of_study(store: Store, closed: Closed) -> dict[str, dict[str, Any]]:
    design = closed.design
    question = next(iter(closed.questions), "") if design is None else design.analysis.question
    kept = apply(closed.votes, Rules() if design is None else design.rules)
    given = [*outcomes(kept, question), *(one for one in closed.ties() if one.question == question)]
    pruned = _pruned_in(store, closed)
    by_run: dict[str, dict[str, list[float]]] = {}
    for one in given:
        told = pruned.get(one.item)
        value = worth(one, told[1]) if told is not None else None
        if told is not None and value is not None:
            row = by_run.setdefault(told[0], {}).setdefault(one.cluster, [0.0, 0.0])
            row[0] += value
            row[1] += 1
    return {run_id: _cell(clusters) for run_id, clusters in by_run.items()}


def worth(one: Outcome, system: str) -> float | None:
    """1 where the outcome prefers the system, ½ for a tie, 0 where it prefers the other; None where it decides nothing."""
    if one.rank is None:
        return None
    return _WORTH[one.rank if one.system_a == system else -one.rank]


def _pruned_in(store: Store, closed: Closed) -> dict[str, tuple[str, str]]:
    """Item → (run, name of its pruned system), of items that compare a run's pruned model with the run's own dense one."""
    runs = {side.run_id for item in closed.items for side in (item.a, item.b) if side and side.run_id}
    generations = {
        run: {kind: one["id"] for kind, one in found["systems"].items()}
        for run, found in store.results("generation", runs).items()
    }
    found: dict[str, tuple[str, str]] = {}
    for item in closed.items:
        if item.b is None:
            continue
        for own, other in ((item.a, item.b), (item.b, item.a)):
            kinds = generations.get(own.run_id or "", {})
            if None not in (own.generation_id, other.generation_id) and (
                kinds.get("pruned") == own.generation_id and kinds.get("dense") == other.generation_id
            ):
                found[item.id] = (own.run_id or "", own.system)
    return found


def _cell(clusters: Mapping[str, list[float]]) -> dict[str, Any]:
    table = np.array([clusters[name] for name in sorted(clusters)])
    won, n = table.sum(axis=0)
    drawn = cluster_weights(len(table), RESAMPLES, 0) @ table
    one = measured(float(won / n), drawn[:, 0] / drawn[:, 1], int(n), len(table), (0.0, 1.0), "sample")
    return {
        "value": one.value,
        "low": one.low,
        "high": one.high,
        "n": one.n,
        "n_unscored": 0,
        "reason": one.why,
    }
