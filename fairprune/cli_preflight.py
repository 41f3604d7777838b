"""`python -m fairprune preflight`: what a run would need, before it starts."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from fairprune import catalogue
from fairprune import cli_options as options
from fairprune.errors import unknown
from fairprune.plan import plan_run
from fairprune.preflight import estimate, setting_that_fits, words
from fairprune.store import open_store
from fairprune.text import say


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(preflight)


@options.with_options(options.asked_run, "asked")
def preflight(
    *,
    asked: dict[str, Any],
    job: Annotated[
        str, typer.Option(help="run: as `run` does; prune: as `prune` does, a folder and no summaries.")
    ] = "run",
) -> int:
    """Says what a run would need: memory, disk, time; and a setting that fits, where this one does not. Runs nothing."""
    if job not in ("run", "prune"):
        raise unknown("job", job, ["run", "prune"])
    spec = plan_run(
        **asked,
        summaries=job == "run",
        # A model that is not here yet is told from the hub's headers, or the catalogue's numbers.
        checked=catalogue.preview_folder(catalogue.resolve(asked["model"])) is not None,
    )
    with open_store() as store:
        found = estimate(spec, job=job, store=store)  # type: ignore[arg-type]
        setting = None if found.fits else setting_that_fits(found, job=job, store=store)  # type: ignore[arg-type]
    say("\n".join(words.lines(found, setting)))
    return 0 if found.fits else 1
