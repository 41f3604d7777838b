"""Judges who look at the side instead of the text, who are too quick, or who did not look: found, and never deleted.

Exclusion is a rule applied to the votes, not a change of them: every analysis is shown for all judges and for those
that the registered rules keep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from pydantic import Field

from fairprune.errors import BadInput, unknown
from fairprune.judgments.measured import RESAMPLES, Measured, cluster_weights, measured, undefined
from fairprune.judgments.votes import SKIPPED, AnyVote, Given, Vote
from fairprune.part import Part
from fairprune.text import counted
from fairprune.uncertainty import FloatArray

FLIPS = 9999
OUTLIER = 3.5
"""Robust z-scores beyond which a time is an outlier (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993)."""
LEAST_TIMES = 8
"""Below this many times there is no telling which is out of line."""
Rule = Literal["attention", "too_fast", "straight_lining"]
ALL, REGISTERED = "all", "as registered"
T = TypeVar("T")


class Rules(Part):
    """Which judges a study leaves out, said before it opens."""

    attention_failures: int | None = Field(
        2,
        ge=1,
        description="Failed attention items from which on a judge is left out: with 2, a second try is granted. Empty: no such rule.",
    )
    attention_skips: bool = Field(
        True, description="Whether an attention item that a judge skips counts as failed."
    )
    least_seconds: float | None = Field(
        5.0,
        gt=0,
        description="A judge whose median time per answer lies below is too fast. Empty: no such rule.",
    )
    straight_lining: float | None = Field(
        0.95,
        gt=0.5,
        le=1,
        description="Share of answers of one kind (left, right, tie …) from which on a judge did not look. Empty: no such rule.",
    )
    least_answers: int = Field(
        10, ge=2, description="Below this many answers nobody is called too fast or straight-lining."
    )


def left_out(rules: Rules) -> dict[Rule, str]:
    """Rule → what the judges did whom it leaves out, with its limit: 'took less than 5 s per answer in the median'."""
    found: dict[Rule, str] = {}
    if rules.attention_failures is not None:
        skips = " or skipped" if rules.attention_skips else ""
        found["attention"] = f"failed{skips} {counted(rules.attention_failures, 'attention item')} or more"
    if rules.least_seconds is not None:
        found["too_fast"] = f"took less than {rules.least_seconds:g} s per answer in the median"
    if rules.straight_lining is not None:
        found["straight_lining"] = (
            f"gave the same answer in at least {rules.straight_lining:.0%} of the cases"
        )
    return found


@dataclass(frozen=True)
class Exclusion:
    """One judge whom one rule leaves out."""

    judge: str
    rule: Rule
    detail: str
    """What was seen, in words."""


@dataclass(frozen=True)
class SideBias:
    """Whether the left side is preferred for being left; sides are drawn at random, so that half is what no bias gives."""

    share: Measured
    """Of left among the votes that prefer a side, in [0, 1]; what is resampled are judges."""
    left: int
    right: int
    p_exact: float | None
    """Two-sided exact binomial test of one half; takes votes as independent."""
    p_judges: float | None
    """Two-sided, by flipping the sides of whole judges: holds however much judges differ."""


def side_bias(
    votes: Sequence[Vote], question: str | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> SideBias:
    """The left side's share of one question's votes, or of all; items and repeats count, attention and practice do not, nor do
    votes that do not say which side a system stood on.

    Flipping: were there no bias, left and right would be exchangeable within a judge, so that Σ |…| is compared with
    the sums that random signs of the judges' differences (left − right) give. Up to 13 judges all signs are tried.

    Source: Good, Permutation, Parametric and Bootstrap Tests of Hypotheses (2005), chapter 3.
    """
    rows: dict[str, list[int]] = {}
    for vote in votes:
        if (
            vote.kind in ("item", "repeat")
            and vote.sided
            and question in (None, vote.question)
            and vote.answer in ("left", "right")
        ):
            rows.setdefault(vote.judge, [0, 0])[vote.answer == "right"] += 1
    if not rows:
        unknown_sides = any(not vote.sided for vote in votes)
        why = "which side a system stood on is not known" if unknown_sides else "no vote prefers a side"
        return SideBias(undefined(why), 0, 0, None, None)
    table = np.array([rows[judge] for judge in sorted(rows)], dtype=np.float64)
    left, right = (int(n) for n in table.sum(axis=0))
    from scipy.stats import binomtest

    drawn = cluster_weights(len(table), resamples, seed) @ table
    share = measured(
        left / (left + right), drawn[:, 0] / drawn.sum(axis=1), left + right, len(table), (0.0, 1.0), "judge"
    )
    return SideBias(
        share,
        left,
        right,
        float(binomtest(left, left + right, 0.5).pvalue),
        _flipping(table[:, 0] - table[:, 1], seed) if len(table) > 1 else None,
    )


def _flipping(differences: FloatArray, seed: int) -> float:
    n = len(differences)
    if 2**n <= FLIPS:
        signs = 1.0 - 2.0 * ((np.arange(2**n)[:, None] >> np.arange(n)) & 1)
        more = 0  # the observed signs are among them
    else:
        signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(FLIPS, n))
        more = 1
    as_far = int((np.abs(signs @ differences) >= abs(differences.sum()) - 1e-9).sum())
    return (as_far + more) / (len(signs) + more)


@dataclass(frozen=True)
class SlowOrFast:
    """A vote whose time is out of line with all others."""

    vote: Given
    score: float
    """Robust z-score of the logarithm of its seconds: below 0 faster, above slower."""


def time_outliers(votes: Sequence[Given], limit: float = OUTLIER) -> list[SlowOrFast]:
    """Votes whose log seconds lie more than `limit` robust standard deviations (1.4826 · MAD) from the median, farthest first.

    They are shown, and no rule drops them. Practice and votes without a time are left out, as are times of 0, which have no logarithm.
    Nothing is out of line where fewer than 8 times are known or more than half are the same.
    """
    timed = [vote for vote in votes if vote.kind != "practice" and vote.seconds]
    if len(timed) < LEAST_TIMES:
        return []
    logs = np.log([vote.seconds or 1.0 for vote in timed])
    centre = float(np.median(logs))
    spread = 1.4826 * float(np.median(np.abs(logs - centre)))
    if spread == 0:
        return []
    scores = (logs - centre) / spread
    found = [
        SlowOrFast(vote, float(score))
        for vote, score in zip(timed, scores, strict=True)
        if abs(score) > limit
    ]
    return sorted(found, key=lambda one: -abs(one.score))


def exclusions(votes: Sequence[Given], rules: Rules) -> list[Exclusion]:
    """Whom the rules leave out, and why; a judge may fall under several."""
    by_judge: dict[str, list[Given]] = {}
    for vote in votes:
        by_judge.setdefault(vote.judge, []).append(vote)
    found: list[Exclusion] = []
    for judge in sorted(by_judge):
        own = by_judge[judge]
        for rule, check in _CHECKS.items():
            detail = check(own, rules)
            if detail is not None:
                found.append(Exclusion(judge, rule, detail))
    return found


def apply(votes: Sequence[AnyVote], rules: Rules, without: Collection[Rule] = ()) -> list[AnyVote]:
    """The votes of the judges whom the rules keep; a rule in `without` is switched off. The votes given stay as they are.

    Raises:
        BadInput: an unknown rule.
    """
    for rule in without:
        if rule not in _CHECKS:
            raise unknown("rule", str(rule), _CHECKS)
    out = {one.judge for one in exclusions(votes, rules) if one.rule not in without}
    return [vote for vote in votes if vote.judge not in out]


def side_by_side(
    votes: Sequence[Vote], rules: Rules, analysis: Callable[[Sequence[Vote]], T]
) -> dict[str, T | str]:
    """The analysis of all judges and of those that the registered rules keep: always both. A text where it cannot be made."""
    found: dict[str, T | str] = {}
    for name, kept in ((ALL, list(votes)), (REGISTERED, apply(votes, rules))):
        try:
            found[name] = analysis(kept)
        except BadInput as error:
            found[name] = str(error)
    return found


def _attention(own: Sequence[Given], rules: Rules) -> str | None:
    asked = [vote for vote in own if vote.kind == "attention" and vote.expected]
    skipped = {vote.item for vote in asked if vote.answer == SKIPPED}
    # an item with two questions is one try: it is failed when any of its answers is wrong
    wrong = {vote.item for vote in asked if vote.answer not in vote.expected} - skipped
    failures = len(wrong) + (len(skipped) if rules.attention_skips else 0)
    if rules.attention_failures is None or failures < rules.attention_failures:
        return None
    told = f"failed {len(wrong)} of {len({vote.item for vote in asked})} attention items"
    return f"{told}, skipped {len(skipped)}" if skipped else told


def _too_fast(own: Sequence[Given], rules: Rules) -> str | None:
    times = [vote.seconds for vote in own if vote.kind in ("item", "repeat") and vote.seconds is not None]
    if rules.least_seconds is None or len(times) < rules.least_answers:
        return None
    median = float(np.median(times))
    return (
        f"median of {median:.1f} s per answer, below {rules.least_seconds:g} s"
        if median < rules.least_seconds
        else None
    )


def _straight_lining(own: Sequence[Given], rules: Rules) -> str | None:
    main = [vote for vote in own if vote.kind in ("item", "repeat")]
    # 'left' of a vote that knows no sides names a system, and whoever prefers one always has read
    given = Counter(vote.answer for vote in main if vote.sided or vote.answer not in ("left", "right"))
    n = len(main)
    if rules.straight_lining is None or n < rules.least_answers or not given:
        return None
    answer, most = given.most_common(1)[0]
    return f"answered '{answer}' in {most} of {n} cases" if most >= rules.straight_lining * n else None


_CHECKS: Mapping[Rule, Callable[[Sequence[Given], Rules], str | None]] = {
    "attention": _attention,
    "too_fast": _too_fast,
    "straight_lining": _straight_lining,
}
