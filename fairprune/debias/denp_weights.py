"""Weights of the tokens of calibration windows, so that the opinions of two sets weigh alike, and how far that moves the shares.

Windows of opinions of both groups nearly all hold texts of both sets, so that weights of whole windows average what they should
tell apart (32 windows with one affected text of three each: all 1). So each token of an opinion has the weight of its text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput
from fairprune.text import counted
from fairprune.uncertainty import FloatArray


def set_weights(members: NDArray[np.bool_], tokens: NDArray[np.int64]) -> FloatArray:
    """Of each place: T / (2 · tokens of its set), T the tokens of both. Their tokens then sum alike, with a mean of 1.

    Args:
        members: (places,), true: a text of the affected set stands there.
        tokens: (places,), how many are counted.

    Raises:
        BadInput: both sets hold as many tokens, so that every weight were 1.
    """
    inside, total = int(tokens[members].sum()), int(tokens.sum())
    if 2 * inside == total:
        raise BadInput(
            f"both sets hold {counted(inside, 'token')} already, so that every weight were 1 and nothing would change: "
            "use uniform weights"
        )
    weights: FloatArray = np.where(
        members, total / (2 * max(inside, 1)), total / (2 * max(total - inside, 1))
    )
    return weights


def spread(rows: Sequence[int], places: NDArray[np.bool_], weights: FloatArray, windows: int) -> FloatArray:
    """(windows, tokens): each place's weight at its tokens, and 1 elsewhere (prompt, separators, beginnings too short to be read).

    Args:
        rows: (places,), the window that each stands in.
        places: (places, tokens), true: its tokens.
    """
    found = np.ones((windows, places.shape[1]))
    for row, place, weight in zip(rows, places, weights.tolist(), strict=True):
        found[row, place] = weight
    return found


def token_shares(
    members: NDArray[np.bool_], tokens: NDArray[np.int64], weights: FloatArray
) -> dict[str, Any]:
    """The affected set's share of the opinions' tokens, as they are and as they weigh. Counted over all of them, so without an interval."""
    weighed = tokens * weights
    return {
        "tokens": int(tokens.sum()),
        "affected": int(tokens[members].sum()),
        "before": float(tokens[members].sum() / tokens.sum()),
        "after": float(weighed[members].sum() / weighed.sum()),
    }
