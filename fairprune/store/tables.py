"""The tables. A change here needs a migration beside it: a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

REVISION = "0008"
"""The newest migration. Opening a database that has it costs one query."""


class UtcDateTime(TypeDecorator[datetime]):
    """UTC-aware in Python on every database; SQLite, which knows no zones, stores UTC without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError(f"the time {value} has no zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()


def _executed() -> list[Column[Any]]:
    """The columns of what a worker executes: where it stands, how far it is, how it ended."""
    return [
        Column("device", String(32), nullable=False),
        Column("state", String(16), nullable=False),
        Column("created", UtcDateTime, nullable=False),
        Column("started", UtcDateTime),
        Column("finished", UtcDateTime),
        Column("done", Integer, nullable=False),
        Column("total", Integer, nullable=False),
        Column("message", Text, nullable=False),
        Column("error", Text),
        Column("error_detail", Text),
        Column("cancel_requested", Boolean, nullable=False),
    ]


runs = Table(
    "runs",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("spec", Text, nullable=False),
    Column("title", Text, nullable=False),
    *_executed(),
    # The order of the queue and of the list: a restart goes to the end of the one and the top of the other.
    Column("queued", UtcDateTime, nullable=False),
    Column("stage", Text),
    Column("attempt", Integer, nullable=False),
    Column("worker_pid", Integer),
    Column("seconds", Text, nullable=False),
    # What people say of it. `title` is written by the program, `name` by them.
    Column("name", Text),
    Column("notes", Text, nullable=False, server_default=""),
    Column("origin", String(16), nullable=False, server_default="here"),
    Index("ix_runs_queue", "device", "state", "queued"),
    Index("ix_runs_queued", "queued"),
)

tags = Table(
    "tags",
    metadata,
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(64), primary_key=True),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("title", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("value", Text, nullable=False),
)

# A run may be part of several sweeps: it is computed once.
sweep_runs = Table(
    "sweep_runs",
    metadata,
    Column("sweep_id", String(16), ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_sweep_runs_run", "run_id"),
)

logs = Table(
    "logs",
    metadata,
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("time", UtcDateTime, nullable=False),
    Column("text", Text, nullable=False),
)

results = Table(
    "results",
    metadata,
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

opinion_sets = Table(
    "opinion_sets",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("corpus", Text, nullable=False),
    Column("value", Text, nullable=False),
)

generations = Table(
    "generations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("created", UtcDateTime, nullable=False),
    Column("finished", UtcDateTime),
    Column("info", Text),
)

summaries = Table(
    "summaries",
    metadata,
    Column("generation_id", String(64), ForeignKey("generations.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("set_id", String(64), ForeignKey("opinion_sets.id"), nullable=False),
    # A JSON string: a model may write a NUL character, which PostgreSQL's text refuses.
    Column("text", Text, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("truncated", Boolean, nullable=False),
)

# One pair of summaries that an audience judges, and the answer of each phone.
audiences = Table(
    "audiences",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("set_id", String(64), nullable=False),
    Column("address", Text, nullable=False),
    Column("opened", UtcDateTime, nullable=False),
    Column("closed", UtcDateTime),
    Column("revealed", UtcDateTime),
    Index("ix_audiences_run", "run_id", "opened"),
)

audience_votes = Table(
    "audience_votes",
    metadata,
    Column("audience_id", String(32), ForeignKey("audiences.id", ondelete="CASCADE"), primary_key=True),
    # The hash of a phone's random token: nothing that leads back to the phone.
    Column("phone", String(64), primary_key=True),
    Column("answer", String(16), nullable=False),
    Column("swapped", Boolean, nullable=False),
    Column("given", UtcDateTime, nullable=False),
)

# Reports that somebody asks for of a run that is done. What they find is a result of the run.
reports = Table(
    "reports",
    metadata,
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("options", Text, nullable=False),
    *_executed(),
    Index("ix_reports_queue", "device", "state", "created"),
)

# What the program remembers of this database itself, by name.
settings = Table(
    "settings",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("device", String(32), primary_key=True),
    Column("pid", Integer, nullable=False),
    Column("started", UtcDateTime, nullable=False),
    Column("heartbeat", UtcDateTime, nullable=False),
)

# Questions to the explorer of a device. No run and no result: they are deleted after an hour.
explorations = Table(
    "explorations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("asker", String(32), nullable=False),
    Column("device", String(32), nullable=False),
    Column("request", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("finished", UtcDateTime),
    Column("message", Text, nullable=False),
    Column("masks", Text),
    Column("perplexity", Text),
    Column("error", Text),
    Index("ix_explorations_queue", "device", "state", "id"),
    sqlite_autoincrement=True,  # a number is never given twice: a page that asks for an old one finds nothing
)
