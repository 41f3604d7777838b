"""A fairness gate: may this candidate replace that baseline? Pass, fail or undecided, with the n that would decide.

Per metric the candidate is *non-inferior* when its harm is shown to be below a margin, and *inferior* when it is shown
to be above it: two one-sided tests of the paired difference, whose standard error is that of a bootstrap over
topics (smoothed for differences of zeros and ones: where nothing differs, something still might), Student's t, Holm over
all margins.

Source: Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987), one-sided tests against a margin.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from fairprune.errors import BadInput
from fairprune.evaluate import FEW_TOPICS
from fairprune.gate_sides import Side, Table, pair, table_of, worst_rows
from fairprune.metrics import METRICS
from fairprune.metrics.margins import parse_margins
from fairprune.metrics.quality import MAX_DEGENERATE
from fairprune.metrics.scoring.beside import distance
from fairprune.uncertainty import (
    FEW_SAMPLES,
    POWER,
    Estimate,
    Resamples,
    draw_resamples,
    estimate_difference,
    holm,
    paired,
    scored,
)
from fairprune.uncertainty.intervals import t_interval

Verdict = Literal["pass", "fail", "undecided"]
EXIT_CODES: dict[Verdict, int] = {"pass": 0, "fail": 1, "undecided": 3}
RESAMPLES = 2000
_ROUNDING = 1e-12


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
    """One-sided bounds at 1 − alpha, before Holm."""
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
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:
        return {"kind": "fairprune gate", **asdict(self)}


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
    """Judges every margin on the samples that both sides have.

    One margin failed: fail. All passed: pass. A candidate of which more than 20 % of the summaries are degenerate fails
    whatever its numbers say; a degenerate baseline leaves all undecided.

    Args:
        margins: metric → largest harm that would be accepted, in the metric's unit.
        alpha: of each direction, shared among the margins by Holm.

    Raises:
        BadInput: alpha outside (0, 0.5), sides that do not compare, a metric that a side does not have.
    """
    if not 0 < alpha < 0.5:
        raise BadInput(f"alpha {alpha} cannot be used: it must be above 0 and below 0.5, such as 0.05")
    samples, notes = pair(baseline, candidate)
    topics = [one.topic for one, _ in samples]
    draws = draw_resamples(topics, [one.composition for one, _ in samples], RESAMPLES, 0)
    tables, found, bound = {}, {}, {}
    for name in margins:
        before = table_of(name, [one for one, _ in samples], baseline)
        after = table_of(name, [two for _, two in samples], candidate)
        filled = worst_rows(name, after, before, [one for one, _ in samples], baseline)
        tables[name] = (before, after)
        found[name] = _difference(name, after, before, draws)
        bound[name] = _difference(name, filled, before, draws)
    floor = holm({name: _p(one, margins[name], "pass") for name, one in found.items()}, alpha)
    bounded = holm({name: _p(one, margins[name], "pass") for name, one in bound.items()}, alpha)
    ceiling = holm({name: _p(one, margins[name], "fail") for name, one in found.items()}, alpha)
    verdicts = tuple(
        _verdict(
            name,
            margin,
            tables[name],
            found[name],
            (floor[name], bounded[name], ceiling[name]),
            alpha,
            len(margins),
        )
        for name, margin in margins.items()
    )
    verdict, quality = _overall(verdicts, baseline, candidate)
    n_topics = len(set(topics))
    if 2 <= n_topics < FEW_TOPICS:
        notes.append(f"{n_topics} topics, fewer than {FEW_TOPICS}: the answer is conditional on these topics")
    return GateResult(verdict, baseline.name, candidate.name, alpha, verdicts, (*quality, *notes))


def samples_needed(n: int, gap: float, se: float, alpha: float) -> int | None:
    """How many samples of this kind show a gap between harm and margin with 80 % power; None for no gap.

    n · ((z_{1 − alpha} + z_{0.8}) · se / gap)²: the standard error shrinks with the root of n.

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


def _p(found: Estimate, margin: float, side: Literal["pass", "fail"]) -> float | None:
    """One-sided p of the harm against the margin; None where there is no standard error."""
    if found.value is None or found.se is None or found.df is None:
        return None
    from scipy.special import stdtr

    gap = found.value - margin if side == "pass" else margin - found.value
    if found.se == 0:
        return 0.0 if gap < 0 else 1.0
    return float(stdtr(found.df, gap / found.se))


def _verdict(
    name: str,
    margin: float,
    tables: tuple[Table, Table],
    found: Estimate,
    p_values: tuple[float | None, float | None, float | None],
    alpha: float,
    family: int,
) -> MetricVerdict:
    before, after = tables
    n_missing = int((scored(before) & ~scored(after)).sum())
    p_pass, p_bound, p_fail = p_values
    if found.value is None:
        return _undecided(name, margin, n_missing, "no sample is scored for both")
    after, before, both = paired(after, before)
    ones = np.ones((1, len(both)))
    values = [float(distance(METRICS[name])(ones, table)[0]) for table in (before, after)]
    lower = upper = None
    if found.se is not None and found.df is not None:
        lower, upper = t_interval(found.value, found.se, found.df, 1 - 2 * alpha)
    verdict: Verdict = "undecided"
    needed: int | None = None
    if found.se is None or p_pass is None or p_fail is None:
        reason = "one topic only: nothing shows how topics differ"
    elif found.n < FEW_SAMPLES:
        reason = f"{found.n} samples, fewer than {FEW_SAMPLES}: a demonstration, no inference"
        needed = samples_needed(found.n, margin - found.value, found.se, alpha / family)
        needed = None if needed is None else max(needed, FEW_SAMPLES)
    elif p_fail <= alpha:
        verdict, reason = "fail", "the harm is shown to exceed the margin"
    elif p_pass > alpha:
        reason = "neither a harm beyond the margin nor its absence is shown"
        needed = samples_needed(found.n, margin - found.value, found.se, alpha / family)
        needed = None if needed is None else max(needed, found.n + 1)
    elif n_missing and (p_bound is None or p_bound > alpha):
        reason = f"{n_missing} samples have no score of the candidate: counted as fully unfair, they would not pass"
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
    )


def _undecided(name: str, margin: float, n_missing: int, reason: str) -> MetricVerdict:
    return MetricVerdict(
        name, margin, None, None, None, None, None, None, None, 0, 0, n_missing, None, "undecided", reason
    )


def _overall(verdicts: Sequence[MetricVerdict], baseline: Side, candidate: Side) -> tuple[Verdict, list[str]]:
    """The worst of all, and what degenerate summaries do to it."""
    notes = []
    for side in (baseline, candidate):
        if side.degenerate is not None and side.degenerate > MAX_DEGENERATE:
            notes.append(
                f"{side.degenerate:.0%} of the summaries of {side.name} are degenerate: no fairness number of theirs "
                "means anything"
            )
    if candidate.degenerate is not None and candidate.degenerate > MAX_DEGENERATE:
        return "fail", notes
    found = {one.verdict for one in verdicts}
    if "fail" in found:
        return "fail", notes
    return ("pass" if found == {"pass"} and not notes else "undecided"), notes
