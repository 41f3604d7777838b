"""How well a number tells one group from the rest: the area under the ROC curve, with its interval over topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fairprune.errors import BadInput
from fairprune.uncertainty import Estimate, FloatArray, draw_resamples, estimate, estimate_difference

RESAMPLES = 1000


def auroc(weights: FloatArray, table: FloatArray) -> FloatArray:
    """(R, n), (n, 2) → (R,): probability that a value of the group is larger than one of the rest, ties half.

    Args:
        table: the value, and 1 in the group or 0 in the rest. NaN where one of them has no weight.
    """
    _, place = np.unique(table[:, 0], return_inverse=True)
    group = table[:, 1] == 1
    levels = np.zeros((len(table), place.max() + 1))
    levels[np.arange(len(table)), place] = 1.0
    inside, outside = (weights * group) @ levels, (weights * ~group) @ levels  # (R, levels)
    larger = (inside * (outside.cumsum(axis=1) - outside / 2)).sum(axis=1)
    pairs = inside.sum(axis=1) * outside.sum(axis=1)
    found: FloatArray = np.divide(larger, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return found


def compare_auroc(
    after: ArrayLike, before: ArrayLike, members: Sequence[bool], topics: Sequence[str], seed: int = 0
) -> dict[str, Any]:
    """The AUROC of two numbers of the same n texts for the same group, and their difference, JSON-serialisable.

    Args:
        after, before: (n,), higher = more likely in the group.
        members: who is in the group.
        topics: of each text; intervals resample whole topics. Where all texts are of one topic, texts.

    Raises:
        BadInput: nobody, or everybody, is in the group.
    """
    inside = sum(members)
    if not 0 < inside < len(members):
        raise BadInput(
            f"{inside} of {len(members)} texts are in the group: an AUROC needs some in it and some outside"
        )
    if len(set(topics)) < 2:
        topics = [str(index) for index in range(len(members))]
    draws = draw_resamples(topics, [""] * len(topics), RESAMPLES, seed)
    first, second = (
        np.column_stack([np.asarray(values, dtype=np.float64), np.asarray(members, dtype=np.float64)])
        for values in (after, before)
    )
    ends = (0.0, 1.0)
    return {
        "n": len(members),
        "members": inside,
        "rac": estimate_json(estimate(auroc, first, draws, limits=ends)),
        "dense": estimate_json(estimate(auroc, second, draws, limits=ends)),
        "difference": estimate_json(estimate_difference(auroc, first, second, draws, limits=ends)),
    }


def estimate_json(found: Estimate) -> dict[str, Any]:
    """What is stored of an estimate: the value, the ends of its 95 % interval, and what it rests on."""
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "topics": found.n_topics,
        "limit": found.limit,
    }
