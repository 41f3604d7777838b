"""What goes from one database to another."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from fairprune.errors import StoreError
from fairprune.store import Foreign, ForeignRun, LogLine, SummaryRow, open_store
from tests.store_values import film_set, spec


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


@pytest.fixture
def other():
    with open_store("sqlite://") as opened:
        yield opened


def finished(store, seed=0):
    run, _ = store.submit(spec(seed))
    store.claim("cpu", 1)
    store.log(run.id, "a line")
    store.put_result(run.id, "sparsity", {"asked": 0.5})
    return store.finish(run.id, "done")


def foreign(store, *runs, **more):
    texts = store.documents_of(run.id for run in runs)
    found = [
        ForeignRun(run, store.spec_text(run.id), tuple(store.logs(run.id)), texts[run.id]) for run in runs
    ]
    return Foreign(found, more.get("sets", {}), more.get("generations", {}), more.get("sweeps", ()))


def test_a_run_is_taken_over_with_all_that_belongs_to_it(store, other):
    run = finished(store)
    store.describe(run.id, name="mine", notes="of it", tags=["b", "a"])
    run = store.run(run.id)
    one = film_set()
    row = SummaryRow(one.id, 0, "A \x00 film.", 4, 0.5, False)
    value = foreign(store, run, sets={"movies": [one]}, generations={"imported:1": ({"dtype": "x"}, [row])})
    assert other.take_over(value, "imported") == [run.id]
    there = other.run(run.id)
    assert (there.origin, there.name, there.notes, there.tags) == ("imported", "mine", "of it", ("a", "b"))
    assert (there.created, there.started, there.finished) == (run.created, run.started, run.finished)
    assert other.spec_text(run.id) == store.spec_text(run.id) == run.spec.canonical()
    assert other.logs(run.id) == store.logs(run.id)
    assert other.documents_of([run.id]) == {run.id: {"sparsity": '{"asked":0.5}'}}
    assert other.sets([one.id]) == {one.id: one} and other.corpora_of([one.id, "none"]) == {one.id: "movies"}
    assert other.summaries("imported:1") == [row] and other.generation("imported:1") == {"dtype": "x"}


def test_what_is_stored_already_stays(store, other):
    run = finished(store)
    own = other.submit(run.spec)[0]
    one = film_set()
    other.put_sets([one], "movies")
    rows = [SummaryRow(one.id, 0, text, 1, 0.5, False) for text in ("mine", "theirs")]
    other.put_summaries("g", rows[:1])
    value = foreign(store, run, sets={"elsewhere": [one]}, generations={"g": ({}, rows[1:])})
    assert other.take_over(value, "example") == []
    assert other.run(run.id) == own
    assert other.corpora_of([one.id]) == {one.id: "movies"} and other.summaries("g") == rows[:1]


def test_all_or_nothing(store, other):
    runs = [finished(store, seed) for seed in range(2)]
    value = foreign(store, *runs, generations={"g": ({}, [SummaryRow("not stored", 0, "x", 1, 0.5, False)])})
    with pytest.raises(StoreError):
        other.take_over(value, "imported")
    twice = foreign(store, runs[0])
    line = LogLine(1, runs[0].created, "same number")
    bad = ForeignRun(runs[0], twice.runs[0].spec, (line, line), {})
    with pytest.raises(StoreError):
        other.take_over(Foreign([foreign(store, runs[1]).runs[0], bad], {}, {}), "imported")
    assert other.runs() == []


def test_settings_are_remembered_and_replaced(store):
    assert store.setting("examples") is None
    store.put_setting("examples", {"version": "a", "hidden": False})
    store.put_setting("examples", {"version": "b", "hidden": True})
    assert store.setting("examples") == {"version": "b", "hidden": True}
    with store._engine.begin() as connection:
        assert sa.inspect(connection).has_table("settings")


def test_nothing_is_known_of_a_run_that_is_not_there(store):
    assert store.spec_text("0" * 16) == "" and store.documents_of(["0" * 16]) == {"0" * 16: {}}
