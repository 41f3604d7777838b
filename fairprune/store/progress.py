"""What a running run and its worker report: progress, timing, log lines, heartbeats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from fairprune.errors import NoSuchRun
from fairprune.store.database import Database, from_document, now, plain, to_document
from fairprune.store.tables import logs, runs, workers
from fairprune.store.values import LogLine, Worker


def no_run(run_id: str) -> NoSuchRun:
    return NoSuchRun(
        f"there is no run {run_id!r}: give an id of the list of runs, or its first 6 or more digits"
    )


def find(connection: Connection, run_id: str) -> str:
    """The full id of `run_id`, which may be its first 6 or more digits."""
    if not re.fullmatch(r"[0-9a-f]{6,16}", run_id):
        raise no_run(run_id)
    found: Sequence[str] = connection.scalars(
        select(runs.c.id).where(runs.c.id.startswith(run_id)).order_by(runs.c.id).limit(3)
    ).all()
    if not found:
        raise no_run(run_id)
    if len(found) > 1:
        raise NoSuchRun(f"run {run_id!r} is not clear: it may be {' or '.join(found)}; give more digits")
    return found[0]


def add_log(connection: Connection, run_id: str, text: str) -> None:
    last = connection.scalar(select(func.max(logs.c.number)).where(logs.c.run_id == run_id))
    connection.execute(
        insert(logs).values(run_id=run_id, number=(last or 0) + 1, time=now(), text=plain(text))
    )


def _update_one(connection: Connection, run_id: str, values: dict[str, Any]) -> None:
    if connection.execute(update(runs).where(runs.c.id == run_id).values(**values)).rowcount != 1:
        raise no_run(run_id)


class Progress(Database):
    """The part of the store that running runs and workers write."""

    def progress(self, run_id: str, stage: str, done: int, total: int, message: str = "") -> None:
        """How far the run is: `done` of `total` steps of `stage`."""
        values = {"stage": stage, "done": done, "total": total, "message": plain(message)}
        self._change(lambda c: _update_one(c, run_id, values))

    def stage_seconds(self, run_id: str, stage: str, seconds: float) -> None:
        """Wall-clock seconds that a finished stage took. A second report of a stage replaces the first."""

        def work(connection: Connection) -> None:
            old = connection.scalar(select(runs.c.seconds).where(runs.c.id == run_id).with_for_update())
            if old is None:
                raise no_run(run_id)
            what = f"the timing of run {run_id}"
            new = {**from_document(old, what), stage: float(seconds)}
            _update_one(connection, run_id, {"seconds": to_document(new, what)})

        self._change(work)

    def log(self, run_id: str, text: str) -> None:
        """One more line of the run's log, with the time of now."""

        def work(connection: Connection) -> None:
            # The lock on the run keeps two writers from taking the same number.
            if connection.scalar(select(runs.c.id).where(runs.c.id == run_id).with_for_update()) is None:
                raise no_run(run_id)
            add_log(connection, run_id, text)

        self._change(work)

    def logs(self, run_id: str, after: int = 0, limit: int = 500) -> list[LogLine]:
        """The first `limit` lines whose number is above `after`, in order."""
        chosen = select(logs).where(logs.c.number > after).order_by(logs.c.number).limit(limit)
        return self._read(
            lambda c: [
                LogLine(row.number, row.time, row.text)
                for row in c.execute(chosen.where(logs.c.run_id == find(c, run_id)))
            ]
        )

    def heartbeat(self, device: str, pid: int) -> None:
        """Says that process `pid` works for the device, and lives."""

        def work(connection: Connection) -> None:
            time = now()
            found = connection.scalar(
                select(workers.c.pid).where(workers.c.device == device).with_for_update()
            )
            if found is None:
                connection.execute(
                    insert(workers).values(device=device, pid=pid, started=time, heartbeat=time)
                )
                return
            values = {"heartbeat": time} if found == pid else {"pid": pid, "started": time, "heartbeat": time}
            connection.execute(update(workers).where(workers.c.device == device).values(**values))

        self._change(work)

    def worker(self, device: str) -> Worker | None:
        """The device's worker as it last reported; it may have died since."""
        row = self._read(lambda c: c.execute(select(workers).where(workers.c.device == device)).first())
        return None if row is None else Worker(row.device, row.pid, row.started, row.heartbeat)

    def clear_worker(self, device: str, pid: int) -> None:
        """Removes the worker's row, if it is still this process's."""
        self._change(
            lambda c: c.execute(delete(workers).where(workers.c.device == device, workers.c.pid == pid))
        )
