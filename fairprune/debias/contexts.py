"""Contexts of words: held-out windows to measure Neural Collapse on, and other ones to train (U)NC3 on. Without torch.

A word needs some ten contexts before its mean means anything, and group words are rare: of all windows of a text those are taken in which
the words stand. Dense and pruned models, group and control words are measured on the same windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fairprune.corpora.build import seeded_key
from fairprune.debias.collapse_measures import MIN_COUNT
from fairprune.errors import BadInput
from fairprune.opinions import Corpus, Split
from fairprune.text import counted
from fairprune.tokens import TextTokenizer, cut_windows

GAP = "\n\n"
"""Between two texts."""
ENOUGH = 30
"""Contexts of a word, after which more of it are not looked for."""
RUN = 32
"""Tokens: windows that share so many in a row hold the same text."""


@dataclass(frozen=True)
class Contexts:
    """Token windows in which words stand."""

    ids: NDArray[np.int32]
    """(windows, tokens), no padding; each begins with BOS where the tokenizer has one."""
    offered: int
    """Windows of the text that these were chosen from."""
    found: int
    """How often one of the words is the next token in them."""

    @property
    def note(self) -> str:
        return (
            f"{counted(len(self.ids), 'window')} of {counted(self.ids.shape[1], 'token')}, chosen from {self.offered:,} because the words "
            f"stand in them: {counted(self.found, 'context')}"
        )


def word_contexts(
    tokenizer: TextTokenizer,
    corpus: Corpus,
    split: Split,
    words: Sequence[int],
    *,
    tokens: int,
    windows: int,
    seed: int = 0,
    also: Corpus | None = None,
) -> Contexts:
    """Windows of the opinions of one split, in a seeded order and joined by two line breaks.

    A text that stands in the calibration split too is left out of the others: what is trained on is never measured.

    Args:
        words: token ids.
        tokens: per window.
        windows: at most so many.
        also: the corpus whose calibration split is trained on, where it is another one.

    Raises:
        BadInput: the split has too little text for one window.
    """
    read = () if split == "calibration" else (corpus, also or corpus)
    trained = {o.text for one in read for o in one.splits["calibration"]}
    rows = [o for o in corpus.splits[split] if o.text not in trained]
    rows.sort(key=lambda o: seeded_key(seed, "contexts", o.source, o.text))
    stream = tokenizer.encode(GAP.join(o.text for o in rows)) if rows else []
    ids = cut_windows(stream, tokenizer.bos, tokens)
    if not len(ids):
        raise BadInput(
            f"the {split} split of {corpus.info.name!r} has {counted(len(stream), 'token')}, too few for one window of {tokens}: "
            "use shorter windows or another corpus"
        )
    chosen = ids[choose_windows(ids, words, windows)]
    return Contexts(chosen, len(ids), int(np.isin(chosen[:, 1:], list(words)).sum()))


def choose_windows(ids: NDArray[np.int32], words: Sequence[int], windows: int) -> NDArray[np.intp]:
    """Which windows hold most of the words, in their order in the text.

    One after the other the window is taken that adds most contexts of words that have fewer than `ENOUGH`, of those that can reach
    `MIN_COUNT` at all; then the one that holds most of any, the earliest at a tie.

    Args:
        ids: (windows, tokens).
    """
    labels = ids[:, 1:]
    held = (
        np.stack([(labels == word).sum(axis=1) for word in words], axis=1)
        if words
        else np.zeros((len(ids), 0))
    )
    any_of = held.sum(axis=1) / (1 + held.sum())  # below 1: decides among equals
    counts = held[:, held.sum(axis=0) >= MIN_COUNT]
    have = np.zeros(counts.shape[1])
    free = np.ones(len(ids), dtype=np.bool_)
    for _ in range(min(windows, len(ids))):
        added = np.minimum(counts, np.maximum(0, ENOUGH - have)).sum(axis=1)
        best = int(np.argmax(np.where(free, added + any_of, -1.0)))
        free[best] = False
        have += counts[best]
    return np.flatnonzero(~free)


def check_apart(training: NDArray[np.integer], measuring: NDArray[np.integer]) -> None:
    """Raises BadInput when a run of `RUN` tokens stands in both: what is trained on is never measured.

    Args:
        training, measuring: (windows, tokens); of windows shorter than `RUN` the whole window counts.
    """
    length = min(RUN, training.shape[1], measuring.shape[1])
    shared = _runs(training, length) & _runs(measuring, length)
    if shared:
        raise BadInput(
            f"{counted(len(shared), 'run')} of {length} tokens stand in the training windows and in those of the measurement: "
            "use texts of different splits"
        )


def _runs(ids: NDArray[np.integer], length: int) -> set[bytes]:
    views = np.lib.stride_tricks.sliding_window_view(ids.astype(np.int32), length, axis=1)
    return {view.tobytes() for window in views for view in window}
