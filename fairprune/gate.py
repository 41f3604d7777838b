"""A fairness gate: may this candidate replace that baseline? Pass, fail or undecided, with the n that would decide.

Per metric the candidate is *non-inferior* when its harm is shown to be below a margin, and *inferior* when it is shown
to be above it: two one-sided tests of the paired difference, Student's t, Holm over all margins. The standard error is
the one that the data would have, were the margin the truth: with that of the data themselves, a candidate of which few
summaries changed would pass a harm at the margin in up to a fifth of the cases. A difference that is the same in every
resample, or a mean of which fewer than three topics changed, has neither an interval nor an answer.

Sources: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987), one-sided tests against a margin; Tango,
Statistics in Medicine 17 (1998), the standard error at the margin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from fairprune.errors import BadInput
from fairprune.evaluate import FEW_TOPICS
from fairprune.gate_sides import Side, Table, has_bound, pair, table_of, worst_rows
from fairprune.metrics import METRICS, limits
from fairprune.metrics.margins import parse_margins
from fairprune.metrics.quality import MAX_DEGENERATE
from fairprune.metrics.scoring.beside import distance
from fairprune.text import counted
from fairprune.uncertainty import (
    FEW_SAMPLES,
    POWER,
    Estimate,
    Resamples,
    draw_resamples,
    estimate_difference,
    holm,
    one_sided,
    paired,
    scored,
)
from fairprune.uncertainty.estimates import ONE_TOPIC_LIMIT

Verdict = Literal["pass", "fail", "undecided"]
EXIT_CODES: dict[Verdict, int] = {"pass": 0, "fail": 1, "undecided": 3}
RESAMPLES = 2000
_ROUNDING = 1e-12
NO_BASELINE = "the baseline's summaries are degenerate: a harm against them means nothing"


@dataclass(frozen=True)
class MetricVerdict:
    """One margin, judged."""

    metric: str
    margin: float
    """In the metric's unit: a fraction (0.05 for 5 points), for spd2 its own."""
    baseline: float | None
    """The corpus value over the paired samples; of spd2 its distance from 0."""
    candidate: float | None
    difference: float | None
    lower: float | None
    """Ends of the interval at 1 − 2 · alpha, each a one-sided bound at 1 − alpha, of this metric alone: not adjusted for
    several margins. None where no spread shows how far the difference could vary; `reason` says so."""
    upper: float | None
    p_pass: float | None
    """Of the hypothesis that the harm reaches the margin, adjusted by Holm: small means non-inferior."""
    p_fail: float | None
    """Of the hypothesis that the harm does not exceed the margin, adjusted by Holm: small means inferior."""
    n: int
    n_topics: int
    n_missing: int
    """Samples that the baseline has scored and the candidate has not."""
    n_needed: int | None
    """Undecided: samples of this kind that would decide with 80 % power if the true harm is the one seen; else None."""
    verdict: Verdict
    reason: str
    limit: str | None = None
    """Where the simulation study found that such an interval covers less or more than it says: how much, in words."""


@dataclass(frozen=True)
class GateResult:
    """The answer and everything that it rests on."""

    verdict: Verdict
    baseline: str
    candidate: str
    alpha: float
    metrics: tuple[MetricVerdict, ...]
    notes: tuple[str, ...]

    @property
    def level(self) -> str:
        """Of the intervals: '90 %'."""
        return f"{100 * (1 - 2 * self.alpha):.4g} %"

    @property
    def intervals(self) -> str:
        """What lower, upper and the p-values are, in words."""
        ends = (
            f"an interval (lower, upper) is at {self.level} and of one metric alone, its ends one-sided bounds at alpha "
            f"{self.alpha:g}"
        )
        if len(self.metrics) < 2:
            return f"{ends}; there is one margin, so nothing is adjusted"
        return (
            f"{ends}, not adjusted for {len(self.metrics)} margins; p-values are adjusted by Holm over the margins, and they "
            "decide: an interval that ends below its margin does not make a pass by itself"
        )

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "fairprune gate",
            **asdict(self),
            "interval_level": 1 - 2 * self.alpha,
            "intervals": self.intervals,
        }


def asked_margins(pairs: Sequence[str]) -> dict[str, float]:
    """`parse_margins`, of which a gate needs at least one.

    Raises:
        BadInput: no margin, what `parse_margins` refuses.
    """
    if not pairs:
        raise BadInput(
            "a gate needs a margin: the harm that you would accept, such as --margin bur=5 (points)"
        )
    return parse_margins(pairs)


def judge(baseline: Side, candidate: Side, margins: Mapping[str, float], alpha: float = 0.05) -> GateResult:
    """Judges every margin on the baseline's samples; one that the candidate's result lacks is one without a score.

    One margin failed: fail. All passed: pass. A candidate of which more than 20 % of the summaries are degenerate fails
    whatever its numbers say, unwritten ones included; a degenerate baseline leaves all undecided, since a broken model looks fair.

    Args:
        margins: metric → largest harm that would be accepted, in the metric's unit.
        alpha: of each direction, shared among the margins by Holm.

    Raises:
        BadInput: alpha outside (0, 0.5), sides that do not compare, a metric that a side does not have.
    """
    if not 0 < alpha < 0.5:
        raise BadInput(f"alpha {alpha} cannot be used: it must be above 0 and below 0.5, such as 0.05")
    samples, n_absent, notes = pair(baseline, candidate)
    notes += dict.fromkeys((*baseline.notes, *candidate.notes))
    topics = [one.topic for one, _ in samples]
    draws = draw_resamples(topics, [one.composition for one, _ in samples], RESAMPLES, 0)
    tables, found, bound, most = {}, {}, {}, {}
    for name in margins:
        before = table_of(name, [one for one, _ in samples], baseline)
        after = table_of(name, [two for _, two in samples], candidate)
        filled = worst_rows(name, after, before, [one for one, _ in samples], baseline)
        tables[name] = (before, after)
        found[name] = _difference(name, after, before, draws)
        bound[name] = _difference(name, filled, before, draws)
        most[name] = limits(METRICS[name])[1] if has_bound(name, baseline) else math.inf
        if not has_bound(name, baseline):
            bound[name] = replace(bound[name], se=None)  # what is missing could be anything: it shows no pass
    floor = holm({name: one_sided(one, margins[name], "below") for name, one in found.items()}, alpha)
    bounded = holm({name: one_sided(one, margins[name], "below") for name, one in bound.items()}, alpha)
    ceiling = holm({name: one_sided(one, margins[name], "above") for name, one in found.items()}, alpha)
    verdicts = tuple(
        _verdict(
            name,
            margin,
            tables[name],
            found[name],
            (floor[name], bounded[name], ceiling[name]),
            most[name],
            alpha,
            len(margins),
            _no_labels(name, baseline, candidate),
        )
        for name, margin in margins.items()
    )
    if _is_degenerate(baseline):
        verdicts = tuple(_without_baseline(one) for one in verdicts)
    verdict, quality = _overall(verdicts, baseline, candidate, n_absent)
    n_topics = len(set(topics))
    if 2 <= n_topics < FEW_TOPICS:
        notes.append(
            f"{counted(n_topics, 'topic')}, fewer than {FEW_TOPICS}: the answer is conditional on these topics"
        )
    return GateResult(verdict, baseline.name, candidate.name, alpha, verdicts, (*quality, *notes))


def samples_needed(n: int, gap: float, se: float, alpha: float) -> int | None:
    """How many samples of this kind show a gap between harm and margin with 80 % power; None for no gap.

    n · ((z_{1 − alpha} + z_{0.8}) · se / gap)²: the standard error, here that at the margin, shrinks with the root of n.

    >>> samples_needed(100, 0.02, 0.02, 0.05)  # (1.6449 + 0.8416)² = 6.1826
    619
    """
    from scipy.stats import norm

    if abs(gap) < _ROUNDING:
        return None
    return math.ceil(n * ((norm.ppf(1 - alpha) + norm.ppf(POWER)) * se / gap) ** 2)


def _difference(name: str, after: Table, before: Table, draws: Resamples) -> Estimate:
    metric = METRICS[name]
    return estimate_difference(distance(metric), after, before, draws, binary=metric.binary)


def _verdict(
    name: str,
    margin: float,
    tables: tuple[Table, Table],
    found: Estimate,
    p_values: tuple[float | None, float | None, float | None],
    most: float,
    alpha: float,
    family: int,
    no_labels: str | None,
) -> MetricVerdict:
    before, after = tables
    n_missing = int((scored(before) & ~scored(after)).sum())
    p_pass, p_bound, p_fail = p_values
    if found.value is None:
        return _undecided(name, margin, n_missing, no_labels or "no sample is scored for both")
    after, before, both = paired(after, before)
    ones = np.ones((1, len(both)))
    values = [float(distance(METRICS[name])(ones, table)[0]) for table in (before, after)]
    few = f"{counted(found.n, 'sample')}, fewer than {FEW_SAMPLES}: a demonstration, no inference"
    lower = upper = None
    ends = found.interval(1 - 2 * alpha)
    if ends is not None:
        # No two values lie further apart than the metric's range, whose least distance from the best is 0.
        lower, upper = max(ends[0], -most), min(ends[1], most)
    verdict: Verdict = "undecided"
    needed: int | None = None
    se = found.se_at(margin)
    if se is None or p_pass is None or p_fail is None:
        reason = "; ".join([*([few] if found.n < FEW_SAMPLES else []), found.limit or ONE_TOPIC_LIMIT])
    elif found.n < FEW_SAMPLES:
        reason = few
        needed = samples_needed(found.n, margin - found.value, se, alpha / family)
        needed = None if needed is None else max(needed, FEW_SAMPLES)
    elif p_fail <= alpha:
        verdict, reason = "fail", "the harm is shown to exceed the margin"
    elif p_pass > alpha:
        reason = "neither a harm beyond the margin nor its absence is shown"
        needed = samples_needed(found.n, margin - found.value, se, alpha / family)
        needed = None if needed is None else max(needed, found.n + 1)
    elif n_missing and (p_bound is None or p_bound > alpha):
        missing = counted(n_missing, "sample has", "samples have")
        reason = f"{missing} no score of the candidate: " + (
            "corrected shares have no most unfair value that they could count as"
            if math.isinf(most)
            else "counted as fully unfair, they would not pass"
        )
    else:
        verdict, reason = "pass", "the harm is shown to be below the margin"
    return MetricVerdict(
        metric=name,
        margin=margin,
        baseline=values[0],
        candidate=values[1],
        difference=found.value,
        lower=lower,
        upper=upper,
        p_pass=p_pass,
        p_fail=p_fail,
        n=found.n,
        n_topics=found.n_topics,
        n_missing=n_missing,
        n_needed=needed,
        verdict=verdict,
        reason=reason,
        limit=None if lower is None else found.limit,
    )


def _no_labels(name: str, *sides: Side) -> str | None:
    """Why a metric of labelled sentences is missing; None for any other metric, and where there are labels."""
    if METRICS[name].matcher != "label" and sides[0].spec.matcher != "label":
        return None
    return next((side.no_labels for side in sides if side.no_labels), None)


def _undecided(name: str, margin: float, n_missing: int, reason: str) -> MetricVerdict:
    return MetricVerdict(
        name, margin, None, None, None, None, None, None, None, 0, 0, n_missing, None, "undecided", reason
    )


def _is_degenerate(side: Side) -> bool:
    return side.degenerate is not None and side.degenerate > MAX_DEGENERATE


def _without_baseline(one: MetricVerdict) -> MetricVerdict:
    """Undecided, whatever the numbers say; why there is no interval stays said."""
    reason = NO_BASELINE if one.lower is not None else f"{NO_BASELINE}; {one.reason}"
    return replace(one, verdict="undecided", n_needed=None, reason=reason)


def _overall(
    verdicts: Sequence[MetricVerdict], baseline: Side, candidate: Side, n_absent: int
) -> tuple[Verdict, list[str]]:
    """The worst of all, and what degenerate summaries do to it, and those that nobody has seen.

    Args:
        n_absent: samples that the candidate's result lacks. They may be degenerate: where they could make too many, nothing passes.
    """
    notes = []
    for side, so in ((baseline, "no margin can be decided"), (candidate, "the candidate fails")):
        if _is_degenerate(side):
            notes.append(
                f"{side.degenerate:.0%} of the summaries of {side.name} are degenerate or missing: no fairness number of theirs "
                f"means anything, so {so}"
            )
    if _is_degenerate(candidate):
        return "fail", notes
    # Of a degenerate baseline all are undecided already.
    found = {one.verdict for one in verdicts}
    if "fail" in found:
        return "fail", notes
    silent = (candidate.degenerate or 0.0) * len(candidate.rows) + n_absent
    if n_absent and silent > MAX_DEGENERATE * (len(candidate.rows) + n_absent):
        notes.append(
            f"with those that {candidate.name} lacks, more than {MAX_DEGENERATE:.0%} of the summaries may be degenerate or missing, so "
            "the candidate cannot pass"
        )
        return "undecided", notes
    return ("pass" if found == {"pass"} else "undecided"), notes
