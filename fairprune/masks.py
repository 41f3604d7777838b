"""Score → keep-mask. The only threshold in the project.

Exact counts: the result equals a stable ascending sort of the scores, the first `count` of each group dropped
(lower index first at a tie), computed as the count-th smallest value plus the lowest indices among its ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from fairprune.errors import BadInput, NumericError


def keep_mask(
    score: torch.Tensor,
    sparsity: float,
    *,
    within: Literal["row", "matrix"] = "row",
    pattern: tuple[int, int] | None = None,
    count: int | None = None,
    name: str = "weight",
) -> torch.Tensor:
    """The keep-mask of one weight matrix.

    Args:
        score: (out, in), finite; higher is kept.
        sparsity: share to drop, [0, 1). Per row exactly Python's `round(sparsity · in)`, per matrix `round(sparsity · out · in)`.
        within: what scores compete with; ignored for a pattern, which competes within m consecutive columns.
        pattern: (n, m): n dropped of every m consecutive columns of each row.
        count: how many of the whole matrix to drop, instead of `sparsity`; rows then get counts that differ by at
            most one and sum to it.
        name: for error messages.

    Returns:
        bool (out, in), true = kept.

    Raises:
        NumericError: a NaN or infinite score.
        BadInput: sparsity outside [0, 1), or m does not divide the columns.
    """
    if score.ndim != 2:
        raise NumericError(f"{name}: scores have shape {tuple(score.shape)}, but (out, in) is needed")
    # A sum shows in one reading whether all scores are finite; a sum that only overflows is looked at again.
    if not bool(torch.isfinite(score.sum())) and (bad := int((~torch.isfinite(score)).sum())):
        raise NumericError(
            f"{name}: {bad} of {score.numel()} scores are NaN or infinite; no mask can be trusted"
        )
    if not 0 <= sparsity < 1:
        raise BadInput(f"sparsity {sparsity!r} is outside [0, 1)")
    rows, columns = score.shape
    if pattern is not None:
        return _pattern_mask(score, *pattern, name)
    if within == "matrix":
        total = round(sparsity * score.numel()) if count is None else count
        return ~_lowest(score.reshape(1, -1), np.array([total])).reshape(rows, columns)
    counts = np.full(rows, round(sparsity * columns)) if count is None else spread(count, rows)
    return ~_lowest(score, counts)


def spread(total: int, groups: int) -> np.ndarray:
    """`total` as `groups` whole numbers that differ by at most one, evenly spaced; shape (groups,)."""
    steps = np.arange(groups + 1, dtype=np.int64) * total // groups
    return np.diff(steps)


def _lowest(score: torch.Tensor, counts: np.ndarray) -> torch.Tensor:
    """Bool (groups, size): the counts[g] lowest of each row g, lower index first at a tie."""
    low, high = int(counts.min()), int(counts.max())
    if high == 0:
        return torch.zeros_like(score, dtype=torch.bool)
    needed = torch.from_numpy(counts.astype(np.int64)).to(score.device)
    value = _kth_values(score, counts, low, high)
    drop = _at_most(score, value)
    # Every row has at least its count, so the total shows in one quick reading whether any row has more.
    if count_true(drop) != int(counts.sum()):
        _keep_surplus(drop, score == value, needed)
    return drop


def _at_most(score: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """score ≤ value of its row."""
    if score.device.type == "cpu":
        return torch.from_numpy(np.less_equal(score.numpy(), value.numpy()))  # half torch's time
    return score <= value


def _keep_surplus(drop: torch.Tensor, tie: torch.Tensor, needed: torch.Tensor) -> None:
    """Takes back ties at the threshold, the highest indices first, until each row of `drop` has its number."""
    surplus = count_rows(drop) - needed
    rows, columns = tie.nonzero(as_tuple=True)  # in order of rows, then columns
    ties = count_rows(tie)
    ends = ties.cumsum(dim=0)
    place = torch.arange(len(rows), device=tie.device) - (ends - ties)[rows]  # 0 is a row's first tie
    back = place >= (ties - surplus)[rows]
    drop[rows[back], columns[back]] = False


@dataclass(frozen=True)
class Quota:
    """How many weights of a matrix a method may drop that chooses its mask block by block."""

    sparsity: float
    pattern: tuple[int, int] | None = None
    count: int | None = None
    """Of the whole matrix, instead of round(sparsity · out · in)."""

    def block(self, start: int, end: int, columns: int, score: torch.Tensor) -> torch.Tensor:
        """The keep-mask (out, end − start) of a block of columns; the blocks' counts sum to the matrix's exactly."""
        rows = score.shape[0]
        total = round(self.sparsity * rows * columns) if self.count is None else self.count
        count = total * end // columns - total * start // columns
        return keep_mask(score, 0.0, within="matrix", count=count)

    def group(self, score: torch.Tensor) -> torch.Tensor:
        """The keep-mask (out, m) of m consecutive columns."""
        assert self.pattern is not None
        return keep_mask(score, self.sparsity, pattern=self.pattern)


def count_true(mask: torch.Tensor) -> int:
    """How many are true in a bool tensor."""
    if mask.device.type == "cpu":
        return int(np.count_nonzero(mask.numpy()))  # seven times faster than torch's
    return int(torch.count_nonzero(mask))


def as_float(mask: torch.Tensor) -> torch.Tensor:
    """A bool tensor as float32 zeros and ones; through bytes, which converts four times faster."""
    return mask.view(torch.int8).float()


def count_rows(mask: torch.Tensor) -> torch.Tensor:
    """How many are true in each row of a bool matrix, int64 (rows,)."""
    if mask.device.type == "cpu":
        # Summing bytes as numpy does is several times faster than torch's sum of booleans.
        return torch.from_numpy(np.count_nonzero(mask.numpy(), axis=1))
    return mask.sum(dim=1)


_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def apply_mask(weight: torch.Tensor, keep: torch.Tensor) -> None:
    """Sets the dropped weights to +0 in place; kept ones stay as they are, bit for bit.

    Works on the bits as integers: thirty times faster than filling bfloat16 by a mask, and no −0 is left behind.
    """
    weight.view(_INTEGERS[weight.element_size()]).mul_(keep)


def count_zeros(weight: torch.Tensor) -> int:
    """How many weights are 0 or −0."""
    kind = _INTEGERS[weight.element_size()]
    bits, without_sign = weight.view(kind), torch.iinfo(kind).max
    if weight.device.type == "cpu":
        array = bits.numpy()
        return weight.numel() - int(np.count_nonzero(array & array.dtype.type(without_sign)))
    return weight.numel() - int(torch.count_nonzero(bits & without_sign))


def _kth_values(score: torch.Tensor, counts: np.ndarray, low: int, high: int) -> torch.Tensor:
    """The counts[g]-th smallest value of each row, shape (groups, 1); rows with count 0 get their smallest."""
    places = sorted({max(low, 1) - 1, high - 1})
    if score.device.type == "cpu":
        # numpy's partition is several times faster on a CPU than torch's kthvalue; and on whole numbers, whose order
        # is that of the bits of floats ≥ 0, a quarter faster than on floats.
        array = score.numpy()
        if score.dtype == torch.float32 and float(score.amin()) >= 0:
            array = array.view(np.int32)
        parted = np.partition(array, places, axis=1).view(score.numpy().dtype)
        chosen = np.where(counts == high, parted[:, high - 1], parted[:, places[0]])
        return torch.from_numpy(np.ascontiguousarray(chosen))[:, None]
    values = {place: torch.kthvalue(score, place + 1, dim=1).values for place in places}
    is_high = torch.from_numpy(counts == high).to(score.device)
    return torch.where(is_high, values[high - 1], values[places[0]])[:, None]


def check_pattern(pattern: tuple[int, int], columns: int, name: str) -> None:
    """Raises BadInput when m does not divide the input columns of a matrix."""
    n, m = pattern
    if columns % m:
        raise BadInput(
            f"pattern {n}:{m} does not divide {name}, which has {columns} input columns: {columns} is no multiple of {m}"
        )


def _pattern_mask(score: torch.Tensor, n: int, m: int, name: str) -> torch.Tensor:
    rows, columns = score.shape
    check_pattern((n, m), columns, name)
    groups = score.reshape(-1, m)
    # Rank within a group by counting: m² comparisons of whole columns are faster than many sorts of m numbers.
    keep = torch.empty_like(groups, dtype=torch.bool)
    for j in range(m):
        below = torch.zeros(groups.shape[0], dtype=torch.int16, device=score.device)
        for i in range(m):
            if i != j:
                lower = groups[:, i] <= groups[:, j] if i < j else groups[:, i] < groups[:, j]
                below += lower
        keep[:, j] = below >= n
    return keep.reshape(rows, columns)


def global_counts(scores: Sequence[torch.Tensor], sparsity: float) -> list[int]:
    """How many weights each matrix of a kind loses when all share one threshold.

    `scores` are (out, in) each; exactly `round(sparsity · total)` are dropped over all, ties in the order of the
    matrices, lower index first.

    Raises:
        NumericError: a NaN or infinite score.
    """
    for position, score in enumerate(scores):
        if not bool(torch.isfinite(score).all()):
            raise NumericError(
                f"matrix {position} of its kind has NaN or infinite scores; no threshold can be trusted"
            )
    total = round(sparsity * sum(score.numel() for score in scores))
    if total == 0:
        return [0] * len(scores)
    value = _kth_of_all(scores, total)
    counts = [int((score < value).sum()) for score in scores]
    missing = total - sum(counts)
    for index, score in enumerate(scores):
        ties = min(missing, int((score == value).sum()))
        counts[index] += ties
        missing -= ties
    return counts


def _kth_of_all(scores: Sequence[torch.Tensor], k: int) -> float:
    """The k-th smallest over all tensors, without joining them: bisection on the ordered bits of float32."""
    low, high = -(2**31), 2**31 - 1
    ordered = [_ordered_bits(score) for score in scores]
    while low < high:
        middle = (low + high) // 2
        if sum(int((bits <= middle).sum()) for bits in ordered) >= k:
            high = middle
        else:
            low = middle + 1
    return float(np.array([low if low >= 0 else low ^ 0x7FFFFFFF], dtype=np.int32).view(np.float32)[0])


def _ordered_bits(values: torch.Tensor) -> torch.Tensor:
    """int32 codes in the order of the float32 values (−0 and 0 alike)."""
    bits = (values.float() + 0.0).contiguous().view(torch.int32)
    return torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)
