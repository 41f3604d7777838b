import logging

import pytest
import sqlalchemy as sa

from fairprune.errors import BadInput, NoSuchRun, StoreError
from fairprune.spec import build
from fairprune.store import ORDERS, Chosen, open_store


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


def spec(sparsity=0.5, method="magnitude", model="tiny-a", corpus="movies", seed=0):
    return build(
        model={"name": model},
        pruning={"method": method, "sparsity": sparsity},
        calibration={"corpus": corpus},
        evaluation={"corpus": corpus, "seed": seed},
    )


def ids(store, order="newest", **conditions):
    found = store.find_runs(Chosen(**conditions), order=order)
    assert found.total == len(found.runs) == len(store.run_ids(Chosen(**conditions)))
    return [run.id for run in found.runs]


def end(store, state, error=None):
    """Ends the run that waits longest."""
    return store.finish(store.claim("cpu", 1).id, state, error)


@pytest.fixture
def three(store):
    """Oldest first: done wanda 30 %, failed magnitude 50 % of another model, waiting magnitude 40 % on politics."""
    first = store.submit(spec(0.3, "wanda"))[0]
    second = store.submit(spec(0.5, "magnitude", "owner/other"))[0]
    third = store.submit(spec(0.4, corpus="politics"))[0]
    end(store, "done"), end(store, "failed", "e")
    return first.id, second.id, third.id


def test_runs_that_do_more_than_prune(store, three):
    parts = spec().model_dump(mode="json")
    added = ({"edit": {}}, {"recovery": {"kind": "denp"}}, {"calibration": {"name": "denp"}})
    wanted = [store.submit(build(**{**parts, **part}))[0].id for part in added]
    assert ids(store, order="oldest", added=True) == wanted
    assert ids(store, added=True, model="owner/other") == []
    assert len(ids(store)) == 6


def test_conditions_are_met_all_together(store, three):
    first, second, third = three
    assert ids(store) == [third, second, first]
    assert ids(store, states=("done", "failed")) == [second, first]
    assert ids(store, method="magnitude") == [third, second]
    assert ids(store, method="magnitude", states=("done",)) == []
    assert ids(store, model="owner/other") == [second]
    assert ids(store, corpus="politics") == [third]
    assert ids(store, origin="imported") == [] and ids(store, origin="here", device="cpu") == [
        third,
        second,
        first,
    ]
    sweep = store.put_sweep("two", {}, [first, third])
    assert ids(store, sweep=sweep.id) == [third, first]
    assert ids(store, sweep="nosuch") == []


def test_text_is_looked_for_in_name_title_notes_and_id(store, three):
    first, _second, third = three
    store.describe(first, name="For the Talk", notes="slide 100% ready")
    assert ids(store, text="TALK") == [first]
    assert ids(store, text="talk wanda") == [first]  # a word in the name, a word in the title
    assert ids(store, text="talk magnitude") == []
    assert ids(store, text="100%") == [first]
    assert ids(store, text="%") == ids(
        store, text="0%"
    )  # a sign, not "anything": all titles and the notes have it
    assert ids(store, text="_") == []
    assert ids(store, text=third[:8]) == [third]


def test_a_run_has_all_tags_that_are_asked_for(store, three):
    first, second, _ = three
    store.add_tags([first, second], ["paper", " x "])
    store.describe(second, tags=["paper"])
    assert ids(store, tags=("paper",)) == [second, first]
    assert ids(store, tags=("paper", "x")) == [first]
    store.add_tags([first], ["paper"])  # a tag that it has already
    assert store.run(first).tags == ("paper", "x")
    with pytest.raises(BadInput, match="too many"):
        store.add_tags([second, first], [str(n) for n in range(19)])  # 1 + 19 fit, 2 + 19 do not
    assert store.run(second).tags == ("paper",)  # all or none
    with pytest.raises(NoSuchRun):
        store.add_tags(["ffffffffffffffff"], ["a"])


def test_orders(store, three):
    first, second, third = three
    assert ids(store, order="oldest") == [first, second, third]
    assert ids(store, order="sparsity") == [first, third, second]  # 30, 40, 50 %
    store.describe(second, name="a name")
    assert ids(store, order="name")[0] == second  # before "tiny-a …"
    for run_id, value in ((first, 0.125), (third, 0.25)):
        store.put_result(run_id, "headline", {"metrics": {"uer": {"pruned": {"value": value}}}})
    assert ids(store, order="uer") == [third, first, second]  # without results last
    assert ids(store, order="bur") == [third, second, first]  # none has a value: newest first
    assert all(len(ids(store, order=order)) == 3 for order in ORDERS)
    for wrong in (
        {"order": "best"},
        {"chosen": Chosen(states=("ended",))},
        {"chosen": Chosen(origin="moon")},
    ):
        with pytest.raises(BadInput, match="unknown"):
            store.find_runs(**wrong)


def test_pages_are_cut_in_the_database(store):
    made = [store.submit(spec(seed=seed))[0].id for seed in range(7)][::-1]
    found = store.find_runs(offset=2, limit=3)
    assert ([run.id for run in found.runs], found.total) == (made[2:5], 7)
    assert store.find_runs(offset=6, limit=3).runs[0].id == made[6]
    assert store.find_runs(offset=9, limit=3).runs == ()
    assert store.run_ids() == made
    assert [run.id for run in store.runs_of([made[3], "gone", made[1], made[3]])] == [made[3], made[1]]
    assert store.states([made[0], "gone"]) == {made[0]: "queued"}


def test_a_list_costs_three_queries_however_long_it_is(store):
    for seed in range(30):
        store.describe(store.submit(spec(seed=seed))[0].id, tags=["t"])
    asked = []
    sa.event.listen(store._engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert len(store.find_runs(Chosen(tags=("t",)), limit=30).runs) == 30
    assert len([line for line in asked if line.startswith("SELECT")]) == 3


def test_facets_count_what_is_there(store, three):
    found = store.facets()
    assert found.states == {"queued": 1, "done": 1, "failed": 1}
    assert list(found.states) == ["queued", "done", "failed"]
    assert found.models == {"owner/other": 1, "tiny-a": 2}
    assert found.methods == {"magnitude": 2, "wanda": 1}
    assert found.corpora == {"movies": 2, "politics": 1} and found.origins == {"here": 3}


def test_a_damaged_spec_hides_no_other_run(store, three, caplog):
    with store._writer.begin() as connection:
        connection.execute(sa.text("UPDATE runs SET spec = '{' WHERE id = :id"), {"id": three[0]})
    with caplog.at_level(logging.WARNING):
        found = store.find_runs(order="sparsity")
    assert [run.id for run in found.runs] == [three[2], three[1]] and three[0] in caplog.text
    assert store.find_runs(Chosen(method="magnitude")).total == 2
    assert store.facets().methods == {"magnitude": 2}


def test_several_are_deleted_or_none(store, three):
    store.put_result(three[0], "sparsity", {"achieved": 0.5})
    running = store.submit(spec(seed=9))[0].id
    end(store, "done")  # the third, which waited before it
    store.claim("cpu", 1)
    with pytest.raises(StoreError, match=f"run {running} is running: cancel it first"):
        store.delete_runs([*three, running])
    assert len(store.run_ids()) == 4
    assert store.delete_runs([three[0], three[1], three[0], "0" * 16]) == 2
    assert set(store.run_ids()) == {three[2], running}
    assert store.result(three[0], "sparsity") is None
    assert store.delete_runs([]) == 0
