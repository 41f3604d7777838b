"""Data sets of a population, their intervals and tests, and how often these are wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmarks.coverage.worlds import Case, Design, System, World
from fairprune.metrics import METRICS, limits
from fairprune.metrics.scoring.beside import distance
from fairprune.uncertainty import (
    FEW_SAMPLES,
    Estimate,
    FloatArray,
    Resamples,
    Statistic,
    estimate,
    estimate_difference,
    one_sided,
    paired_test,
    weighted_mean,
)

PERMUTATIONS = 99
ALPHA = 0.05
ROUNDING = 1e-12
USUAL, FAIR = System(0.3, 0.8), System(0.0, 0.02, (250, 350))
WORSE, NO_LEAN, STRONG = System(0.7, 1.1), System(0.0, 0.8), System(2.0, 1.0)
ONE, JUDGED = (100,), (60, 100, 451)
CASES = (
    Case("alike", USUAL, USUAL, tested=True),
    Case("pruned worse", USUAL, WORSE, sizes=(8, 12, 24, 60, 100)),
    Case("no lean", NO_LEAN, NO_LEAN, sizes=ONE),
    Case("nearly fair", FAIR, FAIR, sizes=(8, 100)),
    Case("very unfair", STRONG, STRONG, sizes=ONE),
    Case("3 groups, alike", USUAL, USUAL, groups=3, sizes=ONE, tested=True),
    Case("3 groups, worse", USUAL, WORSE, groups=3, sizes=(8, 60, 100)),
    Case("3 groups, no lean", NO_LEAN, NO_LEAN, groups=3, sizes=ONE),
    Case("5 % changed, alike", USUAL, USUAL, changed=0.05, sizes=ONE, tested=True),
    Case("5 % changed, worse", USUAL, STRONG, changed=0.05, sizes=JUDGED),
    Case("15 % changed, alike", USUAL, USUAL, changed=0.15, sizes=ONE),
    Case("15 % changed, worse", USUAL, STRONG, changed=0.15, sizes=ONE),
    Case("fair, 5 % broken", FAIR, STRONG, changed=0.05, sizes=(60, 100)),
    Case("fair, 15 % broken", FAIR, STRONG, changed=0.15, sizes=ONE),
)
BY_SIMILARITY = ("alike", "pruned worse", "5 % changed, worse")
DESIGNS = (Design(8, 8), Design(12, 2), Design(24, 2), Design(60, 60), Design(100, 100), Design(451, 148))
"""Quick runs, the two bundled examples, standard runs, 100 sets, the test split of `movies`."""


@dataclass(frozen=True)
class Number:
    """One number that has an interval."""

    metric: str
    what: str
    """value, difference, distance, absolute or absolute difference."""

    @property
    def is_difference(self) -> bool:
        return self.what in ("difference", "distance", "absolute difference")

    @property
    def is_judged(self) -> bool:
        """Whether a gate judges it: SPD2 by its distance from 0."""
        return self.what == ("distance" if METRICS[self.metric].direction == "zero" else "difference")

    @property
    def statistic(self) -> Statistic:
        if self.what.startswith("absolute"):
            return weighted_mean
        metric = METRICS[self.metric]
        return distance(metric) if self.what == "distance" else metric.statistic

    def table(self, of: dict[str, FloatArray]) -> FloatArray:
        return of[self.metric][:, 1:2] if self.what.startswith("absolute") else of[self.metric]

    def estimate(self, after: FloatArray, before: FloatArray, draws: Resamples) -> Estimate:
        """As the cells of a result are made."""
        metric = METRICS[self.metric]
        absolute = self.what.startswith("absolute")
        ends = (0.0, np.inf) if absolute else limits(metric)
        if self.is_difference:
            folded = not absolute and (metric.contrasts is not None or self.what == "distance")
            return estimate_difference(
                self.statistic, after, before, draws, binary=metric.binary, folded=folded, limits=ends
            )
        contrasts = None if absolute else metric.contrasts
        return estimate(self.statistic, after, draws, binary=metric.binary, contrasts=contrasts, limits=ends)

    def truth(self, world: World, design: Design) -> float:
        weights = world.weights(design)
        after, before = (
            float(self.statistic(weights, self.table(of))[0]) for of in (world.pruned, world.dense)
        )
        return after - before if self.is_difference else after


NUMBERS = tuple(
    Number(metric, what)
    for metric in METRICS
    for what in (
        ("value", "difference")
        if METRICS[metric].direction == "lower"
        else ("value", "difference", "distance", "absolute", "absolute difference")
    )
)


@dataclass(frozen=True)
class Row:
    """What was found for one number of one case and design; shares in [0, 1]."""

    case: str
    n: int
    metric: str
    what: str
    truth: float
    coverage: float
    missing: float
    """Share of the data sets in which there is no interval; not part of `coverage`."""
    width: float
    """Mean width of the interval."""
    errors: float | None
    """Data sets in which the paired test rejects, at 5 %, that systems differ which do not."""
    passes: float | None
    """Data sets in which a gate whose margin is the true harm would say that the harm is below it, at 5 %."""
    fails: float | None
    """Data sets in which it would say that the harm is above it."""
    limited: float
    """Data sets in which a limit stands beside the number."""


def designs(case: Case) -> list[Design]:
    """The sizes at which a case is looked at."""
    return [one for one in DESIGNS if case.sizes is None or one.n in case.sizes]


def study(case: Case, design: Design, world: World, sets: int) -> list[Row]:
    """All numbers of one case at one size."""
    # By similarity they are the same statistics of other numbers: looked at once.
    similar = design.n == 100 and case.name in BY_SIMILARITY
    numbers = [one for one in NUMBERS if similar or not one.metric.endswith("_embedding")]
    truths = {number: number.truth(world, design) for number in numbers}
    found: dict[Number, list[tuple[float, ...]]] = {number: [] for number in numbers}
    many = design.draws()
    for k in range(sets):
        places = world.draw(design, np.random.default_rng([design.n, design.n_topics, k]))
        draws = many[k % len(many)]
        for number in numbers:
            after, before = (number.table(of)[places] for of in (world.pruned, world.dense))
            found[number].append(_outcome(number, after, before, draws, truths[number], case.tested, k))
    return [_row(case, design, number, truths[number], np.array(found[number])) for number in numbers]


def _outcome(
    number: Number,
    after: FloatArray,
    before: FloatArray,
    draws: Resamples,
    truth: float,
    tested: bool,
    seed: int,
) -> tuple[float, ...]:
    """covered, width, error, passes, fails, limited of one data set; NaN where there is none."""
    one = number.estimate(after, before, draws)
    covered = width = error = passes = fails = float("nan")
    if one.low is not None and one.high is not None:
        covered = float(one.low - ROUNDING <= truth <= one.high + ROUNDING)
        width = one.high - one.low
    if number.is_judged and truth > ROUNDING and one.n >= FEW_SAMPLES:
        # Without a standard error a gate is undecided, so it does not err. Only the side on which the value lies can be shown.
        harm = one.value is not None and one.value > truth
        p = one_sided(one, truth, "above" if harm else "below")
        shown = float(p is not None and p <= ALPHA)
        passes, fails = (0.0, shown) if harm else (shown, 0.0)
    if number.is_judged and tested:
        p_value = paired_test(
            number.statistic, after, before, draws.topics, permutations=PERMUTATIONS, seed=seed
        ).p_value
        error = float(p_value is not None and p_value <= ALPHA)
    return covered, width, error, passes, fails, float(one.limit is not None)


def _row(case: Case, design: Design, number: Number, truth: float, found: FloatArray) -> Row:
    covered, width, error, passes, fails, limited = found.T

    def share(values: FloatArray) -> float | None:
        known = values[~np.isnan(values)]
        return float(known.mean()) if len(known) else None

    return Row(
        case.name,
        design.n,
        number.metric,
        number.what,
        truth,
        coverage=float("nan") if (held := share(covered)) is None else held,
        missing=float(np.isnan(covered).mean()),
        width=float("nan") if (mean := share(width)) is None else mean,
        errors=share(error),
        passes=share(passes),
        fails=share(fails),
        limited=float(limited.mean()),
    )
