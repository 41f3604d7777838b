"""Alembic's entry: migrates on the connection that `open_store` gives."""

from __future__ import annotations

from alembic import context

from fairprune.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite changes a column only by copying its table
)
with context.begin_transaction():
    context.run_migrations()
