"""A closed study as its analysis reads it: everything out of the store at once, sealed until the study is closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from fairprune.charts_metrics import metric_label
from fairprune.errors import StoreError
from fairprune.headlines import headlines
from fairprune.judgments import design as drawing
from fairprune.judgments.bias import Rules
from fairprune.judgments.elsewhere import IMPORTED
from fairprune.judgments.frozen import AnyDesign, Design, Frozen, LabelDesign, promised
from fairprune.judgments.labelling import LabelVote, Sentence
from fairprune.judgments.metric_agreement import MetricValues, text_baselines
from fairprune.judgments.stored import label_votes_of, votes_of
from fairprune.judgments.texts import automatic_ties
from fairprune.judgments.votes import ANSWERS, SKIPPED, Given, Outcome, Vote
from fairprune.labels.sentences import MIXED, NONE
from fairprune.metrics import METRICS
from fairprune.opinions import OpinionSet
from fairprune.store import Store
from fairprune.store.judgments_design import rules as store_rules
from fairprune.store.judgments_rows import JudgeRow
from fairprune.store.judgments_values import Item, Study, VoteRow


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a study asks, in any state: no word of what was answered."""

    study: Study
    label: bool
    """Sentences are labelled; else pairs are compared."""
    questions: Mapping[str, str]
    """Id → wording, of the questions that compare a pair; of labels the first question."""
    ratings: Mapping[str, tuple[str, ...]]
    """Question with answers of its own, which no strength rests on → its answers."""
    items: tuple[Item, ...]
    """Main items that are not left out, automatic ties among them."""
    sets: Mapping[str, OpinionSet] = field(default_factory=dict)
    """The opinions of its items, by the set's id; those that are stored."""

    @property
    def runs(self) -> dict[str, str]:
        """System → the run that wrote its summaries, '' where none is known."""
        found: dict[str, str] = {}
        for item in self.items:
            for side in item.sides:
                found[side.system] = side.run_id or found.get(side.system, "")
        return found

    @property
    def summaries(self) -> dict[tuple[str, str], str]:
        """(sample, system) → text as it was shown. Texts that were not brought along with votes of elsewhere are left out."""
        return {
            (sample_of(item), side.system): side.text
            for item in self.items
            for side in item.sides
            if side.text or not item.name
        }

    @property
    def labels(self) -> tuple[str, ...]:
        """What a sentence can be called: the groups, and what is no group's name."""
        return next(iter(store_rules(self.study.design).questions.values()))


@dataclass(frozen=True, kw_only=True)
class Closed(Asked):
    """All that is stored of a study whose outcomes are unsealed."""

    rated: tuple[VoteRow, ...]
    """What was answered to the ratings, of main items on their first occasion."""
    votes: tuple[Vote, ...]
    """Of pairs, judges who failed among them; unfinished items are left out."""
    label_votes: tuple[LabelVote, ...]
    """Of labels; the same judges."""
    n_unfinished: int
    """Answers on items that were not finished, which somebody else has judged: no number counts them."""
    judges: tuple[JudgeRow, ...]
    states: Mapping[str, str]
    """Judge → how their part has ended."""
    promise: tuple[AnyDesign, Frozen] | None

    @property
    def imported(self) -> bool:
        """Votes of elsewhere."""
        return self.study.origin == "imported"

    @property
    def missing(self) -> list[str]:
        """What is not known of votes of elsewhere; [] of a study that was held here."""
        return list(self.study.design.get(IMPORTED, {}).get("missing", ())) if self.imported else []

    @property
    def given(self) -> Sequence[Given]:
        """The votes, of whichever task."""
        return self.label_votes if self.label else self.votes

    @property
    def rules(self) -> Rules:
        """Whom the analysis leaves out, as registered; of a study that registered nothing the usual rules."""
        return Rules() if self.promise is None else self.promise[0].rules

    @property
    def design(self) -> Design | None:
        """What was registered of pairs; None: nothing, or labels."""
        found = None if self.promise is None else self.promise[0]
        return found if isinstance(found, Design) else None

    @property
    def label_design(self) -> LabelDesign | None:
        """What was registered of labels; None: nothing, or pairs."""
        found = None if self.promise is None else self.promise[0]
        return found if isinstance(found, LabelDesign) else None

    def ties(self) -> list[Outcome]:
        """What items with the same texts count as, of every question."""
        same = [
            drawing.Item(item.id, sample_of(item), *sorted((item.a.system, item.b.system)))
            for item in self.items
            if item.automatic and item.b is not None
        ]
        each = store_rules(self.study.design).votes_per_item
        return [one for question in self.questions for one in automatic_ties(same, question, each)]


def sample_of(item: Item) -> str:
    """What is resampled with an item: its opinions, by the name that they have, or the item alone."""
    return item.set_id or item.sample or item.id


def read_asked(store: Store, study: Study) -> Asked:
    """What a study asks, of a draft too.

    Raises:
        Refused: there is no such study (`unknown`).
    """
    chosen = store_rules(study.design)
    words = {str(one["id"]): str(one.get("text") or one["id"]) for one in study.design["questions"]}
    first = next(iter(chosen.questions))
    compared = {
        name: words[name]
        for name, answers in chosen.questions.items()
        if (name == first if chosen.label else set(answers) <= set(ANSWERS))
    }
    items = tuple(item for item in store.items(study.id) if item.kind == "main" and not item.excluded)
    return Asked(
        study=study,
        label=chosen.label,
        questions=compared,
        ratings={name: answers for name, answers in chosen.questions.items() if name not in compared},
        items=items,
        sets=store.judged_sets(item.set_id for item in items if item.set_id),
    )


def read_closed(store: Store, study: Study) -> Closed:
    """Everything of a closed study.

    Raises:
        Refused: it is not closed (`sealed`). BadInput: what it promised is not what its hash says.
    """
    rows = store.vote_rows(study.id)
    asked = read_asked(store, study)
    judges = tuple(store.judge_rows(study.id))
    return Closed(
        **{one.name: getattr(asked, one.name) for one in fields(asked)},
        rated=tuple(
            row
            for row in rows
            if row.question in asked.ratings and row.complete and row.kind == "main" and not row.occasion
        ),
        votes=() if asked.label else tuple(votes_of(rows, asked.questions)),
        label_votes=tuple(label_votes_of(rows, asked.questions)) if asked.label else (),
        n_unfinished=sum(not row.complete and row.answer != SKIPPED for row in rows),
        judges=judges,
        states={one.judge: one.state for one in judges},
        promise=promised(study.design),
    )


# What programs say of the same summaries


def metric_values(store: Store, closed: Closed) -> list[MetricValues]:
    """Every automatic metric's values of the study's summaries, from the results of their runs; and the baselines.

    A metric whose best value is 0 counts as the distance from it. What a run does not have is missing, never 0.
    """
    found: dict[str, dict[tuple[str, str], float | None]] = {}
    for (sample, system), scores in _scores(store, closed).items():
        for name, metric in METRICS.items():
            value = scores.get(name)
            if isinstance(value, int | float):
                found.setdefault(name, {})[sample, system] = (
                    abs(float(value)) if metric.direction == "zero" else float(value)
                )
    metrics = [MetricValues(metric_label(name), found[name], False) for name in METRICS if name in found]
    sources = {key: "\n".join(opinion.text for opinion in one.opinions) for key, one in closed.sets.items()}
    # Without texts there is no baseline, and without baselines no gain: nothing is compared then.
    return [*metrics, *text_baselines(closed.summaries, sources)] if closed.summaries else []


def _scores(store: Store, closed: Closed) -> dict[tuple[str, str], Mapping[str, object]]:
    """(sample, system) → what the run's evaluation says of this summary."""
    wanted = {side.run_id for item in closed.items for side in item.sides if side.run_id}
    generations = store.results("generation", wanted)
    evaluations = store.results("evaluation", wanted)
    kinds = {
        (run, one["id"]): kind for run, found in generations.items() for kind, one in found["systems"].items()
    }
    samples = {(run, one["set_id"]): one for run, found in evaluations.items() for one in found["samples"]}
    scores: dict[tuple[str, str], Mapping[str, object]] = {}
    for item in closed.items:
        for side in item.sides:
            kind = kinds.get((side.run_id or "", side.generation_id or ""))
            own = samples.get((side.run_id or "", item.set_id or ""), {}).get(kind)
            if item.set_id is not None and isinstance(own, Mapping):
                scores[item.set_id, side.system] = own
    return scores


def methods_of(store: Store, closed: Closed) -> dict[str, str]:
    """System → the pruning method of its run, 'dense' where it is the dense model; systems of unknown runs are left out."""
    # Which of a run's two models wrote a summary of elsewhere is not known: it has no generation.
    of = {
        side.system: side
        for item in closed.items
        for side in item.sides
        if side.run_id and (side.generation_id or not item.name)
    }
    generations = store.results("generation", {side.run_id for side in of.values() if side.run_id})
    found: dict[str, str] = {}
    for system, side in of.items():
        kinds = generations.get(side.run_id or "", {}).get("systems", {})
        if kinds.get("dense", {}).get("id") == side.generation_id:
            found[system] = "dense"
            continue
        try:
            found[system] = store.run(side.run_id or "").spec.pruning.method
        except StoreError:
            continue  # the run was deleted; its summaries stand in the study
    return found


def sentences_of(closed: Closed) -> tuple[list[Sentence], tuple[str, ...], int]:
    """(what was labelled, a sentence of several systems once for each; the groups; sentences without a label by the classifier)."""
    groups = tuple(one for one in closed.labels if one not in (MIXED, NONE))
    found: list[Sentence] = []
    missing = 0
    for item in closed.items:
        for side in item.sides:
            if side.predicted is None or side.predicted not in (*groups, MIXED, NONE):
                missing += 1
                continue
            sample = item.set_id or item.id
            found.append(Sentence(item.id, side.system, sample, side.text, side.predicted, side.confidence))
    return found, groups, missing


def reported_spd2(store: Store, closed: Closed) -> dict[str, Mapping[str, Any]]:
    """System → the cell of SPD2 that its run reports of all its summaries: value, low, high, n. Deleted runs are left out."""
    of = {side.system: side for item in closed.items for side in item.sides if side.run_id}
    wanted = {side.run_id for side in of.values() if side.run_id}
    generations = store.results("generation", wanted)
    found: dict[str, Mapping[str, Any]] = {}
    for run_id, headline in headlines(store, wanted & set(generations)).items():
        kinds = {one["id"]: kind for kind, one in generations[run_id]["systems"].items()}
        for system, side in of.items():
            cell = headline["metrics"].get("spd2", {}).get(kinds.get(side.generation_id or "", ""))
            if side.run_id == run_id and cell is not None:
                found[system] = cell
    return found
