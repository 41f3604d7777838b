"""Reports in the store: only of runs that are done, gone with their run, and nothing of a run but its own part of a result."""

from __future__ import annotations

import pytest

from fairprune.errors import StoreError
from fairprune.store import open_store
from tests.store_values import spec


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


def done(store, seed=0):
    run, _ = store.submit(spec(seed))
    store.claim("cpu", 1)
    store.finish(run.id, "done")
    return run.id


def test_only_a_run_that_is_done_is_reported_on(store):
    run, _ = store.submit(spec())
    with pytest.raises(StoreError, match="is queued: a report is made of a run that is done"):
        store.ask_report(run.id, "collapse", {})
    with pytest.raises(StoreError, match="there is no run"):
        store.ask_report("f" * 16, "collapse", {})


def test_a_report_from_its_question_to_its_end(store):
    about = done(store)
    assert store.report(about, "collapse") is None and store.claim_report("cpu") is None
    asked, queued = store.ask_report(about[:8], "collapse", {"words": "gender"})
    assert queued and (asked.run_id, asked.state, asked.device) == (about, "queued", "cpu")
    assert store.report_waits("cpu") and not store.report_waits("cuda")
    assert store.claim_report("cuda") is None
    taken = store.claim_report("cpu")
    assert (taken.state, taken.options) == ("running", {"words": "gender"})
    assert taken.started is not None and not store.report_waits("cpu")
    store.report_progress(about, "collapse", 3, 10, "window 3\0 of 10")
    seen = store.report(about, "collapse")
    assert (seen.done, seen.total, seen.message) == (3, 10, "window 3� of 10")
    store.finish_report(about, "collapse", "done")
    store.finish_report(about, "collapse", "failed", "too late")
    assert (store.report(about, "collapse").state, store.report(about, "collapse").error) == ("done", None)
    with pytest.raises(StoreError, match="an end is one of"):
        store.finish_report(about, "collapse", "running")


def test_the_oldest_is_taken_first_and_what_runs_can_be_interrupted(store):
    ids = [done(store, seed) for seed in range(2)]
    for about in reversed(ids):
        store.ask_report(about, "collapse", {})
    assert store.claim_report("cpu").run_id == ids[1]
    assert store.interrupt_reports("cpu") == 1 and store.interrupt_reports("cpu") == 0
    assert store.report(ids[1], "collapse").state == "interrupted"
    store.cancel_report(ids[0], "collapse")
    assert store.report(ids[0], "collapse").state == "cancelled"


def test_a_report_with_other_options_is_not_the_one_that_was_asked_for(store):
    about = done(store)
    store.ask_report(about, "collapse", {"words": "sentiment", "windows": 16})
    assert store.ask_report(about, "collapse", {"words": "sentiment", "windows": 16})[1] is False
    for state in ("queued", "running"):
        says = rf"other options \(words sentiment, windows 16\) is {state}: wait until it has ended, or cancel it"
        with pytest.raises(StoreError, match=says):
            store.ask_report(about, "collapse", {"words": "gender", "windows": 16})
        store.claim_report("cpu")
    store.finish_report(about, "collapse", "done")
    assert store.ask_report(about, "collapse", {"words": "gender", "windows": 16})[1] is True


def test_a_report_goes_with_its_run(store):
    about = done(store)
    store.ask_report(about, "collapse", {})
    store.delete(about)
    assert store.report(about, "collapse") is None


def test_a_part_of_a_result_leaves_the_others(store):
    about = done(store)
    store.put_result_part(about, "debias", "edit", {"a": 1})
    store.put_result_part(about, "debias", "collapse", {"b": 2})
    store.put_result_part(about, "debias", "edit", {"a": 3})
    assert store.result(about, "debias") == {"edit": {"a": 3}, "collapse": {"b": 2}}
    with pytest.raises(StoreError, match="a result needs its run"):
        store.put_result_part("f" * 16, "debias", "edit", {})
