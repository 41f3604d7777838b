"""A setting that fits this machine, where the one asked for does not: the mildest change first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from fairprune.methods import get_method
from fairprune.preflight.asked import Job
from fairprune.preflight.flight import Preflight, estimate
from fairprune.spec import PruningSpec, RunSpec, parse_part
from fairprune.store import Store

LEAST_TOKENS, LEAST_WINDOWS = 128, 8
"""Fewer are not proposed: the instruction needs room, and statistics of a handful of windows say little."""
WITHOUT_GRADIENTS = {
    "hgla": ("wanda", "the same |W|·‖X‖, without the gradient"),
    "hgla-additive": ("wanda", "the same |W|·‖X‖, without the gradient"),
    "gblm": ("wanda", "the same |W|·‖X‖, without the gradient"),
    "gradient": ("magnitude", "the same |W|, without the gradient"),
    "sparsegpt": ("wanda", "the same calibration, with the diagonal of XXᵀ alone"),
}
"""Method → a lighter one of its family, and what they have in common."""


@dataclass(frozen=True)
class Setting:
    """A change of what was asked for, and what it then needs."""

    values: dict[str, Any]
    """Arguments of `plan_run` and their new values."""
    changes: tuple[str, ...]
    """The same for a person: 'summaries at once: 8 → 2'."""
    preflight: Preflight


Change = tuple[dict[str, Any], str, RunSpec]
"""Arguments that change, the sentence, and the spec with the change."""


def setting_that_fits(found: Preflight, *, job: Job = "run", store: Store | None = None) -> Setting | None:
    """The first change with which the run fits; several together where one does not do; None where nothing does.

    In this order: fewer summaries at once, shorter windows, fewer windows, bfloat16, a lighter method of the same family.
    That weights go to the device block by block where they do not fit whole is no change: the estimate does so by itself.
    """
    for lever in LEVERS:
        for change in lever(found.spec, found.dtype):
            if _fits(change[2], found, job):
                return _setting([change], found, job, store)
    taken: list[Change] = []
    spec = found.spec
    for lever in LEVERS:
        strongest = list(lever(spec, found.dtype))[-1:]
        taken += strongest
        spec = strongest[0][2] if strongest else spec
        if strongest and _fits(spec, found, job):
            return _setting(_needed(taken, found, job), found, job, store)
    return None


def _needed(taken: list[Change], found: Preflight, job: Job) -> list[Change]:
    """Those of the changes without which it does not fit."""
    kept = list(taken)
    for change in taken:
        fewer = [other for other in kept if other is not change]
        if _fits(_together(found.spec, fewer), found, job):
            kept = fewer
    return kept


def _together(spec: RunSpec, changes: list[Change]) -> RunSpec:
    for values, _, _ in changes:
        spec = changed(spec, values)
    return spec


def _fits(spec: RunSpec, found: Preflight, job: Job) -> bool:
    return estimate(spec, machine=found.machine, job=job).fits


def _setting(changes: list[Change], found: Preflight, job: Job, store: Store | None) -> Setting:
    values = {name: value for given, _, _ in changes for name, value in given.items()}
    spec = _together(found.spec, changes)
    return Setting(
        values,
        tuple(text for _, text, _ in changes),
        estimate(spec, machine=found.machine, job=job, store=store),
    )


def changed(spec: RunSpec, values: dict[str, Any]) -> RunSpec:
    """The spec with other values of these arguments of `plan_run`."""
    evaluation, calibration, model, pruning = spec.evaluation, spec.calibration, spec.model, spec.pruning
    if "batch_size" in values:
        evaluation = evaluation.model_copy(update={"batch_size": values["batch_size"]})
    if "seqlen" in values:
        calibration = calibration.model_copy(update={"seqlen": values["seqlen"]})
    if "calibration_samples" in values:
        calibration = calibration.model_copy(update={"samples": values["calibration_samples"]})
    if "dtype" in values:
        model = model.model_copy(update={"dtype": values["dtype"]})
    if "method" in values:
        same = pruning.model_dump(include={"sparsity", "pattern", "allocation"})
        pruning = parse_part(PruningSpec, {**same, "method": values["method"]})
    return spec.model_copy(
        update={"evaluation": evaluation, "calibration": calibration, "model": model, "pruning": pruning}
    )


def _smaller_batch(spec: RunSpec, _dtype: str) -> Iterator[Change]:
    yield from _halved(spec, "batch_size", "summaries at once", spec.evaluation.batch_size, 1)


def _shorter_windows(spec: RunSpec, _dtype: str) -> Iterator[Change]:
    yield from _halved(spec, "seqlen", "tokens per window", spec.calibration.seqlen, LEAST_TOKENS)


def _fewer_windows(spec: RunSpec, _dtype: str) -> Iterator[Change]:
    yield from _halved(
        spec, "calibration_samples", "calibration windows", spec.calibration.samples, LEAST_WINDOWS
    )


def _halved(spec: RunSpec, name: str, label: str, value: int, least: int) -> Iterator[Change]:
    """Half of it, a quarter …, not below `least`."""
    steps = [value]
    while steps[-1] > least:
        steps.append(max(least, steps[-1] // 2))
    for _, smaller in pairwise(steps):
        yield {name: smaller}, f"{label}: {value} → {smaller}", changed(spec, {name: smaller})


def _bfloat16(spec: RunSpec, dtype: str) -> Iterator[Change]:
    if dtype == "float32":
        values = {"dtype": "bfloat16"}
        yield values, "number format: float32 → bfloat16", changed(spec, values)


def _lighter_method(spec: RunSpec, _dtype: str) -> Iterator[Change]:
    found = WITHOUT_GRADIENTS.get(spec.pruning.method)
    if found is not None:
        name, common = found
        titles = f"{get_method(spec.pruning.method).title} → {get_method(name).title}"
        yield {"method": name}, f"method: {titles} ({common})", changed(spec, {"method": name})


LEVERS = (_smaller_batch, _shorter_windows, _fewer_windows, _bfloat16, _lighter_method)
