"""Neural Collapse of chosen words, from class sums: NC1, NC2, GNC2, NC3, UNC3. Without torch.

Class c is a token id, its features h are what the output matrix reads where c is the next token, w_c is its row of that matrix.
μ_c = mean of its features, σ_c² = mean ‖h − μ_c‖², μ_G = the unweighted mean of the μ_c of the list, μ̂_c = (μ_c − μ_G) / ‖μ_c − μ_G‖.

Sources: Papyan, Han & Donoho, PNAS 2020 (NC1 to NC4); Wu & Papyan, NeurIPS 2024 (arXiv 2405.17767) for language models and GNC2;
arXiv 2410.04472 for NC3 and UNC3 of chosen words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairprune.uncertainty import FloatArray

MIN_COUNT = 10
"""Features from which on a word counts."""
MEASURES: dict[str, tuple[str, str]] = {
    "nc1": (
        "NC1",
        "spread within words over the distance between them: mean over pairs of (σ² + σ'²) / (2 ‖μ − μ'‖²); lower = collapsed",
    ),
    "nc2_norms": ("NC2 (norms)", "standard deviation over mean of ‖μ − μ_G‖; lower = equal lengths"),
    "nc2_angles": (
        "NC2 (angles)",
        "standard deviation of the pairwise cosines of μ − μ_G; lower = equal angles",
    ),
    "gnc2": ("GNC2", "standard deviation over pairs of log 1/‖μ̂ − μ̂'‖; lower = spread evenly on the sphere"),
    "nc3": ("NC3", "mean of cos(w, μ − μ_G), −1 to 1; higher = aligned"),
    "unc3": ("UNC3", "standard deviation of cos(w, μ − μ_G); lower = all words treated alike"),
    "nc4": (
        "NC4",
        "share of tokens for which output matrix and nearest class mean choose the same word of the list; higher = collapsed",
    ),
}
"""Name → what it is called, and what it means. NC4 is counted while features pass by (`fairprune.debias.collapse`)."""
FROM_SUMS = tuple(name for name in MEASURES if name != "nc4")
SIGNED = "nc3"
"""The measure that may be below 0, of which a ratio says nothing."""


@dataclass(frozen=True)
class Totals:
    """Class sums of one list over the windows of one model, cluster by cluster of windows.

    Windows that follow one another are one cluster, which is what resampling draws.
    """

    ids: NDArray[np.int64]
    """(C,): token ids, those of the list with enough features."""
    rows: FloatArray
    """(C, width): their rows of the output matrix."""
    counts: NDArray[np.int64]
    """(clusters, C): features."""
    sums: FloatArray
    """(clusters, C, width)."""
    squares: FloatArray
    """(clusters, C): Σ ‖h‖², in float64, so that a difference of two such sums keeps enough digits."""
    agreed: NDArray[np.int64]
    """(clusters,): tokens for which output matrix and nearest mean agree, of those in `judged`."""
    judged: NDArray[np.int64]
    """(clusters,): tokens of the second half of the windows whose next token is in the list; the means are of the first half."""

    @property
    def clusters(self) -> int:
        return len(self.counts)

    @property
    def features(self) -> int:
        return int(self.counts.sum())


@dataclass(frozen=True)
class Classes:
    """Means of the classes that a weighting of the clusters leaves."""

    kept: NDArray[np.bool_]
    """(C,): classes with any feature."""
    means: FloatArray
    """(kept, width)."""
    variances: FloatArray
    """(kept,): σ²."""
    cosines: FloatArray
    """(kept,): s_c = cos(w_c, μ_c − μ_G); NaN where a row or a centred mean is 0."""


def classes(totals: Totals, weights: FloatArray | None = None) -> Classes:
    """Args:
    weights: (clusters,), how often each one counts; None: once.
    """
    w = np.ones(totals.clusters) if weights is None else weights
    counts = w @ totals.counts
    kept = counts > 0
    n = counts[kept]
    means = np.tensordot(w, totals.sums, axes=1)[kept] / n[:, None]
    variances = (w @ totals.squares)[kept] / n - (means**2).sum(axis=1)
    centred = means - means.mean(axis=0) if len(means) else means
    rows = totals.rows[kept]
    length = np.linalg.norm(rows, axis=1) * np.linalg.norm(centred, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = np.where(length > 0, (rows * centred).sum(axis=1) / length, np.nan)
    # Equal features have a variance of 0, which rounding may bring below.
    return Classes(kept, means, np.maximum(variances, 0.0), cosines)


def measures(totals: Totals, weights: FloatArray | None = None) -> dict[str, float]:
    """Every measure of `FROM_SUMS`; NaN where it is not defined: fewer than two classes, equal means, a row of zeros."""
    from scipy.spatial.distance import pdist  # pages may read this module, and scipy is slow to import

    found = classes(totals, weights)
    if len(found.means) < 2 or not np.isfinite(found.means).all():
        return dict.fromkeys(FROM_SUMS, np.nan)
    first, second = np.triu_indices(len(found.means), k=1)
    distances = pdist(found.means, "sqeuclidean")
    centred = found.means - found.means.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        # ‖a − b‖² of two unit vectors is 2 − 2 cos(a, b).
        on_sphere = pdist(centred / norms[:, None], "sqeuclidean")
        nc1 = ((found.variances[first] + found.variances[second]) / (2 * distances)).mean()
        values = {
            "nc1": nc1,
            "nc2_norms": norms.std() / norms.mean(),
            "nc2_angles": (1 - on_sphere / 2).std(),
            "gnc2": (-0.5 * np.log(on_sphere)).std(),
            "nc3": found.cosines.mean(),
            "unc3": found.cosines.std(),
        }
    return {name: float(value) if np.isfinite(value) else np.nan for name, value in values.items()}


def why_undefined(totals: Totals, min_count: int) -> str:
    """Why measures of these totals are not defined, in words."""
    if len(totals.ids) < 2:
        return f"{len(totals.ids)} of its words have {min_count} features or more: two are needed"
    if not np.isfinite(totals.sums).all():
        return "the model's features are not finite"
    return "two words have the same mean, or a row of the output matrix is all zeros"


def label_counts(ids: NDArray[np.integer]) -> dict[int, int]:
    """Token id → how often it is the next token in these windows.

    Args:
        ids: (windows, tokens), no padding.
    """
    found, counts = np.unique(ids[:, 1:], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def with_enough(ids: Sequence[int], counts: Mapping[int, int], min_count: int) -> list[int]:
    """Those of the ids that are the next token at least `min_count` times, in their order."""
    return [i for i in ids if counts.get(i, 0) >= min_count]
