"""The n-gram matcher: a summary's token speaks for every group that has used it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from fairprune.metrics.matchers.base import EMPTY, NOT_WRITTEN, Matcher, Source
from fairprune.metrics.matchers.words import content_stems
from fairprune.metrics.shares import Shares, from_counts
from fairprune.opinions import OpinionSet


def read_source(
    opinion_set: OpinionSet,
    groups: Sequence[str],
    extra_stop_words: Sequence[str] = (),
    stems: Sequence[Sequence[str]] | None = None,
) -> Source:
    """Texts, stems and token counts of the opinions, per group.

    Args:
        stems: `content_stems` of each opinion, where they are known.
    """
    counts: Counter[str] = Counter()
    used: dict[str, set[str]] = {group: set() for group in groups}
    texts: dict[str, list[str]] = {group: [] for group in groups}
    known = stems or [content_stems(opinion.text, extra_stop_words) for opinion in opinion_set.opinions]
    for opinion, found in zip(opinion_set.opinions, known, strict=True):
        counts[opinion.group] += len(found)
        used[opinion.group].update(found)
        texts[opinion.group].append(opinion.text)
    return Source(
        tuple(groups),
        {group: frozenset(stems) for group, stems in used.items()},
        counts,
        {group: tuple(found) for group, found in texts.items()},
        tuple(tuple(found) for found in known),
    )


def credit(
    source: Source, summary: str, extra_stop_words: Sequence[str] = ()
) -> tuple[Counter[str], float | None]:
    """N_y: every token occurrence of the summary credits each group whose text contains it; and the share of that credit
    that only one group could give, in [0, 1], None where there is no credit.

    Tokens that several groups have used credit them all and tell nothing apart: where the share is small, the metric rests
    on few words.

    Source: Zhang et al., NAACL 2024 (arXiv 2311.07884), n-gram matching.
    """
    counts: Counter[str] = Counter()
    own = 0
    for stem, times in Counter(content_stems(summary, extra_stop_words)).items():
        givers = [group for group, stems in source.stems.items() if stem in stems]
        for group in givers:
            counts[group] += times
        if len(givers) == 1:
            own += times
    total = counts.total()
    return counts, own / total if total else None


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
    counts, exclusive = credit(source, summary, extra_stop_words)
    shares = from_counts(source.groups, source.counts, counts, zero_match=zero_match)
    return replace(shares, exclusive=exclusive)


def matcher(zero_match: Literal["unscored", "uniform"], extra_stop_words: Sequence[str] = ()) -> Matcher:
    """The matcher of this treatment of summaries without a match."""

    def shares(sources: Sequence[Source], summaries: Sequence[str | None]) -> list[Shares]:
        return [
            match(source, text, zero_match, extra_stop_words)
            for source, text in zip(sources, summaries, strict=True)
        ]

    return shares
