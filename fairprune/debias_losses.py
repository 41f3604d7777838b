"""What a recovery does to the held-out opinions of each group beside its control: the number that decides whether it was worth it.

Losses are stored per text, so that two runs that read the same texts are compared in pairs. Without torch and without Streamlit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairprune.debias.auroc import estimate_json
from fairprune.uncertainty import draw_resamples, estimate_difference, weighted_mean

RESAMPLES = 1000
NOT_STORED = "no losses of single texts are stored with {}, made before they were kept: delete and start again to have pairs"
OTHER_TEXTS = "the two runs did not read the same held-out texts"
NO_GROUP = "the control has no losses of this group"


@dataclass(frozen=True)
class GroupBeside:
    """The held-out opinions of one group, nats per token."""

    group: str
    before: Mapping[str, Any]
    """Of the pruned model: value, low, high, n, and why there is no interval."""
    after: Mapping[str, Any]
    """Of the recovered one."""
    change: Mapping[str, Any]
    """after − before, paired."""
    control: Mapping[str, Any] | None
    """Of the control after as many steps; None: there is none."""
    difference: Mapping[str, Any] | None
    """after − control, paired, with its interval over topics, or the reason of none."""


def beside_control(
    asked: Mapping[str, Any], control: Mapping[str, Any] | None, missing: str | None, seed: int
) -> list[GroupBeside]:
    """Every group of a recovery beside its control, the worst after the recovery first.

    Args:
        asked: the part 'recovery' of a run's result `debias`, with losses.
        control: the same of its control; None where that has none.
        missing: why the control has none, 'failed'; None where a recovery has no control.
        seed: of the resamples.
    """
    others = {row["group"]: row for row in (control or {}).get("losses") or ()}
    found = []
    for row in asked["losses"]:
        other: Mapping[str, Any] | None = None
        difference: Mapping[str, Any] | None = None
        if control is not None and others:
            lost = row["group"] not in others
            other = _none(NO_GROUP) if lost else others[row["group"]]["after"]
            difference = _none(NO_GROUP) if lost else _paired(asked, control, row["group"], seed)
        elif missing is not None:
            other = difference = _none(f"the control is missing: {missing}")
        found.append(
            GroupBeside(row["group"], row["before"], row["after"], row["difference"], other, difference)
        )
    return sorted(found, key=lambda one: -(one.after["value"] or 0.0))


def _paired(asked: Mapping[str, Any], control: Mapping[str, Any], group: str, seed: int) -> dict[str, Any]:
    sides = [_texts(part, group) for part in (asked, control)]
    unstored = [name for name, own in zip(("the run", "the control"), sides, strict=True) if not own]
    if unstored:
        return _none(NOT_STORED.format(" and ".join(unstored)))
    one, two = sides
    keys = [[(text["text"], text["topic"]) for text in side] for side in sides]
    if keys[0] != keys[1]:
        return _none(OTHER_TEXTS)
    draws = draw_resamples([text["topic"] for text in one], [""] * len(one), RESAMPLES, seed)
    tables = [np.array([[text["after"]] for text in side], dtype=np.float64) for side in (one, two)]
    return estimate_json(estimate_difference(weighted_mean, tables[0], tables[1], draws))


def _texts(part: Mapping[str, Any], group: str) -> Sequence[Mapping[str, Any]]:
    """The losses of a group's texts; none in a result of before."""
    return [text for text in part.get("texts") or () if text["group"] == group]


def _none(reason: str) -> dict[str, Any]:
    return {"value": None, "low": None, "high": None, "n": 0, "reason": reason}
