"""Plain tables: one opinion a row."""

from __future__ import annotations

import pandas as pd
import pytest

from fairprune.corpora.user import MAX_NAME, RowError, refuse_cells
from fairprune.errors import BadInput
from fairprune.literature import Columns, load, table
from tests.conftest import DATA

COLUMNS = Columns("said", "case")


def rows(*cells: tuple[str, ...], names: tuple[str, ...] = ("said", "side", "case")) -> pd.DataFrame:
    return pd.DataFrame(cells, columns=list(names), index=range(2, len(cells) + 2), dtype=str)


def test_the_sample_file():
    data = load(str(DATA / "literature" / "table.csv"), "mood", columns=Columns("review", "product", "kind"))
    assert data.info.groups == ("neg", "pos")
    assert data.ids[0] == "kettle-1" and data.sets[0].topic == "kitchen"
    assert len(data.sets[0].opinions) == 3
    assert data.summaries["dense"][4] == "Clear sound , though it loses the station ."


def test_rows_of_a_sample_need_not_stand_together():
    data = table.from_frame(
        "t",
        rows(("a b", "x", "1"), ("c d", "x", "2"), ("e f", "y", "1 "), ("g h", "y", "2")),
        "side",
        COLUMNS,
    )
    assert data.ids == ("1", "2")
    assert [o.text for o in data.sets[0].opinions] == ["a b", "e f"]


def test_a_summary_stands_in_one_row_or_in_all():
    names = ("said", "side", "case", "sum")
    one = rows(("a b", "x", "1", ""), ("c d", "y", "1", "short"), ("e f", "x", "2", ""), names=names)
    assert table.from_frame("t", one, "side", COLUMNS).summaries == {"sum": ["short", ""]}
    two = rows(("a b", "x", "1", "short"), ("c d", "y", "1", "long"), names=names)
    with pytest.raises(
        BadInput, match="row 3: sample '1' has two different texts in 'sum', 'short' and 'long'"
    ):
        table.from_frame("t", two, "side", COLUMNS)


def test_opinions_without_text_are_counted_but_groups_are_needed():
    data = table.from_frame("t", rows(("", "x", "1"), ("a b", "x", "1"), ("c d", "y", "1")), "side", COLUMNS)
    assert data.notes == ("1 opinion without text was left out",)
    with pytest.raises(BadInput, match="1 cell of t cannot be used: row 3: 'side' is empty") as caught:
        table.from_frame("t", rows(("a b", "x", "1"), ("c d", "", "1")), "side", COLUMNS)
    # The sentence of every table, with what is asked of names here.
    with pytest.raises(BadInput) as everywhere:
        refuse_cells([RowError(3, "side", "is empty")], "t", f"names have at most {MAX_NAME} characters")
    assert str(caught.value) == str(everywhere.value)
    with pytest.raises(BadInput, match="row 2: 'case' is empty"):
        table.from_frame("t", rows(("a b", "x", ""), ("c d", "y", "1")), "side", COLUMNS)


@pytest.mark.parametrize(
    ("cells", "columns", "attribute", "said"),
    [
        ([("4", "x", "1"), ("5", "y", "1")], COLUMNS, "side", "opinions of t are numbers, such as '4'"),
        ([("a b", "x", "1")], COLUMNS, "side", "one group only, 'x'"),
        ([("a b", "x", "1")], COLUMNS, "sid", "unknown column 'sid': did you mean 'side'"),
        ([("a b", "x", "1")], Columns("said", "case", "them"), "side", "unknown column 'them'"),
        ([("a b", "x", "1")], Columns("sayd", "case"), "side", "unknown column 'sayd': did you mean 'said'"),
    ],
)
def test_what_is_refused(cells, columns, attribute, said):
    with pytest.raises(BadInput, match=said):
        table.from_frame("t", rows(*cells), attribute, columns)


def test_a_sample_with_two_topics():
    frame = rows(("a b", "x", "1", "t1"), ("c d", "y", "1", "t2"), names=("said", "side", "case", "about"))
    with pytest.raises(BadInput, match="row 3: sample '1' has two different texts in 'about'"):
        table.from_frame("t", frame, "side", Columns("said", "case", "about"))


def test_cells_of_a_million_characters(tmp_path):
    file = tmp_path / "long.csv"
    file.write_text('text,side,sample\n"' + "word " * 200_000 + '",x,1\nshort one,y,1\n', encoding="utf-8")
    assert len(load(str(file), "side").sets[0].opinions[0].text) == 999_999
