"""A user's file → a table of text. Untrusted bytes: read as text only, bounded, refused in plain words."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

import pandas as pd

from fairprune.errors import BadInput
from fairprune.text import counted, mended

MAX_BYTES = 200_000_000
MAX_ROWS = 1_000_000
MAX_CELL = 10_000_000
"""Characters of one cell; the csv module alone would stop at 131,072."""
NESTED = "nested"
SHOWN = 60
"""Characters of a value that an error message repeats."""
FORMATS = ("csv", "jsonl", "parquet")
PICKLES = (".pkl", ".pickle", ".p")
_RAW = (".pt", ".pth", ".bin", ".joblib", ".dill", ".npy", ".npz", ".ckpt")
# Protocol 2 and later; no text in UTF-8 and no Parquet file begins so.
_PICKLED = re.compile(rb"\x80[\x00-\x05]")
# Published tables are often pickles. These are lines for the person to run, on a file that they trust.
# JSON Lines: Parquet would refuse the numbers that are keys in HGLA's released column input_proportion.
CONVERT = "import pandas\npandas.read_pickle({pickled!r}).to_json({lines!r}, orient='records', lines=True)"
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive or spreadsheet"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xd0\xcf\x11\xe0", "an old spreadsheet"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\x89PNG", "a picture"),
    (b"%PDF", "a PDF"),
)


_NO_ROWS = {
    "csv": "has no rows below its header: add the {rows}, one a row",
    "jsonl": "has only empty objects, {{}}: add the {rows}, one object a line",
    "parquet": "has no rows: add the {rows}, one a row",
}


def refuse_pickle(name: str, data: bytes = b"") -> None:
    """Says how a pickled table becomes a file that can be read; opens nothing.

    Args:
        name: path of the file, or its name.
        data: its bytes, where they are there: a pickle is known by its first two, whatever it is called.

    Raises:
        BadInput: the name ends as pickles and raw program data do, or the bytes begin as a pickle's.
    """
    path = PurePath(name)
    suffix = path.suffix.lower()
    danger = "which can run code when it is opened, so it is never read here"
    if suffix in PICKLES or _PICKLED.match(data):
        lines = (
            path.with_suffix(".jsonl") if suffix != ".jsonl" else path.with_name(f"{path.stem}-read.jsonl")
        )
        told = CONVERT.format(pickled=str(path), lines=str(lines))
        raise BadInput(
            f"{path.name} is a pickle, {danger}. If you trust it, these two lines of Python convert it:\n{told}"
        )
    if suffix in _RAW:
        raise BadInput(
            f"{path.name} is pickled or raw program data, {danger}: save the table as CSV, JSON Lines or Parquet"
        )


def read_table(name: str, data: bytes, *, nested: bool = False, rows: str = "opinions") -> pd.DataFrame:
    """The rows of a CSV, JSON Lines or Parquet file, every value as text ('' where there is none).

    Args:
        name: the file's name; its suffix says the format (.csv, .jsonl, .parquet).
        data: its bytes, at most `MAX_BYTES`.
        nested: a list or an object in a cell becomes its JSON text; without it such a cell is refused in JSON
            Lines, and is text as Python writes it in Parquet.

    Returns:
        One row per record. The index is where the file has it: the line at which the row starts (1-based; a
        CSV's header is line 1), in Parquet the number of the row. `attrs[NESTED]`: column → the first list or object in
        it, in words.

    Raises:
        BadInput: another format, pickled or packed data, bytes that are not UTF-8, broken or huge tables.
    """
    shown = PurePath(name).name or "the file"
    suffix = PurePath(name).suffix.lower().lstrip(".")
    refuse_pickle(name, data)
    if suffix not in FORMATS:
        raise BadInput(f"{shown} ends in {suffix!r}: save the table as .csv, .jsonl or .parquet (UTF-8)")
    if len(data) > MAX_BYTES:
        raise BadInput(
            f"{shown} has {len(data) / 1e6:.0f} MB, more than the {MAX_BYTES / 1e6:.0f} MB that are read: "
            "take a sample of it"
        )
    if not data.strip():
        raise BadInput(f"{shown} is empty: a table needs a header and rows")
    frame = _parquet(shown, data, nested) if suffix == "parquet" else _from_text(shown, data, suffix, nested)
    frame.attrs.setdefault(NESTED, {})
    if frame.empty:
        raise BadInput(f"{shown} {_NO_ROWS[suffix].format(rows=rows)}")
    return frame


def decode(shown: str, data: bytes, suffix: str) -> str:
    """The bytes of a text file as text, without a byte order mark.

    Raises:
        BadInput: a pickle, packed data, another encoding than UTF-8, a zero byte.
    """
    refuse_pickle(shown, data)
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise BadInput(
                f"{shown} is {what}, not {suffix.upper()}: save it as plain {suffix.upper()} in UTF-8"
            )
    if data.startswith(b"PAR1"):
        raise BadInput(f"{shown} is a Parquet file: rename it to end in .parquet")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{shown} is not UTF-8 text: byte {error.start} is 0x{data[error.start]:02x}. "
            "Save as UTF-8 (spreadsheets call it 'CSV UTF-8')"
        ) from error
    if "\0" in text:
        raise BadInput(
            f"{shown} has a zero byte at character {text.index(chr(0))}: it is not text. Save as UTF-8 text"
        )
    return text


def _from_text(shown: str, data: bytes, suffix: str, nested: bool) -> pd.DataFrame:
    text = decode(shown, data, suffix)
    if suffix == "jsonl":
        return _jsonl(shown, text, nested)
    with _long_cells():
        return _csv(shown, text)


@contextmanager
def _long_cells() -> Iterator[None]:
    """Cells of up to `MAX_CELL` characters, for as long as this lasts: the limit is the process's."""
    before = csv.field_size_limit(MAX_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv(shown: str, text: str) -> pd.DataFrame:
    head = text.split("\n", 1)[0]
    delimiter = max((",", ";", "\t"), key=head.count)  # the first of them where the header has one column
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows = _lines(shown, reader)
    header = [cell.strip() for cell in next(rows)[1]]
    header = [cell or f"column {place}" for place, cell in enumerate(header, start=1)]
    _no_doubles(shown, header)
    lines: list[int] = []
    cells: list[list[str]] = []
    for line, row in rows:
        if not row:  # a blank line
            continue
        if len(row) != len(header):
            raise BadInput(
                f"line {line} of {shown} has {counted(len(row), 'cell')}, but its header has {len(header)}: put texts "
                f"that hold {delimiter!r} or line breaks into double quotes"
            )
        _bounded(shown, len(cells))
        lines.append(line)
        cells.append(row)
    return pd.DataFrame(cells, columns=header, index=pd.Index(lines, name="line"), dtype=str)


def _lines(shown: str, reader: Any) -> Iterator[tuple[int, list[str]]]:
    """(line at which the row starts, cells) of a csv reader."""
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise BadInput(
                f"{shown} cannot be read from line {start} on ({error}): look for a double quote that is not "
                "closed, and write a double quote inside a text twice"
            ) from error
        yield start, row


def _jsonl(shown: str, text: str, nested: bool) -> pd.DataFrame:
    lines: list[int] = []
    records: list[dict[str, str]] = []
    found: dict[str, str] = {}
    for line, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError) as error:
            raise BadInput(
                f"line {line} of {shown} is not JSON ({error}): write one object a line"
            ) from error
        if not isinstance(value, dict):
            raise BadInput(
                f"line {line} of {shown} is {raw.strip()[:40]!r}, not an object: write one object a line"
            )
        _bounded(shown, len(records))
        lines.append(line)
        records.append({mended(key): _scalar(shown, line, key, cell, nested) for key, cell in value.items()})
        for key, cell in value.items():
            if isinstance(cell, list | dict):
                found.setdefault(mended(key), _named(f"line {line}", cell))
    frame = pd.DataFrame(records, index=pd.Index(lines, name="line"), dtype=str).fillna("")
    frame.attrs[NESTED] = found
    return frame


def _scalar(shown: str, line: int, key: str, value: object, nested: bool) -> str:
    if isinstance(value, list | dict) and not nested:
        kind = "a list" if isinstance(value, list) else "an object"
        raise BadInput(
            f"line {line} of {shown} has {kind} under {key!r}: every value must be a text or a number"
        )
    if value is None:
        return ""
    # JSON can write half of a surrogate pair, which no table of text can hold.
    return mended(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _parquet(shown: str, data: bytes, nested: bool) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        meta = file.metadata
        size = sum(meta.row_group(group).total_byte_size for group in range(meta.num_row_groups))
        _bounded(shown, meta.num_rows - 1)
        if size > 5 * MAX_BYTES:
            raise BadInput(
                f"{shown} unpacks to {size / 1e6:.0f} MB, more than {5 * MAX_BYTES / 1e6:.0f} MB: "
                "take a sample of it"
            )
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BadInput(f"{shown} is not a whole Parquet file ({said}): write it again") from error
    _no_doubles(shown, table.column_names)
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    frame = pd.DataFrame(
        {name: [_plain(value, nested) for value in values] for name, values in columns.items()},
        index=pd.Index(range(1, table.num_rows + 1), name="row"),
        dtype=str,
    )
    first = {
        name: next(
            (_named(f"row {row}", v) for row, v in enumerate(values, start=1) if isinstance(v, list | dict)),
            None,
        )
        for name, values in columns.items()
    }
    frame.attrs[NESTED] = {name: found for name, found in first.items() if found is not None}
    return frame


def _named(where: str, value: list[Any] | dict[str, Any]) -> str:
    """'row 3 has a list, ["a"]'."""
    kind = "a list" if isinstance(value, list) else "an object"
    return f"{where} has {kind}, {json.dumps(value, ensure_ascii=False, default=str)[:SHOWN]}"


def _plain(value: object, nested: bool) -> str:
    if nested and isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None or value != value else str(value)  # noqa: PLR0124 (NaN alone differs from itself)


def _bounded(shown: str, rows: int) -> None:
    if rows >= MAX_ROWS:
        raise BadInput(f"{shown} has more than {MAX_ROWS:,} rows: take a sample of it")


def _no_doubles(shown: str, header: list[str]) -> None:
    for name in header:
        if header.count(name) > 1:
            raise BadInput(f"{shown} has two columns called {name!r}: rename one")
