"""Votes of elsewhere in the database: a closed study of their own, with what is not known left empty; SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from fairprune.errors import BadInput
from fairprune.store import MIGRATIONS, open_store
from fairprune.store.judgments_values import Crowd, ImportedJudge, ImportedVote, NewItem, Refused, Side
from tests.judged import design, entered, judge_all, opened
from tests.store_values import film_set

PLAN = {
    "questions": [{"id": "fairer", "text": "Which is fairer?"}, {"id": "better", "text": "Which is better?"}]
}
ITEMS = (
    NewItem("main", Side("dense", ""), Side("wanda", "", "b" * 16), name="battle 7", sample="film 1"),
    NewItem("main", Side("dense", ""), Side("wanda", "", "b" * 16), name="battle 8"),
    NewItem("attention", Side("asks", ""), Side("plain", ""), expected={"fairer": ("tie",)}, name="check"),
)
JUDGES = (ImportedJudge("left-leaning", "completed"), ImportedJudge())
VOTES = (
    ImportedVote(0, 0, 0, 0, "fairer", "left", True, 12.5, "a comment"),
    ImportedVote(0, 0, 0, 0, "better", "tie", True),
    ImportedVote(0, 0, 1, 3, "fairer", "right", False, 4.0),
    ImportedVote(0, 2, 0, 1, "fairer", "skipped", False),
    ImportedVote(1, 1, 0, 0, "fairer", "right", None),
)


@pytest.fixture
def store(database):
    with open_store(database) as found:
        yield found


def brought(store, **more):
    values = {"made": ITEMS, "people": JUDGES, "given": VOTES, **more}
    return store.import_study("Of elsewhere", PLAN, values["made"], values["people"], values["given"])


def test_what_is_known_comes_back_and_what_is_not_is_missing(store):
    study = store.study(brought(store))
    assert (study.state, study.origin, study.opened, study.copied_from) == ("closed", "imported", None, None)
    assert study.closed == study.created and len(study.hash) == 64
    rows = {
        (row.judge, row.item_number, row.occasion, row.question): row for row in store.vote_rows(study.id)
    }
    assert len(rows) == 5
    first = rows["J001", 0, 0, "fairer"]
    assert (first.system_left, first.answer, first.preferred, first.swapped) == ("wanda", "left", "b", True)
    assert (first.seconds, first.comment, first.group, first.judge_state) == (
        12.5,
        "a comment",
        "left-leaning",
        "completed",
    )
    assert (first.sample, first.set_id, first.shown, first.given) == ("film 1", None, None, None)
    assert rows["J001", 0, 0, "better"].seconds is None
    assert rows["J001", 0, 1, "fairer"].system_left == "dense"
    skipped = rows["J001", 2, 0, "fairer"]
    assert (skipped.answer, skipped.kind, skipped.expected) == ("skipped", "attention", ("tie",))
    unsided = rows["J002", 1, 0, "fairer"]
    assert (unsided.swapped, unsided.system_left, unsided.preferred) == (None, "dense", "b")
    assert (unsided.judge_state, unsided.group, unsided.run_right) == ("unknown", None, "b" * 16)
    people = store.judge_rows(study.id)
    assert [(one.judge, one.entered, one.consented, one.finished) for one in people] == [
        ("J001", None, None, None),
        ("J002", None, None, None),
    ]
    progress = store.study_progress(study.id)
    assert (progress.wanted, progress.done, progress.items, progress.complete) == (2, 2, 2, 2)
    assert (progress.judges["unknown"], progress.judges["completed"]) == (1, 1)
    assert store.automatic_items(study.id) == []  # texts that are not known are not the same text
    assert [item.name for item in store.items(study.id)] == ["battle 7", "battle 8", "check"]


def test_it_stays_what_it_is(store, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", "a secret of the tests, long enough")
    study_id = brought(store)
    link, (invited,) = store.open_link(study_id), store.invite(study_id, ["Ann"])
    for way_in in (
        lambda: store.enter(link),
        lambda: store.enter(link, Crowd("p1")),
        lambda: store.enter(invited),
    ):
        with pytest.raises(Refused) as caught:
            way_in()
        assert caught.value.reason == "closed"
    for change in (
        lambda: store.copy_study(study_id, "again"),
        lambda: store.edit_study(study_id, title="x"),
        lambda: store.set_items(study_id, []),
        lambda: store.open_study(study_id),
    ):
        with pytest.raises(Refused):
            change()
    assert store.close_study(study_id).closed == store.study(study_id).created
    other = opened(store)
    judge_all(store, entered(store, other))
    store.close_study(other.id)
    assert {row.study for row in store.vote_rows(other.id)} == {other.id}
    assert {row.study for row in store.vote_rows(study_id)} == {study_id}
    store.forget_judge(study_id, "J001")
    assert {row.judge for row in store.vote_rows(study_id)} == {"J002"} and store.study(
        study_id
    ).withdrawn == 1
    store.delete_study(study_id)
    assert [one.id for one in store.studies()] == [other.id]
    with store._engine.begin() as connection:
        for table in ("items", "judges", "tasks", "votes", "invites"):
            found = connection.execute(
                sa.text(f"SELECT count(*) FROM {table} WHERE study_id = :id"), {"id": study_id}
            )
            assert found.scalar() == 0, table


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"given": ()}, "0 votes cannot be stored"),
        ({"given": (replace(VOTES[0], judge=2),)}, "vote 0 is of judge 2 about item 0: there is none"),
        ({"given": (replace(VOTES[0], item=-1),)}, "there is none of these numbers"),
        ({"given": (replace(VOTES[0], question="nicer"),)}, "no question of vote 0 'nicer'"),
        ({"given": (replace(VOTES[0], answer="a"),)}, "no answer of vote 0 'a'"),
        ({"given": (replace(VOTES[0], answer="skipped"),)}, "no answer of vote 0 'skipped'"),
        (
            {"given": (VOTES[0], VOTES[0])},
            "vote 1: the judge has answered question 'fairer' about item 'battle 7' before",
        ),
        ({"made": (replace(ITEMS[0], name=""), *ITEMS[1:])}, "item 0 has no name"),
        (
            {"made": (replace(ITEMS[0], set_id="no such set"), *ITEMS[1:])},
            "opinion set 'no such set' is not stored",
        ),
        ({"people": (replace(JUDGES[0], state="happy"), JUDGES[1])}, "no state of a judge 'happy'"),
    ],
)
def test_what_cannot_be_is_refused_whole(store, more, says):
    with pytest.raises(BadInput) as caught:
        brought(store, **more)
    assert says in str(caught.value)
    assert store.studies() == []


def test_the_hash_is_of_questions_and_items(store):
    hashes = {
        store.study(brought(store, **more)).hash
        for more in (
            {},
            {"made": (replace(ITEMS[0], name="battle 9"), *ITEMS[1:])},
            {"made": (*ITEMS, ITEMS[0])},
        )
    }
    assert len(hashes) == 3
    again = store.study(brought(store))
    assert again.hash in hashes
    # studies that were held here hash as they did before there were others
    assert "name" not in store.frozen_study(opened(store).id)


def test_a_study_of_known_opinions_keeps_them(store):
    one = film_set()
    store.put_sets([one], "movies")
    study_id = brought(store, made=(replace(ITEMS[0], set_id=one.id, sample=""), *ITEMS[1:]))
    assert {row.set_id for row in store.vote_rows(study_id) if row.item_number == 0} == {one.id}


def revision(store, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    with store._writer.begin() as connection:
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, to)


def test_votes_of_before_survive_the_migration_in_both_directions(new_database):
    with open_store(new_database) as store:
        study = opened(store)
        judge_all(store, entered(store, study))
        store.close_study(study.id)
        before = store.vote_rows(study.id)
        brought(store)
        revision(store, "0006")
    with open_store(new_database) as store:  # and up again
        assert [one.id for one in store.studies()] == [study.id]  # 0006 has no room for votes of elsewhere
        assert store.vote_rows(study.id) == before and len(before) == 6
        indexes = {
            index["name"]
            for table in ("votes", "tasks")
            for index in sa.inspect(store._engine).get_indexes(table)
        }
        assert {"ix_votes_study", "ix_tasks_study"} <= indexes
        assert store.vote_rows(brought(store))
        store.delete_study(study.id)  # what refers to a study still goes with it
        with store._engine.begin() as connection:
            left = connection.execute(sa.text("SELECT DISTINCT study_id FROM votes")).scalars().all()
        assert left == [one.id for one in store.studies()]


def test_a_running_study_is_not_touched(store):
    study = opened(store, **{"items_per_judge": 1})
    token = entered(store, study)
    brought(store)
    assert store.study(study.id).state == "open" and store.next_item(token).left
    assert design()["votes_per_item"] == store.study(study.id).design["votes_per_item"]
