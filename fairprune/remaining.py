"""How long a run still takes: from the stages of earlier runs like it, its own pace, or how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from fairprune.stages import EDIT, RECOVERY, stages_of
from fairprune.store import Chosen, Run, Store

LOOKED_AT = 40
"""Latest finished runs of this machine, of the same model on the same device."""
LEAST_FRACTION, LEAST_SECONDS = 0.1, 3.0
"""Below these a share of the way tells no time."""


def fraction(run: Run) -> float:
    """How far the whole run is, in [0, 1]: finished stages, and the part of the current one."""
    stages = stages_of(run.spec)
    if run.stage not in stages:
        return 0.0
    part = run.done / run.total if run.total else 0.0
    return min(1.0, (stages.index(run.stage) + part) / len(stages))


def usual_seconds(store: Store, run: Run) -> dict[str, float]:
    """Stage → seconds that it usually takes in runs like this one; {} where none like it has finished on this machine."""
    chosen = Chosen(states=("done",), model=run.spec.model.name, device=run.device, origin="here")
    return stage_medians(store.find_runs(chosen, limit=LOOKED_AT).runs, run)


def stage_medians(earlier: Sequence[Run], run: Run) -> dict[str, float]:
    """Stage → median seconds over the earlier runs of the same amount of work; of the same method where there are any."""
    alike = [other for other in earlier if _amount(other) == _amount(run)]
    same = [other for other in alike if _way(other) == _way(run)]
    found = {}
    for stage in stages_of(run.spec):
        values = [
            other.seconds[stage]
            for other in same or alike
            if stage in other.seconds and _as_long(stage, run, other)
        ]
        if values:
            found[stage] = median(values)
    return found


def _amount(run: Run) -> tuple[Any, ...]:
    """What decides how much is summarised, read and measured."""
    calibration, evaluation = run.spec.calibration, run.spec.evaluation
    return (
        *(calibration.samples, calibration.seqlen, evaluation.corpus, evaluation.samples),
        *(evaluation.max_new_tokens, evaluation.batch_size, evaluation.noise_band, evaluation.loss_ratio),
        *(evaluation.perplexity_windows, evaluation.perplexity_tokens),
    )


def _way(run: Run) -> tuple[Any, ...]:
    return run.spec.pruning.method, run.spec.pruning.allocation, run.spec.pruning.options


def _as_long(stage: str, run: Run, other: Run) -> bool:
    """Whether this stage takes as long in both: of an edit and a recovery all matters but which control it is, and seeds."""
    if stage not in (EDIT, RECOVERY):
        return True
    mine, theirs = (getattr(one.spec, stage) for one in (run, other))
    same = {"control": "none", "seed": 0}
    return theirs is not None and all(
        same.get(name, getattr(mine, name)) == same.get(name, getattr(theirs, name))
        for name in type(mine).model_fields
    )


def kind_of(run: Run) -> str:
    """Equal for runs that take the same time, as far as earlier runs can tell."""
    return repr((run.spec.model.name, run.device, _amount(run), _way(run)))


def time_left(run: Run, now: datetime, usual: Mapping[str, float]) -> float | None:
    """Seconds until the whole run is done; None while nothing tells.

    Args:
        usual: as `usual_seconds`.
    """
    stages = stages_of(run.spec)
    if run.started is None or run.stage not in stages:
        return None
    elapsed = max(0.0, (now - run.started).total_seconds())
    within = max(0.0, elapsed - sum(run.seconds.values()))
    current: float | None = None
    if 0 < run.done < run.total and within > 1:
        current = within / run.done * (run.total - run.done)
    elif run.total and run.done >= run.total:
        current = 0.0
    elif run.stage in usual:
        current = max(0.0, usual[run.stage] - within)
    later = [usual.get(stage) for stage in stages[stages.index(run.stage) + 1 :]]
    known = [seconds for seconds in later if seconds is not None]
    if current is not None and len(known) == len(later):
        return current + sum(known)
    share = fraction(run)
    if share >= LEAST_FRACTION and elapsed >= LEAST_SECONDS:
        return elapsed * (1 - share) / share
    return None
