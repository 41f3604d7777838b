"""The registered hypotheses, decided as they were registered: for all judges, and for those that the rules keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairprune.errors import BadInput
from fairprune.judgments.bias import side_by_side
from fairprune.judgments.frozen import Design, Hypothesis
from fairprune.judgments.measured import Measured, undefined
from fairprune.judgments.ranking import Ranking, rank
from fairprune.judgments.votes import Outcome, Vote, outcomes
from fairprune.uncertainty import holm


@dataclass(frozen=True)
class Decision:
    """What the votes say of one hypothesis."""

    hypothesis: Hypothesis
    difference: Measured
    """log-odds that the first system is preferred to the second; its interval is two-sided."""
    p_value: float | None
    """One- or two-sided, as registered."""
    p_holm: float | None
    """Adjusted for all registered hypotheses, those among them that could not be tested."""
    supported: bool
    """p_holm ≤ alpha."""


def decide(
    design: Design, votes: Sequence[Vote], automatic: Sequence[Outcome] = ()
) -> dict[str, list[Decision] | str]:
    """The decisions under 'all' and 'as registered', always both; a text where a ranking cannot be made.

    Args:
        automatic: ties of items with identical texts, of every question (`texts.automatic_ties`).
    """
    return side_by_side(votes, design.rules, lambda kept: _decisions(design, kept, automatic))


def primary_ranking(
    design: Design, votes: Sequence[Vote], question: str, automatic: Sequence[Outcome] = ()
) -> Ranking:
    """`rank` as the design says, of one question.

    Raises:
        BadInput: no decided vote, a reference that nobody judged.
    """
    own = [*outcomes(votes, question), *(one for one in automatic if one.question == question)]
    one = design.analysis
    return rank(own, reference=one.reference, ridge=one.ridge, resamples=one.resamples, seed=one.seed)


def _decisions(design: Design, votes: Sequence[Vote], automatic: Sequence[Outcome]) -> list[Decision]:
    rankings = {
        question: primary_ranking(design, votes, question, automatic)
        for question in dict.fromkeys(
            [design.analysis.question, *(one.question for one in design.hypotheses)]
        )
    }
    found = [_test(one, rankings[one.question]) for one in design.hypotheses]
    adjusted = holm({str(i): p for i, (_, p) in enumerate(found)}, design.analysis.alpha)
    return [
        Decision(one, difference, p, p_holm, p_holm is not None and p_holm <= design.analysis.alpha)
        for one, (difference, p), p_holm in zip(design.hypotheses, found, adjusted.values(), strict=True)
    ]


def _test(hypothesis: Hypothesis, ranking: Ranking) -> tuple[Measured, float | None]:
    for one in ranking.differences:
        if {one.better, one.worse} != {hypothesis.first, hypothesis.second}:
            continue
        value = one.difference
        if value.value is None:
            raise BadInput(f"the difference of {one.better} and {one.worse} has no value: {value.why}")
        expected = one.better == hypothesis.first
        if not expected:
            low, high = (None if end is None else -end for end in (value.high, value.low))
            value = Measured(-value.value, low, high, value.n, value.n_clusters, value.why)
        p = one.p_value
        if p is not None and hypothesis.sides == "one":
            p = p / 2 if expected else 1 - p / 2
        return value, p
    why = f"{hypothesis.first} and {hypothesis.second} were never compared, not even through others"
    return undefined(why), None
