"""What people say of their runs: names, notes, tags; and which runs were asked for together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from fairprune.errors import BadInput, StoreError
from fairprune.store.database import Database, from_document, now, plain, to_document
from fairprune.store.progress import find
from fairprune.store.tables import runs, sweep_runs, sweeps
from fairprune.store.tables import tags as tag_rows
from fairprune.store.values import Sweep

MOST_NAME, MOST_NOTES, MOST_TAG, MOST_TAGS = 120, 10_000, 32, 20
"""Characters of a name, of notes, of a tag; tags of a run."""


def checked_tags(given: Sequence[str]) -> list[str]:
    """Tags in alphabetical order, each once, without outer blanks.

    Raises:
        BadInput: too many, too long, or one that holds a comma, which separates tags where they are typed.
    """
    found = sorted({" ".join(plain(tag).split()) for tag in given} - {""})
    if len(found) > MOST_TAGS:
        raise BadInput(f"{len(found)} tags are too many: a run takes {MOST_TAGS}")
    for tag in found:
        if len(tag) > MOST_TAG:
            raise BadInput(f"tag {tag[:MOST_TAG]!r}… has {len(tag)} characters: at most {MOST_TAG}")
        if "," in tag:
            raise BadInput(f"tag {tag!r} holds a comma, which separates tags: leave it out")
    return found


def checked_name(given: str) -> str | None:
    """A run's name on one line, without outer blanks; None for one that says nothing.

    Raises:
        BadInput: too long.
    """
    clean = " ".join(plain(given).split())
    if len(clean) > MOST_NAME:
        raise BadInput(f"the name has {len(clean)} characters: at most {MOST_NAME}")
    return clean or None


def sweep_id_of(run_ids: Iterable[str]) -> str:
    """16 hex digits of SHA-256 over the run ids, in whatever order they are given."""
    return hashlib.sha256("\n".join(sorted(set(run_ids))).encode()).hexdigest()[:16]


class Library(Database):
    """The part of the store that knows what people say of runs."""

    def describe(
        self,
        run_id: str,
        *,
        name: str | None = None,
        notes: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> None:
        """Names a run ('' takes its name away), replaces its notes, its tags; None leaves them as they are.

        Raises:
            BadInput: too long, or too many tags. NoSuchRun: no such run.
        """
        values: dict[str, Any] = {}
        if name is not None:
            values["name"] = checked_name(name)
        if notes is not None:
            if len(notes) > MOST_NOTES:
                raise BadInput(f"the notes have {len(notes)} characters: at most {MOST_NOTES}")
            values["notes"] = plain(notes)
        wanted = None if tags is None else checked_tags(tags)

        def work(connection: Connection) -> None:
            found = find(connection, run_id)
            if values:
                connection.execute(update(runs).where(runs.c.id == found).values(**values))
            if wanted is not None:
                connection.execute(delete(tag_rows).where(tag_rows.c.run_id == found))
                if wanted:
                    connection.execute(insert(tag_rows), [{"run_id": found, "tag": tag} for tag in wanted])

        self._change(work)

    def tag_counts(self) -> dict[str, int]:
        """Every tag in use and how many runs have it, in alphabetical order."""
        chosen = select(tag_rows.c.tag, func.count()).group_by(tag_rows.c.tag).order_by(tag_rows.c.tag)
        return dict(self._read(lambda c: [(str(tag), int(n)) for tag, n in c.execute(chosen)]))

    def put_sweep(self, title: str, axes: Mapping[str, Any], run_ids: Sequence[str]) -> Sweep:
        """Keeps which runs were asked for together; the same runs are the same sweep.

        Raises:
            StoreError: no runs, or one that is not stored.
        """
        members = list(dict.fromkeys(run_ids))
        if not members:
            raise StoreError("a sweep needs at least one run")
        sweep_id = sweep_id_of(members)
        value = to_document(dict(axes), f"the axes of sweep {title!r}")

        def work(connection: Connection) -> None:
            if connection.scalar(select(sweeps.c.id).where(sweeps.c.id == sweep_id)) is not None:
                return
            for run_id in members:
                find(connection, run_id)
            connection.execute(
                insert(sweeps).values(id=sweep_id, title=plain(title), created=now(), value=value)
            )
            connection.execute(
                insert(sweep_runs), [{"sweep_id": sweep_id, "run_id": run_id} for run_id in members]
            )

        self._change(work)
        return self.sweep(sweep_id)

    def sweep(self, sweep_id: str) -> Sweep:
        """The sweep with this id.

        Raises:
            StoreError: no such sweep.
        """
        found = self._sweeps(sweep_id)
        if not found:
            raise StoreError(f"there is no sweep {sweep_id!r}: choose one of the page Runs")
        return found[0]

    def sweeps(self) -> list[Sweep]:
        """All sweeps, newest first. Runs that were deleted since are no part of them."""
        return self._sweeps(None)

    def _sweeps(self, sweep_id: str | None) -> list[Sweep]:
        chosen = select(sweeps).order_by(sweeps.c.created.desc(), sweeps.c.id)
        parts = (
            select(sweep_runs.c.sweep_id, sweep_runs.c.run_id)
            .join(runs, runs.c.id == sweep_runs.c.run_id)
            .order_by(runs.c.created, runs.c.id)
        )
        if sweep_id is not None:
            chosen = chosen.where(sweeps.c.id == sweep_id)
            parts = parts.where(sweep_runs.c.sweep_id == sweep_id)

        def work(connection: Connection) -> list[Sweep]:
            members: dict[str, list[str]] = {}
            for row in connection.execute(parts):
                members.setdefault(row.sweep_id, []).append(row.run_id)
            return [
                Sweep(
                    id=row.id,
                    title=row.title,
                    created=row.created,
                    axes=from_document(row.value, f"the axes of sweep {row.id}"),
                    run_ids=tuple(members.get(row.id, ())),
                )
                for row in connection.execute(chosen)
            ]

        return self._read(work)
