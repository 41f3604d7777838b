"""One system: its summaries, their shares under every matcher, and the rows of every metric."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from fairprune.labels import SentenceLabel
from fairprune.metric_spec import MetricSpec
from fairprune.metrics import METRICS, Metric, limits, overlap, quality
from fairprune.metrics.confusion import Correction
from fairprune.metrics.coverage import Coverage, Document, Scorer, cover, documents
from fairprune.metrics.matchers import base, ngram
from fairprune.metrics.matchers import label as label_matcher
from fairprune.metrics.matchers.words import tokens
from fairprune.metrics.scoring.numbers import QUALITY, quality_numbers
from fairprune.metrics.scoring.tools import Tools
from fairprune.metrics.shares import Shares
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.text import sentences
from fairprune.uncertainty import FloatArray

Inputs = Sequence[Shares] | Sequence[Coverage]


@dataclass(frozen=True)
class Source:
    """The source side of one sample, read once for all systems."""

    texts: base.Source
    labels: list[SentenceLabel] | None
    gold: dict[str, Fraction]
    """Sentences per group, by the opinions' own groups; {} where SPD2 does not read them."""
    documents: tuple[Document, ...]
    """For coverage; () where no metric asks for it."""


@dataclass(frozen=True)
class System:
    """One summary per sample and all that is known of it."""

    texts: Sequence[str | None]
    main: list[Shares]
    """By the matcher of BUR, UER, AUC and SOF."""
    inputs: dict[str, Inputs]
    """Metric → what it was computed from; a metric without labels is missing."""
    tables: dict[str, FloatArray]
    """Metric or quality number → (n, columns), NaN: unscored. 'groups': signed p_y − p_x per group. 'exclusive':
    share of n-gram credit that one group alone could give. 'spd2_observed': y − x per group before correction."""
    labels: list[list[SentenceLabel]] | None
    degenerate: list[list[str]]
    correction: Correction | None = None
    """Of SPD2, where it is corrected."""


def read(
    one: OpinionSet, info: CorpusInfo, labels: dict[str, SentenceLabel] | None, spec: MetricSpec
) -> Source:
    texts, gold, pieces = _by_group(one, info, spec)
    return Source(
        texts,
        None if labels is None else [labels[s] for opinion in one.opinions for s in sentences(opinion.text)],
        gold,
        pieces,
    )


def regrouped(
    source: Source,
    one: OpinionSet,
    info: CorpusInfo,
    spec: MetricSpec,
    labels: list[SentenceLabel] | None,
) -> Source:
    """The same opinions under other groups.

    Args:
        one: the set with the other groups.
        labels: what its sentences are then labelled.
    """
    texts, gold, pieces = _by_group(one, info, spec, source.texts.opinions)
    return replace(source, texts=texts, gold=gold, documents=pieces, labels=labels)


def _by_group(
    one: OpinionSet, info: CorpusInfo, spec: MetricSpec, stems: Sequence[Sequence[str]] | None = None
) -> tuple[base.Source, dict[str, Fraction], tuple[Document, ...]]:
    pairs = [(opinion.text, opinion.group) for opinion in one.opinions] if spec.extra else []
    return (
        ngram.read_source(one, info.groups, spec.extra_stop_words, stems),
        label_matcher.gold_counts(one) if spec.spd2_source == "gold-source" else {},
        documents(pairs, info.groups),
    )


def score(
    sources: Sequence[Source],
    texts: Sequence[str | None],
    info: CorpusInfo,
    spec: MetricSpec,
    *,
    tools: Tools,
    labelled: list[list[SentenceLabel]] | None,
) -> System:
    """One system's summaries under every matcher and metric, without quality numbers.

    Args:
        labelled: the labels of each text's sentences; None: nobody labelled them.
    """
    main = _main(sources, texts, tools, labelled)
    coverage = {kind: _coverage(sources, texts, info, found) for kind, found in tools.coverage.items()}
    observed: list[Shares] = []
    if labelled is not None:
        observed = _observed(sources, texts, labelled, info, spec, tools.likeliest)
    inputs: dict[str, Inputs] = {}
    for name in tools.metrics:
        kind = METRICS[name].matcher
        if kind == "ngram":
            inputs[name] = main
        elif kind in coverage:
            inputs[name] = coverage[kind]
        elif labelled is not None:
            inputs[name] = _corrected(observed, tools.correction)
    tables = {name: metric_table(tools.metrics[name], found, spec) for name, found in inputs.items()}
    if spec.spd2_source == "confusion-corrected" and labelled is not None:
        tables["spd2_observed"] = _table([_balance(one) for one in observed], len(info.groups))
    if spec.matcher == "ngram":
        own = [None if one.summary is None or one.exclusive is None else [one.exclusive] for one in main]
        tables["exclusive"] = _table(own)
    tables["groups"] = _table([_signed(one, spec) for one in main], len(info.groups))
    correction = tools.correction if isinstance(tools.correction, Correction) else None
    return System(texts, main, inputs, tables, labelled, [[] for _ in texts], correction)


def add_quality(
    systems: Mapping[str, System],
    sets: Sequence[OpinionSet],
    sources: Sequence[Source],
    truncated: Mapping[str, Sequence[bool]],
) -> None:
    """The quality numbers of each system's summaries, into its tables, and why a summary says nothing.

    Sample by sample: what is read of the opinions for it takes 60 kB, and is kept for one sample only.

    Args:
        truncated: system → whether generation stopped at the token limit; not recorded for the others.
    """
    for system in systems.values():
        system.tables.update({name: np.full((len(sets), 1), np.nan) for name in QUALITY})
    for i, (one, source) in enumerate(zip(sets, sources, strict=True)):
        if all(system.texts[i] is None for system in systems.values()):
            continue
        joined = " ".join(opinion.text for opinion in one.opinions)
        rouge, tokens_ = overlap.grams(quality.rouge_tokens(joined)), overlap.read_tokens(one)
        stems = frozenset().union(*source.texts.stems.values())
        for name, system in systems.items():
            text = system.texts[i]
            if text is None:
                continue
            marks = truncated.get(name)
            numbers = quality_numbers(text, rouge, tokens_, None if marks is None else marks[i])
            for key, number in numbers.items():
                system.tables[key][i, 0] = math.nan if number is None else number
            system.degenerate[i] += quality.degenerate_reasons(text, stems)


def labels_of(
    said: Sequence[Sequence[str]], labels: Mapping[str, SentenceLabel] | None
) -> list[list[SentenceLabel]] | None:
    """Per text its sentences → their labels; None where nobody labelled them."""
    return None if labels is None else [[labels[sentence] for sentence in found] for found in said]


def limits_of(metric: Metric, system: System) -> tuple[float, float]:
    """Least and largest value of a metric; a corrected SPD2 has none."""
    if system.correction is not None and metric.name == "spd2":
        return -math.inf, math.inf
    return limits(metric)


def metric_table(metric: Metric, found: Inputs, spec: MetricSpec) -> FloatArray:
    """What a metric reads of each sample → (n, columns)."""
    return _table([None if one.unscored is not None else metric.sample(one, spec) for one in found])


def _main(
    sources: Sequence[Source],
    texts: Sequence[str | None],
    tools: Tools,
    labelled: Sequence[Sequence[SentenceLabel]] | None,
) -> list[Shares]:
    if tools.matcher is not None:
        return tools.matcher([source.texts for source in sources], texts)
    return [
        label_matcher.by_tokens(source.texts, text, found)
        for source, text, found in zip(sources, texts, labelled or [], strict=True)
    ]


def _coverage(
    sources: Sequence[Source], texts: Sequence[str | None], info: CorpusInfo, scorer: Scorer | str
) -> list[Coverage]:
    if isinstance(scorer, str):
        return [Coverage(info.groups, (), scorer) for _ in texts]
    return cover([source.documents for source in sources], texts, info.groups, scorer)


def _observed(
    sources: Sequence[Source],
    texts: Sequence[str | None],
    labelled: Sequence[Sequence[SentenceLabel]],
    info: CorpusInfo,
    spec: MetricSpec,
    likeliest: Mapping[str, SentenceLabel],
) -> list[Shares]:
    """SPD2's shares, before correction. Where they will be corrected, every sentence has its likeliest group."""

    def of(labels: Sequence[SentenceLabel]) -> list[SentenceLabel]:
        return [likeliest.get(label.sentence, label) for label in labels]

    shares = [
        label_matcher.match(
            info.groups,
            source.gold if spec.spd2_source == "gold-source" else of(source.labels or []),
            None if text is None else of(found),
        )
        for source, text, found in zip(sources, texts, labelled, strict=True)
    ]
    return [
        one.unwritten(base.NO_WORDS) if text and text.strip() and not tokens(text) else one
        for one, text in zip(shares, texts, strict=True)
    ]


def _corrected(observed: Sequence[Shares], correction: Correction | str | None) -> list[Shares]:
    if isinstance(correction, str):
        return [one.unwritten(correction) for one in observed]
    return [one if correction is None else correction.apply(one) for one in observed]


def _balance(shares: Shares) -> Sequence[float] | None:
    if shares.summary is None:
        return None
    return [float(p_y - p_x) for _, p_x, p_y in shares.pairs("ratio")]


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
