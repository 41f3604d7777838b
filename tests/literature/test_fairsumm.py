"""The unified JSON of FairSumm / PerspectiveSumm."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from fairprune.errors import BadInput
from fairprune.literature import fairsumm
from fairprune.literature.summaries import find
from tests.conftest import DATA

FILE = DATA / "literature" / "fairsumm.json"


def sample(*units: tuple[str, object], **more: Any) -> dict[str, Any]:
    return {"units": [{"text": text, "value": {"side": value}} for text, value in units], **more}


MAPPING = {"side": ["pos", "neg"]}
GOOD = sample(("I like it", "pos"), ("I do not", "neg"), value_mapping=MAPPING)


def read(records: object, attribute: str = "side", **options: Any) -> Any:
    return fairsumm.read("x.json", json.dumps(records).encode(), attribute, **options)


def test_the_sample_file():
    data = fairsumm.read(FILE.name, FILE.read_bytes(), "sentiment")
    assert data.info.groups == ("pos", "neu", "neg")  # of value_mapping, in its order
    assert data.info.noun == "review"
    assert [one.counts()["neg"] for one in data.sets] == [1, 2, 2, 1, 1, 2]
    assert data.ids[:2] == ("kettle-1", "lamp-1")
    assert len({one.topic for one in data.sets}) == 6  # every sample is a topic of its own
    assert data.references[0] == "A quick kettle whose lid may break ."
    assert data.summaries["pruned"][5] == ""  # an empty summary is not a missing one
    assert data.sets[3].opinions[2].text == "القهوة باردة والخدمة بطيئة"
    assert data.notes == ("6 samples have several gold summaries: the first of each is the reference",)


def test_numbers_are_labels_by_their_name():
    data = fairsumm.read(FILE.name, FILE.read_bytes(), "rating")
    assert data.info.groups == ("1", "2", "3", "4", "5")
    # 3.0 and "3" are the 3 of the mapping
    found = read([sample(("a b", 3.0), ("c d", "1"), value_mapping={"side": [1, 2, 3]})])
    assert [o.group for o in found.sets[0].opinions] == ["3", "1"]


def test_topics_of_a_key():
    data = fairsumm.read(FILE.name, FILE.read_bytes(), "sentiment", topic="meta.category")
    assert [one.topic for one in data.sets][:3] == ["kitchen", "home", "clothing"]
    with pytest.raises(BadInput, match=r"sample 1 has no 'meta.shop' to be its topic"):
        fairsumm.read(FILE.name, FILE.read_bytes(), "sentiment", topic="meta.shop")


def test_one_sample_a_line():
    lines = "\n".join(json.dumps(one) for one in (GOOD, GOOD)).encode()
    data = fairsumm.read("x.jsonl", lines + b"\n", "side")
    assert len(data.sets) == 2
    assert data.notes == ("1 sample has the opinions of another one, word for word",) or len(data.notes) == 0


def test_speakers_are_groups_by_their_place():
    dialogues = [
        sample(("so it is", "Ann"), ("it is not", "Bo"), value_mapping={"side": ["Ann", "Bo"]}),
        sample(("yes it is", "Cy"), ("no it is not", "Ann"), value_mapping={"side": ["Cy", "Ann"]}),
    ]
    data = read(dialogues)
    assert data.info.groups == ("side 1", "side 2")
    assert [o.group for one in data.sets for o in one.opinions] == ["side 1", "side 2"] * 2
    assert data.notes == ("the samples have different sides: a group is the place in a sample's own list",)


def test_without_a_mapping_the_groups_are_the_labels():
    assert read([sample(("x y", "b"), ("y z", "a"))]).info.groups == ("a", "b")


def test_without_units_value_input_is_read():
    record = {
        "value_input": {"side": ["one thing\nanother thing", "", "a third"]},
        "value_mapping": {"side": ["a", "b", "c"]},
        "meta": {"seperator": "\n"},
    }
    opinions = read([record]).sets[0].opinions
    assert [(o.text, o.group) for o in opinions] == [
        ("one thing", "a"),
        ("another thing", "a"),
        ("a third", "c"),
    ]


def test_value_input_that_disagrees_is_counted():
    other = {**GOOD, "value_input": {"side": ["I like it", "I do"]}}
    same = {**GOOD, "value_input": {"side": ["I like it", "I do not"]}}
    data = read([other, same])
    assert "1 sample has other texts in value_input than in units: units are scored" in data.notes


def test_summaries_are_fields_of_text():
    one = {**GOOD, "tiny": {"text": "a"}, "null": {"text": None}, "none": None, "gold_summary": ["b", "c"]}
    data = read([one, GOOD])
    assert data.summaries == {
        "tiny": ["a", None],
        "null": [None, None],
        "none": [None, None],
        "gold_summary": ["b", None],
    }
    assert data.references == ["b", None] and data.refused == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"x": 1}, """sample 2: tiny is {"x": 1}, an object without 'text': write the summary as a text"""),
        ({"text": 3}, """sample 2: tiny is {"text": 3}, not a text"""),
        (
            ["a"],
            """sample 2: tiny is ["a"], a list: write the summary as a text, or as an object with 'text'""",
        ),
        (4.5, "sample 2: tiny is 4.5, not a text"),
        (True, "sample 2: tiny is true, not a text"),
    ],
)
def test_a_field_that_holds_no_text_in_one_sample_is_refused_when_it_is_asked_for(value, said):
    data = read([{**GOOD, "tiny": "a"}, {**GOOD, "tiny": value}])
    assert data.summaries == {}  # neither 'not written' nor scored as text
    with pytest.raises(BadInput, match=re.escape(said)):
        find("tiny", data)
    with pytest.raises(BadInput, match=re.escape(said)):
        find("mine=tiny", data)


def test_a_gold_summary_that_holds_no_text_is_refused_at_once():
    with pytest.raises(BadInput, match="sample 1: gold_summary is 3, not a text"):
        read([{**GOOD, "gold_summary": 3}])


def test_ids_that_are_shared_become_places_and_are_counted():
    data = read([{**GOOD, "meta": {"id": "val.csv"}}, {**GOOD, "meta": {"id": "val.csv"}}])
    assert data.ids == ("1", "2")
    assert data.notes == (
        "2 samples have no id, or share it: all are named by their place",
        "1 sample has the opinions of another one, word for word",
    )
    assert data.sets[0].id != data.sets[1].id  # other topics


def test_opinions_without_text_are_left_out_and_counted():
    data = read([sample(("  ", "pos"), ("fine by me", "neg")), GOOD, sample(("", "pos"))])
    assert [len(one.opinions) for one in data.sets] == [1, 2, 0]
    assert data.notes == (
        "2 opinions without text were left out",
        "1 sample has no opinion with text: unscored",
    )


def test_long_texts_and_other_scripts():
    text = "word " * 200_000  # 10⁶ characters
    data = read([sample((text, "pos"), ("很好 👍", "neg"))])
    assert len(data.sets[0].opinions[0].text) == 999_999


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], "x.json has 0 samples"),
        ({"a": 1}, "no 'units', and no value_input"),
        (3, "x.json holds int, not a list of samples"),
        (["text"], "sample 1 of x.json is 'text', not an object with 'units'"),
        ([GOOD, sample(("a b", "maybe"), value_mapping=MAPPING)], "sample 2, unit 1: side 'maybe' is not in value_map"),
        ([sample(("a b", None), ("c d", "x"))], "sample 1, unit 1 has no value of 'side'"),
        ([sample(("a b", True), ("c d", "x"))], "sample 1, unit 1: the label True is neither a text nor a number"),
        ([{"units": [{"value": {"side": "x"}}]}], "sample 1, unit 1 is .* it needs 'text'"),
        ([{"units": "x"}], "sample 1: units are 'x', not a list"),
        ([sample(("a b", "x"), ("c d", "x"))], "'side' of x.json has one group only, 'x'"),
        ([sample(("a b", "x"), ("", "y"), value_mapping={"side": ["x", "y"]})], "one group only, 'x'"),
        ([sample(("", "x"), ("", "y"))], "has no opinion with text"),
        ([sample(("4.5", "x"), ("3", "y"))], "opinions of x.json are numbers, such as '4.5', not texts"),
        ([sample(("a b", "x"), value_mapping={"side": ["x", "x"]})], "value_mapping of 'side' has 'x' twice"),
        ([sample(*((f"t {i}", str(i)) for i in range(51)))], "has 51 different groups .*at most 50"),
        ([sample(("half \ud83d", "x"), ("c d", "y"))], r"sample 1, opinion 1 has half a character \(U\+D83D\) at place 6"),
    ],
)  # fmt: skip
def test_what_is_refused(records, said):
    with pytest.raises(BadInput, match=said):
        read(records)


def test_an_unknown_attribute_names_those_that_are_there():
    with pytest.raises(BadInput, match="unknown attribute 'sentment': did you mean 'sentiment'"):
        fairsumm.read(FILE.name, FILE.read_bytes(), "sentment")
    with pytest.raises(BadInput, match=r"no unit of x\.json has a value"):
        read([{"units": [{"text": "a b"}]}])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"[{]", "x.json is not JSON"),
        (b"", "x.json has 0 samples"),
        (b"\xff\xfe[", "UTF-16 text"),
        (b"[" * 100_000, "x.json is not JSON"),
        (b'{"units": []}\n{', "x.json is not JSON"),
    ],
)
def test_files_that_are_no_json(data, said):
    with pytest.raises(BadInput, match=said):
        fairsumm.read("x.json", data, "side")
