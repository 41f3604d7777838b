"""What Potato's annotators answered, in every file that it writes; what is no answer is refused by its place."""

import json

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.export import to_jsonl
from fairprune.judgments.potato_answers import is_potato, potato_votes
from fairprune.judgments.votes import outcomes
from tests.conftest import ROOT

DATA = ROOT / "tests" / "data" / "potato"
KEY = [
    {"id": "i1", "sample": "f", "system_left": "wanda", "system_right": "dense"},
    {"id": "i2", "sample": "f", "system_left": "dense", "system_right": "wanda"},
]


def test_potato_comes_back():
    lines = [
        {"user_id": "u1", "instance_id": "i1", "label_annotations": {"fairer": {"A": "1"}}},
        {"user_id": "u1", "instance_id": "i2", "label_annotations": {"fairer": {"choice": "B"}}},
        {"user_id": "u2", "instance_id": "i1", "label_annotations": {"fairer": "tie"}},
    ]
    found = potato_votes("annotations.jsonl", to_jsonl(lines), KEY, "s", "fairer", pseudonym=str.upper)
    assert [(one.judge, one.item, one.answer, one.sample) for one in found] == [
        ("U1", "i1", "left", "f"),
        ("U1", "i2", "right", "f"),
        ("U2", "i1", "tie", "f"),
    ]
    # A on the first item is wanda; B on the second, whose sides are turned, is wanda too
    assert [one.result for one in outcomes(found, "fairer")] == ["b", "b", "tie"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"instance_id": "other"}, "'other', which the key does not have"),
        ({"user_id": ""}, "lacks user_id"),
        ({"label_annotations": {"fairer": {"A": "1", "B": "1"}}}, "one of A, B and tie"),
        ({"label_annotations": {"better": {"A": "1"}}}, "no answer to 'fairer'"),
        ({"label_annotations": [1]}, "no answer to 'fairer'"),
        ({"label_annotations": "{"}, "not JSON"),
    ],
)
def test_lines_that_are_no_votes(change, says):
    line = {"user_id": "u", "instance_id": "i1", "label_annotations": {"fairer": {"A": "1"}}} | change
    with pytest.raises(BadInput, match=says):
        potato_votes("annotations.jsonl", json.dumps(line).encode(), KEY, "s", "fairer")


@pytest.mark.parametrize(
    "file",
    [
        "annotations.jsonl",
        "annotations.csv",
        "annotated_instances.jsonl",
        "annotated_instances.csv",
        "one_annotator.jsonl",
        "user_state.json",
        "user_states.json",
    ],
)
def test_every_file_that_potato_writes_is_read(file):
    data = (DATA / file).read_bytes()
    assert is_potato(file, data)
    found = potato_votes(file, data, KEY, "s", "fairer")
    answers = [("i1", "left"), ("i2", "right"), ("i1", "tie"), ("i2", "right")]
    alone = file in ("one_annotator.jsonl", "user_state.json")
    assert [(one.item, one.answer) for one in found] == answers[: len(found)]
    assert len(found) == (2 if alone else 4)
    assert len({one.judge for one in found}) == len(found) / 2
    # the time of a page is not the time of an answer; which system stood left is known by the key
    assert all(one.seconds is None and one.sided for one in found)
    with pytest.raises(BadInput, match=r"no answer to 'better'|lacks label_annotations"):
        potato_votes(file, data, KEY, "s", "better")


def state(answers, **more):
    return json.dumps({"user_id": "u", "instance_id_to_label_to_value": answers, **more}).encode()


PAIR = [[{"schema": "fairer", "name": "selection"}, "A"]]


def test_what_was_looked_at_and_not_answered_is_no_vote():
    (found,) = potato_votes("user_state.json", state({"i1": [], "i2": PAIR}), KEY, "s", "fairer")
    assert (found.item, found.answer) == ("i2", "left")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"[]", r"user state 1 of s\.json has no instance_id_to_label_to_value"),
        (b"{}", "has no instance_id_to_label_to_value"),
        (b'{"user_id": "u"', "not JSON from character 0 on"),
        (state({"i1": PAIR}) + b" and more", "not JSON from character"),
        (b"\xff", "not UTF-8"),
        (state({"i1": [["fairer", "A"]]}), r"is no \[\{schema, name\}, value\]"),
        (state({"i1": 3}), r"is no \[\{schema, name\}, value\]"),
        (state({"i1": PAIR}, user_id=""), "lacks user_id"),
        (state({"elsewhere": PAIR}), "'elsewhere', which the key does not have"),
        (state({"i1": [*PAIR, [{"schema": "fairer", "name": "other"}, "B"]]}), "one of A, B and tie"),
        (state({"i1": PAIR}) * 2, "two votes on item 'i1'"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_states_that_are_none(data, says):
    with pytest.raises(BadInput, match=says):
        potato_votes("s.json", data, KEY, "s", "fairer")


def test_what_is_no_file_of_potato():
    head = "judge,item,question,system_left,system_right,answer"
    assert not is_potato("v.csv", f"{head}\nj,i,fairer,a,b,left\n".encode())
    assert not is_potato("v.csv", b"model_a,model_b,winner\na,b,tie\n")
