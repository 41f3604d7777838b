"""Workers and children of these tests are real processes, in a folder of the test's own."""

import os
import signal
import sys
import textwrap
import time
from contextlib import contextmanager, suppress

import psutil

from fairprune.executors.launch import PROJECT
from fairprune.spec import build
from fairprune.store import open_store


class Place:
    """A home folder with a database, and what a test does there."""

    def __init__(self, folder):
        self.folder = folder
        self.store = open_store(f"sqlite:///{folder / 'fairprune.db'}")

    def spec(self, seed=0):
        return build(
            model={"name": "tiny-a"},
            pruning={"method": "magnitude"},
            calibration={},
            evaluation={"seed": seed},
        )

    def child(self, body: str) -> list[str]:
        """The command of a child that ties itself to its worker, then does `body` (with `run_id`, `note`)."""
        script = self.folder / f"child-{len(list(self.folder.glob('child-*')))}.py"
        script.write_text(
            textwrap.dedent(
                """
                from fairprune.executors.lifeline import watch
                watch()
                import os, pathlib, signal, subprocess, sys, time
                run_id = sys.argv[1]
                def note(*words):
                    with (pathlib.Path(os.environ["FAIRPRUNE_HOME"]) / "notes").open("a") as file:
                        file.write(" ".join(map(str, words)) + "\\n")
                """
            )
            + textwrap.dedent(body)
        )
        return [sys.executable, str(script)]

    def notes(self) -> list[list[str]]:
        """The words of each line that children have noted."""
        file = self.folder / "notes"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def until(self, what, seconds=15.0):
        """Waits until `what()` is true and gives its value; fails after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            value = what()
            if value:
                return value
            time.sleep(0.02)
        raise AssertionError(f"not within {seconds} s; the worker says: {self.worker_log()}")

    def worker_log(self) -> str:
        return "".join(file.read_text() for file in self.folder.glob("logs/worker-*.log"))

    def ended(self, run_id, seconds=15.0):
        """The run, once it has ended."""
        return self.until(
            lambda: run if (run := self.store.run(run_id)).state not in ("queued", "running") else None,
            seconds,
        )

    def processes(self) -> list[psutil.Process]:
        """Every living process that was given this home folder."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                same = process.environ().get("FAIRPRUNE_HOME") == str(self.folder)
                if same and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def workers(self) -> list[psutil.Process]:
        found = []
        for process in self.processes():
            with suppress(psutil.Error):
                if "fairprune.executors.local" in process.cmdline():
                    found.append(process)
        return found


@contextmanager
def opened_place(tmp_path, monkeypatch):
    """A `Place` with this process's environment pointing at it; its processes are ended afterwards."""
    folder = tmp_path.resolve()
    monkeypatch.setenv("FAIRPRUNE_HOME", str(folder))
    monkeypatch.setenv("FAIRPRUNE_DATABASE_URL", f"sqlite:///{folder / 'fairprune.db'}")
    monkeypatch.setenv("FAIRPRUNE_WORKER_IDLE", "30")
    # For the children of a worker inside the test; a worker process has it from its start.
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    made = Place(folder)
    yield made
    # Workers first: they would report the end of a child that was killed under them.
    for process in [*made.workers(), *made.processes()]:
        with suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    made.until(lambda: not made.processes(), 5)
    made.store.close()


def gone(pid) -> bool:
    """Whether the process has ended (a zombie that nobody has reaped has)."""
    try:
        return psutil.Process(int(pid)).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
