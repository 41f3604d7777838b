"""All numbers of a study of labels, computed once: for all judges, and as registered; who counts is decided as for pairs (`results`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from fairprune.errors import BadInput
from fairprune.judgments.agreement import Consistency
from fairprune.judgments.bias import Rule, exclusions, time_outliers
from fairprune.judgments.closed import Closed, sentences_of
from fairprune.judgments.frozen import LabelAnalysis
from fairprune.judgments.label_errors import Against, Moved, against, moved
from fairprune.judgments.labelling import (
    EVERYTHING,
    Agreement,
    Confusion,
    LabelVote,
    Sentence,
    agreement,
    ceiling,
    confusion,
    consistency,
    main_of,
)
from fairprune.judgments.measured import Measured
from fairprune.judgments.results import Analysed, n_timed, selections_of


@dataclass(frozen=True)
class LabelGroup:
    """The judges who said the same of themselves; '' for those who said nothing."""

    group: str
    judges: int
    votes: int
    raw: Measured
    """Share of pairs of them who gave a sentence the same label."""
    accuracy: Measured
    """Of the classifier, against their own majority; sentences of all systems."""


@dataclass(frozen=True)
class LabelResult:
    """What the judges of one selection say."""

    agreement: Agreement
    consistency: Consistency
    ceiling: Measured
    """How often one judge says what most of the others say."""
    confusion: Mapping[str, Confusion]
    """System, and all of them → its matrix."""
    moved: tuple[Moved, ...]
    """What the classifier's errors do to SPD2, per system."""
    against: tuple[Against, ...]
    """And to its difference, per pruned system and its dense one."""
    by_group: tuple[LabelGroup, ...]
    """Empty where no judge told a group."""


@dataclass(frozen=True, kw_only=True)
class LabelResults(Analysed[LabelVote, LabelResult]):
    """All that the labels say."""

    question: str
    groups: tuple[str, ...]
    n_sentences: int
    """Sentences of systems: what several wrote counts for each."""
    missing: int
    """Of these, without a label by the classifier: in no matrix."""
    margin: float
    """Error in a difference of SPD2 from which on it matters."""


def results_of_labels(
    closed: Closed, without: Collection[Rule] = (), *, resamples: int | None = None
) -> LabelResults:
    """The results of a closed study of labels.

    Args:
        without: rules that are switched off, for a third analysis.
        resamples: in place of the registered number, for a quick look.

    Raises:
        BadInput: nobody has finished an item, no sentence has a label by the classifier, an unknown rule.
    """
    design = closed.label_design
    analysis = LabelAnalysis() if design is None else design.analysis
    size = analysis.resamples if resamples is None else resamples
    sentences, groups, missing = sentences_of(closed)
    if closed.items and not sentences:
        raise BadInput("no sentence of this study has a label by the classifier: nothing can be compared")
    question = next(iter(closed.questions))
    pairs = () if design is None else design.pairs

    def answers(kept: Sequence[LabelVote]) -> dict[str, LabelResult]:
        return {question: _result(sentences, kept, groups, pairs, size, analysis.seed)}

    return LabelResults(
        questions=closed.questions,
        question=question,
        selections=selections_of(closed.label_votes, closed.rules, without, closed.states, answers),
        exclusions=tuple(exclusions(closed.label_votes, closed.rules)),
        rules=closed.rules,
        registered=design is not None,
        without=tuple(without),
        outliers=tuple(time_outliers(closed.label_votes)),
        n_timed=n_timed(closed.label_votes),
        groups=groups,
        n_sentences=len(sentences),
        missing=missing,
        margin=analysis.margin,
    )


def _result(
    sentences: Sequence[Sentence],
    kept: Sequence[LabelVote],
    groups: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    resamples: int,
    seed: int,
) -> LabelResult:
    known = {one.id for one in sentences}
    votes = [vote for vote in kept if vote.kind != "item" or vote.item in known]
    return LabelResult(
        agreement(sentences, votes, groups, resamples=resamples, seed=seed),
        consistency(votes, resamples=resamples, seed=seed),
        ceiling(sentences, votes, resamples=resamples, seed=seed),
        confusion(sentences, votes, groups, resamples=resamples, seed=seed),
        tuple(moved(sentences, votes, groups, resamples=resamples, seed=seed)),
        tuple(against(sentences, votes, groups, pairs, resamples=resamples, seed=seed)),
        _by_group(sentences, main_of(votes), groups, resamples, seed),
    )


def _by_group(
    sentences: Sequence[Sentence],
    votes: Sequence[LabelVote],
    groups: Sequence[str],
    resamples: int,
    seed: int,
) -> tuple[LabelGroup, ...]:
    told = {vote.group or "" for vote in votes}
    found = []
    for name in sorted(told) if any(told) else ():
        own = [vote for vote in votes if (vote.group or "") == name]
        found.append(
            LabelGroup(
                name,
                len({vote.judge for vote in own}),
                len(own),
                agreement(sentences, own, groups, resamples=resamples, seed=seed).raw,
                confusion(sentences, own, groups, resamples=resamples, seed=seed)[EVERYTHING].accuracy,
            )
        )
    return tuple(found)
