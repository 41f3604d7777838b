"""What all matchers share: the source side of a sample, the shape of a matcher, and shares from similarities."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from fairprune.errors import NumericError
from fairprune.metrics.matchers.words import tokens
from fairprune.metrics.shares import Shares, from_counts
from fairprune.uncertainty import FloatArray

EMPTY = "empty summary"
NOT_WRITTEN = "no summary written"
NO_WORDS = "a summary without words"
NO_SCORE = "no token that the matcher's model knows"


@dataclass(frozen=True)
class Source:
    """The source side of one sample, computed once for all systems and matchers."""

    groups: tuple[str, ...]
    stems: dict[str, frozenset[str]]
    """Stems that a group has used."""
    counts: Counter[str]
    """N_x: content tokens per group. Source shares are these, whichever matcher reads the summary."""
    texts: dict[str, tuple[str, ...]]
    """Opinions of each group, in order."""
    opinions: tuple[tuple[str, ...], ...] = ()
    """Content tokens of every opinion, in the set's order."""

    @property
    def kept(self) -> tuple[str, ...]:
        """Groups with source text."""
        return tuple(group for group in self.groups if self.counts[group] > 0)


Matcher = Callable[[Sequence[Source], Sequence[str | None]], list[Shares]]
"""(n sources, n summaries of one system) → n Shares. All at once: models read in batches."""


def unreadable(source: Source, summary: str | None) -> Shares | None:
    """The unscored shares of a summary that was not written or has no words; None for one that can be read."""
    if summary is not None and tokens(summary):
        return None
    reason = NOT_WRITTEN if summary is None else NO_WORDS if summary.strip() else EMPTY
    return from_counts(source.groups, source.counts, {}).unwritten(reason)


def softmax(similarities: Sequence[float] | FloatArray, temperature: float) -> FloatArray:
    """(r,) → (r,): exp(s / T), normalised to sum 1.

    >>> [round(float(p), 6) for p in softmax([0.30, 0.20], 0.1)]
    [0.731059, 0.268941]

    Raises:
        NumericError: a similarity that is not a finite number.
    """
    values = np.asarray(similarities, dtype=np.float64)
    if not np.isfinite(values).all():
        raise NumericError(f"similarities {values.tolist()} of a summary to the groups: they must be finite")
    weights = np.exp((values - values.max()) / temperature)  # the largest is 1: nothing overflows
    shares: FloatArray = weights / weights.sum()
    return shares


def from_similarities(source: Source, similarities: Sequence[float], temperature: float) -> Shares:
    """Similarities of the summary to each kept group → shares softmax(s / T); NaN: there was nothing to compare.

    The floats become the fractions that they are, so that the shares sum to 1 exactly; they are no exact counts.
    """
    if any(math.isnan(similarity) for similarity in similarities):
        return from_counts(source.groups, source.counts, {}).unwritten(NO_SCORE)
    shares = softmax(similarities, temperature)
    summary = {group: Fraction(float(share)) for group, share in zip(source.kept, shares, strict=True)}
    return from_counts(source.groups, source.counts, summary)


def by_similarity(
    sources: Sequence[Source],
    summaries: Sequence[str | None],
    score: Callable[[Sequence[tuple[str, str]]], Sequence[float]],
    temperature: float,
) -> list[Shares]:
    """Shares of summaries by a score of (the group's joined text, summary) pairs.

    The opinions of a group are joined by ' || ', as the released code joins them.

    Source: Zhang et al., NAACL 2024 (arXiv 2311.07884), neural matching: softmax of one score per group.
    """
    found = [unreadable(source, text) for source, text in zip(sources, summaries, strict=True)]
    pairs: list[tuple[str, str]] = []
    for source, text, shares in zip(sources, summaries, found, strict=True):
        if shares is None and text is not None:
            pairs += [(" || ".join(source.texts[group]), text) for group in source.kept]
    scores = iter(score(pairs) if pairs else [])
    return [
        from_similarities(source, [next(scores) for _ in source.kept], temperature)
        if shares is None and source.kept
        else shares or from_counts(source.groups, source.counts, {})
        for source, shares in zip(sources, found, strict=True)
    ]
