"""The weights that a recovery moves, and those that stay 0. One parameter, or some rows of one, at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from fairprune.accelerator import HOST
from fairprune.errors import BadInput, NumericError
from fairprune.models import LoadedModel, weight_matrix
from fairprune.text import counted


def output_matrix(loaded: LoadedModel) -> nn.Module:
    """The layer that makes logits of features; its weight is (vocabulary, width).

    Raises:
        BadInput: the model has none.
    """
    found = loaded.model.get_output_embeddings()
    if found is None or getattr(found, "weight", None) is None:
        raise BadInput(f"{type(loaded.model).__name__} has no output matrix, whose rows stand for words")
    return found  # type: ignore[no-any-return]


def is_tied(loaded: LoadedModel) -> bool:
    """Whether the output matrix is the input embedding."""
    return output_matrix(loaded).weight is loaded.model.get_input_embeddings().weight


@dataclass
class Moving:
    """A parameter that moves, or some of its rows."""

    name: str
    parameter: nn.Parameter
    rows: torch.Tensor | None
    """int64 (k,); None: all of it."""
    drop: torch.Tensor
    """bool, as the values: true = zero, and stays so."""
    master: torch.Tensor
    """float32, what AdamW moves; the parameter's own memory where it is float32 and moves as a whole."""
    before: torch.Tensor
    """A copy of the values, on the host."""

    @staticmethod
    def of(name: str, parameter: nn.Parameter, rows: torch.Tensor | None = None) -> Moving:
        values = parameter.data if rows is None else parameter.data[rows]
        before = values.to(HOST, copy=True)
        return Moving(name, parameter, rows, values == 0, values.float(), before)

    @property
    def values(self) -> torch.Tensor:
        """As they are now; a view where the whole parameter moves."""
        return self.parameter.data if self.rows is None else self.parameter.data[self.rows]

    @property
    def copied(self) -> bool:
        """Whether the master has memory of its own."""
        return self.master.data_ptr() != self.parameter.data.data_ptr()

    @property
    def memory(self) -> int:
        """Bytes beside the parameter."""
        size, number = self.master.numel(), self.parameter.element_size()
        # Moments, mask, copy; the gradient is of the whole parameter. A master's gradient lives for its own step alone.
        return size * (8 + 1 + number) + self.parameter.numel() * number + (4 * size if self.copied else 0)

    def take_gradient(self, step: int) -> None:
        """The parameter's gradient becomes the master's, with zeros where values stay."""
        gradient = self.parameter.grad
        if gradient is None:
            raise NumericError(f"{self.name} has no gradient at step {step}: the loss does not depend on it")
        gradient = gradient if self.rows is None else gradient[self.rows]
        # Filled, not multiplied: an infinite gradient of a dropped weight must not become NaN.
        self.master.grad = gradient.float().masked_fill_(self.drop, 0.0)
        self.parameter.grad = None

    def write(self) -> None:
        """Puts what AdamW moved into the model."""
        self.master.grad = None
        if self.rows is not None:
            self.parameter.data[self.rows] = self.master.to(self.parameter.dtype)
        elif self.copied:
            self.parameter.data.copy_(self.master)

    def restore(self) -> None:
        """The values from before, bit for bit."""
        self.master.grad = None
        if self.rows is not None:
            self.parameter.data[self.rows] = self.before.to(self.parameter.device)
        else:
            self.parameter.data.copy_(self.before)


def check_step(name: str, values: torch.Tensor, drop: torch.Tensor, step: int) -> None:
    """Raises NumericError when a value is not finite, or one that was dropped is not 0."""
    # NaN and infinity last in a sum; one that only overflows is looked at again.
    if not bool(torch.isfinite(values.sum())) and not bool(torch.isfinite(values).all()):
        raise NumericError(
            f"{name} is not finite after step {step}: recovery stopped, the weights from before are put back; "
            "use a smaller learning rate"
        )
    moved = (values != 0) & drop
    if bool(moved.any()):
        raise NumericError(
            f"{counted(int(moved.sum()), 'pruned weight')} of {name} did not stay 0 in step {step}: recovery stopped, the weights from "
            "before are put back"
        )


def moving_weights(
    loaded: LoadedModel,
    masks: Mapping[str, torch.Tensor] | None,
    rows: Sequence[int],
    *,
    matrices: bool,
) -> list[Moving]:
    """What a recovery moves.

    Args:
        masks: matrix → keep-mask, bool (out, in); None where the zeros alone say what was pruned.
        rows: of the output matrix, which move whatever `matrices` says.
        matrices: whether the kept weights of the pruned matrices move.

    Raises:
        BadInput: nothing would move, masks or rows that do not fit the model.
    """
    if not matrices and not rows:
        raise BadInput(
            "parameters 'words' moves rows of the output matrix, but no words were given: use 'kept'"
        )
    linears = loaded.linears()
    if masks is not None:
        _check_masks(loaded, masks)
    found = []
    if matrices:
        found = [Moving.of(name, layer.weight) for name, layer in linears.items()]  # type: ignore[arg-type]
    if rows:
        ids = sorted(set(rows))
        weight: nn.Parameter = output_matrix(loaded).weight  # type: ignore[assignment]
        if ids[0] < 0 or ids[-1] >= len(weight):
            raise BadInput(
                f"token ids {ids[0]} … {ids[-1]} do not fit the {len(weight)} rows of the output matrix"
            )
        name = "the output matrix (the input embedding)" if is_tied(loaded) else "the output matrix"
        found.append(Moving.of(name, weight, torch.tensor(ids, device=weight.device)))
    return found


def _check_masks(loaded: LoadedModel, masks: Mapping[str, torch.Tensor]) -> None:
    """Raises BadInput when the masks are not of this model, or say dropped of a weight that is not 0."""
    linears = loaded.linears()
    if set(masks) != set(linears):
        other = sorted(set(masks) ^ set(linears))
        raise BadInput(f"the masks are of another model: {other[0]} is in one of them only")
    for name, layer in linears.items():
        weight, keep = weight_matrix(layer), masks[name]
        if keep.shape != weight.shape:
            raise BadInput(f"the mask of {name} is {tuple(keep.shape)}, its weight {tuple(weight.shape)}")
        if left := int(((weight != 0) & ~keep.to(weight.device)).sum()):
            raise BadInput(
                f"{counted(left, 'weight')} of {name} should be 0 by its mask: apply the mask first"
            )
