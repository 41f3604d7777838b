"""The list of runs: filtered, ordered and cut into pages by the database, so that a thousand runs cost what twenty do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from sqlalchemy import JSON, ColumnElement, Connection, Select, case, delete, func, insert, or_, select

from fairprune.errors import StoreError, unknown
from fairprune.store.library import checked_tags
from fairprune.store.progress import find
from fairprune.store.runs import MOST_NAMED, Runs
from fairprune.store.tables import results, runs, sweep_runs
from fairprune.store.tables import tags as tag_rows
from fairprune.store.values import ORIGINS, STATES, Run

Order = Literal["newest", "oldest", "name", "sparsity", "uer", "bur"]
ORDERS: tuple[Order, ...] = get_args(Order)
"""uer and bur: of the pruned model, the largest first; runs without results stand last."""
HEADLINE = "headline"
"""The kind of result that the orders by a number read (`fairprune.headlines`)."""


@dataclass(frozen=True)
class Chosen:
    """Which runs: those that meet every condition; an empty one is met by all."""

    states: tuple[str, ...] = ()
    text: str = ""
    """Every word of it stands in name, title, notes or id; capital or small letters alike."""
    tags: tuple[str, ...] = ()
    """A run has all of them."""
    model: str | None = None
    method: str | None = None
    corpus: str | None = None
    """Of evaluation."""
    device: str | None = None
    origin: str | None = None
    sweep: str | None = None
    """Id of a sweep."""
    added: bool = False
    """Only runs that do more than prune: an edit, a recovery, or calibration by DENP."""


@dataclass(frozen=True)
class Listed:
    """One page of a list."""

    runs: tuple[Run, ...]
    total: int
    """Runs that meet the conditions, on all pages."""


@dataclass(frozen=True)
class Facets:
    """What the stored runs can be told apart by: value → number of runs, in alphabetical order (states in theirs)."""

    states: dict[str, int]
    models: dict[str, int]
    methods: dict[str, int]
    corpora: dict[str, int]
    origins: dict[str, int]


class Listing(Runs):
    """The part of the store that lists many runs, and changes many at once."""

    def find_runs(
        self,
        chosen: Chosen = Chosen(),
        *,
        order: Order = "newest",
        offset: int = 0,
        limit: int = 50,
    ) -> Listed:
        """The runs from place `offset` on, at most `limit`, and how many there are in all.

        Three queries, however many runs there are. A run whose spec this version cannot read is left out of `runs` and
        named in the log, as in `runs`.

        Raises:
            BadInput: an unknown state, origin or order.
        """
        conditions = self._conditions(chosen)
        count = select(func.count()).select_from(runs).where(*conditions)
        total = int(self._read(lambda c: c.scalar(count)) or 0)
        return Listed(
            tuple(self._listed(self._ordered(conditions, order).offset(offset).limit(limit))), total
        )

    def run_ids(self, chosen: Chosen = Chosen(), *, order: Order = "newest") -> list[str]:
        """The ids of all runs that meet the conditions."""
        found = self._ordered(self._conditions(chosen), order).with_only_columns(runs.c.id)
        return self._read(lambda c: list(c.scalars(found)))

    def runs_of(self, run_ids: Sequence[str]) -> list[Run]:
        """The stored ones of these runs, in the order of `run_ids`. Two queries."""
        wanted = list(dict.fromkeys(run_ids))[:MOST_NAMED]
        found = {run.id: run for run in self._listed(self._select().where(runs.c.id.in_(wanted)))}
        return [found[run_id] for run_id in wanted if run_id in found]

    def states(self, run_ids: Sequence[str]) -> dict[str, str]:
        """Id → state of the stored ones of these runs. One query."""
        wanted = select(runs.c.id, runs.c.state).where(runs.c.id.in_(list(run_ids)[:MOST_NAMED]))
        return dict(self._read(lambda c: [(str(row.id), str(row.state)) for row in c.execute(wanted)]))

    def facets(self) -> Facets:
        """What a list can be filtered by, with counts."""
        parts: dict[str, ColumnElement[Any]] = {
            "models": self._json(runs.c.spec, "model", "name"),
            "methods": self._json(runs.c.spec, "pruning", "method"),
            "corpora": self._json(runs.c.spec, "evaluation", "corpus"),
            "origins": runs.c.origin,
            "states": runs.c.state,
        }

        def work(connection: Connection) -> dict[str, dict[str, int]]:
            found = {}
            for name, part in parts.items():
                rows = connection.execute(select(part, func.count()).select_from(runs).group_by(part))
                found[name] = {str(value): int(n) for value, n in rows if value is not None}
            return found

        counts = {name: dict(sorted(found.items())) for name, found in self._read(work).items()}
        counts["states"] = {state: counts["states"][state] for state in STATES if state in counts["states"]}
        return Facets(**counts)

    def delete_runs(self, run_ids: Sequence[str]) -> int:
        """Removes runs with their logs and results, all or none. How many there were; one that is gone already is no error.

        Raises:
            StoreError: one of them is running; names it.
        """
        wanted = list(dict.fromkeys(run_ids))

        def work(connection: Connection) -> int:
            removed = 0
            for start in range(0, len(wanted), MOST_NAMED):
                part = wanted[start : start + MOST_NAMED]
                rows = connection.execute(
                    select(runs.c.id, runs.c.state).where(runs.c.id.in_(part)).with_for_update()
                ).all()
                for row in rows:
                    if row.state == "running":
                        raise StoreError(
                            f"run {row.id} is running: cancel it first, then delete it. Nothing was deleted"
                        )
                connection.execute(delete(runs).where(runs.c.id.in_(part)))
                removed += len(rows)
            return removed

        return self._change(work)

    def add_tags(self, run_ids: Sequence[str], tags: Sequence[str]) -> None:
        """Gives every one of these runs these tags, beside those that it has. All or none.

        Raises:
            BadInput: a tag that is too long, or more than a run takes. NoSuchRun: no such run.
        """
        wanted = checked_tags(tags)

        def work(connection: Connection) -> None:
            for run_id in dict.fromkeys(run_ids):
                found = find(connection, run_id)
                held = set(connection.scalars(select(tag_rows.c.tag).where(tag_rows.c.run_id == found)))
                checked_tags([*held, *wanted])  # more than a run takes are refused
                new = [{"run_id": found, "tag": tag} for tag in wanted if tag not in held]
                if new:
                    connection.execute(insert(tag_rows), new)

        self._change(work)

    def _conditions(self, chosen: Chosen) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        for state in chosen.states:
            if state not in STATES:
                raise unknown("state of a run", state, STATES)
        if chosen.states:
            found.append(runs.c.state.in_(chosen.states))
        if chosen.origin is not None:
            if chosen.origin not in ORIGINS:
                raise unknown("origin of a run", chosen.origin, ORIGINS)
            found.append(runs.c.origin == chosen.origin)
        if chosen.device is not None:
            found.append(runs.c.device == chosen.device)
        for word in chosen.text.lower().split():
            columns = (runs.c.title, func.coalesce(runs.c.name, ""), runs.c.notes, runs.c.id)
            places = [func.lower(column).contains(word, autoescape=True) for column in columns]
            found.append(places[0] | places[1] | places[2] | places[3])
        for tag in chosen.tags:
            found.append(runs.c.id.in_(select(tag_rows.c.run_id).where(tag_rows.c.tag == tag)))
        if chosen.sweep is not None:
            members = select(sweep_runs.c.run_id).where(sweep_runs.c.sweep_id == chosen.sweep)
            found.append(runs.c.id.in_(members))
        if chosen.added:
            parts = [self._json(runs.c.spec, part, "kind").is_not(None) for part in ("edit", "recovery")]
            found.append(or_(*parts, self._json(runs.c.spec, "calibration", "name") == "denp"))
        for value, path in (
            (chosen.model, ("model", "name")),
            (chosen.method, ("pruning", "method")),
            (chosen.corpus, ("evaluation", "corpus")),
        ):
            if value is not None:
                found.append(self._json(runs.c.spec, *path) == value)
        return found

    def _ordered(self, conditions: list[ColumnElement[bool]], order: Order) -> Select[Any]:
        if order not in ORDERS:
            raise unknown("order of runs", order, ORDERS)
        wanted = self._select().where(*conditions)
        newest = (runs.c.queued.desc(), runs.c.id)
        if order in ("uer", "bur"):
            joined = (results.c.run_id == runs.c.id) & (results.c.kind == HEADLINE)
            value = self._number(results.c.value, "metrics", order, "pruned", "value")
            # Not "nulls last": older SQLite does not know the words.
            return wanted.outerjoin(results, joined).order_by(value.is_(None), value.desc(), *newest)
        if order == "sparsity":
            return wanted.order_by(self._number(runs.c.spec, "pruning", "sparsity"), *newest)
        if order == "name":
            return wanted.order_by(func.lower(func.coalesce(runs.c.name, runs.c.title)), *newest)
        if order == "oldest":
            return wanted.order_by(runs.c.queued, runs.c.id)
        return wanted.order_by(*newest)

    def _json(self, column: Any, *path: str) -> ColumnElement[Any]:
        """The text at `path` of a column that holds JSON; NULL where there is none, or the text is damaged."""
        if self._engine.dialect.name == "sqlite":
            text: ColumnElement[Any] = func.json_extract(column, f"$.{'.'.join(path)}")
            return case((func.json_valid(column) == 1, text))
        found: ColumnElement[Any] = func.fairprune_json(column, type_=JSON)[path].as_string()
        return found

    def _number(self, column: Any, *path: str) -> ColumnElement[Any]:
        """The number at `path`, as `_json`."""
        if self._engine.dialect.name == "sqlite":
            return self._json(column, *path)
        found: ColumnElement[Any] = func.fairprune_json(column, type_=JSON)[path].as_float()
        return found
