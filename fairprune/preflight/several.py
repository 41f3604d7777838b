"""What many runs need together: each its own peak, their times added, and what they share counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fairprune.identity import STATISTICS_LIMIT, statistics_weights
from fairprune.preflight.asked import statistics_kinds
from fairprune.preflight.flight import Preflight, estimate
from fairprune.preflight.rates import Rates, rates
from fairprune.preflight.shapes import model_shape
from fairprune.spec import RunSpec
from fairprune.store import Store


@dataclass(frozen=True)
class SweepEstimate:
    """What the runs need that are not stored yet."""

    runs: int
    low: float | None
    """Wall-clock seconds of all of them, one after the other, without downloads; None where the machine has run nothing."""
    high: float | None
    rests_on: str
    """What the time was told from, for a person."""
    host: Preflight
    """The run with the highest peak on the host."""
    accelerator: Preflight | None
    """The same on the accelerator; None on a CPU."""
    disk_bytes: int
    misfits: tuple[Preflight, ...]
    """Runs that do not fit this machine, one of each kind."""


def estimate_sweep(specs: Sequence[RunSpec], store: Store | None = None) -> SweepEstimate | None:
    """What these runs need, in this order; None where there is none to run.

    Sparsity does not change what a run needs, so that one estimate stands for all that differ in it alone. Dense summaries
    and statistics are counted for the first run that needs them.

    Raises:
        BadInput, Unavailable: as `estimate`.
    """
    if not specs:
        return None
    speeds: dict[tuple[str, str], Rates | None] = {}
    kinds: dict[str, Preflight] = {}
    seen: set[tuple[str, ...]] = set()
    low, high, untold, disk = 0.0, 0.0, False, 0
    for spec in specs:
        key = _kind(spec)
        if key not in kinds:
            dtype = model_shape(spec.model.name).dtype if spec.model.dtype == "auto" else spec.model.dtype
            if (spec.device, dtype) not in speeds:
                speeds[spec.device, dtype] = rates(store, spec.device, dtype)
            kinds[key] = estimate(spec, store=store, speed=speeds[spec.device, dtype])
        found = kinds[key]
        shared = _shared(spec)
        done = {stage for stage, names in shared.items() if names and set(names) <= seen}
        for names in shared.values():
            seen.update(names)
        if found.time is None:
            untold = True
        else:
            middle = sum(found.time.stages.values())
            left = sum(seconds for stage, seconds in found.time.stages.items() if stage not in done)
            low, high = low + found.time.low * left / middle, high + found.time.high * left / middle
        written = 0 if "statistics" in done else found.disk_bytes
        disk += written
    on_device = [found for found in kinds.values() if found.accelerator_peak is not None]
    first = next(iter(kinds.values()))
    return SweepEstimate(
        runs=len(specs),
        low=None if untold else low,
        high=None if untold else high,
        rests_on="" if first.time is None else first.time.rests_on,
        host=max(kinds.values(), key=lambda found: found.host_peak.host_bytes),
        accelerator=max(on_device, key=lambda found: found.accelerator_needs) if on_device else None,
        disk_bytes=min(disk, STATISTICS_LIMIT + max(found.disk_bytes for found in kinds.values())),
        misfits=tuple(found for found in kinds.values() if not found.fits),
    )


def _kind(spec: RunSpec) -> str:
    """Equal for runs that need the same: all of the spec but how much is dropped."""
    pruning = spec.pruning.model_copy(update={"sparsity": 0.5, "pattern": None})
    return spec.model_copy(update={"pruning": pruning}).canonical()


def _shared(spec: RunSpec) -> dict[str, list[tuple[str, ...]]]:
    """Stage → names of what it leaves for later runs; a stage whose names were all seen is not paid again."""
    model, evaluation = (spec.model.model_dump_json(), spec.device), spec.evaluation.model_dump_json()
    windows = (*model, spec.calibration.model_dump_json())
    of = (*windows, statistics_weights(spec))
    own = spec.calibration.name.startswith("model-output")
    return {
        "dense summaries": [(*model, "dense", evaluation)],
        "calibration": [(*windows, "own", evaluation)] if own else [],
        "statistics": [(*of, "statistics", kind) for kind in statistics_kinds(spec) or ()],
    }
