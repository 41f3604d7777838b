import os
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
from fairprune.store import MIGRATIONS, open_store
from fairprune.store.database import database_url, plain, shown
from fairprune.store.runs import _RUNS
from fairprune.store.tables import REVISION, UtcDateTime, metadata
from tests.store_values import spec


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


@pytest.fixture
def address(tmp_path, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path))
    monkeypatch.delenv("FAIRPRUNE_DATABASE_URL", raising=False)
    return f"sqlite:///{tmp_path / 'fairprune.db'}"


def test_the_migrations_give_the_tables(store):
    with store._engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_newest_migration_is_the_one_that_the_store_expects():
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(configuration).get_current_head() == REVISION


def test_a_migration_that_is_forgotten_would_be_seen(new_database):
    with open_store(new_database) as store:
        _forgotten(store)


def _forgotten(store):
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
    for given in (
        "postgres://me:secret@host/name",
        "postgresql://me:secret@host/name",
    ):  # as hosts write them
        assert database_url(given).drivername == "postgresql+psycopg"
    with pytest.raises(StoreError, match=r"'nonsense' cannot be read: write sqlite:////folder/file\.db"):
        database_url("nonsense")


def test_a_driver_that_is_not_there_is_named():
    with pytest.raises(StoreError, match="needs the Python package 'pymysql'") as caught:
        open_store("mysql+pymysql://me:secret@host/name")
    assert "secret" not in str(caught.value)


def test_a_locked_database_is_a_sentence_not_a_traceback(address):
    with open_store(f"{address}?timeout=0.1") as store:
        other = sqlite3.connect(address.removeprefix("sqlite:///"), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"is locked by another program.*close what holds it"):
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
    with pytest.raises(StoreError, match=r"cannot be reached: check FAIRPRUNE_DATABASE_URL.*unable to open"):
        open_store(f"sqlite:///{tmp_path}/none/fairprune.db")


def test_a_database_of_a_newer_fairprune_is_left_alone(address):
    with open_store() as store, store._writer.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match=r"newer fairprune \(revision 9999"):
        open_store()


def test_text_that_every_database_takes():
    assert plain("a\x00b\ud800") == "a\ufffdb?"


def test_threads_lose_no_run_and_claim_none_twice(shared_database):
    with open_store(shared_database) as store:
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


def test_who_waits_to_write_holds_no_connection(address):
    """Or a crowd of writers would leave none to those who only read."""
    with open_store(address) as store:
        inside, go = threading.Event(), threading.Event()

        def slow(_connection):
            inside.set()
            assert go.wait(30)

        with ThreadPoolExecutor(41) as pool:
            first = pool.submit(store._change, slow)
            assert inside.wait(30)
            waiting = [pool.submit(store._change, lambda _connection: None) for _ in range(40)]
            assert store._engine.pool.checkedout() == 1
            assert store._read(lambda connection: connection.scalar(sa.text("SELECT 1"))) == 1
            assert not any(one.done() for one in waiting)
            go.set()
            assert [one.result(30) for one in [first, *waiting]] == [None] * 41


def test_threads_share_a_database_in_memory(store):
    run_id = store.submit(spec())[0].id
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.log(run_id, f"line {number}"), range(40)))
    assert [line.number for line in store.logs(run_id)] == list(range(1, 41))


def test_processes_that_open_a_new_database_at_once_all_succeed(new_database, tmp_path):
    code = "from fairprune.store import open_store; print(open_store().runs())"
    # Of several homes: the lock file of one is not seen by the others, and SQLite's waits by itself.
    homes = [tmp_path / ("home" if new_database.startswith("sqlite") else f"home{n}") for n in range(4)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "FAIRPRUNE_HOME": str(home), "FAIRPRUNE_DATABASE_URL": new_database},
        )
        for home in homes
    ]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["[]\n"] * 4


def test_the_store_imports_neither_torch_nor_streamlit():
    code = "import sys, fairprune.jobs; print(sorted({'torch', 'streamlit', 'alembic'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_what_postgresql_refuses_is_a_sentence_without_the_password(postgres_server):
    address = postgres_server.address("postgres")
    secret = postgres_server.password
    wrong = {
        address.replace(secret, "wrong"): r"refuses the user or the password: correct them",
        postgres_server.address("none"): r"is not there: create it \(createdb",
        address.replace(str(postgres_server.port), "1"): r"cannot be reached: check FAIRPRUNE_DATABASE_URL",
    }
    for given, sentence in wrong.items():
        with pytest.raises(StoreError, match=sentence) as caught:
            open_store(given)
        assert secret not in str(caught.value) and "wrong" not in str(caught.value)


def test_a_row_that_is_held_too_long_is_a_sentence(postgres_server):
    address = postgres_server.empty_database()
    with open_store(address) as store, open_store(f"{address}?options=-c%20lock_timeout%3D200ms") as hurried:
        run_id = store.submit(spec())[0].id
        with store._writer.begin() as connection:
            connection.execute(sa.text("SELECT id FROM runs FOR UPDATE"))
            with pytest.raises(StoreError, match=r"is locked by another program"):
                hurried.request_cancel(run_id)
            assert [run.id for run in hurried.runs()] == [run_id]  # readers do not wait
        assert hurried.request_cancel(run_id).state == "cancelled"


def test_a_server_that_was_restarted_is_used_again_without_an_error():
    from tests import postgres

    if postgres.programs() is None and not os.environ.get(postgres.REQUIRED):
        pytest.skip("PostgreSQL is not installed here")
    with postgres.server(durable=True) as own, open_store(own.empty_database()) as store:
        run_id = store.submit(spec())[0].id
        own.stop("immediate")  # as a crash does it: what was confirmed is in its log all the same
        with pytest.raises(StoreError, match="cannot be reached"):
            store.run(run_id)
        own.start()
        assert store.run(run_id).id == run_id
        assert store.submit(spec(1))[1]


def test_two_changes_that_wait_for_each_other_are_both_made(postgres_server):
    """A deadlock: the server ends one of the two, and it is made once more."""
    address = postgres_server.empty_database()
    with open_store(address) as store:
        ids = [store.submit(spec(seed))[0].id for seed in range(2)]
        both = threading.Barrier(2, timeout=20)
        tries = []

        def swap(first, second, name):
            def work(connection):
                tries.append(name)
                for run_id in (first, second):
                    said = sa.text("UPDATE runs SET notes = notes || :name WHERE id = :id")
                    connection.execute(said, {"name": name, "id": run_id})
                    if run_id == first and len(tries) <= 2:
                        both.wait()

            store._change(work)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(swap, ids, ids[::-1], ("a", "b")))
        assert sorted(tries) in (["a", "a", "b"], ["a", "b", "b"])
        assert [sorted(store.run(run_id).notes) for run_id in ids] == [["a", "b"]] * 2


def test_a_damaged_document_of_postgresql_is_null_and_no_error(postgres_server):
    with open_store(postgres_server.empty_database()) as store, store._engine.begin() as connection:
        values = ("{", "", '{"a": "\\u0000"}', "1", "null")
        found = [
            connection.execute(sa.text("SELECT fairprune_json(:v)::text"), {"v": value}).scalar()
            for value in values
        ]
    assert found == [None, None, None, "1", "null"]
