"""How far judges agree: with one another, and with themselves.

Two readings of the same votes. *Ordinal*: a preferred < tie < b preferred; 'both unfair' lies nowhere on that line and is
left out. *Nominal*: four outcomes, 'both unfair' among them. 'Cannot tell' is missing in both. Automatic ties are not
judgments and are left out: nobody could disagree about them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fairprune.judgments.measured import RESAMPLES, Measured, cluster_weights, measured, undefined
from fairprune.judgments.votes import AUTOMATIC, Outcome, Result, Vote, outcome
from fairprune.uncertainty import FloatArray

Level = Literal["ordinal", "nominal"]
VALUES: dict[Level, tuple[Result, ...]] = {
    "ordinal": ("a", "tie", "b"),
    "nominal": ("a", "tie", "b", "both_unfair"),
}
NO_PAIRS = "no item was judged by two judges: there is nothing to agree on"
NO_VARIATION = "all votes are the same: no disagreement could have been expected by chance, so α is not defined (it is not 1)"


@dataclass(frozen=True)
class Agreement:
    """Of one question; n counts items with at least two votes, what is resampled are samples."""

    raw: Measured
    """Share of pairs of judges of an item who gave the same outcome, of the four; in [0, 1]."""
    ordinal: Measured
    """Krippendorff's α, at most 1; 0 is what chance gives."""
    nominal: Measured


def agreement(results: Sequence[Outcome], *, resamples: int = RESAMPLES, seed: int = 0) -> Agreement:
    """Raw agreement and α of one question's outcomes, with 95 % intervals over samples."""
    return Agreement(
        raw_agreement(results, resamples=resamples, seed=seed),
        alpha(results, "ordinal", resamples=resamples, seed=seed),
        alpha(results, "nominal", resamples=resamples, seed=seed),
    )


def raw_agreement(results: Sequence[Outcome], *, resamples: int = RESAMPLES, seed: int = 0) -> Measured:
    """Share of pairs of judges of one item with the same of the four outcomes; every pair of votes counts alike."""
    return raw_of_counts(*value_counts(results, "nominal"), resamples=resamples, seed=seed)


def raw_of_counts(
    counts: FloatArray, clusters: Sequence[str], *, resamples: int = RESAMPLES, seed: int = 0
) -> Measured:
    """`raw_agreement` of (items, values) counts.

    Args:
        clusters: of the items: what is resampled.
    """
    counts, clusters = _pairable(counts, clusters)
    if not len(counts):
        return undefined(NO_PAIRS)
    totals = counts.sum(axis=1)
    table = _by_cluster(
        np.stack([(counts * (counts - 1)).sum(axis=1), totals * (totals - 1)], axis=1), clusters
    )
    same, pairs = table.sum(axis=0)
    drawn = cluster_weights(len(table), resamples, seed) @ table
    return measured(
        float(same / pairs), drawn[:, 0] / drawn[:, 1], len(counts), len(table), (0.0, 1.0), "sample"
    )


def alpha(results: Sequence[Outcome], level: Level, *, resamples: int = RESAMPLES, seed: int = 0) -> Measured:
    """Krippendorff's α of one question's outcomes.

    The value is that of the krippendorff package. In a resample the coincidences of the drawn items are summed up,
    and the expected ones follow from them.

    Returns:
        Not defined where no item has two votes, and where all votes are the same: then no disagreement is
        expected, and 0 / 0 is no agreement of 1.

    Source: Krippendorff, Content Analysis (2004), chapter 11.
    """
    counts, clusters = _pairable(*value_counts(results, level))
    return alpha_of_counts(counts, clusters, level, resamples=resamples, seed=seed)


def alpha_of_counts(
    counts: FloatArray,
    clusters: Sequence[str],
    level: Level,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measured:
    """`alpha` of (items, values) counts; values in their order where they are ordinal.

    Args:
        clusters: of the items: what is resampled.
    """
    counts, clusters = _pairable(counts, clusters)
    if not len(counts):
        return undefined(NO_PAIRS)
    names = np.unique(clusters)
    if (counts.sum(axis=0) > 0).sum() < 2:
        return undefined(NO_VARIATION, len(counts), len(names))
    import krippendorff

    value = float(krippendorff.alpha(value_counts=counts.astype(np.int64), level_of_measurement=level))
    coincidences = _by_cluster(_coincidences(counts).reshape(len(counts), -1), clusters)
    drawn = cluster_weights(len(names), resamples, seed) @ coincidences
    size = counts.shape[1]
    return measured(
        value,
        _alphas(drawn.reshape(-1, size, size), level),
        len(counts),
        len(names),
        (-1.0, 1.0),
        "sample",
    )


def value_counts(results: Sequence[Outcome], level: Level) -> tuple[FloatArray, list[str]]:
    """Votes per item and outcome, (items, values), and the items' clusters; items without such a vote are left out."""
    column = {value: i for i, value in enumerate(VALUES[level])}
    rows: dict[str, tuple[str, FloatArray]] = {}
    for one in results:
        if one.judge == AUTOMATIC or one.result not in column:
            continue
        _, row = rows.setdefault(one.item, (one.cluster, np.zeros(len(column))))
        row[column[one.result]] += 1
    items = sorted(rows)
    counts = np.array([rows[item][1] for item in items]).reshape(-1, len(column))
    return counts, [rows[item][0] for item in items]


@dataclass(frozen=True)
class Consistency:
    """Whether judges answer a repeated item as they did before; sides were swapped in between."""

    same: Measured
    """Share of repeats with the same outcome; n counts repeats, what is resampled are judges."""
    n_judges: int


def consistency(
    votes: Sequence[Vote], question: str, *, resamples: int = RESAMPLES, seed: int = 0
) -> Consistency:
    """Of one question. Repeats whose first vote is missing, or 'cannot tell' on either side, are left out."""
    first = {
        (vote.judge, vote.item): outcome(vote).result
        for vote in votes
        if vote.kind == "item" and vote.question == question
    }
    by_judge: dict[str, list[bool]] = {}
    for vote in votes:
        if vote.kind != "repeat" or vote.question != question or vote.repeat_of is None:
            continue
        before, after = first.get((vote.judge, vote.repeat_of)), outcome(vote).result
        if before is not None and "cannot_tell" not in (before, after):
            by_judge.setdefault(vote.judge, []).append(before == after)
    return same_again(by_judge, resamples=resamples, seed=seed)


def same_again(
    by_judge: Mapping[str, Sequence[bool]], *, resamples: int = RESAMPLES, seed: int = 0
) -> Consistency:
    """`consistency` of each judge's repeats: whether they were answered as before."""
    if not by_judge:
        return Consistency(undefined("no item was answered twice by a judge"), 0)
    table = np.array(
        [[sum(by_judge[judge]), len(by_judge[judge])] for judge in sorted(by_judge)], dtype=float
    )
    same, n = table.sum(axis=0)
    drawn = cluster_weights(len(table), resamples, seed) @ table
    found = measured(float(same / n), drawn[:, 0] / drawn[:, 1], int(n), len(table), (0.0, 1.0), "judge")
    return Consistency(found, len(table))


def _pairable(counts: FloatArray, clusters: Sequence[str]) -> tuple[FloatArray, list[str]]:
    """Items with at least two votes."""
    kept = counts.sum(axis=1) >= 2 if len(counts) else np.zeros(0, dtype=bool)
    return counts[kept], [cluster for cluster, keep in zip(clusters, kept, strict=True) if keep]


def _by_cluster(table: FloatArray, clusters: Sequence[str]) -> FloatArray:
    """Rows summed by cluster."""
    names, place = np.unique(clusters, return_inverse=True)
    found = np.zeros((len(names), table.shape[1]))
    np.add.at(found, place, table)
    return found


def _coincidences(counts: FloatArray) -> FloatArray:
    """(items, V) → (items, V, V): ordered pairs of votes of an item, each weighing 1 / (votes − 1)."""
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(counts.shape[1])
    found: FloatArray = pairs / (counts.sum(axis=1) - 1)[:, None, None]
    return found


def _alphas(coincidences: FloatArray, level: Level) -> FloatArray:
    """(R, V, V) → (R,); NaN where only one value occurs."""
    margins = coincidences.sum(axis=1)  # (R, V)
    size = margins.shape[1]
    total = margins.sum(axis=1)
    expected = margins[:, :, None] * margins[:, None, :] - margins[:, :, None] * np.eye(size)
    if level == "nominal":
        distance = np.broadcast_to(1 - np.eye(size), coincidences.shape)
    else:
        below = (
            np.cumsum(margins, axis=1) - margins / 2
        )  # rank of a value: votes below it, and half of its own
        distance = (below[:, :, None] - below[:, None, :]) ** 2
    observed = (coincidences * distance).sum(axis=(1, 2))
    chance = (expected * distance).sum(axis=(1, 2)) / np.maximum(total - 1, 1e-300)
    return np.where(chance > 0, 1 - observed / np.where(chance > 0, chance, 1.0), np.nan)
