"""The keep-masks of a run on disk: one file in `home()`, a bit per weight, read memory-mapped and without torch.

`masks/RUN_ID.safetensors` holds for every pruned matrix, by module name, uint8 (rows, ⌈columns / 8⌉): each row's mask packed by
`numpy.packbits`, 1 = kept, and zeros after its last column. The header says how many columns each has.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from fairprune.errors import StoreError, Unavailable
from fairprune.paths import subfolder

LIMIT_WEIGHTS = 2_000_000_000
"""Masks of more pruned weights are not kept: 250 MB a run."""
FOLDER = "masks"
COLUMNS = "columns"


def path_of(run_id: str) -> Path:
    """Where the masks of a run lie. `run_id` is that of a stored run, never a text that somebody typed."""
    return subfolder(FOLDER) / f"{run_id}.safetensors"


def kept(run_id: str) -> bool:
    """Whether the masks of this run are there."""
    return path_of(run_id).is_file()


def remove(run_id: str) -> None:
    """Removes the masks of a run, if they are there."""
    path_of(run_id).unlink(missing_ok=True)


def pack(keep: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """(rows, columns) → (rows, ⌈columns / 8⌉)."""
    return np.packbits(keep, axis=1)


def write(run_id: str, packed: dict[str, NDArray[np.uint8]], columns: dict[str, int]) -> None:
    """Puts the masks of a run into its file, whole or not at all; no second copy of them is made.

    Args:
        packed: module name → what `pack` returns.
        columns: module name → columns of the matrix.

    Raises:
        Unavailable: no room on the disk, or the folder cannot be written.
    """
    path = path_of(run_id)
    try:
        handle, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
        os.close(handle)
        try:
            save_file(packed, partial, metadata={COLUMNS: json.dumps(columns)})
            Path(partial).replace(path)
        finally:
            Path(partial).unlink(missing_ok=True)
    except (OSError, SafetensorError) as error:
        raise Unavailable(
            f"the masks cannot be written to {path.parent} ({error}): make room there"
        ) from error


@dataclass(frozen=True)
class Masks:
    """The masks of a run, of an open file."""

    run_id: str
    columns: dict[str, int]
    """Module name → columns, in the order of the file."""
    _file: Any

    def packed(self, name: str) -> NDArray[np.uint8]:
        """The packed mask of a matrix: (rows, ⌈columns / 8⌉)."""
        try:
            found: NDArray[np.uint8] = self._file.get_tensor(name)
        except SafetensorError as error:
            raise _damaged(self.run_id, error) from error
        if found.dtype != np.uint8 or found.ndim != 2 or found.shape[1] != -(-self.columns[name] // 8):
            raise _damaged(self.run_id, f"{name} is {found.dtype} {found.shape}")
        return found

    def keep(self, name: str) -> NDArray[np.bool_]:
        """The keep-mask of a matrix: (rows, columns), true = kept."""
        return np.unpackbits(self.packed(name), axis=1, count=self.columns[name]).view(np.bool_)


@contextmanager
def opened(run_id: str) -> Iterator[Masks]:
    """The masks of a run, memory-mapped while they are read.

    Raises:
        StoreError: they were not kept, or the file is damaged.
    """
    path = path_of(run_id)
    if not path.is_file():
        raise StoreError(
            f"run {run_id} has no masks here: it was made before fairprune kept them, elsewhere, or on a model of more than "
            f"{LIMIT_WEIGHTS:,} prunable weights"
        )
    try:
        file: Any = safe_open(path, framework="numpy")
        columns = {str(name): int(count) for name, count in json.loads(file.metadata()[COLUMNS]).items()}
        if set(columns) != set(file.keys()):
            raise ValueError("header and masks name different matrices")
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise _damaged(run_id, error) from error
    with file:
        yield Masks(run_id, columns, file)


def _damaged(run_id: str, reason: object) -> StoreError:
    return StoreError(
        f"the masks of run {run_id} cannot be read ({reason}): delete the run and start it again to have them"
    )
