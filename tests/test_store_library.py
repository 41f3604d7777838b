import pytest
import sqlalchemy as sa

from fairprune.errors import BadInput, NoSuchRun, StoreError
from fairprune.store import MIGRATIONS, open_store
from fairprune.store.library import checked_tags
from fairprune.store.tables import REVISION
from tests.store_values import spec


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


def test_a_run_begins_without_a_name_and_gets_one(store):
    run = store.submit(spec())[0]
    assert (run.name, run.notes, run.tags, run.origin, run.label) == (None, "", (), "here", run.title)
    store.describe(
        run.id, name="  The one\n for the talk ", notes="line 1\nline 2", tags=["b", " a ", "b", ""]
    )
    run = store.run(run.id)
    assert (run.name, run.label) == ("The one for the talk", "The one for the talk")
    assert (run.notes, run.tags) == ("line 1\nline 2", ("a", "b"))
    store.describe(run.id[:6], name="")  # the rest stays
    assert store.run(run.id).label == run.title
    assert store.runs()[0].tags == ("a", "b")
    assert store.tag_counts() == {"a": 1, "b": 1}
    store.describe(run.id, tags=[])
    assert store.runs()[0].tags == ()


def test_tags_of_many_runs_are_read_together(store):
    ids = [store.submit(spec(seed))[0].id for seed in range(3)]
    store.describe(ids[0], tags=["x"])
    store.describe(ids[2], tags=["x", "y"])
    assert {run.id: run.tags for run in store.runs()} == {ids[0]: ("x",), ids[1]: (), ids[2]: ("x", "y")}
    assert store.tag_counts() == {"x": 2, "y": 1}
    store.delete(ids[2])
    assert store.tag_counts() == {"x": 1}


def test_what_is_too_long_is_refused_and_changes_nothing(store):
    run = store.submit(spec())[0]
    for wrong in (
        {"name": "n" * 121},
        {"notes": "n" * 10_001},
        {"tags": ["t" * 33]},
        {"tags": ["a,b"]},
        {"tags": [str(n) for n in range(21)]},
    ):
        with pytest.raises(BadInput):
            store.describe(run.id, **{"notes": "kept", **wrong})
    assert store.run(run.id).notes == ""
    assert checked_tags([str(n) for n in range(20)]) == sorted(str(n) for n in range(20))
    with pytest.raises(NoSuchRun):
        store.describe("ffffffffffffffff", name="x")


def test_a_sweep_keeps_its_runs(store):
    ids = [store.submit(spec(seed))[0].id for seed in range(3)]
    sweep = store.put_sweep("two seeds", {"seed": [0, 1]}, ids[:2])
    assert (sweep.title, sweep.axes, set(sweep.run_ids)) == ("two seeds", {"seed": [0, 1]}, set(ids[:2]))
    # The same runs in another order are the same sweep, and a run may be part of two.
    assert store.put_sweep("again", {}, ids[1::-1]).id == sweep.id
    other = store.put_sweep("all", {"seed": [0, 1, 2]}, ids)
    assert [one.id for one in store.sweeps()] == [other.id, sweep.id]
    store.delete(ids[0])
    assert store.sweep(sweep.id).run_ids == (ids[1],)
    with pytest.raises(StoreError, match="at least one run"):
        store.put_sweep("none", {}, [])
    with pytest.raises(NoSuchRun):
        store.put_sweep("unknown", {}, ["ffffffffffffffff"])
    with pytest.raises(StoreError, match="no sweep 'x'"):
        store.sweep("x")


def test_a_run_of_others_is_not_started_again(store):
    run_id = store.submit(spec())[0].id
    store.claim("cpu", 1)
    store.finish(run_id, "failed", "e")
    with store._writer.begin() as connection:
        connection.execute(sa.text("UPDATE runs SET origin = 'imported'"))
    run, queued = store.submit(spec())
    assert (run.state, queued, run.origin) == ("failed", False, "imported")


def test_a_store_of_the_first_version_keeps_everything(tmp_path, monkeypatch, new_database):
    from alembic import command
    from alembic.config import Config

    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path))
    with open_store(new_database) as old:
        run = old.submit(spec())[0]
        old.put_result(run.id, "sparsity", {"achieved": 0.5})
        old.log(run.id, "a line")
        configuration = Config()
        configuration.set_main_option("script_location", str(MIGRATIONS))
        with old._writer.begin() as connection:
            configuration.attributes["connection"] = connection
            command.downgrade(configuration, "0001")
    with open_store(new_database) as new:
        assert new.run(run.id) == run
        assert new.result(run.id, "sparsity") == {"achieved": 0.5}
        assert [line.text for line in new.logs(run.id)] == ["a line"]
        with new._engine.begin() as connection:
            assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() == REVISION
