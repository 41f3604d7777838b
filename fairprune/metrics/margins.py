"""The largest harm that would be accepted, per metric, and which metrics a study names as its own beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairprune.errors import BadInput, unknown

MARGINS: dict[str, float] = {"bur": 0.05, "uer": 0.02, "sof": 0.02, "spd2": 0.05, "auc": 0.05}
"""In the metric's unit: 5 points of BUR and of AUC (a mean of BURs), 2 of UER and SOF, .05 of |SPD2|."""


def complete_margins(given: Mapping[str, Any]) -> dict[str, Any]:
    """The given margins over the default ones."""
    return {**MARGINS, **given}


def check_family(margins: Mapping[str, float], primary: Sequence[str]) -> None:
    """Refuses what cannot be a margin or a primary metric.

    Raises:
        BadInput: a metric that does not exist, a margin outside (0, 1), a metric named twice, no primary metric.
    """
    from fairprune.metrics import METRICS

    for name, margin in margins.items():
        if name not in METRICS:
            raise unknown("metric in margins:", name, METRICS)
        if not 0 < margin < 1:
            raise BadInput(
                f"margin {margin!r} of {name} is outside (0, 1): it is a fraction, 0.05 for 5 percentage points"
            )
    if not primary:
        raise BadInput("no metric is primary: name at least one, such as bur")
    for name in primary:
        if name not in METRICS:
            raise unknown("primary metric", name, METRICS)
    if len(set(primary)) < len(primary):
        raise BadInput(f"primary metrics {', '.join(primary)} name one twice: name each once")
