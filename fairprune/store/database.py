"""Connections, transactions, and the one place where a database's error becomes a sentence."""

from __future__ import annotations

import json
import math
import os
import random
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from fairprune.errors import StoreError
from fairprune.paths import home

T = TypeVar("T")
BUSY_SECONDS = 30.0
"""How long one waits for another writer (on SQLite, unless the URL says `?timeout=`)."""
POOL, OVERFLOW = 10, 20
"""Connections that a process keeps, and opens beside them when it has much to do."""
CONNECT_SECONDS = 10
_POSTGRESQL = ("postgres", "postgresql")
_AGAIN = ("40001", "40P01")
"""SQLSTATE of a change that lost against another one (serialization, deadlock) and left nothing behind."""
_TRIES = 4


def database_url(url: str | None = None) -> URL:
    """`url`, else `FAIRPRUNE_DATABASE_URL`, else fairprune.db in `home()`; paths of SQLite made absolute.

    An address of PostgreSQL without a driver, as hosts hand them out, gets ours (psycopg).

    Raises:
        StoreError: not a database URL.
    """
    given = url or os.environ.get("FAIRPRUNE_DATABASE_URL", "").strip()
    try:
        parsed = make_url(given) if given else URL.create("sqlite", database=str(home() / "fairprune.db"))
    except SQLAlchemyError as error:
        raise StoreError(
            f"the database address {given!r} cannot be read: write sqlite:////folder/file.db or "
            "postgresql://user:password@host/name"
        ) from error
    if parsed.drivername in _POSTGRESQL:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if (
        parsed.get_backend_name() == "sqlite"
        and not in_memory(parsed)
        and not str(parsed.database).startswith("file:")
    ):
        # A worker may run in another folder than the one that started it.
        parsed = parsed.set(database=str(Path(str(parsed.database)).expanduser().absolute()))
    return parsed


def in_memory(url: URL) -> bool:
    """Whether the database lives in this process alone."""
    return url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:")


def shown(url: URL) -> str:
    """The database as an error names it: the file, or the address without its password."""
    if url.get_backend_name() == "sqlite":
        return url.database or "in memory"
    return url.render_as_string(hide_password=True)


def make_engine(url: URL) -> Engine:
    """The engine; for SQLite with foreign keys on and transactions that begin where we say."""
    options: dict[str, Any] = {}
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite:
        arguments: dict[str, Any] = {} if "timeout" in url.query else {"timeout": BUSY_SECONDS}
        if in_memory(url):
            # The database is its connection: one of it, handed from thread to thread.
            arguments["check_same_thread"] = False
            options = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
        else:
            options = {"pool_size": POOL, "max_overflow": OVERFLOW}
        options["connect_args"] = arguments
    else:
        # A server that was restarted is noticed when a connection is taken, not by a failing page.
        options = {"pool_pre_ping": True, "pool_size": POOL, "max_overflow": OVERFLOW}
        options["pool_timeout"] = BUSY_SECONDS
    if url.get_driver_name() == "psycopg":
        options["connect_args"] = _postgresql_arguments(url)
    try:
        engine = create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"the database {shown(url)} needs the Python package {error.name!r}: install it beside fairprune"
        ) from error
    except (SQLAlchemyError, TypeError) as error:
        raise StoreError(f"the database {shown(url)} cannot be used: {error}") from error
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql_arguments(url: URL) -> dict[str, Any]:
    # Neither a lock nor a forgotten transaction may stop the others for longer than SQLite's would.
    settings = f"-c lock_timeout={BUSY_SECONDS:.0f}s -c idle_in_transaction_session_timeout=60s"
    given = url.query.get("options")
    found: dict[str, Any] = {"options": f"{settings} {given}" if isinstance(given, str) else settings}
    if "connect_timeout" not in url.query:
        found["connect_timeout"] = CONNECT_SECONDS
    return found


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # sqlite3 would begin transactions only before the first change, so that a look and the change that rests
    # on it could be split by another process; `_begin_sqlite` begins them instead.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a writer waits for its turn at the start. Upgrading a read would fail at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Every error of the database as a `StoreError` with a remedy."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise StoreError(_sentence(shown(url), str(getattr(error, "orig", None) or error))) from error


# What the reason of the database holds, in small letters → what to say, after "the database NAME".
_REMEDIES: tuple[tuple[str, str], ...] = (
    (
        "locked|queuepool limit|lock timeout",
        "is locked by another program for too long: close what holds it, or try again",
    ),
    ("malformed|not a database", "is damaged: move the file away, or restore a copy of it"),
    ("disk is full|no space left", "has no room left on its disk: make room and try again"),
    ("readonly|read-only", "cannot be written: give write permission to the file and its folder"),
    ("no such (table|column)|(relation|column) .* does not exist", "lacks a table or column: open it anew"),
    ("constraint", "refused a row that does not fit the others"),
    (
        "password authentication|no password supplied",
        "refuses the user or the password: correct them in its address",
    ),
    (
        '(database|role) ".*" does not exist',
        "is not there: create it (createdb, createuser), or correct its address",
    ),
    ("permission denied", "gives its user too few rights: the user must own the database"),
    (
        "too many (connections|clients)",
        "has no connection left: raise its max_connections, or close what holds them",
    ),
)


def _sentence(name: str, reason: str) -> str:
    lines = reason.strip().splitlines() or ["no reason given"]
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, reason.lower()):
            return f"the database {name} {remedy} ({lines[0]})"
    return (
        f"the database {name} cannot be reached: check FAIRPRUNE_DATABASE_URL and that it runs ({lines[0]})"
    )


class Database:
    """An open database: reads and changes in transactions of their own, from any thread."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._engine = make_engine(url)
        self._writer = self._engine.execution_options(writes=True)
        # SQLite has one writer at a time, and lets the others look again after naps of up to 100 ms, in no order and
        # with a connection in hand. Those of one process wait for each other here.
        self._turn: AbstractContextManager[Any] = (
            threading.Lock() if url.get_backend_name() == "sqlite" and not in_memory(url) else nullcontext()
        )

    @property
    def url(self) -> str:
        """The address with its password, for the environment of a worker. Not for showing."""
        return self._url.render_as_string(hide_password=False)

    @property
    def shared(self) -> bool:
        """Whether another process can open it; False for a database in memory."""
        return not in_memory(self._url)

    def close(self) -> None:
        """Gives the connections back. The store may be used again afterwards."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, work: Callable[[Connection], T]) -> T:
        with translated(self._url), self._engine.begin() as connection:
            return work(connection)

    def _change(self, work: Callable[[Connection], T]) -> T:
        """`work` in one transaction. It looks, then changes, and may be called again."""
        with translated(self._url):
            for attempt in range(1, _TRIES):
                try:
                    with self._turn, self._writer.begin() as connection:
                        return work(connection)
                except IntegrityError:
                    # Another process stored the same row between our look and our change: now it can be seen.
                    continue
                except OperationalError as error:
                    if getattr(error.orig, "sqlstate", None) not in _AGAIN:
                        raise
                    # At once it would take the rows again before the other one, which waits for them, has woken.
                    time.sleep(attempt * random.uniform(0.02, 0.1))
            with self._turn, self._writer.begin() as connection:
                return work(connection)


def now() -> datetime:
    return datetime.now(UTC)


def plain(text: str) -> str:
    """`text` as every database takes it: NUL characters and lone surrogates replaced."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode("utf-8")


def to_document(value: object, what: str) -> str:
    """JSON text that gives back the same value. `what` names it in errors.

    Raises:
        StoreError: NaN, infinity, keys that are no text, or a type that JSON does not have; names the place.
    """
    _check(value, what)
    # ASCII escapes carry every character, lone surrogates and NUL too, through every database.
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def _check(value: object, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise StoreError(f"{where} has the key {key!r}: keys must be text, or they come back changed")
            _check(item, f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check(item, f"{where}[{index}]")
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise StoreError(f"{where} is {value}: store None for a missing number, and a count of them")
    elif not (value is None or isinstance(value, str | int)):
        raise StoreError(f"{where} is a {type(value).__name__}: store text, numbers, lists and dictionaries")


def from_document(text: str, what: str) -> Any:
    """The value of `to_document`'s text.

    Raises:
        StoreError: the text is damaged.
    """
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise StoreError(
            f"{what} is damaged in the database ({error}): delete the run and start it again"
        ) from error
