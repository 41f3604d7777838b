"""Submit, watch and cancel runs: what pages and the command line call. Imports no torch and stays light."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from fairprune.devices import KNOWN
from fairprune.errors import StoreError
from fairprune.executors import Executor
from fairprune.executors.launch import LocalExecutor
from fairprune.spec import RunSpec
from fairprune.store import ENDED, RESTARTABLE, Run, Store, open_store

LOCAL = LocalExecutor()
RECONCILE_SECONDS = 5.0


def submit(spec: RunSpec, store: Store | None = None, executor: Executor = LOCAL) -> tuple[Run, bool]:
    """The run of this spec, and whether it was queued now: a configuration is not computed twice.

    A worker of its device is started if none lives. `store` None: the default store, opened for this call.

    Raises:
        StoreError: the database cannot be used.
        Unavailable: no worker process can be started; the run stays queued.
    """
    with _opened(store) as opened:
        if not opened.shared:
            raise StoreError("a database in memory cannot be seen by a worker process: use a database file")
        executor.settle(spec.device, opened)
        run, queued = opened.submit(spec)
        if run.state not in ENDED:
            executor.wake(run.device, opened)
        return run, queued


def retry(run_id: str, store: Store | None = None, executor: Executor = LOCAL) -> Run:
    """Queues a run again that failed, was cancelled or interrupted.

    Raises:
        StoreError: no such run, or it is queued, running or done.
    """
    with _opened(store) as opened:
        old = opened.run(run_id)
        executor.settle(old.device, opened)
        old = opened.run(old.id)
        if old.state not in RESTARTABLE:
            raise StoreError(
                f"run {old.id} is {old.state}: only a run that is {', '.join(RESTARTABLE)} starts again"
            )
        return submit(old.spec, opened, executor)[0]


def cancel(run_id: str, store: Store | None = None, executor: Executor = LOCAL) -> Run:
    """Cancels a queued run at once; a running one ends within 5 s. An ended one stays as it is."""
    with _opened(store) as opened:
        run = opened.request_cancel(run_id)
        if run.state != "running":
            return run
        # Where its worker has died nobody would see the request.
        executor.settle(run.device, opened)
        return opened.run(run.id)


def run(run_id: str, store: Store | None = None) -> Run:
    """The run with this id or unique beginning of an id."""
    with _opened(store) as opened:
        return opened.run(run_id)


def reconcile(store: Store | None = None, executor: Executor = LOCAL) -> list[str]:
    """Puts right what a dead worker left: its running run is interrupted, waiting runs get a new worker.

    Cheap; call it at the start of a server and now and then. Returns the ids of the interrupted runs.
    """
    interrupted: list[str] = []
    with _opened(store) as opened:
        for device in KNOWN:
            interrupted += executor.settle(device, opened)
    return interrupted


def follow(
    run_id: str, poll: float = 0.2, store: Store | None = None, executor: Executor = LOCAL
) -> Iterator[Run]:
    """The run now, then after every change that `poll` seconds show, until it has ended."""
    with _opened(store) as opened:
        last = opened.run(run_id)
        yield last
        reconciled = time.monotonic()
        while last.state not in ENDED:
            time.sleep(poll)
            if time.monotonic() - reconciled >= RECONCILE_SECONDS:
                reconcile(opened, executor)
                reconciled = time.monotonic()
            current = opened.run(last.id)
            if current != last:
                last = current
                yield last


def ensure_worker(device: str, store: Store | None = None, executor: Executor = LOCAL) -> bool:
    """Starts the device's worker unless one lives. True: started now."""
    with _opened(store) as opened:
        return executor.wake(device, opened)


def _opened(store: Store | None) -> AbstractContextManager[Store]:
    """The caller's store, left open; or the default one, closed at the end."""
    return open_store() if store is None else nullcontext(store)
