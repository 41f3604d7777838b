"""The label matcher: shares of sentences by the group that a classifier hears in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from fairprune.metrics.matchers.base import EMPTY, NOT_WRITTEN, Source, unreadable
from fairprune.metrics.shares import Shares, from_counts
from fairprune.text import sentences

if TYPE_CHECKING:
    from fairprune.labels import SentenceLabel
    from fairprune.opinions import OpinionSet

NO_LABEL = "no labelled sentence"


def label_counts(labels: Sequence[SentenceLabel]) -> dict[str, Fraction]:
    """Sentences per group; a mixed sentence counts 1/r for each of its r groups, `none` counts for nobody."""
    counts: dict[str, Fraction] = {}
    for label in labels:
        for group in label.groups:
            counts[group] = counts.get(group, Fraction(0)) + Fraction(1, len(label.groups))
    return counts


def gold_counts(opinion_set: OpinionSet) -> dict[str, Fraction]:
    """Sentences per group as the opinions' own groups have them, without any classifier."""
    counts: dict[str, Fraction] = {}
    for opinion in opinion_set.opinions:
        counts[opinion.group] = counts.get(opinion.group, Fraction(0)) + len(sentences(opinion.text))
    return counts


def match(
    groups: Sequence[str],
    source: Sequence[SentenceLabel] | Mapping[str, Fraction],
    summary: Sequence[SentenceLabel] | None,
) -> Shares:
    """Shares over labelled sentences, for SPD2. A summary without a labelled sentence is unscored, not balanced.

    Args:
        source: labels of the source's sentences, or how many sentences each group has.
    """
    given = source if isinstance(source, Mapping) else label_counts(source)
    shares = from_counts(groups, given, label_counts(summary or ()), keep="all", no_match=NO_LABEL)
    if not summary:
        return shares.unwritten(NOT_WRITTEN if summary is None else EMPTY)
    return shares


def by_tokens(source: Source, summary: str | None, labels: Sequence[SentenceLabel]) -> Shares:
    """Summary shares by labelled sentences against source shares by tokens, for BUR, UER, AUC and SOF.

    Args:
        labels: of the summary's sentences.
    """
    shares = from_counts(source.groups, source.counts, label_counts(labels), no_match=NO_LABEL)
    return unreadable(source, summary) or shares
