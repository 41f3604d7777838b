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

    Without the inverse that the published code factors again: with rows and columns in reverse order H has the factor
    LLᵀ, so H = RRᵀ with R = L reversed, upper triangular, and U = R⁻¹. Half the time, and the same numbers.

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
        lower, failed = torch.linalg.cholesky_ex(damped.flip((0, 1)))
        if not bool(failed):
            identity = torch.eye(len(damped), device=damped.device)
            upper = torch.linalg.solve_triangular(lower.flip((0, 1)), identity, upper=True)
            if bool(torch.isfinite(upper.sum())):
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

    columns = weight.shape[1]
    if quota.pattern is not None and options.block_size % quota.pattern[1]:
        n, m = quota.pattern
        raise BadInput(
            f"a block of {options.block_size} columns is no multiple of {m}: pattern {n}:{m} needs one that is"
        )
    factor, used, dead = _factor_of(statistics, options.dampening)
    # Transposed: a column is contiguous, and the two short operations on it cost little more than their calls.
    rest = weight.T.contiguous()  # (in, out)
    keep = torch.ones_like(rest, dtype=torch.bool)
    chosen_by = torch.empty_like(rest)
    total, removed = torch.zeros(2, dtype=torch.float64, device=weight.device)
    for start in range(0, columns, options.block_size):
        end = min(start + options.block_size, columns)
        block, inverse = rest[start:end], factor[start:end, start:end]
        diagonal = inverse.diagonal()[:, None]
        steps = inverse / diagonal  # what a column's loss costs each column to its right
        kept, lost = keep[start:end], torch.empty_like(block)
        if quota.pattern is None:
            scores = _scores(block, diagonal, dead[start:end])
            kept[:] = quota.block(start, end, columns, scores.T).T
            torch.clamp(scores, min=0, out=chosen_by[start:end])
        dropped = (~kept).float()
        for column in range(end - start):
            if quota.pattern is not None and column % quota.pattern[1] == 0:
                group = slice(column, column + quota.pattern[1])
                scores = _scores(block[group], diagonal[group], dead[start:end][group])
                kept[group] = quota.group(scores.T.contiguous()).T
                torch.clamp(scores, min=0, out=chosen_by[start:end][group])
                dropped[group] = (~kept[group]).float()
            torch.mul(block[column], dropped[column], out=lost[column])
            block[column + 1 :].addr_(steps[column, column + 1 :], lost[column], alpha=-1)
        rest[end:].addmm_(factor[start:end, end:].T, lost / diagonal, alpha=-1)
        # Each column now stands as it was when its turn came: so its score is that of its turn.
        scores = (block / diagonal).square_()
        total += scores.sum(dtype=torch.float64)
        removed += scores.mul_(dropped).sum(dtype=torch.float64)
    rest.mul_(keep)
    whole = float(total)
    share = float(removed) / whole if whole else None
    return Solution(rest.T.contiguous(), keep.T.contiguous(), share, used, chosen_by.T)


def _factor_of(statistics: LayerStatistics, dampening: float) -> tuple[torch.Tensor, float, torch.Tensor]:
    """U (in, in), the dampening that was needed, and bool (in,) of the dead inputs; worked out once per input tensor."""
    import torch

    def work_out() -> tuple[torch.Tensor, float, torch.Tensor]:
        hessian = statistics.hessian()
        diagonal = torch.arange(len(hessian), device=hessian.device)
        dead = hessian[diagonal, diagonal] == 0
        hessian[diagonal[dead], diagonal[dead]] = 1
        return *inverse_factor(hessian, dampening, statistics.name), dead

    return statistics.worked.once(("sparsegpt", dampening), work_out)


def _scores(block: torch.Tensor, diagonal: torch.Tensor, dead: torch.Tensor) -> torch.Tensor:
    """w² / U_jj² of some columns, (columns, out); weights of dead columns below all others."""
    scores = (block / diagonal).square_()
    scores[dead] = -1
    return scores
