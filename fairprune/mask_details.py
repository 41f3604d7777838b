"""What a mask looks like inside one matrix: distributions, a picture, heads and neurons. Score and mask → JSON values.

Worked out where pruning has score and mask at hand, matrix by matrix, so that no score has to be kept: the values of a
matrix are some kilobytes. One result per block holds them (`result_kind`), a dictionary name of the matrix → values.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fairprune.structure import Attention, Parts, parts_of

if TYPE_CHECKING:
    import torch

BINS = 50
"""Of the sparsity of rows, columns and neurons: 2 points each, over [0, 1]; the last one holds 1."""
SCORE_BINS = 64
CELLS = 48
"""Most cells of the picture along one side."""
SAMPLE = 2**15
"""Scores that the histogram counts, about: of larger matrices every second, third … row, at the most every STEP-th."""
STEP = 64
EXTREMES = 5
"""How many of the most, and the least, pruned rows, columns or neurons are named."""
STEPS = 250
"""The picture's shares are kept in steps of 1/250 = 0.4 points, a byte each."""
LOWEST = 0.005
"""On a logarithmic scale this share of the smallest scores, zeros too, lies in the first bin."""

Within = Literal["row", "matrix", "pattern", "columns"]
Axis = Literal["rows", "columns"]


@dataclass(frozen=True)
class Competition:
    """Within what the scores of a matrix competed: each such group has a cut of its own."""

    within: Within
    """Each row; the whole matrix; n of m consecutive columns of a row; a block of columns with all its rows."""
    size: int = 0
    """Columns of a group: m of the pattern, or those of the block."""
    dropped: int = 0
    """n of a pattern n:m."""


@dataclass(frozen=True)
class PrunedMatrix:
    """One matrix as pruning has it in hand."""

    name: str
    """Module name."""
    kind: str
    """Name within the block."""
    score: torch.Tensor | None
    """(out, in), higher is kept; None where the method has none to show."""
    kept: torch.Tensor
    """(out, in), the keep-mask as float32."""
    kept_per_row: NDArray[np.float32]
    kept_per_column: NDArray[np.float32]


Describe = Callable[[PrunedMatrix], dict[str, Any]]


def result_kind(block: int) -> str:
    """The kind of the stored result with the matrices of a block, as in 'matrices:0012'."""
    return f"matrices:{block:04}"


def describer(attention: Attention | None, competition: Competition) -> Describe:
    """What `prune` calls for each matrix of one run."""

    def describe(one: PrunedMatrix) -> dict[str, Any]:
        of_mask = _mask_details(
            one.kept, one.kept_per_row, one.kept_per_column, one.kind, attention, competition
        )
        score = None if one.score is None else score_histogram(one.score, one.kept, competition)
        return {**of_mask, "score": score}

    return describe


def amended(
    details: Mapping[str, Any],
    keep: NDArray[np.bool_],
    kind: str,
    attention: Attention | None,
    competition: Competition,
    *,
    edited: int,
) -> dict[str, Any]:
    """Details of a mask that an edit took weights from: of the mask as it is now, but for the scores, which stay pruning's.

    Args:
        keep: (out, in), without the edited weights.
        edited: how many they are; stored as 'edited'.
    """
    import torch

    kept = torch.from_numpy(keep).float()
    per_row, per_column = (keep.sum(axis=side).astype(np.float32) for side in (1, 0))
    of_mask = _mask_details(kept, per_row, per_column, kind, attention, competition)
    return {**details, **of_mask, "edited": edited}


def _mask_details(
    kept: torch.Tensor,
    kept_per_row: NDArray[np.float32],
    kept_per_column: NDArray[np.float32],
    kind: str,
    attention: Attention | None,
    competition: Competition,
) -> dict[str, Any]:
    rows, columns = kept.shape
    sparsity: dict[Axis, NDArray[np.float64]] = {
        "rows": 1 - kept_per_row.astype(np.float64) / columns,
        "columns": 1 - kept_per_column.astype(np.float64) / rows,
    }
    parts = parts_of(kind, rows, columns, attention)
    return {
        "rows": distribution(sparsity["rows"]),
        "columns": distribution(sparsity["columns"]),
        "picture": picture(kept),
        "parts": None if parts is None else parts_sparsity(sparsity[parts.axis], parts),
        "pattern": pattern_share(kept, competition) if competition.within == "pattern" else None,
    }


def distribution(sparsity: NDArray[np.float64]) -> dict[str, Any]:
    """Counts of rows (or columns, neurons) by their sparsity in BINS bins over [0, 1], and the extreme ones.

    Returns:
        'counts': (BINS,); 'most', 'least': [number, sparsity] of the EXTREMES most and least pruned, the lower number first at a tie.
    """
    # A share like 0.58 = 29/50 must not fall below its bin's edge by the rounding of the division.
    bins = np.minimum((sparsity * BINS + 1e-9).astype(np.int64), BINS - 1)
    order = np.argsort(sparsity, kind="stable")
    most = np.argsort(-sparsity, kind="stable")[:EXTREMES]
    return {
        "counts": np.bincount(bins, minlength=BINS).tolist(),
        "most": [[int(i), round(float(sparsity[i]), 4)] for i in most],
        "least": [[int(i), round(float(sparsity[i]), 4)] for i in order[:EXTREMES]],
    }


def parts_sparsity(sparsity: NDArray[np.float64], parts: Parts) -> dict[str, Any]:
    """Heads: the sparsity of each. Neurons: their distribution, and how many have no weight left here.

    Args:
        sparsity: of the rows or the columns, as `parts.axis` says.
    """
    each = np.bincount(parts.of, weights=sparsity) / np.bincount(parts.of)
    common = {"what": parts.what, "axis": parts.axis, "n": parts.count}
    if parts.what == "heads":
        shares = [round(float(share), 4) for share in each]
        return {**common, "labels": list(parts.labels), "shares": shares}
    return {**common, **distribution(each), "gone": int((each >= 1).sum())}


def picture(kept: torch.Tensor) -> dict[str, Any]:
    """The mask in at most CELLS × CELLS cells, each with the share of its weights that was dropped.

    Cells are of one size but for the last of a side, which holds what is left.

    Returns:
        'height', 'width': of a cell, in weights; 'shares': bytes in base64, row after row: see `picture_shares`.
    """
    rows, columns = kept.shape
    height, width = -(-rows // CELLS), -(-columns // CELLS)
    sums = _portions(_portions(kept, height).T.contiguous(), width).T  # (cells down, cells across)
    counts = np.outer(_sizes(rows, height), _sizes(columns, width))
    shares = 1 - sums.cpu().numpy().astype(np.float64) / counts
    steps = np.rint(shares * STEPS).astype(np.uint8)
    return {"height": height, "width": width, "shares": base64.b64encode(steps.tobytes()).decode()}


def picture_shares(found: Mapping[str, Any], rows: int, columns: int) -> NDArray[np.float64]:
    """The cells of a stored picture: shares in [0, 1], (cells down, cells across)."""
    shape = (-(-rows // int(found["height"])), -(-columns // int(found["width"])))
    steps = np.frombuffer(base64.b64decode(found["shares"]), dtype=np.uint8)
    return steps.reshape(shape) / STEPS


def _portions(values: torch.Tensor, size: int) -> torch.Tensor:
    """Sums over portions of `size` rows; the last portion holds what is left."""
    import torch

    whole = values.shape[0] // size * size
    sums = values[:whole].reshape(-1, size, values.shape[1]).sum(1)
    rest = values[whole:]
    return torch.cat((sums, rest.sum(0, keepdim=True))) if len(rest) else sums


def _sizes(length: int, size: int) -> NDArray[np.int64]:
    """Lengths of the portions of `length` things in portions of `size`."""
    starts = np.arange(0, length, size)
    return np.diff(np.append(starts, length))


def pattern_share(kept: torch.Tensor, competition: Competition) -> dict[str, Any]:
    """How many groups of m consecutive columns there are, and how many of them have lost exactly n weights."""
    n, m = competition.dropped, competition.size
    left = sum(kept[:, place::m] for place in range(1, m)) + kept[:, 0::m]
    return {"n": n, "m": m, "groups": left.numel(), "exact": int((left == m - n).sum())}


def score_histogram(score: torch.Tensor, kept: torch.Tensor, competition: Competition) -> dict[str, Any]:
    """Kept and dropped weights by their score in SCORE_BINS bins, and where the cut lies.

    Of a matrix of more than SAMPLE weights whole rows are read, evenly spaced: one in 64 at least, so that large ones show
    many cuts. The scale is logarithmic where all scores are ≥ 0 and most are small beside the largest; the first bin then
    holds all that is smaller, zeros too.

    Returns:
        'scale', 'low', 'high' (ends of the bins); 'kept', 'dropped': (SCORE_BINS,) counts; 'n': weights that were read;
        'cut': the largest dropped score of a group: 5 %, 50 % and 95 % quantiles over the groups, and how many groups there are.
    """
    rows, columns = score.shape
    step = min(STEP, max(1, -(-rows * columns // SAMPLE)))
    values = score[::step].float().cpu().numpy()
    keep = kept[::step].cpu().numpy() > 0.5
    scale, low, high = _scale(values)
    flat = values.reshape(-1)
    if scale == "log":
        flat = np.log2(np.maximum(flat, np.float32(low)))
        start, end = np.log2(low), np.log2(high)
    else:
        start, end = low, high
    places = ((flat - np.float32(start)) * np.float32(SCORE_BINS / (end - start))).astype(np.int64)
    np.clip(places, 0, SCORE_BINS - 1, out=places)
    counts = np.bincount(places + SCORE_BINS * keep.reshape(-1), minlength=2 * SCORE_BINS)
    return {
        "scale": scale,
        "low": _short(low),
        "high": _short(high),
        "dropped": counts[:SCORE_BINS].tolist(),
        "kept": counts[SCORE_BINS:].tolist(),
        "n": values.size,
        "cut": _cut(values, keep, competition),
    }


def _scale(values: NDArray[np.float32]) -> tuple[Literal["linear", "log"], float, float]:
    """Scale of the histogram and its ends, low < high."""
    flat = values.reshape(-1)
    lowest, high = float(flat.min()), float(flat.max())
    if lowest < 0 or high == 0:
        return "linear", lowest, high if high > lowest else lowest + 1
    some = flat[:: max(1, flat.size // 4096)]  # enough for two quantiles that only choose the scale
    place = int(LOWEST * (some.size - 1))
    places = (place, (some.size - 1) // 2)
    parted = np.partition(some, places)
    if float(parted[places[1]]) > high / 4:
        return "linear", 0.0, high
    low = float(parted[place])
    if low == 0:
        low = float(flat[flat > 0].min())
    return "log", low, high if high > low else 2 * low


def _cut(
    values: NDArray[np.float32], keep: NDArray[np.bool_], competition: Competition
) -> dict[str, Any] | None:
    """Quantiles over the groups of the largest score that each dropped; None where nothing was dropped."""
    dropped = np.where(keep, np.float32(-np.inf), values)
    columns = dropped.shape[1]
    if competition.within == "matrix":
        largest = dropped.max().reshape(1)
    elif competition.within == "row":
        largest = dropped.max(axis=1)
    elif competition.within == "columns":
        starts = np.arange(0, columns, competition.size)
        largest = np.maximum.reduceat(dropped.max(axis=0), starts)
    else:
        largest = dropped[:, 0 :: competition.size]
        for place in range(1, competition.size):
            largest = np.maximum(largest, dropped[:, place :: competition.size])
    largest = largest[np.isfinite(largest)]
    if not largest.size:
        return None
    low, median, high = np.quantile(largest, (0.05, 0.5, 0.95))
    return {
        "within": competition.within,
        "low": _short(low),
        "median": _short(median),
        "high": _short(high),
        "n": int(largest.size),
    }


def _short(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")
