"""How far the masks of two runs agree: exact counts from the packed bits, and what chance alone would give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput
from fairprune.mask_files import Masks


@dataclass(frozen=True)
class Overlap:
    """Two keep-masks A and B of one matrix, or of several together: counts of weights."""

    weights: int
    kept_a: int
    kept_b: int
    both: int
    """Kept by A and by B."""
    expected_both: float
    """Of `both`, if B had kept as many of each matrix at random: Σ kept_a · kept_b / weights."""

    @property
    def either(self) -> int:
        """Kept by A or by B."""
        return self.kept_a + self.kept_b - self.both

    @property
    def differing(self) -> int:
        """Kept by one of the two alone."""
        return self.either - self.both

    @property
    def kept_jaccard(self) -> float | None:
        """|A ∩ B| / |A ∪ B| of the weights that were kept, [0, 1]; None where neither kept any."""
        return self.both / self.either if self.either else None

    @property
    def dropped_jaccard(self) -> float | None:
        """The same of the weights that were dropped; None where neither dropped any."""
        union = self.weights - self.both
        return (self.weights - self.either) / union if union else None

    @property
    def kept_by_chance(self) -> float | None:
        """`kept_jaccard` with the expected counts in place of those found."""
        union = self.kept_a + self.kept_b - self.expected_both
        return self.expected_both / union if union else None

    @property
    def dropped_by_chance(self) -> float | None:
        union = self.weights - self.expected_both
        either = self.kept_a + self.kept_b - self.expected_both
        return (self.weights - either) / union if union else None


def overlap(a: NDArray[np.uint8], b: NDArray[np.uint8], columns: int) -> Overlap:
    """Of two packed masks of one matrix, (rows, ⌈columns / 8⌉) each; the bits after the last column are 0."""
    weights = a.shape[0] * columns
    kept_a, kept_b, both = _ones(a), _ones(b), _ones(a & b)
    return Overlap(weights, kept_a, kept_b, both, kept_a * kept_b / weights)


def differing_shares(
    a: NDArray[np.bool_], b: NDArray[np.bool_], height: int, width: int
) -> NDArray[np.float64]:
    """Share of the weights that one of two keep-masks keeps alone, in cells of height × width; (cells down, cells across)."""
    differs = (a != b).view(np.uint8)
    down, across = np.arange(0, a.shape[0], height), np.arange(0, a.shape[1], width)
    sums = np.add.reduceat(np.add.reduceat(differs, across, axis=1, dtype=np.int64), down, axis=0)
    sizes = np.outer(np.diff(np.append(down, a.shape[0])), np.diff(np.append(across, a.shape[1])))
    shares: NDArray[np.float64] = sums / sizes
    return shares


def _ones(packed: NDArray[np.uint8]) -> int:
    flat = packed.reshape(-1)
    whole = flat.size // 8 * 8
    words = np.bitwise_count(flat[:whole].view(np.uint64)).sum(dtype=np.int64)
    return int(words) + int(np.bitwise_count(flat[whole:]).sum(dtype=np.int64))


def overlaps(a: Masks, b: Masks) -> dict[str, Overlap]:
    """Module name → overlap of every matrix of two runs.

    Raises:
        BadInput: the runs are not of one model.
        StoreError: a damaged file.
    """
    if a.columns != b.columns:
        raise BadInput(f"runs {a.run_id} and {b.run_id} are of different models: their masks cannot overlap")
    found = {}
    for name, columns in a.columns.items():
        one, other = a.packed(name), b.packed(name)
        if one.shape != other.shape:
            raise BadInput(f"{name} has {len(one)} rows in run {a.run_id} but {len(other)} in run {b.run_id}")
        found[name] = overlap(one, other, columns)
    return found


def total(parts: Iterable[Overlap]) -> Overlap:
    """Of several matrices together."""
    listed = list(parts)
    return Overlap(
        sum(one.weights for one in listed),
        sum(one.kept_a for one in listed),
        sum(one.kept_b for one in listed),
        sum(one.both for one in listed),
        sum(one.expected_both for one in listed),
    )
