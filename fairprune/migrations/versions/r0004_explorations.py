"""Questions to the explorer of a device, and its answers; runs say where their statistics lie."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "explorations",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("asker", sa.String(32), nullable=False),
        sa.Column("device", sa.String(32), nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished", sa.DateTime(timezone=True)),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("masks", sa.Text),
        sa.Column("perplexity", sa.Text),
        sa.Column("error", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_explorations_queue", "explorations", ["device", "state", "id"])
    _say_where_statistics_lie()


def _say_where_statistics_lie() -> None:
    """Runs made before said only whether they had reused statistics; the rest of their results says whose they are."""
    connection = op.get_bind()
    runs = sa.table("runs", sa.column("id"), sa.column("spec"))
    results = sa.table("results", sa.column("run_id"), sa.column("kind"), sa.column("value"))

    def of_kind(kind: str, run_id: str) -> dict[str, Any] | None:
        chosen = sa.select(results.c.value).where(results.c.kind == kind, results.c.run_id == run_id)
        text = connection.execute(chosen).scalar()
        return None if text is None else json.loads(text)

    with_statistics = sa.select(results.c.run_id).where(results.c.kind == "statistics")
    for run_id in connection.execute(with_statistics).scalars().all():
        spec = json.loads(connection.execute(sa.select(runs.c.spec).where(runs.c.id == run_id)).scalar_one())
        found, calibration, generation = (
            of_kind(kind, run_id) for kind in ("statistics", "calibration", "generation")
        )
        if found is None or calibration is None or generation is None or "place" in found:
            continue
        found["place"] = {
            "weights": spec["model"]["identity"],
            "dtype": generation["systems"]["dense"]["dtype"],
            "device": spec["device"],
            "windows": calibration["hash"],
        }
        connection.execute(
            sa.update(results)
            .where(results.c.kind == "statistics", results.c.run_id == run_id)
            .values(value=json.dumps(found, separators=(",", ":")))
        )


def downgrade() -> None:
    op.drop_table("explorations")
