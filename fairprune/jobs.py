"""Submit, watch and cancel runs: what pages and the command line call. Imports no torch and stays light."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from fairprune.debias.words import load_words
from fairprune.devices import KNOWN
from fairprune.errors import BadInput, StoreError
from fairprune.executors import Executor
from fairprune.executors.launch import LocalExecutor
from fairprune.exploration import ExploreSpec, check_live
from fairprune.spec import RunSpec
from fairprune.store import ENDED, RESTARTABLE, Report, Run, Store, open_store

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


def submit_all(
    specs: Sequence[RunSpec], store: Store | None = None, executor: Executor = LOCAL
) -> list[tuple[Run, bool]]:
    """`submit` for many, in their order, which is the order of the queue. Their devices get a worker once.

    Raises:
        StoreError, Unavailable: as `submit`.
    """
    with _opened(store) as opened:
        if not opened.shared:
            raise StoreError("a database in memory cannot be seen by a worker process: use a database file")
        devices = dict.fromkeys(spec.device for spec in specs)
        for device in devices:
            executor.settle(device, opened)
        found = [opened.submit(spec) for spec in specs]
        for device in devices:
            if any(run.device == device and run.state not in ENDED for run, _ in found):
                executor.wake(device, opened)
        return found


def retry(run_id: str, store: Store | None = None, executor: Executor = LOCAL) -> Run:
    """Queues a run again that failed, was cancelled or interrupted.

    Raises:
        StoreError: no such run, or it is queued, running or done.
    """
    with _opened(store) as opened:
        old = opened.run(run_id)
        executor.settle(old.device, opened)
        old = opened.run(old.id)
        if old.origin != "here":
            raise StoreError(f"run {old.id} was not computed here ({old.origin}): it cannot start again")
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


def explore(spec: ExploreSpec, asker: str, store: Store | None = None, executor: Executor = LOCAL) -> int:
    """Asks the explorer of the spec's device; the number to read the answer by (`store.exploration`). No run is queued.

    What the same asker asked before is answered no more. A worker is started if none lives; it starts the explorer.

    Raises:
        BadInput: not to be answered from these statistics.
        StoreError: the database cannot be used.
        Unavailable: no worker process can be started.
    """
    for pruning in (spec.pruning, spec.other):
        if pruning is not None:
            check_live(pruning, spec.place.kinds())
    with _opened(store) as opened:
        if not opened.shared:
            raise StoreError("a database in memory cannot be seen by a worker process: use a database file")
        executor.settle(spec.device, opened)
        number = opened.ask(asker, spec.device, spec.model_dump(mode="json"))
        executor.wake(spec.device, opened)
        return number


def ask_collapse(
    run_id: str, words: str, windows: int, store: Store | None = None, executor: Executor = LOCAL
) -> tuple[Report, bool]:
    """The Neural Collapse report of a stored run, and whether it was queued now; the worker of the run's device makes it.

    Args:
        words: one of `debias.words.WORD_LISTS`.
        windows: held-out windows that are read, at least 2.

    Raises:
        BadInput: an unknown list, or too few windows.
        StoreError: no such run, one that is not done, or a run of others, whose model nobody here has asked for.
        Unavailable: no worker process can be started; the report stays queued.
    """
    load_words(words)
    if windows < 2:
        raise BadInput(
            f"a Neural Collapse report of {windows} windows has no second one to judge by: give 2 or more"
        )
    with _opened(store) as opened:
        if not opened.shared:
            raise StoreError("a database in memory cannot be seen by a worker process: use a database file")
        about = opened.run(run_id)
        if about.origin != "here":
            raise StoreError(
                f"run {about.id} was not computed here ({about.origin}): a report needs its model, so start the run here first"
            )
        executor.settle(about.device, opened)
        report, queued = opened.ask_report(about.id, "collapse", {"words": words, "windows": windows})
        if not report.ended:
            executor.wake(about.device, opened)
        return report, queued


def cancel_report(run_id: str, store: Store | None = None, executor: Executor = LOCAL) -> None:
    """Cancels a queued report of a run at once; a running one ends within 5 s."""
    with _opened(store) as opened:
        about = opened.run(run_id)
        opened.cancel_report(about.id, "collapse")
        executor.settle(about.device, opened)  # where its worker has died nobody would see the request


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


def follow_collapse(
    run_id: str, poll: float = 0.2, store: Store | None = None, executor: Executor = LOCAL
) -> Iterator[Report]:
    """The report of a run now, then after every change that `poll` seconds show, until it has ended."""
    with _opened(store) as opened:
        last: Report | None = None
        reconciled = time.monotonic()
        while last is None or not last.ended:
            current = opened.report(run_id, "collapse")
            if current is None:
                raise StoreError(f"nobody has asked for a report on run {run_id}: ask for it")
            if current != last:
                last = current
                yield last
            if not current.ended:
                time.sleep(poll)
            if time.monotonic() - reconciled >= RECONCILE_SECONDS:
                reconcile(opened, executor)
                reconciled = time.monotonic()


def follow_all(
    run_ids: Sequence[str], poll: float = 0.5, store: Store | None = None, executor: Executor = LOCAL
) -> Iterator[Run]:
    """Each of these runs once, when it has ended; those that have ended already first. One that was deleted is left out."""
    with _opened(store) as opened:
        left = list(dict.fromkeys(run_ids))
        reconciled = time.monotonic()
        while left:
            states = opened.states(left)
            ended = [run_id for run_id in left if states.get(run_id) in ENDED]
            yield from opened.runs_of(ended)
            left = [run_id for run_id in left if run_id in states and run_id not in ended]
            if left:
                time.sleep(poll)
            if time.monotonic() - reconciled >= RECONCILE_SECONDS:
                reconcile(opened, executor)
                reconciled = time.monotonic()


def ensure_worker(device: str, store: Store | None = None, executor: Executor = LOCAL) -> bool:
    """Starts the device's worker unless one lives. True: started now."""
    with _opened(store) as opened:
        return executor.wake(device, opened)


def _opened(store: Store | None) -> AbstractContextManager[Store]:
    """The caller's store, left open; or the default one, closed at the end."""
    return open_store() if store is None else nullcontext(store)
