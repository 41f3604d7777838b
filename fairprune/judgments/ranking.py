"""How strong each system is in the judges' eyes: Bradley–Terry–Davidson, with intervals over judges and samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from fairprune.errors import BadInput, unknown
from fairprune.judgments.connectivity import components
from fairprune.judgments.davidson import RIDGE, Model, fit
from fairprune.judgments.measured import POINT, RESAMPLES, Measured
from fairprune.judgments.twoway import Cells, Draws, bootstrap, standard_error
from fairprune.judgments.votes import AUTOMATIC, Outcome, groups_of
from fairprune.uncertainty import LEVEL, FloatArray
from fairprune.uncertainty.intervals import t_interval

_COLUMN = {"a": 0, "tie": 1, "b": 2}


@dataclass(frozen=True)
class Strength:
    """One system."""

    system: str
    strength: Measured
    """log π: relative to the reference, or to the mean of the systems that it is connected with. n: decided votes about it."""
    component: int
    """Systems of different components were never compared, not even through others."""


@dataclass(frozen=True)
class Difference:
    """Two systems that are connected with one another."""

    better: str
    worse: str
    difference: Measured
    """log π of the first minus the second, at least 0: the log-odds that the first is preferred, among the votes that prefer one."""
    p_value: float | None
    """Two-sided, t with the interval's degrees of freedom; not adjusted for how many differences there are."""


@dataclass(frozen=True)
class Ranking:
    """All systems, strongest first."""

    strengths: tuple[Strength, ...]
    differences: tuple[Difference, ...]
    nu: Measured
    """Davidson's ν: two equally strong systems tie with the probability ν / (2 + ν)."""
    reference: str | None
    n_votes: int
    """Decided votes: a, b or tie; automatic ties among them."""
    n_judges: int
    n_clusters: int
    n_automatic: int
    n_both_unfair: int
    """Votes that no strength rests on: both unfair is no tie."""
    n_cannot_tell: int
    warnings: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Tally:
    """What the votes about one pair were."""

    system_a: str
    system_b: str
    a: int
    tie: int
    b: int
    both_unfair: int
    cannot_tell: int


def tally(results: Sequence[Outcome]) -> list[Tally]:
    """Counts per pair of systems, in the order of their names."""
    counts = Counter((one.system_a, one.system_b, one.result) for one in results)
    pairs = sorted({(a, b) for a, b, _ in counts})
    return [
        Tally(
            *pair,
            *(counts[(*pair, result)] for result in ("a", "tie", "b", "both_unfair", "cannot_tell")),
        )
        for pair in pairs
    ]


def rank(
    results: Sequence[Outcome],
    *,
    reference: str | None = None,
    ridge: float = RIDGE,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Ranking:
    """Strengths of the systems with 95 % intervals.

    The variance of an estimate is V(judges) + V(samples) − V(votes), each from a bootstrap of its own that draws whole
    judges, whole samples (items where no sample is known), and single votes: judges and samples are crossed, and what a vote
    varies by itself is in both. The interval is value ± t · se with one degree of freedom less than the smaller number
    of clusters. Automatic ties count as ties; they vary with the samples alone.

    Args:
        results: of one question, repeats left out (`votes.outcomes`).
        reference: the system whose strength is called 0, such as the dense model.

    Raises:
        BadInput: no decided vote, outcomes of several questions, an unknown reference.

    Sources: Davidson, JASA 65 (1970); `twoway` for the two ways of clustering.
    """
    decided = _checked(results)
    systems = sorted({system for one in results for system in one.pair})
    if reference is not None and reference not in systems:
        raise unknown("reference system", reference, systems)
    place = {system: i for i, system in enumerate(systems)}
    data = _cells(decided, place)
    model = Model(data.pairs, len(systems), bool(data.counts[:, 1].sum()), ridge)
    parameters = fit(model, data.counts)
    draws = bootstrap(model, data, parameters, resamples, seed)
    parts = components(systems, [one.pair for one in decided])
    part = {system: number for number, names in enumerate(parts) for system in names}
    sizes = Counter(system for one in decided for system in one.pair)

    def measure(contrast: FloatArray, n: int, transform: Callable[[float], float] | None = None) -> Measured:
        return _interval(contrast, parameters, draws, data, n, transform)

    strengths = []
    for system in systems:
        contrast = np.zeros(len(parameters))
        contrast[place[system]] = 1.0
        if reference is not None and part[reference] == part[system]:
            contrast[place[reference]] -= 1.0
            found = measure(contrast, sizes[system])
            if system == reference:
                found = Measured(
                    0.0, None, None, sizes[system], found.n_clusters, "the reference: 0 by definition"
                )
        elif reference is not None:
            why = f"never compared with {reference}, not even through others"
            found = Measured(None, None, None, sizes[system], 0, why)
        else:
            same = [place[other] for other in parts[part[system]]]
            contrast[same] -= 1 / len(same)
            found = measure(contrast, sizes[system])
            if len(same) == 1:
                found = Measured(None, None, None, sizes[system], 0, "never compared with another system")
        strengths.append(Strength(system, found, part[system]))
    strengths.sort(key=lambda one: (one.component, -(one.strength.value or 0.0), one.system))
    last = np.zeros(len(parameters))
    last[-1] = 1.0
    none = Measured(0.0, None, None, len(decided), data.n_clusters, "no tie was given")
    return Ranking(
        tuple(strengths),
        tuple(_differences(strengths, place, parameters, draws, data)),
        measure(last, len(decided), math.exp) if model.ties else none,
        reference,
        len(decided),
        data.n_judges,
        data.n_clusters,
        sum(one.judge == AUTOMATIC for one in decided),
        sum(one.result == "both_unfair" for one in results),
        sum(one.result == "cannot_tell" for one in results),
        tuple(_warnings(decided, systems, parts)),
    )


def rank_by_group(results: Sequence[Outcome], **options: object) -> dict[str, Ranking | str]:
    """`rank` for the judges of each self-reported group ('' for those without one), or why it cannot be."""
    found: dict[str, Ranking | str] = {}
    for name, own in groups_of(results).items():
        try:
            found[name] = rank(own, **options)  # type: ignore[arg-type]
        except BadInput as error:
            found[name] = str(error)
    return found


def _cells(decided: Sequence[Outcome], place: dict[str, int]) -> Cells:
    return Cells.of_votes(
        np.array([place[one.system_a] for one in decided]),
        np.array([place[one.system_b] for one in decided]),
        np.array([_COLUMN[one.result] for one in decided]),
        np.array([one.judge for one in decided]),
        np.array([one.cluster for one in decided]),
        np.array([one.judge != AUTOMATIC for one in decided]),
    )


def _checked(results: Sequence[Outcome]) -> list[Outcome]:
    questions = sorted({one.question for one in results})
    if len(questions) > 1:
        raise BadInput(f"outcomes of {', '.join(questions)} were mixed: rank one question at a time")
    decided = [one for one in results if one.rank is not None]
    if not decided:
        raise BadInput(
            f"none of {len(results)} votes prefers a system or calls it a tie: there is nothing to rank"
        )
    return decided


def _interval(
    contrast: FloatArray,
    parameters: FloatArray,
    draws: Draws,
    data: Cells,
    n: int,
    transform: Callable[[float], float] | None,
) -> Measured:
    of = transform or (lambda value: value)
    value = float(contrast @ parameters)
    fewer = min(data.n_judges, data.n_clusters)
    if fewer < 2:
        which = "judge" if data.n_judges < 2 else "sample"
        why = f"fewer than two {which}s: nothing shows how much another would differ, so there is no interval"
        return Measured(of(value), None, None, n, fewer, why)
    se = standard_error(contrast, draws, data)
    if se < 1e-12:
        return Measured(of(value), None, None, n, fewer, POINT)
    low, high = t_interval(value, se, fewer - 1, LEVEL)
    return Measured(of(value), of(low), of(high), n, fewer)


def _differences(
    strengths: Sequence[Strength],
    place: dict[str, int],
    parameters: FloatArray,
    draws: Draws,
    data: Cells,
) -> list[Difference]:
    from scipy.special import stdtr

    found = []
    for i, first in enumerate(strengths):
        for second in strengths[i + 1 :]:
            if first.component != second.component:
                continue
            contrast = np.zeros(len(parameters))
            contrast[place[first.system]], contrast[place[second.system]] = 1.0, -1.0
            both = sorted([place[first.system], place[second.system]])
            n = int(data.counts[(data.pairs == both).all(axis=1)].sum())
            value = _interval(contrast, parameters, draws, data, n, None)
            p = None
            if value.low is not None:
                t = abs(float(contrast @ parameters)) / standard_error(contrast, draws, data)
                p = float(2 * stdtr(value.n_clusters - 1, -t))
            found.append(Difference(first.system, second.system, value, p))
    return found


def _warnings(decided: Sequence[Outcome], systems: Sequence[str], parts: list[list[str]]) -> list[str]:
    """What a reader must know before the numbers: what cannot be compared, and what only the ridge holds."""
    if len(parts) > 1:
        listed = "; ".join(", ".join(names) for names in parts)
        return [
            f"the systems fall into {len(parts)} sets that were never compared with one another ({listed}): strengths "
            "are comparable only within a set"
        ]
    edges = [edge for one in decided for edge in _edges(one)]
    strong = components(systems, edges, strong=True)
    if len(strong) > 1:
        listed = "; ".join(", ".join(names) for names in strong)
        return [
            f"some systems won, or lost, every vote against the others ({listed}): how far they lie apart is decided by the "
            "ridge, not by the votes"
        ]
    return []


def _edges(one: Outcome) -> list[tuple[str, str]]:
    a, b = one.pair
    return {"a": [(a, b)], "b": [(b, a)], "tie": [(a, b), (b, a)]}[one.result]
