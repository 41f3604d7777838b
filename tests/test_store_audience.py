"""Audiences and their votes in the database."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from fairprune.errors import BadInput, NoSuchRun, StoreError
from fairprune.store import MIGRATIONS, open_store
from tests.store_values import spec

PHONES = ["a" * 64, "b" * 64]


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


def test_one_phone_has_one_answer_and_may_change_it(store):
    run = store.submit(spec())[0]
    one = store.open_audience(run.id, 2, "set")
    assert (one.run_id, one.position, one.address, one.closed, one.revealed) == (run.id, 2, "", None, None)
    for answer in ("a", "a", "tie"):
        assert store.vote(one.id, PHONES[0], answer, True)
    assert store.vote(one.id, PHONES[1], "a", False)
    assert store.vote_counts(one.id) == {("tie", True): 1, ("a", False): 1}
    assert store.vote_of(one.id, PHONES[0]) == "tie" and store.vote_of(one.id, "c" * 64) is None


def test_after_closing_no_vote_counts_and_nothing_changes(store):
    run = store.submit(spec())[0]
    one = store.open_audience(run.id, 0, "set")
    store.vote(one.id, PHONES[0], "b", False)
    store.close_audience(one.id)
    closed = store.audience(one.id).closed
    assert closed is not None
    assert not store.vote(one.id, PHONES[0], "a", False)
    assert not store.vote(one.id, PHONES[1], "a", False)
    assert store.vote_counts(one.id) == {("b", False): 1}
    store.close_audience(one.id)
    assert store.audience(one.id).closed == closed
    assert store.audiences(run.id, still_open=True) == []


def test_questions_of_a_run_newest_first_with_address_and_verdict(store):
    run = store.submit(spec())[0]
    first, second = store.open_audience(run.id, 0, "x"), store.open_audience(run.id, 1, "y", "http://h/c")
    assert [one.id for one in store.audiences(run.id)] == [second.id, first.id]
    store.locate_audience(first.id, "http://192.168.1.2:8600/abcde")
    assert store.audience(first.id).address == "http://192.168.1.2:8600/abcde"
    store.reveal_audience(first.id, True)
    assert store.audience(first.id).revealed is not None and store.audience(second.id).revealed is None
    store.reveal_audience(first.id, False)
    assert store.audience(first.id).revealed is None


def test_what_is_not_there_is_said(store):
    with pytest.raises(NoSuchRun):
        store.open_audience("ffffffffffffffff", 0, "set")
    with pytest.raises(StoreError, match="no audience"):
        store.audience("x")
    with pytest.raises(StoreError, match="no audience"):
        store.vote("x", PHONES[0], "a", False)
    run = store.submit(spec())[0]
    one = store.open_audience(run.id, 0, "set")
    with pytest.raises(BadInput, match="there is no answer 'c'"):
        store.vote(one.id, PHONES[0], "c", False)


def test_votes_go_with_their_run(store):
    run = store.submit(spec())[0]
    store.claim("cpu", 1)
    store.finish(run.id, "failed", "x")
    one = store.open_audience(run.id, 0, "set")
    store.vote(one.id, PHONES[0], "a", False)
    store.delete(run.id)
    assert store.vote_counts(one.id) == {}


def test_the_migration_goes_both_ways(new_database):
    open_store(new_database).close()
    engine = sa.create_engine(new_database)
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        configuration.attributes["connection"] = connection
        command.downgrade(configuration, "0004")
        assert not sa.inspect(connection).has_table("audiences")
    engine.dispose()
    with open_store(new_database) as store:
        run = store.submit(spec())[0]
        assert store.open_audience(run.id, 0, "set").run_id == run.id
