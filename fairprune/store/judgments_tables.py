"""The tables of studies and what judges say. A change here needs a migration beside it: a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from fairprune.store.tables import UtcDateTime, metadata

HASH = 64
"""Hex digits of SHA-256: all that is kept of a token or a crowd id."""


def _of_study() -> Column[str]:
    return Column("study_id", String(16), ForeignKey("studies.id", ondelete="CASCADE"), nullable=False)


def _of_judge(*, key: bool = False) -> Column[str]:
    return Column(
        "judge_id", String(16), ForeignKey("judges.id", ondelete="CASCADE"), primary_key=key, nullable=False
    )


def _of_item(*, key: bool = False) -> Column[str]:
    return Column(
        "item_id", String(16), ForeignKey("items.id", ondelete="CASCADE"), primary_key=key, nullable=False
    )


studies = Table(
    "studies",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("title", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("design", Text, nullable=False),
    # Of design and items, from the moment of opening on.
    Column("hash", String(HASH)),
    Column("created", UtcDateTime, nullable=False),
    Column("edited", UtcDateTime, nullable=False),
    Column("opened", UtcDateTime),
    Column("closed", UtcDateTime),
    # When the design itself says that it ends; here so that every look can ask.
    Column("opens", UtcDateTime),
    Column("closes", UtcDateTime),
    Column("open_token", String(HASH), unique=True),
    Column("copied_from", String(16)),
    Column("origin", String(16), nullable=False, server_default="here"),
    # Judges who had their data deleted: the flow of participants counts them, and nothing else is left of them.
    Column("withdrawn", Integer, nullable=False, server_default="0"),
    Column("last_judge", Integer, nullable=False, server_default="0"),
    Index("ix_studies_created", "created"),
)

items = Table(
    "items",
    metadata,
    Column("id", String(16), primary_key=True),
    _of_study(),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("set_id", String(64), ForeignKey("opinion_sets.id")),
    # Names of the two systems: never shown to a judge.
    Column("system_a", Text, nullable=False),
    Column("system_b", Text, nullable=False),
    Column("run_a", String(16)),
    Column("run_b", String(16)),
    # Texts as they are shown, and all else: JSON.
    Column("value", Text, nullable=False),
    Column("after", Integer, nullable=False),
    Column("excluded", Boolean, nullable=False),
    # The two texts are the same: a tie that is counted and never asked.
    Column("automatic", Boolean, nullable=False),
    UniqueConstraint("study_id", "number", name="uq_items_number"),
)

judges = Table(
    "judges",
    metadata,
    Column("id", String(16), primary_key=True),
    _of_study(),
    # 1, 2, … in the order of entering: the pseudonym, and the order of questions.
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("group_name", Text),
    # A keyed hash: nobody without the key can go from a crowd id to a judge.
    Column("crowd_key", String(HASH)),
    Column("entered", UtcDateTime, nullable=False),
    Column("consented", UtcDateTime),
    Column("seen", UtcDateTime, nullable=False),
    Column("finished", UtcDateTime),
    Column("failures", Integer, nullable=False),
    UniqueConstraint("study_id", "number", name="uq_judges_number"),
    UniqueConstraint("study_id", "crowd_key", name="uq_judges_crowd"),
    Index("ix_judges_state", "study_id", "state"),
)

# A judge may hold several: the link of the invitation, and one for each time that a crowd site sent them here.
judge_tokens = Table(
    "judge_tokens",
    metadata,
    Column("token", String(HASH), primary_key=True),
    _of_judge(),
    Index("ix_judge_tokens_judge", "judge_id"),
)

invites = Table(
    "invites",
    metadata,
    Column("token", String(HASH), primary_key=True),
    _of_study(),
    Column("label", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("revoked", UtcDateTime),
    Column("judge_id", String(16), ForeignKey("judges.id", ondelete="SET NULL")),
    Index("ix_invites_study", "study_id"),
)

# Who is paid. Can be deleted without touching a vote.
payments = Table(
    "payments",
    metadata,
    _of_judge(key=True),
    _of_study(),
    Column("crowd_id", Text, nullable=False),
    Column("crowd_study", Text, nullable=False),
    Column("crowd_session", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Index("ix_payments_study", "study_id"),
)

# One row for each vote that an item wants: free, leased to a judge until `expires`, or done.
slots = Table(
    "slots",
    metadata,
    _of_item(key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    _of_study(),
    Column("judge_id", String(16), ForeignKey("judges.id", ondelete="SET NULL")),
    Column("expires", UtcDateTime),
    Column("done", Boolean, nullable=False),
    UniqueConstraint("item_id", "judge_id", name="uq_slots_judge"),
    Index("ix_slots_study", "study_id", "done"),
    Index("ix_slots_judge", "judge_id"),
)

# An item as it was put before a judge. `occasion` 0 is the first time, 1 the second (a repeated item, a second try).
tasks = Table(
    "tasks",
    metadata,
    _of_judge(key=True),
    _of_item(key=True),
    Column("occasion", Integer, primary_key=True, autoincrement=False),
    _of_study(),
    # What an answer names. Undoing gives a new one: an answer that arrives late finds no task.
    Column("key", String(32), nullable=False, unique=True),
    Column("number", Integer, nullable=False),
    # Sides and times are empty where votes of elsewhere do not say them.
    Column("swapped", Boolean),
    Column("state", String(16), nullable=False),
    Column("first_shown", UtcDateTime),
    Column("shown", UtcDateTime),
    Column("ended", UtcDateTime),
    Index("ix_tasks_study", "study_id"),
)

votes = Table(
    "votes",
    metadata,
    _of_study(),
    _of_judge(key=True),
    _of_item(key=True),
    Column("occasion", Integer, primary_key=True, autoincrement=False),
    Column("question", String(64), primary_key=True),
    # By sides as the judge saw them: a is left.
    Column("answer", String(64), nullable=False),
    Column("swapped", Boolean),
    # 0: the first question that this judge saw of an item.
    Column("place", Integer, nullable=False),
    Column("key", String(32), nullable=False),
    Column("shown", UtcDateTime),
    Column("given", UtcDateTime),
    Column("seconds", Float),
    Column("comment", Text, nullable=False),
    Index("ix_votes_study", "study_id"),
)

# What judges took back, and what they left out.
vote_history = Table(
    "vote_history",
    metadata,
    Column("id", Integer, primary_key=True),
    _of_study(),
    _of_judge(),
    _of_item(),
    Column("occasion", Integer, nullable=False),
    Column("action", String(16), nullable=False),
    Column("question", String(64), nullable=False),
    Column("answer", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_vote_history_study", "study_id"),
    Index("ix_vote_history_judge", "judge_id"),
)
