"""A run's whole estimate: shapes, work, memory, disk and time put together, beside what this machine has free."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from fairprune import catalogue
from fairprune.identity import COVARIANCES, STATISTICS_LIMIT
from fairprune.packages import ASSETS
from fairprune.preflight.asked import Asked, Job, asked, statistics_kinds
from fairprune.preflight.duration import TimeRange, time_range
from fairprune.preflight.machine import Machine, this_machine
from fairprune.preflight.memory import Part, Placement, Stage, stages
from fairprune.preflight.rates import Rates, rates
from fairprune.preflight.shapes import ModelShape, model_shape
from fairprune.spec import RunSpec
from fairprune.store import Store

MARGIN = 1.1
"""Fits: the estimated peak and a tenth more is free."""
ORIGINS = {
    "headers": "the headers of its safetensors",
    "hub": "the headers of its safetensors on the hub",
    "catalogue": "the catalogue's numbers of its config",
}


@dataclass(frozen=True)
class Preflight:
    """What a run needs, beside what this machine has free."""

    spec: RunSpec
    dtype: str
    """The number format that the model will have."""
    placement: Placement
    """Whether all weights lie on the device, or one block at a time."""
    origin: str
    """What the shapes were read from."""
    stages: tuple[Stage, ...]
    disk: tuple[Part, ...]
    """What the run writes."""
    time: TimeRange | None
    """None for an accelerator that nothing has run on yet."""
    machine: Machine
    statistics_stored: bool
    summaries_stored: int
    """Dense summaries that are stored already, of `sets`."""
    sets: int

    @property
    def accelerator_peak(self) -> Stage | None:
        """The stage with most memory on the accelerator; None on a CPU."""
        top = max(self.stages, key=lambda stage: stage.accelerator_bytes)
        return top if top.accelerator else None

    @property
    def host_peak(self) -> Stage:
        """The stage with most memory on the host."""
        return max(self.stages, key=lambda stage: stage.host_bytes)

    @property
    def accelerator_needs(self) -> int:
        """Bytes of the largest stage on the accelerator; 0 on a CPU."""
        return max(stage.accelerator_bytes for stage in self.stages)

    @property
    def disk_bytes(self) -> int:
        return sum(part.bytes for part in self.disk)

    @property
    def lacking(self) -> tuple[str, ...]:
        """What this machine has too little of, of 'accelerator', 'host', 'disk'; what cannot be told does not lack."""
        needs = {
            "accelerator": (self.accelerator_needs, self.machine.accelerator),
            "host": (self.host_peak.host_bytes, self.machine.host),
            "disk": (self.disk_bytes, self.machine.disk),
        }
        return tuple(
            name for name, (need, free) in needs.items() if free is not None and need * MARGIN > free
        )

    @property
    def fits(self) -> bool:
        return not self.lacking


def estimate(
    spec: RunSpec,
    placement: Literal["auto", "resident", "streamed"] = "auto",
    machine: Machine | None = None,
    *,
    job: Job = "run",
    store: Store | None = None,
    speed: Rates | None = None,
) -> Preflight:
    """What this run needs.

    Args:
        spec: as `plan_run` gives it, or with `checked=False` for an answer without its long checks.
        placement: 'auto' keeps all weights on an accelerator where they fit, and where they do not, one block at a time, if
            that helps. On a CPU all of it is host memory.
        machine: what is free; None: this machine.
        job: 'run' prunes, summarises and scores; 'prune' prunes and writes a folder.
        store: earlier runs, for the time and for what is computed already; None: none.
        speed: the rates of the device, where a caller has them already; None: told from earlier runs.

    Raises:
        BadInput: a model or opinions that cannot be used.
        Unavailable: a model whose shape cannot be had here.
    """
    shape = model_shape(spec.model.name)
    machine = machine or this_machine(spec.device)
    dtype = shape.dtype if spec.model.dtype == "auto" else spec.model.dtype
    work = asked(spec, dtype, job, store)
    if placement == "streamed" and spec.device == "cpu":
        placement = "resident"
    first: Placement = "resident" if placement == "auto" else placement
    known = speed or rates(store, spec.device, dtype)
    found = _estimate(spec, shape, dtype, work, first, machine, known)
    if placement == "auto" and "accelerator" in found.lacking:
        streamed = _estimate(spec, shape, dtype, work, "streamed", machine, known)
        # Summaries need the whole model there: where these are the peak, going block by block helps nothing.
        if streamed.accelerator_needs < found.accelerator_needs:
            return streamed
    return found


def placement_of(spec: RunSpec, job: Job) -> Placement:
    """Where a job puts its weights: block by block where they do not fit the accelerator whole and that helps."""
    if spec.device == "cpu":
        return "resident"
    return estimate(spec, job=job).placement


def _estimate(
    spec: RunSpec,
    shape: ModelShape,
    dtype: str,
    work: Asked,
    placement: Placement,
    machine: Machine,
    known: Rates | None,
) -> Preflight:
    calibration = spec.calibration
    own = calibration.samples * calibration.seqlen if calibration.name.startswith("model-output") else 0
    reads = work.dense_pass or work.pruned_walk
    duration = None
    if known is not None:
        duration = time_range(shape, work, spec.evaluation, dtype, known, placement, own if reads else 0)
    return Preflight(
        spec=spec,
        dtype=dtype,
        placement=placement,
        origin=ORIGINS[shape.origin],
        stages=stages(
            shape,
            work,
            spec.evaluation,
            spec.model.dtype,
            device=spec.device,
            placement=placement,
            threads=cores(),
            host_free=machine.host,
        ),
        disk=_disk(spec, shape, dtype, work),
        time=duration,
        machine=machine,
        statistics_stored=work.statistics_stored,
        summaries_stored=work.summaries_stored,
        sets=work.sets,
    )


def cores() -> int:
    """How many threads torch will use: OMP_NUM_THREADS, else the cores of this process."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    if given.isdigit() and int(given):
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _disk(spec: RunSpec, shape: ModelShape, dtype: str, work: Asked) -> tuple[Part, ...]:
    """What is written: the model where it is not here, statistics where they are kept, the pruned folder."""
    source = catalogue.resolve(spec.model.name)
    download = 0
    if source.kind == "package" and catalogue.preview_folder(source) is None:
        download = ASSETS[source.place].room * 10**6
    elif shape.origin != "headers":
        download = shape.stored_bytes
    kinds = statistics_kinds(spec) or ()
    sizes = [4 * shape.prunable for kind in kinds if "/" in kind]
    sizes += [4 * shape.stored_covariances for kind in kinds if kind == COVARIANCES]
    # Each kind is a file; one beyond the limit is not kept, and older ones go for new ones.
    kept = (
        0 if work.statistics_stored else min(STATISTICS_LIMIT, sum(s for s in sizes if s <= STATISTICS_LIMIT))
    )
    folder = shape.parameters * shape.item_bytes(dtype) + shape.prunable if work.job == "prune" else 0
    parts = (Part("download", download), Part("statistics", kept), Part("pruned model and masks", folder))
    return tuple(part for part in parts if part.bytes)
