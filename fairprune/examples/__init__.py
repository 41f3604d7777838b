"""Example runs that come with fairprune: real ones, made by `make examples`, on texts that may be passed on.

An empty store shows them at once. Whoever deletes or hides them does not get them again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fairprune.bundle import read_bundle
from fairprune.store import Run, Store

FOLDER = Path(__file__).parent
SETTING = "examples"
"""Under this name the store remembers which examples it has had."""
SWITCH = "FAIRPRUNE_EXAMPLES"
"""Environment variable: 0 leaves the examples out."""
MOST_RUNS = 1_000_000


@dataclass(frozen=True)
class _Had:
    """What a store has had of the examples."""

    version: str
    run_ids: tuple[str, ...]
    hidden: bool


def files() -> tuple[Path, ...]:
    """The packaged bundles, in alphabetical order."""
    return tuple(sorted(FOLDER.glob("*.zip")))


def version() -> str:
    """16 hex digits: the hash of the packaged bundles."""
    return _version(files())


@cache
def _version(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def switched_off() -> bool:
    return os.environ.get(SWITCH, "").strip() == "0"


def ensure(store: Store) -> tuple[str, ...]:
    """Offers the examples to a store once per version of theirs; returns the ids of the runs that are new in it.

    Examples of another version go away; an example that somebody deleted does not come back, and none does after `hide`.

    Raises:
        StoreError: the database cannot be written.
        BadInput: a packaged bundle is damaged.
    """
    had = _had(store)
    if switched_off() or not files() or (had is not None and (had.hidden or had.version == version())):
        return ()
    old = {run.id for run in runs(store)}
    deleted = set(had.run_ids) - old if had is not None else set()
    shown: list[str] = []
    new: list[str] = []
    for path in files():
        found = read_bundle(store, path, "example")
        shown += [*found.new, *found.kept]
        new += found.new
    for run_id in (old - set(shown)) | (deleted & set(new)):
        store.delete(run_id)
    _remember(store, _Had(version(), tuple(shown), hidden=False))
    return tuple(run_id for run_id in new if run_id not in deleted)


def hide(store: Store) -> int:
    """Deletes the example runs for good; returns how many there were.

    Raises:
        StoreError: the database cannot be written.
    """
    found = runs(store)
    _remember(store, _Had(version(), (), hidden=True))
    for run in found:
        store.delete(run.id)
    return len(found)


def runs(store: Store) -> list[Run]:
    """The example runs that are there, in the order of their bundles."""
    return [run for run in store.runs("done", MOST_RUNS) if run.origin == "example"]


def _had(store: Store) -> _Had | None:
    value = store.setting(SETTING)
    return None if value is None else _Had(value["version"], tuple(value["run_ids"]), value["hidden"])


def _remember(store: Store, had: _Had) -> None:
    store.put_setting(SETTING, {"version": had.version, "run_ids": list(had.run_ids), "hidden": had.hidden})
