"""Reports on stored runs that somebody asks for later: one of a kind per run, queued to the run's device, its result kept with the run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from fairprune.errors import StoreError
from fairprune.store.database import Database, from_document, now, plain, to_document
from fairprune.store.progress import find
from fairprune.store.tables import reports, runs
from fairprune.store.values import ENDED, Report, ReportKind, State

GONE = "The worker process ended before the report was finished: ask for it again."


class Reports(Database):
    """The part of the store that pages ask for reports through, and a worker answers through."""

    def ask_report(self, run_id: str, kind: ReportKind, options: dict[str, Any]) -> tuple[Report, bool]:
        """The report, and whether this call queued it: one that waits, runs, or is done with these options is not asked for again.

        Raises:
            StoreError: no such run, one that is not done, or one whose report with other options is on its way.
        """
        text = to_document(options, f"the options of a {kind} report")

        def work(connection: Connection) -> tuple[str, bool]:
            found = find(connection, run_id)
            run = connection.execute(select(runs.c.state, runs.c.device).where(runs.c.id == found)).one()
            if run.state != "done":
                raise StoreError(f"run {found} is {run.state}: a report is made of a run that is done")
            here = _of(found, kind)
            row = connection.execute(select(reports).where(*here).with_for_update()).first()
            if row is not None and row.state in ("queued", "running", "done") and row.options == text:
                return found, False
            if row is not None and row.state in ("queued", "running"):
                raise StoreError(
                    f"a {kind} report on run {found} with other options ({_said(row.options)}) is {row.state}: wait until it has "
                    "ended, or cancel it first"
                )
            connection.execute(delete(reports).where(*here))
            connection.execute(
                insert(reports).values(
                    run_id=found, kind=kind, options=text, device=run.device, state="queued", created=now(),
                    done=0, total=0, message="", cancel_requested=False,
                )
            )  # fmt: skip
            return found, True

        found, queued = self._change(work)
        report = self.report(found, kind)
        assert report is not None
        return report, queued

    def report(self, run_id: str, kind: ReportKind) -> Report | None:
        """How far the report of this run is; None where it was never asked for here."""
        chosen = select(reports).where(*_of(run_id, kind))
        row = self._read(lambda c: c.execute(chosen).first())
        return None if row is None else _report(row)

    def report_waits(self, device: str) -> bool:
        """Whether a report is queued on the device."""
        chosen = select(reports.c.run_id).where(*_queued(device)).limit(1)
        return self._read(lambda c: c.scalar(chosen)) is not None

    def claim_report(self, device: str) -> Report | None:
        """The device's oldest queued report, now running; None when none waits."""
        if not self.report_waits(device):  # asked often, mostly in vain: a look does not wait for a writer
            return None

        def work(connection: Connection) -> tuple[str, ReportKind] | None:
            found = connection.execute(
                select(reports.c.run_id, reports.c.kind)
                .where(*_queued(device))
                .order_by(reports.c.created, reports.c.run_id)
                .limit(1)
                .with_for_update(skip_locked=True)
            ).first()
            if found is None:
                return None
            connection.execute(
                update(reports).where(*_of(found.run_id, found.kind)).values(state="running", started=now())
            )
            return found.run_id, found.kind

        key = self._change(work)
        return None if key is None else self.report(*key)

    def report_progress(self, run_id: str, kind: ReportKind, done: int, total: int, message: str) -> None:
        """How far a running report is."""
        chosen = update(reports).where(*_of(run_id, kind), reports.c.state == "running")
        self._change(lambda c: c.execute(chosen.values(done=done, total=total, message=plain(message))))

    def finish_report(
        self, run_id: str, kind: ReportKind, state: State, error: str | None = None, detail: str | None = None
    ) -> None:
        """Ends a running report; one that has ended stays as it is.

        Raises:
            StoreError: `state` is not an end.
        """
        if state not in ENDED:
            raise StoreError(f"a report cannot end as {state!r}: an end is one of {', '.join(ENDED)}")
        values = {
            "state": state,
            "finished": now(),
            "error": None if error is None else plain(error),
            "error_detail": None if detail is None else plain(detail),
        }
        chosen = update(reports).where(*_of(run_id, kind), reports.c.state == "running")
        self._change(lambda c: c.execute(chosen.values(**values)))

    def cancel_report(self, run_id: str, kind: ReportKind) -> None:
        """Cancels a queued report at once; asks the worker of a running one to end it. An ended one stays."""

        def work(connection: Connection) -> None:
            here = _of(run_id, kind)
            connection.execute(
                update(reports)
                .where(*here, reports.c.state == "queued")
                .values(state="cancelled", finished=now(), cancel_requested=True)
            )
            connection.execute(
                update(reports).where(*here, reports.c.state == "running").values(cancel_requested=True)
            )

        self._change(work)

    def interrupt_reports(self, device: str) -> int:
        """Ends the device's running reports as interrupted; how many. Only for a caller that knows that no worker lives."""
        here = (reports.c.device == device, reports.c.state == "running")
        if self._read(lambda c: c.scalar(select(reports.c.run_id).where(*here).limit(1))) is None:
            return 0
        values = {"state": "interrupted", "finished": now(), "error": GONE}
        return self._change(lambda c: c.execute(update(reports).where(*here).values(**values)).rowcount)


def _of(run_id: str, kind: ReportKind) -> Sequence[ColumnElement[bool]]:
    return reports.c.run_id == run_id, reports.c.kind == kind


def _said(options: str) -> str:
    """'words sentiment, windows 256'."""
    found = from_document(options, "the options of a report")
    return ", ".join(f"{name} {value}" for name, value in found.items())


def _queued(device: str) -> Sequence[ColumnElement[bool]]:
    return reports.c.device == device, reports.c.state == "queued"


def _report(row: Row[Any]) -> Report:
    return Report(
        run_id=row.run_id,
        kind=row.kind,
        options=from_document(row.options, f"the options of the {row.kind} report of run {row.run_id}"),
        device=row.device,
        state=row.state,
        created=row.created,
        started=row.started,
        finished=row.finished,
        done=row.done,
        total=row.total,
        message=row.message,
        error=row.error,
        error_detail=row.error_detail,
        cancel_requested=row.cancel_requested,
    )
