"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _time(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        _time("created", nullable=False),
        _time("queued", nullable=False),
        _time("started"),
        _time("finished"),
        sa.Column("stage", sa.Text),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("error_detail", sa.Text),
        sa.Column("cancel_requested", sa.Boolean, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("worker_pid", sa.Integer),
        sa.Column("seconds", sa.Text, nullable=False),
    )
    op.create_index("ix_runs_queue", "runs", ["device", "state", "queued"])
    op.create_index("ix_runs_queued", "runs", ["queued"])
    op.create_table(
        "logs",
        sa.Column("run_id", sa.String(16), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        _time("time", nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_table(
        "results",
        sa.Column("run_id", sa.String(16), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("kind", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "opinion_sets",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("corpus", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "generations",
        sa.Column("id", sa.String(64), primary_key=True),
        _time("created", nullable=False),
        _time("finished"),
        sa.Column("info", sa.Text),
    )
    op.create_table(
        "summaries",
        sa.Column(
            "generation_id",
            sa.String(64),
            sa.ForeignKey("generations.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("set_id", sa.String(64), sa.ForeignKey("opinion_sets.id"), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("truncated", sa.Boolean, nullable=False),
    )
    op.create_table(
        "workers",
        sa.Column("device", sa.String(32), primary_key=True),
        sa.Column("pid", sa.Integer, nullable=False),
        _time("started", nullable=False),
        _time("heartbeat", nullable=False),
    )


def downgrade() -> None:
    for table in ("workers", "summaries", "generations", "opinion_sets", "results", "logs", "runs"):
        op.drop_table(table)
