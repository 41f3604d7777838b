"""The files of a closed study: raw votes, arena battles; and votes on its items that were collected elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from fairprune.errors import BadInput
from fairprune.judgments.closed import Closed
from fairprune.judgments.export import (
    ARENA,
    COLUMNS,
    Row,
    arena_rows,
    rows,
    to_csv,
    to_jsonl,
    to_parquet,
)
from fairprune.judgments.importing import Read, read_file
from fairprune.judgments.potato import potato_of
from fairprune.judgments.potato_answers import MARKS, is_potato, potato_votes
from fairprune.judgments.votes import Vote

FORMATS = {
    "csv": ("CSV", "text/csv"),
    "jsonl": ("JSON Lines", "application/x-ndjson"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
}
"""Ending of a file → its name on the page and its type."""
RAW = (*COLUMNS, "judge_state")
RATINGS = (
    "study",
    "judge",
    "judge_state",
    "item",
    "sample",
    "question",
    "answer",
    "system_left",
    "system_right",
    "seconds",
)
LABELS = (
    *("study", "judge", "judge_state", "item", "sample", "system", "run", "text", "label", "predicted"),
    *("confidence", "seconds", "group", "position", "kind", "repeat_of", "expected", "comment"),
)
"""Of labels: 'label' is the judge's, 'predicted' and 'confidence' the classifier's, 'group' what the judge said of themselves."""
SIDE = {
    "system": "system",
    "run": "run_id",
    "text": "text",
    "predicted": "predicted",
    "confidence": "confidence",
}
"""Column of labels → what it is of the side whose sentence it is."""
MOST_QUESTIONS, MOST_SYSTEMS = 20, 60
"""Of a file that comes in: every question is analysed, and every two systems are compared."""


def raw_rows(closed: Closed) -> tuple[list[Row], tuple[str, ...]]:
    """(one row per vote, its columns): pseudonymous, with the run of each side, and how the judge's part has ended.

    Judges who failed are among them; what was answered on an unfinished item is not. Of labels a row per vote and system: a sentence that
    several systems wrote was labelled for each of them.
    """
    if not closed.label:
        found = rows(closed.votes, closed.runs)
        return [{**row, "judge_state": closed.states.get(row["judge"])} for row in found], RAW
    items = {item.id: item for item in closed.items}
    table = []
    for vote in closed.label_votes:
        item = items.get(vote.repeat_of or vote.item)
        # Of attention and practice items there is no system whose sentence it would be.
        for side in (None,) if item is None else item.sides:
            table.append(
                {
                    "study": closed.study.id,
                    "judge": vote.judge,
                    "judge_state": closed.states.get(vote.judge),
                    "item": vote.item,
                    "sample": None if item is None else item.set_id,
                    **{name: getattr(side, field, None) for name, field in SIDE.items()},
                    "label": vote.answer,
                    "seconds": vote.seconds,
                    "group": vote.group,
                    "position": vote.position,
                    "kind": vote.kind,
                    "repeat_of": vote.repeat_of,
                    "expected": "; ".join(vote.expected) or None,
                    "comment": vote.comment,
                }
            )
    return table, LABELS


def raw_file(closed: Closed, ending: str) -> bytes:
    """`raw_rows` as one of FORMATS."""
    found, columns = raw_rows(closed)
    if ending == "jsonl":
        return to_jsonl(found)
    return to_csv(found, columns) if ending == "csv" else to_parquet(found, columns)


def ratings_file(closed: Closed) -> bytes:
    """Answers to the questions that compare nothing, as CSV; steps as they were clicked."""
    found = [
        {
            **{name: getattr(row, name) for name in RATINGS if name != "sample"},
            "sample": row.set_id or row.sample or row.item,
        }
        for row in closed.rated
    ]
    return to_csv(found, RATINGS)


def arena_file(closed: Closed, question: str) -> bytes:
    """Battles of one question, as CSV."""
    return to_csv(arena_rows(closed.votes, question), ARENA)


# Votes that were collected elsewhere


def read_elsewhere(name: str, data: bytes, question: str, closed: Closed | None = None) -> Read:
    """Votes of a file: our own rows, arena battles, or what Potato stored of a study's items.

    Judges get pseudonyms 'X001', 'X002' … in the order in which they come: a file may hold a crowd site's ids.

    Args:
        question: of arena battles, which name none.
        closed: the study whose items Potato was given; None: the file stands alone.

    Raises:
        BadInput: as `importing.read_file` and `potato_answers.potato_votes`; no vote in it; Potato's file without the study.
    """
    if closed is not None and closed.label:
        raise BadInput(
            "labels that were collected elsewhere cannot be read here: only a sentence of this study has a label of the classifier "
            "that was frozen before anybody answered. Let judges label them on page Judge"
        )
    known: dict[str, str] = {}

    def pseudonym(judge: str) -> str:
        return known.setdefault(judge, f"X{len(known) + 1:03d}")

    if is_potato(name, data):
        if closed is None:
            raise BadInput(
                f"{name[:80]} is of Potato, which knows no systems: open the study whose items it was given, and read the file there"
            )
        votes: list[Vote] = []
        for asked in _answered(data, closed.questions):
            votes += potato_votes(
                name, data, potato_of(closed).key, closed.study.id, asked, pseudonym=pseudonym
            )
        read = Read(tuple(votes))
    else:
        study = "" if closed is None else closed.study.id
        read = read_file(name, data, study, question=question, pseudonym=pseudonym)
    if not any(vote.kind == "item" for vote in read.votes):
        raise BadInput(f"{name[:80]} holds no vote on an item: a row for each vote is meant")
    for what, most, names in (
        ("questions", MOST_QUESTIONS, {vote.question for vote in read.votes}),
        (
            "systems",
            MOST_SYSTEMS,
            {one for vote in read.votes for one in (vote.system_left, vote.system_right)},
        ),
    ):
        if len(names) > most:
            raise BadInput(
                f"{name[:80]} speaks of {len(names):,} {what}: at most {most} can be analysed at once"
            )
    return read


def _answered(data: bytes, questions: Mapping[str, str]) -> list[str]:
    """Questions that Potato asked: those whose name stands in the file; the first one where none does, so that the error names it."""
    head = data.split(b"\n", 1)[0].decode(errors="replace")
    found = [
        one
        for one in questions
        if json.dumps(one).encode() in data or any(f"{one}{mark}" in head for mark in MARKS)
    ]
    return found or list(questions)[:1]


def together(closed: Closed, votes: Sequence[Vote]) -> list[Vote]:
    """The study's own votes and those on the same items that were collected elsewhere.

    Raises:
        BadInput: votes on items that the study does not have, or on other systems: they cannot be read as one study.
    """
    pairs = {item.id: {item.a.system, item.b.system} for item in closed.items if item.b is not None}
    samples = {item.id: item.set_id or "" for item in closed.items}
    for vote in votes:
        if vote.kind == "item" and pairs.get(vote.item) != {vote.system_left, vote.system_right}:
            raise BadInput(
                f"the file has a vote on item {vote.item[:40]!r} by {vote.system_left[:40]} and {vote.system_right[:40]}, which this study "
                "does not have: read the file alone"
            )
    return [*closed.votes, *(replace(vote, sample=samples.get(vote.item, vote.sample)) for vote in votes)]
