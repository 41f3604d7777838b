"""SPIN from a model to a folder, and back: what `python -m fairprune spin` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from pydantic import TypeAdapter, ValidationError

from fairprune import __version__, catalogue
from fairprune.debias.awareness import AwarenessSet
from fairprune.debias.spin import Edited, undo
from fairprune.debias.spin_job import run_spin
from fairprune.errors import BadInput
from fairprune.export import check_room, check_target, export
from fairprune.models import LoadedModel, check_finite_weights, load, weight_matrix
from fairprune.report import versions

if TYPE_CHECKING:
    from fairprune.debias_spec import EditSpec

UNDO = "undo.json"
"""In an edited folder: a list of {module, row, column, old}."""


def spin_to_folder(
    model: str,
    edit: EditSpec,
    sets: Mapping[str, AwarenessSet],
    out: Path,
    report_to: Callable[[str], None],
    *,
    device: str = "cpu",
    dtype: str = "auto",
    measured: int | None = None,
    measures: bool = True,
) -> dict[str, Any]:
    """Edits a model and writes it to the new folder `out`, with `undo.json` and the document in its report.

    Returns:
        The document of `run_spin`, without the list for undoing.

    Raises:
        FairpruneError: whatever is wrong with model, sets or folder; then `out` does not exist.
    """
    check_target(out)
    source = catalogue.check(model)
    loaded = load(catalogue.fetch(source, report_to), dtype=dtype, device=device)
    check_room(out, loaded)
    check_finite_weights(loaded)
    found = run_spin(
        loaded,
        edit,
        lambda _done, _total, text: report_to(text),
        sets=sets,
        measured=measured,
        measures=measures,
    )
    edits = found.pop("undo")
    report = {
        "fairprune": __version__,
        "spec": {"model": {"name": model, "dtype": dtype}, "edit": found["edit"], "device": device},
        "identity": catalogue.identity(source),
        "versions": versions(),
        "debias": found,
    }
    report_to(f"writing {out} and loading it again to compare")
    export(loaded, _masks(loaded, edits), report, out, {UNDO: json.dumps(edits, indent=0)})
    return found


def _masks(loaded: LoadedModel, edits: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
    """Of each edited matrix: bool (out, in), true where the edit left the weight as it was."""
    linears = loaded.linears()
    masks: dict[str, torch.Tensor] = {}
    for one in edits:
        name = one["module"]
        if name not in masks:
            masks[name] = torch.ones(weight_matrix(linears[name]).shape, dtype=torch.bool)
        masks[name][one["row"], one["column"]] = False
    return masks


def undo_folder(folder: Path, out: Path, report_to: Callable[[str], None]) -> int:
    """Writes the model of an edited folder as it was before the edit, bit for bit, to the new folder `out`.

    Returns:
        How many weights got their old value back.

    Raises:
        BadInput: no edited folder, or a list that does not fit its model; then `out` does not exist.
    """
    check_target(out)
    edits = _read_undo(folder / UNDO)
    loaded = load(folder)
    check_room(out, loaded)
    undo(loaded, edits)
    report_to(f"writing {out} and loading it again to compare")
    export(loaded, {}, {"fairprune": __version__, "undone": folder.name, "versions": versions()}, out)
    return len(edits)


def _read_undo(path: Path) -> list[Edited]:
    try:
        return TypeAdapter(list[Edited]).validate_json(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BadInput(
            f"{path.parent} has no {path.name}: only folders written by `spin` can be undone"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(f"{path} is no list of edited weights: {where} {first['msg']}") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
