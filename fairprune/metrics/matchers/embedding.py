"""The embedding matcher: a summary speaks for the groups whose opinions it lies near."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fairprune.metrics.matchers.base import Matcher, Source, from_similarities, unreadable
from fairprune.metrics.shares import Shares, from_counts
from fairprune.text import sentences

if TYPE_CHECKING:
    from fairprune.labels import Embedder

BLOCK = 2000
"""Samples embedded at once: bounds memory."""


def similarity(summary: NDArray[np.float32], opinions: NDArray[np.float32]) -> float:
    """Cosine of two means: the summary's sentences (n, width) and a group's opinions (m, width); in [−1, 1].

    Each row counts alike, whatever its length. Rows that cancel out are similar to nothing: 0.
    """
    a, b = (rows.astype(np.float64).mean(axis=0) for rows in (summary, opinions))
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm > 0 else 0.0


def matcher(embed: Embedder, temperature: float) -> Matcher:
    """softmax(similarity / T) over groups.

    The released code scores the summary against a group's joined text (Zhang et al., NAACL 2024, arXiv
    2311.07884). A sentence encoder reads 64 tokens and no further, less than two opinions: so a group is the mean
    of its opinions' embeddings and a summary the mean of its sentences'.
    """

    def shares(sources: Sequence[Source], summaries: Sequence[str | None]) -> list[Shares]:
        found: list[Shares] = []
        for start in range(0, len(sources), BLOCK):
            block = slice(start, start + BLOCK)
            found += _block(sources[block], summaries[block], embed, temperature)
        return found

    return shares


def _block(
    sources: Sequence[Source], summaries: Sequence[str | None], embed: Embedder, temperature: float
) -> list[Shares]:
    found = [unreadable(source, text) for source, text in zip(sources, summaries, strict=True)]
    parts = [
        sentences(text) if shares is None and text is not None else []
        for text, shares in zip(summaries, found, strict=True)
    ]
    texts = dict.fromkeys(sentence for part in parts for sentence in part)
    for source, part in zip(sources, parts, strict=True):
        if part:
            texts.update(dict.fromkeys(text for group in source.kept for text in source.texts[group]))
    rows = dict(zip(texts, embed(list(texts)), strict=True)) if texts else {}
    for i, (source, part) in enumerate(zip(sources, parts, strict=True)):
        if part and source.kept:
            summary = np.stack([rows[sentence] for sentence in part])
            near = [
                similarity(summary, np.stack([rows[text] for text in source.texts[group]]))
                for group in source.kept
            ]
            found[i] = from_similarities(source, near, temperature)
    return [
        shares or from_counts(source.groups, source.counts, {})
        for shares, source in zip(found, sources, strict=True)
    ]
