"""What goes from one database to another: runs with all that belongs to them, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from fairprune.opinions import OpinionSet
from fairprune.store.database import Database, from_document, now, plain, to_document
from fairprune.store.documents import _portions, insert_sets, missing_ids, summary_columns
from fairprune.store.runs import idle_columns
from fairprune.store.tables import (
    generations,
    logs,
    opinion_sets,
    results,
    runs,
    settings,
    summaries,
    sweep_runs,
    sweeps,
)
from fairprune.store.tables import tags as tag_rows
from fairprune.store.values import LogLine, Origin, Run, SummaryRow, Sweep


@dataclass(frozen=True)
class ForeignRun:
    """A finished run of another database."""

    run: Run
    spec: str
    """Its spec as it was written there: the id is the hash of this text."""
    log: tuple[LogLine, ...]
    results: Mapping[str, str]
    """Kind → JSON text, as `documents_of` gives it."""


@dataclass(frozen=True)
class Foreign:
    """All that is taken over at once. Every id in it has been recomputed by the caller."""

    runs: Sequence[ForeignRun]
    sets: Mapping[str, Sequence[OpinionSet]]
    """Corpus → its opinion sets."""
    generations: Mapping[str, tuple[Mapping[str, Any], Sequence[SummaryRow]]]
    """Id → how the summaries were made, and the summaries."""
    sweeps: Sequence[Sweep] = field(default=())


class Exchange(Database):
    """The part of the store that hands runs to another database and takes them from one."""

    def documents_of(self, run_ids: Iterable[str]) -> dict[str, dict[str, str]]:
        """Run id → kind of result → its JSON text, of every kind that is stored."""
        found: dict[str, dict[str, str]] = {run_id: {} for run_id in run_ids}

        def work(connection: Connection) -> dict[str, dict[str, str]]:
            for part in _portions(found):
                chosen = select(results).where(results.c.run_id.in_(part))
                for row in connection.execute(chosen.order_by(results.c.run_id, results.c.kind)):
                    found[row.run_id][row.kind] = row.value
            return found

        return self._read(work)

    def spec_text(self, run_id: str) -> str:
        """The spec as it was written when the run was submitted: '' for a run that is not stored."""
        return self._read(lambda c: c.scalar(select(runs.c.spec).where(runs.c.id == run_id))) or ""

    def corpora_of(self, set_ids: Iterable[str]) -> dict[str, str]:
        """Id of an opinion set → name of its corpus, for those that are stored."""

        def work(connection: Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for part in _portions(set_ids):
                chosen = select(opinion_sets.c.id, opinion_sets.c.corpus).where(opinion_sets.c.id.in_(part))
                found.update((row.id, row.corpus) for row in connection.execute(chosen))
            return found

        return self._read(work)

    def take_over(self, foreign: Foreign, origin: Origin) -> list[str]:
        """Stores all of it in one transaction, or nothing. Returns the ids of the runs that are new.

        A run, an opinion set, a generation or a sweep that is stored already stays as it is. The first run of `foreign`
        stands first in the list of runs.
        """

        def work(connection: Connection) -> list[str]:
            fresh = missing_ids(connection, runs, [one.run.id for one in foreign.runs])
            for corpus, sets in foreign.sets.items():
                insert_sets(connection, corpus, sets)
            for key in missing_ids(connection, generations, foreign.generations):
                _put_generation(connection, key, *foreign.generations[key])
            start = now()
            for place, one in enumerate(foreign.runs):
                if one.run.id in fresh:
                    # The list of runs is by this time, newest first.
                    queued = start + timedelta(microseconds=len(foreign.runs) - place)
                    _put_run(connection, one, {"queued": queued, "origin": origin})
            for sweep in foreign.sweeps:
                if missing_ids(connection, sweeps, [sweep.id]):
                    _put_sweep(connection, sweep)
            return fresh

        return self._change(work)

    def setting(self, name: str) -> dict[str, Any] | None:
        """What the program remembers of this database under `name`; None: nothing."""
        found = self._read(lambda c: c.scalar(select(settings.c.value).where(settings.c.name == name)))
        return None if found is None else from_document(found, f"setting {name!r}")

    def put_setting(self, name: str, value: Mapping[str, Any]) -> None:
        """Remembers `value` in place of what was there."""
        text = to_document(dict(value), f"setting {name!r}")

        def work(connection: Connection) -> None:
            connection.execute(delete(settings).where(settings.c.name == name))
            connection.execute(insert(settings).values(name=name, value=text))

        self._change(work)


def _put_generation(
    connection: Connection, key: str, info: Mapping[str, Any], rows: Sequence[SummaryRow]
) -> None:
    time = now()
    value = to_document(dict(info), f"generation {key}")
    connection.execute(insert(generations).values(id=key, created=time, finished=time, info=value))
    if rows:
        connection.execute(insert(summaries), [summary_columns(key, row) for row in rows])


def _put_run(connection: Connection, one: ForeignRun, more: Mapping[str, Any]) -> None:
    run = one.run
    values = idle_columns(run.spec) | {
        "title": plain(run.title),
        "state": run.state,
        "started": run.started,
        "finished": run.finished,
        "seconds": to_document(run.seconds, f"the timing of run {run.id}"),
        **more,
    }
    connection.execute(
        insert(runs).values(
            id=run.id,
            spec=one.spec,
            device=run.device,
            created=run.created,
            attempt=run.attempt,
            name=run.name,
            notes=plain(run.notes),
            **values,
        )
    )
    if run.tags:
        connection.execute(insert(tag_rows), [{"run_id": run.id, "tag": tag} for tag in run.tags])
    lines = [
        {"run_id": run.id, "number": line.number, "time": line.time, "text": plain(line.text)}
        for line in one.log
    ]
    if lines:
        connection.execute(insert(logs), lines)
    documents = [{"run_id": run.id, "kind": kind, "value": text} for kind, text in one.results.items()]
    if documents:
        connection.execute(insert(results), documents)


def _put_sweep(connection: Connection, sweep: Sweep) -> None:
    value = to_document(sweep.axes, f"the axes of sweep {sweep.title!r}")
    connection.execute(
        insert(sweeps).values(id=sweep.id, title=plain(sweep.title), created=sweep.created, value=value)
    )
    connection.execute(
        insert(sweep_runs), [{"sweep_id": sweep.id, "run_id": run_id} for run_id in sweep.run_ids]
    )
