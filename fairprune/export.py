"""A pruned model → a folder of dense safetensors that plain transformers loads, with masks and a report.

Written beside its final place, loaded again and compared, and only then renamed: a folder that exists is whole.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from fairprune.errors import BadInput, NumericError, Unavailable
from fairprune.models import LoadedModel, load, weight_matrix

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "tokenizer.model",
    "vocab.json",
    "merges.txt",
)


def check_target(out: Path) -> None:
    """Raises BadInput when `out` exists and is no empty folder, before any work is done for it."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out} exists and is not an empty folder: name a new one, nothing is overwritten")


def export(loaded: LoadedModel, masks: Mapping[str, torch.Tensor], report: dict[str, Any], out: Path) -> None:
    """Writes the model, `masks.safetensors` (module name → bool (out, in), true = kept) and `report.json`.

    Raises:
        BadInput: `out` is not empty.
        NumericError: what was written is not what was pruned.
        Unavailable: the folder cannot be written, or the disk is full.
    """
    check_target(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error.strerror}") from error
    try:
        loaded.model.save_pretrained(partial)
        for name in TOKENIZER_FILES:
            if (loaded.folder / name).is_file():
                shutil.copyfile(loaded.folder / name, partial / name)
        save_file(
            {name: keep.cpu().contiguous() for name, keep in masks.items()}, partial / "masks.safetensors"
        )
        # Two kinds of safetensors lie in one folder: transformers reads those its own names and index point to.
        (partial / "report.json").write_text(
            json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        verify(partial, loaded, masks)
        partial.chmod(0o755)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def verify(folder: Path, loaded: LoadedModel, masks: Mapping[str, torch.Tensor]) -> None:
    """Loads the folder again and compares every pruned layer, bit for bit, and its zeros with the masks.

    Raises:
        NumericError: a layer differs.
    """
    again = load(folder).linears()
    for name, layer in loaded.linears().items():
        written, pruned = weight_matrix(again[name]), weight_matrix(layer).cpu()
        if not torch.equal(written, pruned):
            raise NumericError(f"{name} differs after loading {folder} again: the export is not used")
        if name in masks and bool((written[~masks[name].cpu()] != 0).any()):
            raise NumericError(
                f"{name} has weights where its mask says there are none: the export is not used"
            )
