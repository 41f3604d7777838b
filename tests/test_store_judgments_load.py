"""Many judges at once: no vote is lost or stored twice, and every item ends with exactly the votes wanted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from fairprune.errors import StoreError
from fairprune.store import open_store
from fairprune.store.database import now
from fairprune.store.judgments_tables import slots
from fairprune.store.judgments_values import Crowd, Ended, Refused
from tests import postgres
from tests.conftest import ROOT
from tests.judged import answer, entered, judge_all, opened

PROCESSES, JUDGES, LEAVERS = 4, 5, 1
ITEMS, VOTES, EACH = 36, 5, 8  # 180 votes wanted, of which twenty judges give 136: nobody has to wait


@pytest.mark.slow
def test_twenty_judges_in_four_processes(shared_database):
    with open_store(shared_database) as store:
        study = opened(store, n=ITEMS, votes_per_item=VOTES, items_per_judge=EACH)
        link = store.open_link(study.id)
        command = [sys.executable, "-m", "tests.judging", shared_database, link, str(JUDGES), str(LEAVERS)]
        started = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ})
            for _ in range(PROCESSES)
        ]
        outputs = [process.communicate(timeout=240)[0] for process in started]
        assert [process.returncode for process in started] == [0] * PROCESSES
        told = [json.loads(line) for output in outputs for line in output.splitlines()]
        assert Counter(one["end"] for one in told) == {"completed": 16, "left": 4}
        assert len({one["judge"] for one in told}) == 20  # everybody has a name of their own
        progress = store.study_progress(study.id)
        assert (
            progress.done == 16 * EACH + 4 * 2 and progress.leased == 4
        )  # of five answers four make two items
        # Those who left do not come back: their leases run out, and others take over.
        leased = (slots.c.study_id == study.id) & slots.c.done.is_(False) & slots.c.judge_id.is_not(None)
        with store._writer.begin() as connection:
            past = now() - timedelta(seconds=1)
            assert connection.execute(sa.update(slots).where(leased).values(expires=past)).rowcount == 4
        while store.study_progress(study.id).done < ITEMS * VOTES:
            assert judge_all(store, entered(store, study, link)).kind == "completed"
        assert judge_all(store, entered(store, study, link)).kind == "screened_out"
        store.close_study(study.id)
        rows = store.vote_rows(study.id)
    stored = Counter((row.judge, row.item, row.occasion, row.question) for row in rows)
    assert set(stored.values()) == {1}
    whole = [row for row in rows if row.complete]
    per_item = Counter((row.item, row.question) for row in whole)
    assert len(per_item) == ITEMS * 2 and set(per_item.values()) == {VOTES}
    assert [row.judge for row in rows if not row.complete] and len(rows) - len(whole) <= 4
    # Every vote that was confirmed is there, as it was confirmed.
    answers = Counter((row.judge, row.question, row.answer) for row in rows)
    confirmed = Counter(
        (one["judge"], question, given) for one in told for _, question, given in one["confirmed"]
    )
    assert not confirmed - answers
    assert sum(confirmed.values()) == 16 * EACH * 2 + 4 * 5


def test_twenty_judges_want_the_last_vote(shared_database):
    with open_store(shared_database) as store:
        study = opened(store, n=1, votes_per_item=1)
        link = store.open_link(study.id)
        tokens = [entered(store, study, link) for _ in range(20)]
        start = threading.Barrier(20)

        def ask(token):
            start.wait()
            return store.next_item(token)

        with ThreadPoolExecutor(20) as pool:
            steps = list(pool.map(ask, tokens))
        kinds = Counter(type(step).__name__ for step in steps)
        assert kinds == {"Task": 1, "Wait": 19}
        mine = next(n for n, step in enumerate(steps) if type(step).__name__ == "Task")
        answer(store, tokens[mine], steps[mine])
        assert store.study_progress(study.id).complete == 1


def test_two_tabs_of_a_judge_show_one_item(shared_database):
    with open_store(shared_database) as store:
        study = opened(store, n=6)
        token = entered(store, study)
        start = threading.Barrier(8)

        def ask(_):
            start.wait()
            return store.next_item(token).key

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(ask, range(8)))) == 1
        assert store.study_progress(study.id).leased == 1


def test_a_crowd_id_or_an_invitation_that_comes_twice_at_once_is_one_judge(shared_database, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_SECRET", "a secret of the tests, long enough")
    with open_store(shared_database) as store:
        study = opened(store)
        link = store.open_link(study.id)
        [invited] = store.invite(study.id, ["Ann"])
        for come in (lambda _: store.enter(link, Crowd("p1")), lambda _: store.enter(invited)):
            with ThreadPoolExecutor(8) as pool:
                found = list(pool.map(come, range(8)))
            assert len({one.judge.id for one in found}) == 1
            assert sum(one.new for one in found) == 1
        assert [row.judge for row in store.judge_rows(study.id)] == ["J001", "J002"]


def test_a_quota_is_kept_when_all_come_at_once(shared_database):
    with open_store(shared_database) as store:
        study = opened(store, groups={"question": "You are", "quotas": {"left": 3}}, max_judges=8)
        link = store.open_link(study.id)
        tokens = [store.enter(link).token for _ in range(12)]
        with ThreadPoolExecutor(12) as pool:
            states = Counter(
                judge.state for judge in pool.map(lambda token: store.consent(token, True), tokens)
            )
            assert states == {"active": 8, "screened_out": 4}
            agreed = [token for token in tokens if store.judge(token).state == "active"]
            states = Counter(
                judge.state for judge in pool.map(lambda token: store.choose_group(token, "left"), agreed)
            )
        assert states == {"active": 3, "screened_out": 5}


def test_who_closes_a_study_and_who_answers_are_never_both_right(shared_database):
    """An answer that is confirmed was given before the end, and stands in what is unsealed."""
    with open_store(shared_database) as store:
        study = opened(store, n=12, items_per_judge=12, votes_per_item=9)
        link = store.open_link(study.id)
        tokens = [entered(store, study, link) for _ in range(8)]
        steps = [store.next_item(token) for token in tokens]
        start = threading.Barrier(9)
        seen = []

        def act(number):
            start.wait()
            if number == 8:
                store.close_study(study.id)
                seen.append(len(store.vote_rows(study.id)))
                return 0
            try:
                return int(store.record(tokens[number], steps[number].key, "fairer", "left").new)
            except Refused as error:
                assert error.reason == "closed", repr(error)
                return 0

        with ThreadPoolExecutor(9) as pool:
            confirmed = sum(pool.map(act, range(9)))
        assert seen == [confirmed] == [len(store.vote_rows(study.id))]


def test_a_database_that_crashes_keeps_every_confirmed_vote():
    """The server dies in the middle of the judging: what was confirmed is there, what was not is asked again."""
    if postgres.programs() is None and not os.environ.get(postgres.REQUIRED):
        pytest.skip("PostgreSQL is not installed here")
    with postgres.server(durable=True) as own, open_store(own.empty_database()) as store:
        study = opened(store, n=6, items_per_judge=6, votes_per_item=4)
        link = store.open_link(study.id)
        tokens = [entered(store, study, link) for _ in range(4)]
        confirmed, lost = [], []
        crash = threading.Event()

        def judge(token):
            while True:
                try:
                    step = store.next_item(token)
                    if isinstance(step, Ended):
                        return
                    for question in step.open_questions:
                        key = step.key
                        assert store.record(token, key, question, "left").new
                        confirmed.append((token, key, question))
                        if len(confirmed) >= 15:
                            crash.set()
                except StoreError as error:
                    assert "cannot be reached" in str(error), error
                    lost.append(token)
                    return

        with ThreadPoolExecutor(4) as pool:
            judging = [pool.submit(judge, token) for token in tokens]
            assert crash.wait(120)
            own.stop("immediate")
            for one in judging:
                one.result()
        assert len(lost) == 4
        own.start()
        for token, key, question in confirmed:
            again = store.record(token, key, question, "right")
            assert (again.new, again.answer) == (False, "left")
        for token in tokens:
            assert judge_all(store, token).kind == "completed"
        progress = store.study_progress(study.id)
        assert (progress.done, progress.complete) == (24, 6)
        store.close_study(study.id)
        rows = store.vote_rows(study.id)
        assert len(rows) == 48 and {row.answer for row in rows} == {"left"}
