"""The second task: which group does a summary's sentence speak for? People's labels against the classifier behind SPD2.

The classifier was tested on opinions; summaries are written otherwise. Here it gets a confusion matrix on real summary sentences, per
system: were it worse on pruned models' sentences, a change of SPD2 could be its error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairprune.errors import BadInput, unknown
from fairprune.judgments.agreement import Consistency, alpha_of_counts, raw_of_counts, same_again
from fairprune.judgments.measured import RESAMPLES, Measured, cluster_weights, measured, undefined
from fairprune.judgments.votes import SKIPPED, Kind
from fairprune.labels.sentences import MIXED, NONE
from fairprune.uncertainty import FloatArray, wilson

EVERYTHING = "all systems"
NO_MAJORITY = "no sentence has a label that most judges gave"
LABEL = "group"
"""The one question of a study of labels."""


@dataclass(frozen=True)
class Sentence:
    """One sentence of a system's summary that people label."""

    id: str
    """Of the item. Where several systems wrote the same of one sample, each has the sentence, under the one id."""
    system: str
    sample: str
    text: str
    predicted: str
    """The classifier's label: a group, 'mixed' or 'none'. Judges never see it."""
    confidence: float | None = None
    """How likely it found that, in [0, 1]."""


@dataclass(frozen=True)
class LabelVote:
    """One judge's label of one sentence."""

    judge: str
    item: str
    """The sentence's id."""
    answer: str
    """A group, 'mixed' or 'none'."""
    seconds: float | None = None
    group: str | None = None
    """What the judge said of themselves."""
    repeat_of: str | None = None
    """Of a repeat: the item that it asks again."""
    position: int = 0
    """The how manyth presentation of the judge it was, from 0."""
    kind: Kind = "item"
    """As of a vote on a pair."""
    expected: tuple[str, ...] = ()
    """Of an attention item: what a careful judge answers."""
    comment: str = ""
    sided: bool = True
    """As of a vote on a pair; nothing here speaks of sides."""

    @property
    def answered(self) -> bool:
        """As of a vote on a pair."""
        return self.kind != "practice" and self.answer != SKIPPED


@dataclass(frozen=True)
class Agreement:
    """Of the judges with one another; n counts sentences with at least two labels, what is resampled are samples."""

    raw: Measured
    """Share of pairs of judges of a sentence who gave the same label, in [0, 1]."""
    nominal: Measured
    """Krippendorff's α, at most 1; 0 is what chance gives."""


@dataclass(frozen=True)
class Recall:
    """How often the classifier finds a label that people gave."""

    label: str
    right: int
    n: int
    low: float | None
    high: float | None
    """Wilson's 95 % interval; None where nobody gave the label."""


@dataclass(frozen=True)
class Confusion:
    """Of the sentences of one system, or of all."""

    system: str
    labels: tuple[str, ...]
    """The groups, then 'mixed' and 'none'."""
    counts: tuple[tuple[int, ...], ...]
    """Rows: what most judges said; columns: what the classifier said."""
    accuracy: Measured
    """Share on which both agree, in [0, 1]; n counts sentences, what is resampled are samples."""
    recalls: tuple[Recall, ...]
    n_undecided: int
    """Sentences without a majority: no column is right about them, so they are left out."""
    n_unlabelled: int
    """Sentences that nobody labelled."""

    def report(self) -> dict[str, Any]:
        """The groups' own part of the matrix, as `metrics.confusion.correction` reads a classifier's held-out report.

        Sentences that people or the classifier call mixed or none are not in it.
        """
        groups = self.labels[:-2]
        size = len(groups)
        matrix = [list(row[:size]) for row in self.counts[:size]]
        return {"groups": list(groups), "confusion": matrix, "n_heldout": sum(sum(row) for row in matrix)}


def main_of(votes: Sequence[LabelVote]) -> list[LabelVote]:
    """Those that count: no repeats, no attention, no practice."""
    return [vote for vote in votes if vote.kind == "item"]


def consensus(votes: Sequence[LabelVote]) -> dict[str, str | None]:
    """Of each labelled sentence the label that more than half of its judges gave; None where there is none. Repeats do not count.

    Raises:
        BadInput: a judge who labels a sentence twice.
    """
    seen: set[tuple[str, str]] = set()
    counts: dict[str, Counter[str]] = {}
    for vote in main_of(votes):
        if (vote.judge, vote.item) in seen:
            raise BadInput(f"judge {vote.judge!r} has two labels of sentence {vote.item!r}: keep one")
        seen.add((vote.judge, vote.item))
        counts.setdefault(vote.item, Counter())[vote.answer] += 1
    found: dict[str, str | None] = {}
    for sentence, given in counts.items():
        label, most = given.most_common(1)[0]
        found[sentence] = label if 2 * most > sum(given.values()) else None
    return found


def confusion(
    sentences: Sequence[Sentence],
    votes: Sequence[LabelVote],
    groups: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Confusion]:
    """The matrix of each system, by name, and of all of them under 'all systems'.

    Raises:
        BadInput: a label that is no group, nor mixed or none; a vote on an unknown sentence; no sentence.
    """
    labels = (*groups, MIXED, NONE)
    _check(sentences, votes, labels)
    agreed = consensus(votes)
    systems = sorted({one.system for one in sentences})
    found = {
        system: _of(
            system, [one for one in sentences if one.system == system], agreed, labels, resamples, seed
        )
        for system in systems
    }
    return {**found, EVERYTHING: _of(EVERYTHING, sentences, agreed, labels, resamples, seed)}


def _check(sentences: Sequence[Sentence], votes: Sequence[LabelVote], labels: Sequence[str]) -> None:
    if not sentences:
        raise BadInput("there is no sentence to label: choose runs with summaries")
    if len({(one.id, one.system) for one in sentences}) < len(sentences):
        raise BadInput("a sentence of a system is given twice: each needs an id of its own")
    known = {one.id for one in sentences}
    for vote in main_of(votes):
        if vote.item not in known:
            raise BadInput(f"there is a label of sentence {vote.item!r}, which is not part of the study")
        if vote.answer not in labels:
            raise unknown("label", vote.answer, labels)
    for one in sentences:
        if one.predicted not in labels:
            raise unknown("label of the classifier", one.predicted, labels)


def agreement(
    sentences: Sequence[Sentence],
    votes: Sequence[LabelVote],
    groups: Sequence[str],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Agreement:
    """How far judges agree on the labels, each sentence once however many systems wrote it."""
    labels = [*groups, MIXED, NONE]
    samples = {one.id: one.sample for one in sentences}
    rows: dict[str, FloatArray] = {}
    for vote in main_of(votes):
        rows.setdefault(vote.item, np.zeros(len(labels)))[labels.index(vote.answer)] += 1
    ids = sorted(rows)
    counts = np.array([rows[one] for one in ids]).reshape(-1, len(labels))
    clusters = [samples[one] for one in ids]
    return Agreement(
        raw_of_counts(counts, clusters, resamples=resamples, seed=seed),
        alpha_of_counts(counts, clusters, "nominal", resamples=resamples, seed=seed),
    )


def ceiling(
    sentences: Sequence[Sentence], votes: Sequence[LabelVote], *, resamples: int = RESAMPLES, seed: int = 0
) -> Measured:
    """Share of labels that are what most of the sentence's other judges said: what one more person would reach, beside the classifier.

    n counts labels of sentences with a majority of others; what is resampled are samples.
    """
    samples = {one.id: one.sample for one in sentences}
    given: dict[str, Counter[str]] = {}
    for vote in main_of(votes):
        given.setdefault(vote.item, Counter())[vote.answer] += 1
    hits: dict[str, list[int]] = {}
    for item, counts in given.items():
        for label, n in counts.items():
            others = counts - Counter({label: 1})
            most, size = max(others.values(), default=0), sum(others.values())
            if 2 * most > size:
                row = hits.setdefault(samples[item], [0, 0])
                row[0] += n * (others[label] == most)
                row[1] += n
    return _share(
        hits, "no sentence was labelled by three judges, so that two agree without the third", resamples, seed
    )


def _share(hits: dict[str, list[int]], why: str, resamples: int, seed: int) -> Measured:
    """Of [hits, n] per sample, with its interval over samples; `why` where there is none."""
    if not hits:
        return undefined(why)
    table = np.array([hits[sample] for sample in sorted(hits)], dtype=float)
    right, n = table.sum(axis=0)
    drawn = cluster_weights(len(table), resamples, seed) @ table
    return measured(float(right / n), drawn[:, 0] / drawn[:, 1], int(n), len(table), (0.0, 1.0), "sample")


def consistency(votes: Sequence[LabelVote], *, resamples: int = RESAMPLES, seed: int = 0) -> Consistency:
    """Whether judges label a repeated sentence as they did before."""
    first = {(vote.judge, vote.item): vote.answer for vote in main_of(votes)}
    by_judge: dict[str, list[bool]] = {}
    for vote in votes:
        before = first.get((vote.judge, vote.repeat_of or ""))
        if vote.kind == "repeat" and before is not None:
            by_judge.setdefault(vote.judge, []).append(before == vote.answer)
    return same_again(by_judge, resamples=resamples, seed=seed)


def _of(
    system: str,
    sentences: Sequence[Sentence],
    agreed: dict[str, str | None],
    labels: tuple[str, ...],
    resamples: int,
    seed: int,
) -> Confusion:
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    hits: dict[str, list[int]] = {}
    undecided = unlabelled = 0
    for one in sentences:
        if one.id not in agreed:
            unlabelled += 1
            continue
        label = agreed[one.id]
        if label is None:
            undecided += 1
            continue
        counts[labels.index(label), labels.index(one.predicted)] += 1
        row = hits.setdefault(one.sample, [0, 0])
        row[0] += label == one.predicted
        row[1] += 1
    accuracy = _share(hits, NO_MAJORITY, resamples, seed)
    recalls = []
    for i, label in enumerate(labels):
        right_of, n_of = int(counts[i, i]), int(counts[i].sum())
        low, high = wilson(right_of, n_of) if n_of else (None, None)
        recalls.append(Recall(label, right_of, n_of, low, high))
    rows = tuple(tuple(int(cell) for cell in row) for row in counts)
    return Confusion(system, labels, rows, accuracy, tuple(recalls), undecided, unlabelled)
