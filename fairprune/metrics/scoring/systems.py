"""One system: its summaries, their shares under every matcher, and the rows of every metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fairprune.labels import SentenceLabel
from fairprune.metrics import METRICS, quality
from fairprune.metrics.matchers import label as label_matcher
from fairprune.metrics.matchers import ngram
from fairprune.metrics.matchers.words import words
from fairprune.metrics.shares import Shares
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.spec import MetricSpec
from fairprune.text import sentences
from fairprune.uncertainty import FloatArray

QUALITY = ("rouge_l", "words", "empty", "repetition", "truncated")


@dataclass(frozen=True)
class Source:
    """The source side of one sample, read once for all systems."""

    ngram: ngram.Source
    stems: frozenset[str]
    rouge: list[str]
    labels: list[SentenceLabel] | None


@dataclass(frozen=True)
class System:
    """One summary per sample and all that is known of it."""

    texts: Sequence[str | None]
    shares: dict[str, list[Shares]]
    """Per matcher; a matcher that could not run is missing."""
    tables: dict[str, FloatArray]
    """Metric or quality number → (n, columns), NaN: unscored. 'groups': signed p_y − p_x per group."""
    labels: list[list[SentenceLabel]] | None
    degenerate: list[list[str]]


def read(one: OpinionSet, info: CorpusInfo, labels: dict[str, SentenceLabel] | None) -> Source:
    source = ngram.read_source(one, info.groups)
    joined = " ".join(opinion.text for opinion in one.opinions)
    return Source(
        source,
        frozenset().union(*source.stems.values()),
        quality.rouge_tokens(joined),
        None if labels is None else [labels[s] for opinion in one.opinions for s in sentences(opinion.text)],
    )


def score(
    sources: Sequence[Source],
    texts: Sequence[str | None],
    info: CorpusInfo,
    spec: MetricSpec,
    *,
    labels: dict[str, SentenceLabel] | None,
    truncated: Sequence[bool] | None = None,
    spoken: Sequence[Sequence[str]] | None = None,
    with_quality: bool = True,
) -> System:
    """One system's summaries under every matcher and metric.

    Args:
        spoken: the sentences of each text, where they are known: an extract is not split again.
        with_quality: False leaves quality numbers missing: nobody reads those of a reference.
    """
    shares = {
        "ngram": [
            ngram.match(source.ngram, text, spec.zero_match)
            for source, text in zip(sources, texts, strict=True)
        ]
    }
    labelled = None
    if labels is not None:
        said = [sentences(text or "") for text in texts] if spoken is None else spoken
        labelled = [[labels[sentence] for sentence in found] for found in said]
        shares["label"] = [
            label_matcher.match(info.groups, source.labels or [], None if text is None else found)
            for source, text, found in zip(sources, texts, labelled, strict=True)
        ]
    tables = metric_tables(shares, spec)
    tables["groups"] = _table([_signed(s, spec) for s in shares["ngram"]], len(info.groups))
    for name in QUALITY:
        tables[name] = np.full((len(texts), 1), np.nan)
    for i, (source, text) in enumerate(zip(sources, texts, strict=True)):
        if text is None or not with_quality:
            continue
        numbers = (
            quality.rouge_l(text, source.rouge),
            len(words(text)),
            float(not text.strip()),
            quality.repetition(text),
            None if truncated is None else float(truncated[i]),
        )
        for name, number in zip(QUALITY, numbers, strict=True):
            tables[name][i, 0] = math.nan if number is None else number
    reasons = [
        [] if text is None or not with_quality else quality.degenerate_reasons(text, source.stems)
        for source, text in zip(sources, texts, strict=True)
    ]
    return System(texts, shares, tables, labelled, reasons)


def metric_tables(shares: Mapping[str, Sequence[Shares]], spec: MetricSpec) -> dict[str, FloatArray]:
    """Metric → (n, columns) for the metrics whose matcher is there."""
    return {
        name: _table([None if s.summary is None else metric.sample(s, spec) for s in shares[metric.matcher]])
        for name, metric in METRICS.items()
        if metric.matcher in shares
    }


def _table(rows: Sequence[Sequence[float] | None], columns: int = 1) -> FloatArray:
    """Rows of equal length → (n, columns); NaN throughout for None."""
    columns = max([columns, *(len(row) for row in rows if row is not None)])
    return np.array([[math.nan] * columns if row is None else list(row) for row in rows], dtype=np.float64)


def _signed(shares: Shares, spec: MetricSpec) -> Sequence[float] | None:
    if shares.summary is None:
        return None
    row = [math.nan] * len(shares.groups)
    for i, p_x, p_y in shares.pairs(spec.reading):
        row[i] = float(p_y - p_x)
    return row
