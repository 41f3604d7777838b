"""The only place that knows the database: runs and their queue, results, opinion sets and summaries.

SQLite in write-ahead mode by default, another database by `FAIRPRUNE_DATABASE_URL`. Plain values go in and
out; every error is a `StoreError`. One database belongs to one `FAIRPRUNE_HOME`: whether a worker lives is
decided by lock files there.
"""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import URL, inspect, text

from fairprune.errors import StoreError
from fairprune.paths import subfolder
from fairprune.store.audience import Audience, Audiences
from fairprune.store.database import Database, database_url, in_memory, shown, translated
from fairprune.store.documents import Documents
from fairprune.store.exchange import Exchange, Foreign, ForeignRun
from fairprune.store.explorations import Explorations
from fairprune.store.judgments import Judgments
from fairprune.store.library import Library
from fairprune.store.listing import ORDERS, Chosen, Facets, Listed, Listing, Order
from fairprune.store.reports import Reports
from fairprune.store.tables import REVISION
from fairprune.store.values import (
    ENDED,
    ORIGINS,
    RESTARTABLE,
    STATES,
    Exploration,
    LogLine,
    Origin,
    Report,
    ReportKind,
    Run,
    State,
    SummaryRow,
    Sweep,
    Worker,
)

__all__ = [
    "ENDED",
    "ORDERS",
    "ORIGINS",
    "RESTARTABLE",
    "STATES",
    "Audience",
    "Chosen",
    "Exploration",
    "Facets",
    "Foreign",
    "ForeignRun",
    "Listed",
    "LogLine",
    "Order",
    "Origin",
    "Report",
    "ReportKind",
    "Run",
    "State",
    "Store",
    "SummaryRow",
    "Sweep",
    "Worker",
    "open_store",
]

MIGRATIONS = Path(__file__).parent.parent / "migrations"
_MIGRATION_SECONDS = 120.0
_MIGRATION_KEY = 0x666169727072756E


class Store(Listing, Library, Documents, Exchange, Explorations, Reports, Audiences, Judgments):
    """All that is kept, of one open database. May be shared between threads."""


def open_store(url: str | None = None) -> Store:
    """The store at `url`, brought up to date.

    Default: `FAIRPRUNE_DATABASE_URL`, else fairprune.db in `home()`.
    `sqlite://` is a database in memory, for tests: it ends with the store.

    Raises:
        StoreError: the database is locked, damaged, unreachable, or was written by a newer fairprune.
    """
    address = database_url(url)
    store = Store(address)
    with translated(address):
        if _revision(store) == REVISION:
            return store
        if in_memory(address):
            _migrate(store, address)
            return store
        lock = FileLock(subfolder("locks") / "migration.lock", timeout=_MIGRATION_SECONDS)
        try:
            with lock:
                _migrate(store, address)
        except Timeout as error:
            raise StoreError(
                f"the database {shown(address)} is being brought up to date by another program "
                f"for more than {_MIGRATION_SECONDS:.0f} s: wait for it, or end it and try again"
            ) from error
    return store


def _revision(database: Database) -> str | None:
    with database._engine.begin() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found


def _migrate(database: Database, address: URL) -> None:
    # Imported here: of the many openings only the first one migrates.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    configuration = Config()
    # ConfigParser reads % as the start of a name.
    configuration.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(configuration).walk_revisions()}
    current = _revision(database)
    if current is not None and current not in known:
        raise StoreError(
            f"the database {shown(address)} is of a newer fairprune (revision {current}, newest known here: "
            f"{REVISION}). Install that one, or set FAIRPRUNE_DATABASE_URL to another database"
        )
    if address.get_backend_name() == "sqlite" and not in_memory(address):
        # Kept in the file: readers no longer wait for the writer. Not possible inside a transaction.
        raw = database._engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode = WAL")
        finally:
            raw.close()
    with database._writer.begin() as connection:
        if address.get_backend_name() == "postgresql":
            # The lock file is of this machine; a server may be reached from several. Freed with the transaction.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_KEY})
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
