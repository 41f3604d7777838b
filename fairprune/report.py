"""SparsityReport: what pruning did, per matrix. Card, heatmap, manifest and tests all read this one object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from typing import Any


def versions() -> dict[str, str]:
    """Of the packages that decide what a pruned or edited model's weights are."""
    return {name: version(name) for name in ("torch", "transformers", "numpy", "safetensors")}


@dataclass(frozen=True)
class MatrixReport:
    """One weight matrix after pruning."""

    name: str
    """Module name, as in model.layers.0.mlp.up_proj."""
    block: int
    kind: str
    """Name within the block, as in mlp.up_proj."""
    rows: int
    columns: int
    asked: float
    """Share of weights to drop that this matrix was given, [0, 1)."""
    dropped: int
    """Weights set to zero by the mask."""
    zeros: int
    """Zeros in the weight afterwards: `dropped`, and those that were zero before."""
    row_min: float
    row_median: float
    row_max: float
    """Sparsity of the emptiest … fullest output row, [0, 1]."""
    column_min: float
    column_median: float
    column_max: float
    column_spread: float
    """Standard deviation over input columns of their sparsity."""
    dead_columns: int
    """Input columns of which no weight is left."""
    silent_inputs: int | None
    """Input columns that were zero in all calibration tokens; None without input statistics."""
    score_removed: float | None
    """Share of the total |score| that was dropped, [0, 1]; None when the total is 0."""
    seconds: float
    dampening: float | None = None
    """SparseGPT: what was added to the diagonal of XXᵀ in the end, as a share of its mean; above the option's value
    when the factorisation had to be tried again. None for methods without it."""
    edited: int = 0
    """Weights that an edit set to zero and the mask would keep."""

    @property
    def achieved(self) -> float:
        return (self.dropped + self.edited) / (self.rows * self.columns)


@dataclass(frozen=True)
class SparsityReport:
    """All matrices, and the whole."""

    asked: float
    matrices: tuple[MatrixReport, ...]
    model_parameters: int
    """All parameters of the model, embeddings included (tied ones once)."""
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default=())

    @property
    def weights(self) -> int:
        """Prunable weights: all linear layers of the decoder blocks."""
        return sum(matrix.rows * matrix.columns for matrix in self.matrices)

    @property
    def dropped(self) -> int:
        """Weights that are zero by the masks or by an edit."""
        return sum(matrix.dropped + matrix.edited for matrix in self.matrices)

    def with_edits(self, counts: Mapping[str, int]) -> SparsityReport:
        """The same after an edit.

        Args:
            counts: module name → how many kept weights were set to zero.
        """
        return replace(
            self,
            matrices=tuple(
                replace(one, edited=counts.get(one.name, 0), zeros=one.zeros + counts.get(one.name, 0))
                for one in self.matrices
            ),
        )

    @property
    def achieved(self) -> float:
        """Sparsity of the prunable layers."""
        return self.dropped / self.weights if self.weights else 0.0

    @property
    def achieved_model(self) -> float:
        """Sparsity of the whole model: embeddings and output matrix are not pruned."""
        return self.dropped / self.model_parameters if self.model_parameters else 0.0

    def to_json(self) -> dict[str, Any]:
        return {
            "asked": self.asked,
            "achieved": self.achieved,
            "achieved_model": self.achieved_model,
            "dropped": self.dropped,
            "weights": self.weights,
            "model_parameters": self.model_parameters,
            "seconds": self.seconds,
            "notes": list(self.notes),
            "matrices": [{**asdict(matrix), "achieved": matrix.achieved} for matrix in self.matrices],
        }
