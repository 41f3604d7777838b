"""Studies of human judgments: designs, items, judges, leases of votes, votes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "studies",
    "items",
    "judges",
    "judge_tokens",
    "invites",
    "payments",
    "slots",
    "tasks",
    "votes",
    "vote_history",
)


def _time(name: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _to(table: str, name: str, *, key: bool = False, nullable: bool = False, gone: str = "CASCADE") -> Any:
    return sa.Column(
        name,
        sa.String(16),
        sa.ForeignKey(f"{table}.id", ondelete=gone),
        primary_key=key,
        nullable=nullable,
    )


def _number(name: str, *, key: bool = False, **more: Any) -> sa.Column[Any]:
    if key:
        return sa.Column(name, sa.Integer, primary_key=True, autoincrement=False)
    return sa.Column(name, sa.Integer, nullable=False, **more)


# What SQLite's json_valid is for: a damaged document is no JSON, and must not end the query over all the others.
JSON_OR_NULL = """
CREATE FUNCTION fairprune_json(value text) RETURNS json LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    RETURN value::jsonb::json;  -- jsonb: json would take a NUL character, and fail when it is read
EXCEPTION WHEN invalid_text_representation OR untranslatable_character THEN
    RETURN NULL;
END
$$
"""


def _postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def upgrade() -> None:
    if _postgresql():
        op.execute(JSON_OR_NULL)
    op.create_table(
        "studies",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("design", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64)),
        _time("created", nullable=False),
        _time("edited", nullable=False),
        _time("opened"),
        _time("closed"),
        _time("opens"),
        _time("closes"),
        sa.Column("open_token", sa.String(64), unique=True),
        sa.Column("copied_from", sa.String(16)),
        sa.Column("origin", sa.String(16), nullable=False, server_default="here"),
        _number("withdrawn", server_default="0"),
        _number("last_judge", server_default="0"),
    )
    op.create_index("ix_studies_created", "studies", ["created"])
    op.create_table(
        "items",
        sa.Column("id", sa.String(16), primary_key=True),
        _to("studies", "study_id"),
        _number("number"),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("set_id", sa.String(64), sa.ForeignKey("opinion_sets.id")),
        sa.Column("system_a", sa.Text, nullable=False),
        sa.Column("system_b", sa.Text, nullable=False),
        sa.Column("run_a", sa.String(16)),
        sa.Column("run_b", sa.String(16)),
        sa.Column("value", sa.Text, nullable=False),
        _number("after"),
        sa.Column("excluded", sa.Boolean, nullable=False),
        sa.Column("automatic", sa.Boolean, nullable=False),
        sa.UniqueConstraint("study_id", "number", name="uq_items_number"),
    )
    op.create_table(
        "judges",
        sa.Column("id", sa.String(16), primary_key=True),
        _to("studies", "study_id"),
        _number("number"),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("group_name", sa.Text),
        sa.Column("crowd_key", sa.String(64)),
        _time("entered", nullable=False),
        _time("consented"),
        _time("seen", nullable=False),
        _time("finished"),
        _number("failures"),
        sa.UniqueConstraint("study_id", "number", name="uq_judges_number"),
        sa.UniqueConstraint("study_id", "crowd_key", name="uq_judges_crowd"),
    )
    op.create_index("ix_judges_state", "judges", ["study_id", "state"])
    op.create_table(
        "judge_tokens",
        sa.Column("token", sa.String(64), primary_key=True),
        _to("judges", "judge_id"),
    )
    op.create_index("ix_judge_tokens_judge", "judge_tokens", ["judge_id"])
    op.create_table(
        "invites",
        sa.Column("token", sa.String(64), primary_key=True),
        _to("studies", "study_id"),
        sa.Column("label", sa.Text, nullable=False),
        _time("created", nullable=False),
        _time("revoked"),
        _to("judges", "judge_id", nullable=True, gone="SET NULL"),
    )
    op.create_index("ix_invites_study", "invites", ["study_id"])
    op.create_table(
        "payments",
        _to("judges", "judge_id", key=True),
        _to("studies", "study_id"),
        sa.Column("crowd_id", sa.Text, nullable=False),
        sa.Column("crowd_study", sa.Text, nullable=False),
        sa.Column("crowd_session", sa.Text, nullable=False),
        _time("created", nullable=False),
    )
    op.create_index("ix_payments_study", "payments", ["study_id"])
    _answers()


def _answers() -> None:
    op.create_table(
        "slots",
        _to("items", "item_id", key=True),
        _number("number", key=True),
        _to("studies", "study_id"),
        _to("judges", "judge_id", nullable=True, gone="SET NULL"),
        _time("expires"),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.UniqueConstraint("item_id", "judge_id", name="uq_slots_judge"),
    )
    op.create_index("ix_slots_study", "slots", ["study_id", "done"])
    op.create_index("ix_slots_judge", "slots", ["judge_id"])
    op.create_table(
        "tasks",
        _to("judges", "judge_id", key=True),
        _to("items", "item_id", key=True),
        _number("occasion", key=True),
        _to("studies", "study_id"),
        sa.Column("key", sa.String(32), nullable=False, unique=True),
        _number("number"),
        sa.Column("swapped", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        _time("first_shown", nullable=False),
        _time("shown", nullable=False),
        _time("ended"),
    )
    op.create_index("ix_tasks_study", "tasks", ["study_id"])
    op.create_table(
        "votes",
        _to("studies", "study_id"),
        _to("judges", "judge_id", key=True),
        _to("items", "item_id", key=True),
        _number("occasion", key=True),
        sa.Column("question", sa.String(64), primary_key=True),
        sa.Column("answer", sa.String(64), nullable=False),
        sa.Column("swapped", sa.Boolean, nullable=False),
        _number("place"),
        sa.Column("key", sa.String(32), nullable=False),
        _time("shown", nullable=False),
        _time("given", nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("comment", sa.Text, nullable=False),
    )
    op.create_index("ix_votes_study", "votes", ["study_id"])
    op.create_table(
        "vote_history",
        sa.Column("id", sa.Integer, primary_key=True),
        _to("studies", "study_id"),
        _to("judges", "judge_id"),
        _to("items", "item_id"),
        _number("occasion"),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("question", sa.String(64), nullable=False),
        sa.Column("answer", sa.String(64), nullable=False),
        _time("at", nullable=False),
    )
    op.create_index("ix_vote_history_study", "vote_history", ["study_id"])
    op.create_index("ix_vote_history_judge", "vote_history", ["judge_id"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    if _postgresql():
        op.execute("DROP FUNCTION fairprune_json(text)")
