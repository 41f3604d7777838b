"""`python -m fairprune study`: which studies there are, the votes of a closed one as a file, and votes of elsewhere as a study.

They are planned on the page Study.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairprune.cli_files import check_writable, write
from fairprune.errors import BadInput, unknown
from fairprune.judgments.votes import FAIRER
from fairprune.store import Store, open_store
from fairprune.store.judgments_values import Study
from fairprune.text import counted, say

SHORTEST = 6


def register(app: typer.Typer) -> None:
    """Adds the command with its two parts."""
    part = typer.Typer(
        help="Studies of human judgments: list them, export their votes, import votes of elsewhere.",
        no_args_is_help=True,
    )
    part.command("list")(list_studies)
    part.command("export")(export_votes)
    part.command("import")(import_votes)
    app.add_typer(part, name="study")


def list_studies() -> None:
    """Prints one line per study: id, state (or that its votes are of elsewhere), votes, title."""
    with open_store() as store:
        studies = store.studies()
        for study in studies:
            votes = "–"
            if study.state != "draft":
                progress = store.study_progress(study.id)
                votes = f"{progress.done}/{progress.wanted}"
            state = "imported" if study.origin == "imported" else study.state
            say(f"{study.id}  {state:8}  {votes:>11}  {study.title}")
        if not studies:
            say("No study yet: plan one on the page Study.")


def export_votes(
    study: Annotated[str, typer.Argument(help="Id of a closed study, or its first 6 or more digits.")],
    out: Annotated[
        Path, typer.Option(help="The file to write; its ending decides: .csv, .jsonl or .parquet.")
    ],
    ratings: Annotated[
        Path | None,
        typer.Option(help="A CSV file for what compares nothing: answers to questions in steps."),
    ] = None,
) -> None:
    """Writes one row per vote, as the page does: pseudonymous, with the run's hash of each side and how the judge's part has ended."""
    from fairprune.judgments.closed import read_closed
    from fairprune.judgments.closed_files import FORMATS, ratings_file, raw_file

    ending = out.suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        raise unknown("format of a file of votes", ending or out.name, tuple(FORMATS))
    check_writable(out, "file of votes")
    check_writable(ratings, "file of ratings")
    if ratings is not None and (ratings.suffix.lower() != ".csv" or ratings.resolve() == out.resolve()):
        raise BadInput(f"ratings cannot be written to {ratings}: name a .csv file of their own")
    with open_store() as store:
        closed = read_closed(store, _study(store, study))
    title = closed.study.title
    if ratings is not None and not closed.ratings:
        raise BadInput(f"study {title!r} asks for no ratings: leave out --ratings {ratings}")
    write(out, raw_file(closed, ending))
    say(f"{counted(len(closed.given), 'vote')} of {title} in {out}")
    if ratings is not None:
        write(ratings, ratings_file(closed))
        say(f"{counted(len(closed.rated), 'rating')} in {ratings}")
    elif closed.rated:
        say(f"{counted(len(closed.rated), 'rating')} left out: --ratings FILE.csv writes them")


def import_votes(
    file: Annotated[
        Path,
        typer.Argument(
            help="Votes as .csv, .jsonl or .parquet: rows as `export` writes them, arena battles, or what Potato wrote, its .json too."
        ),
    ],
    title: Annotated[str, typer.Option(help="What the study is called here. Default: the file's name.")] = "",
    question: Annotated[str, typer.Option(help="The question of battles, which name none.")] = FAIRER,
    of: Annotated[
        str,
        typer.Option(
            help="The closed study whose items were judged elsewhere: its texts and runs are known then."
        ),
    ] = "",
) -> None:
    """Stores votes that were collected elsewhere as a closed study of their own; what the file does not say stays missing."""
    from fairprune.judgments.closed import read_closed
    from fairprune.judgments.closed_files import read_elsewhere
    from fairprune.judgments.elsewhere import brought

    try:
        data = file.read_bytes()
    except OSError as error:
        raise BadInput(f"{file} cannot be read ({error.strerror}): name a file of votes") from error
    with open_store() as store:
        closed = read_closed(store, _study(store, of)) if of else None
        read = read_elsewhere(file.name, data, question, closed)
        stored = store.judged_sets(vote.sample for vote in read.votes if vote.sample)
        found = brought(
            read,
            file.name,
            data,
            questions=None if closed is None else closed.questions,
            items=() if closed is None else closed.items,
            stored=stored,
        )
        made = store.import_study(
            title or file.stem,
            found.design,
            found.items,
            found.judges,
            found.votes,
            copied_from=None if closed is None else closed.study.id,
        )
    judges = counted(len(found.judges), "judge")
    say(f"{counted(len(found.votes), 'vote')} by {judges} are study {made}")
    for one in found.missing:
        say(f"not known: {one}")


def _study(store: Store, wanted: str) -> Study:
    if len(wanted) < SHORTEST:
        raise BadInput(
            f"{wanted!r} is too short for the id of a study: give its first {SHORTEST} or more digits"
        )
    found = [study for study in store.studies() if study.id.startswith(wanted.lower())]
    if len(found) != 1:
        many = "several studies begin" if found else "no study begins"
        raise BadInput(f"{many} with {wanted!r}: `python -m fairprune study list` shows them")
    return found[0]
