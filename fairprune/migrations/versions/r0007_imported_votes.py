"""Votes of elsewhere: what is not known of them (times, sides) is empty."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPEN: dict[str, tuple[tuple[str, Any], ...]] = {
    "tasks": (
        ("swapped", sa.Boolean()),
        ("first_shown", sa.DateTime(timezone=True)),
        ("shown", sa.DateTime(timezone=True)),
    ),
    "votes": (
        ("swapped", sa.Boolean()),
        ("shown", sa.DateTime(timezone=True)),
        ("given", sa.DateTime(timezone=True)),
        ("seconds", sa.Float()),
    ),
}
"""Table → columns that may be empty from here on. No other table refers to these two, so that SQLite may make them anew."""


def _set(nullable: bool) -> None:
    for table, columns in OPEN.items():
        with op.batch_alter_table(table) as batch:
            for name, kind in columns:
                batch.alter_column(name, existing_type=kind, nullable=nullable)


def upgrade() -> None:
    _set(True)


def downgrade() -> None:
    # The tables of before have no room for them.
    op.execute("DELETE FROM studies WHERE origin = 'imported'")
    _set(False)
