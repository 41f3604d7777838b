import os
import signal
import time
from itertools import pairwise

import pytest

from fairprune.errors import BadInput
from fairprune.executors.launch import LocalExecutor, device_lock
from fairprune.executors.local import Worker, idle_seconds, main
from tests.executors.place import gone

# Ignores SIGTERM, starts a grandchild that does too, and notes both pids.
STUBBORN = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
note(os.getpid(), grandchild.pid, os.getppid())
time.sleep(60)
"""


def test_a_run_is_executed_and_its_reports_are_stored(place):
    command = place.child("""
        from fairprune.store import open_store
        with open_store() as store:
            for block in range(3):
                store.progress(run_id, "prune", block + 1, 3, f"block {block + 1}")
            store.stage_seconds(run_id, "prune", 0.5)
            store.put_result(run_id, "sparsity", {"achieved": 0.5})
            store.log(run_id, "finished")
    """)
    run_id = place.store.submit(place.spec())[0].id
    LocalExecutor(command).wake("cpu", place.store)
    run = place.ended(run_id)
    assert (run.state, run.stage, run.done, run.total, run.message) == ("done", "prune", 3, 3, "block 3")
    assert (run.error, run.error_detail, run.seconds) == (None, None, {"prune": 0.5})
    assert run.created < run.started < run.finished
    assert place.store.result(run_id, "sparsity") == {"achieved": 0.5}
    assert [line.text for line in place.store.logs(run_id)] == ["finished"]
    worker = place.store.worker("cpu")
    assert worker.pid == run.worker_pid == place.workers()[0].pid
    assert not (place.folder / "logs" / f"run-{run_id}.log").exists()


def test_a_cancelled_run_is_gone_within_five_seconds_with_its_descendants(place):
    run_id = place.store.submit(place.spec())[0].id
    LocalExecutor(place.child(STUBBORN)).wake("cpu", place.store)
    [[child, grandchild, worker]] = place.until(place.notes)
    asked = time.monotonic()
    place.store.request_cancel(run_id)
    run = place.ended(run_id, 5)
    place.until(lambda: gone(child) and gone(grandchild), 5 - (time.monotonic() - asked))
    assert (run.state, run.error) == ("cancelled", None)
    # The worker goes on with the next run.
    assert not gone(worker)


def test_a_killed_worker_takes_its_child_along_and_the_run_can_be_repeated(place):
    run_id = place.store.submit(place.spec())[0].id
    LocalExecutor(place.child(STUBBORN)).wake("cpu", place.store)
    [[child, grandchild, worker]] = place.until(place.notes)
    os.kill(int(worker), signal.SIGKILL)
    place.until(lambda: gone(child) and gone(grandchild) and gone(worker), 5)
    assert place.store.run(run_id).state == "running"

    executor = LocalExecutor(place.child("note('again')"))
    assert executor.settle("cpu", place.store) == [run_id]
    assert place.store.run(run_id).state == "interrupted"
    assert place.store.worker("cpu") is None
    assert place.store.submit(place.spec())[1]
    executor.wake("cpu", place.store)
    run = place.ended(run_id)
    assert (run.state, run.attempt) == ("done", 2)
    assert place.notes()[-1] == ["again"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_worker_ends_its_run_as_interrupted(place, number):
    run_id = place.store.submit(place.spec())[0].id
    LocalExecutor(place.child(STUBBORN)).wake("cpu", place.store)
    [[child, grandchild, worker]] = place.until(place.notes)
    os.kill(int(worker), number)
    run = place.ended(run_id, 5)
    place.until(lambda: gone(child) and gone(grandchild) and gone(worker), 5)
    assert run.state == "interrupted"
    assert "Start the run again" in run.error
    assert place.store.worker("cpu") is None
    assert place.worker_log() == ""


def test_runs_of_a_device_never_overlap(place):
    command = place.child("note(time.monotonic()); time.sleep(0.3); note(time.monotonic())")
    ids = [place.store.submit(place.spec(seed))[0].id for seed in range(3)]
    LocalExecutor(command).wake("cpu", place.store)
    assert [place.ended(run_id).state for run_id in ids] == ["done"] * 3
    times = [float(word) for [word] in place.notes()]
    # Start and end alternate: the six times in the order of their writing are in the order of the clock.
    assert len(times) == 6
    assert times == sorted(times)
    runs = [place.store.run(run_id) for run_id in ids]
    assert all(before.finished <= after.started for before, after in pairwise(runs))


def test_an_idle_worker_ends_and_leaves_nothing(place, monkeypatch):
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "0.5")
    run_id = place.store.submit(place.spec())[0].id
    LocalExecutor(place.child("pass")).wake("cpu", place.store)
    assert place.ended(run_id).state == "done"
    place.until(lambda: not place.processes(), 5)
    assert place.store.worker("cpu") is None
    with device_lock("cpu").acquire(timeout=0):
        pass
    assert place.worker_log() == ""


def test_a_run_submitted_while_the_worker_ends_is_executed(place):
    class Late(Worker):
        """At the end of its first service, while it holds the lock, somebody submits and starts no other."""

        def _serve(self):
            super()._serve()
            if not place.store.runs():
                place.store.submit(place.spec())
                assert LocalExecutor().wake("cpu", place.store) is False

    Late("cpu", place.store, place.child("pass"), idle=0.1).work()
    assert [run.state for run in place.store.runs()] == ["done"]


@pytest.mark.parametrize(
    ("body", "error", "detail"),
    [
        ("raise ValueError('no such block')", "exit code 1: ValueError: no such block", "Traceback"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "probably out of memory", None),
        ("sys.exit(3)", "without saying how", None),
    ],
)
def test_a_failing_run_has_a_sentence_and_its_last_lines(place, body, error, detail):
    run_id = place.store.submit(place.spec())[0].id
    Worker("cpu", place.store, place.child(body), idle=0).work()
    run = place.store.run(run_id)
    assert run.state == "failed"
    assert error in run.error
    assert "\n" not in run.error
    assert run.error_detail is None if detail is None else detail in run.error_detail


def test_the_end_that_a_child_stored_stands(place):
    command = place.child("""
        from fairprune.store import open_store
        with open_store() as store:
            store.finish(run_id, "failed", "The model does not fit.", "details")
        sys.exit(3)
    """)
    run_id = place.store.submit(place.spec())[0].id
    Worker("cpu", place.store, command, idle=0.1).work()
    run = place.store.run(run_id)
    assert (run.state, run.error, run.error_detail) == ("failed", "The model does not fit.", "details")


def test_a_child_that_cannot_start_fails_its_run(place):
    run_id = place.store.submit(place.spec())[0].id
    Worker("cpu", place.store, ["/no/such/program"], idle=0.1).work()
    run = place.store.run(run_id)
    assert run.state == "failed"
    assert "cannot be started" in run.error
    assert "/no/such/program" in run.error


def test_a_second_worker_returns_at_once(place):
    with device_lock("cpu"):
        started = time.monotonic()
        Worker("cpu", place.store, idle=30).work()
        assert time.monotonic() - started < 3
        assert main(["cpu"]) == 0


def test_the_heartbeat_goes_on_while_a_run_is_at_work(place):
    place.store.submit(place.spec())
    LocalExecutor(place.child("time.sleep(60)")).wake("cpu", place.store)
    first = place.until(lambda: place.store.worker("cpu"))
    later = place.until(
        lambda: w if (w := place.store.worker("cpu")).heartbeat > first.heartbeat else None, 6
    )
    assert (later.pid, later.started) == (first.pid, first.started)


def test_the_idle_time_is_read_and_checked(monkeypatch):
    monkeypatch.delenv("FAIRPRUNE_WORKER_IDLE", raising=False)
    assert idle_seconds() == 60
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "2.5")
    assert idle_seconds() == 2.5
    for wrong in ("soon", "-1", "nan", "inf"):
        monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", wrong)
        with pytest.raises(BadInput, match=f"FAIRPRUNE_WORKER_IDLE='{wrong}'"):
            idle_seconds()


def test_wrong_arguments_have_exit_codes(place, capsys):
    assert main([]) == 2
    assert main(["tpu"]) == 1
    assert "unknown device 'tpu'" in capsys.readouterr().err


def test_a_child_stands_by_takes_the_next_run_and_none_is_left_behind(place):
    def standing_by():
        return [process.pid for process in place.processes() if process.cmdline()[-1:] == ["-"]]

    LocalExecutor().wake("cpu", place.store)
    [first] = place.until(standing_by)
    run_id = place.store.submit(place.spec())[0].id
    run = place.ended(run_id, 60)
    assert run.state == "failed" and "unknown model 'tiny-a'" in run.error  # said by fairprune.worker itself
    assert not place.store.logs(run_id)
    place.until(lambda: gone(first))
    [second] = place.until(standing_by)
    assert second != first
    os.kill(place.store.worker("cpu").pid, signal.SIGTERM)
    place.until(lambda: not place.processes())
    assert not list((place.folder / "logs").glob("standby-*"))
