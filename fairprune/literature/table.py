"""Plain tables: a row is an opinion, with its group, the sample that it belongs to, and perhaps summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import pandas as pd

from fairprune.corpora.tables import read_table
from fairprune.corpora.user import MAX_NAME, check_rows, refuse_cells
from fairprune.errors import BadInput, unknown
from fairprune.literature.build import Dataset, Sample, build, nested_cell


@dataclass(frozen=True)
class Columns:
    """Which column holds what."""

    text: str = "text"
    """One opinion a row."""
    sample: str = "sample"
    """Rows of equal value are one sample, in the file's order."""
    topic: str | None = None
    """What the sample is about, the same in all of its rows; None: every sample is a topic."""


def read(name: str, data: bytes, attribute: str, columns: Columns) -> Dataset:
    """A CSV, JSON Lines or Parquet table.

    Raises:
        BadInput: what `read_table` and `from_frame` refuse.
    """
    return from_frame(PurePath(name).name, read_table(name, data), attribute, columns)


def from_frame(title: str, frame: pd.DataFrame, attribute: str, columns: Columns) -> Dataset:
    """A table of text (as `read_table` gives it) → a data set; groups are the values of `attribute`, sorted.

    Every other column is a summary of the sample: written in one of its rows, or the same in all; where all of its
    cells are empty, the summary is.

    Raises:
        BadInput: a missing column; empty cells (the first 20 are named by row); a sample with two topics or two
            summaries in one column, with the row; what `build` refuses.
    """
    if columns.topic is not None and columns.topic not in frame.columns:
        raise unknown("column", columns.topic, map(str, frame.columns))
    errors = check_rows(frame, columns.text, attribute, columns.topic or columns.sample)
    if columns.topic is not None:
        errors += [e for e in check_rows(frame, columns.text, attribute, columns.sample) if e not in errors]
    # An opinion without text is left out and counted; an unknown group or sample leaves nothing to count it for.
    errors = [error for error in errors if error.column != columns.text]
    refuse_cells(errors, title, f"names have at most {MAX_NAME} characters")
    taken = {columns.text, attribute, columns.sample, columns.topic}
    others = [name for name in map(str, frame.columns) if name not in taken]
    folded = frame[columns.sample].map(lambda value: " ".join(value.split()))
    refused = {name: why for name in others if (why := nested_cell(frame, name, title))}
    others = [name for name in others if name not in refused]
    samples = [
        _sample(str(name), rows, attribute, columns, others)
        for name, rows in frame.groupby(folded, sort=False)
    ]
    groups = sorted({group for one in samples for _, group in one.units})
    return build(
        f"table:{attribute}",
        title,
        attribute,
        groups,
        samples,
        noun="review",
        source=f"read from {title}",
        refused=refused,
    )


def _sample(name: str, rows: pd.DataFrame, attribute: str, columns: Columns, others: Sequence[str]) -> Sample:
    units = [
        (text, " ".join(group.split()))
        for text, group in zip(rows[columns.text], rows[attribute], strict=True)
    ]
    topic = _the_one(rows, columns.topic, name) if columns.topic else None
    return Sample(
        where=f"row {rows.index[0]}",
        id=name,
        topic=" ".join((topic or "").split()),
        units=units,
        summaries={column: _the_one(rows, column, name) for column in others},
    )


def _the_one(rows: pd.DataFrame, column: str, sample: str) -> str:
    """The only text of a column among the rows of a sample; '' where all cells are empty."""
    found = ""
    for row, value in zip(rows.index, rows[column], strict=True):
        if not value.strip():
            continue
        if found and value != found:
            raise BadInput(
                f"row {row}: sample {sample!r} has two different texts in {column!r}, {found[:40]!r} and "
                f"{value[:40]!r}: write it in one row, or the same in all"
            )
        found = value
    return found
