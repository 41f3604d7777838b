"""What the store hands out: plain frozen values. Times are UTC and say so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fairprune.spec import RunSpec

State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
STATES: tuple[State, ...] = ("queued", "running", "done", "failed", "cancelled", "interrupted")
RESTARTABLE: tuple[State, ...] = ("failed", "cancelled", "interrupted")
"""Submitting the same spec again queues it again. The other three states keep the run as it is."""
ENDED: tuple[State, ...] = ("done", *RESTARTABLE)


@dataclass(frozen=True)
class Run:
    """One configuration and how far it has come."""

    id: str
    """16 hex digits: the hash of the spec."""
    spec: RunSpec
    title: str
    state: State
    device: str
    created: datetime
    """When it was first submitted."""
    started: datetime | None
    """When a worker took the current attempt; None while it waits."""
    finished: datetime | None
    stage: str | None
    """What it does at the moment, or did last; None before the first report."""
    done: int
    """Steps of the stage that are finished, of `total`. Both 0 before the first report."""
    total: int
    message: str
    error: str | None
    """One sentence for a person."""
    error_detail: str | None
    """The traceback or the last lines of the process; shown folded away."""
    cancel_requested: bool
    attempt: int
    """1 for the first; each restart adds one."""
    queue_position: int | None
    """1 = next on its device; None unless queued."""
    worker_pid: int | None
    seconds: dict[str, float]
    """Wall-clock seconds of each finished stage of the current attempt."""


@dataclass(frozen=True)
class LogLine:
    number: int
    """1, 2, … within a run; ask for `after=number` to read on. Goes on counting over attempts."""
    time: datetime
    text: str


@dataclass(frozen=True)
class SummaryRow:
    """One summary of one opinion set."""

    set_id: str
    position: int
    """Place of the set in the evaluation's list, from 0."""
    text: str
    """As scored; '' when the model wrote nothing."""
    tokens: int
    """Tokens generated."""
    seconds: float
    """Wall-clock seconds, its share of the batch."""
    truncated: bool
    """Whether generation ended at the token limit, not by itself."""


@dataclass(frozen=True)
class Worker:
    """The process that executes the runs of a device."""

    device: str
    pid: int
    started: datetime
    heartbeat: datetime
    """When it last said that it lives; every 2 s while it does."""
