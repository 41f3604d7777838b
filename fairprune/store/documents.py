"""What runs produce: opinion sets, summaries, results. JSON documents, checked on the way in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from fairprune.errors import StoreError
from fairprune.opinions import OpinionSet
from fairprune.store.database import Database, from_document, now, to_document
from fairprune.store.tables import generations, opinion_sets, results, runs, summaries
from fairprune.store.values import SummaryRow


def _portions(ids: Iterable[str], size: int = 500) -> Iterator[list[str]]:
    """Distinct ids in lists of at most `size`: databases limit the values of one query."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), size):
        yield distinct[start : start + size]


def missing_ids(connection: Connection, table: Table, ids: Iterable[str]) -> list[str]:
    """Those of `ids` that the table does not have, each once, in their order."""
    wanted = list(dict.fromkeys(ids))
    stored: set[str] = set()
    for part in _portions(wanted):
        stored.update(connection.scalars(select(table.c.id).where(table.c.id.in_(part))))
    return [key for key in wanted if key not in stored]


def insert_sets(connection: Connection, corpus: str, sets: Sequence[OpinionSet]) -> None:
    """Stores the opinion sets that are not there yet."""
    values = _set_columns(corpus, sets)
    missing = missing_ids(connection, opinion_sets, values)
    if missing:
        connection.execute(insert(opinion_sets), [values[key] for key in missing])


def _set_columns(corpus: str, sets: Sequence[OpinionSet]) -> dict[str, dict[str, str]]:
    """Id → its row."""
    return {
        one.id: {
            "id": one.id,
            "corpus": corpus,
            "value": to_document(one.to_json(), f"opinion set {one.id}"),
        }
        for one in sets
    }


def summary_columns(generation_id: str, row: SummaryRow) -> dict[str, Any]:
    """The columns of a summary.

    Raises:
        StoreError: its seconds are no number.
    """
    what = f"summary {row.position} of generation {generation_id}"
    to_document(row.seconds, f"the seconds of {what}")
    return {
        "generation_id": generation_id,
        "position": row.position,
        "set_id": row.set_id,
        "text": to_document(row.text, what),
        "tokens": row.tokens,
        "seconds": row.seconds,
        "truncated": row.truncated,
    }


class Documents(Database):
    """The part of the store that knows opinion sets, summaries and results."""

    def put_sets(self, sets: Sequence[OpinionSet], corpus: str) -> None:
        """Stores opinion sets as their corpus has them.

        Equal ids are equal texts and groups. The rest (composition, speakers, sources) is replaced where a bundle has said something else
        of a set: its word does not count where the corpus itself is at hand.
        """
        values = _set_columns(corpus, sets)

        def work(connection: Connection) -> None:
            insert_sets(connection, corpus, sets)
            for part in _portions(values):
                chosen = select(opinion_sets.c.id, opinion_sets.c.value).where(opinion_sets.c.id.in_(part))
                for key, value in connection.execute(chosen).all():
                    if value != values[key]["value"]:
                        changed = update(opinion_sets).where(opinion_sets.c.id == key)
                        connection.execute(changed.values(value=values[key]["value"]))

        self._change(work)

    def sets(self, ids: Iterable[str]) -> dict[str, OpinionSet]:
        """The opinion sets with these ids, in their order.

        Raises:
            StoreError: an id that is not stored.
        """
        wanted = list(dict.fromkeys(ids))

        def work(connection: Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for part in _portions(wanted):
                chosen = select(opinion_sets.c.id, opinion_sets.c.value).where(opinion_sets.c.id.in_(part))
                found.update((row.id, row.value) for row in connection.execute(chosen))
            return found

        found = self._read(work)
        for key in wanted:
            if key not in found:
                raise StoreError(f"opinion set {key!r} is not stored: run the evaluation that uses it again")
        return {key: OpinionSet.from_json(from_document(found[key], f"opinion set {key}")) for key in wanted}

    def put_summaries(self, generation_id: str, rows: Sequence[SummaryRow]) -> None:
        """Stores summaries of a generation, whose opinion sets are stored already.

        A position that is stored keeps its first summary: a resumed generation changes nothing.

        Raises:
            StoreError: a position that belongs to another set, a set that is not stored, a NaN.
        """
        values = {row.position: summary_columns(generation_id, row) for row in rows}

        def work(connection: Connection) -> None:
            found = connection.scalar(select(generations.c.id).where(generations.c.id == generation_id))
            if found is None:
                connection.execute(insert(generations).values(id=generation_id, created=now()))
            stored: dict[int, str] = {
                row.position: row.set_id
                for row in connection.execute(
                    select(summaries.c.position, summaries.c.set_id).where(
                        summaries.c.generation_id == generation_id
                    )
                )
            }
            for row in rows:
                other = stored.get(row.position, row.set_id)
                if other != row.set_id:
                    raise StoreError(
                        f"summary {row.position} of generation {generation_id} is of opinion set {other}, "
                        f"not of {row.set_id}: another list of sets needs another generation"
                    )
            for set_id in missing_ids(connection, opinion_sets, (row.set_id for row in rows)):
                raise StoreError(
                    f"opinion set {set_id!r} is not stored: store the sets before their summaries"
                )
            missing = [value for position, value in values.items() if position not in stored]
            if missing:
                connection.execute(insert(summaries), missing)

        self._change(work)

    def summaries(self, generation_id: str) -> list[SummaryRow]:
        """The summaries stored so far, by position; [] for a generation that has not begun."""
        chosen = (
            select(summaries).where(summaries.c.generation_id == generation_id).order_by(summaries.c.position)
        )
        return [
            SummaryRow(
                set_id=row.set_id,
                position=row.position,
                text=from_document(row.text, f"summary {row.position} of generation {generation_id}"),
                tokens=row.tokens,
                seconds=row.seconds,
                truncated=row.truncated,
            )
            for row in self._read(lambda c: c.execute(chosen).all())
        ]

    def finish_generation(self, generation_id: str, info: dict[str, Any]) -> None:
        """Says that a generation has all its summaries; `info` says how they were made.

        Raises:
            StoreError: nothing of this generation is stored.
        """
        value = to_document(info, f"generation {generation_id}")

        def work(connection: Connection) -> None:
            changed = connection.execute(
                update(generations)
                .where(generations.c.id == generation_id)
                .values(info=value, finished=now())
            )
            if changed.rowcount != 1:
                raise StoreError(
                    f"generation {generation_id!r} is not stored: store its summaries before its end"
                )

        self._change(work)

    def generation(self, generation_id: str) -> dict[str, Any] | None:
        """How the summaries were made; None until the generation is finished."""
        chosen = select(generations.c.info).where(generations.c.id == generation_id)
        found = self._read(lambda c: c.scalar(chosen))
        return None if found is None else from_document(found, f"generation {generation_id}")

    def put_result(self, run_id: str, kind: str, value: dict[str, Any]) -> None:
        """Stores a run's result of a kind ('evaluation', 'sparsity', …), in place of an earlier one.

        Raises:
            StoreError: no such run, NaN or infinity in `value`.
        """
        text = to_document(value, f"result {kind!r} of run {run_id}")

        def work(connection: Connection) -> None:
            if connection.scalar(select(runs.c.id).where(runs.c.id == run_id).with_for_update()) is None:
                raise StoreError(f"there is no run {run_id!r}: a result needs its run")
            connection.execute(delete(results).where(results.c.run_id == run_id, results.c.kind == kind))
            connection.execute(insert(results).values(run_id=run_id, kind=kind, value=text))

        self._change(work)

    def put_result_part(self, run_id: str, kind: str, part: str, value: dict[str, Any]) -> None:
        """Stores one part of a result; its other parts stay.

        Raises:
            StoreError: as `put_result`.
        """

        def work(connection: Connection) -> None:
            what = f"result {kind!r} of run {run_id}"
            if connection.scalar(select(runs.c.id).where(runs.c.id == run_id).with_for_update()) is None:
                raise StoreError(f"there is no run {run_id!r}: a result needs its run")
            here = (results.c.run_id == run_id, results.c.kind == kind)
            old = connection.scalar(select(results.c.value).where(*here))
            whole = {} if old is None else from_document(old, what)
            connection.execute(delete(results).where(*here))
            text = to_document({**whole, part: value}, what)
            connection.execute(insert(results).values(run_id=run_id, kind=kind, value=text))

        self._change(work)

    def result(self, run_id: str, kind: str) -> dict[str, Any] | None:
        """The run's result of this kind; None when there is none."""
        return self.results(kind, [run_id]).get(run_id)

    def results(self, kind: str, run_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Results of one kind by run id; runs without one are left out."""
        wanted = list(dict.fromkeys(run_ids))

        def work(connection: Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            for part in _portions(wanted):
                chosen = select(results.c.run_id, results.c.value).where(
                    results.c.kind == kind, results.c.run_id.in_(part)
                )
                found.update((row.run_id, row.value) for row in connection.execute(chosen))
            return found

        found = self._read(work)
        return {
            key: from_document(found[key], f"result {kind!r} of run {key}") for key in wanted if key in found
        }
