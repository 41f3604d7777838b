"""Which runs no other run beats: the Pareto front of fairness and quality, as a probability over resamples of topics.

A front of point values calls a run beaten by a thousandth. Here all runs are read under the same resamples of topics, and a
run's number is the share of resamples in which no other is at least as good on both axes and better on one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairprune.errors import BadInput
from fairprune.gate_sides import Row, Side, table_of
from fairprune.metrics import METRICS
from fairprune.spec import MetricSpec
from fairprune.text import counted
from fairprune.uncertainty import FloatArray, Resamples, draw_resamples, scored, weighted_mean

RESAMPLES = 1000
LEAST_TOPICS = 5
"""With 2 topics every second resample is one topic alone, with 4 one in 64, with 5 one in 625."""
MORE_TOPICS = "prune on more opinion sets, or on a corpus of more topics (movies, or opinions of your own)"
"""What runs on too few topics lack."""
FEW_TOPICS = 10
"""Below it a probability is conditional on these topics, as intervals are."""
DENSE = "dense"
"""The name under which the dense model takes part."""
HIGHER = ("rouge_l",)
LOWER = ("repetition",)
"""Quality numbers that are stored per sample and have a better end."""
_OTHERWISE = {
    "sparsity": "sparsity is no quality",
    "judges_preferred": "people judged other samples than those that every run scores, and each study its own",
}
"""Axes that samples do not give → why."""
_DIGITS = 12
"""Values that differ by less are equal: equal summaries must tie, however the sums were rounded."""


@dataclass(frozen=True)
class Scores:
    """What resampling needs of one run: small beside its evaluation, which holds sentences and labels."""

    set_ids: tuple[str, ...]
    """Of the n samples, in their order."""
    tables: dict[str, dict[str, FloatArray]]
    """System ('dense', 'pruned') → metric or quality number → (n, columns), NaN: unscored."""
    random: dict[str, dict[str, Any]]
    """Metric → value, low, high, n of the random extract as long as the dense summaries; only what was scored."""


@dataclass(frozen=True)
class Front:
    """How often each run is on the front, or why that cannot be said."""

    probability: dict[str, float]
    """Name of a run (or 'dense') → share of resamples, in [0, 1]; {} where there is a reason."""
    n: int = 0
    """Samples that every run scores on both axes."""
    n_samples: int = 0
    n_topics: int = 0
    """Of those n."""
    resamples: int = 0
    """Those in which every run has a value on both axes."""
    reason: str | None = None
    """Why there is no probability; None where there is one."""
    remedy: str = ""
    """What to do for one: a sentence without its stop; '' where there is one."""


def resampled(name: str) -> str | None:
    """None for a metric or quality number that stored samples give again; else why they do not, in words."""
    if name in METRICS:
        if METRICS[name].statistic is weighted_mean or name == "sof":
            return None
        return f"{name.upper()} is made of the coverage of every opinion, which is not stored per sample"
    if name in (*HIGHER, *LOWER):
        return None
    if name.startswith("perplexity"):
        return "perplexity is measured on other text than the samples, so resampling topics does not move it"
    if name in _OTHERWISE:
        return _OTHERWISE[name]
    known = " and ".join(("ROUGE-L", "repetition"))
    return f"of the quality numbers with a better end only {known} are stored per sample"


def scores_of(run_id: str, evaluation: Mapping[str, Any]) -> Scores:
    """The tables of a run from its evaluation; a number that it does not hold per sample has none."""
    samples = evaluation["samples"]
    groups = tuple(dict.fromkeys(str(row["group"]) for row in evaluation["groups"]))
    tables: dict[str, dict[str, FloatArray]] = {}
    for system in ("dense", "pruned"):
        if not samples or any(system not in sample for sample in samples):
            continue
        # Topic and composition are those of the sets; a table does not read them.
        rows = [Row(str(sample["set_id"]), "", "", None, sample[system]) for sample in samples]
        side = Side(f"run {run_id}", groups, MetricSpec(), tuple(rows))
        found = {}
        for name in METRICS:
            if resampled(name) is None and (name == "sof" or name in rows[0].scores):
                found[name] = table_of(name, rows, side)
        for name in (*HIGHER, *LOWER):
            values = [row.scores.get(name) for row in rows]
            found[name] = np.array([[np.nan if value is None else float(value)] for value in values])
        tables[system] = found
    random = {}
    for name, cells in evaluation["metrics"].items():
        cell = cells.get("random") or {}
        if cell.get("value") is not None:
            random[name] = {key: cell.get(key) for key in ("value", "low", "high", "n")}
    return Scores(tuple(str(sample["set_id"]) for sample in samples), tables, random)


def front(
    members: Mapping[str, Mapping[str, FloatArray]],
    fairness: str,
    quality: str,
    topics: Sequence[str],
    compositions: Sequence[str],
    seed: int,
    resamples: int = RESAMPLES,
) -> Front:
    """How often each member is on the front of fairness × quality, under one draw of topics for all.

    A signed fairness metric is read by its distance from 0. Members that tie on both axes do not beat one another.

    Args:
        members: name → its tables (of `Scores.tables`), on the same n samples in the same order.
        topics, compositions: of the n samples.

    Raises:
        BadInput: tables of another length.
    """
    n_samples = len(topics)
    for name, other in (
        (fairness, "choose another fairness number, such as UER"),
        (quality, "choose ROUGE-L or repetition as the quality"),
    ):
        if (why := resampled(name)) is not None:
            return Front({}, n_samples=n_samples, reason=why, remedy=other)
    lacking = [name for name, tables in members.items() if fairness not in tables or quality not in tables]
    members = {name: tables for name, tables in members.items() if name not in lacking}
    if len(members) < 2:
        return Front(
            {},
            n_samples=n_samples,
            reason="a front needs at least two systems with scores per sample",
            remedy="choose further runs",
        )
    pairs = {name: (tables[fairness], tables[quality]) for name, tables in members.items()}
    lengths = sorted({len(table) for pair in pairs.values() for table in pair})
    if lengths != [n_samples]:
        raise BadInput(f"tables of {lengths} samples do not fit {n_samples} topics")
    both = {name: scored(a) & scored(b) for name, (a, b) in pairs.items()}
    mask = np.logical_and.reduce(list(both.values()))
    n, n_topics = int(mask.sum()), len({topic for topic, one in zip(topics, mask, strict=True) if one})
    if n_topics < LEAST_TOPICS:
        least = min(both, key=lambda name: int(both[name].sum()))
        why = f"the {n} of {n_samples} samples that every run scores are of {counted(n_topics, 'topic')}"
        if n < n_samples:
            who = "the dense model" if least == DENSE else f"run {least[:8]}"
            why += f" ({who} alone scores {int(both[least].sum())})"
        return Front(
            {},
            n,
            n_samples,
            n_topics,
            reason=f"{why}: resampling needs at least {LEAST_TOPICS} topics",
            remedy=MORE_TOPICS,
        )
    kept = np.flatnonzero(mask).tolist()
    draws = draw_resamples([topics[i] for i in kept], [compositions[i] for i in kept], resamples, seed)
    unfair = _values(fairness, [pair[0][kept] for pair in pairs.values()], draws)
    if METRICS[fairness].direction == "zero":
        unfair = np.abs(unfair)
    worse = _values(quality, [pair[1][kept] for pair in pairs.values()], draws)
    if quality in HIGHER:
        worse = -worse
    known = ~(np.isnan(unfair).any(axis=1) | np.isnan(worse).any(axis=1))
    if not known.any():
        return Front(
            {},
            n,
            n_samples,
            n_topics,
            reason="no resample gives every run a value",
            remedy="leave out the runs with the fewest scored samples",
        )
    shares = membership(unfair[known], worse[known])
    return Front(
        {name: float(share) for name, share in zip(pairs, shares, strict=True)},
        n,
        n_samples,
        n_topics,
        int(known.sum()),
    )


def membership(first: FloatArray, second: FloatArray) -> FloatArray:
    """(R, k), (R, k), less is better on both → (k,): share of the R rows in which nothing beats the column.

    A column is beaten where another is at most as large on both and smaller on one.
    """
    a, b = np.round(first, _DIGITS), np.round(second, _DIGITS)
    beaten = np.zeros(a.shape, dtype=np.bool_)
    for j in range(a.shape[1]):
        one, two = a[:, [j]], b[:, [j]]
        beaten |= (one <= a) & (two <= b) & ((one < a) | (two < b))
    shares: FloatArray = 1.0 - beaten.mean(axis=0)
    return shares


def _values(name: str, tables: Sequence[FloatArray], draws: Resamples) -> FloatArray:
    """Values of k tables under all resamples: (R, k)."""
    statistic = METRICS[name].statistic if name in METRICS else weighted_mean
    if statistic is weighted_mean:
        # Nothing is missing here: one product of matrices gives all means.
        columns = np.concatenate([table[:, :1] for table in tables], axis=1)
        return draws.of(lambda w: (w @ columns) / w.sum(axis=1, keepdims=True))
    return draws.of(lambda w: np.stack([statistic(w, table) for table in tables], axis=1))
