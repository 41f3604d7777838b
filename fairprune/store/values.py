"""What the store hands out: plain frozen values. Times are UTC and say so."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from fairprune.spec import RunSpec

Origin = Literal["here", "imported", "example"]
ORIGINS: tuple[Origin, ...] = ("here", "imported", "example")
State = Literal["queued", "running", "done", "failed", "cancelled", "interrupted"]
STATES: tuple[State, ...] = ("queued", "running", "done", "failed", "cancelled", "interrupted")
RESTARTABLE: tuple[State, ...] = ("failed", "cancelled", "interrupted")
"""Submitting the same spec again queues it again. The other three states keep the run as it is."""
ENDED: tuple[State, ...] = ("done", *RESTARTABLE)

ReportKind = Literal["collapse"]
ExplorationState = Literal["waiting", "working", "done", "failed", "superseded"]


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
    stage: str | None = None
    """What it does at the moment, or did last; None before the first report."""
    done: int = 0
    """Steps of the stage that are finished, of `total`. Both 0 before the first report."""
    total: int = 0
    message: str = ""
    error: str | None = None
    """One sentence for a person."""
    error_detail: str | None = None
    """The traceback or the last lines of the process; shown folded away."""
    cancel_requested: bool = False
    attempt: int = 1
    """1 for the first; each restart adds one."""
    queue_position: int | None = None
    """1 = next on its device; None unless queued."""
    worker_pid: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    """Wall-clock seconds of each finished stage of the current attempt."""
    name: str | None = None
    """What a person calls it; None: its title says what it is."""
    notes: str = ""
    tags: tuple[str, ...] = ()
    """In alphabetical order."""
    origin: Origin = "here"
    """Computed here, read from another's bundle, or an example that comes with fairprune. Only the first starts again."""

    @property
    def label(self) -> str:
        """Its name, or its title."""
        return self.name or self.title


@dataclass(frozen=True)
class Sweep:
    """Runs that were asked for together."""

    id: str
    """16 hex digits: the hash of its run ids."""
    title: str
    created: datetime
    axes: dict[str, Any]
    """What was varied, name → values, as the form or the command line asked."""
    run_ids: tuple[str, ...]


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


@dataclass(frozen=True)
class Report:
    """A report on a run, and how far it is. What it finds stands in the run's results."""

    run_id: str
    kind: ReportKind
    options: dict[str, Any]
    device: str
    state: State
    created: datetime
    """When it was asked for."""
    started: datetime | None
    finished: datetime | None
    done: int
    """Steps that are finished, of `total`; both 0 before the first."""
    total: int
    message: str
    error: str | None
    """One sentence for a person."""
    error_detail: str | None
    cancel_requested: bool

    @property
    def ended(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True)
class Exploration:
    """A question to the explorer of a device, and what is answered of it so far."""

    number: int
    asker: str
    device: str
    request: dict[str, Any]
    """`exploration.ExploreSpec` as JSON."""
    state: ExplorationState
    created: datetime
    finished: datetime | None
    message: str
    """What the explorer does for it at the moment; '' before it has begun."""
    masks: dict[str, Any] | None
    """'report' (SparsityReport as JSON), 'overlap' (None, or 'total', 'chance', 'matrices'), 'seconds' since it was asked."""
    perplexity: dict[str, Any] | None
    """'dense', 'pruned', 'ratio' as `perplexity.compare` has them, 'interval' (None) with its 'reason', 'seconds'."""
    error: str | None
    """One sentence for a person where it failed."""

    @property
    def ended(self) -> bool:
        return self.state not in ("waiting", "working")
