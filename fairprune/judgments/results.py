"""All numbers of a study, computed once from its votes: for all judges, and as registered.

*All* counts every judge with a finished answer, those among them who left early or whom the study stopped: their items were given to
others as well, so an item may have more votes than were asked for. *As registered* leaves out the judges whom the rules name, with
all that they said. A third selection, with some of the rules switched off, stands beside them and never in their place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from fairprune.errors import BadInput
from fairprune.judgments.agreement import Agreement, Consistency, agreement, consistency, raw_agreement
from fairprune.judgments.bias import (
    ALL,
    REGISTERED,
    Exclusion,
    Rule,
    Rules,
    SideBias,
    SlowOrFast,
    apply,
    exclusions,
    side_bias,
    time_outliers,
)
from fairprune.judgments.closed import Closed
from fairprune.judgments.frozen import Analysis, Design
from fairprune.judgments.measured import Measured
from fairprune.judgments.metric_agreement import Comparison, MetricValues, compare
from fairprune.judgments.primary import Decision, decide
from fairprune.judgments.ranking import Ranking, Tally, rank, tally
from fairprune.judgments.report import Flow, flow_of
from fairprune.judgments.votes import AnyVote, Given, Outcome, Vote, groups_of, outcomes
from fairprune.text import counted

OWN = "with the rules you switched off"
NOT_REGISTERED = "nothing was registered before the study opened: these are fairprune's usual rules, and every number is exploratory"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Counts:
    """What a selection of judges comes to. Votes are answers to main items, one per question."""

    votes: int
    judges: int
    items: int
    repeats: int
    stopped: int
    """Judges among them whom the study stopped after attention items."""
    stopped_votes: int
    left: int
    """Judges among them who did not finish."""
    left_votes: int


@dataclass(frozen=True)
class GroupResult:
    """The judges who said the same of themselves; '' for those who said nothing."""

    group: str
    judges: int
    votes: int
    raw: Measured
    ranking: Ranking | str
    """Or why there is none."""


@dataclass(frozen=True)
class QuestionResult:
    """One question, answered by the judges of one selection."""

    agreement: Agreement
    consistency: Consistency
    ranking: Ranking | str
    """Or why there is none."""
    tally: tuple[Tally, ...]
    sides: SideBias
    groups: tuple[GroupResult, ...]


@dataclass(frozen=True)
class Selection(Generic[AnyVote, Found]):
    """The judges of one analysis."""

    name: str
    votes: tuple[AnyVote, ...] = field(repr=False)
    counts: Counts
    questions: Mapping[str, Found]
    """Question → what these judges say to it."""


@dataclass(frozen=True, kw_only=True)
class Analysed(Generic[AnyVote, Found]):
    """What the votes of every task have: who is counted, under which rules."""

    questions: Mapping[str, str]
    """Id → wording, in the study's order."""
    selections: Mapping[str, Selection[AnyVote, Found]]
    """'all' and 'as registered', always; and a third where rules are switched off."""
    exclusions: tuple[Exclusion, ...]
    rules: Rules
    registered: bool
    """Whether rules and analysis were frozen before the first vote."""
    without: tuple[Rule, ...]
    outliers: tuple[SlowOrFast, ...]
    n_timed: int
    """Votes among which outliers were looked for."""


@dataclass(frozen=True, kw_only=True)
class Results(Analysed[Vote, QuestionResult]):
    """All that the votes of pairs say."""

    primary: str
    """The question that the primary analysis reads."""
    decisions: Mapping[str, Sequence[Decision] | str]
    """'all' and 'as registered' → the registered hypotheses; empty where there is none."""


def results_of(closed: Closed, without: Collection[Rule] = (), *, resamples: int | None = None) -> Results:
    """The results of a closed study of pairs."""
    return analyse(
        closed.votes,
        closed.questions,
        design=closed.design,
        automatic=closed.ties(),
        states=closed.states,
        without=without,
        resamples=resamples,
    )


def analyse(
    votes: Sequence[Vote],
    questions: Mapping[str, str],
    *,
    design: Design | None = None,
    automatic: Sequence[Outcome] = (),
    states: Mapping[str, str] | None = None,
    without: Collection[Rule] = (),
    resamples: int | None = None,
) -> Results:
    """Every number of these votes.

    Args:
        questions: id → wording of those that compare a pair.
        design: what was registered; None: the usual rules, and no hypothesis.
        automatic: ties of items with the same texts, of every question.
        states: judge → how their part has ended, where that is known.
        without: rules that are switched off, for a third analysis.
        resamples: in place of the registered number, for a quick look.

    Raises:
        BadInput: no vote, an unknown rule, a primary question that was not asked.
    """
    rules = Rules() if design is None else design.rules
    analysis = Analysis(question=next(iter(questions))) if design is None else design.analysis
    if analysis.question not in questions:
        raise BadInput(
            f"the registered analysis reads question {analysis.question!r}, but the questions that compare are {', '.join(questions)}"
        )
    if resamples is not None:
        analysis = analysis.model_copy(update={"resamples": resamples})
        design = None if design is None else design.model_copy(update={"analysis": analysis})
    selections = selections_of(
        votes,
        rules,
        without,
        states or {},
        lambda kept: {question: _question(question, kept, analysis, automatic) for question in questions},
    )
    return Results(
        questions=questions,
        primary=analysis.question,
        selections=selections,
        exclusions=tuple(exclusions(votes, rules)),
        rules=rules,
        registered=design is not None,
        without=tuple(without),
        decisions=decide(design, votes, automatic) if design is not None and design.hypotheses else {},
        outliers=tuple(time_outliers(votes)),
        n_timed=n_timed(votes),
    )


def selections_of(
    votes: Sequence[AnyVote],
    rules: Rules,
    without: Collection[Rule],
    states: Mapping[str, str],
    answers: Callable[[Sequence[AnyVote]], Mapping[str, Found]],
) -> dict[str, Selection[AnyVote, Found]]:
    """All judges, those whom the rules keep, and with some of the rules switched off a third selection.

    Args:
        answers: the votes of a selection → what they say to each question.

    Raises:
        BadInput: nobody has finished an item, an unknown rule.
    """
    if not any(vote.kind == "item" for vote in votes):
        raise BadInput("nobody has finished an item: there is nothing to analyse")
    chosen = {ALL: list(votes), REGISTERED: apply(votes, rules)}
    if without:
        chosen[OWN] = apply(votes, rules, without)
    found: dict[str, Selection[AnyVote, Found]] = {}
    for name, kept in chosen.items():
        # One selection is part of the next: as many votes are the same votes, and they are not analysed twice.
        same = next((one for one in found.values() if len(one.votes) == len(kept)), None)
        found[name] = (
            Selection(name, tuple(kept), counts_of(kept, states), answers(kept))
            if same is None
            else replace(same, name=name)
        )
    return found


def n_timed(votes: Sequence[Given]) -> int:
    """Votes among which times out of line are looked for."""
    return sum(vote.kind != "practice" and bool(vote.seconds) for vote in votes)


def counts_of(kept: Sequence[Given], states: Mapping[str, str]) -> Counts:
    """Who is counted, and with how many votes."""
    main = [vote for vote in kept if vote.kind == "item"]
    judges = {vote.judge for vote in main}
    stopped = {judge for judge in judges if states.get(judge) == "failed"}
    left = {judge for judge in judges if states.get(judge) in ("entered", "active")}
    return Counts(
        len(main),
        len(judges),
        len({vote.item for vote in main}),
        sum(vote.kind == "repeat" for vote in kept),
        len(stopped),
        sum(vote.judge in stopped for vote in main),
        len(left),
        sum(vote.judge in left for vote in main),
    )


def _question(
    question: str, kept: Sequence[Vote], analysis: Analysis, automatic: Sequence[Outcome]
) -> QuestionResult:
    given = outcomes(kept, question)
    size = analysis.resamples
    groups = groups_of(given)
    asked = [one for one in groups if one] or []
    return QuestionResult(
        agreement(given, resamples=size, seed=analysis.seed),
        consistency(kept, question, resamples=size, seed=analysis.seed),
        _rank([*given, *(one for one in automatic if one.question == question)], analysis),
        tuple(tally(given)),
        side_bias(kept, question, resamples=size, seed=analysis.seed),
        tuple(
            GroupResult(
                name,
                len({one.judge for one in own}),
                len(own),
                raw_agreement(own, resamples=size, seed=analysis.seed),
                _rank(own, analysis),
            )
            for name, own in groups.items()
        )
        if asked
        else (),
    )


def _rank(given: Sequence[Outcome], analysis: Analysis) -> Ranking | str:
    """A ranking as registered, or why there is none."""
    try:
        return rank(
            given,
            reference=analysis.reference,
            ridge=analysis.ridge,
            resamples=analysis.resamples,
            seed=analysis.seed,
        )
    except BadInput as error:
        return str(error)


def lacking(closed: Closed) -> list[str]:
    """What a study without a finished item lacks for its numbers; sentences."""
    chosen = closed.study.design
    each, most = int(chosen.get("votes_per_item", 3)), int(chosen.get("items_per_judge", 20))
    asked = sum(not item.automatic for item in closed.items)
    wanted = each * asked
    told = [
        f"{counted(wanted, 'vote')} were wanted: {each} on each of {counted(asked, 'item')}, by at least "
        f"{counted(max(each, -(-wanted // max(1, most))), 'judge')}. None was given."
    ]
    if closed.n_unfinished:
        told.append(
            f"{counted(closed.n_unfinished, 'answer')} on unfinished items are stored; they are in no number."
        )
    told.append(
        "A confusion matrix needs one sentence with a majority of its judges; its intervals, sentences of two samples; agreement and α, "
        "two labels of one sentence."
        if closed.label
        else "A strength needs one vote that prefers a system or calls a tie; its interval, votes by two judges on two samples; agreement "
        "and α, two votes on one item."
    )
    power = None if closed.design is None else closed.design.power
    if power is not None:
        told.append(f"The registered power of {power:.0%} rests on all {counted(wanted, 'vote')}.")
    return [*told, "A closed study stays closed: open a copy of it."]


def trust(
    selection: Selection[Vote, QuestionResult],
    question: str,
    metrics: Sequence[MetricValues],
    *,
    resamples: int = 1000,
) -> Comparison | str:
    """How every automatic metric agrees with these judges, or why that cannot be told."""
    if not metrics:
        return "what the summaries say is not known here, so that no metric can be compared with the judges"
    try:
        return compare(outcomes(selection.votes, question), metrics, resamples=resamples)
    except BadInput as error:
        return str(error)


def trust_all(
    results: Results, question: str, metrics: Sequence[MetricValues]
) -> dict[str, Comparison | str]:
    """`trust` of every selection, by its name."""
    found: dict[str, Comparison | str] = {}
    by_size: dict[int, Comparison | str] = {}
    for name, one in results.selections.items():
        size = len(one.votes)
        if size not in by_size:
            by_size[size] = trust(one, question, metrics)
        found[name] = by_size[size]
    return found


def verdict(found: Comparison) -> str:
    """Which metric to trust, in a sentence that claims no more than the intervals do."""
    scored = [one for one in found.metrics if not one.baseline and one.accuracy.value is not None]
    if not scored:
        return "No automatic fairness metric scored these summaries: none can be compared with the judges."
    first = scored[0]
    surely = [one for one in scored if one.gain.low is not None and one.gain.low > 0]
    if surely:
        names = ", ".join(one.name for one in surely)
        verb = "foretells" if len(surely) == 1 else "foretell"
        return (
            f"{names} {verb} the judges' votes better than the best baseline, which knows nothing of fairness: the whole 95 % interval "
            "of the gain lies above 0. The intervals are not widened for the number of metrics."
        )
    return (
        f"No metric is shown to be better than the best baseline, which knows nothing of fairness. {first.name} comes nearest; with "
        f"{first.accuracy.n} items its gain may be chance."
    )


def flow_in(closed: Closed, rules: Rules) -> Flow:
    """The flow of participants of a closed study. Whoever gave no consent, by a refusal or by leaving before it, counts as such.

    Of votes of elsewhere only those who answered are known.

    Judges who had their data deleted are in no number: nothing is left of them but how many they were.
    """
    answered = {vote.judge for vote in closed.given if vote.answered}
    gone = [] if closed.imported else [one for one in closed.judges if one.judge not in answered]
    no_consent = sum(one.state == "no_consent" or one.consented is None for one in gone)
    screened = sum(one.state == "screened_out" and one.consented is not None for one in gone)
    return flow_of(
        closed.given,
        rules,
        arrived=None if closed.imported else len(closed.judges),
        no_consent=no_consent,
        screened_out=screened,
        completed=[one.judge for one in closed.judges if one.state == "completed" and one.judge in answered],
        failed=[one.judge for one in closed.judges if one.state == "failed" and one.judge in answered],
        unknown=[one.judge for one in closed.judges if one.state == "unknown" and one.judge in answered],
    )
