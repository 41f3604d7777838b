"""What a worker executes in a child process: a queued run, or a report on one that is done. One way to watch and end both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fairprune.executors.child import REPORT
from fairprune.store import Report, Run, State, Store


class Work(Protocol):
    """One run or report that this worker has claimed."""

    @property
    def key(self) -> str:
        """What its child is started with."""

    @property
    def what(self) -> str:
        """'run' or 'report'."""

    @property
    def label(self) -> str: ...

    def state(self) -> tuple[State, bool]:
        """Its state at the moment, and whether somebody wants it to end."""

    def finish(self, state: State, error: str | None = None, detail: str | None = None) -> None:
        """Stores its end; an end that is stored already stands."""


@dataclass(frozen=True)
class RunWork:
    store: Store
    run: Run
    what: str = "run"

    @property
    def key(self) -> str:
        return self.run.id

    @property
    def label(self) -> str:
        return self.run.label

    def state(self) -> tuple[State, bool]:
        now = self.store.run(self.run.id)
        return now.state, now.cancel_requested

    def finish(self, state: State, error: str | None = None, detail: str | None = None) -> None:
        self.store.finish(self.run.id, state, error, detail)


@dataclass(frozen=True)
class ReportWork:
    store: Store
    report: Report
    what: str = "report"

    @property
    def key(self) -> str:
        return f"{REPORT}{self.report.kind}-{self.report.run_id}"

    @property
    def label(self) -> str:
        return f"{self.report.kind} report of run {self.report.run_id[:6]}"

    def state(self) -> tuple[State, bool]:
        now = self.store.report(self.report.run_id, self.report.kind)
        # The run may have been deleted in between, and its report with it.
        return ("cancelled", True) if now is None else (now.state, now.cancel_requested)

    def finish(self, state: State, error: str | None = None, detail: str | None = None) -> None:
        self.store.finish_report(self.report.run_id, self.report.kind, state, error, detail)


def claim(store: Store, device: str, pid: int) -> Work | None:
    """What the device does next: the oldest queued run, or, where none waits, the oldest report."""
    run = store.claim(device, pid) if store.waiting(device) else None
    if run is not None:
        return RunWork(store, run)
    report = store.claim_report(device)
    return None if report is None else ReportWork(store, report)
