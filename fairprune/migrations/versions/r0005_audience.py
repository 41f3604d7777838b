"""Votes of an audience: which pair was shown, and what each phone answered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audiences",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("run_id", sa.String(16), sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("set_id", sa.String(64), nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("opened", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed", sa.DateTime(timezone=True)),
        sa.Column("revealed", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_audiences_run", "audiences", ["run_id", "opened"])
    op.create_table(
        "audience_votes",
        sa.Column(
            "audience_id", sa.String(32), sa.ForeignKey("audiences.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("phone", sa.String(64), primary_key=True),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.Column("swapped", sa.Boolean, nullable=False),
        sa.Column("given", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("audience_votes")
    op.drop_table("audiences")
