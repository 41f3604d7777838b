"""The largest harm that would be accepted, per metric, and which metrics a study names as its own beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairprune.errors import BadInput, unknown

MARGINS: dict[str, float] = {"bur": 0.05, "uer": 0.02, "sof": 0.02, "spd2": 0.05, "auc": 0.05}
"""In the metric's unit: 5 points of BUR and of AUC (a mean of BURs), 2 of UER and SOF, .05 of |SPD2|."""
IN_POINTS = "bur=5 (points of a rate) or spd2=0.05 (its own unit)"
"""How a margin is written, for help texts and errors."""


def complete_margins(given: Mapping[str, Any]) -> dict[str, Any]:
    """The given margins over the default ones."""
    return {**MARGINS, **given}


def parse_margins(pairs: Sequence[str]) -> dict[str, float]:
    """['bur=5', 'spd2=0.05'] → {'bur': 0.05, 'spd2': 0.05}: as people write them → as a spec keeps them.

    Points for rates; SPD2, probabilities and cosines are in their own unit on both sides.

    Raises:
        BadInput: one that is not METRIC=NUMBER above 0, a metric that does not exist or stands twice.
    """
    from fairprune.metrics import METRICS

    margins: dict[str, float] = {}
    for one in pairs:
        name, equals, text = one.partition("=")
        try:
            value = float(text)
        except ValueError as error:
            raise BadInput(f"margin {one!r} is not METRIC=NUMBER, such as {IN_POINTS}") from error
        if not equals or name not in METRICS:
            raise unknown("metric of a margin", name, METRICS)
        if name in margins:
            raise BadInput(f"the margin of {name} was given twice")
        largest = most(name) * scale(name)
        if not 0 < value <= largest:
            raise BadInput(
                f"margin {one!r} must be above 0 and at most {largest:g}: it is the harm that you would accept, such as "
                f"{IN_POINTS}"
            )
        margins[name] = value / scale(name)
    return margins


def scale(metric: str) -> float:
    """What people read for a stored 1: 100 points, or 1 where the metric is no rate (SPD2, probabilities, cosines)."""
    from fairprune.metrics import METRICS

    return 100.0 if METRICS[metric].is_rate else 1.0


def most(metric: str) -> float:
    """The largest harm that there can be, as stored."""
    from fairprune.metrics import METRICS, limits

    return limits(METRICS[metric])[1]


def check_family(margins: Mapping[str, float], primary: Sequence[str], extra: Sequence[str] = ()) -> None:
    """Refuses what cannot be a margin or a primary metric.

    Args:
        extra: optional metrics that are asked for.

    Raises:
        BadInput: a metric that does not exist, a margin that is not above 0 or larger than any harm, a metric named
            twice, no primary metric, one that is not scored.
    """
    from fairprune.metrics import METRICS

    for name, margin in margins.items():
        if name not in METRICS:
            raise unknown("metric in margins:", name, METRICS)
        if not 0 < margin <= most(name):
            raise BadInput(
                f"margin {margin!r} of {name} is outside (0, {most(name):g}]: it is a fraction, 0.05 for 5 percentage points"
            )
    if not primary:
        raise BadInput("no metric is primary: name at least one, such as bur")
    for name in primary:
        if name not in METRICS:
            raise unknown("primary metric", name, METRICS)
        if METRICS[name].optional and name not in extra:
            raise BadInput(f"primary metric {name} is scored only where extra asks for it: extra={name}")
    if len(set(primary)) < len(primary):
        raise BadInput(f"primary metrics {', '.join(primary)} name one twice: name each once")
