"""How much each matrix is pruned: the same everywhere, by one threshold per kind, or by its block's outliers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Literal

import torch

from fairprune.masks import global_counts
from fairprune.methods import Method, Options
from fairprune.models import LoadedModel, weight_matrix
from fairprune.statistics import LayerStatistics, ModelStatistics

OUTLIER = 5.0
"""An entry of |W|·A is an outlier above this many times the mean of its block."""
SPREAD = 0.08
"""λ of OWL: sparsities lie within ±λ of each other's mean."""


@dataclass(frozen=True)
class Target:
    """How much to drop, and how it is shared out."""

    sparsity: float
    pattern: tuple[int, int] | None = None
    allocation: Literal["uniform", "owl", "global"] = "uniform"


def allocate(
    loaded: LoadedModel, method: Method, options: Options, target: Target, dense: ModelStatistics
) -> dict[str, int]:
    """How many weights each matrix loses (module name → count); the total is round(sparsity · weights), to the weight.

    For `global` the total is exact within each kind of matrix (all q_proj, all up_proj …).
    """
    if target.allocation == "owl":
        return owl_counts(outlier_shares(loaded, dense), _sizes(loaded), target.sparsity)
    kinds: dict[str, list[str]] = defaultdict(list)
    for block in loaded.blocks:
        for name in block.linears:
            kinds[block.kind(name)].append(name)
    linears = loaded.linears()
    counts: dict[str, int] = {}
    for names in kinds.values():
        scores = [
            _score(weight_matrix(linears[name]).float(), method, options, dense[name]) for name in names
        ]
        counts.update(zip(names, global_counts(scores, target.sparsity), strict=True))
    return counts


def _score(weight: torch.Tensor, method: Method, options: Options, entry: LayerStatistics) -> torch.Tensor:
    """The method's own score; of a method that solves, which has no score before its updates, |W|·A."""
    if method.solves:
        return weight.abs() * entry.input_norm()
    return method.score(weight, entry, options)


def _sizes(loaded: LoadedModel) -> list[dict[str, int]]:
    """Per block: module name → number of weights."""
    return [{name: layer.weight.numel() for name, layer in block.linears.items()} for block in loaded.blocks]  # type: ignore[operator]


def outlier_shares(loaded: LoadedModel, dense: ModelStatistics) -> list[float]:
    """D_l of each block: share of the entries of |W|·A, over all its matrices, above five times their mean.

    Source: Yin et al. 2024 (arXiv 2310.05175), section 3.
    """
    shares = []
    for block in loaded.blocks:
        scores = [
            weight_matrix(layer).float().abs() * dense[name].input_norm()
            for name, layer in block.linears.items()
        ]
        total = sum(score.numel() for score in scores)
        if not total:  # every layer of the block shares the weight of another one
            shares.append(0.0)
            continue
        mean = sum(float(score.sum()) for score in scores) / total
        shares.append(sum(int((score > OUTLIER * mean).sum()) for score in scores) / total)
    return shares


def owl_counts(shares: list[float], sizes: list[dict[str, int]], sparsity: float) -> dict[str, int]:
    """Counts per matrix: s_l = s − (r_l − mean r), r_l = 2λ(D_l − min D)/(max D − min D); more outliers, less sparse.

    The mean is weighted by size, sparsities are clipped to [0, 1), and counts are corrected by largest remainders so
    that the total is exact.
    """
    low, high = min(shares), max(shares)
    weights = [sum(block.values()) for block in sizes]
    # Every matrix keeps at least one weight; matters only for matrices of a handful of weights.
    total = min(round(sparsity * sum(weights)), sum(weights) - sum(len(block) for block in sizes))
    raised = [2 * SPREAD * (share - low) / (high - low) if high > low else 0.0 for share in shares]
    mean = sum(r * w for r, w in zip(raised, weights, strict=True)) / sum(weights)
    wanted = {
        name: min(max(sparsity - (r - mean), 0.0), 1 - 1e-9) * size
        for r, block in zip(raised, sizes, strict=True)
        for name, size in block.items()
    }
    room = {name: size for block in sizes for name, size in block.items()}
    counts = {name: int(value) for name, value in wanted.items()}
    order = sorted(wanted, key=lambda name: counts[name] - wanted[name])  # largest remainder first
    missing = total - sum(counts.values())
    while (
        missing
    ):  # clipping can leave more than one per matrix; each round moves every matrix by at most one
        step = 1 if missing > 0 else -1
        for name in order:
            if missing and 0 <= counts[name] + step < room[name]:
                counts[name] += step
                missing -= step
    return counts
