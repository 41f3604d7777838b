"""The n-gram matcher: a summary's token speaks for every group that has used it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from fairprune.metrics.matchers.words import content_stems
from fairprune.metrics.shares import Shares, from_counts
from fairprune.opinions import OpinionSet

EMPTY = "empty summary"
NOT_WRITTEN = "no summary written"


@dataclass(frozen=True)
class Source:
    """The source side of one sample, computed once for all systems."""

    groups: tuple[str, ...]
    stems: dict[str, frozenset[str]]
    """Stems that a group has used."""
    counts: Counter[str]
    """N_x: content tokens per group."""


def read_source(opinion_set: OpinionSet, groups: Sequence[str]) -> Source:
    """Stems and token counts of the opinions, per group."""
    counts: Counter[str] = Counter()
    used: dict[str, set[str]] = {group: set() for group in groups}
    for opinion in opinion_set.opinions:
        found = content_stems(opinion.text)
        counts[opinion.group] += len(found)
        used[opinion.group].update(found)
    return Source(tuple(groups), {group: frozenset(stems) for group, stems in used.items()}, counts)


def summary_counts(source: Source, summary: str) -> Counter[str]:
    """N_y: every token occurrence of the summary credits each group whose text contains it.

    Source: Zhang et al., NAACL 2024 (arXiv 2311.07884), n-gram matching.
    """
    counts: Counter[str] = Counter()
    for stem, times in Counter(content_stems(summary)).items():
        for group, stems in source.stems.items():
            if stem in stems:
                counts[group] += times
    return counts


def match(source: Source, summary: str | None, zero_match: Literal["unscored", "uniform"]) -> Shares:
    """Shares of one sample. No summary and an empty one are unscored whatever `zero_match` says."""
    if summary is None or not summary.strip():
        reason = NOT_WRITTEN if summary is None else EMPTY
        return from_counts(source.groups, source.counts, {}).unwritten(reason)
    return from_counts(source.groups, source.counts, summary_counts(source, summary), zero_match=zero_match)
