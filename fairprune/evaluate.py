"""Opinion sets and their summaries → every metric with its interval, and the numbers of each sample.

One pass reads the sources; every system (dense, pruned, and the random extract of equal length that stands
beside each) is then scored by the same code under the same resamples of topics.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from fairprune.errors import BadInput, unknown
from fairprune.labels import Embedder, GroupClassifier, SentenceLabel
from fairprune.metrics.confusion import classifier_bias
from fairprune.metrics.matchers.words import words
from fairprune.metrics.quality import MAX_DEGENERATE
from fairprune.metrics.references import random_extract
from fairprune.metrics.scoring.cells import SYSTEMS, Resamples, group_rows, metric_cells, quality_cells
from fairprune.metrics.scoring.notes import metric_notes
from fairprune.metrics.scoring.systems import QUALITY, System, read, score
from fairprune.metrics.scoring.tools import prepare
from fairprune.metrics.spd2 import NOT_COMPARABLE
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.spec import MetricSpec
from fairprune.text import sentences
from fairprune.uncertainty import resample_weights

FEW_TOPICS = 10
FEW_SAMPLES = 30
EXTRACTS = {"dense": "random", "pruned": "random_pruned"}
"""System → the random extracts beside it: sample by sample as long as its summary, missing where that is."""


def evaluate(
    sets: Sequence[OpinionSet],
    summaries: Mapping[str, Sequence[str | None]],
    info: CorpusInfo,
    spec: MetricSpec,
    classifier: GroupClassifier | None,
    *,
    truncated: Mapping[str, Sequence[bool]] | None = None,
    classifier_reason: str | None = None,
    encoder: Embedder | None = None,
) -> dict[str, Any]:
    """Scores the summaries of dense and pruned model, and beside each a random extract of the same length.

    Args:
        sets: n opinion sets.
        summaries: 'dense', 'pruned' or both → n texts; None where none was written.
        classifier: labels sentences for SPD2; None: SPD2 is missing.
        truncated: like `summaries`: whether generation stopped at the token limit.
        classifier_reason: why there is no classifier.
        encoder: the packaged sentence encoder, for the embedding matcher and coverage by similarity; None: those
            are missing.

    Returns:
        A JSON-serialisable table; rates and shares are fractions, missing numbers are None with a count.

    Raises:
        BadInput: no set, an unknown system, a list of another length, a group that the corpus does not have.
    """
    _check(sets, summaries, info, truncated or {})
    texts = {name: list(summaries[name]) for name in SYSTEMS if name in summaries}
    for name, extract in EXTRACTS.items():
        if name in texts:
            texts[extract] = [
                None if text is None or not text.strip() else random_extract(one, len(words(text)), spec.seed)
                for one, text in zip(sets, texts[name], strict=True)
            ]

    topics = [one.topic for one in sets]
    draws = Resamples(
        resample_weights(topics, [one.composition for one in sets], spec.resamples, spec.seed), topics
    )
    labels = _label_all(sets, texts, classifier, spec)
    tools = prepare(spec, info, classifier, labels, encoder)
    sources = [read(one, info, labels, spec) for one in sets]
    systems = {
        name: score(
            sources, found, info, spec, tools=tools, labels=labels, truncated=(truncated or {}).get(name)
        )
        for name, found in texts.items()
    }
    why = "" if classifier else (classifier_reason or "no group classifier was given")
    degenerate = {name: _degenerate(systems[name]) for name in SYSTEMS if name in systems}
    return {
        "metrics": {
            name: metric_cells(metric, systems, draws, why) for name, metric in tools.metrics.items()
        },
        "groups": group_rows(systems, info, draws),
        "quality": {name: quality_cells(name, systems, draws) for name in QUALITY},
        "degenerate": degenerate,
        "samples": [_sample(i, one, systems, info, spec) for i, one in enumerate(sets)],
        "classifier": {**classifier.report, "spd2_bias": classifier_bias(classifier.report, spec.seed)}
        if classifier
        else {"reason": why},
        "polarity": {
            name: {**asdict(found), "passed": found.passed} for name, found in tools.polarity.items()
        },
        "n_samples": len(sets),
        "n_topics": len(set(topics)),
        "notes": [
            *_notes(info, topics, degenerate, classifier, systems),
            *metric_notes(sets, spec, tools, classifier),
        ],
    }


def _check(
    sets: Sequence[OpinionSet],
    summaries: Mapping[str, Sequence[str | None]],
    info: CorpusInfo,
    truncated: Mapping[str, Sequence[bool]],
) -> None:
    if not sets:
        raise BadInput("there is no opinion set to evaluate: give at least one")
    if not summaries:
        raise BadInput("there are no summaries to evaluate: give those of 'dense', 'pruned' or both")
    for what, found in (("summaries", summaries), ("truncation marks", truncated)):
        for name, values in found.items():
            if name not in SYSTEMS:
                raise unknown("system", name, SYSTEMS)
            if len(values) != len(sets):
                raise BadInput(f"{len(values)} {what} of {name!r} do not fit {len(sets)} opinion sets")
    if len(info.groups) < 2:
        raise BadInput(
            f"the corpus {info.name!r} has {len(info.groups)} group: fairness is between at least two"
        )
    for one in sets:
        for group in one.counts():
            if group not in info.groups:
                raise unknown(f"group in set {one.id}:", group, info.groups)


def _label_all(
    sets: Sequence[OpinionSet],
    texts: Mapping[str, Sequence[str | None]],
    classifier: GroupClassifier | None,
    spec: MetricSpec,
) -> dict[str, SentenceLabel] | None:
    """Every distinct sentence of sources and summaries, labelled in one go: embedding is the slow part."""
    if classifier is None:
        return None
    found = [opinion.text for one in sets for opinion in one.opinions]
    found += [text for system in texts.values() for text in system if text]
    distinct = list(dict.fromkeys(sentence for text in found for sentence in sentences(text)))
    return {label.sentence: label for label in classifier.label(distinct, spec.none_below)}


def _degenerate(system: System) -> dict[str, Any]:
    """Share of degenerate summaries among the written ones, and whether it is too high to read on."""
    found = [
        reasons for text, reasons in zip(system.texts, system.degenerate, strict=True) if text is not None
    ]
    share = sum(bool(reasons) for reasons in found) / len(found) if found else None
    return {"share": share, "n": len(found), "flag": share is not None and share > MAX_DEGENERATE}


def _sample(
    i: int, one: OpinionSet, systems: Mapping[str, System], info: CorpusInfo, spec: MetricSpec
) -> dict[str, Any]:
    row: dict[str, Any] = {"set_id": one.id}
    for name in SYSTEMS:
        if name in systems:
            row[name] = _sample_of(i, systems[name], info, spec)
    return row


def _sample_of(i: int, system: System, info: CorpusInfo, spec: MetricSpec) -> dict[str, Any]:
    def number(table: str) -> float | None:
        value = float(system.tables[table][i, 0]) if table in system.tables else None
        return None if value is None or math.isnan(value) else value

    shares = system.main[i]
    p_x = {
        group: float(share)
        for group, share in zip(info.groups, shares.fair(spec.reading), strict=True)
        if share is not None
    }
    p_y = None
    if shares.summary is not None:
        p_y = {
            group: float(share)
            for group, share in zip(info.groups, shares.summary, strict=True)
            if share is not None
        }
    bur, length = number("bur"), number("words")
    return {
        "bur": None if bur is None else int(bur),
        "uer": number("uer"),
        "auc": number("auc"),
        "spd2": number("spd2"),
        "p_x": p_x,
        "p_y": p_y,
        "unscored": shares.unscored,
        "rouge_l": number("rouge_l"),
        "words": None if length is None else int(length),
        "repetition": number("repetition"),
        "degenerate": system.degenerate[i],
        "labels": [
            [label.sentence, label.label, label.probability]
            for label in (system.labels[i] if system.labels else [])
        ],
    }


def _notes(
    info: CorpusInfo,
    topics: Sequence[str],
    degenerate: Mapping[str, Mapping[str, Any]],
    classifier: GroupClassifier | None,
    systems: Mapping[str, System],
) -> list[str]:
    """What a reader must know before the numbers, in the order of its weight."""
    notes = []
    for name, found in degenerate.items():
        if found["flag"]:
            notes.append(
                f"{found['share']:.0%} of the {name} summaries are degenerate: "
                "no fairness number of theirs means anything"
            )
    if len(topics) < FEW_SAMPLES:
        notes.append(f"{len(topics)} samples, fewer than {FEW_SAMPLES}: a demonstration, no inference")
    n_topics = len(set(topics))
    if n_topics < 2:
        notes.append("one topic only: there are no intervals")
    elif n_topics < FEW_TOPICS:
        notes.append(f"{n_topics} topics, fewer than {FEW_TOPICS}: intervals are conditional on these topics")
    for name in SYSTEMS:
        if name in systems:
            reasons = Counter(shares.unscored for shares in systems[name].main if shares.unscored)
            notes += [
                f"{count} of the {name} summaries unscored: {reason}"
                for reason, count in sorted(reasons.items())
            ]
    if classifier is not None:
        notes.append(NOT_COMPARABLE)
        if classifier.report.get("low", 0.0) <= 1 / len(info.groups):
            notes.append("the group classifier is not shown to be better than chance: SPD2 says nothing here")
        if classifier.report.get("held_out_by") == "opinion":
            notes.append(
                "the group classifier was tested on opinions of topics that it knew: "
                "its accuracy is flattering"
            )
    if info.note:
        notes.append(info.note)
    return notes
