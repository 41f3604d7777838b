"""Two sets among numbers, or the refusal to see two: 2-means splits pure noise as well.

The gap of the two means, in standard deviations within the sets, is compared with the gaps that 2-means finds in
samples without groups that have the same n, skewness and, where there are such, kurtosis. They
are drawn from Pearson's system (normal, gamma,
beta, Pearson IV with Student's t, inverse gamma, beta prime), which has one distribution for each pair of skewness and
kurtosis, as far as its density is bounded and so has one mode. Where the pair belongs to a density with poles, or to none
at all (two tight sets of equal size have nearly the kurtosis of two points), the samples are those of the nearest: of the
generalised Pareto distribution whose samples have this skewness, which has the least kurtosis of a bounded density of the
system.

How often noise is accepted, nominally 1 %, of 290 samples (100 of 30 and of 100 values, 60 of 400, 30 of 1,200): normal 0,
uniform 6, exponential 1, lognormal (σ = 1) 0, Student's t with 3 degrees of freedom 1. What passes for two sets is a
density with a pole, such as that of a beta distribution with a parameter of 0.5, from some hundred values on: it is a tight
set and a long rest. Beyond the nominal 1 % is accepted, too, what has one mode and is no member of Pearson's system: a mixture of
two scales (80 % N(0, 1), 20 % N(0, 16), the second being the variance) in 12 of 60 samples of 150 values, 18 of 60 of 300 and 9 of
40 of 600; lognormal with σ = 1.5 in 3 of 40 samples of 600. Two tight sets of nearly equal size are compared with a generalised
Pareto distribution: that null has their n and skewness, and not their kurtosis.

A small set is refused where values are few. Accepted of 20 samples each whose smaller set lies
3, 5, 7, 9 standard deviations away: a tenth of 60 values 0, 0, 5, 20; a tenth of 100 0, 5, 8, 20; a tenth of 400 1, 20; a
twentieth of 1,000 0, 19, 20 (at 6).

Source: Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions, volume 1 (1994), chapter 12; type IV:
Heinrich, A guide to the Pearson type IV distribution (2004).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fairprune.errors import BadInput, NumericError
from fairprune.labels.heldout import even_weights
from fairprune.text import counted
from fairprune.uncertainty import FloatArray

LEAST = 20
"""Values below which skewness and kurtosis say too little for a comparison."""
LEAST_MEMBERS, LEAST_SHARE = 3, 0.02
"""Of a set: a few values far out are outliers, which would weigh as much as all others."""
SAMPLES = 1000
QUANTILE = 0.99
PART_QUANTILE = 0.9
"""Of one part, after all parts together were accepted."""
NEAR = 0.02
"""Distance in kurtosis from the line of a simpler type within which that is taken: the next type's parameters grow
without limit there."""
ANGLES = 20_001  # of the grid on which a type IV distribution is inverted
MATCHED = 200  # samples on which a skewness is met
AT_ONCE = 2_000_000  # simulated numbers that are sorted together: 16 MB


@dataclass(frozen=True)
class Split:
    """What 2-means finds, and whether it is more than it finds in numbers without groups."""

    members: NDArray[np.bool_] = field(repr=False)
    """(n,): true in the set of the higher mean. Found also where the split is refused."""
    means: tuple[float, float]
    """Of the lower and of the higher set, in the values' unit."""
    gap: float
    """Distance of the means in standard deviations within the sets, ≥ 0."""
    limit: float | None
    """99th percentile of the gap in samples without groups; None where none were drawn."""
    skewness: float | None
    kurtosis: float | None
    """Excess kurtosis, 0 of a normal distribution. None of values that are all alike."""
    accepted: bool
    reason: str
    """Why it is accepted or refused, with both numbers, as the end of a sentence."""

    @property
    def sizes(self) -> tuple[int, int]:
        """Values in the lower and in the higher set."""
        high = int(self.members.sum())
        return len(self.members) - high, high

    def check(self, what: str) -> None:
        """Raises BadInput when the split is refused.

        Args:
            what: was split, in plural, for the sentence.
        """
        if not self.accepted:
            raise BadInput(
                f"the {what} do not fall into two sets: {self.reason}. Ask for more of them, or use uniform weights"
            )

    def weights(self) -> FloatArray:
        """(n,), mean 1: the two sets weigh alike.

        Raises:
            BadInput: the split is refused.
        """
        self.check("values")
        return balanced_weights(self.members)

    def to_json(self) -> dict[str, Any]:
        """All but the members."""
        low, high = self.sizes
        return {
            "n": low + high,
            "sizes": {"low": low, "high": high},
            "means": {"low": self.means[0], "high": self.means[1]},
            "gap": self.gap,
            "limit": self.limit,
            "skewness": self.skewness,
            "kurtosis": self.kurtosis,
            "samples": SAMPLES if self.limit is not None else 0,
            "accepted": self.accepted,
            "reason": self.reason,
        }


def balanced_weights(members: Sequence[bool] | NDArray[np.bool_]) -> FloatArray:
    """(n,), mean 1: 1/|set| for each value, times the same number; all 1 where there is one set only."""
    return even_weights(["high" if member else "low" for member in members])


def two_means(values: ArrayLike, seed: int = 0) -> Split:
    """The two sets of least squares of `values` (n,), accepted if their gap is beyond that of samples without groups.

    Args:
        seed: of the simulated samples.

    Raises:
        BadInput: values of another shape than (n,).
        NumericError: a value that is not finite.
    """
    from scipy import stats

    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1:
        raise BadInput(f"values to split have shape {given.shape}, but (n,) is needed")
    if bad := int((~np.isfinite(given)).sum()):
        raise NumericError(f"{bad} of {len(given)} values to split are NaN or infinite")
    n = len(given)
    if n < 2 or given.min() == given.max():
        means = (float(given.mean()),) * 2 if n else (0.0, 0.0)
        alike = f"all {n} values are alike" if n else "there are no values"
        return Split(np.zeros(n, dtype=np.bool_), means, 0.0, None, None, None, False, alike)
    members, gap = best_cut(given)
    means = float(given[~members].mean()), float(given[members].mean())
    skewness, kurtosis = float(stats.skew(given)), float(stats.kurtosis(given))
    if n < LEAST:
        few = f"{counted(n, 'value')} are too few to tell two sets from one: at least {LEAST} are needed"
        return Split(members, means, gap, None, skewness, kurtosis, False, few)
    limit = gap_limit(n, skewness, kurtosis, seed)
    accepted = gap > limit
    reason = (
        f"the two means lie {gap:.3g} standard deviations within the sets apart, "
        f"{'beyond' if accepted else 'not beyond'} the {limit:.3g} below which {QUANTILE:.0%} of {SAMPLES} samples "
        f"without groups lie (n {n}, skewness {skewness:.2g}, kurtosis {kurtosis:.2g})"
    )
    return Split(members, means, gap, limit, skewness, kurtosis, accepted, reason)


@dataclass(frozen=True)
class Parts:
    """2-means within each part (class) of some numbers, judged first together, then part by part."""

    together: Split
    """Its gap is the mean of the parts' gaps, its limit the 99th percentile of that mean over samples without groups in any
    part, each with the part's own n, skewness and kurtosis. `members` are those of all parts."""
    each: dict[int, Split]
    """Part → its own 2-means with its own 99th percentile."""
    kept: dict[int, bool]
    """Part → whether its split is used: all parts together are accepted, and its own gap lies beyond the `PART_QUANTILE` of
    its samples without groups."""


def split_parts(values: ArrayLike, parts: Sequence[int] | NDArray[Any], seed: int = 0) -> Parts:
    """2-means within each part of `values` (n,). Numbers of different parts are never mixed: two shapes of noise look like two sets.

    Args:
        parts: (n,), the part of each.
        seed: of the simulated samples.

    Raises:
        BadInput, NumericError: as `two_means`.
    """
    given, named = np.asarray(values, dtype=np.float64), np.asarray(parts)
    members = np.zeros(len(given), dtype=np.bool_)
    each: dict[int, Split] = {}
    nulls: dict[int, FloatArray] = {}
    for part in np.unique(named).tolist():
        rows = np.flatnonzero(named == part)
        one = each[int(part)] = two_means(given[rows], seed)
        members[rows] = one.members
        if one.limit is not None and one.skewness is not None and one.kurtosis is not None:
            # Seeds of their own: parts of equal size must not draw the same samples.
            nulls[int(part)] = null_gaps(len(rows), one.skewness, one.kurtosis, seed + 1 + len(nulls))
    together = _together(given, members, each, nulls)
    kept = {
        part: together.accepted and part in nulls and one.gap > float(np.quantile(nulls[part], PART_QUANTILE))
        for part, one in each.items()
    }
    return Parts(together, each, kept)


def _together(
    values: FloatArray, members: NDArray[np.bool_], each: dict[int, Split], nulls: dict[int, FloatArray]
) -> Split:
    sides = values[~members], values[members]
    means = tuple(float(side.mean()) if len(side) else 0.0 for side in sides)
    if not nulls:
        reason = next((one.reason for one in each.values()), "there are no values")
        return Split(members, (means[0], means[1]), 0.0, None, None, None, False, reason)
    gap = float(np.mean([each[part].gap for part in nulls]))
    limit = float(np.quantile(np.mean(list(nulls.values()), axis=0), QUANTILE))
    accepted = gap > limit
    reason = (
        f"within a class the two means lie {gap:.3g} standard deviations within the sets apart in the mean over "
        f"{counted(len(nulls), 'class', 'classes')}, {'beyond' if accepted else 'not beyond'} the {limit:.3g} below which "
        f"{QUANTILE:.0%} of {SAMPLES} samples without groups in any class lie"
    )
    return Split(members, (means[0], means[1]), gap, limit, None, None, accepted, reason)


def best_cut(values: FloatArray) -> tuple[NDArray[np.bool_], float]:
    """2-means of finite values (n,), without a judgement: who is in the higher set, and the gap."""
    order = np.argsort(values, kind="stable")
    cut, gaps = _best_cuts(values[order][None])
    members = np.zeros(len(values), dtype=np.bool_)
    members[order[cut[0] :]] = True
    return members, float(gaps[0])


def least_members(n: int) -> int:
    """How many of n values a set has at least."""
    return min(n // 2, max(LEAST_MEMBERS, math.ceil(LEAST_SHARE * n)))


def gap_limit(n: int, skewness: float, kurtosis: float, seed: int = 0) -> float:
    """The 99th percentile of the gap over 1,000 samples of n values without groups."""
    return float(np.quantile(null_gaps(n, skewness, kurtosis, seed), QUANTILE))


def null_gaps(n: int, skewness: float, kurtosis: float, seed: int = 0) -> FloatArray:
    """The gaps (1,000,) that 2-means finds in samples of n values without groups."""
    rng = np.random.default_rng([seed, n])
    rows = max(1, AT_ONCE // n)
    gaps = [
        _best_cuts(np.sort(unimodal(skewness, kurtosis, (min(rows, SAMPLES - start), n), rng), axis=1))[1]
        for start in range(0, SAMPLES, rows)
    ]
    return np.concatenate(gaps)


def _best_cuts(ordered: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
    """2-means of ascending rows (R, n), exactly: where the higher set begins (R,), and the gap (R,).

    In one dimension the two sets are separated by a point, so all n − 1 cuts are tried. Equal values stay together.
    """
    n = ordered.shape[1]
    centred = ordered - ordered.mean(axis=1, keepdims=True)
    total = centred.cumsum(axis=1)[:, :-1]  # of the lower set; that of the higher is its negative
    size = np.arange(1, n)
    between = total**2 * (1 / size + 1 / (n - size))
    between[ordered[:, 1:] == ordered[:, :-1]] = -1.0
    fewest = least_members(n)
    between[:, : fewest - 1] = between[:, n - fewest :] = -1.0
    cut = between.argmax(axis=1)
    rows = np.arange(len(ordered))
    best, low = np.maximum(between[rows, cut], 0.0), total[rows, cut]
    distance = np.abs(low) * (1 / size[cut] + 1 / (n - size[cut]))
    within = np.sqrt(np.maximum((centred**2).sum(axis=1) - best, 0.0) / n)
    # Of two values alone nothing varies within: a gap so large that it is finite and beyond every limit.
    least = np.maximum(within, 1e-9 * distance)
    return cut + 1, np.divide(distance, least, out=np.zeros_like(distance), where=distance > 0)


def unimodal(
    skewness: float, kurtosis: float, shape: tuple[int, int], rng: np.random.Generator
) -> FloatArray:
    """Numbers without groups of this skewness and excess kurtosis, of any location and scale.

    Where Pearson's system has no bounded density with both: of this skewness.
    """
    found = _pearson(abs(skewness), kurtosis + 3, shape, rng)
    if found is None:
        found = _generalised_pareto(abs(skewness), shape, rng)
    return -found if skewness < 0 else found


def _pearson(
    skewness: float, b2: float, shape: tuple[int, int], rng: np.random.Generator
) -> FloatArray | None:
    """Of this skewness ≥ 0 and kurtosis b2, 3 of a normal distribution; None where the density is not bounded."""
    b1 = skewness**2
    above = 2 * b2 - 3 * b1 - 6  # the gamma distributions' line in the plane of b1 and b2, where this is 0
    if abs(above) < NEAR and b1 <= 4:
        return rng.gamma(4 / b1, size=shape) if b1 > NEAR**2 else rng.normal(size=shape)
    if above < NEAR:
        parameters = _beta_parameters(skewness, b2)
        return None if parameters is None else rng.beta(*parameters, size=shape)
    r = 6 * (b2 - b1 - 1) / above
    kind = b1 * (r - 2) ** 2 / (16 * (r - 1))
    if kind < 1 - NEAR:
        return _pearson_iv(r, -r * (r - 2) * skewness / math.sqrt(16 * (r - 1) * (1 - kind)), shape, rng)
    if kind < 1 + NEAR:
        # Inverse gamma distributions have skewness 4 √(a − 2) / (a − 3).
        shift = 6 * b1 + 16
        a = (shift + math.sqrt(shift**2 - 4 * b1 * (9 * b1 + 32))) / (2 * b1)
        return 1 / rng.gamma(a, size=shape)
    first, second = _beta_prime_parameters(skewness, b1, b2)
    return rng.gamma(first, size=shape) / rng.gamma(second, size=shape) if first >= 1 else None


def _beta_parameters(skewness: float, b2: float) -> tuple[float, float] | None:
    """Of the beta distribution with this skewness ≥ 0 and kurtosis b2; None where there is none with a bounded density."""
    b1 = skewness**2
    below = 6 + 3 * b1 - 2 * b2
    if below <= 0 or b2 <= b1 + 1:
        return None
    r = 6 * (b2 - b1 - 1) / below
    lean = (r + 2) * skewness / math.sqrt(b1 * (r + 2) ** 2 + 16 * (r + 1))
    smaller, larger = r / 2 * (1 - lean), r / 2 * (1 + lean)
    return (smaller, larger) if smaller >= 1 else None


def _generalised_pareto(skewness: float, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Samples whose own skewness is this in the median: near uniform at 0, exponential at 2, beyond that with a power's tail.

    The distribution's skewness is no guide: that of samples falls short of it where the tail is heavy.
    """
    from scipy.optimize import brentq
    from scipy.stats import skew

    tried = rng.exponential(size=(max(1, min(MATCHED, AT_ONCE // (10 * shape[1]))), shape[1]))

    def surplus(c: float) -> float:
        return float(np.median(skew(_stretched(tried, c), axis=1))) - skewness

    low, high = -1.0, 3.0
    if surplus(low) >= 0 or surplus(high) <= 0:
        return _stretched(rng.exponential(size=shape), low if surplus(low) >= 0 else high)
    return _stretched(rng.exponential(size=shape), float(brentq(surplus, low, high, xtol=1e-3)))


def _stretched(exponential: FloatArray, c: float) -> FloatArray:
    """Exponentially distributed numbers as ones of the generalised Pareto distribution with shape c."""
    found: FloatArray = np.expm1(c * exponential) / c if abs(c) > 1e-9 else exponential
    return found


def _pearson_iv(r: float, nu: float, shape: tuple[int, int], rng: np.random.Generator) -> FloatArray:
    """Type IV, Student's t with r − 1 degrees of freedom where ν is 0: the tangent of an angle of density ∝ cosʳ θ · e^(−νθ)."""
    edges = np.linspace(-math.pi / 2, math.pi / 2, ANGLES)
    middle = (edges[1:] + edges[:-1]) / 2
    logarithm = r * np.log(np.cos(middle)) - nu * middle
    share = np.exp(logarithm - logarithm.max())
    total = np.concatenate([[0.0], share.cumsum()])
    return np.tan(np.interp(rng.random(shape), total / total[-1], edges))


def _beta_prime_parameters(skewness: float, b1: float, b2: float) -> tuple[float, float]:
    """Type VI: of Pearson's equation f′/f = −(x + c1) / (c0 + c1 x + c2 x²) both roots are real and negative."""
    scale = 10 * b2 - 12 * b1 - 18
    c0, c1, c2 = (4 * b2 - 3 * b1) / scale, skewness * (b2 + 3) / scale, (2 * b2 - 3 * b1 - 6) / scale
    root = math.sqrt(c1**2 - 4 * c0 * c2)
    low, high = (-c1 - root) / (2 * c2), (-c1 + root) / (2 * c2)
    below, above = (low + c1) / (c2 * (high - low)), -(high + c1) / (c2 * (high - low))
    return above + 1, -below - above - 1
