"""Votes that were collected elsewhere: our own export, arena scripts' battles, or Potato's annotations. Untrusted, refused in words."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

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
POTATO_ANSWERS: dict[str, Answer] = {"a": "left", "b": "right", "tie": "tie"}
MARKS = (":::", ".")
"""What stands between scheme and label in a column of Potato's tables: before Potato 2, and since."""
ALONE = "the annotator"
"""Whoever wrote the file of one annotator, which names nobody."""
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
    return Read(tuple(_once(found)), same, states)


def is_potato(name: str, data: bytes) -> bool:
    """Whether a file is one of those that Potato writes.

    Raises:
        BadInput: a file that cannot be read.
    """
    columns = set(read_table(name, data, nested=True).columns)
    own = {"label_annotations", "labels"} & columns or any(_scheme_of(column) for column in columns)
    return bool(own and {"id", "instance_id"} & columns)


def _scheme_of(column: str) -> str | None:
    """The scheme whose selection a column of Potato's tables holds: 'fairer.selection', before Potato 2 'fairer:::selection'."""
    for mark in MARKS:
        scheme, _, label = column.rpartition(mark)
        if scheme and label == "selection":
            return scheme
    return None


def potato_votes(
    name: str,
    data: bytes,
    key: Sequence[Mapping[str, str]],
    study: str,
    question: str,
    *,
    pseudonym: Callable[[str], str] = str,
) -> list[Vote]:
    """Votes of what Potato writes, of its pairwise scheme.

    Its annotations.jsonl and annotations.csv, since Potato 2: {"instance_id", "user_id", "labels": {scheme: {"selection": "A"}}}, or
    a column 'scheme.selection'; annotated_instances.jsonl and .csv of before: {"user_id", "instance_id", "label_annotations": …}, or a
    column 'scheme:::selection'. The file of one annotator has "id" and names nobody: it is one judge. Times are those of a whole
    page, and are not read.

    Args:
        key: the second part of `export.potato_items`.
        question: the name of the scheme.
        pseudonym: of a user_id, which may be a crowd platform's id.

    Raises:
        BadInput: a line without these fields, an id that the key does not have, an answer that is neither A, B nor tie.

    Source: docs/data-export/export_formats.md and docs/annotation-types/comparison/pairwise_annotation.md of davidjurgens/potato.
    """
    sides = {row["id"]: row for row in key}
    found: list[Vote] = []
    frame = read_table(name, data, nested=True)
    alone = "id" in frame.columns and "instance_id" not in frame.columns
    for line, row in zip(frame.index, frame.to_dict("records"), strict=True):
        where = f"line {line} of Potato's annotations"
        item = str(row.get("id" if alone else "instance_id") or "")
        user = ALONE if alone else str(row.get("user_id") or row.get("user") or "")
        given = _potato_given({str(name): value for name, value in row.items()}, question)
        missing = [
            what
            for what, value in (("user_id", user), ("instance_id", item), ("label_annotations", given))
            if not value
        ]
        if missing:
            raise BadInput(f"{where} lacks {', '.join(missing)}")
        if item not in sides:
            raise BadInput(
                f"{where} is about {_short(item)}, which the key does not have: give the key of the same export"
            )
        own = sides[item]
        found.append(
            Vote(
                study,
                pseudonym(_name("user_id", user)),
                item,
                question,
                own["system_left"],
                own["system_right"],
                _potato_answer(given, question, where),
                sample=own.get("sample", ""),
                position=len(found),
            )
        )
    return _once(found)


def _potato_given(row: Mapping[str, Any], question: str) -> str:
    """All answers of a line as JSON, {scheme: …}, however this version of Potato writes them; '' where there are none."""
    nested = row.get("label_annotations") or row.get("labels")
    if nested:
        return str(nested)
    cells = {_scheme_of(column): original(str(value)) for column, value in row.items() if _scheme_of(column)}
    return json.dumps({question: cells[question]}) if question in cells else ""


def _potato_answer(text: str, question: str, where: str) -> Answer:
    """The answer under the scheme's name, whichever of A, B and tie stands there as a label or as its value."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where} has label_annotations that are not JSON ({error})") from error
    chosen = given.get(question) if isinstance(given, dict) else None
    listed: list[Any] = [*chosen.keys(), *chosen.values()] if isinstance(chosen, dict) else [chosen]
    words = {one.strip().lower() for one in listed if isinstance(one, str)} & set(POTATO_ANSWERS)
    if len(words) != 1:
        raise BadInput(
            f"{where} has no answer to {question!r}: one of A, B and tie is expected, not {_short(str(chosen))}"
        )
    return POTATO_ANSWERS[words.pop()]


def _arena(row: Mapping[str, str], study: str, question: str, number: int) -> Vote:
    winner = row["winner"].strip()
    if winner not in ARENA_WINNERS:
        raise BadInput(f"winner {_short(winner)} is none of {', '.join(ARENA_WINNERS)}")
    # Battles without a judge or an id are independent of one another.
    return Vote(
        study,
        _name("judge", row.get("judge", "") or f"row {number}"),
        _name("question_id", row.get("question_id", "") or f"row {number}"),
        question,
        _name("model_a", row["model_a"]),
        _name("model_b", row["model_b"]),
        ARENA_WINNERS[winner],
        position=number,
        sided=False,
    )


def _own(row: Mapping[str, str], study: str, question: str, number: int) -> Vote:
    del question  # every row names its own
    named = {column: _name(column, row[column]) for column in REQUIRED if column != "answer"}
    answer, kind = row["answer"].strip(), row.get("kind", "").strip() or "item"
    sides = row.get("sides", "").strip() or SIDES_KNOWN
    if sides not in (SIDES_KNOWN, SIDES_UNKNOWN):
        raise BadInput(f"sides {_short(sides)} is neither {SIDES_KNOWN!r} nor {SIDES_UNKNOWN!r}")
    if answer not in ANSWERS and (answer, kind) != (SKIPPED, "attention"):
        raise BadInput(f"answer {_short(answer)} is none of {', '.join(ANSWERS)}")
    if kind not in KINDS:
        raise BadInput(f"kind {_short(kind)} is none of {', '.join(KINDS)}")
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


def _name(column: str, value: str) -> str:
    value = value.strip()
    if not value:
        raise BadInput(f"{column} is empty")
    if len(value) > MAX_NAME:
        raise BadInput(f"{column} has {counted(len(value), 'character')}, more than {MAX_NAME}")
    if not value.isprintable():
        raise BadInput(f"{column} {_short(value)} holds a control character")
    return value


def _optional(column: str, value: str) -> str | None:
    return _name(column, value) if value.strip() else None


def _seconds(value: str) -> float | None:
    if not value.strip():
        return None
    try:
        found = float(value)
    except ValueError as error:
        raise BadInput(f"seconds {_short(value)} is no number") from error
    if not math.isfinite(found) or found < 0:
        raise BadInput(f"seconds {_short(value)} is no time: give a number of at least 0, or nothing")
    return found


def _position(value: str, number: int) -> int:
    if not value.strip():
        return number
    try:
        found = int(value)
    except ValueError as error:
        raise BadInput(f"position {_short(value)} is no whole number") from error
    if not 0 <= found <= MAX_POSITION:
        raise BadInput(f"position {found} is outside 0 to {MAX_POSITION:,}")
    return found


def _once(votes: list[Vote]) -> list[Vote]:
    seen = set()
    for vote in votes:
        key = (vote.judge, vote.item, vote.question)
        if key in seen:
            raise BadInput(
                f"judge {vote.judge!r} has two votes on item {vote.item!r} and question {vote.question!r}: keep one"
            )
        seen.add(key)
    return votes


def _short(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "…")
