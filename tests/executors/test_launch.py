import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fairprune.errors import BadInput, StoreError
from fairprune.executors.launch import PROJECT, LocalExecutor, device_lock, worker_environment
from fairprune.store import open_store


def test_of_two_started_at_once_one_works(place, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "1.5")
    executor = LocalExecutor(place.child("note(os.getppid()); time.sleep(0.3)"))
    ids = [place.store.submit(place.spec(seed))[0].id for seed in range(3)]
    with ThreadPoolExecutor(4) as pool:
        started = list(pool.map(lambda _: executor.wake("cpu", place.store), range(4)))
    assert any(started)
    assert [place.ended(run_id).state for run_id in ids] == ["done"] * 3
    # Every child had the same parent, and no second worker lives beside it.
    assert len({parent for [parent] in place.notes()}) == 1
    # Those that came too late may still be on their way to finding the lock taken.
    place.until(lambda: len(place.workers()) == 1, 8)
    assert executor.wake("cpu", place.store) is False
    place.until(lambda: not place.processes(), 8)
    assert place.worker_log() == ""


def test_settle_leaves_the_runs_of_a_living_worker_alone(place):
    place.store.submit(place.spec())
    run_id = place.store.claim("cpu", os.getpid()).id
    with device_lock("cpu"):
        assert LocalExecutor().settle("cpu", place.store) == []
        assert place.store.run(run_id).state == "running"
    assert LocalExecutor().settle("cpu", place.store) == [run_id]
    assert place.store.run(run_id).state == "interrupted"


def test_settle_wakes_a_worker_for_runs_that_wait(place):
    run_id = place.store.submit(place.spec())[0].id
    assert LocalExecutor(place.child("note('ran')")).settle("cpu", place.store) == []
    assert place.ended(run_id).state == "done"
    assert place.notes() == [["ran"]]


def test_a_worker_waits_for_a_short_look_at_its_lock(place):
    run_id = place.store.submit(place.spec())[0].id
    executor = LocalExecutor(place.child("pass"))
    assert executor.wake("cpu", place.store)
    with device_lock("cpu"):
        time.sleep(1.0)
    # Whichever came first: a worker that gave up is followed by another at the next look.
    place.until(lambda: executor.settle("cpu", place.store) == [] and place.store.waiting("cpu") == 0)
    assert place.ended(run_id).state == "done"


def test_a_database_in_memory_has_no_worker(place):
    with (
        open_store("sqlite://") as store,
        pytest.raises(StoreError, match="in memory cannot be seen by a worker process"),
    ):
        LocalExecutor().wake("cpu", store)


def test_an_unknown_device_is_refused():
    with pytest.raises(BadInput, match="unknown device 'tpu'"):
        device_lock("tpu")


def test_a_worker_gets_folder_database_and_package(place, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    environment = worker_environment(place.store)
    assert environment["FAIRPRUNE_HOME"] == str(place.folder)
    assert environment["FAIRPRUNE_DATABASE_URL"] == f"sqlite:///{place.folder}/fairprune.db"
    assert environment["PYTHONPATH"] == f"{PROJECT}:/elsewhere"
    assert (PROJECT / "fairprune" / "jobs.py").exists()


def test_settings_that_a_worker_would_refuse_are_refused_before_it_starts(place, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "abc")
    place.store.submit(place.spec())
    with pytest.raises(BadInput, match="FAIRPRUNE_WORKER_IDLE='abc' is not a number of seconds"):
        LocalExecutor(place.child("")).wake("cpu", place.store)
    assert not place.workers()
