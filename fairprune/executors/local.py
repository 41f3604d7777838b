"""The worker process of a device: `python -m fairprune.executors.local DEVICE [CHILD COMMAND …]`.

Holds the device's lock, takes queued runs (and reports on runs) one after the other, each in a child process; ends by itself when
it had nothing to do for `FAIRPRUNE_WORKER_IDLE` seconds (default 60). While it waits, a child that has imported
everything already stands by for the next run, or becomes the explorer that answers questions between runs.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType

from filelock import Timeout

from fairprune.errors import FairpruneError
from fairprune.executors.child import Child, failure_sentence, forget_abandoned
from fairprune.executors.launch import EXPLORER_GONE, device_lock, idle_seconds
from fairprune.executors.warm import Warm
from fairprune.executors.work import Work, claim
from fairprune.store import Store, open_store

POLL_SECONDS = 0.2
HEARTBEAT_SECONDS = 2.0
STATE_IS_SET = 3
"""A child's exit code that says: how the run ended is stored already."""
STOPPED = {
    "run": "The worker process was stopped while the run was at work. "
    "Start the run again: what was already computed and stored is kept.",
    "report": "The worker process was stopped while the report was at work: ask for it again.",
}


class Worker:
    """Executes the queued runs of one device, one at a time."""

    def __init__(
        self, device: str, store: Store, command: Sequence[str] | None = None, idle: float = 60.0
    ) -> None:
        """
        Args:
            command: the child's command before the run id; None: `python -m fairprune.worker`.
            idle: seconds without a run after which it ends.
        """
        self._device = device
        self._store = store
        self._command = command
        self._idle = idle
        self._stopping = False
        self._last_heartbeat = float("-inf")
        self._standby: Child | None = None
        self._explorer = Warm(device, store)

    def stop(self, _number: int = 0, _frame: FrameType | None = None) -> None:
        """Ends the current run as interrupted, then the worker; safe as a signal handler."""
        self._stopping = True

    def work(self) -> None:
        """Works until idle or stopped. Returns at once when another worker holds the device."""
        while True:
            try:
                # A moment's patience: others take the lock shortly, to see whether a worker lives.
                with device_lock(self._device).acquire(timeout=1):
                    self._serve()
            except Timeout:
                return
            # Who submitted while the lock was held has started nobody: this look, after its release, sees it.
            waits = (self._store.waiting, self._store.report_waits, self._store.exploration_waits)
            if self._stopping or not any(look(self._device) for look in waits):
                return

    def _serve(self) -> None:
        self._store.interrupt_running(self._device)
        self._store.interrupt_reports(self._device)
        self._store.refuse_explorations(self._device, EXPLORER_GONE, ("working",))
        forget_abandoned()
        self._last_heartbeat = float("-inf")
        idle_since = time.monotonic()
        try:
            while not self._stopping:
                self._beat()
                work = claim(self._store, self._device, os.getpid())
                if work is not None:
                    self._execute(work)
                    idle_since = time.monotonic()
                elif self._explorer.tend(self._child):
                    # No child stands by beside it: its imports would slow the answers, and its memory is not small.
                    idle_since = time.monotonic()
                    time.sleep(POLL_SECONDS)
                elif self._standby is None and self._command is None and self._idle > 0:
                    self._standby = Child(None)
                elif time.monotonic() - idle_since >= self._idle:
                    return
                else:
                    time.sleep(min(POLL_SECONDS, self._idle))
        finally:
            self._explorer.end()
            self._store.refuse_explorations(self._device, EXPLORER_GONE, ("working",))
            if self._standby is not None:
                self._standby.end()
                self._standby.forget_output()
                self._standby = None
            self._store.clear_worker(self._device, os.getpid())

    def _beat(self) -> None:
        if time.monotonic() - self._last_heartbeat >= HEARTBEAT_SECONDS:
            self._store.heartbeat(self._device, os.getpid())
            self._last_heartbeat = time.monotonic()

    def _execute(self, work: Work) -> None:
        self._explorer.give_way(work.what, work.label)
        try:
            child = self._child(work.key)
        except OSError as error:
            work.finish("failed", f"The {work.what}'s process cannot be started: {error}")
            return
        with child:
            cancelled = False
            while not (child.ended() or self._stopping or cancelled):
                time.sleep(POLL_SECONDS)
                self._beat()
                state, cancelled = work.state()
                if (
                    state == "running"
                ):  # a child that has stored its end is only closing: a question waits for that
                    self._explorer.refuse(work.what, work.label)
            by_itself = child.ended() and not cancelled
            code = child.end()
            if by_itself:
                self._store_end(work, code, child)
            elif cancelled:
                work.finish("cancelled")
            else:
                work.finish("interrupted", STOPPED[work.what])
        child.forget_output()

    def _child(self, run_id: str) -> Child:
        """The child that stands by, given this run; a new one where there is none, or where it has ended."""
        ready, self._standby = self._standby, None
        if ready is not None:
            with suppress(OSError):  # it has ended: a new one takes the run
                if not ready.ended():
                    ready.take(run_id)
                    return ready
            ready.end()
            ready.forget_output()
        return Child(run_id, self._command)

    def _store_end(self, work: Work, code: int, child: Child) -> None:
        """The end of a child that ended by itself. An end that the child stored itself stands."""
        if code == 0:
            work.finish("done")
            return
        lines = child.last_lines()
        sentence = (
            f"The {work.what} ended without saying how: this is a defect of fairprune."
            if code == STATE_IS_SET
            else failure_sentence(code, lines, work.what)
        )
        work.finish("failed", sentence, lines or None)


def main(arguments: Sequence[str]) -> int:
    """The worker. Exit code 0, also when another one has the device; 1: an error; 2: wrong arguments."""
    if not arguments:
        print("usage: python -m fairprune.executors.local DEVICE [CHILD COMMAND …]", file=sys.stderr)  # noqa: T201
        return 2
    device, *command = arguments
    try:
        with open_store() as store:
            worker = Worker(device, store, command or None, idle_seconds())
            signal.signal(signal.SIGTERM, worker.stop)
            signal.signal(signal.SIGINT, worker.stop)
            worker.work()
    except FairpruneError as error:
        print(f"worker of device {device!r}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
