"""Summaries that another system wrote: a field of the data set, or a file of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairprune.corpora.tables import decode, read_table
from fairprune.errors import BadInput, unknown
from fairprune.literature import read_file
from fairprune.literature.build import (
    Dataset,
    are_numbers,
    check_characters,
    nested_cell,
    read_summary,
)
from fairprune.text import counted

TEXTS = ("prediction", "summary", "text", "output")
"""Names of the field or column that holds the summary, the first of them that is there."""
IDS = ("id", "sample", "set_id")


def find(asked: str, data: Dataset) -> tuple[str, list[str | None]]:
    """What `--summaries` names: [LABEL=]FIELD or [LABEL=]FILE → (label, one text per set).

    A field of the data set goes before a file of that name. A file is text (.txt, one summary a line), JSON (a
    list, or an object id → text), JSON Lines, CSV or Parquet; records have the summary under one of `TEXTS`, and
    where all have an id they are matched by it, else by their order.

    Raises:
        BadInput: neither a field nor a file; summaries that are all numbers, or one that is no text; another number of
            summaries than samples, an id twice or unknown.
    """
    label, equals, name = asked.partition("=")
    if not equals or asked in data.summaries or asked in data.refused or Path(asked).is_file():
        label, name = "", asked
    if name in data.summaries:
        return label or name, _words(list(data.summaries[name]), f"the field {name!r} of {data.info.title}")
    path = Path(name)
    if name in data.refused and not path.is_file():
        raise BadInput(data.refused[name])
    if not path.is_file():
        fields = f"; its fields of text: {', '.join(data.summaries)}" if data.summaries else ""
        raise BadInput(f"{name!r} is neither a field of {data.info.title} nor a file{fields}")
    texts = _read(path, data)
    for place, text in enumerate(texts, start=1):
        check_characters(text or "", f"summary {place} of {path.name}")
    return label or path.stem, _words(texts, path.name)


def _words(texts: list[str | None], where: str) -> list[str | None]:
    """The texts, unless all that is written there is numbers."""
    if are_numbers(texts):
        example = next(text for text in texts if text and text.strip())
        raise BadInput(
            f"the summaries in {where} are numbers, such as {example.strip()[:20]!r}, not texts: name the field or "
            "column that holds what the system wrote"
        )
    return texts


def _read(path: Path, data: Dataset) -> list[str | None]:
    suffix, raw = path.suffix.lower(), read_file(path)
    if suffix in (".csv", ".parquet"):
        frame = read_table(path.name, raw, nested=True)
        for column in [name for name in TEXTS if name in frame.columns][:1]:
            if why := nested_cell(frame, column, path.name):
                raise BadInput(why)
        rows = [
            (f"row {row}", cells) for row, cells in zip(frame.index, frame.to_dict("records"), strict=True)
        ]
        return _from_records(path.name, rows, data)
    if suffix not in (".txt", ".json", ".jsonl"):
        raise BadInput(f"{path.name} ends in {suffix!r}: summaries are .txt, .json, .jsonl, .csv or .parquet")
    text = decode(path.name, raw, suffix.lstrip("."))
    if suffix == ".json":
        return _from_json(path.name, text, data)
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    # Files of published predictions end in .txt and hold one JSON object a line.
    if suffix == ".txt" and not all(line.lstrip().startswith("{") for line in lines):
        return _fitting(path.name, [line.strip("\r") for line in lines], data)
    return _from_records(path.name, _lines(path.name, lines), data)


def _lines(shown: str, lines: Sequence[str]) -> list[tuple[str, Any]]:
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append((f"line {number}", json.loads(line)))
        except (ValueError, RecursionError) as error:
            raise BadInput(
                f"line {number} of {shown} is not JSON ({error}): write one object a line"
            ) from error
    return rows


def _from_json(shown: str, text: str, data: Dataset) -> list[str | None]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{shown} is not JSON ({error})") from error
    if isinstance(found, dict):
        rows: list[tuple[str, Any]] = [
            (f"{key!r}", {"id": key, "text": value}) for key, value in found.items()
        ]
    elif isinstance(found, list):
        rows = [(f"summary {place}", value) for place, value in enumerate(found, start=1)]
    else:
        raise BadInput(
            f"{shown} holds {str(found)[:40]!r}: it must be a list of summaries, or an object id → summary"
        )
    return _from_records(shown, rows, data)


def _from_records(shown: str, rows: Sequence[tuple[str, Any]], data: Dataset) -> list[str | None]:
    texts = [_text(value, f"{where} of {shown}") for where, value in rows]
    names = [_id(value) for _, value in rows]
    if not names or any(name is None for name in names):
        return _fitting(shown, texts, data)
    found: dict[str, str | None] = {}
    for (where, _), name, text in zip(rows, names, texts, strict=True):
        if name in found:
            raise BadInput(f"{where} of {shown}: the id {name!r} was there before: one summary a sample")
        if name not in data.ids:
            raise unknown(f"sample in {where} of {shown}:", str(name), data.ids[:5], " …")
        found[str(name)] = text
    return [found.get(name) for name in data.ids]


def _text(value: Any, where: str) -> str | None:
    if isinstance(value, Mapping):
        held = [name for name in TEXTS if name in value]
        if not held:
            raise BadInput(
                f"{where} has no summary: name its field {', '.join(TEXTS[:-1])} or {TEXTS[-1]}, not {', '.join(value)}"
            )
        value = value[held[0]]  # some published predictions have {"prediction": {"text": …}}
    return read_summary(value, where)


def _id(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return None
    for name in IDS:
        if isinstance(value.get(name), str | int) and str(value[name]).strip():
            return " ".join(str(value[name]).split())
    return None


def _fitting(shown: str, texts: Sequence[str | None], data: Dataset) -> list[str | None]:
    if len(texts) != len(data.sets):
        raise BadInput(
            f"{shown} has {counted(len(texts), 'summary', 'summaries')} for {counted(len(data.sets), 'sample')}: "
            f"write one for each, in their order, or "
            "give every one the id of its sample"
        )
    return list(texts)
