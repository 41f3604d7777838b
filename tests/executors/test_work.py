"""Reports on runs in the worker's queue: executed after runs, cancelled, interrupted, and told why they failed."""

from __future__ import annotations

import os
import signal

import pytest

from fairprune import jobs
from fairprune.errors import StoreError
from fairprune.executors.launch import LocalExecutor
from fairprune.executors.work import claim
from tests.executors.place import gone

ASKED = {"words": "gender", "windows": 16}


def done_run(place, seed=0):
    run, _ = place.store.submit(place.spec(seed))
    place.store.claim("cpu", 1)
    place.store.finish(run.id, "done")
    return run.id


def ended(place, run_id, seconds=15.0):
    return place.until(
        lambda: (one := place.store.report(run_id, "collapse")) is not None and one.ended and one, seconds
    )


def test_a_run_goes_before_a_report(place):
    about = done_run(place)
    place.store.ask_report(about, "collapse", ASKED)
    run, _ = place.store.submit(place.spec(1))
    first, second = (claim(place.store, "cpu", 1) for _ in range(2))
    assert (first.what, first.key) == ("run", run.id)
    assert (second.what, second.key) == ("report", f"report-collapse-{about}")
    assert claim(place.store, "cpu", 1) is None


def test_a_report_is_asked_for_once_and_again_with_other_options(place):
    about = done_run(place)
    _, queued = place.store.ask_report(about, "collapse", ASKED)
    assert queued
    with pytest.raises(StoreError, match="is queued: wait until it has ended, or cancel it first"):
        place.store.ask_report(about, "collapse", {"words": "party", "windows": 16})
    work = claim(place.store, "cpu", 1)
    work.finish("done")
    assert not place.store.ask_report(about, "collapse", ASKED)[1]
    assert place.store.ask_report(about, "collapse", {"words": "party", "windows": 16})[1]


def test_a_worker_executes_a_report_and_stores_its_end(place):
    about = done_run(place)
    command = place.child("""
        from fairprune.store import open_store
        kind, _, about = run_id.removeprefix("report-").partition("-")
        with open_store() as store:
            store.report_progress(about, kind, 1, 2, "half")
            store.put_result_part(about, "debias", kind, {"found": 1})
    """)
    place.store.put_result(about, "debias", {"edit": {"kept": True}})
    executor = LocalExecutor(command)
    place.store.ask_report(about, "collapse", ASKED)
    executor.wake("cpu", place.store)
    report = ended(place, about)
    assert (report.state, report.done, report.total, report.message) == ("done", 1, 2, "half")
    assert place.store.result(about, "debias") == {"edit": {"kept": True}, "collapse": {"found": 1}}


def test_a_report_that_breaks_says_how(place):
    about = done_run(place)
    place.store.ask_report(about, "collapse", ASKED)
    LocalExecutor(place.child('raise ValueError("no such word")')).wake("cpu", place.store)
    report = ended(place, about)
    assert report.state == "failed"
    assert report.error == "The report ended with exit code 1: ValueError: no such word"
    assert place.store.run(about).state == "done"


def test_a_cancelled_report_is_gone_within_five_seconds(place):
    about = done_run(place)
    place.store.ask_report(about, "collapse", ASKED)
    executor = LocalExecutor(place.child("note(os.getpid()); time.sleep(60)"))
    executor.wake("cpu", place.store)
    [[child]] = place.until(place.notes)
    jobs.cancel_report(about, place.store, executor)
    assert ended(place, about, 5).state == "cancelled"
    place.until(lambda: gone(child), 5)
    # One that waits is cancelled at once.
    place.store.ask_report(about, "collapse", ASKED)
    place.store.cancel_report(about, "collapse")
    assert place.store.report(about, "collapse").state in ("cancelled", "running")


def test_a_report_of_a_killed_worker_is_interrupted_and_can_be_asked_for_again(place):
    about = done_run(place)
    place.store.ask_report(about, "collapse", ASKED)
    LocalExecutor(place.child("note(os.getpid(), os.getppid()); time.sleep(60)")).wake("cpu", place.store)
    [[child, worker]] = place.until(place.notes)
    os.kill(int(worker), signal.SIGKILL)
    place.until(lambda: gone(child) and gone(worker), 5)
    executor = LocalExecutor(place.child("note('again')"))
    executor.settle("cpu", place.store)
    report = place.store.report(about, "collapse")
    assert (report.state, "ask for it again" in report.error) == ("interrupted", True)
    place.store.ask_report(about, "collapse", ASKED)
    executor.settle("cpu", place.store)  # wakes a worker for what waits
    assert ended(place, about).state == "done"
