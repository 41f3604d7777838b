"""Items for Potato: of pairs and of labels, of drafts too; nothing in them says what wrote a text."""

import csv
import io
import json
from dataclasses import replace

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.closed import read_asked, read_closed
from fairprune.judgments.closed_files import read_elsewhere, together
from fairprune.judgments.potato import KEY, LABEL_KEY, potato_of
from fairprune.store import open_store
from tests.closed import SYSTEMS, label_study, study_of_labels, study_of_pairs


def lines(data):
    return [json.loads(line) for line in data.decode().splitlines()]


@pytest.fixture(scope="module")
def closed():
    with open_store("sqlite://") as store:
        return read_closed(store, study_of_pairs(store))


@pytest.fixture(scope="module")
def labels():
    with open_store("sqlite://") as store:
        return read_closed(store, study_of_labels(store))


def test_items_of_pairs_name_no_system_and_the_key_says_where_each_stands(closed):
    found = potato_of(closed)
    items = lines(found.items_file)
    assert len(items) == 20 and not any(system in json.dumps(items) for system in SYSTEMS[1:])
    assert items[0]["opinions"].startswith("fresh (1 of 2)\n- The acting of number")
    assert "rotten (1 of 2)" in items[0]["opinions"]
    rows = list(csv.DictReader(io.StringIO(found.key_file.decode())))
    assert tuple(rows[0]) == KEY and [row["id"] for row in rows] == [item["id"] for item in items]
    by_id = {item.id: {side.system: side.text for side in item.sides} for item in closed.items}
    for item, row in zip(items, rows, strict=True):
        assert item["text"] == [by_id[item["id"]][row[side]] for side in ("system_left", "system_right")]
    assert sum(row["system_left"] > row["system_right"] for row in rows) not in (0, len(rows))


def test_the_settings_show_only_what_items_have(closed):
    found = potato_of(closed)
    settings = json.loads(found.settings_file)
    # Potato refuses a page whose fields are not in the items
    assert {one["key"] for one in settings["instance_display"]["fields"]} <= set(found.items[0])
    assert settings["item_properties"] == {"id_key": "id", "text_key": "text"}
    assert [one["name"] for one in settings["annotation_schemes"]] == ["fairer", "better"]
    scheme = settings["annotation_schemes"][0]
    assert (scheme["annotation_type"], scheme["items_key"], scheme["allow_tie"]) == ("pairwise", "text", True)
    assert scheme["description"] == closed.questions["fairer"]


def test_answers_come_back(closed):
    found = potato_of(closed)
    annotated = "\n".join(
        json.dumps(
            {
                "user_id": f"5f{j}ffffffffffffffffffffff",
                "instance_id": item["id"],
                "label_annotations": {"fairer": {"selection": "A"}},
            }
        )
        for j in range(2)
        for item in found.items
    ).encode()
    votes = read_elsewhere("annotated_instances.jsonl", annotated, "fairer", closed).votes
    key = {row["id"]: row for row in found.key}
    assert len(votes) == 40 and {vote.judge for vote in votes} == {"X001", "X002"}
    assert all(vote.answer == "left" and vote.system_left == key[vote.item]["system_left"] for vote in votes)
    with pytest.raises(BadInput, match="open the study whose items it was given"):
        read_elsewhere("annotated_instances.jsonl", annotated, "fairer")
    both = together(closed, votes)
    assert len(both) == len(closed.votes) + 40 and all(vote.sample for vote in both if vote.kind == "item")


def test_states_of_annotators_come_back_and_other_json_does_not(closed):
    found = potato_of(closed)
    states = "".join(
        json.dumps(
            {
                "user_id": f"5f{j}ffffffffffffffffffffff",
                "instance_id_to_label_to_value": {
                    item["id"]: [[{"schema": "fairer", "name": "selection"}, "B"]] for item in found.items
                },
            },
            indent=2,
        )
        for j in range(3)
    ).encode()
    votes = read_elsewhere("user_state.json", states, "fairer", closed).votes
    assert len(votes) == 60 and {vote.judge for vote in votes} == {"X001", "X002", "X003"}
    assert {vote.answer for vote in votes} == {"right"}
    with pytest.raises(BadInput, match="open the study whose items it was given"):
        read_elsewhere("user_state.json", states, "fairer")
    with pytest.raises(BadInput, match=r"only Potato's user_state\.json is read"):
        read_elsewhere("votes.json", b'[{"judge": "j"}]', "fairer", closed)


def test_sentences_name_neither_system_nor_the_classifiers_label(labels):
    found = potato_of(labels)
    items = lines(found.items_file)
    assert [set(item) for item in items] == [{"id", "text", "opinions"}] * len(labels.items)
    assert [item["text"] for item in items] == [item.a.text for item in labels.items]
    rows = list(csv.DictReader(io.StringIO(found.key_file.decode())))
    assert tuple(rows[0]) == LABEL_KEY
    assert [(row["id"], row["system"], row["predicted"]) for row in rows] == [
        (item.id, side.system, side.predicted) for item in labels.items for side in item.sides
    ]
    settings = json.loads(found.settings_file)
    assert {one["key"] for one in settings["instance_display"]["fields"]} <= set(items[0])
    (scheme,) = settings["annotation_schemes"]
    assert (scheme["annotation_type"], scheme["name"]) == ("radio", "group")
    assert scheme["labels"] == ["fresh", "rotten", "several groups", "no group"]
    assert "list_as_text" not in settings


def test_a_draft_leaves_out_what_its_lead_left_out_and_stays_a_draft():
    with open_store("sqlite://") as store:
        draft = label_study(store)
        whole = potato_of(read_asked(store, draft))
        gone = whole.items[0]["id"]
        store.exclude_item(draft.id, gone, True)
        asked = read_asked(store, store.study(draft.id))
        found = potato_of(asked)
        assert [one["id"] for one in found.items] == [one["id"] for one in whole.items[1:]]
        assert asked.study.state == "draft" and asked.study.hash is None
        # what Potato was given of the draft is what the opened study asks
        opened = store.open_study(draft.id)
        assert potato_of(read_asked(store, opened)) == found


def test_what_potato_cannot_ask(closed, labels):
    with pytest.raises(BadInput, match="save a plan with items first"):
        potato_of(replace(closed, items=()))
    with pytest.raises(BadInput, match="votes of elsewhere are not asked again"):
        potato_of(replace(closed, study=replace(closed.study, origin="imported")))
    question = {"id": "group", "text": "Whose?", "answers": ["no group", "fresh", "mixed", "none"]}
    same = replace(labels.study, design={**labels.study.design, "questions": [question]})
    with pytest.raises(BadInput, match="two labels are called the same"):
        potato_of(replace(labels, study=same))
