import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from fairprune import jobs
from fairprune.errors import StoreError
from fairprune.executors.launch import LocalExecutor, device_lock
from fairprune.store import open_store
from tests.executors.place import gone, opened_place


@pytest.fixture
def place(tmp_path, monkeypatch):
    with opened_place(tmp_path, monkeypatch) as made:
        yield made


def test_a_submitted_run_is_executed_and_can_be_followed(place):
    command = place.child("""
        from fairprune.store import open_store
        with open_store() as store:
            for step in range(1, 4):
                store.progress(run_id, "prune", step, 3, "")
                time.sleep(0.2)
    """)
    run, queued = jobs.submit(place.spec(), executor=LocalExecutor(command))
    assert queued
    seen = list(jobs.follow(run.id, poll=0.02))
    assert seen[-1].state == "done"
    assert jobs.run(run.id).state == "done"
    # What is followed only goes on: states in their order, steps upwards, nothing told twice.
    order = ["queued", "running", "done"]
    assert [order.index(step.state) for step in seen] == sorted(order.index(step.state) for step in seen)
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    assert {step.done for step in seen} >= {1, 2, 3}
    assert all(before != after for before, after in pairwise(seen))


def test_the_same_spec_twice_is_one_run_executed_once(place):
    executor = LocalExecutor(place.child("note(run_id)"))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: jobs.submit(place.spec(), executor=executor), range(2)))
    assert sorted(queued for _, queued in answers) == [False, True]
    run_id = place.ended(answers[0][0].id).id
    again, queued = jobs.submit(place.spec(), executor=executor)
    assert (again.state, queued) == ("done", False)
    assert place.notes() == [[run_id]]


def test_cancel_ends_a_run_at_work_within_five_seconds(place):
    command = place.child("note(os.getpid()); time.sleep(60)")
    run = jobs.submit(place.spec(), executor=LocalExecutor(command))[0]
    [[pid]] = place.until(place.notes)
    asked = time.monotonic()
    assert jobs.cancel(run.id).cancel_requested
    assert place.ended(run.id, 5).state == "cancelled"
    assert gone(pid)
    assert time.monotonic() - asked < 5


def test_cancel_of_a_run_whose_worker_has_died_takes_effect(place):
    place.store.submit(place.spec())
    run_id = place.store.claim("cpu", os.getpid()).id
    assert jobs.cancel(run_id).state == "cancelled"


def test_a_dead_worker_is_noticed_and_its_run_can_be_repeated(place):
    executor = LocalExecutor(place.child("note(os.getppid()); time.sleep(60)"))
    run_id = jobs.submit(place.spec(), executor=executor)[0].id
    [[worker]] = place.until(place.notes)
    os.kill(int(worker), signal.SIGKILL)
    place.until(lambda: gone(worker))
    # the lock of the device is free when the last process that has it is gone, a moment after the worker
    assert place.until(lambda: jobs.reconcile(executor=executor)) == [run_id]
    assert jobs.run(run_id).state == "interrupted"
    run = jobs.retry(run_id, executor=LocalExecutor(place.child("note('again')")))
    assert run.attempt == 2
    assert place.ended(run_id).state == "done"
    assert place.notes()[-1] == ["again"]


def test_follow_ends_when_the_worker_has_died(place, monkeypatch):
    monkeypatch.setattr(jobs, "RECONCILE_SECONDS", 0.1)
    place.store.submit(place.spec())
    run_id = place.store.claim("cpu", os.getpid()).id
    assert [run.state for run in jobs.follow(run_id, poll=0.05)] == ["running", "interrupted"]


def test_reconcile_gives_waiting_runs_a_worker(place):
    run_id = place.store.submit(place.spec())[0].id
    assert jobs.reconcile(place.store, LocalExecutor(place.child("pass"))) == []
    assert place.ended(run_id).state == "done"


def test_reconcile_leaves_a_living_workers_run_alone(place):
    place.store.submit(place.spec())
    run_id = place.store.claim("cpu", os.getpid()).id
    with device_lock("cpu"):
        assert jobs.reconcile(place.store) == []
    assert jobs.run(run_id, place.store).state == "running"


def test_two_ensure_worker_at_once_give_one_worker(place):
    executor = LocalExecutor(place.child("pass"))
    with ThreadPoolExecutor(2) as pool:
        assert any(pool.map(lambda _: jobs.ensure_worker("cpu", executor=executor), range(2)))
    place.until(lambda: place.store.worker("cpu"))
    place.until(lambda: len(place.workers()) == 1)
    assert jobs.ensure_worker("cpu", executor=executor) is False


def test_only_what_has_failed_is_retried(place):
    run_id = place.store.submit(place.spec())[0].id
    place.store.claim("cpu", os.getpid())
    place.store.finish(run_id, "done")
    with pytest.raises(StoreError, match=f"run {run_id} is done: only a run that is failed, cancelled"):
        jobs.retry(run_id)


def test_an_unknown_run_is_named(place):
    for call in (jobs.run, jobs.cancel, jobs.retry):
        with pytest.raises(StoreError, match="no run 'abcdef'"):
            call("abcdef")


def test_a_database_in_memory_is_refused_before_anything_is_stored(place):
    with open_store("sqlite://") as store:
        with pytest.raises(StoreError, match="in memory"):
            jobs.submit(place.spec(), store)
        assert store.runs() == []


def test_many_are_queued_in_their_order_and_each_is_told_once_at_its_end(place):
    executor = LocalExecutor(place.child("note(run_id)"))
    specs = [place.spec(seed) for seed in range(3)]
    found = jobs.submit_all([*specs, specs[0]], executor=executor)
    assert [queued for _, queued in found] == [True, True, True, False]
    ids = [run.id for run, _ in found]
    told = list(jobs.follow_all(ids, poll=0.02))
    assert [run.id for run in told] == ids[:3] and {run.state for run in told} == {"done"}
    assert place.notes() == [[run_id] for run_id in ids[:3]]
    assert [run.id for run in jobs.follow_all(ids)] == ids[:3]  # all of them ended before
    place.store.delete(ids[1])
    assert [run.id for run in jobs.follow_all(ids)] == [ids[0], ids[2]]
    assert jobs.submit_all([], executor=executor) == []


def test_a_database_in_memory_takes_no_sweep(place):
    with open_store("sqlite://") as store, pytest.raises(StoreError, match="in memory"):
        jobs.submit_all([place.spec()], store)
