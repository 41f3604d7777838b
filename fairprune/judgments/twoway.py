"""The standard error of a strength where judges and samples are crossed: a bootstrap of each, and of single votes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairprune.judgments.davidson import Model, fit_many
from fairprune.uncertainty import FloatArray

IntArray = NDArray[np.intp]


@dataclass(frozen=True)
class Cells:
    """Votes counted per pair of systems and outcome (a, tie, b), by judge and by cluster."""

    pairs: IntArray
    """(P, 2): positions of the systems a and b."""
    counts: FloatArray
    """(P, 3), automatic ties among them."""
    automatic: FloatArray
    """(P, 3): what no judge was asked for."""
    by_judge: FloatArray
    """(J, P · 3), without automatic ties."""
    by_cluster: FloatArray
    """(G, P · 3), with them."""

    @property
    def n_judges(self) -> int:
        return len(self.by_judge)

    @property
    def n_clusters(self) -> int:
        return len(self.by_cluster)

    @staticmethod
    def of_votes(
        a: IntArray,
        b: IntArray,
        result: IntArray,
        judge: NDArray[np.generic],
        cluster: NDArray[np.generic],
        asked: NDArray[np.bool_] | None = None,
    ) -> Cells:
        """From one entry per decided vote.

        Args:
            result: 0: a preferred, 1: tie, 2: b preferred.
            judge, cluster: any names or numbers.
            asked: False for an automatic tie, whose judge is nobody; None: all were asked.
        """
        asked = np.ones(len(a), dtype=bool) if asked is None else asked
        pairs, pair = np.unique(np.stack([a, b], axis=1), axis=0, return_inverse=True)
        cell = 3 * pair.reshape(-1) + result
        width = 3 * len(pairs)
        judges, judge_of = np.unique(judge[asked], return_inverse=True)
        clusters, cluster_of = np.unique(cluster, return_inverse=True)
        by_judge, by_cluster = np.zeros((len(judges), width)), np.zeros((len(clusters), width))
        np.add.at(by_judge, (judge_of, cell[asked]), 1.0)
        np.add.at(by_cluster, (cluster_of, cell), 1.0)
        counts = by_cluster.sum(axis=0).reshape(-1, 3)
        return Cells(pairs, counts, counts - by_judge.sum(axis=0).reshape(-1, 3), by_judge, by_cluster)


@dataclass(frozen=True)
class Draws:
    """Parameters of the model under resamples, (R, K) each."""

    judges: FloatArray
    clusters: FloatArray
    votes: FloatArray


def bootstrap(model: Model, cells: Cells, start: FloatArray, resamples: int, seed: int) -> Draws:
    """Whole judges, whole clusters and single votes weighted at random; automatic ties vary with the clusters alone.

    Weights are exponential, and sum up to the number of judges, clusters or votes: where nobody is left out altogether, a system
    that lost on one sample only does not become endlessly strong in a third of the resamples.

    Args:
        start: (K,), the fit of the votes themselves.

    Source: Rubin, Annals of Statistics 9 (1981); Xu, Gotwalt, Hong, King and Meeker, The American Statistician 74 (2020).
    """
    rng = np.random.default_rng(seed)
    shape = (resamples, *cells.counts.shape)

    def weighted(rows: FloatArray) -> FloatArray:
        weights = rng.exponential(size=(resamples, len(rows)))
        found: FloatArray = (weights * (len(rows) / weights.sum(axis=1, keepdims=True))) @ rows
        return found

    fixed = cells.automatic.reshape(1, -1)
    own = (cells.counts - cells.automatic).reshape(-1)
    votes = np.tile(own, (resamples, 1))
    if own.sum():
        votes = rng.gamma(
            own, size=(resamples, own.size)
        )  # the exponential weights of the votes of a cell, summed up
        votes *= own.sum() / votes.sum(axis=1, keepdims=True)
    return Draws(
        fit_many(model, (weighted(cells.by_judge) + fixed).reshape(shape), start),
        fit_many(model, weighted(cells.by_cluster).reshape(shape), start),
        fit_many(model, (votes + fixed).reshape(shape), start),
    )


def standard_error(contrast: FloatArray, draws: Draws, cells: Cells) -> float:
    """The root of V(judges) + V(clusters) − V(votes), each times (g + 1) / (g − 1), which makes it right for the mean of g numbers.

    What a vote varies by itself is in the first two, and so would count twice.

    Source: Cameron, Gelbach and Miller, Journal of Business & Economic Statistics 29 (2011). (Drawing judges and clusters in one
    resample would count it three times: Owen, Annals of Applied Statistics 1, 2007.)
    """
    n = float((cells.counts - cells.automatic).sum())
    judges, clusters, votes = (
        float((drawn @ contrast).var(ddof=1)) * (size + 1) / (size - 1) if size > 1 else 0.0
        for drawn, size in (
            (draws.judges, cells.n_judges),
            (draws.clusters, cells.n_clusters),
            (draws.votes, n),
        )
    )
    # By chance the difference can fall below what single votes vary by, which is the least that there is.
    return math.sqrt(max(judges + clusters - votes, votes))
