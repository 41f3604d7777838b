"""Starts the worker process of a device, and sees whether one lives: the device's file lock decides."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from fairprune.devices import KNOWN
from fairprune.errors import BadInput, StoreError, Unavailable, unknown
from fairprune.paths import home, subfolder
from fairprune.store import Store

EXPLORER_GONE = "The worker process ended, and its explorer with it, before there was an answer. Ask again: a new one starts."
PROJECT = Path(__file__).resolve().parents[2]


def device_lock(device: str) -> FileLock:
    """The lock that the device's worker holds as long as it lives; the system frees it however it dies.

    Raises:
        BadInput: unknown device.
    """
    if device not in KNOWN:
        raise unknown("device", device, KNOWN)
    # A lock file without the system's lock would outlive a killed worker and block the device for ever.
    # The lock may be taken in one thread of a server and freed in another.
    return FileLock(subfolder("locks") / f"worker-{device}.lock", fallback_to_soft=False, thread_local=False)


def idle_seconds() -> float:
    """After how long without a run a worker ends: `FAIRPRUNE_WORKER_IDLE` in seconds, 60 when it is not set.

    Raises:
        BadInput: not a number ≥ 0.
    """
    return _seconds("FAIRPRUNE_WORKER_IDLE", "60")


def explorer_idle_seconds() -> float:
    """After how long without a question an explorer ends: `FAIRPRUNE_EXPLORER_IDLE` in seconds, 120 when it is not set.

    Raises:
        BadInput: not a number ≥ 0.
    """
    return _seconds("FAIRPRUNE_EXPLORER_IDLE", "120")


def _seconds(variable: str, default: str) -> float:
    given = os.environ.get(variable, "").strip() or default
    try:
        value = float(given)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise BadInput(f"{variable}={given!r} is not a number of seconds: write for example {default}")
    return value


@dataclass(frozen=True)
class LocalExecutor:
    """One worker process per device on this machine; it runs one child process after the other."""

    command: Sequence[str] | None = None
    """The child's command, before the run id; None: `python -m fairprune.worker`."""

    def wake(self, device: str, store: Store) -> bool:
        """Starts the device's worker unless one lives. Of two started at once the second ends by itself.

        Raises:
            BadInput: `FAIRPRUNE_WORKER_IDLE` or `FAIRPRUNE_EXPLORER_IDLE` is no number of seconds.
            StoreError: the database lives in this process alone.
            Unavailable: the process cannot be started.
        """
        if not store.shared:
            raise StoreError("a database in memory cannot be seen by a worker process: use a database file")
        idle_seconds(), explorer_idle_seconds()  # a worker that refuses its settings would only die
        try:
            with device_lock(device).acquire(timeout=0):
                pass
        except Timeout:
            return False
        log = subfolder("logs") / f"worker-{device}.log"
        try:
            with log.open("ab") as output:
                process = subprocess.Popen(
                    [sys.executable, "-m", "fairprune.executors.local", device, *(self.command or ())],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    # A closed terminal or a stopped server leaves it at work.
                    start_new_session=True,
                    env=worker_environment(store),
                )
        except OSError as error:
            raise Unavailable(
                f"the worker process of device {device!r} cannot be started: {error}"
            ) from error
        # Waits for its end, so that it leaves no zombie behind in a server that runs for weeks.
        threading.Thread(target=process.wait, name=f"reap-worker-{device}", daemon=True).start()
        return True

    def settle(self, device: str, store: Store) -> list[str]:
        """Ends the running runs of a device without a living worker as interrupted (their ids).

        Runs and questions that wait there get a worker.
        """
        try:
            with device_lock(device).acquire(timeout=0):
                interrupted = store.interrupt_running(device)
                store.interrupt_reports(device)
                store.refuse_explorations(device, EXPLORER_GONE, ("working",))
                worker = store.worker(device)
                if worker is not None:
                    store.clear_worker(device, worker.pid)
        except Timeout:
            return []
        # Who tried the lock in the meantime took us for a worker, and started none.
        if store.waiting(device) or store.report_waits(device) or store.exploration_waits(device):
            self.wake(device, store)
        return interrupted


def worker_environment(store: Store) -> dict[str, str]:
    """This environment, with folder, database and package where this process has them."""
    inherited = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "FAIRPRUNE_HOME": str(home()),
        "FAIRPRUNE_DATABASE_URL": store.url,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), *([inherited] if inherited else [])]),
    }
