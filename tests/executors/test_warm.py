"""The explorer of a device as real processes: started by a question, gone when idle, out of the way of runs."""

import os
import signal
import time

import psutil
import pytest

from fairprune import jobs
from fairprune.errors import BadInput
from fairprune.executors.launch import LocalExecutor, explorer_idle_seconds
from fairprune.executors.warm import Warm
from tests.executors.place import gone
from tests.explored import explored, question

# An explorer that notes itself and answers every question with its number of letters; or a run that waits.
SCRIPTED = """
from fairprune.store import open_store
if run_id.startswith("explore-"):
    note("explorer", os.getpid(), os.getppid())
    with open_store() as store:
        while True:
            question = store.take_exploration(run_id.removeprefix("explore-"))
            if question is None:
                time.sleep(0.02)
                continue
            kind = question.request["kind"]
            if kind == "hang":
                time.sleep(60)
            if kind == "crash":
                raise ValueError("no such block")
            store.answer(question.number, "masks", {"kind": kind})
            store.end_exploration(question.number)
else:
    note("run", run_id, time.monotonic())
    time.sleep(1.0)
"""


def ask(place, kind="easy", asker="me"):
    return place.store.ask(asker, "cpu", {"kind": kind})


def ended(place, number, seconds=15.0):
    return place.until(lambda: row if (row := place.store.exploration(number)).ended else None, seconds)


def explorers(place):
    return [int(words[1]) for words in place.notes() if words[0] == "explorer"]


@pytest.fixture
def executor(place):
    return LocalExecutor(place.child(SCRIPTED))


def test_a_question_starts_one_explorer_that_stays(place, executor):
    first = ask(place)
    executor.wake("cpu", place.store)
    assert ended(place, first).masks == {"kind": "easy"}
    answers = [ended(place, ask(place, asker=name)) for name in ("me", "you")]
    assert [row.state for row in answers] == ["done", "done"]
    [pid] = explorers(place)
    assert not gone(pid)


def test_the_explorer_dies_with_its_worker_and_the_next_question_starts_another(place, executor):
    number = ask(place, "hang")
    executor.wake("cpu", place.store)
    place.until(lambda: place.store.exploration(number).state == "working")
    [[_, pid, worker]] = place.notes()
    os.kill(int(worker), signal.SIGKILL)
    place.until(lambda: gone(pid) and gone(worker), 5)
    assert place.store.exploration(number).state == "working"
    executor.settle("cpu", place.store)
    found = place.store.exploration(number)
    assert found.state == "failed" and "The worker process ended, and its explorer with it" in found.error
    again = ask(place)
    executor.settle("cpu", place.store)  # sees that somebody waits, and wakes a worker
    assert ended(place, again).state == "done"
    assert len(explorers(place)) == 2


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("hang", "The explorer's process was ended (signal 9): by somebody, or because memory ran out."),
        ("crash", "The explorer ended with exit code 1: ValueError: no such block"),
    ],
)
def test_a_killed_or_broken_explorer_is_told_and_replaced(place, executor, kind, sentence):
    number = ask(place, kind)
    executor.wake("cpu", place.store)
    if kind == "hang":
        place.until(lambda: place.store.exploration(number).state == "working")
        os.kill(explorers(place)[0], signal.SIGKILL)
    found = ended(place, number)
    assert found.state == "failed"
    assert found.error == f"{sentence} Ask again: a new explorer starts."
    assert ended(place, ask(place)).state == "done"
    assert len(set(explorers(place))) == 2
    assert len(place.workers()) == 1


def test_a_run_has_the_device_to_itself(place, executor):
    easy = ask(place)
    executor.wake("cpu", place.store)
    ended(place, easy)
    stuck = ask(place, "hang")
    place.until(lambda: place.store.exploration(stuck).state == "working")
    [pid] = explorers(place)
    asked = time.monotonic()
    run = place.store.submit(place.spec())[0]
    begun = place.until(lambda: [words for words in place.notes() if words[0] == "run"])
    assert gone(pid)  # before the run's child began
    assert float(begun[0][2]) - asked < 5
    sentence = f"A run is using the device cpu: {run.title}. Ask again when it has ended."
    assert place.store.exploration(stuck).error == sentence
    assert ended(place, ask(place), 3).error == sentence
    assert place.ended(run.id).state == "done"
    assert ended(place, ask(place)).state == "done"
    assert len(explorers(place)) == 2


def test_a_question_while_a_run_is_closing_waits_for_its_answer(place):
    """The run has ended for everybody who looks; its process, which takes a while to end, holds the device."""
    finished = "    with open_store() as store:\n        store.finish(run_id, 'done')\n    time.sleep(1.5)\n"
    executor = LocalExecutor(place.child(SCRIPTED.replace("    time.sleep(1.0)\n", finished)))
    run = place.store.submit(place.spec())[0]
    executor.wake("cpu", place.store)
    assert place.ended(run.id).state == "done"
    number = ask(place)
    assert ended(place, number).state == "done", place.store.exploration(number).error


def test_a_stopped_worker_takes_its_explorer_along(place, executor):
    number = ask(place, "hang")
    executor.wake("cpu", place.store)
    place.until(lambda: place.store.exploration(number).state == "working")
    [[_, pid, worker]] = place.notes()
    os.kill(int(worker), signal.SIGTERM)
    place.until(lambda: gone(pid) and gone(worker), 5)
    assert "The worker process ended" in place.store.exploration(number).error
    assert place.worker_log() == ""


def test_an_explorer_that_cannot_start_is_a_sentence(place):
    number = ask(place)
    Warm("cpu", place.store).tend(lambda run_id: _missing())
    assert "The explorer cannot be started: no such program" in place.store.exploration(number).error


def _missing():
    raise OSError("no such program")


def test_the_idle_time_is_read_and_checked(monkeypatch):
    monkeypatch.delenv("FAIRPRUNE_EXPLORER_IDLE", raising=False)
    assert explorer_idle_seconds() == 120
    monkeypatch.setenv("FAIRPRUNE_EXPLORER_IDLE", "x")
    with pytest.raises(BadInput, match="FAIRPRUNE_EXPLORER_IDLE='x' is not a number of seconds"):
        explorer_idle_seconds()


def test_the_real_explorer_answers_two_sessions_and_ends_when_idle(place, tiny_folder, monkeypatch):
    """Torch, model and statistics in a process of the worker; it goes by itself, and the worker after it."""
    monkeypatch.setenv("FAIRPRUNE_EXPLORER_IDLE", "2")
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "1")
    ground = explored(place.store, tiny_folder)
    numbers = [
        jobs.explore(question(ground, method, 0.6), asker, place.store)
        for asker, method in (("one", "wanda"), ("two", "hgla"))
    ]
    rows = [ended(place, number, 60) for number in numbers]
    assert [(row.state, row.error) for row in rows] == [("done", None)] * 2
    for row in rows:
        assert len(row.masks["report"]["matrices"]) == 14
        assert row.perplexity["ratio"] > 0
        assert 0 < row.masks["seconds"] <= row.perplexity["seconds"]
    # What the run did that was never queued: nothing is in the list but the run of the statistics.
    assert [run.id for run in place.store.runs()] == [ground.run.id]
    # Dragged: of five questions the last one is answered, and no other.
    dragged = [
        jobs.explore(question(ground, "wanda", share), "one", place.store) for share in (0.1, 0.2, 0.3, 0.4)
    ]
    assert ended(place, dragged[-1], 20).masks["report"]["asked"] == 0.4
    assert all(place.store.exploration(number).state in ("superseded", "done") for number in dragged[:-1])
    place.until(lambda: not place.processes(), 20)
    assert place.worker_log() == ""
    assert not list((place.folder / "logs").glob("run-*"))
    # One that is ending has no environment any more by which `processes` knows it, and is not yet gone.
    place.until(
        lambda: not [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE], 10
    )


def test_what_the_statistics_do_not_answer_is_refused_before_it_is_asked(place, tiny_folder):
    spec = question(explored(place.store, tiny_folder), "gradient")
    with pytest.raises(BadInput, match="Gradient reads gradients of all tokens"):
        jobs.explore(spec, "me", place.store)
    assert not place.processes()
