"""`python -m fairprune bundle` and `import`: runs in one file, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fairprune.bundle import read_bundle, write_bundle
from fairprune.bundle.terms import warning_for
from fairprune.cli_files import check_writable
from fairprune.store import open_store
from fairprune.text import counted, say


def register(app: typer.Typer) -> None:
    """Adds the two commands."""
    app.command()(bundle)
    app.command("import")(import_)


def bundle(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN…", help="Finished runs: ids, or their first 6 or more digits.")
    ],
    out: Annotated[Path, typer.Option(help="The bundle file to write, such as runs.zip.")],
    pictures: Annotated[
        bool,
        typer.Option(help="Figures with captions as PNG, two per run; drawn by the Chrome of this computer."),
    ] = False,
) -> None:
    """Writes finished runs with their texts and numbers into one zip that another fairprune opens read-only."""
    check_writable(out, "bundle")
    with open_store() as store:
        manifest = write_bundle(store, runs, out, pictures=pictures)
    warning = warning_for(manifest.corpora)
    if warning:
        say(f"{warning}.", file=sys.stderr)
    say(f"{out}: {counted(len(manifest.runs), 'run')}, {out.stat().st_size:,} bytes")


def import_(file: Annotated[Path, typer.Argument(help="A bundle that `bundle` or the app wrote.")]) -> None:
    """Takes the runs of a bundle into the store: to be looked at, not to be started again."""
    with open_store() as store:
        found = read_bundle(store, file)
        say(f"{found.sentence()}.")
        for run_id in (*found.new, *found.kept):
            say(f"{run_id}  {'new ' if run_id in found.new else 'kept'}  {store.run(run_id).label}")
