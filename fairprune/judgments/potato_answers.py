"""What Potato's annotators answered about a study's items, in every file that it writes. Untrusted, refused in words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from fairprune.corpora.tables import MAX_BYTES, decode, read_table
from fairprune.errors import BadInput
from fairprune.judgments.importing import checked_name, once, shortened
from fairprune.judgments.votes import Answer, Vote
from fairprune.spreadsheet import original

POTATO_ANSWERS: dict[str, Answer] = {"a": "left", "b": "right", "tie": "tie"}
MARKS = (":::", ".")
"""What stands between scheme and label in a column of Potato's tables: before Potato 2, and since."""
STATE = "instance_id_to_label_to_value"
"""Where `user_state.json`, which Potato 2 keeps of every annotator, has the answers."""
ALONE = "the annotator"
"""Whoever wrote the file of one annotator, which names nobody."""
_BLANK = re.compile(r"\s*")


def is_potato(name: str, data: bytes) -> bool:
    """Whether a file is one of those that Potato writes. Of JSON nothing else is read than its `user_state.json`.

    Raises:
        BadInput: a file that cannot be read.
    """
    if name.lower().endswith(".json"):
        return True
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
    column 'scheme:::selection'. The file of one annotator has "id" and names nobody: it is one judge. `user_state.json` of one
    annotator, or those of several in one file, one after another. Times are those of a whole page, and are not read.

    Args:
        key: the second part of `potato.potato_of`.
        question: the name of the scheme.
        pseudonym: of a user_id, which may be a crowd platform's id.

    Raises:
        BadInput: a line without these fields, an id that the key does not have, an answer that is neither A, B nor tie.

    Source: docs/data-export/export_formats.md and docs/annotation-types/comparison/pairwise_annotation.md of davidjurgens/potato.
    """
    sides = {row["id"]: row for row in key}
    found: list[Vote] = []
    for where, user, item, given in _potato_lines(name, data, question):
        missing = [
            what
            for what, value in (("user_id", user), ("instance_id", item), ("label_annotations", given))
            if not value
        ]
        if missing:
            raise BadInput(f"{where} lacks {', '.join(missing)}")
        if item not in sides:
            raise BadInput(
                f"{where} is about {shortened(item)}, which the key does not have: give the key of the same export"
            )
        own = sides[item]
        found.append(
            Vote(
                study,
                pseudonym(checked_name("user_id", user)),
                item,
                question,
                own["system_left"],
                own["system_right"],
                _potato_answer(given, question, where),
                sample=own.get("sample", ""),
                position=len(found),
            )
        )
    return once(found)


def _potato_lines(name: str, data: bytes, question: str) -> Iterator[tuple[str, str, str, str]]:
    """(where it stands, user, item, answers as JSON) of every annotated item; '' for what a line does not say."""
    if name.lower().endswith(".json"):
        yield from _state_lines(name, data)
        return
    frame = read_table(name, data, nested=True)
    alone = "id" in frame.columns and "instance_id" not in frame.columns
    for line, row in zip(frame.index, frame.to_dict("records"), strict=True):
        item = str(row.get("id" if alone else "instance_id") or "")
        user = ALONE if alone else str(row.get("user_id") or row.get("user") or "")
        given = _potato_given({str(column): value for column, value in row.items()}, question)
        yield f"line {line} of Potato's annotations", user, item, given


def _state_lines(name: str, data: bytes) -> Iterator[tuple[str, str, str, str]]:
    """Of `user_state.json`: {"user_id", STATE: {item: [[{"schema", "name"}, value], …]}}, or {item: {scheme: {label: value}}}.

    Source: docs/data-export/export_formats.md and potato/export/cli.py of davidjurgens/potato.
    """
    for number, state in enumerate(_documents(name, data), 1):
        where = f"user state {number} of {name[:80]}"
        answers = state.get(STATE) if isinstance(state, dict) else None
        if not isinstance(answers, dict):
            raise BadInput(
                f"{where} has no {STATE}: of JSON only Potato's user_state.json is read, one or several in a file; save tables as "
                ".csv, .jsonl or .parquet"
            )
        for item, given in answers.items():
            by_scheme: dict[str, Any] = given if isinstance(given, dict) else _pairs_of(given, where)
            if by_scheme:  # an item that was looked at, and not answered, is no vote
                yield (
                    f"item {shortened(item)} of {where}",
                    str(state.get("user_id") or ""),
                    item,
                    json.dumps(by_scheme),
                )


def _documents(name: str, data: bytes) -> Iterator[Any]:
    """The JSON documents of a file, which may hold several, one after another."""
    shown = name[:80]
    if len(data) > MAX_BYTES:
        raise BadInput(
            f"{shown} has {len(data) / 1e6:.0f} MB: at most {MAX_BYTES / 1e6:.0f} MB are read at once"
        )
    text = decode(shown, data, "json")
    reader, place = json.JSONDecoder(), _past_blanks(text, 0)
    while place < len(text):
        try:
            found, place = reader.raw_decode(text, place)
        except (ValueError, RecursionError) as error:
            raise BadInput(
                f"{shown} is not JSON from character {place} on ({error}): give the file as Potato wrote it"
            ) from error
        yield found
        place = _past_blanks(text, place)


def _past_blanks(text: str, place: int) -> int:
    found = _BLANK.match(text, place)
    return place if found is None else found.end()


def _pairs_of(given: object, where: str) -> dict[str, Any]:
    """[[{"schema", "name"}, value], …] as {scheme: {label: value}}."""
    found: dict[str, Any] = {}
    for entry in given if isinstance(given, list) else [given]:
        label, value = entry if isinstance(entry, list) and len(entry) == 2 else (None, None)
        if not isinstance(label, dict) or not isinstance(label.get("schema"), str):
            raise BadInput(
                f"{where} has an answer {shortened(json.dumps(entry))} that is no [{{schema, name}}, value]"
            )
        found.setdefault(label["schema"], {})[str(label.get("name", ""))] = value
    return found


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
            f"{where} has no answer to {question!r}: one of A, B and tie is expected, not {shortened(str(chosen))}"
        )
    return POTATO_ANSWERS[words.pop()]
