"""`python -m fairprune spin`: SPIN on a model, into a new folder, and back."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from fairprune import cli_options as options
from fairprune import devices
from fairprune.cli_files import check_writable, write_json
from fairprune.debias import awareness
from fairprune.debias.spin_verdict import MEASURED_UNPRUNED, UNPRUNED
from fairprune.debias_spec import EditSpec
from fairprune.errors import BadInput
from fairprune.spec import parse_part
from fairprune.text import counted, say

SET = "A file (CSV or JSON Lines: prompt, response, perhaps unsafe_response and pair), or a packaged set: fairness, privacy, general."


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(spin)


def _help(field: str) -> typer.models.OptionInfo:
    return typer.Option(help=options.help_of(EditSpec, field))  # type: ignore[no-any-return]


def spin(
    context: typer.Context,
    out: Annotated[
        Path, typer.Option(help="New folder for the edited model, undo.json, report.json and manifest.json.")
    ],
    model: options.ModelIfAny = None,
    first: Annotated[str, typer.Option(help=f"First awareness set. {SET}")] = "fairness",
    second: Annotated[str, typer.Option(help="Second awareness set, as the first.")] = "privacy",
    general: Annotated[
        str, typer.Option(help="General set, as the first: weights that it rests on are spared.")
    ] = "general",
    ratio: Annotated[float, _help("ratio")] = 1e-4,
    general_ratio: Annotated[float, _help("general_ratio")] = 1e-3,
    minimum: Annotated[int, _help("minimum")] = 0,
    modules: Annotated[str, _help("modules")] = "mlp",
    scope: Annotated[str, _help("scope")] = "matrix",
    samples: Annotated[int, _help("samples")] = 128,
    selection: Annotated[str, _help("selection")] = "intersection",
    control: Annotated[str, _help("control")] = "none",
    seed: Annotated[int, _help("seed")] = 0,
    measured: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Prompts of each set that the effect is measured on, at most; default: half of the set.",
        ),
    ] = None,
    measures: Annotated[
        bool,
        typer.Option("--measures/--no-measures", help="Whether the effect is measured beside both controls."),
    ] = True,
    undo: Annotated[
        Path | None,
        typer.Option(
            help="Edit nothing: write the model of this folder, edited earlier, as it was before its edit."
        ),
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option(
            "--list",
            help="With --undo: the list of zeroed weights, as page Debias gives it; default: the folder's own.",
        ),
    ] = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    json_file: options.JsonFile = None,
) -> None:
    """Zeroes the few weights that two awareness sets both rest on and general text does not, and measures what that did.

    The model may be pruned already (its zeros stay zero), and the folder that is written can be pruned by `prune`.
    """
    if undo is not None:
        _check_undo_alone(context)
        from fairprune.debias.spin_folder import undo_folder

        n = undo_folder(undo, out, lambda text: say(text, file=sys.stderr), listed=listed)
        say(f"{out}: {counted(n, 'weight')} as before the edit")
        return
    if listed is not None:
        raise BadInput(
            "--list is the list that --undo takes back: give --undo FOLDER too, or leave --list out"
        )
    if model is None:
        raise BadInput("missing option --model")
    check_writable(json_file, "JSON file")
    sets = {role: _set(name) for role, name in (("first", first), ("second", second), ("general", general))}
    edit = parse_part(
        EditSpec,
        {
            "ratio": ratio,
            "general_ratio": general_ratio,
            "minimum": minimum,
            "modules": modules,
            "scope": scope,
            "samples": samples,
            "selection": selection,
            "control": control,
            "seed": seed,
            **{role: one.name for role, one in sets.items()},
        },
    )
    from fairprune.debias.spin_folder import spin_to_folder

    found = spin_to_folder(
        model,
        edit,
        sets,
        out,
        lambda text: say(text, file=sys.stderr),
        device=devices.resolve(device),
        dtype=dtype,
        measured=measured,
        measures=measures,
    )
    if json_file is not None:
        write_json(json_file, found, f"{out} holds it in report.json")
    for line in lines_of(found):
        say(line)
    say(f"{out}: the edited model; --undo {out} gives the weights back")


def _check_undo_alone(context: typer.Context) -> None:
    """Raises BadInput when an option was given that --undo does not read: nothing is ignored without a word."""
    given = [
        parameter.opts[0] if context.params[name] is not False else parameter.secondary_opts[0]
        for parameter in context.command.params
        if (name := str(parameter.name)) not in ("out", "undo", "listed")
        and (source := context.get_parameter_source(name)) is not None
        and source.name == "COMMANDLINE"
    ]
    if given:
        raise BadInput(
            f"--undo reads the model and its edit from the edited folder: leave {', '.join(given)} out"
        )


def _set(name: str) -> awareness.AwarenessSet:
    """A packaged or stored set by its name, else the file of this name."""
    path = options.set_file(name)
    return awareness.load(name) if path is None else awareness.read_file(path)


def lines_of(found: Mapping[str, Any]) -> Iterator[str]:
    """The document of `run_spin` in lines of text."""
    choice, edit = found["choice"], found["edit"]
    yield (
        f"coupled: {counted(choice['coupled'], 'weight')} of {choice['of']:,} in {counted(len(choice['matrices']), 'matrix', 'matrices')}; "
        f"in both tops {choice['both']:,}, by chance {choice['chance']:.1f}"
    )
    if edit["control"] != "none" or edit["selection"] != "intersection":
        yield f"edited: {counted(choice['weights'], 'weight')}, selection {edit['selection']}, control {edit['control']}"
    for name, one in found["controls"].items():
        yield (
            f"control {name}: {counted(one['weights'], 'weight')}, {one['fewer']:,} fewer than the edit, "
            f"{one['shared']:,} shared with it"
        )
    if found["quantities"] is not None and found["measured_on"] == UNPRUNED:
        yield f"{MEASURED_UNPRUNED}: the edited model and the controls are not pruned"
    for one in found["quantities"] or ():
        of = f" ({found['sets'][one['concern']]['title']})" if one["concern"] else ""
        yield f"{one['name']}{of}, {one['unit']}, {one['better']} is better, n = {one['systems']['edited']['n']}"
        for name, cell in one["systems"].items():
            yield f"  {name:24} {_interval(cell)}" + _null(cell)
        sign = "÷" if one["name"] == "perplexity" else "−"
        for name, cell in one["differences"].items():
            yield f"  {'edited ' + sign + ' ' + name:24} {_interval(cell)}"
    if found["quantities"] is not None and found["hsic"]["reason"]:
        yield f"hsic: left out, {found['hsic']['reason']}"
    if found["verdict"] is not None:
        yield found["verdict"]["sentence"]


def _null(cell: Mapping[str, Any]) -> str:
    """Of HSIC: what mixed pairs give."""
    if "p_value" not in cell:
        return ""
    return f"  mixed pairs {cell['null_mean']:.4f}, 95 % below {cell['null_95']:.4f}, p {cell['p_value']:.3f}"


def _interval(cell: Mapping[str, Any]) -> str:
    if cell["value"] is None:
        return "missing"
    ends = "no interval" if cell["low"] is None else f"[{cell['low']:.4f}, {cell['high']:.4f}]"
    return f"{cell['value']:9.4f} {ends}"
