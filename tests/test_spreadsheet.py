"""What a spreadsheet would run is a text, and comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairprune.spreadsheet import EXECUTED, neutral, original


@pytest.mark.parametrize("start", [*EXECUTED, " =", "  @", "\u00a0-"])
def test_every_beginning_is_neutral(start):
    text = f"{start}cmd|' /C calc'!A0"
    assert neutral(text) == f"'{text}"
    assert original(neutral(text)) == text


@pytest.mark.parametrize("text", ["a=b", "1-2", "", "'quoted'", "e@mail", 5, -0.5, None, True])
def test_everything_else_stays(text):
    assert neutral(text) is text


@given(st.text(alphabet="='+-@ a\t\n", max_size=6))
def test_a_cell_comes_back_unless_it_looked_neutral_already(text):
    found = neutral(text)
    assert not str(found).lstrip(" ").startswith(EXECUTED)
    if not text.startswith("'"):
        assert original(found) == text
