from datetime import timedelta

import pytest
import sqlalchemy as sa

from fairprune.errors import StoreError
from fairprune.store import MIGRATIONS, open_store
from fairprune.store.database import now
from fairprune.store.explorations import KEPT, PATIENCE
from fairprune.store.tables import explorations
from tests.store_values import spec


@pytest.fixture
def store(database):
    with open_store(database) as opened:
        yield opened


def made_earlier(store, number, by):
    """As if the question had been asked this much earlier."""
    with store._writer.begin() as connection:
        connection.execute(
            sa.update(explorations).where(explorations.c.id == number).values(created=now() - by)
        )


def test_a_question_is_taken_answered_in_parts_and_ended(store):
    number = store.ask("me", "cpu", {"setting": 1})
    found = store.exploration(number)
    assert (found.state, found.request, found.message, found.ended) == ("waiting", {"setting": 1}, "", False)
    assert store.exploration_waits("cpu") and not store.exploration_waits("cuda")
    assert store.take_exploration("cuda") is None
    taken = store.take_exploration("cpu")
    assert (taken.number, taken.state) == (number, "working")
    assert store.take_exploration("cpu") is None and not store.exploration_waits("cpu")
    assert store.tell(number, "masks\x00") and store.exploration(number).message == "masks\ufffd"
    assert store.answer(number, "masks", {"a": 1.5})
    assert store.exploration(number).masks == {"a": 1.5} and store.exploration(number).perplexity is None
    assert store.answer(number, "perplexity", {"ratio": None})
    assert store.end_exploration(number)
    found = store.exploration(number)
    assert (found.state, found.ended, found.error) == ("done", True, None)
    assert found.created <= found.finished
    assert not store.end_exploration(number, "too late")
    assert store.exploration(number).error is None


def test_the_newest_question_of_an_asker_counts(store):
    mine = [store.ask("me", "cpu", {"n": n}) for n in range(2)]
    other = store.ask("you", "cpu", {})
    assert [store.exploration(number).state for number in (*mine, other)] == [
        "superseded",
        "waiting",
        "waiting",
    ]
    assert store.take_exploration("cpu").number == mine[1]
    newest = store.ask("me", "cpu", {"n": 2})
    # The one at work is told with its next word that nobody waits for it, and leaves nothing behind.
    assert not store.exploration_is_wanted(mine[1])
    assert not store.tell(mine[1], "x") and not store.answer(mine[1], "masks", {"a": 1})
    assert store.exploration(mine[1]).masks is None
    assert [store.take_exploration("cpu").number for _ in range(2)] == [other, newest]
    assert newest > other > mine[1] > mine[0]


def test_all_questions_of_a_device_are_refused_together(store):
    first, second = store.ask("a", "cpu", {}), store.ask("b", "cpu", {})
    elsewhere = store.ask("c", "cuda", {})
    store.take_exploration("cpu")
    assert store.refuse_explorations("cpu", "the explorer is gone", ("working",)) == 1
    assert store.refuse_explorations("cpu", "a run", ("working",)) == 0
    assert store.refuse_explorations("cpu", "a run") == 1
    errors = [store.exploration(number).error for number in (first, second, elsewhere)]
    assert errors == ["the explorer is gone", "a run", None]


def test_nobody_waits_longer_than_a_minute(store):
    number = store.ask("me", "cpu", {})
    made_earlier(store, number, PATIENCE + timedelta(seconds=1))
    assert not store.exploration_waits("cpu") and store.take_exploration("cpu") is None
    found = store.exploration(number)
    assert (
        found.state == "failed" and found.ended and "No explorer took the question within 60 s" in found.error
    )


def test_old_answers_are_deleted_and_their_numbers_not_used_again(store):
    numbers = [store.ask("me", "cpu", {"n": n}) for n in range(3)]
    for number in numbers:
        made_earlier(store, number, KEPT + timedelta(seconds=1))
    new = store.ask("you", "cpu", {})
    assert [store.exploration(number) for number in numbers] == [None, None, None]
    assert new > max(numbers)


def test_numbers_that_are_none_are_refused(store):
    number = store.ask("me", "cpu", {})
    store.take_exploration("cpu")
    with pytest.raises(StoreError, match=r"the masks of exploration 1\.ratio is nan"):
        store.answer(number, "masks", {"ratio": float("nan")})


def test_two_explorers_never_take_the_same_question(shared_database):
    from concurrent.futures import ThreadPoolExecutor

    with open_store(shared_database) as store:
        numbers = [store.ask(f"asker {n}", "cpu", {}) for n in range(12)]

        def take(_):
            found = []
            while (taken := store.take_exploration("cpu")) is not None:
                found.append(taken.number)
            return found

        with ThreadPoolExecutor(4) as pool:
            taken = [number for part in pool.map(take, range(4)) for number in part]
        assert sorted(taken) == numbers


def test_runs_of_an_older_store_learn_where_their_statistics_lie(tmp_path, monkeypatch, new_database):
    from alembic import command
    from alembic.config import Config

    monkeypatch.setenv("FAIRPRUNE_HOME", str(tmp_path))
    with open_store(new_database) as old:
        ids = [old.submit(spec(seed))[0].id for seed in range(2)]
        for run_id in ids:
            old.put_result(run_id, "statistics", {"reused": False})
        old.put_result(ids[0], "calibration", {"hash": "abc"})
        old.put_result(ids[0], "generation", {"systems": {"dense": {"dtype": "bfloat16"}}})
        configuration = Config()
        configuration.set_main_option("script_location", str(MIGRATIONS))
        with old._writer.begin() as connection:
            configuration.attributes["connection"] = connection
            command.downgrade(configuration, "0002")
    with open_store(new_database) as new:
        place = {"weights": "", "dtype": "bfloat16", "device": "cpu", "windows": "abc"}
        assert new.result(ids[0], "statistics") == {"reused": False, "place": place}
        assert new.result(ids[1], "statistics") == {"reused": False}  # it failed before it had summaries
