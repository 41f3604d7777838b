"""What the classifier's errors on summary sentences do to SPD2: how far they move a system's balance, and the difference of two systems.

SPD2 is a balance among labelled summary sentences minus one among source sentences. Both are labelled by the classifier, and the source is
the same for every system: what its errors do there cancels between systems, what they do on the summaries does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fairprune.judgments.labelling import NO_MAJORITY, LabelVote, Sentence, consensus
from fairprune.judgments.measured import RESAMPLES, Measured, cluster_weights, measured, undefined
from fairprune.labels.sentences import MIXED, NONE
from fairprune.metrics.confusion import spd2_values
from fairprune.uncertainty import FEW_SAMPLES, FloatArray

NO_BALANCE = "the classifier or the judges gave no sentence a group: there is no balance to compare"
Word = Literal["within", "beyond", "undecided", "demonstration"]


@dataclass(frozen=True)
class Moved:
    """How far the classifier's errors move one system's balance."""

    system: str
    error: Measured
    """SPD2 by the classifier's labels minus SPD2 by people's, of the same sentences: in [−2, 2], of more than two groups the range of the
    errors, in [0, 2]. n counts sentences, what is resampled are samples."""


@dataclass(frozen=True)
class Against:
    """A pruned system's errors against those of its dense one."""

    pruned: str
    dense: str
    accuracy: Measured
    """Of the classifier on the pruned model's sentences minus on the dense model's, in [−1, 1]."""
    error: Measured
    """Of the same difference of `Moved.error`: so much of a difference in SPD2 is the classifier's, not the summaries'."""


def moved(
    sentences: Sequence[Sentence],
    votes: Sequence[LabelVote],
    groups: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Moved]:
    """Of every system, by name. Sentences without a majority are left out; 'mixed' counts the same for every group, 'none' for nobody."""
    agreed = consensus(votes)
    found = []
    for system in sorted({one.system for one in sentences}):
        table = _tables(sentences, agreed, groups, (system,))[0]
        table = table[table[:, 1] > 0]
        if not len(table):
            found.append(Moved(system, undefined(NO_MAJORITY)))
            continue
        drawn = cluster_weights(len(table), resamples, seed) @ table
        limits = (-2.0, 2.0) if len(groups) == 2 else (0.0, 2.0)
        found.append(
            Moved(system, _measured(_errors(table.sum(axis=0)[None]), _errors(drawn), [table], limits))
        )
    return found


def against(
    sentences: Sequence[Sentence],
    votes: Sequence[LabelVote],
    groups: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[Against]:
    """Of every (pruned, dense); both are resampled by the same samples."""
    agreed = consensus(votes)
    found = []
    for pruned, dense in pairs:
        first, second = _tables(sentences, agreed, groups, (pruned, dense))
        if not (first[:, 1].any() and second[:, 1].any()):
            found.append(Against(pruned, dense, undefined(NO_MAJORITY), undefined(NO_MAJORITY)))
            continue
        weights = cluster_weights(len(first), resamples, seed)
        sums = [one.sum(axis=0)[None] for one in (first, second)]
        drawn = [weights @ one for one in (first, second)]
        accuracy = measured(
            float((_share(sums[0]) - _share(sums[1]))[0]),
            _share(drawn[0]) - _share(drawn[1]),
            int(first[:, 1].sum() + second[:, 1].sum()),
            len(first),
            (-1.0, 1.0),
            "sample",
        )
        error = _measured(
            _errors(sums[0]) - _errors(sums[1]),
            _errors(drawn[0]) - _errors(drawn[1]),
            [first, second],
            (-4.0, 4.0) if len(groups) == 2 else (-2.0, 2.0),
        )
        found.append(Against(pruned, dense, accuracy, error))
    return found


def word_of(error: Measured, margin: float) -> Word:
    """Whether the classifier's errors alone could make a difference in SPD2 as large as the margin.

    within: the whole interval lies inside ± margin. beyond: it lies outside. demonstration: so few samples carry no inference.
    """
    if error.n_clusters < FEW_SAMPLES:
        return "demonstration"
    if error.low is None or error.high is None:
        return "undecided"
    if -margin < error.low and error.high < margin:
        return "within"
    return "beyond" if error.low > margin or error.high < -margin else "undecided"


def _tables(
    sentences: Sequence[Sentence],
    agreed: dict[str, str | None],
    groups: Sequence[str],
    systems: Sequence[str],
) -> list[FloatArray]:
    """Per system (samples, 4 + 2 · groups), the samples those of all of these systems: right, n, labelled by the classifier, by people,
    and what each of the two gives every group."""
    decided = [one for one in sentences if one.system in systems and agreed.get(one.id) is not None]
    place = {name: i for i, name in enumerate(sorted({one.sample for one in decided}))}
    found = {name: np.zeros((len(place), 4 + 2 * len(groups))) for name in systems}
    for one in decided:
        said = str(agreed[one.id])
        row = [one.predicted == said, 1, one.predicted != NONE, said != NONE]
        found[one.system][place[one.sample]] += [*row, *_given(one.predicted, groups), *_given(said, groups)]
    return [found[name] for name in systems]


def _given(label: str, groups: Sequence[str]) -> list[float]:
    """What a label gives each group. Which of several groups a mixed one speaks for is not told: each has the same."""
    if label == MIXED:
        return [1 / len(groups)] * len(groups)
    return [float(label == group) for group in groups]


def _share(table: FloatArray) -> FloatArray:
    """(n, columns) → (n,): how often classifier and people agree; NaN where nothing is left."""
    return _over(table[:, :1], table[:, 1:2])[:, 0]


def _errors(table: FloatArray) -> FloatArray:
    """(n, columns) → (n,): SPD2 by the classifier minus SPD2 by people; NaN where one of the two labelled nothing."""
    size = (table.shape[1] - 4) // 2
    classifier, people = table[:, 4 : 4 + size], table[:, 4 + size :]
    return spd2_values(_over(classifier, table[:, 2:3]) - _over(people, table[:, 3:4]))


def _over(a: FloatArray, b: FloatArray) -> FloatArray:
    found: FloatArray = np.divide(a, b, out=np.full(a.shape, np.nan), where=np.broadcast_to(b > 0, a.shape))
    return found


def _measured(
    value: FloatArray, draws: FloatArray, tables: Sequence[FloatArray], limits: tuple[float, float]
) -> Measured:
    n, n_clusters = int(sum(one[:, 1].sum() for one in tables)), len(tables[0])
    if np.isnan(value[0]):
        return undefined(NO_BALANCE, n, n_clusters)
    return measured(float(value[0]), draws, n, n_clusters, limits, "sample")
