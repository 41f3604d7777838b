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
from fairprune.export import check_room, check_target, check_unchanged, export
from fairprune.models import LoadedModel, check_finite_weights, load, weight_matrix
from fairprune.report import versions

if TYPE_CHECKING:
    from fairprune.debias_spec import EditSpec

UNDO = "undo.json"
"""In an edited folder: a list of {module, row, column, old}."""
REPORT = "report.json"
IN_REPORT = "debias.edit.undo"
"""Where the report of `prune` has the same list."""


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


def undo_folder(
    folder: Path, out: Path, report_to: Callable[[str], None], *, listed: Path | None = None
) -> int:
    """Writes the model of an edited folder as it was before the edit, bit for bit, to the new folder `out`.

    Args:
        listed: a file with the list of edited weights, as page Debias gives it; None: the folder's own.

    Returns:
        How many weights got their old value back.

    Raises:
        BadInput: no edited folder, weights that changed after the edit, or a list that does not fit the model; then `out` does
            not exist.
    """
    check_target(out)
    _check_last(folder)
    edits = _own_list(folder) if listed is None else _read_list(listed)
    loaded = load(folder)
    check_room(out, loaded)
    undo(loaded, edits)
    report_to(f"writing {out} and loading it again to compare")
    export(loaded, {}, {"fairprune": __version__, "undone": folder.name, "versions": versions()}, out)
    return len(edits)


def _check_last(folder: Path) -> None:
    """Raises BadInput where the folder's report says that pruning or a recovery came after the edit."""
    spec = _report_of(folder).get("spec")
    edit, recovery = (spec.get("edit"), spec.get("recovery")) if isinstance(spec, dict) else (None, None)
    if not isinstance(edit, dict):
        return
    # A folder that `spin` wrote holds the given model with the edit alone, whatever order the edit names.
    pruned = "pruning" in (spec or {})
    if pruned and edit.get("order") == "before":
        why = "it was pruned after the edit, with masks that another model would not have"
    elif recovery is not None:
        why = "its weights were trained by a recovery after the edit"
    else:
        return
    raise BadInput(
        f"the edit of {folder} cannot be undone: {why}. Which weights it set to zero stands in {folder / REPORT} under {IN_REPORT}"
    )


def _report_of(folder: Path) -> dict[str, Any]:
    """The folder's report; {} where there is none that can be read: then its list alone counts."""
    try:
        found = json.loads((folder / REPORT).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _own_list(folder: Path) -> list[Edited]:
    path = folder / UNDO
    if path.is_file():
        check_unchanged(path)
        return _read_list(path)
    # `prune` wrote the list into the report alone once.
    found: Any = _report_of(folder)
    for key in IN_REPORT.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list):
        raise BadInput(
            f"{folder} has no {UNDO}: only folders written by `spin`, or by `prune --edit spin`, can be undone"
        )
    check_unchanged(folder / REPORT)
    return _checked(json.dumps(found).encode(), folder / REPORT)


def _read_list(path: Path) -> list[Edited]:
    try:
        return _checked(path.read_bytes(), path)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def _checked(text: bytes, path: Path) -> list[Edited]:
    try:
        found = TypeAdapter(list[Edited]).validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        told = f"{'.'.join(map(str, first['loc']))} {first['msg']}".strip()
        raise BadInput(f"{path} is no list of edited weights: {told}") from error
    if not found:
        raise BadInput(f"{path} lists no weights: there is nothing to undo")
    return found
