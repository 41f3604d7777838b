"""`python -m fairprune talk` and `audience`: a run as slides in one file, and the votes of a room."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from fairprune.audience.limits import MOST_PHONES, PHONES_PER_ADDRESS
from fairprune.bundle.terms import warning_for
from fairprune.cli_files import check_writable
from fairprune.errors import BadInput
from fairprune.store import open_store
from fairprune.text import say


def register(app: typer.Typer) -> None:
    """Adds the two commands."""
    app.command()(talk)
    app.command()(audience)


def talk(
    out: Annotated[Path, typer.Option(help="The file to write, such as talk.html.")],
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN…",
            help="Finished runs, the one to tell of first: ids, or their first 6 or more digits. After a single one come all "
            "stored runs that compare with it.",
        ),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help="Tell of the example runs that come with fairprune.")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(
            min=1, help="Sample of the first run to show, counted from 1; default: one that changed much."
        ),
    ] = None,
    judge: Annotated[
        int | None,
        typer.Option(min=1, help="Sample to be judged; default: another one that changed much."),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="Only the runs that are named.")] = False,
) -> None:
    """Writes runs as slides into one HTML file that needs no network and nothing else."""
    from fairprune.talk.document import write_talk
    from fairprune.talk.story import chosen_runs, tell

    if example == bool(runs):
        raise BadInput("name the runs to tell of, or ask for --example: one of the two")
    check_writable(out, "talk")
    with open_store() as store:
        found = chosen_runs(store, runs or (), alone=alone)
        story = tell(
            store,
            found,
            sample=None if sample is None else sample - 1,
            judged=None if judge is None else judge - 1,
        )
        size = write_talk(story, out)
        warning = warning_for([found[0].spec.evaluation.corpus])
    if warning:
        say(f"{warning}.", file=sys.stderr)
    say(f"{out}: {len(story.slides)} slides, {size:,} bytes")


def audience(
    run: Annotated[str, typer.Argument(help="A finished run: its id, or its first 6 or more digits.")],
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Sample to judge, counted from 1; default: the one of the talk."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port to listen on; default: the first free one from 8600 on."),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(
            help="IPv4 address of this computer to listen on; default: the one on the local network."
        ),
    ] = None,
    per_address: Annotated[
        int,
        typer.Option(
            min=1,
            max=MOST_PHONES,
            help="Phones that may answer from one address. More are needed only where a large room is behind a single one.",
        ),
    ] = PHONES_PER_ADDRESS,
) -> None:
    """Lets phones on the local network judge one pair of summaries, until Ctrl+C. They reach nothing else."""
    from fairprune.audience.process import fit_pair, serve
    from fairprune.audience.tally import OUTCOMES, tally
    from fairprune.talk.pair import read

    with open_store() as store:
        found = store.run(run)
        if sample is None:
            reading = read(store, found)
            place = reading.judged(reading.told())
            if place is None:
                raise BadInput(
                    f"run {found.id} has no pair that can be judged: name one with --sample, or another run"
                )
        else:
            place = sample - 1
        pair = fit_pair(store, found, place)
        key = serve(
            store,
            pair,
            address=address,
            port=port,
            per_address=per_address,
            say=lambda text: say(text, flush=True),
        )
        for outcome in tally(store.vote_counts(key)).outcomes:
            say(f"{OUTCOMES[outcome.name]}: {outcome.words}")
