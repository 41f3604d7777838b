"""A pruned model → a folder of dense safetensors that plain transformers loads, with masks and a report.

Written beside its final place, loaded again and compared, and only then renamed: a folder that exists is whole.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from fairprune.errors import BadInput, NumericError, Unavailable
from fairprune.models import LoadedModel, load, weight_matrix
from fairprune.processes import lives

MASKS, MANIFEST = "masks.safetensors", "manifest.json"
PARTIAL = ".partial"
"""End of the name of a folder that is being written: beside its final place, and hidden."""
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
    """Raises BadInput when `out` exists and is no empty folder, or cannot be written, before any work is done for it."""
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise BadInput(f"{out} exists and is not an empty folder: name a new one, nothing is overwritten")
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent):
            pass
    except OSError as error:
        raise BadInput(
            f"{out} cannot be written ({error.strerror}): name a new folder where you may write"
        ) from error


def check_room(out: Path, loaded: LoadedModel) -> None:
    """Raises Unavailable when the disk has no room for the model's weights and masks, before they are pruned."""
    weights = sum(parameter.numel() * parameter.element_size() for parameter in loaded.model.parameters())
    needed = weights + sum(weight_matrix(layer).numel() for layer in loaded.linears().values())
    free = shutil.disk_usage(out.parent).free
    if free < needed:
        raise Unavailable(
            f"{out} needs {needed / 1e6:,.0f} MB for weights and masks, but {free / 1e6:,.0f} MB are free there: "
            "make room, or name a folder on another disk"
        )


def export(
    loaded: LoadedModel,
    masks: Mapping[str, torch.Tensor],
    report: dict[str, Any],
    out: Path,
    beside: Mapping[str, str] | None = None,
) -> None:
    """Writes the model, `masks.safetensors` (module name → bool (out, in), true = kept), `report.json` and `manifest.json`.

    The manifest holds the report's spec and versions and the SHA-256 of every file, for `verify_folder`.

    Args:
        beside: more files, name → text.

    Raises:
        BadInput: `out` is not empty.
        NumericError: what was written is not what was pruned.
        Unavailable: the folder cannot be written, or the disk is full.
    """
    check_target(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(out)
        prefix = f".{out.name}.{os.getpid()}."
        partial = Path(tempfile.mkdtemp(prefix=prefix, suffix=PARTIAL, dir=out.parent))
    except OSError as error:
        raise Unavailable(f"{out} cannot be written: {error.strerror}") from error
    try:
        loaded.model.save_pretrained(partial)
        for name in TOKENIZER_FILES:
            if (loaded.folder / name).is_file():
                shutil.copyfile(loaded.folder / name, partial / name)
        save_file({name: keep.cpu().contiguous() for name, keep in masks.items()}, partial / MASKS)
        # Two kinds of safetensors lie in one folder: transformers reads those its own names and index point to.
        (partial / "report.json").write_text(
            json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        for name, text in (beside or {}).items():
            (partial / name).write_text(text, encoding="utf-8")
        _write_manifest(partial, report)
        verify(partial, loaded, masks)
        partial.chmod(0o755)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except (OSError, SafetensorError) as error:  # a full disk, as safetensors says it
        raise Unavailable(
            f"{out} cannot be written ({error}), and nothing was left there: make room, or name a folder on another disk"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _remove_abandoned(out: Path) -> None:
    """Removes what processes left behind that were killed while they wrote to `out`; those at work keep theirs."""
    for folder in out.parent.glob(f".{glob.escape(out.name)}.*{PARTIAL}"):
        number = folder.name.removeprefix(f".{out.name}.").split(".")[0]
        if number.isdecimal() and not lives(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def _write_manifest(folder: Path, report: dict[str, Any]) -> None:
    manifest = {
        **{str(key): report[key] for key in ("fairprune", "spec", "versions", "identity") if key in report},
        "calibration": {
            key: value for key, value in (report.get("calibration") or {}).items() if key != "windows"
        },
        "sparsity": {
            key: report.get("sparsity", {}).get(key) for key in ("asked", "achieved", "achieved_model")
        },
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {path.name: _sha256(path) for path in sorted(folder.iterdir())},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")


def check_unchanged(path: Path) -> None:
    """Checks one file of an exported folder against the manifest beside it.

    Raises:
        BadInput: no manifest, one that does not know the file, or a file that is not what was written.
    """
    files = _manifest_files(path.parent)
    if path.name not in files:
        raise BadInput(f"{path} was not written with its folder: {MANIFEST} does not list it")
    _check_hash(path, files[path.name])


def _check_hash(path: Path, expected: str) -> None:
    if _sha256(path) != expected:
        raise BadInput(f"{path} was changed after it was written: its SHA-256 is not the manifest's")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def verify_folder(folder: Path) -> dict[str, int]:
    """Checks an exported folder again: every file's hash, and that the loaded weights are zero where the masks say so.

    Returns:
        How many files, matrices and zeros were checked.

    Raises:
        BadInput: no exported folder, or one that is not what was written.
    """
    files = _manifest_files(folder)
    found = {path.name for path in folder.iterdir()} - {MANIFEST}
    if added := sorted(found - files.keys()):
        raise BadInput(
            f"{folder} holds {added[0]}, which was not written with it: take it out, or write the folder again"
        )
    for name, expected in files.items():
        path = folder / Path(name).name
        if not path.is_file():
            raise BadInput(f"{folder} is not whole: {name} is missing")
        _check_hash(path, expected)
    masks = load_file(folder / MASKS)
    linears = load(folder).linears()
    zeros = 0
    for name, keep in masks.items():
        if name not in linears:
            raise BadInput(f"{folder}: the masks name {name}, which the model does not have")
        weight = weight_matrix(linears[name])
        if weight.shape != keep.shape or bool((weight[~keep] != 0).any()):
            raise BadInput(f"{folder}: {name} has weights where its mask says there are none")
        zeros += int((~keep).sum())
    return {"files": len(files), "matrices": len(masks), "zeros": zeros}


def _manifest_files(folder: Path) -> dict[str, str]:
    """File name → SHA-256, of an exported folder's manifest."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files: dict[str, str] = manifest["files"]
        if not isinstance(files, dict) or MASKS not in files or "config.json" not in files:
            raise TypeError(f"its list of files lacks {MASKS} or config.json")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(
            f"{folder} has no {MANIFEST}: only folders written by `prune` can be verified"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{folder / MANIFEST} cannot be read: {error}") from error
    return files


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
