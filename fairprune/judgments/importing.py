"""Votes that were collected elsewhere: our own export, or arena scripts' battles. Untrusted, refused in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import cast

from fairprune.corpora.tables import read_table
from fairprune.errors import BadInput
from fairprune.judgments.export import SIDES_KNOWN, SIDES_UNKNOWN
from fairprune.judgments.votes import ANSWERS, FAIRER, KINDS, SKIPPED, Answer, Vote
from fairprune.spreadsheet import original
from fairprune.text import counted

REQUIRED = ("judge", "item", "question", "system_left", "system_right", "answer")
ARENA_WINNERS: dict[str, Answer] = {
    "model_a": "left",
    "model_b": "right",
    "tie": "tie",
    "tie (bothbad)": "both_unfair",
}
MAX_NAME = 200
"""Characters of a name: judge, item, question, system, group."""
MAX_COMMENT = 10_000
MAX_POSITION = 1_000_000


@dataclass(frozen=True)
class Read:
    """What a file of votes says."""

    votes: tuple[Vote, ...]
    runs: Mapping[str, str] = field(default_factory=dict)
    """System → the run that wrote its summaries, where every row says the same."""
    states: Mapping[str, str] = field(default_factory=dict)
    """Judge, by the pseudonym → how their part has ended, where the file says it."""


def read_votes(
    name: str,
    data: bytes,
    study: str,
    *,
    question: str = FAIRER,
    pseudonym: Callable[[str], str] = str,
) -> list[Vote]:
    """The votes of `read_file`."""
    return list(read_file(name, data, study, question=question, pseudonym=pseudonym).votes)


def read_file(
    name: str,
    data: bytes,
    study: str,
    *,
    question: str = FAIRER,
    pseudonym: Callable[[str], str] = str,
) -> Read:
    """Votes of a CSV, JSON Lines or Parquet file: own rows (`export.rows`), or `model_a, model_b, winner`.

    Args:
        name: the file's name; its suffix says the format.
        data: its bytes.
        study: the study that the votes become part of; the file's own name of it is not read.
        question: of arena rows, which ask only one.
        pseudonym: of a judge's name in the file, which may be a crowd platform's id; as it is where nothing is given.

    Raises:
        BadInput: a file that cannot be read, missing columns, a row that is no vote (named with its line), two votes of one judge
            on one item and question.
    """
    frame = read_table(name, data)
    columns = set(frame.columns)
    csv = name.lower().endswith(".csv")
    if columns >= {"model_a", "model_b", "winner"}:
        read = _arena
    elif columns >= set(REQUIRED):
        read = _own
    else:
        missing = ", ".join(column for column in REQUIRED if column not in columns)
        raise BadInput(
            f"{name} lacks the columns {missing}: give {', '.join(REQUIRED)}, or model_a, model_b and winner"
        )
    found: list[Vote] = []
    runs: dict[str, set[str]] = {}
    states: dict[str, str] = {}
    for line, cells in zip(frame.index, frame.to_dict("records"), strict=True):
        row = {str(key): original(str(value)) if csv else str(value) for key, value in cells.items()}
        try:
            found.append(read(row, study, question, len(found)))
        except BadInput as error:
            raise BadInput(f"row {line} of {name}: {error}") from error
        vote = found[-1] = replace(found[-1], judge=pseudonym(found[-1].judge))
        states.setdefault(vote.judge, row.get("judge_state", "").strip())
        for side in ("left", "right"):
            run = row.get(f"run_{side}", "").strip()
            if run:
                runs.setdefault(getattr(vote, f"system_{side}"), set()).add(run)
    same = {system: next(iter(of)) for system, of in runs.items() if len(of) == 1}
    return Read(tuple(once(found)), same, states)


def _arena(row: Mapping[str, str], study: str, question: str, number: int) -> Vote:
    winner = row["winner"].strip()
    if winner not in ARENA_WINNERS:
        raise BadInput(f"winner {shortened(winner)} is none of {', '.join(ARENA_WINNERS)}")
    # Battles without a judge or an id are independent of one another.
    return Vote(
        study,
        checked_name("judge", row.get("judge", "") or f"row {number}"),
        checked_name("question_id", row.get("question_id", "") or f"row {number}"),
        question,
        checked_name("model_a", row["model_a"]),
        checked_name("model_b", row["model_b"]),
        ARENA_WINNERS[winner],
        position=number,
        sided=False,
    )


def _own(row: Mapping[str, str], study: str, question: str, number: int) -> Vote:
    del question  # every row names its own
    named = {column: checked_name(column, row[column]) for column in REQUIRED if column != "answer"}
    answer, kind = row["answer"].strip(), row.get("kind", "").strip() or "item"
    sides = row.get("sides", "").strip() or SIDES_KNOWN
    if sides not in (SIDES_KNOWN, SIDES_UNKNOWN):
        raise BadInput(f"sides {shortened(sides)} is neither {SIDES_KNOWN!r} nor {SIDES_UNKNOWN!r}")
    if answer not in ANSWERS and (answer, kind) != (SKIPPED, "attention"):
        raise BadInput(f"answer {shortened(answer)} is none of {', '.join(ANSWERS)}")
    if kind not in KINDS:
        raise BadInput(f"kind {shortened(kind)} is none of {', '.join(KINDS)}")
    comment = row.get("comment", "")
    if len(comment) > MAX_COMMENT:
        raise BadInput(f"the comment has {counted(len(comment), 'character')}, more than {MAX_COMMENT:,}")
    expected = tuple(one.strip() for one in row.get("expected", "").split(";") if one.strip())
    return Vote(
        study,
        named["judge"],
        named["item"],
        named["question"],
        named["system_left"],
        named["system_right"],
        cast("Answer", answer),
        _seconds(row.get("seconds", "")),
        _optional("group", row.get("group", "")),
        _optional("repeat_of", row.get("repeat_of", "")),
        _position(row.get("position", ""), number),
        kind,
        cast("tuple[Answer, ...]", expected),
        _optional("sample", row.get("sample", "")) or "",
        comment,
        sides == SIDES_KNOWN,
    )


def checked_name(column: str, value: str) -> str:
    """A name of the file, without the blanks around it; column says in errors what it is of."""
    value = value.strip()
    if not value:
        raise BadInput(f"{column} is empty")
    if len(value) > MAX_NAME:
        raise BadInput(f"{column} has {counted(len(value), 'character')}, more than {MAX_NAME}")
    if not value.isprintable():
        raise BadInput(f"{column} {shortened(value)} holds a control character")
    return value


def _optional(column: str, value: str) -> str | None:
    return checked_name(column, value) if value.strip() else None


def _seconds(value: str) -> float | None:
    if not value.strip():
        return None
    try:
        found = float(value)
    except ValueError as error:
        raise BadInput(f"seconds {shortened(value)} is no number") from error
    if not math.isfinite(found) or found < 0:
        raise BadInput(f"seconds {shortened(value)} is no time: give a number of at least 0, or nothing")
    return found


def _position(value: str, number: int) -> int:
    if not value.strip():
        return number
    try:
        found = int(value)
    except ValueError as error:
        raise BadInput(f"position {shortened(value)} is no whole number") from error
    if not 0 <= found <= MAX_POSITION:
        raise BadInput(f"position {found} is outside 0 to {MAX_POSITION:,}")
    return found


def once(votes: list[Vote]) -> list[Vote]:
    """The votes. Raises: BadInput: two of one judge on one item and question."""
    seen = set()
    for vote in votes:
        key = (vote.judge, vote.item, vote.question)
        if key in seen:
            raise BadInput(
                f"judge {vote.judge!r} has two votes on item {vote.item!r} and question {vote.question!r}: keep one"
            )
        seen.add(key)
    return votes


def shortened(value: str) -> str:
    """A value of the file as an error repeats it."""
    return repr(value if len(value) <= 40 else value[:40] + "…")
