"""A clock that is set back while a study runs: nothing that is promised rests on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fairprune.store import (
    judgments_answers,
    judgments_judges,
    judgments_next,
    judgments_rows,
    judgments_studies,
    open_store,
)
from fairprune.store.judgments_values import Refused, Task
from tests.judged import answer, entered, opened

HOUR = timedelta(hours=1)


@pytest.fixture
def store(database):
    with open_store(database) as opened_store:
        yield opened_store


@pytest.fixture
def clock(monkeypatch):
    """A function that sets the clock of all that concerns studies by so much."""
    off = timedelta(0)

    def shown():
        return datetime.now(UTC) + off

    def put(by):
        nonlocal off
        off += by

    for module in (judgments_answers, judgments_judges, judgments_next, judgments_rows, judgments_studies):
        monkeypatch.setattr(module, "now", shown)
    return put


def test_how_long_an_answer_took_is_not_known_then(store, clock):
    study = opened(store)
    token = entered(store, study)
    task = store.next_item(token)
    clock(-HOUR)
    store.record(token, task.key, "fairer", "left")
    store.record(token, task.key, "better", "left", seconds=7.0)
    store.close_study(study.id)
    seconds = {row.question: row.seconds for row in store.vote_rows(study.id)}
    assert seconds == {"fairer": None, "better": 7.0}


def test_undo_takes_back_what_was_done_last(store, clock):
    study = opened(store)
    token = entered(store, study)
    first = store.next_item(token)
    answer(store, token, first)
    clock(-HOUR)
    second = store.next_item(token)
    store.record(token, second.key, "fairer", "left")
    back = store.undo(token)
    assert isinstance(back, Task) and (back.number, back.answered) == (second.number, {})
    # a skip too: it is newer than all answers, whatever the clock says
    store.skip(token, back.key)
    clock(-HOUR)
    again = store.undo(token)
    assert isinstance(again, Task) and again.number == second.number
    assert [row.action for row in _history(store, study)] == ["undone", "skipped", "unskipped"]


def _history(store, study):
    store.close_study(study.id)
    return store.history_rows(study.id)


@pytest.mark.parametrize("look", ["vote_rows", "history_rows"])
def test_who_has_seen_outcomes_has_closed_the_study_for_good(store, clock, look):
    closes = datetime.now(UTC) + HOUR
    study = opened(store, closes=closes.isoformat())
    token = entered(store, study)
    answer(store, token, store.next_item(token))
    task = store.next_item(token)
    with pytest.raises(Refused, match="sealed until it is closed"):
        getattr(store, look)(study.id)
    clock(2 * HOUR)
    getattr(store, look)(study.id)
    clock(-2 * HOUR)
    found = store.study(study.id)
    assert (found.state, found.closed) == ("closed", closes)
    with pytest.raises(Refused, match="the study is closed"):
        store.record(token, task.key, "fairer", "left")


def test_who_only_asks_how_far_it_is_closes_nothing(store, clock):
    study = opened(store, closes=(datetime.now(UTC) + HOUR).isoformat())
    clock(2 * HOUR)
    assert store.study(study.id).state == "closed"
    store.study_progress(study.id)
    clock(-2 * HOUR)
    token = entered(store, study)
    answer(store, token, store.next_item(token))
    assert store.study_progress(study.id).done == 1
