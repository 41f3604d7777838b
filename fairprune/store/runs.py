"""Runs: the list, the queue, how they begin and end."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Row, Select, case, delete, func, insert, select, update

from fairprune import mask_files
from fairprune.errors import FairpruneError, StoreError
from fairprune.spec import RunSpec, parse_part
from fairprune.store.database import from_document, now, plain
from fairprune.store.progress import Progress, add_log, find, no_run
from fairprune.store.tables import results, runs, tags
from fairprune.store.values import ENDED, RESTARTABLE, STATES, Run, State

MOST_NAMED = 500
"""Ids in one query; for more the whole (small) table is read."""
_log = logging.getLogger(__name__)

INTERRUPTED = (
    "The worker process ended before this run did (it was stopped, or the machine restarted). "
    "Start the run again: what was already computed and stored is kept."
)

_ahead = runs.alias("ahead")
_POSITION = case(
    (
        runs.c.state == "queued",
        select(func.count())
        .select_from(_ahead)
        .where(
            _ahead.c.device == runs.c.device,
            _ahead.c.state == "queued",
            (_ahead.c.queued < runs.c.queued)
            | ((_ahead.c.queued == runs.c.queued) & (_ahead.c.id <= runs.c.id)),
        )
        .scalar_subquery(),
    ),
    else_=None,
)
_RUNS = select(runs, _POSITION.label("queue_position"))


@lru_cache(maxsize=4096)
def _spec(text: str) -> RunSpec:
    """Specs are frozen, and the same ones are read again with every list."""
    return parse_part(RunSpec, json.loads(text))


def _tags(connection: Connection, run_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Run id → its tags, in one query."""
    found: dict[str, tuple[str, ...]] = {}
    if run_ids:
        chosen = select(tags).order_by(tags.c.run_id, tags.c.tag)
        if len(run_ids) <= MOST_NAMED:
            chosen = chosen.where(tags.c.run_id.in_(run_ids))
        for row in connection.execute(chosen):
            found[row.run_id] = (*found.get(row.run_id, ()), row.tag)
    return found


def _run(row: Row[Any], run_tags: tuple[str, ...]) -> Run:
    try:
        spec = _spec(row.spec)
    except (FairpruneError, json.JSONDecodeError) as error:
        raise StoreError(
            f"run {row.id} ({row.title}) cannot be read by this version of fairprune ({error}): delete it"
        ) from error
    return Run(
        id=row.id,
        spec=spec,
        title=row.title,
        state=row.state,
        device=row.device,
        created=row.created,
        started=row.started,
        finished=row.finished,
        stage=row.stage,
        done=row.done,
        total=row.total,
        message=row.message,
        error=row.error,
        error_detail=row.error_detail,
        cancel_requested=row.cancel_requested,
        attempt=row.attempt,
        queue_position=row.queue_position,
        worker_pid=row.worker_pid,
        seconds=from_document(row.seconds, f"the timing of run {row.id}"),
        name=row.name,
        notes=row.notes,
        tags=run_tags,
        origin=row.origin,
    )


def idle_columns(spec: RunSpec) -> dict[str, Any]:
    """The columns of a run that nothing has happened to: it waits for its first or next attempt."""
    return {
        "state": "queued",
        "title": plain(spec.title()),
        "queued": now(),
        "started": None,
        "finished": None,
        "stage": None,
        "done": 0,
        "total": 0,
        "message": "",
        "error": None,
        "error_detail": None,
        "cancel_requested": False,
        "worker_pid": None,
        "seconds": "{}",
    }


def _known_state(state: str) -> str:
    if state not in STATES:
        raise StoreError(f"runs have no state {state!r}: it is one of {', '.join(STATES)}")
    return state


class Runs(Progress):
    """The part of the store that knows runs and their queue."""

    def submit(self, spec: RunSpec) -> tuple[Run, bool]:
        """The run of `spec`, and whether this call queued it.

        A run that failed, was cancelled or interrupted is queued again: one attempt more, the old error and
        results gone, stored generations and log kept. A queued, running or done run stays as it is.
        """

        def work(connection: Connection) -> bool:
            row = connection.execute(
                select(runs.c.state, runs.c.attempt, runs.c.origin)
                .where(runs.c.id == spec.id)
                .with_for_update()
            ).first()
            if row is None:
                values = idle_columns(spec)
                connection.execute(
                    insert(runs).values(
                        id=spec.id,
                        spec=spec.canonical(),
                        device=spec.device,
                        created=values["queued"],
                        attempt=1,
                        **values,
                    )
                )
                return True
            if row.state not in RESTARTABLE or row.origin != "here":
                return False
            connection.execute(delete(results).where(results.c.run_id == spec.id))
            connection.execute(
                update(runs).where(runs.c.id == spec.id).values(attempt=row.attempt + 1, **idle_columns(spec))
            )
            add_log(connection, spec.id, f"Queued again: attempt {row.attempt + 1}")
            return True

        queued = self._change(work)
        return self.run(spec.id), queued

    def run(self, run_id: str) -> Run:
        """The run with this id, or with this unique beginning of at least 6 hex digits.

        Raises:
            StoreError: no run, or more than one.
        """

        def work(connection: Connection) -> Run:
            found = find(connection, run_id)
            row = connection.execute(_RUNS.where(runs.c.id == found)).one()
            return _run(row, _tags(connection, [found]).get(found, ()))

        return self._read(work)

    def runs(self, state: State | None = None, limit: int = 200) -> list[Run]:
        """Runs by the time they were last submitted, newest first; of one state, if named.

        A run whose spec this version cannot read is left out and named in the log: it hides no other run.
        """
        chosen = _RUNS.order_by(runs.c.queued.desc(), runs.c.id).limit(limit)
        if state is not None:
            chosen = chosen.where(runs.c.state == _known_state(state))
        return self._listed(chosen)

    @staticmethod
    def _select() -> Select[Any]:
        """All columns of runs that a `Run` is made of."""
        return _RUNS

    def _listed(self, chosen: Select[Any]) -> list[Run]:
        """The runs of a query that began as `_select`, with their tags; two queries."""

        def work(connection: Connection) -> tuple[Sequence[Row[Any]], dict[str, tuple[str, ...]]]:
            rows = connection.execute(chosen).all()
            return rows, _tags(connection, [row.id for row in rows])

        rows, tagged = self._read(work)
        found = []
        for row in rows:
            try:
                found.append(_run(row, tagged.get(row.id, ())))
            except StoreError as error:
                _log.warning("left out of the list: %s", error)
        return found

    def waiting(self, device: str) -> int:
        """How many runs are queued on the device."""
        chosen = (
            select(func.count()).select_from(runs).where(runs.c.device == device, runs.c.state == "queued")
        )
        return self._read(lambda c: c.scalar(chosen) or 0)

    def claim(self, device: str, pid: int) -> Run | None:
        """The device's oldest queued run, now running and of nobody else; None when none waits."""

        def work(connection: Connection) -> str | None:
            found: str | None = connection.scalar(
                select(runs.c.id)
                .where(runs.c.device == device, runs.c.state == "queued")
                .order_by(runs.c.queued, runs.c.id)
                .limit(1)
                .with_for_update(skip_locked=True)
            )
            if found is None:
                return None
            connection.execute(
                update(runs).where(runs.c.id == found).values(state="running", started=now(), worker_pid=pid)
            )
            return found

        run_id = self._change(work)
        return None if run_id is None else self.run(run_id)

    def request_cancel(self, run_id: str) -> Run:
        """Cancels a queued run at once; asks the worker of a running one to end it. An ended run stays."""

        def work(connection: Connection) -> str:
            found = find(connection, run_id)
            connection.execute(
                update(runs)
                .where(runs.c.id == found, runs.c.state == "queued")
                .values(state="cancelled", finished=now(), cancel_requested=True)
            )
            connection.execute(
                update(runs)
                .where(runs.c.id == found, runs.c.state == "running")
                .values(cancel_requested=True)
            )
            return found

        return self.run(self._change(work))

    def finish(self, run_id: str, state: State, error: str | None = None, detail: str | None = None) -> Run:
        """Ends a running run. The first end stands: a run that has ended stays as it is.

        Args:
            error: one sentence for a person. detail: what is shown folded away.

        Raises:
            StoreError: no such run, the run still waits, or `state` is not an end.
        """
        if state not in ENDED:
            raise StoreError(f"run {run_id} cannot end as {state!r}: an end is one of {', '.join(ENDED)}")

        def work(connection: Connection) -> None:
            found = connection.scalar(select(runs.c.state).where(runs.c.id == run_id).with_for_update())
            if found is None:
                raise no_run(run_id)
            if found == "queued":
                raise StoreError(f"run {run_id} is still queued: only a running run can end as {state!r}")
            if found == "running":
                connection.execute(
                    update(runs)
                    .where(runs.c.id == run_id)
                    .values(
                        state=state,
                        finished=now(),
                        error=None if error is None else plain(error),
                        error_detail=None if detail is None else plain(detail),
                    )
                )

        self._change(work)
        return self.run(run_id)

    def interrupt_running(self, device: str) -> list[str]:
        """Ends the device's running runs as interrupted (their ids), or as cancelled where that was asked.

        Only for a caller that holds the device's lock, and so knows that no worker lives.
        """

        def work(connection: Connection) -> list[str]:
            rows = connection.execute(
                select(runs.c.id, runs.c.cancel_requested)
                .where(runs.c.device == device, runs.c.state == "running")
                .order_by(runs.c.id)
                .with_for_update()
            ).all()
            for row in rows:
                end: dict[str, Any] = (
                    {"state": "cancelled"}
                    if row.cancel_requested
                    else {"state": "interrupted", "error": INTERRUPTED}
                )
                connection.execute(update(runs).where(runs.c.id == row.id).values(finished=now(), **end))
            return [row.id for row in rows if not row.cancel_requested]

        # Asked often, and nearly always in vain: a look does not wait for a writer.
        running = select(runs.c.id).where(runs.c.device == device, runs.c.state == "running").limit(1)
        if self._read(lambda c: c.scalar(running)) is None:
            return []
        return self._change(work)

    def delete(self, run_id: str) -> None:
        """Removes a run with its log, results and masks. Summaries stay: other runs may share them.

        Raises:
            StoreError: no such run, or it is running.
        """

        def work(connection: Connection) -> str:
            found = find(connection, run_id)
            state = connection.scalar(select(runs.c.state).where(runs.c.id == found).with_for_update())
            if state == "running":
                raise StoreError(f"run {found} is running: cancel it first, then delete it")
            connection.execute(delete(runs).where(runs.c.id == found))
            return found

        mask_files.remove(self._change(work))
