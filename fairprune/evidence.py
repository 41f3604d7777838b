"""Which opinions a summary's sentences rest on, by similarity of sentence embeddings.

Similar in content, which is not agreement: the encoder hears what a sentence is about better than on which side it
stands. The embeddings are those that labelling has made.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import Unavailable
from fairprune.labels import Embedder
from fairprune.labels.embeddings import embedded
from fairprune.metrics.matchers.words import tokens
from fairprune.opinions import OpinionSet
from fairprune.text import sentences
from fairprune.uncertainty import FloatArray, Resamples, estimate, estimate_difference, weighted_mean

LEAST_SCORE = 0.5
"""Cosine from which a sentence rests on an opinion. A sentence about another film reaches it with the nearest of eight
opinions in 5 of 100 cases (about another product in 1 of 100): measured on the sentences of the packaged test splits."""
MOST = 3
"""Opinions that a sentence rests on, at most: the most similar ones."""
ENCODER = "all-MiniLM-L6-v2"
PARTS = {
    "dense": ("dense",),
    "pruned": ("pruned",),
    "difference": ("pruned", "dense"),
    "random": ("random",),
    "random_pruned": ("random_pruned",),
}
"""Row of the coverage → the systems that it is made of, the first minus the second."""
NOT_MADE = "no sentence embeddings were made"

Ground = list[tuple[int, float]]
"""(position of the opinion in its set, score), the most similar one first; [] rests on no opinion."""


@dataclass(frozen=True)
class Evidence:
    """What the sentences of one system's summaries rest on."""

    grounds: list[list[Ground] | None]
    """Per sample, per sentence of its summary (as `sentences` splits it); None: no summary."""
    coverage: FloatArray
    """(n, groups): share of a group's opinions on which any sentence rests; NaN where the group has none or there is
    no summary."""


def find_evidence(
    sets: Sequence[OpinionSet],
    texts: Mapping[str, Sequence[str | None]],
    groups: Sequence[str],
    embed: Embedder,
    spoken: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> dict[str, Evidence]:
    """System → its evidence; every distinct sentence is asked for once.

    Args:
        sets: n opinion sets.
        texts: system → n summaries.
        spoken: system → the sentences of each text, where they are known: an extract is not split again.

    Raises:
        NumericError: the encoder gave something else than finite rows.
    """
    opinions = [[sentences(opinion.text) for opinion in one.opinions] for one in sets]
    known = spoken or {}
    summaries = {
        name: known[name] if name in known else [sentences(text or "") for text in found]
        for name, found in texts.items()
    }
    distinct = dict.fromkeys(sentence for one in opinions for opinion in one for sentence in opinion)
    distinct.update(
        dict.fromkeys(sentence for one in summaries.values() for summary in one for sentence in summary)
    )
    place = {sentence: i for i, sentence in enumerate(distinct)}
    vectors = embedded(embed, list(distinct)) if distinct else np.zeros((0, 0), dtype=np.float32)

    def rows(found: Sequence[str]) -> NDArray[np.float32]:
        return vectors[[place[sentence] for sentence in found]]

    found = {}
    for name, written in texts.items():
        grounds: list[list[Ground] | None] = []
        coverage = np.full((len(sets), len(groups)), np.nan)
        for i, text in enumerate(written):
            if text is None:
                grounds.append(None)
                continue
            parts = summaries[name][i]
            scores = _scores(rows(parts), [rows(opinion) for opinion in opinions[i]])
            grounds.append([_ground(part, row) for part, row in zip(parts, scores, strict=True)])
            coverage[i] = covered(sets[i], grounds[-1] or [], groups)
        found[name] = Evidence(grounds, coverage)
    return found


def _scores(summary: NDArray[np.float32], opinions: Sequence[NDArray[np.float32]]) -> FloatArray:
    """(sentences, width) and per opinion (its sentences, width) → (sentences, opinions): cosine with the opinion's
    most similar sentence; −1 for an opinion without a sentence."""
    found = np.full((len(summary), len(opinions)), -1.0)
    for column, opinion in enumerate(opinions):
        if len(opinion) and len(summary):
            found[:, column] = (summary @ opinion.T).max(axis=1)
    return found


def _ground(sentence: str, scores: FloatArray) -> Ground:
    """The opinions of the highest scores; a sentence without a word ('…') rests on nothing."""
    if not tokens(sentence):
        return []
    best = np.argsort(-scores, kind="stable")[:MOST]
    return [(int(i), min(1.0, float(scores[i]))) for i in best if scores[i] >= LEAST_SCORE]


def covered(one: OpinionSet, grounds: Sequence[Ground], groups: Sequence[str]) -> list[float]:
    """Per group the share of its opinions on which any sentence rests, in [0, 1]; NaN for a group without opinions."""
    rested = {i for ground in grounds for i, _ in ground}
    shares = []
    for group in groups:
        own = [i for i, opinion in enumerate(one.opinions) if opinion.group == group]
        shares.append(sum(i in rested for i in own) / len(own) if own else math.nan)
    return shares


def sample_evidence(found: Evidence | None, i: int, groups: Sequence[str]) -> dict[str, Any]:
    """`evidence` and `coverage` of sample i for the stored result; None where there is none."""
    grounds = None if found is None else found.grounds[i]
    if found is None or grounds is None:
        return {"evidence": None, "coverage": None}
    shares = {
        group: float(share)
        for group, share in zip(groups, found.coverage[i], strict=True)
        if not math.isnan(share)
    }
    return {
        "evidence": [[[place, round(score, 4)] for place, score in ground] for ground in grounds],
        "coverage": shares,
    }


def evidence_of(
    sets: Sequence[OpinionSet],
    texts: Mapping[str, Sequence[str | None]],
    groups: Sequence[str],
    embed: Embedder | None,
    spoken: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> tuple[dict[str, Evidence], str | None]:
    """`find_evidence`; or nothing and the reason, where there is no encoder or it cannot be had.

    Nothing else rests on it: at the end of a run all other numbers stand.
    """
    if embed is None:
        return {}, NOT_MADE
    try:
        return find_evidence(sets, texts, groups, embed, spoken), None
    except Unavailable as error:
        return {}, str(error)


def evidence_facts(reason: str | None) -> dict[str, Any]:
    """How evidence was found, for the stored result; and why there is none, where there is none."""
    facts: dict[str, Any] = {"encoder": ENCODER, "least_score": LEAST_SCORE, "most": MOST}
    return facts if reason is None else facts | {"reason": reason}


def coverage_rows(
    found: Mapping[str, Evidence], groups: Sequence[str], draws: Resamples
) -> list[dict[str, Any]]:
    """Per group and system the mean share of the group's opinions on which any sentence rests, with its interval.

    The random extract shows what summaries of this length cover by chance; it rests on its own opinions.
    """
    rows = []
    for i, group in enumerate(groups):
        for name, parts in PARTS.items():
            if not all(part in found for part in parts):
                continue
            tables = [found[part].coverage[:, [i]] for part in parts]
            if len(tables) == 1:
                value = estimate(weighted_mean, tables[0], draws, limits=(0.0, 1.0))
            else:
                value = estimate_difference(weighted_mean, tables[0], tables[1], draws, limits=(0.0, 1.0))
            rows.append(
                {
                    "group": group,
                    "system": name,
                    "value": value.value,
                    "low": value.low,
                    "high": value.high,
                    "limit": value.limit,
                    "n": value.n,
                    "reason": None
                    if value.value is not None
                    else f"no written summary whose set has opinions of {group}",
                }
            )
    return rows
