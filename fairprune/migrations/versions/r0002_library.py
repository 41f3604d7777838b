"""What people say of their runs: names, notes, tags; where a run comes from; sweeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sweeps",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "sweep_runs",
        sa.Column(
            "sweep_id", sa.String(16), sa.ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("run_id", sa.String(16), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    )
    op.create_index("ix_sweep_runs_run", "sweep_runs", ["run_id"])
    op.create_table(
        "tags",
        sa.Column("run_id", sa.String(16), sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("tag", sa.String(64), primary_key=True),
    )
    # Not in a batch, which on SQLite drops the old table, and with it every row that refers to it.
    op.add_column("runs", sa.Column("name", sa.Text, nullable=True))
    op.add_column("runs", sa.Column("notes", sa.Text, nullable=False, server_default=""))
    op.add_column("runs", sa.Column("origin", sa.String(16), nullable=False, server_default="here"))


def downgrade() -> None:
    for column in ("name", "notes", "origin"):
        op.drop_column("runs", column)
    for table in ("tags", "sweep_runs", "sweeps"):
        op.drop_table(table)
