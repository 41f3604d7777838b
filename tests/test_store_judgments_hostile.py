"""What judges and strangers may send to make a study say something else: each refused, or harmless."""

from __future__ import annotations

import ast
import json
import secrets
from itertools import pairwise

import pytest
import sqlalchemy as sa

from fairprune.errors import BadInput, FairpruneError
from fairprune.store import open_store
from fairprune.store.judgments_answers import LONGEST_COMMENT
from fairprune.store.judgments_design import rules
from fairprune.store.judgments_tokens import token_hash
from fairprune.store.judgments_values import Crowd, NewItem, Refused, Side, Task
from tests.conftest import ROOT
from tests.judged import answer, design, entered, main, opened

SQL = (
    "' OR '1'='1",
    "x'; DROP TABLE votes; --",
    "1; UPDATE judges SET state='completed' --",
    "\\'; DELETE FROM studies; --",
    "%' AND 1=(SELECT COUNT(*) FROM votes) --",
)
STRANGE = (
    "",
    " ",
    "\x00",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "\ud800",
    "𝕏" * 40,
    "A" * 100_000,
    "%",
    "_",
)
TEXTS = (
    "<img src=x onerror=alert(1)>",
    '=HYPERLINK("http://evil","click")',
    "{{7*7}} ${7*7} :red[x] $x$ [a](javascript:alert(1))",
    "\u202e reversed, a NUL \x00 and half a character \ud83d",
    *SQL,
)


@pytest.fixture
def store(database):
    with open_store(database) as found:
        yield found


@pytest.fixture
def study(store):
    return opened(store)


@pytest.fixture
def token(store, study):
    return entered(store, study)


def everything(store) -> dict[str, str]:
    """All rows of all tables of studies, as text."""
    names = ("studies", "items", "judges", "judge_tokens", "invites", "payments", "slots", "tasks", "votes")
    with store._engine.begin() as connection:
        return {
            name: str(sorted(map(str, connection.execute(sa.text(f"SELECT * FROM {name}")))))
            for name in names
        }


@pytest.mark.parametrize("value", [*SQL, *STRANGE])
def test_no_text_in_place_of_a_link_a_key_or_an_id_does_anything(store, study, token, value):
    task = store.next_item(token)
    before = everything(store)
    attempts = (
        lambda: store.enter(value),
        lambda: store.enter(token[:-1] + value),
        lambda: store.judge(value),
        lambda: store.consent(value, True),
        lambda: store.choose_group(value, "left"),
        lambda: store.next_item(value),
        lambda: store.record(value, task.key, "fairer", "left"),
        lambda: store.record(token, value, "fairer", "left"),
        lambda: store.record(token, task.key, value, "left"),
        lambda: store.record(token, task.key, "fairer", value),
        lambda: store.skip(value, task.key),
        lambda: store.skip(token, value),
        lambda: store.undo(value),
        lambda: store.completion(value),
        lambda: store.forget(value),
        lambda: store.study(value),
        lambda: store.open_study(value),
        lambda: store.close_study(value),
        lambda: store.delete_study(value),
        lambda: store.vote_rows(value),
        lambda: store.payments(value),
        lambda: store.forget_judge(study.id, value),
        lambda: store.revoke_invite(study.id, value),
    )
    for number, attempt in enumerate(attempts):
        with pytest.raises((Refused, BadInput)) as caught:
            attempt()
        assert len(str(caught.value)) < 500, number  # what was sent is not sent back at length
    assert everything(store) == before


@pytest.mark.parametrize("text", TEXTS)
def test_every_text_comes_back_as_it_is_written(store, study, token, text):
    task = store.next_item(token)
    store.record(token, task.key, "fairer", "left", comment=text)
    store.close_study(study.id)
    assert store.study(study.id).state == "closed"  # no statement in it was run
    [row] = store.vote_rows(study.id)
    assert row.comment == text.replace("\x00", "\ufffd").replace("\ud83d", "?")


def test_a_comment_that_is_too_long_stores_nothing(store, study, token):
    task = store.next_item(token)
    with pytest.raises(
        BadInput, match=f"the comment has {LONGEST_COMMENT + 1} characters: {LONGEST_COMMENT} are"
    ):
        store.record(token, task.key, "fairer", "left", comment="x" * (LONGEST_COMMENT + 1))
    assert store.next_item(token).answered == {}
    assert store.record(token, task.key, "fairer", "left", comment="x" * LONGEST_COMMENT).new


def test_another_judges_task_cannot_be_answered_skipped_or_shown(store, study, token):
    other = entered(store, study)
    theirs, mine = store.next_item(other), store.next_item(token)
    before = everything(store)
    for attempt in (
        lambda: store.record(token, theirs.key, "fairer", "left"),
        lambda: store.skip(token, theirs.key),
        lambda: store.record(other, mine.key, "fairer", "left"),
    ):
        with pytest.raises(Refused) as caught:
            attempt()
        assert caught.value.reason == "unknown"
    assert everything(store) == before
    store.shown(token, theirs.key)
    assert everything(store)["votes"] == before["votes"]


def test_a_judge_of_one_study_reaches_nothing_of_another(store, study, token):
    second = opened(store)
    link = store.open_link(second.id)
    other = entered(store, second, link)
    theirs = store.next_item(other)
    with pytest.raises(Refused):
        store.record(token, theirs.key, "fairer", "left")
    answer(store, token, store.next_item(token))
    assert store.judge(token).study_id == study.id and store.judge(other).study_id == second.id
    [invited] = store.invite(second.id, ["Ann"])
    assert store.enter(invited).judge.study_id == second.id
    ann = next(one for one in store.invites(second.id) if one.label == "Ann")
    with pytest.raises(Refused):
        store.revoke_invite(study.id, ann.id)
    with pytest.raises(Refused):
        store.exclude_item(study.id, store.items(second.id)[0].id, True)
    with pytest.raises(Refused):
        store.forget_judge(study.id, "J002")
    store.close_study(study.id)
    assert {row.study for row in store.vote_rows(study.id)} == {study.id}
    with pytest.raises(Refused) as caught:
        store.vote_rows(second.id)
    assert caught.value.reason == "sealed"
    store.delete_study(study.id)
    assert store.next_item(other).key == theirs.key and len(store.items(second.id)) == 4


def test_items_and_their_ids_cannot_be_guessed(store, study, token):
    second = opened(store)
    ids = [item.id for item in (*store.items(study.id), *store.items(second.id))]
    values = sorted(int(value, 16) for value in ids)
    assert len(set(ids)) == 8 and min(b - a for a, b in pairwise(values)) > 2**20
    task = store.next_item(token)
    numbers = [int(task.key, 16) + step for step in range(-50, 51) if step]
    for number in numbers:
        with pytest.raises(Refused):
            store.record(token, f"{number:032x}", "fairer", "left")
    for guess in (secrets.token_urlsafe(24) for _ in range(50)):
        with pytest.raises(Refused):
            store.enter(guess)
    # An unknown link, a revoked one and one of a deleted judge are refused in the same words.
    [invited] = store.invite(study.id, ["Ann"])
    store.revoke_invite(study.id, token_hash(invited))
    gone = entered(store, study)
    store.forget(gone)
    said = set()
    for value in (secrets.token_urlsafe(24), invited, gone):
        with pytest.raises(Refused) as caught:
            store.enter(value)
        said.add(str(caught.value))
    assert len(said) == 1


def test_the_hash_of_a_token_opens_nothing(store, study, token):
    """Who has read the database has no link."""
    store.next_item(token)
    for held in (token_hash(token), store.judge(token).id):
        with pytest.raises(Refused):
            store.judge(held)


def test_a_task_and_a_judge_hold_no_name_of_a_system(store, study, token):
    task = store.next_item(token)
    assert isinstance(task, Task)
    shown = repr(task).replace(task.left, "").replace(str(task.right), "") + json.dumps(
        store.judge(token).public
    )
    for word in ("wanda 50", "dense", "a" * 16, "b" * 16, "g1", "main", "attention", "swapped", "DONE"):
        assert word not in shown, word


def test_an_attention_item_looks_like_any_other(store):
    checks = [
        NewItem(
            "attention",
            Side("good", "both sides"),
            Side("bad", "one side"),
            expected={"fairer": ("a",)},
            after=n,
        )
        for n in (0, 0)
    ]
    study = opened(store, *checks)
    token = entered(store, study)
    special = store.next_item(token)
    assert (store.judge(token).done, store.judge(token).of) == (0, 5)
    answer(store, token, special, "tie")
    assert store.judge(token).done == 1  # the progress goes on as with any other
    answer(
        store,
        token,
        store.next_item(token),
        "left" if store.next_item(token).left == "both sides" else "right",
    )
    usual = store.next_item(token)
    assert {name: type(value) for name, value in vars(special).items() if name not in ("opinions",)} == {
        name: type(value) for name, value in vars(usual).items() if name not in ("opinions",)
    }
    assert (special.practice, special.comprehension, special.prompt) == (
        usual.practice,
        usual.comprehension,
        usual.prompt,
    )


def test_a_judge_cannot_give_themselves_a_code_a_group_or_another_start(store, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", "a secret of the tests, long enough")
    study = opened(store, crowd=True, groups={"question": "?", "quotas": {"x": 0, "y": None}})
    link = store.open_link(study.id)
    token = store.enter(link, Crowd("p1")).token
    with pytest.raises(Refused):
        store.completion(token)
    store.consent(token, True)
    assert store.choose_group(token, "x").state == "screened_out"
    assert store.choose_group(token, "y").state == "screened_out"
    again = store.enter(link, Crowd("p1"))  # back over the crowd site
    assert again.judge.state == "screened_out" and not again.new
    store.consent(again.token, True)
    assert store.completion(again.token).kind == "screened_out"
    with pytest.raises(Refused):
        store.undo(again.token)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"questions": []}, "at least one question"),
        ({"questions": [{"text": "no id"}]}, "has no id"),
        ({"questions": [{"id": "x", "answers": ["only"]}]}, "at least two"),
        ({"questions": [{"id": "x", "answers": ["a", "a"]}]}, "stands there twice"),
        ({"questions": [{"id": "x"}, {"id": "x"}]}, "stands there twice"),
        ({"questions": [{"id": "x" * 65}]}, "needs 1 to 64 characters that can be printed"),
        ({"votes_per_item": 0}, "votes_per_item is 0"),
        ({"votes_per_item": True}, "votes_per_item is True"),
        ({"items_per_judge": "5"}, "items_per_judge is '5'"),
        ({"lease_minutes": 10**9}, "from 1 to 1440"),
        ({"task": "rank"}, "no task of a study 'rank'"),
        ({"groups": {"quotas": {}}}, "give it quotas"),
        ({"groups": {"quotas": {"x": -1}}}, "the quota of group 'x' is -1"),
        ({"codes": {"paid": {}}}, "no way to end 'paid'"),
        ({"codes": {"completed": {"redirect": "javascript:alert(1)"}}}, "begins with https://"),
        ({"codes": {"completed": {"redirect": "http://x.example"}}}, "begins with https://"),
        ({"codes": {"completed": {"code": "A"}, "failed": {"code": "A"}}}, "the same completion code"),
        ({"opens": "tomorrow"}, "write a time"),
        ({"closes": "2027-01-01T00:00:00"}, "without a zone"),
        ({"opens": "2027-01-02T00:00:00Z", "closes": "2027-01-01T00:00:00Z"}, "let it close later"),
        ({"pay": float("nan")}, "pay is nan"),
    ],
)
def test_a_design_that_cannot_be_is_refused_by_name(store, more, sentence):
    with pytest.raises(FairpruneError, match=sentence):
        store.create_study("t", design(**more))
    assert store.studies() == []


def test_defaults_of_a_design():
    found = rules({"questions": [{"id": "fairer"}]})
    assert found.questions == {"fairer": ("left", "right", "tie", "both_unfair", "cannot_tell")}
    assert (found.votes_per_item, found.items_per_judge, found.attention_tries, found.quotas) == (
        3,
        20,
        2,
        None,
    )
    assert found.codes["completed"].code == "" and not found.label and not found.crowd


def test_hostile_titles_names_and_texts_are_stored_as_they_are(store):
    study = store.create_study(TEXTS[0], design())
    item = main(0)
    hostile = NewItem(
        "main", Side(TEXTS[4], TEXTS[1]), Side(TEXTS[2], TEXTS[3]), flags=(TEXTS[0],), stratum=SQL[1]
    )
    store.set_items(study.id, [item, hostile])
    study = store.open_study(study.id)
    assert study.title == TEXTS[0]
    found = store.items(study.id)[1]
    assert (found.a, found.b, found.flags, found.stratum) == (hostile.a, hostile.b, hostile.flags, SQL[1])
    for wrong in ("", "  ", "x" * 301):
        with pytest.raises(BadInput, match="characters: 1 to 300"):
            store.create_study(wrong, design())


def test_no_statement_is_put_together_from_text():
    """All SQL of studies is built by SQLAlchemy: no text(), no formatted string reaches the database."""
    for path in sorted((ROOT / "fairprune" / "store").glob("judgments*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                assert name not in ("text", "literal_column", "exec_driver_sql"), f"{path.name}:{node.lineno}"


def test_no_table_of_studies_has_room_for_an_address_of_the_network(store):
    for name in ("judges", "votes", "tasks", "payments", "invites", "judge_tokens"):
        columns = {column["name"] for column in sa.inspect(store._engine).get_columns(name)}
        assert not [
            one for one in columns if any(word in one for word in ("ip", "agent", "address", "host"))
        ], name
