from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from fairprune.errors import StoreError
from fairprune.store import Store, SummaryRow, open_store
from tests.store_values import film_set, spec


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


def ended(store: Store, seed: int, state) -> str:
    run_id = store.submit(spec(seed))[0].id
    assert store.claim("cpu", 1).id == run_id
    store.finish(run_id, state, "a sentence", "a traceback")
    return run_id


def test_a_submitted_run_waits_with_all_that_is_known_of_it(store):
    before = datetime.now(UTC)
    run, queued = store.submit(spec(3))
    assert queued
    assert run.id == spec(3).id
    assert run.spec == spec(3)
    assert run.title == spec(3).title()
    assert (run.state, run.device, run.attempt, run.queue_position) == ("queued", "cpu", 1, 1)
    assert (run.started, run.finished, run.stage, run.error, run.error_detail, run.worker_pid) == (None,) * 6
    assert (run.done, run.total, run.message, run.seconds, run.cancel_requested) == (0, 0, "", {}, False)
    assert run.created.tzinfo is UTC
    assert before <= run.created <= datetime.now(UTC)


@pytest.mark.parametrize("state", ["queued", "running", "done"])
def test_the_same_spec_is_the_same_run(store, state):
    first = store.submit(spec())[0]
    if state != "queued":
        store.claim("cpu", 1)
    if state == "done":
        store.finish(first.id, "done")
    again, queued = store.submit(spec())
    assert not queued
    assert (again.id, again.state, again.attempt) == (first.id, state, 1)
    assert len(store.runs()) == 1


@pytest.mark.parametrize("state", ["failed", "cancelled", "interrupted"])
def test_an_ended_run_is_queued_again_without_its_old_error_and_results(store, state):
    run_id = ended(store, 0, state)
    store.stage_seconds(run_id, "prune", 1.5)
    store.progress(run_id, "prune", 2, 4, "block 2")
    store.put_result(run_id, "sparsity", {"achieved": 0.5})
    store.log(run_id, "old line")
    created = store.run(run_id).created

    run, queued = store.submit(spec())

    assert queued
    assert (run.state, run.attempt, run.error, run.error_detail, run.worker_pid) == (
        "queued",
        2,
        None,
        None,
        None,
    )
    assert (run.stage, run.done, run.total, run.message, run.seconds) == (None, 0, 0, "", {})
    assert (run.started, run.finished, run.cancel_requested, run.created) == (None, None, False, created)
    assert store.result(run_id, "sparsity") is None
    assert [line.text for line in store.logs(run_id)] == ["old line", "Queued again: attempt 2"]


def test_the_queue_is_first_in_first_out_per_device(store):
    a, b, c = (store.submit(spec(seed))[0].id for seed in (1, 2, 3))
    d = store.submit(spec(4, "cuda"))[0].id
    assert [store.run(i).queue_position for i in (a, b, c, d)] == [1, 2, 3, 1]
    assert (store.waiting("cpu"), store.waiting("cuda")) == (3, 1)

    claimed = store.claim("cpu", 77)

    assert (claimed.id, claimed.state, claimed.worker_pid, claimed.queue_position) == (a, "running", 77, None)
    assert claimed.started is not None
    assert [store.run(i).queue_position for i in (a, b, c)] == [None, 1, 2]
    assert [store.claim("cpu", 77).id for _ in range(2)] == [b, c]
    assert store.claim("cpu", 77) is None
    assert store.run(d).state == "queued"


def test_a_restarted_run_goes_to_the_end_of_the_queue(store):
    first = ended(store, 1, "failed")
    second = store.submit(spec(2))[0].id
    assert store.submit(spec(1))[0].queue_position == 2
    assert [store.claim("cpu", 1).id for _ in range(2)] == [second, first]


def test_runs_are_listed_newest_first_and_by_state(store):
    ids = [store.submit(spec(seed))[0].id for seed in range(4)]
    store.claim("cpu", 1)
    assert [run.id for run in store.runs()] == ids[::-1]
    assert [run.id for run in store.runs(limit=2)] == [ids[3], ids[2]]
    assert [run.id for run in store.runs("queued")] == [ids[3], ids[2], ids[1]]
    assert [run.queue_position for run in store.runs("queued")] == [3, 2, 1]
    with pytest.raises(StoreError, match=r"no state 'waiting'.*queued, running"):
        store.runs("waiting")


def test_listing_runs_is_two_queries_however_many(store):
    for seed in range(5):
        store.submit(spec(seed))
    asked = []
    sa.event.listen(store._engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    assert len(store.runs()) == 5
    begin = ["BEGIN"] if store._engine.dialect.name == "sqlite" else []  # else the driver says it
    assert [text.split()[0] for text in asked] == [*begin, "SELECT", "SELECT"]


def test_a_run_is_found_by_the_beginning_of_its_id(store):
    run_id = store.submit(spec())[0].id
    assert store.run(run_id[:6]).id == run_id
    assert store.request_cancel(run_id[:8]).state == "cancelled"
    for wrong in (run_id[:5], "ffffffffffffffff", "%", "", run_id.upper() + "x"):
        with pytest.raises(StoreError, match=f"no run {wrong!r}"):
            store.run(wrong)


def test_an_unclear_beginning_names_the_runs(store):
    a, b = store.submit(spec(1))[0].id, store.submit(spec(2))[0].id
    # Two ids with the same six digits: written by hand, since hashes rarely agree.
    with store._writer.begin() as connection:
        for old, new in ((a, "abcdef0000000001"), (b, "abcdef0000000002")):
            connection.execute(sa.text("UPDATE runs SET id = :new WHERE id = :old"), {"new": new, "old": old})
    with pytest.raises(StoreError, match="abcdef0000000001 or abcdef0000000002"):
        store.run("abcdef")


def test_cancel(store):
    waits, runs, over = (store.submit(spec(seed))[0].id for seed in (3, 1, 2))
    store.request_cancel(waits)
    assert store.run(waits).state == "cancelled"
    assert store.run(waits).finished is not None
    assert store.claim("cpu", 1).id == runs
    asked = store.request_cancel(runs)
    assert (asked.state, asked.cancel_requested) == ("running", True)
    store.claim("cpu", 1)
    store.finish(over, "done")
    assert (store.request_cancel(over).state, store.run(over).cancel_requested) == ("done", False)


def test_the_first_end_of_a_run_stands(store):
    run_id = ended(store, 0, "failed")
    run = store.finish(run_id, "done")
    assert (run.state, run.error, run.error_detail) == ("failed", "a sentence", "a traceback")
    assert run.finished is not None


def test_only_a_running_run_can_end(store):
    run_id = store.submit(spec())[0].id
    with pytest.raises(StoreError, match="still queued"):
        store.finish(run_id, "done")
    with pytest.raises(StoreError, match="cannot end as 'queued'"):
        store.finish(run_id, "queued")
    with pytest.raises(StoreError, match="no run '0000000000000000'"):
        store.finish("0" * 16, "done")


def test_runs_of_a_dead_worker_are_interrupted_or_cancelled_where_that_was_asked(store):
    a, b, c = (store.submit(spec(seed))[0].id for seed in (1, 2, 3))
    d = store.submit(spec(4, "cuda"))[0].id
    for device in ("cpu", "cpu", "cuda"):
        store.claim(device, 9)
    store.request_cancel(b)
    assert store.interrupt_running("cpu") == [a]
    assert [store.run(i).state for i in (a, b, c, d)] == ["interrupted", "cancelled", "queued", "running"]
    assert "Start the run again" in store.run(a).error
    assert store.run(b).error is None
    assert store.interrupt_running("cpu") == []


def test_progress_timing_and_log(store):
    run_id = store.submit(spec())[0].id
    store.progress(run_id, "prune", 1, 4, "block 1 of 4")
    run = store.run(run_id)
    assert (run.stage, run.done, run.total, run.message) == ("prune", 1, 4, "block 1 of 4")
    store.stage_seconds(run_id, "prune", 0.1 + 0.2)
    store.stage_seconds(run_id, "generate", 2)
    store.stage_seconds(run_id, "generate", 3)
    assert store.run(run_id).seconds == {"prune": 0.1 + 0.2, "generate": 3.0}
    for text in ("eins", "zwei 🙂", "nul \x00 and \ud800"):
        store.log(run_id, text)
    lines = store.logs(run_id)
    assert [(line.number, line.text) for line in lines] == [
        (1, "eins"),
        (2, "zwei 🙂"),
        (3, "nul \ufffd and ?"),
    ]
    assert lines[0].time.tzinfo is UTC
    assert [line.number for line in store.logs(run_id, after=1)] == [2, 3]
    assert [line.number for line in store.logs(run_id, limit=2)] == [1, 2]


def test_reports_on_an_unknown_run_are_refused(store):
    nobody = "0" * 16
    for report in (
        lambda: store.progress(nobody, "prune", 0, 1),
        lambda: store.stage_seconds(nobody, "prune", 1.0),
        lambda: store.log(nobody, "text"),
        lambda: store.logs(nobody),
        lambda: store.put_result(nobody, "timing", {}),
        lambda: store.delete(nobody),
        lambda: store.request_cancel(nobody),
    ):
        with pytest.raises(StoreError, match=f"no run '{nobody}'"):
            report()


def test_the_workers_row(store):
    assert store.worker("cpu") is None
    store.heartbeat("cpu", 10)
    first = store.worker("cpu")
    assert (first.device, first.pid, first.started) == ("cpu", 10, first.heartbeat)
    store.heartbeat("cpu", 10)
    second = store.worker("cpu")
    assert second.started == first.started
    assert second.heartbeat > first.heartbeat
    store.heartbeat("cpu", 11)
    assert store.worker("cpu").pid == 11
    assert store.worker("cpu").started > first.started
    store.clear_worker("cpu", 10)
    assert store.worker("cpu").pid == 11
    store.clear_worker("cpu", 11)
    assert store.worker("cpu") is None


def test_delete_takes_log_and_results_along_and_leaves_summaries(store):
    run_id = ended(store, 0, "done")
    store.put_result(run_id, "timing", {"a": 1})
    store.log(run_id, "line")
    store.put_sets([film_set()], "movies")
    store.put_summaries("g", [SummaryRow(film_set().id, 0, "Good.", 2, 0.1, False)])
    store.delete(run_id)
    assert store.runs() == []
    assert store.results("timing", [run_id]) == {}
    with store._engine.begin() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM logs")).scalar() == 0
    assert len(store.summaries("g")) == 1


def test_a_running_run_is_not_deleted(store):
    run_id = store.submit(spec())[0].id
    store.claim("cpu", 1)
    with pytest.raises(StoreError, match="is running: cancel it first"):
        store.delete(run_id)


def test_a_run_that_this_version_cannot_read_hides_no_other_and_can_be_deleted(store, caplog):
    run_id = store.submit(spec())[0].id
    with store._writer.begin() as connection:
        connection.execute(sa.text("UPDATE runs SET spec = replace(spec, 'magnitude', 'no-such-method')"))
    other = store.submit(spec(seed=1))[0].id
    assert [run.id for run in store.runs()] == [other]
    assert run_id in caplog.text
    with pytest.raises(StoreError, match=f"run {run_id} .* cannot be read .*unknown method.*delete it"):
        store.run(run_id)
    store.delete(run_id)
    assert [run.id for run in store.runs()] == [other]
