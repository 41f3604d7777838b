"""How far a difference could be from the truth, when the truth decides how much it varies.

A difference of which few samples make up everything varies the more, the more such samples there are. Taken from the
sample itself, the standard error is small where by chance few of them were drawn, just then when the value is too
small: value ± t · se then misses a larger truth in one of eight data sets. Here every value that the truth might have is
judged by the standard error that the data would have, were it the truth: the topics are weighted, as near to equally
as possible, so that their mean is that value (empirical likelihood). Of zeros and ones this is Tango's score interval for
paired proportions.

How much a single topic could change is known of zeros and ones only. Of any other number half a topic is added that
changes by as much as any does, and half a one that changes as much the other way, after Agresti and Min. The
standard error is never taken as smaller than that of the bootstrap: the interval only becomes wider.

Sources: Tango, Statistics in Medicine 17 (1998); Owen, Empirical Likelihood (2001), chapter 2; Agresti and Min, Statistics
in Medicine 24 (2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fairprune.uncertainty.intervals import t_quantile
from fairprune.uncertainty.resampling import FloatArray

HALF, SEEN = 0.5, 0.001
"""Topics that are added in each direction. Of zeros and ones next to nothing: Tango's interval has nothing added."""
_EDGE = 1e-9
"""Nearest to the outermost topic, as a share of the way there."""
_PRECISION = 1e-7
"""Of a tilt, relative to it."""


@dataclass(frozen=True)
class Tilting:
    """Standard error of a value, for every truth that it might have."""

    value: float
    se: float
    """The least that the standard error is taken for."""
    points: FloatArray
    """(k,) distinct contributions of topics, minus the value; below 0 and above 0 there is at least one."""
    counts: FloatArray
    """(k,) how many topics contribute that."""
    scale: float
    """Squared standard error per variance of the contributions."""

    def se_at(self, truth: float) -> float:
        """The standard error, were this the truth; that of the bootstrap where no weights of the topics give it."""
        from scipy.optimize import brentq

        target = truth - self.value
        low, high = self._range()
        if not self._at(high)[0] < target < self._at(low)[0]:
            return self.se
        found = brentq(lambda tilt: self._at(tilt)[0] - target, low, high, rtol=_PRECISION)
        return max(self.se, math.sqrt(self.scale * self._at(found)[1]))

    def interval(self, level: float, df: int) -> tuple[float, float]:
        """All truths that lie within t of their own standard errors of the value."""
        from scipy.optimize import brentq

        t = t_quantile(level, df)
        found = []
        for sign, edge in ((-1.0, self._range()[1]), (1.0, self._range()[0])):

            def beyond(tilt: float, sign: float = sign) -> float:
                mean, variance = self._at(tilt)
                return sign * mean - t * math.sqrt(self.scale * variance)

            reach = t * self.se
            if beyond(0.0) < 0 < beyond(edge):
                tilt = brentq(beyond, min(0.0, edge), max(0.0, edge), rtol=_PRECISION)
                reach = max(reach, abs(self._at(tilt)[0]))
            found.append(self.value + sign * reach)
        return found[0], found[1]

    def _range(self) -> tuple[float, float]:
        """Tilts at which every weight is above 0: at the least the mean is the largest point, at the most the smallest."""
        least, most = float(self.points.min()), float(self.points.max())
        none = _EDGE * (most - least)  # beyond the value there is nothing on this side
        low = -(1 - _EDGE) / most if most > none else 0.0
        return low, (1 - _EDGE) / -least if least < -none else 0.0

    def _at(self, tilt: float) -> tuple[float, float]:
        """Mean and variance of the points under the weights that are nearest to equal for this mean."""
        weights = self.counts / (1 + tilt * self.points)
        weights = weights / weights.sum()
        mean = float(weights @ self.points)
        return mean, max(0.0, float(weights @ self.points**2) - mean * mean)


def tilting(contributions: FloatArray, value: float, se: float, *, binary: bool = False) -> Tilting | None:
    """From what each topic contributes to a value.

    Args:
        contributions: (g,), whose mean is the value; 0 of a topic in which nothing changed.
        se: of the bootstrap.
        binary: whether a topic changes by 1, 0 or −1. Clusters and strata then only widen.

    Returns:
        None where no topic changes, unless `binary`: nothing says how much one could.
    """
    most = float(np.abs(contributions).max(initial=1.0 if binary else 0.0))
    if most <= 0:
        return None
    n_topics = len(contributions)
    variance = float(np.mean((contributions - value) ** 2))
    effect = se * se * n_topics / variance if variance > 0 else 1.0
    points, counts = np.unique(np.round((contributions - value) / most, 12), return_counts=True)
    added = SEEN if binary else HALF
    return Tilting(
        value,
        se,
        np.concatenate([points * most, [-most - value, most - value]]),
        np.concatenate([counts.astype(np.float64), [added, added]]),
        (max(effect, 1.0) if binary else effect) / n_topics,
    )
