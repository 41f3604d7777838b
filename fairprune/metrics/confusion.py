"""What a classifier's held-out errors do to SPD2: its own bias, and the correction by its confusion matrix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from fairprune.errors import BadInput
from fairprune.metrics.shares import Shares
from fairprune.text import counted
from fairprune.uncertainty import LEVEL, FloatArray
from fairprune.uncertainty.estimates import POINT_LIMIT

MAX_CONDITION = 10.0
"""Of a matrix with a larger condition number the inverse blows errors up more than tenfold: with two groups, both
recognised alike, that is an accuracy below 55 %."""
DRAWS = 500
BIAS_DRAWS = 2000


@dataclass(frozen=True)
class Correction:
    """The inverse of a confusion matrix. Observed label shares q → true shares π = inverse · q."""

    counts: FloatArray
    """(groups, groups): held-out opinions, rows their own group, columns the predicted one."""
    inverse: FloatArray
    """(groups, groups), of the transposed matrix of recognition rates; columns sum to 1."""
    condition: float
    """Condition number of the matrix of recognition rates, 2-norm, ≥ 1."""

    def apply(self, shares: Shares) -> Shares:
        """Both sides corrected. A corrected share may leave [0, 1]; see `corrected`."""
        if shares.summary is None:
            return shares
        source, summary = (
            tuple(Fraction(float(share)) for share in self.inverse @ _floats(side))
            for side in (shares.source, shares.summary)
        )
        return Shares(shares.groups, source, summary, shares.unscored, shares.zero_match)


def correction(report: Mapping[str, Any]) -> Correction:
    """The correction from a classifier's held-out report.

    Shares of single samples are corrected without bounds: the mean over samples is then right on average, while
    bounded ones would pull short summaries towards 0 and long sources not. Whatever leaves [0, 1] is counted.

    Source: Forman, Counting positives accurately despite inaccurate classification, ECML 2005 (adjusted count);
    for several classes Saerens et al., Neural Computation 14 (2002).

    Raises:
        BadInput: no matrix, a group without held-out opinions, a matrix that is too near to singular, or one that so
            few opinions do not tell from a singular one.
    """
    counts = _counts(report)
    groups = list(report["groups"])
    empty = [group for group, total in zip(groups, counts.sum(axis=1), strict=True) if total == 0]
    if empty:
        raise BadInput(
            f"no held-out opinion of {', '.join(empty)}: the confusion matrix cannot be inverted, so SPD2 is not corrected"
        )
    rates = counts / counts.sum(axis=1, keepdims=True)
    condition = float(np.linalg.cond(rates))
    if not condition <= MAX_CONDITION:
        raise BadInput(
            f"the classifier tells the groups apart too badly for a correction: its confusion matrix has the condition "
            f"number {condition:.3g}, and at most {MAX_CONDITION:g} is inverted"
        )
    turned = np.mean([np.linalg.det(drawn) <= 0 for drawn in _redrawn(counts, 0)])
    if turned > (1 - LEVEL) / 2:
        raise BadInput(
            f"{counted(int(counts.sum()), 'held-out opinion does', 'held-out opinions do')} "
            f"not show that the classifier tells the groups apart (in {turned:.0%} of "
            "resamples its confusion matrix has no use): SPD2 is not corrected"
        )
    return Correction(counts, np.linalg.inv(rates.T), condition)


def outside(shares: Sequence[Shares]) -> int:
    """Samples whose corrected shares leave [0, 1] on either side."""
    return sum(
        any(share is not None and not 0 <= share <= 1 for share in (*one.source, *one.summary))
        for one in shares
        if one.summary is not None
    )


def correction_bounds(found: Correction, observed: FloatArray, seed: int) -> tuple[float, float] | None:
    """95 % bounds of the corrected signed SPD2 from what the held-out opinions leave open of the matrix alone.

    Each row of the matrix is drawn anew (multinomial); draws in which the groups are not told apart are left out, and
    `correction` refuses a matrix of which more than 2.5 % are.

    Args:
        observed: (n, groups) uncorrected y − x of the scored samples.

    Returns:
        (low, high), or None where no draw can be inverted or no sample is scored.
    """
    if not len(observed):
        return None
    drawn = [
        float(spd2_values(observed @ np.linalg.inv(rates.T).T).mean())
        for rates in _redrawn(found.counts, seed)
        if np.linalg.det(rates) > 1e-6
    ]
    if not drawn:
        return None
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _redrawn(counts: FloatArray, seed: int) -> Iterator[FloatArray]:
    """Recognition rates (groups, groups) of as many held-out opinions of each group, `DRAWS` times."""
    rng = np.random.default_rng(seed)
    totals = counts.sum(axis=1)
    for _ in range(DRAWS):
        yield np.array([rng.multinomial(int(n), row / n) / n for n, row in zip(totals, counts, strict=True)])


def spd2_values(d: FloatArray) -> FloatArray:
    """(n, groups) y − x → (n,): d_a − d_b for two groups, max d − min d for more."""
    values: FloatArray = d[:, 0] - d[:, 1] if d.shape[1] == 2 else d.max(axis=1) - d.min(axis=1)
    return values


def classifier_bias(report: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """The SPD2 that the classifier itself would report: predicted minus true balance of held-out opinions.

    Zero for a classifier that errs as often either way; what it is for these opinions it need not be for summaries.

    Resamples of opinions without an error hold none either: then the bounds are those of the error rate. Seen in none of n
    opinions, it lies with 95 % confidence below e = 1 − 0.05^(1 / n), about 3 / n, and an opinion that is told wrong moves
    the balance by 2 / n at most: ± 2 e.

    Returns:
        value, low, high (95 %, opinions resampled), n, and as `limit` what else the bounds are, or why there are none; or
        None with a reason.

    Source: Hanley and Lippman-Hand, JAMA 249 (1983), if nothing goes wrong, is everything all right?
    """
    try:
        counts = _counts(report)
    except BadInput as error:
        return {"value": None, "low": None, "high": None, "n": 0, "limit": None, "reason": str(error)}
    n = int(counts.sum())
    if n == np.trace(counts):
        most = 1 - (1 - LEVEL) ** (1 / n)
        return {
            "value": 0.0,
            "low": -2 * most if len(counts) == 2 else 0.0,  # of more groups the value is a range
            "high": 2 * most,
            "n": n,
            "limit": f"no error among {n} held-out opinions: at most {most:.1%} of others are wrong (95 %), which the bounds rest on",
            "reason": None,
        }
    drawn = np.random.default_rng(seed).multinomial(n, counts.ravel() / n, size=BIAS_DRAWS)
    tables = np.concatenate([counts[None], drawn.reshape(-1, *counts.shape)]) / n
    values = spd2_values(tables.sum(axis=1) - tables.sum(axis=2))  # predicted − true share per group
    found: dict[str, Any] = {
        "value": float(values[0]),
        "low": None,
        "high": None,
        "n": n,
        "limit": None,
        "reason": None,
    }
    if np.ptp(values[1:]) < 1e-12:
        return {**found, "limit": POINT_LIMIT}
    low, high = np.quantile(values[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return {**found, "low": float(low), "high": float(high)}


def _counts(report: Mapping[str, Any]) -> FloatArray:
    counts = np.array(report.get("confusion") or [[]], dtype=np.float64)
    if not counts.sum():
        raise BadInput("the classifier has no confusion matrix of held-out opinions")
    return counts


def _floats(shares: Sequence[Fraction | None]) -> FloatArray:
    return np.array([float(share or 0) for share in shares])
