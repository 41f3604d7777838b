"""Data sets of the literature, one file per format; `load` takes any of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from fairprune.corpora.tables import MAX_BYTES, read_table, refuse_pickle
from fairprune.errors import BadInput, unknown
from fairprune.literature import fairsumm, hgla, hub, table
from fairprune.literature.build import Dataset
from fairprune.literature.table import Columns

__all__ = ["FORMATS", "Columns", "Dataset", "load", "read_file"]

Format = Literal["fairsumm", "hgla", "table"]
FORMATS: tuple[str, ...] = get_args(Format)


def load(
    name: str,
    attribute: str,
    format: str | None = None,
    *,
    columns: Columns | None = None,
) -> Dataset:
    """A file, or a data set of a hub.

    Args:
        name: a path, or hub:owner/name[:split].
        attribute: what the groups are: the key in `units[].value`, or the column of labels.
        format: 'fairsumm', 'hgla' or 'table'; None: fairsumm where a sample has units, hgla where a table has the
            columns input and `attribute`, else table.
        columns: of a plain table; its `topic` is the topic's key or column in all formats.

    Raises:
        BadInput: a file that does not exist, another format, what the format's reader refuses.
        Unavailable: the hub is out of reach.
    """
    columns = columns or Columns()
    if format is not None and format not in FORMATS:
        raise unknown("format", format, FORMATS)
    if name.startswith(hub.PREFIX):
        return _from_hub(name, attribute, format, columns)
    path = Path(name)
    data = read_file(path)
    kind = format or ("fairsumm" if _has_units(path, data) else None)
    if kind == "fairsumm":
        return fairsumm.read(path.name, data, attribute, topic=columns.topic)
    return _from_frame(
        path.name, read_table(path.name, data, nested=kind != "table"), attribute, kind, columns
    )


def read_file(path: Path) -> bytes:
    """The bytes of a file, at most `MAX_BYTES`.

    Raises:
        BadInput: a pickle, by its name or its first bytes; no such file, a folder, not readable, too large.
    """
    refuse_pickle(str(path))
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise BadInput(
                f"{path} has {size / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB that are read: take a part of it"
            )
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}): name a file that exists") from error
    refuse_pickle(str(path), data)
    return data


def _has_units(path: Path, data: bytes) -> bool:
    """Whether a file is of the unified format: JSON, or JSON Lines whose first sample has units."""
    if path.suffix.lower() == ".json":
        return True
    if path.suffix.lower() != ".jsonl":
        return False
    try:
        first = json.loads(data.split(b"\n", 1)[0])
    except ValueError:
        return False  # the table's reader says what is wrong, and in which line
    return isinstance(first, dict) and bool({"units", "value_input"} & set(first))


def _from_frame(
    title: str, frame: pd.DataFrame, attribute: str, kind: str | None, columns: Columns
) -> Dataset:
    if kind == "hgla" or (kind is None and {hgla.INPUT, attribute} <= set(map(str, frame.columns))):
        return hgla.from_frame(title, frame, attribute, topic=columns.topic)
    return table.from_frame(title, frame, attribute, columns)


def _from_hub(name: str, attribute: str, kind: str | None, columns: Columns) -> Dataset:
    found = hub.rows(name)
    title = name.removeprefix(hub.PREFIX)
    if kind == "fairsumm" or (kind is None and {"units", "value_input"} & set(found.column_names)):
        return fairsumm.from_records(title, found.to_list(), attribute, topic=columns.topic)
    return _from_frame(title, hub.frame(found, title.replace(":", "-")), attribute, kind, columns)
