"""Which runs belong beside one with an edit or a recovery: what it was pruned to, and the controls that tell an effect from noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fairprune.debias_spec import CONTROL_NOTES, Control, RecoverySpec
from fairprune.spec import RunSpec

Role = Literal["base", "asked", "control"]
BALANCED = "balanced"
UNIFORM = "control: uniform"
"""Title of a recovery's control."""


@dataclass(frozen=True)
class Member:
    """One run of a group."""

    role: Role
    title: str
    """What it is within the group: 'pruned', 'SPIN', 'control: random weights'."""
    what: str
    """The same in a sentence's end."""
    spec: RunSpec


def is_debiased(spec: RunSpec) -> bool:
    """Whether a run does anything beside pruning: an edit, a recovery, or calibration by DENP."""
    return bool(spec.additions) or spec.calibration.name == "denp"


def base_of(spec: RunSpec) -> RunSpec:
    """The same run without edit, without recovery, and calibrated on balanced windows instead of weighted ones."""
    calibration = spec.calibration
    if calibration.name == "denp":
        calibration = calibration.model_copy(update={"name": BALANCED})
    return spec.model_copy(update={"edit": None, "recovery": None, "calibration": calibration})


def group_of(spec: RunSpec) -> tuple[Member, ...]:
    """The runs that are laid side by side: base, then the run itself, then its controls; the base alone for a run without either.

    Args:
        spec: of the run that is asked for; of a control, the group is that of what it is a control of, where that can be told.
    """
    asked = _asked(spec)
    found = [Member("base", "pruned", "pruned alone", base_of(spec))]
    if not is_debiased(asked):
        return tuple(found)
    found.append(Member("asked", _title(asked), "what was asked for", asked))
    if asked.edit is not None:
        controls: tuple[Control, ...] = ("random", "first-only")
        for control in controls:
            edit = asked.edit.model_copy(update={"control": control})
            other = asked.model_copy(update={"edit": edit})
            found.append(Member("control", f"control: {control}", CONTROL_NOTES[control], other))
    if asked.recovery is not None and not asked.recovery.is_control:
        recovery, what = _control_of(asked.recovery)
        other = asked.model_copy(update={"recovery": recovery})
        found.append(Member("control", UNIFORM, what, other))
    return tuple(found)


def _control_of(asked: RecoverySpec) -> tuple[RecoverySpec, str]:
    """(as many steps without what the recovery is about, the same in a sentence's end)."""
    if asked.kind == "nc3":
        # The same windows, which hold the words, and the same rows of the output matrix that may move.
        off = {"strength": 0.0, "mean_strength": 0.0, "reset": 0}
        return asked.model_copy(update=off), "as many steps on the same texts without the term"
    # Fields that another kind alone reads are not written for a uniform recovery, and so are no part of it.
    names = ("steps", "learning_rate", "batch_size", "samples", "seqlen", "seed")
    uniform = RecoverySpec(**{name: getattr(asked, name) for name in names})
    return uniform, "as many steps on texts drawn evenly"


def _asked(spec: RunSpec) -> RunSpec:
    """What an edit's control is a control of; a recovery that is a control stands for itself, since it serves several kinds."""
    if spec.edit is None or spec.edit.control == "none":
        return spec
    return spec.model_copy(update={"edit": spec.edit.model_copy(update={"control": "none"})})


def _title(spec: RunSpec) -> str:
    parts = ["calibrated by DENP"] if spec.calibration.name == "denp" else []
    return " + ".join((*parts, *(part.name for part in (spec.edit, spec.recovery) if part is not None)))
