"""SparseGPT: prune column by column and let the columns to the right make up for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fairprune.methods import Options, Solution, pruning_method

if TYPE_CHECKING:
    import torch

    from fairprune.masks import Quota
    from fairprune.statistics import LayerStatistics

RETRIES = 3
RAISE = 10.0


class SparseGptOptions(Options):
    block_size: int = Field(
        128,
        ge=1,
        le=4096,
        description="Columns per block: the mask of a block is chosen after all updates from the left.",
    )
    dampening: float = Field(
        0.01,
        gt=0,
        le=10,
        description="Added to the diagonal of XXᵀ, as a share of its mean; raised tenfold at most three times.",
    )
    propagate: Literal["dense", "pruned"] = Field(
        "pruned",
        description="Calibrate each block on the outputs of the pruned blocks before it (as published), or on the dense model.",
    )


def inverse_factor(hessian: torch.Tensor, dampening: float, name: str) -> tuple[torch.Tensor, float]:
    """U, upper triangular, with H⁻¹ = UᵀU for the dampened H, and the dampening that was needed.

    Raises:
        NumericError: no factor even with the dampening raised three times.
    """
    import torch

    from fairprune.errors import NumericError

    diagonal = torch.arange(len(hessian), device=hessian.device)
    mean = hessian[diagonal, diagonal].mean()
    for attempt in range(RETRIES + 1):
        used = dampening * RAISE**attempt
        damped = hessian.clone()
        damped[diagonal, diagonal] += used * mean
        lower, failed = torch.linalg.cholesky_ex(damped)
        if not bool(failed):
            upper, failed = torch.linalg.cholesky_ex(torch.cholesky_inverse(lower), upper=True)
            if not bool(failed) and bool(torch.isfinite(upper).all()):
                return upper, used
    raise NumericError(
        f"{name}: XXᵀ has no Cholesky factor even with dampening {used:g}: use more calibration windows or a larger dampening"
    )


@pruning_method(
    name="sparsegpt",
    title="SparseGPT",
    needs=("hessian",),
    compares="block",
    formula=r"\frac{W_{ij}^2}{U_{jj}^2},\quad H^{-1}=U^\top U,\quad H=XX^\top+\lambda I;\qquad "
    r"W_{:,k}\mathrel{-}=\frac{W_{:,j}-\hat W_{:,j}}{U_{jj}}\,U_{jk}",
    summary="Drops weights column block by column block and updates the remaining columns so that the outputs change least.",
    source="Frantar and Alistarh, ICML 2023 (arXiv 2301.00774)",
    options=SparseGptOptions,
)
def sparsegpt(
    weight: torch.Tensor, statistics: LayerStatistics, options: SparseGptOptions, quota: Quota
) -> Solution:
    """The pruned and updated weight, float32.

    Columns whose input was always zero go first, up to the exact count; the rest of them keep their value.
    """
    import torch

    from fairprune.errors import BadInput

    hessian = statistics.hessian()
    columns = weight.shape[1]
    if quota.pattern is not None and options.block_size % quota.pattern[1]:
        n, m = quota.pattern
        raise BadInput(
            f"a block of {options.block_size} columns is no multiple of {m}: pattern {n}:{m} needs one that is"
        )
    diagonal = torch.arange(columns, device=weight.device)
    dead = hessian[diagonal, diagonal] == 0
    hessian[diagonal[dead], diagonal[dead]] = 1
    factor, used = inverse_factor(hessian, options.dampening, statistics.name)
    weight = weight.clone()
    keep = torch.ones_like(weight, dtype=torch.bool)
    total = removed = 0.0
    for start in range(0, columns, options.block_size):
        end = min(start + options.block_size, columns)
        block, inverse = weight[:, start:end], factor[start:end, start:end]
        kept = (
            quota.block(start, end, columns, _scores(block, inverse, dead[start:end]))
            if quota.pattern is None
            else None
        )
        error = torch.zeros_like(block)
        for column in range(end - start):
            if quota.pattern is not None and column % quota.pattern[1] == 0:
                group = slice(column, column + quota.pattern[1])
                scores = _scores(
                    block[:, group], inverse[group, group], dead[start + group.start : start + group.stop]
                )
                keep[:, start + group.start : start + group.stop] = quota.group(scores)
            elif kept is not None and column == 0:
                keep[:, start:end] = kept
            scale = inverse[column, column]
            column_score = (block[:, column] / scale).square()
            total += float(column_score.sum())
            dropped = ~keep[:, start + column]
            removed += float(column_score[dropped].sum())
            error[:, column] = torch.where(dropped, block[:, column] / scale, 0)
            block[:, column:] -= error[:, column, None] * inverse[column, None, column:]
        weight[:, end:] -= error @ factor[start:end, end:]
    weight.mul_(keep)
    return Solution(weight, keep, removed / total if total else None, used)


def _scores(block: torch.Tensor, inverse: torch.Tensor, dead: torch.Tensor) -> torch.Tensor:
    """w² / U_jj²; weights of dead columns below all others."""
    scores = (block / inverse.diagonal()).square()
    scores[:, dead] = -1
    return scores
