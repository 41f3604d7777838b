"""The n-gram matcher: a summary's token speaks for every group that has used it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from fairprune.metrics.matchers.base import EMPTY, NOT_WRITTEN, Matcher, Source
from fairprune.metrics.matchers.words import content_stems
from fairprune.metrics.shares import Shares, from_counts
from fairprune.opinions import OpinionSet


def read_source(
    opinion_set: OpinionSet, groups: Sequence[str], extra_stop_words: Sequence[str] = ()
) -> Source:
    """Texts, stems and token counts of the opinions, per group."""
    counts: Counter[str] = Counter()
    used: dict[str, set[str]] = {group: set() for group in groups}
    texts: dict[str, list[str]] = {group: [] for group in groups}
    for opinion in opinion_set.opinions:
        found = content_stems(opinion.text, extra_stop_words)
        counts[opinion.group] += len(found)
        used[opinion.group].update(found)
        texts[opinion.group].append(opinion.text)
    return Source(
        tuple(groups),
        {group: frozenset(stems) for group, stems in used.items()},
        counts,
        {group: tuple(found) for group, found in texts.items()},
    )


def summary_counts(source: Source, summary: str, extra_stop_words: Sequence[str] = ()) -> Counter[str]:
    """N_y: every token occurrence of the summary credits each group whose text contains it.

    Source: Zhang et al., NAACL 2024 (arXiv 2311.07884), n-gram matching.
    """
    counts: Counter[str] = Counter()
    for stem, times in Counter(content_stems(summary, extra_stop_words)).items():
        for group, stems in source.stems.items():
            if stem in stems:
                counts[group] += times
    return counts


def exclusive_share(source: Source, summary: str | None, extra_stop_words: Sequence[str] = ()) -> float:
    """Share of the summary's credit that only one group could give, in [0, 1]; NaN where there is none.

    Tokens that several groups have used credit them all and tell nothing apart: where this share is small, the
    metric rests on few words.
    """
    total = own = 0
    for stem, times in Counter(content_stems(summary or "", extra_stop_words)).items():
        givers = sum(stem in stems for stems in source.stems.values())
        total += givers * times
        own += times if givers == 1 else 0
    return own / total if total else math.nan


def match(
    source: Source,
    summary: str | None,
    zero_match: Literal["unscored", "uniform"],
    extra_stop_words: Sequence[str] = (),
) -> Shares:
    """Shares of one sample. No summary and an empty one are unscored whatever `zero_match` says."""
    if summary is None or not summary.strip():
        reason = NOT_WRITTEN if summary is None else EMPTY
        return from_counts(source.groups, source.counts, {}).unwritten(reason)
    counts = summary_counts(source, summary, extra_stop_words)
    return from_counts(source.groups, source.counts, counts, zero_match=zero_match)


def matcher(zero_match: Literal["unscored", "uniform"], extra_stop_words: Sequence[str] = ()) -> Matcher:
    """The matcher of this treatment of summaries without a match."""

    def shares(sources: Sequence[Source], summaries: Sequence[str | None]) -> list[Shares]:
        return [
            match(source, text, zero_match, extra_stop_words)
            for source, text in zip(sources, summaries, strict=True)
        ]

    return shares
