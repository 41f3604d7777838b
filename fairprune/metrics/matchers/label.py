"""The label matcher: shares of sentences by the group that a classifier hears in them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from fairprune.metrics.matchers.ngram import EMPTY, NOT_WRITTEN
from fairprune.metrics.shares import Shares, from_counts

if TYPE_CHECKING:
    from fairprune.labels import SentenceLabel

NO_LABEL = "no labelled sentence"


def label_counts(labels: Sequence[SentenceLabel]) -> dict[str, Fraction]:
    """Sentences per group; a mixed sentence counts 1/r for each of its r groups, `none` counts for nobody."""
    counts: dict[str, Fraction] = {}
    for label in labels:
        for group in label.groups:
            counts[group] = counts.get(group, Fraction(0)) + Fraction(1, len(label.groups))
    return counts


def match(
    groups: Sequence[str], source: Sequence[SentenceLabel], summary: Sequence[SentenceLabel] | None
) -> Shares:
    """Shares over labelled sentences. A summary without a labelled sentence is unscored, not balanced."""
    counts = label_counts(summary or ())
    shares = from_counts(groups, label_counts(source), counts, keep="all", no_match=NO_LABEL)
    if summary is None or not summary:
        return shares.unwritten(NOT_WRITTEN if summary is None else EMPTY)
    return shares
