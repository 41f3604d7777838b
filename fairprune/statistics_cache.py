"""Statistics of the dense model on disk, so that a second sparsity or method does not collect them again.

A file is named by everything that decides its content: weights, number format, device, windows, loss and aggregation.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from fairprune.paths import subfolder
from fairprune.spec import content_hash
from fairprune.statistics import LayerStatistics, ModelStatistics

LIMIT_BYTES = 4 * 2**30
"""All files together; the least recently used go first."""
VERSION = 1  # raise when the meaning of a statistic changes

_log = logging.getLogger(__name__)


def key(*parts: str) -> str:
    """The file's name for weights identity, number format, device, windows hash, loss and aggregation."""
    return content_hash("\n".join([str(VERSION), *parts]))


def read(name: str) -> ModelStatistics | None:
    """The stored statistics, or None. A damaged file is removed and counts as none."""
    path = _path(name)
    if not path.is_file():
        return None
    found: ModelStatistics = {}
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata()
            sequences, tokens = int(header["sequences"]), int(header["tokens"])
            for entry in file.keys():  # noqa: SIM118 - not a dictionary
                kind, layer = entry.split("/", 1)
                statistics = found.setdefault(layer, LayerStatistics(layer, sequences, tokens))
                if kind == "input":
                    statistics.input_sum = file.get_tensor(entry)
                else:
                    statistics.gradient_sum[kind] = file.get_tensor(entry)
    except (SafetensorError, KeyError, ValueError) as error:
        _log.warning(
            "stored statistics %s are damaged (%s): removed, they will be collected again", path.name, error
        )
        path.unlink(missing_ok=True)
        return None
    os.utime(path)
    return found


def write(name: str, statistics: ModelStatistics) -> bool:
    """Stores the statistics, making room first. False when they are larger than the limit or the disk is full."""
    tensors = {}
    for layer, entry in statistics.items():
        if entry.input_sum is not None:
            tensors[f"input/{layer}"] = entry.input_sum.cpu()
        for kind, values in entry.gradient_sum.items():
            tensors[f"{kind}/{layer}"] = values.cpu()
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if size > LIMIT_BYTES:
        return False
    path = _path(name)
    _make_room(path.parent, LIMIT_BYTES - size)
    first = next(iter(statistics.values()))
    handle, partial = tempfile.mkstemp(prefix=".", suffix=".partial", dir=path.parent)
    os.close(handle)
    try:
        save_file(tensors, partial, metadata={"sequences": str(first.sequences), "tokens": str(first.tokens)})
        Path(partial).replace(path)
    except (OSError, SafetensorError) as error:
        _log.warning("statistics were not stored: %s", error)
        return False
    finally:
        Path(partial).unlink(missing_ok=True)
    return True


def _path(name: str) -> Path:
    return subfolder("statistics") / f"{name}.safetensors"


def _make_room(folder: Path, room: int) -> None:
    """Removes the least recently used files until at most `room` bytes are left."""
    files = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    total = sum(path.stat().st_size for path in files)
    for path in files:
        if total <= room:
            return
        total -= path.stat().st_size
        path.unlink(missing_ok=True)
