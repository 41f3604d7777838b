"""What a page asks the database does not grow with the number of runs: no query per row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from fairprune.store import open_store
from tests.pages.filled import app, fill, spec

VIEWS = (
    ("Start", {}),
    ("Prune", {"mode": "run"}),
    ("Prune", {"mode": "sweep"}),
    ("Trade-offs", {}),
    ("Summaries", {}),
    ("Summaries", {"view": "drag"}),
    ("Layers", {}),
    ("Fairness", {}),
    ("Runs", {}),
)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every SQL statement that is sent meanwhile, beginnings of transactions left out."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA")):
            sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def counts() -> dict[str, int]:
    found = {}
    for name, address in VIEWS:
        app(name, **address)  # fills what the server keeps
        with statements() as sent:
            app(name, **address)
        found[f"{name} {address}"] = len(sent)
    return found


def test_twice_as_many_runs_cost_as_many_queries() -> None:
    with open_store() as store:
        for step in range(8):
            fill(store, spec(0.1 + step / 100))
        few = counts()
        for step in range(8, 16):
            fill(store, spec(0.1 + step / 100))
        many = counts()
    assert min(few.values()) > 0
    grown = {name for name in few if many[name] > few[name]}
    assert not grown, (few, many)
