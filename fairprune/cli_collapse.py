"""`python -m fairprune collapse RUN`: the Neural Collapse report of a stored run, made by the worker of the run's device."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from fairprune import jobs
from fairprune.cli_files import check_writable, write_json
from fairprune.cli_options import JsonFile
from fairprune.debias.collapse_words import change_of, change_sentence, limits_of
from fairprune.debias.words import WORD_LISTS
from fairprune.debias_stages import COLLAPSE_WINDOWS, DEBIAS
from fairprune.errors import Unavailable
from fairprune.store import Store, open_store
from fairprune.tables import reason_lines
from fairprune.text import say

WORDS_OF = {"products": "sentiment"}
"""Corpus → the word list that is looked at where nobody names one; gender for all others. (Of the party words none has ten
contexts in the debates of `politics`.)"""


def default_words(corpus: str) -> str:
    """The word list for a corpus."""
    return WORDS_OF.get(corpus, WORD_LISTS[0])


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(collapse)


def collapse(
    run_id: Annotated[str, typer.Argument(metavar="RUN")],
    words: Annotated[
        str | None,
        typer.Option(
            help=f"Word list: {', '.join(WORD_LISTS)}; default: sentiment for products, else gender."
        ),
    ] = None,
    windows: Annotated[
        int, typer.Option(min=2, help="Held-out windows of 128 tokens that are read, at most.")
    ] = COLLAPSE_WINDOWS,
    json_file: JsonFile = None,
) -> None:
    """Neural Collapse of group words in a stored run, dense against pruned: NC1 to NC4, UNC3, and each word's cosine.

    The model is pruned again from the stored spec and statistics, by the worker that makes runs. A report that is there is shown.
    """
    check_writable(json_file, "JSON file")
    with open_store() as store:
        run = store.run(run_id)
        chosen = words or default_words(run.spec.evaluation.corpus)
        _, queued = jobs.ask_collapse(run.id, chosen, windows, store)
        say(
            f"run {run.id}: {run.title}" + ("" if queued else " (the report is there already)"),
            file=sys.stderr,
        )
        _follow(store, run.id)
        found = (store.result(run.id, DEBIAS) or {})["collapse"]
    if json_file is not None:
        write_json(json_file, found, f"the report is stored with run {run.id}")
    for line in lines_of(found):
        say(line)


def _follow(store: Store, run_id: str) -> None:
    """Prints progress to standard error until the report has ended.

    Raises:
        Unavailable: it failed, was cancelled or interrupted; says why.
    """
    last = ""
    for report in jobs.follow_collapse(run_id, store=store):
        if report.message and report.message != last:
            last = report.message
            say(f"  {last}", file=sys.stderr)
    if report.state != "done":
        raise Unavailable(
            f"the report on run {run_id} {report.state}: {report.error or 'no reason is stored'}"
        )


def lines_of(found: Mapping[str, Any]) -> Iterator[str]:
    """The document in lines of text: what changed, each list with its measures, each word's cosine, then what is left out."""
    yield f"word list {found['list']}: {found['tokens']:,} tokens in {found['windows']} held-out windows"
    yield change_sentence(found)
    for key, one in found["lists"].items():
        yield f"{one['title']}: {one['words']} words, {one['features']:,} features"
        if one["reason"]:
            yield f"  {one['reason']}"
            continue
        for name, cells in one["measures"].items():
            change = change_of(cells)
            shown = [f"{system} {_cell(cells[system])}" for system in ("dense", "pruned", change)]
            if key == "group" and change == "ratio":
                shown.append(f"beside the control's {_cell(found['against_control'][name])}")
            yield f"  {found['measures'][name]['title']:14} {'   '.join(shown)}"
    yield from reason_lines(limits_of(found, found["measures"]))
    if found["words"]:
        yield "cosine of each word's row and the mean of its contexts, dense → pruned:"
    for word in found["words"]:
        whose = word["group"] or "control"
        cosines = " → ".join(
            "–" if word[system] is None else f"{word[system]:.3f}" for system in ("dense", "pruned")
        )
        yield f"  {word['text']} ({whose}, n = {word['n']}): {cosines}"
    dropped = ", ".join(f"{n} {why}" for why, n in found["dropped"].items() if n)
    yield f"left out: {dropped or 'no word'}; {found['rare']} too rare (fewer than {found['min_count']} features)"


def _cell(cell: Mapping[str, Any]) -> str:
    if cell["value"] is None:
        return f"– ({cell['reason']})"
    ends = "no interval" if cell["low"] is None else f"{cell['low']:.3f} to {cell['high']:.3f}"
    return f"{cell['value']:.3f} [{ends}], n = {cell['n']}"
