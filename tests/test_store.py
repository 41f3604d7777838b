import dataclasses
import math
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql

from fairprune.errors import StoreError
from fairprune.opinions import Opinion, OpinionSet, opinion_set_id
from fairprune.spec import build
from fairprune.store import MIGRATIONS, Store, SummaryRow, open_store
from fairprune.store.database import database_url, plain, shown
from fairprune.store.runs import _RUNS
from fairprune.store.tables import REVISION, UtcDateTime, metadata


def spec(seed=0, device="cpu"):
    return build(
        model={"name": "tiny-a"},
        pruning={"method": "magnitude"},
        calibration={},
        evaluation={"seed": seed},
        device=device,
    )


@pytest.fixture
def store():
    with open_store("sqlite://") as opened:
        yield opened


@pytest.fixture
def address(tmp_path, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path))
    monkeypatch.delenv("FAIRPRUNE_DATABASE_URL", raising=False)
    return f"sqlite:///{tmp_path / 'fairprune.db'}"


def ended(store: Store, seed: int, state) -> str:
    run_id = store.submit(spec(seed))[0].id
    assert store.claim("cpu", 1).id == run_id
    store.finish(run_id, state, "a sentence", "a traceback")
    return run_id


# Runs and their queue


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
    with pytest.raises(StoreError, match="no state 'waiting'.*queued, running"):
        store.runs("waiting")


def test_listing_runs_is_one_query(store):
    for seed in range(5):
        store.submit(spec(seed))
    asked = []
    sa.event.listen(store._engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    assert len(store.runs()) == 5
    assert [text.split()[0] for text in asked] == ["BEGIN", "SELECT"]


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


def test_a_run_that_this_version_cannot_read_is_named_and_can_be_deleted(store):
    run_id = store.submit(spec())[0].id
    with store._writer.begin() as connection:
        connection.execute(sa.text("UPDATE runs SET spec = replace(spec, 'magnitude', 'no-such-method')"))
    with pytest.raises(StoreError, match=f"run {run_id} .* cannot be read .*unknown method.*delete it"):
        store.runs()
    store.delete(run_id)
    assert store.runs() == []


# Documents


def film_set(text="Lovely film 🙂.") -> OpinionSet:
    opinions = (
        Opinion(text, "fresh", "Film", "1", "A. Critic"),
        Opinion("Dull – and “long”.", "rotten", "Film", "2"),
    )
    return OpinionSet(opinion_set_id("movies", "Film", opinions), "Film", "balanced", "fresh", opinions)


def test_opinion_sets_come_back_equal_and_in_order(store):
    a, b = film_set(), film_set("Another text.")
    store.put_sets([a, b, a], "movies")
    store.put_sets([b], "movies")
    assert list(store.sets([b.id, a.id, b.id]).items()) == [(b.id, b), (a.id, a)]
    assert store.sets([]) == {}
    with pytest.raises(StoreError, match="opinion set 'none' is not stored"):
        store.sets([a.id, "none"])


def test_many_opinion_sets_exceed_no_limit_of_a_query(store):
    # 1203 = two portions of 500 and one of 203.
    many = [dataclasses.replace(film_set(), id=f"{number:016x}") for number in range(1203)]
    store.put_sets(many, "movies")
    assert list(store.sets([item.id for item in many])) == [item.id for item in many]


def test_summaries_keep_the_first_text_of_a_position(store):
    one = film_set()
    store.put_sets([one], "movies")
    rows = [
        SummaryRow(one.id, 1, "Nul \x00, half a character \ud83d, “quotes” 🙂\n", 7, 0.1 + 0.2, True),
        SummaryRow(one.id, 0, "", 0, 0.25, False),
    ]
    store.put_summaries("g", rows)
    store.put_summaries(
        "g", [dataclasses.replace(rows[0], text="changed"), SummaryRow(one.id, 2, "c", 1, 0.0, False)]
    )
    assert store.summaries("g") == [rows[1], rows[0], SummaryRow(one.id, 2, "c", 1, 0.0, False)]
    assert store.summaries("other") == []


def test_a_generation_is_known_when_it_is_finished(store):
    store.put_sets([film_set()], "movies")
    with pytest.raises(StoreError, match="generation 'g' is not stored"):
        store.finish_generation("g", {})
    store.put_summaries("g", [SummaryRow(film_set().id, 0, "a", 1, 0.1, False)])
    assert store.generation("g") is None
    store.finish_generation("g", {"model": "tiny-a", "rate": 1 / 3})
    assert store.generation("g") == {"model": "tiny-a", "rate": 1 / 3}


def test_summaries_of_wrong_sets_are_refused_whole(store):
    a, b = film_set(), film_set("Another text.")
    store.put_sets([a, b], "movies")
    store.put_summaries("g", [SummaryRow(a.id, 0, "a", 1, 0.1, False)])
    with pytest.raises(
        StoreError, match=f"summary 0 of generation g is of opinion set {a.id}, not of {b.id}"
    ):
        store.put_summaries(
            "g", [SummaryRow(b.id, 1, "b", 1, 0.1, False), SummaryRow(b.id, 0, "b", 1, 0.1, False)]
        )
    with pytest.raises(StoreError, match="'missing' is not stored: store the sets before"):
        store.put_summaries("g", [SummaryRow("missing", 1, "b", 1, 0.1, False)])
    with pytest.raises(StoreError, match="seconds of summary 1 .* is nan"):
        store.put_summaries("g", [SummaryRow(a.id, 1, "b", 1, math.nan, False)])
    assert len(store.summaries("g")) == 1


def test_results_round_trip_exactly(store):
    run_id = store.submit(spec())[0].id
    value = {
        "floats": [0.1 + 0.2, 1e-300, 1.7976931348623157e308, -0.0, 2**53 + 1],
        "text": "\x00 \ud800 ü 🙂",
        "no": None,
    }
    store.put_result(run_id, "evaluation", {"old": 1})
    store.put_result(run_id, "evaluation", value)
    found = store.result(run_id, "evaluation")
    assert found == value
    assert math.copysign(1, found["floats"][3]) == -1
    other = store.submit(spec(1))[0].id
    assert store.result(other, "evaluation") is None
    assert store.results("evaluation", [other, run_id]) == {run_id: value}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [{"b": math.nan}]}, r"result 'timing' of run \w+\.a\[0\]\.b is nan"),
        ({"a": math.inf}, r"\.a is inf"),
        ({"a": {1: 2}}, r"\.a has the key 1"),
        ({"a": b"x"}, r"\.a is a bytes"),
    ],
)
def test_what_would_come_back_changed_is_refused_by_its_place(store, value, message):
    run_id = store.submit(spec())[0].id
    with pytest.raises(StoreError, match=message):
        store.put_result(run_id, "timing", value)
    assert store.result(run_id, "timing") is None


# The database


def test_the_migrations_give_the_tables(store):
    with store._engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_newest_migration_is_the_one_that_the_store_expects():
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(configuration).get_current_head() == REVISION


def test_a_migration_that_is_forgotten_would_be_seen(store):
    with store._writer.begin() as connection:
        connection.execute(sa.text("ALTER TABLE results DROP COLUMN value"))
    with store._engine.begin() as connection:
        [difference] = compare_metadata(MigrationContext.configure(connection), metadata)
    assert difference[0] == "add_column"


def test_statements_are_also_postgresql():
    # Compiled for the other dialect: a function or clause of SQLite alone raises here.
    dialect = postgresql.dialect()
    assert "LIMIT" in str(_RUNS.limit(1).with_for_update(skip_locked=True).compile(dialect=dialect))
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(sa.schema.CreateTable(table).compile(dialect=dialect))
    assert str(UtcDateTime().compile(dialect=dialect)) == "TIMESTAMP WITH TIME ZONE"


def test_times_are_utc_whatever_their_zone(store):
    kind = UtcDateTime()
    summer = datetime(2026, 7, 1, 14, tzinfo=timezone(timedelta(hours=2)))
    assert kind.process_bind_param(summer, store._engine.dialect) == datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert kind.process_result_value(datetime(2026, 7, 1, 12), store._engine.dialect) == summer
    assert kind.process_result_value(summer, postgresql.dialect()).tzinfo is UTC
    with pytest.raises(ValueError, match="has no zone"):
        kind.process_bind_param(datetime(2026, 7, 1), store._engine.dialect)


def test_a_file_keeps_what_was_stored_and_is_in_write_ahead_mode(address, tmp_path):
    with open_store() as store:
        run_id = store.submit(spec())[0].id
        with store._engine.begin() as connection:
            settings = [
                connection.execute(sa.text(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "foreign_keys", "busy_timeout")
            ]
        assert settings == ["wal", 1, 30000]
        assert store.shared
        assert store.url == address
    with open_store(address) as again:
        assert again.run(run_id).spec == spec()


def test_the_address_of_the_database(tmp_path, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path))
    monkeypatch.delenv("FAIRPRUNE_DATABASE_URL", raising=False)
    assert database_url().database == str(tmp_path.resolve() / "fairprune.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAIRPRUNE_DATABASE_URL", "sqlite:///here.db")
    assert database_url().database == str(tmp_path / "here.db")
    assert (
        shown(database_url("postgresql+psycopg://me:secret@host/name"))
        == "postgresql+psycopg://me:***@host/name"
    )
    with pytest.raises(StoreError, match="'nonsense' cannot be read: write sqlite:////folder/file.db"):
        database_url("nonsense")


def test_a_driver_that_is_not_there_is_named():
    with pytest.raises(StoreError, match="needs the Python package 'pymysql'") as caught:
        open_store("mysql+pymysql://me:secret@host/name")
    assert "secret" not in str(caught.value)


def test_a_locked_database_is_a_sentence_not_a_traceback(address):
    with open_store(f"{address}?timeout=0.1") as store:
        other = sqlite3.connect(address.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="is locked by another program.*close what holds it"):
            store.submit(spec())
        assert store.runs() == []  # readers do not wait for the writer
        other.execute("ROLLBACK")
        other.close()
        assert store.submit(spec())[1]


def test_a_damaged_database_is_a_sentence(address, tmp_path):
    (tmp_path / "fairprune.db").write_bytes(b"no database at all " * 300)
    with pytest.raises(StoreError, match=r"fairprune\.db is damaged: move the file away"):
        open_store()


def test_a_folder_that_is_not_there_is_a_sentence(address, tmp_path):
    with pytest.raises(StoreError, match="cannot be reached: check FAIRPRUNE_DATABASE_URL.*unable to open"):
        open_store(f"sqlite:///{tmp_path}/none/fairprune.db")


def test_a_database_of_a_newer_fairprune_is_left_alone(address):
    with open_store() as store, store._writer.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer fairprune \(revision 9999"):
        open_store()


def test_text_that_every_database_takes():
    assert plain("a\x00b\ud800") == "a\ufffdb?"


# Many at once


def test_threads_lose_no_run_and_claim_none_twice(address):
    with open_store() as store:
        start = threading.Barrier(8)

        def work(thread: int) -> list[str]:
            start.wait()
            # Every spec is submitted by two threads: 8 threads × 4 = 32 calls for 16 runs.
            new = sum(store.submit(spec(4 * (thread // 2) + number))[1] for number in range(4))
            claimed = []
            while (run := store.claim("cpu", thread)) is not None:
                store.log(run.id, "claimed")
                store.finish(run.id, "done")
                claimed.append(run.id)
            return [new, claimed]

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(work, range(8)))
        # A thread may find the queue empty before another has submitted: what is left is claimed here.
        rest = []
        while (run := store.claim("cpu", 99)) is not None:
            rest.append(run.id)
        claimed = [run_id for _, ids in answers for run_id in ids] + rest
        assert sum(new for new, _ in answers) == 16
        assert sorted(claimed) == sorted(spec(seed).id for seed in range(16))


def test_threads_share_a_database_in_memory(store):
    run_id = store.submit(spec())[0].id
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.log(run_id, f"line {number}"), range(40)))
    assert [line.number for line in store.logs(run_id)] == list(range(1, 41))


def test_processes_that_open_a_new_database_at_once_all_succeed(address):
    code = "from fairprune.store import open_store; print(open_store().runs())"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["[]\n"] * 4


def test_the_store_imports_neither_torch_nor_streamlit():
    code = "import sys, fairprune.jobs; print([name for name in ('torch', 'streamlit', 'alembic') if name in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )
