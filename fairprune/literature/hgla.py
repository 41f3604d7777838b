"""HGLA-style tables: a row is a sample, `input` its opinions joined by ' || ', `label` one label for each.

Source: Huang et al., EMNLP 2025 (arXiv 2508.17610); columns as the released repository's README names them.
"""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

import pandas as pd

from fairprune.corpora.tables import read_table
from fairprune.errors import BadInput, unknown
from fairprune.literature.build import Dataset, Sample, build, nested_cell
from fairprune.prompts import SEPARATOR
from fairprune.text import counted

INPUT, LABEL, PROPORTION = "input", "label", "proportion"
_NOT_SUMMARIES = frozenset({INPUT, LABEL, PROPORTION, "input_proportion", "id", "topic"})
_ODD = ("sample has a proportion that is not its", "samples have a proportion that is not their")
ROUNDING = 0.0051
"""How far a proportion may be from the labels' own: published ones have two decimals."""


def read(name: str, data: bytes, attribute: str = LABEL, *, topic: str | None = None) -> Dataset:
    """A CSV, JSON Lines or Parquet table.

    Args:
        name: the file's name.
        data: its bytes.
        attribute: the column of labels.
        topic: column of what a sample is about; None: every sample is a topic.

    Raises:
        BadInput: a pickle; what `read_table` and `from_frame` refuse.
    """
    return from_frame(PurePath(name).name, read_table(name, data, nested=True), attribute, topic=topic)


def from_frame(
    title: str, frame: pd.DataFrame, attribute: str = LABEL, *, topic: str | None = None
) -> Dataset:
    """A table of text (as `read_table` gives it, nested) → a data set.

    `input` is a text joined by ' || ', or a list of texts; labels are a list, or a text joined by ' || '. Groups
    are the labels of `proportion` in its order where the table has that column, else those that occur, sorted.
    Every other column holds summaries; an empty cell is an empty summary.

    Raises:
        BadInput: a missing column; a row with another number of labels than opinions, a label that its proportion
            does not have, a cell that cannot be read, each with its row number; what `build` refuses.
    """
    for column in (INPUT, attribute, *([topic] if topic else [])):
        if column not in frame.columns:
            raise unknown("column", column, map(str, frame.columns))
    groups: dict[str, None] = {}
    labels: Counter[str] = Counter()
    samples, odd = [], 0
    texts = [name for name in map(str, frame.columns) if name not in _NOT_SUMMARIES and name != attribute]
    refused = {name: why for name in texts if (why := nested_cell(frame, name, title))}
    for row, cells in zip(frame.index, frame.to_dict("records"), strict=True):
        where = f"row {row}"
        opinions = _parts(cells[INPUT], f"{where}: {INPUT!r}")
        named = [" ".join(name.split()) for name in _parts(cells[attribute], f"{where}: {attribute!r}")]
        if len(named) != len(opinions):
            raise BadInput(
                f"{where} has {counted(len(opinions), 'opinion')} in {INPUT!r} (joined by {SEPARATOR!r}) "
                f"but {counted(len(named), 'label')} "
                f"in {attribute!r}: one label for each is needed"
            )
        if any(not name for name in named):
            raise BadInput(f"{where}: label {named.index('') + 1} of {attribute!r} is empty")
        labels.update(named)
        shares = _proportion(cells.get(PROPORTION, ""), where)
        for name in named if shares is None else shares:
            groups.setdefault(name)
        if shares is not None:
            odd += not _fits(named, shares, where, attribute)
        samples.append(
            Sample(
                where=where,
                id=" ".join(cells.get("id", "").split()),
                topic=_topic(cells, topic, where),
                units=list(zip(opinions, named, strict=True)),
                summaries={name: cells[name] for name in texts},
            )
        )
    ordered = list(groups) if PROPORTION in frame.columns else sorted(groups)
    return build(
        f"hgla:{attribute}",
        title,
        attribute,
        ordered,
        samples,
        noun="review",
        source=f"read from {title}",
        notes=[f"{counted(odd, *_ODD)} labels': the labels count"] if odd else [],
        refused=refused,
    )


def _parts(cell: str, where: str) -> list[str]:
    """A list in JSON or Python's writing, or a text joined by ' || ' → its parts."""
    listed = _literal(cell, where) if cell.lstrip()[:1] == "[" else None
    if isinstance(listed, list):
        return [str(part) for part in listed]
    return [part.strip() for part in cell.split(SEPARATOR.strip())] if cell.strip() else []


def _literal(cell: str, where: str) -> Any:
    """What a cell says in JSON or as Python writes it; None where it is neither ('[sic] I liked it')."""
    try:
        return json.loads(cell)
    except ValueError:
        pass
    except RecursionError as error:
        raise BadInput(f"{where} is nested too deeply to be a list of texts") from error
    try:
        return ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError):
        return None
    except (MemoryError, RecursionError) as error:
        raise BadInput(f"{where} is nested too deeply to be a list of texts") from error


def _proportion(cell: str, where: str) -> dict[str, float] | None:
    """{'Pro-Republican': 0.53, …} → the same; None for an empty cell or a bare number, which names no group."""
    if cell.lstrip()[:1] != "{":
        return None
    found = _literal(cell, f"{where}: {PROPORTION!r}")
    if not isinstance(found, dict) or not all(
        value is None or (isinstance(value, int | float) and not isinstance(value, bool))
        for value in found.values()
    ):
        raise BadInput(
            f"{where}: {PROPORTION!r} is {cell[:60]!r}: it must give each label's share, such as "
            '{"positive": 0.5, "negative": 0.5}'
        )
    # Parquet keeps one set of keys for all rows: a label that a row does not have is null there.
    return {" ".join(str(name).split()): float(value or 0) for name, value in found.items()}


def _fits(named: Sequence[str], shares: dict[str, float], where: str, attribute: str) -> bool:
    """Whether a row's proportion is its labels' shares, up to rounding.

    Raises:
        BadInput: a label that the proportion does not have.
    """
    for name in named:
        if name not in shares:
            raise BadInput(
                f"{where}: label {name!r} of {attribute!r} is not in {PROPORTION!r}, which has {', '.join(shares)}"
            )
    counts = Counter(named)
    return bool(named) and all(
        abs(counts[name] / len(named) - share) <= ROUNDING for name, share in shares.items()
    )


def _topic(cells: Mapping[Any, str], topic: str | None, where: str) -> str:
    found = "" if topic is None else " ".join(cells[topic].split())
    if topic is not None and not found:
        raise BadInput(f"{where}: {topic!r} is empty, but was named as the topic: fill it in")
    return found
