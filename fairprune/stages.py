"""The stages of a run, and how one on its way says where it is: rows of the store, no more often than a page looks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from fairprune.spec import RunSpec
from fairprune.store import Store

STAGES = (
    "model",
    "opinions",
    "calibration",
    "dense summaries",
    "statistics",
    "pruning",
    "pruned summaries",
    "metrics",
)
"""Of every run, in order."""
EDIT, RECOVERY = "edit", "recovery"
"""Stages that only a run has that asks for them."""
PROGRESS_SECONDS = 0.5
"""Between two progress rows of one stage."""


def stages_of(spec: RunSpec) -> tuple[str, ...]:
    """The stages of this run, in order: an edit before the statistics or after pruning, a recovery last before the summaries."""
    found = list(STAGES)
    if spec.edit is not None:
        before = spec.edit.order == "before"
        found.insert(found.index("statistics") if before else found.index("pruning") + 1, EDIT)
    if spec.recovery is not None:
        found.insert(found.index("pruned summaries"), RECOVERY)
    return tuple(found)


@dataclass
class Staged:
    """What a run writes of itself while it runs."""

    store: Store
    run_id: str
    _stage: str = field(default="", init=False)
    _reported: float = field(default=0.0, init=False)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """A stage; its wall-clock seconds are stored when it ends without an error."""
        self._stage, self._reported = name, 0.0
        start = time.perf_counter()
        self.progress(0, 1, "")
        yield
        self.store.stage_seconds(self.run_id, name, time.perf_counter() - start)

    def progress(self, done: int, total: int, message: str) -> None:
        """A progress row, at most two a second; the last step of a stage is always written."""
        now = time.monotonic()
        if done >= total or now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            self.store.progress(self.run_id, self._stage, done, total, message)

    def say(self, text: str) -> None:
        """A line of the run's log."""
        self.store.log(self.run_id, text)
