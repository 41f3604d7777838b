"""Files of users: what is read, what is refused and how the refusal reads."""

from __future__ import annotations

import io
import pickle
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fairprune.corpora import tables
from fairprune.corpora.tables import read_table
from fairprune.errors import BadInput


def parquet(**columns: list[Any]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def test_csv_counts_lines_as_the_file_does() -> None:
    data = b'\xef\xbb\xbfsaid,who,about\r\n"two\r\nlines",a,x\r\n\r\nNA,b,null\r\n'
    frame = read_table("my file.CSV", data)
    assert frame.to_dict("list") == {
        "said": ["two\r\nlines", "NA"],
        "who": ["a", "b"],
        "about": ["x", "null"],
    }
    assert list(frame.index) == [2, 5]  # header 1, a record on lines 2 and 3, a blank line 4


@pytest.mark.parametrize("mark", [";", "\t"])
def test_csv_with_another_separator(mark: str) -> None:
    frame = read_table("x.csv", f"said{mark}who\nyes, well{mark}a\n".encode())
    assert frame.to_dict("list") == {"said": ["yes, well"], "who": ["a"]}


def test_jsonl() -> None:
    data = '{"said": "schön", "who": 1, "new": true}\n\n{"said": "bad", "who": null}\n'.encode()
    frame = read_table("x.jsonl", data)
    assert frame.to_dict("list") == {"said": ["schön", "bad"], "who": ["1", ""], "new": ["true", ""]}
    assert list(frame.index) == [1, 3]


@pytest.mark.parametrize("nested", [False, True])
def test_halves_of_surrogate_pairs_become_question_marks(nested: bool) -> None:
    frame = read_table("x.jsonl", rb'{"sa\udc00id": "a\ud800b", "who": "\ud83d\ude42"}', nested=nested)
    assert frame.to_dict("list") == {"sa?id": ["a?b"], "who": ["🙂"]}


def test_parquet() -> None:
    frame = read_table("x.parquet", parquet(said=["good", None], who=[1, 2], score=[0.5, float("nan")]))
    assert frame.to_dict("list") == {"said": ["good", ""], "who": ["1", "2"], "score": ["0.5", ""]}
    assert list(frame.index) == [1, 2]


CSV = b"said,who\ngood,a\n"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        (
            "../x.pt",
            b"anything",
            r"^x\.pt is pickled or raw .*so it is never read here: save the table as CSV",
        ),
        ("x.xlsx", b"PK\x03\x04", r"x\.xlsx ends in 'xlsx': save the table as \.csv, \.jsonl or \.parquet"),
        ("x", CSV, r"x ends in '': save the table as \.csv"),
        (
            "x.csv",
            b"PK\x03\x04....",
            r"is a zip archive or spreadsheet, not CSV: save it as plain CSV in UTF-8",
        ),
        ("x.jsonl", b"\x1f\x8b....", r"is a gzip archive, not JSONL"),
        ("x.csv", "said,who\n".encode("utf-16"), r"is UTF-16 text, not CSV: save it as plain CSV in UTF-8"),
        ("x.csv", parquet(a=[1]), r"is a Parquet file: rename it to end in \.parquet"),
        # 's a i d , w h o \n s c h' is 12 bytes, the next one is Latin-1's ö.
        ("x.csv", "said,who\nschön,a\n".encode("latin-1"), r"byte 12 is 0xf6\. Save as UTF-8"),
        ("x.csv", b"said,who\ng\0od,a\n", r"zero byte at character 10: it is not text"),
        ("x.csv", b"", r"x\.csv is empty: a table needs a header and rows"),
        ("x.csv", b"\n \n", r"x\.csv is empty"),
        ("x.csv", b"said,who\n", r"x\.csv has no rows below its header: add the opinions"),
        ("x.jsonl", b"{}\n", r"x\.jsonl has only empty objects, \{\}: add the opinions, one object a line"),
        (
            "x.csv",
            b"said,who\ngood, really,a\n",
            r"line 2 of x\.csv has 3 cells, but its header has 2: put texts",
        ),
        ("x.csv", b'said,who\n"good,a\n', r"cannot be read from line 2 on .*double quote that is not closed"),
        ("x.csv", b"said,who,said\na,b,c\n", r"two columns called 'said': rename one"),
        ("x.jsonl", b'{"said": "good"}\nno\n', r"line 2 of x\.jsonl is not JSON .*: write one object a line"),
        ("x.jsonl", b"[" * 100_000, r"line 1 of x\.jsonl is not JSON"),
        ("x.jsonl", b'["good"]\n', r"""line 1 of x\.jsonl is '\["good"\]', not an object"""),
        (
            "x.jsonl",
            b'{"said": ["good"]}\n',
            r"line 1 of x\.jsonl has a list under 'said': every value must be",
        ),
        ("x.parquet", CSV, r"x\.parquet is not a whole Parquet file .*: write it again"),
        ("x.parquet", parquet(a=list(range(1000)))[:-100], r"x\.parquet is not a whole Parquet file"),
        ("x.parquet", parquet(a=pa.array([], pa.string())), r"x\.parquet has no rows"),
    ],
)
def test_files_that_are_refused(name: str, data: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=said) as error:
        read_table(name, data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("x.pkl", "x.jsonl"),
        ("a/x.csv", "a/x.jsonl"),
        ("x.parquet", "x.jsonl"),
        ("x.jsonl", "x-read.jsonl"),  # not over the pickle itself
        ("x", "x.jsonl"),
    ],
)
def test_a_pickle_is_refused_by_its_bytes_with_the_lines_that_convert_it(
    name: str, lines: str, protocol: int
) -> None:
    data = pickle.dumps({"a": 1}, protocol)
    with pytest.raises(BadInput, match=r"x.* is a pickle, which can run code") as error:
        read_table(name, data)
    assert str(error.value).split("\n")[1:] == [
        "import pandas",
        f"pandas.read_pickle({name!r}).to_json({lines!r}, orient='records', lines=True)",
    ]
    with pytest.raises(BadInput, match="is a pickle"):
        tables.decode("x.json", data, "json")


def test_bytes_that_begin_almost_as_a_pickle_are_not_called_one() -> None:
    """0x80 is the euro sign of Windows-1252."""
    with pytest.raises(BadInput, match=r"is not UTF-8 text: byte 0 is 0x80"):
        read_table("x.csv", "€ said,who\ngood,a\n".encode("cp1252"))


def test_a_file_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (tables.MAX_BYTES, tables.MAX_ROWS) == (200_000_000, 1_000_000)
    with pytest.raises(BadInput, match="has 201 MB, more than the 200 MB that are read: take a sample"):
        read_table("x.csv", bytes(201_000_000))
    monkeypatch.setattr(tables, "MAX_ROWS", 2)
    three = {
        "x.csv": b"a,b\n1,2\n1,2\n1,2\n",
        "x.jsonl": b'{"a": 1}\n' * 3,
        "x.parquet": parquet(a=[1, 2, 3]),
    }
    for name, data in three.items():
        with pytest.raises(BadInput, match="has more than 2 rows: take a sample"):
            read_table(name, data)
    assert len(read_table("x.csv", b"a,b\n1,2\n1,2\n")) == 2
    assert len(read_table("x.parquet", parquet(a=[1, 2]))) == 2


def test_a_parquet_file_that_unpacks_to_much(monkeypatch: pytest.MonkeyPatch) -> None:
    data = parquet(a=[f"{i} {'x' * 1000}" for i in range(1000)])  # 1 MB, packed to far less
    monkeypatch.setattr(tables, "MAX_BYTES", 100_000)
    assert len(data) < 100_000
    with pytest.raises(BadInput, match="unpacks to 1 MB"):
        read_table("x.parquet", data)
