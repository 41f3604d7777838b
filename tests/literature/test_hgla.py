"""HGLA-style tables."""

from __future__ import annotations

import subprocess
import sys

import pandas as pd
import pytest

from fairprune.errors import BadInput
from fairprune.literature import hgla, load
from tests.conftest import DATA

FOLDER = DATA / "literature"


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_sample_in_three_formats(suffix):
    data = load(str(FOLDER / f"hgla.{suffix}"), "label")
    assert data.info.groups == ("Pro-Republican", "Pro-Democrat")  # proportion's order
    assert [o.group for o in data.sets[0].opinions] == ["Pro-Democrat", "Pro-Republican", "Pro-Democrat"]
    assert data.sets[1].opinions[3].text == "Cut the red tape ."
    assert data.summaries["summary"][2] == "Clean air or jobs ."
    assert data.notes == ()


def table(**columns: list[str]) -> pd.DataFrame:
    rows = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=range(2, rows + 2), dtype=str)


def test_lists_joined_texts_and_pythons_writing_are_the_same():
    frame = table(
        input=["yes it is || no", '["yes it is", "no"]', "['yes it is', 'no']"],
        label=["a || b", '["a", "b"]', "['a', 'b']"],
    )
    data = hgla.from_frame("t", frame)
    assert {tuple((o.text, o.group) for o in one.opinions) for one in data.sets} == {
        (("yes it is", "a"), ("no", "b"))
    }
    # A text that begins with a bracket is no list.
    data = hgla.from_frame("t", table(input=["[sic] fine || no"], label=["['a', 'b']"]))
    assert data.sets[0].opinions[0].text == "[sic] fine"


def test_a_proportion_that_is_not_the_labels_is_counted():
    # 2 of 3 is .667: published as .67 it fits, .6 does not
    frame = table(
        input=["x y||y z||z x"] * 2, label=["['a','a','b']"] * 2, proportion=["{'a': .67, 'b': .33}", '{"a": 0.6, "b": 0.4}']
    )  # fmt: skip
    data = hgla.from_frame("t", frame)
    assert "1 sample has a proportion that is not its labels': the labels count" in data.notes


def test_a_row_of_one_group_beside_others():
    frame = table(
        input=["x y||y z", "z x"],
        label=["['a','b']", "['a']"],
        proportion=['{"a": 0.5, "b": 0.5}', '{"a": 1.0, "b": null}'],
    )
    assert hgla.from_frame("t", frame).notes == ()


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"input": ["x || y"], "label": ["['a']"]}, "row 2 has 2 opinions .* but 1 label"),
        ({"input": ["x || y"], "label": ["['a', '']"]}, "row 2: label 2 of 'label' is empty"),
        ({"input": ["x || y"], "label": ["['a','c']"], "proportion": ["{'a': 1, 'b': 0}"]}, "row 2: label 'c' of 'label' is"),
        ({"input": ["x || y"], "label": ["['a','b']"], "proportion": ["{'a': 'x'}"]}, "row 2: 'proportion' is .*each label's share"),
        ({"input": ["x || y"], "label": ["['a','a']"]}, "one group only, 'a'"),
        ({"inputs": ["x"], "label": ["a"]}, "unknown column 'input': did you mean 'inputs'"),
        ({"input": ["[" * 5000], "label": ["a"]}, "row 2: 'input' is nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_refused(columns, said):
    with pytest.raises(BadInput, match=said):
        hgla.from_frame("t", table(**columns))


def test_topics_of_a_column():
    frame = table(input=["x y||y z"] * 2, label=["a||b"] * 2, theme=["trains", ""])
    with pytest.raises(BadInput, match="row 3: 'theme' is empty"):
        hgla.from_frame("t", frame, topic="theme")
    frame.loc[3, "theme"] = "trains"
    assert {one.topic for one in hgla.from_frame("t", frame, topic="theme").sets} == {"trains"}


def test_a_pickle_is_refused_with_the_two_lines_that_convert_it(tmp_path):
    """The released tables: lists, and an object with numbers as keys. The two lines are run here as a person would."""
    pickled = tmp_path / "combined.pkl"
    pd.DataFrame(
        {
            "input": ["x is good || y is bad"],
            "label": [["a", "b"]],
            "proportion": [{"a": 0.5, "b": 0.5}],
            "input_proportion": [{0: 0.5, 1: 0.5}],
        }
    ).to_pickle(pickled)
    with pytest.raises(BadInput, match="never read here") as refused:
        load(str(pickled), "label")
    _, *lines = str(refused.value).split("\n")
    assert len(lines) == 2
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)
    data = load(str(tmp_path / "combined.jsonl"), "label")
    assert [o.group for o in data.sets[0].opinions] == ["a", "b"]
