"""Which training windows the steps of a recovery read, and from which step on a term over words is defined. Without torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fairprune.debias.collapse_measures import MIN_COUNT
from fairprune.debias_spec import RecoverySpec
from fairprune.errors import BadInput
from fairprune.text import counted

LEAST_WORDS = 2
"""Fewer cosines have no spread."""
LOOKED_AHEAD = 1000
"""Steps up to which it is told how many would do."""


def draw_windows(
    count: int, weights: Sequence[float] | NDArray[np.float64] | None, steps: int, batch_size: int, seed: int
) -> NDArray[np.int64]:
    """Which windows each step reads: (steps, batch_size), drawn with replacement. Equal weights draw as none do, bit for bit.

    More steps begin with the draws of fewer.

    Raises:
        BadInput: no window, or weights that do not fit.
    """
    if count < 1:
        raise BadInput("recovery has no training window: give at least one")
    found = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    if found.shape != (count,):
        raise BadInput(f"{counted(found.size, 'weight')} for {counted(count, 'window')}: give one per window")
    if not np.isfinite(found).all() or found.min() < 0 or found.max() <= 0:
        raise BadInput("weights of windows must be finite and at least 0, and one of them above 0")
    found = found / found.max()  # equal weights are exactly 1 now
    rng = np.random.default_rng(seed)
    return rng.choice(count, size=(steps, batch_size), p=found / found.sum())


def words_per_step(
    ids: NDArray[np.integer], words: Sequence[int], draws: NDArray[np.integer], reset: int
) -> NDArray[np.int64]:
    """How many words have `MIN_COUNT` features or more, as of each step: (steps,).

    Args:
        ids: (windows, tokens); a word's features are those of the places where it is the next token.
        words: token ids.
        draws: as `draw_windows`.
        reset: steps after which the totals begin anew; 0: never.
    """
    held = np.stack([(ids[:, 1:] == word).sum(axis=1) for word in words], axis=1)
    totals = np.zeros(len(words), dtype=np.int64)
    found = []
    for step, drawn in enumerate(draws):
        if reset and step % reset == 0:
            totals[:] = 0
        totals += held[drawn].sum(axis=0)
        found.append(int((totals >= MIN_COUNT).sum()))
    return np.array(found, dtype=np.int64)


def check_term(asked: RecoverySpec, ids: NDArray[np.integer], words: Sequence[int]) -> None:
    """Refuses a recovery by UNC3 whose term no step would have: what the steps read is known before the first one.

    Args:
        ids: (windows, tokens), the training windows.
        words: token ids of the group words.

    Raises:
        BadInput: names how many words reach enough contexts, and how many steps would do.
    """
    ahead = max(asked.steps, LOOKED_AHEAD)
    reached = words_per_step(
        ids, words, draw_windows(len(ids), None, ahead, asked.batch_size, asked.seed), asked.reset
    )
    most = int(reached[: asked.steps].max())
    if most >= LEAST_WORDS:
        return
    enough = np.flatnonzero(reached >= LEAST_WORDS)
    right = (
        f"ask for {enough[0] + 1:,} steps or more, larger batches"
        if len(enough)
        else f"{ahead:,} steps would not do either: use more or longer windows, another word list"
    )
    anew = f" between two resets ({counted(asked.reset, 'step')})" if asked.reset else ""
    raise BadInput(
        f"UNC3 needs {LEAST_WORDS} words with {MIN_COUNT} contexts each, and {counted(asked.steps, 'step')} of "
        f"{counted(asked.batch_size, 'window')} bring {most} of {len(words)} words that far{anew}: {right} or another corpus"
    )
