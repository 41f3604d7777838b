"""The reference systems that stand beside every summary, scored by the same code, and whether they keep their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from fairprune.labels import SentenceLabel
from fairprune.metrics import Metric
from fairprune.metrics.references import Extract, extracts, permuted_groups, seeded_rng, text_of
from fairprune.metrics.scoring.systems import Source, System, labels_of, regrouped, score
from fairprune.metrics.scoring.tools import Tools
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.spec import MetricSpec
from fairprune.text import sentences
from fairprune.uncertainty import FloatArray, Resamples, Statistic, scored, weighted_mean

RANDOM_OF = {"dense": "random", "pruned": "random_pruned"}
"""System → the random extracts beside it: sample by sample as long as its summary, missing where that is."""
ORDER = ("oracle", "random", "one_group")
"""From the fairest to the least fair, by construction."""
VALID_SHARE = 0.95
Extracts = Mapping[str, Sequence[Extract | None]]


def base_system(texts: Mapping[str, Any]) -> str:
    """Whose lengths the references have: the dense model's, the pruned one's where there is no dense one."""
    return "dense" if "dense" in texts else "pruned"


def draw_references(
    sets: Sequence[OpinionSet], texts: Mapping[str, Sequence[str | None]], info: CorpusInfo, spec: MetricSpec
) -> dict[str, list[Extract | None]]:
    """Name → one extract per set, for the random extract of every system and the other references of one of them."""
    base = base_system(texts)
    drawn = {extract: ("random", texts[name]) for name, extract in RANDOM_OF.items() if name in texts}
    drawn |= {name: (name, texts[base]) for name in ("oracle", "one_group", "first")}
    found: dict[str, list[Extract | None]] = {name: [] for name in drawn}
    for i, one in enumerate(sets):  # set by set: its sentences are split once for all of them
        for name, (kind, lengths) in drawn.items():
            found[name] += extracts(kind, [one], [lengths[i]], spec.seed, info.groups)
    return found


def label_pieces(drawn: Extracts, labels: dict[str, SentenceLabel]) -> None:
    """Adds the pieces of extracts to `labels`: a cut sentence has the label of the whole one, so nothing is embedded."""
    for row in drawn.values():
        for piece in (piece for extract in row for piece in extract or ()):
            if piece.text not in labels:
                labels[piece.text] = replace(labels[piece.sentence], sentence=piece.text)


def score_references(
    sets: Sequence[OpinionSet],
    sources: Sequence[Source],
    texts: Mapping[str, Sequence[str | None]],
    drawn: Extracts,
    info: CorpusInfo,
    spec: MetricSpec,
    *,
    tools: Tools,
    labels: dict[str, SentenceLabel] | None,
) -> dict[str, System]:
    """All references, scored: the extracts, and `permuted`."""
    found = {
        name: score(
            sources,
            [None if extract is None else text_of(extract) for extract in row],
            info,
            spec,
            tools=tools,
            labelled=labels_of(spoken(row), labels),
        )
        for name, row in drawn.items()
    }
    found["permuted"] = _permuted(sets, sources, texts[base_system(texts)], info, spec, tools, labels)
    return found


def spoken(row: Sequence[Extract | None]) -> list[list[str]]:
    """The sentences of each extract: joined and split again they could be others."""
    return [[piece.text for piece in extract or ()] for extract in row]


def _permuted(
    sets: Sequence[OpinionSet],
    sources: Sequence[Source],
    texts: Sequence[str | None],
    info: CorpusInfo,
    spec: MetricSpec,
    tools: Tools,
    labels: dict[str, SentenceLabel] | None,
) -> System:
    """The summaries themselves, with the opinions' groups (and the sentences' labels) exchanged within each set."""
    mixed: list[Source] = []
    labelled: list[list[SentenceLabel]] = []
    for one, source, text in zip(sets, sources, texts, strict=True):
        own = [] if text is None or labels is None else [labels[sentence] for sentence in sentences(text)]
        pool = [*(source.labels or []), *own]
        dealt = [pool[i] for i in seeded_rng(one, spec.seed).permutation(len(pool))]
        cut = len(pool) - len(own)
        exchanged = permuted_groups(one, spec.seed)
        mixed.append(regrouped(source, exchanged, info, spec, None if labels is None else dealt[:cut]))
        labelled.append(dealt[cut:])
    return score(
        mixed,
        texts,
        info,
        spec,
        tools=tools,
        labelled=None if labels is None else labelled,
    )


def distance(metric: Metric) -> Statistic:
    """How unfair, whatever the sign: the metric itself, or |value − best| where it is signed."""
    if metric.direction == "lower":
        return metric.statistic
    return lambda weights, table: np.abs(metric.statistic(weights, table) - metric.best)


def validity(
    metric: Metric, systems: Mapping[str, System], draws: Resamples, no_label: str = ""
) -> dict[str, Any]:
    """Whether the metric tells fair from unfair on this corpus: oracle < random < one-group.

    A signed metric is read by its mean absolute value per sample: a random extract leans to nobody on average.

    Args:
        no_label: why sentences have no labels; '' when they have.

    Returns:
        share: of the resamples with the whole order; its two halves; valid: whether share ≥ 0.95; n samples that all
        three score; reason where there is no share.
    """
    names = ["random_pruned" if name == "random" and "random" not in systems else name for name in ORDER]
    missing: dict[str, Any] = {
        "share": None,
        "oracle_below_random": None,
        "random_below_one_group": None,
        "valid": None,
        "n": 0,
    }
    if any(name not in systems or metric.name not in systems[name].tables for name in names):
        return missing | {"reason": no_label or f"the references have no {metric.name}"}
    tables = [systems[name].tables[metric.name] for name in names]
    mask = np.logical_and.reduce([scored(table) for table in tables])
    n_topics = len({topic for topic, one in zip(draws.topics, mask, strict=True) if one})
    if n_topics < 2:
        return missing | {
            "n": int(mask.sum()),
            "reason": "fewer than two topics on which all three are scored",
        }
    statistic: Statistic = metric.statistic
    if metric.direction == "zero":
        statistic, tables = weighted_mean, [np.abs(table[:, -1:]) for table in tables]
    values = np.stack([draws.of(_on(statistic, np.where(mask[:, None], t, np.nan))) for t in tables])
    values = values[:, ~np.isnan(values).any(axis=0)]
    lower, upper = values[0] < values[1], values[1] < values[2]
    share = float((lower & upper).mean())
    return {
        "share": share,
        "oracle_below_random": float(lower.mean()),
        "random_below_one_group": float(upper.mean()),
        "valid": share >= VALID_SHARE,
        "n": int(mask.sum()),
        "reason": None,
    }


def _on(statistic: Statistic, table: FloatArray) -> Any:
    return lambda weights: statistic(weights, table)
