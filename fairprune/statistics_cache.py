"""Statistics of the dense model on disk, so that a second sparsity or method does not collect them again.

One folder per place (weights, number format, device, windows), one file per kind of statistic: input norms,
covariances, the gradients of one loss and aggregation. Names hold everything that decides the content.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fairprune.identity import COVARIANCES, INPUTS, STATISTICS_LIMIT, Place
from fairprune.statistics import LayerStatistics, ModelStatistics, Wanted, gradient_key

LIMIT_BYTES = STATISTICS_LIMIT

_log = logging.getLogger(__name__)


def read(place: Place, wanted: Wanted) -> ModelStatistics | None:
    """The stored statistics, or None where not all that is wanted is there."""
    kinds = [INPUTS, *(gradient_key(*pair) for pair in sorted(wanted.gradients))]
    if wanted.hessian:
        kinds.append(COVARIANCES)
    found: ModelStatistics = {}
    for kind in kinds:
        if not _read_kind(place.path(kind), kind, found):
            return None
    return found


def _read_kind(path: Path, kind: str, into: ModelStatistics) -> bool:
    """Adds one file to `into`. A damaged file is removed and counts as none."""
    if not path.is_file():
        return False
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata()
            sequences, tokens = int(header["sequences"]), int(header["tokens"])
            for layer in file.keys():  # noqa: SIM118 - not a dictionary
                entry = into.setdefault(layer, LayerStatistics(layer, sequences, tokens))
                values = file.get_tensor(layer)
                if kind == INPUTS:
                    entry.input_sum = values
                elif kind == COVARIANCES:
                    entry.hessian_sum = values
                else:
                    entry.gradient_sum[kind] = values
    except (SafetensorError, KeyError, ValueError) as error:
        _log.warning(
            "stored statistics %s are damaged (%s): removed, they will be collected again", path.name, error
        )
        path.unlink(missing_ok=True)
        return False
    os.utime(path)
    return True


def write(place: Place, statistics: ModelStatistics) -> bool:
    """Stores all kinds that are there, making room first. False when one did not fit or the disk is full."""
    kinds: dict[str, dict[str, torch.Tensor]] = {}
    for layer, entry in statistics.items():
        if entry.input_sum is not None:
            kinds.setdefault(INPUTS, {})[layer] = entry.input_sum.cpu()
        if entry.hessian_sum is not None:
            kinds.setdefault(COVARIANCES, {})[layer] = entry.hessian_sum.cpu().clone()  # shared among layers
        for kind, values in entry.gradient_sum.items():
            kinds.setdefault(kind, {})[layer] = values.cpu()
    first = next(iter(statistics.values()))
    header = {"sequences": str(first.sequences), "tokens": str(first.tokens)}
    stored = [_write_kind(place.path(kind), tensors, header) for kind, tensors in kinds.items()]
    return all(stored)


def _write_kind(path: Path, tensors: dict[str, torch.Tensor], header: dict[str, str]) -> bool:
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size > LIMIT_BYTES:
        return False
    _make_room(path.parent, LIMIT_BYTES - size)
    handle, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
    os.close(handle)
    try:
        save_file(tensors, partial, metadata=header)
        Path(partial).replace(path)
    except (OSError, SafetensorError) as error:
        _log.warning("statistics were not stored: %s", error)
        return False
    finally:
        Path(partial).unlink(missing_ok=True)
    return True


def _make_room(folder: Path, room: int) -> None:
    """Removes the least recently used files until at most `room` bytes are left."""
    files = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    total = sum(path.stat().st_size for path in files)
    for path in files:
        if total <= room:
            return
        total -= path.stat().st_size
        path.unlink(missing_ok=True)
