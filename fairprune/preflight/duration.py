"""Work and rates → how long a run takes, as a range."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fairprune.preflight.asked import Asked
from fairprune.preflight.debias import PATH_STEPS, UPDATE, Added
from fairprune.preflight.memory import Placement
from fairprune.preflight.rates import Rates, solve_flops
from fairprune.preflight.shapes import ModelShape
from fairprune.spec import EvaluationSpec
from fairprune.stages import EDIT, RECOVERY

LOADING = 1e9
"""Bytes of weights a second that come from a disk, or are written to it."""
BUS = 1e10
"""Bytes a second from the host to an accelerator, for weights that are streamed. Not measured by this project."""
CALIBRATION_PORTIONS = 512
"""Most dense summaries that a calibration set of the model's own output costs."""


@dataclass(frozen=True)
class TimeRange:
    """Wall-clock seconds of the whole run, without downloads."""

    low: float
    high: float
    rests_on: str
    """What it was told from, for a person."""
    stages: dict[str, float]
    """The middle of the range, by stage; 'model' with all that comes before the first pass."""


def time_range(
    shape: ModelShape,
    asked: Asked,
    evaluation: EvaluationSpec,
    dtype: str,
    rates: Rates,
    placement: Placement,
    own_output: int = 0,
) -> TimeRange:
    """How long this work takes at these rates.

    Args:
        own_output: tokens of calibration windows that the model must write itself.
    """
    item = shape.item_bytes(dtype)
    weights = shape.parameters * item
    token = 2.0 * shape.prunable
    seen = asked.windows * asked.tokens
    # Weights that are streamed cross the bus in every pass.
    across = weights / BUS if placement == "streamed" else 0.0
    found = {"model": rates.start + weights / LOADING}
    step = weights / rates.decode + across

    def summaries(count: int) -> float:
        batches = math.ceil(count / evaluation.batch_size)
        return count * asked.mean * token / rates.forward + batches * (
            evaluation.max_new_tokens * step + across
        )

    held_out = 0.0
    if asked.sets:
        windows = evaluation.perplexity_windows or 100  # all windows of two texts: about a hundred each
        held_out = 2 * windows * evaluation.perplexity_tokens * 2.0 * shape.parameters / rates.forward
        left = max(0, asked.sets - asked.summaries_stored)
        found["dense summaries"] = summaries(left) + (held_out if left else 0.0)
        if evaluation.noise_band:
            found["dense summaries"] += summaries(asked.sets)
    if own_output:
        # Half of the summaries are of the wanted kind, as far as one can know before.
        wanted = min(CALIBRATION_PORTIONS, 2 * math.ceil(own_output / evaluation.max_new_tokens))
        found["calibration"] = summaries(wanted)
    if asked.dense_pass and not asked.statistics_stored:
        flops = seen * token * (1 + 2 * len(asked.losses))
        passes = asked.windows * (1 + len(asked.losses)) if asked.losses else math.ceil(asked.windows / 8)
        found["statistics"] = flops / (rates.gradient if asked.losses else rates.forward) + passes * across
    walk = 2 * seen * token / rates.forward if asked.pruned_walk else 0.0
    work = shape.prunable / rates.mask
    if asked.solves:
        work = solve_flops([(matrix.rows, matrix.columns) for matrix in shape.matrices]) / rates.solve
    found["pruning"] = walk + work + across
    for stage, seconds in _additions(asked.added, shape, weights, rates).items():
        found[stage] = found.get(stage, 0.0) + seconds
    if asked.sets:
        found["pruned summaries"] = summaries(asked.sets) + held_out
        found["metrics"] = rates.scoring
        if evaluation.loss_ratio:  # both summaries of a set, each after its prompt
            read = 2 * asked.sets * (asked.mean + evaluation.max_new_tokens)
            found["metrics"] += weights / LOADING + read * 2.0 * shape.parameters / rates.forward
    if asked.job == "prune":
        found["export"] = 3 * weights / LOADING  # written, read again, and hashed
    total = sum(found.values())
    return TimeRange(rates.low * total, rates.high * total, rates.rests_on, found)


def _additions(added: Added, shape: ModelShape, weights: int, rates: Rates) -> dict[str, float]:
    """Stage → seconds that edit, recovery and DENP add to it."""
    token = 2.0 * shape.prunable
    found = {stage: tokens * token / rates.forward for stage, tokens in added.forward.items() if tokens}
    for stage, tokens in added.gradient.items():
        found[stage] = found.get(stage, 0.0) + 3 * tokens * token / rates.gradient
    if added.path_windows:
        found["calibration"] += len(added.path_windows) * PATH_STEPS * shape.prunable / rates.mask
    if added.edit is not None:
        found[EDIT] += added.decoded * weights / rates.decode
    if added.recovery is not None:
        found[RECOVERY] += added.recovery.steps * UPDATE * weights / rates.decode
    return found
