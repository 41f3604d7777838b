"""HGLA: high gradient, low activation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from fairprune.methods import Loss, Options, pruning_method

if TYPE_CHECKING:
    import torch

    from fairprune.statistics import LayerStatistics

EPSILON = 1e-8  # as published; in float32, where it is not zero


class HglaOptions(Options):
    loss: Loss = Field(
        "last_token",
        description="Loss whose gradient is taken: of the last token (as published; a window ends with the instruction), "
        "of all tokens, or of the summary's "
        "tokens (only with the calibration set model-output).",
    )
    aggregate: Literal["l1", "l2"] = Field(
        "l2",
        description="Gradients over samples: sum of squares (l2, as published) or sum of absolute values (l1).",
    )
    propagate: Literal["dense", "pruned"] = Field(
        "dense",
        description="Calibrate input norms on the dense model (as published) or on the pruned blocks before each block.",
    )
    exponent: float = Field(
        1.0, gt=0, le=8, description="Power p of the scaled gradient |G'|; 1 as published."
    )


def scaled_gradient(base: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """|G'| with G' = G · mean(B) / mean(|G|) over the matrix: the gradient in the unit of B = |W|·A, shape (out, in)."""
    size = gradient.abs()
    return size.mul_(
        base.mean() / size.mean()
    )  # in place: a matrix's temporaries are most of this method's time


@pruning_method(
    name="hgla",
    title="HGLA",
    needs=("input_sq", "gradient"),
    compares="row",
    formula=r"\frac{B_{ij}}{|G'_{ij}|^p + \varepsilon},\quad B = |W|\cdot\lVert X\rVert_2,\quad G' = G\cdot\frac{\bar B}{\overline{|G|}}",
    summary="Drops weights that matter little for reading the input but strongly influence what is generated.",
    source="arXiv 2508.17610; the inverse-gradient branch of the authors' released code",
    options=HglaOptions,
)
def hgla(weight: torch.Tensor, statistics: LayerStatistics, options: HglaOptions) -> torch.Tensor:
    base = weight.abs().mul_(statistics.input_norm())
    gradient = scaled_gradient(base, statistics.gradient(options.loss, options.aggregate))
    if options.exponent != 1:
        gradient = gradient.pow(options.exponent)
    return base.div_(gradient.add_(EPSILON))
