"""How well a summary covers each opinion: what equal coverage and coverage parity are made of.

p(d, S) = mean over the summary's units (sentences) of the highest score of the unit by a chunk (fewer than 100
words) of document d. The score is the probability that the chunk entails the unit, or, where no entailment model
is given, their cosine similarity, which is not entailment and is named differently.

Source: Li et al., NAACL 2025 (arXiv 2412.08795).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput
from fairprune.metrics.matchers.base import EMPTY, NO_WORDS, NOT_WRITTEN
from fairprune.metrics.matchers.words import tokens, words
from fairprune.metrics.shares import NO_SOURCE
from fairprune.text import sentences
from fairprune.uncertainty import FloatArray

if TYPE_CHECKING:
    from fairprune.labels import Embedder
    from fairprune.metrics.matchers.pretrained import Pretrained

CHUNK_WORDS = 99
"""A chunk has fewer than 100 words."""
ONE_GROUP = "only one group has text"
BATCH = 32
BLOCK = 500
"""Samples read at once: bounds memory."""

Scorer = Callable[[Sequence[tuple[str, str]]], FloatArray]
"""n (chunk, unit) pairs → (n,) scores."""


@dataclass(frozen=True)
class Coverage:
    """How much of one summary rests on each opinion."""

    groups: tuple[str, ...]
    """All groups of the corpus."""
    documents: tuple[tuple[int, float], ...]
    """(position of the document's group, p(d, S)) of every document with words; () where unscored."""
    unscored: str | None = None
    """Why there is no score; None where there is one."""

    def deviations(self) -> list[tuple[int, float]]:
        """(position of the group, c(d) = p(d, S) − mean p) per document.

        Raises:
            BadInput: the sample is unscored.
        """
        if self.unscored is not None:
            raise BadInput(f"an unscored sample ({self.unscored}) has no coverage: leave it out and count it")
        mean = sum(p for _, p in self.documents) / len(self.documents)
        return [(group, p - mean) for group, p in self.documents]


@dataclass(frozen=True)
class Document:
    """One opinion, cut to chunks."""

    group: int
    chunks: tuple[str, ...]


def chunks(text: str) -> tuple[str, ...]:
    """Whole sentences packed in their order into chunks of fewer than 100 words; a longer sentence is cut.

    >>> chunks("Good. Bad.")
    ('Good. Bad.',)
    """
    pieces: list[tuple[str, int]] = []
    for sentence in sentences(text):
        parts = words(sentence)
        if len(parts) <= CHUNK_WORDS:
            pieces.append((sentence, len(parts)))
            continue
        cut = [parts[i : i + CHUNK_WORDS] for i in range(0, len(parts), CHUNK_WORDS)]
        pieces += [(" ".join(part), len(part)) for part in cut]
    found: list[list[str]] = []
    room = 0
    for piece, length in pieces:
        if length > room:
            found.append([])
            room = CHUNK_WORDS
        found[-1].append(piece)
        room -= length
    return tuple(" ".join(chunk) for chunk in found)


def documents(opinions: Sequence[tuple[str, str]], groups: Sequence[str]) -> tuple[Document, ...]:
    """(text, group) of the opinions → documents; an opinion without a word is none."""
    return tuple(Document(groups.index(group), chunks(text)) for text, group in opinions if tokens(text))


def cover(
    sources: Sequence[Sequence[Document]],
    summaries: Sequence[str | None],
    groups: Sequence[str],
    score: Scorer,
) -> list[Coverage]:
    """Coverage of every sample; each distinct (chunk, unit) pair is scored once per block.

    Unscored: no summary, an empty one, one without words, no source, and a sample in which only one group has text.
    """
    found: list[Coverage] = []
    for start in range(0, len(sources), BLOCK):
        block = slice(start, start + BLOCK)
        found += _block(sources[block], summaries[block], tuple(groups), score)
    return found


def _block(
    sources: Sequence[Sequence[Document]],
    summaries: Sequence[str | None],
    groups: tuple[str, ...],
    score: Scorer,
) -> list[Coverage]:
    reasons = [_reason(source, text) for source, text in zip(sources, summaries, strict=True)]
    units = [
        [unit for unit in sentences(text or "") if tokens(unit)] if reason is None else []
        for text, reason in zip(summaries, reasons, strict=True)
    ]
    pairs = dict.fromkeys(
        (chunk, unit)
        for source, part in zip(sources, units, strict=True)
        for unit in part
        for document in source
        for chunk in document.chunks
    )
    scores = dict(zip(pairs, score(list(pairs)).tolist(), strict=True)) if pairs else {}
    return [
        Coverage(groups, (), reason)
        if reason is not None
        else Coverage(groups, tuple((one.group, _covered(one, part, scores)) for one in source))
        for source, part, reason in zip(sources, units, reasons, strict=True)
    ]


def _covered(document: Document, units: Sequence[str], scores: Mapping[tuple[str, str], float]) -> float:
    """p(d, S)."""
    return sum(max(scores[chunk, unit] for chunk in document.chunks) for unit in units) / len(units)


def _reason(source: Sequence[Document], summary: str | None) -> str | None:
    if summary is None:
        return NOT_WRITTEN
    if not tokens(summary):
        return NO_WORDS if summary.strip() else EMPTY
    if not source:
        return NO_SOURCE
    return ONE_GROUP if len({document.group for document in source}) == 1 else None


def similarity_scorer(embed: Embedder) -> Scorer:
    """Cosine similarity of chunk and unit, in [−1, 1]: not entailment, and blind to most negation."""

    def score(pairs: Sequence[tuple[str, str]]) -> FloatArray:
        texts = {text: i for i, text in enumerate(dict.fromkeys(text for pair in pairs for text in pair))}
        rows: NDArray[np.float32] = embed(list(texts))
        first, second = ([texts[pair[side]] for pair in pairs] for side in (0, 1))
        near: FloatArray = np.einsum("ij,ij->i", rows[first], rows[second], dtype=np.float64)
        return near

    return score


def entailment_scorer(pretrained: Pretrained) -> Scorer:
    """Probability that the chunk (premise) entails the unit (hypothesis), in [0, 1].

    Raises:
        BadInput: the model's labels have no 'entailment'.
    """
    names = {int(i): str(name).lower() for i, name in pretrained.model.config.id2label.items()}
    found = [i for i, name in names.items() if name.startswith("entail")]
    if len(found) != 1:
        raise BadInput(
            f"{pretrained.name} is no entailment model: its labels are {', '.join(names.values())}, and exactly one must "
            "be 'entailment'"
        )

    def score(pairs: Sequence[tuple[str, str]]) -> FloatArray:
        import torch

        probabilities = np.zeros(len(pairs))
        order = sorted(range(len(pairs)), key=lambda i: len(pairs[i][0]) + len(pairs[i][1]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            inputs = pretrained.encode([pairs[i][0] for i in batch], [pairs[i][1] for i in batch])
            with torch.inference_mode():
                logits = pretrained.model(**inputs).logits
            probabilities[batch] = torch.softmax(logits.float(), dim=-1)[:, found[0]].cpu().numpy()
        return probabilities

    return score


def equal_coverage(coverage: Coverage) -> list[float]:
    """[mean over groups of |mean over the group's documents of c(d)|]."""
    by_group: dict[int, list[float]] = {}
    for group, c in coverage.deviations():
        by_group.setdefault(group, []).append(c)
    return [sum(abs(sum(found) / len(found)) for found in by_group.values()) / len(by_group)]


def parity_row(coverage: Coverage) -> list[float]:
    """Per group of the corpus the sum of c(d), then per group the number of documents: (2 · groups,)."""
    r = len(coverage.groups)
    row = [0.0] * (2 * r)
    for group, c in coverage.deviations():
        row[group] += c
        row[r + group] += 1
    return row


def parity_contrasts(weights: FloatArray, rows: FloatArray) -> FloatArray:
    """(weights (R, n), rows (n, 2 · groups)) → (R, groups): mean of c over all documents of the group, signed.

    NaN for a group of which a resample draws no document.
    """
    totals = weights @ np.where(np.isnan(rows), 0.0, rows)
    sums, counts = np.split(totals, 2, axis=1)
    means: FloatArray = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return means


def parity(weights: FloatArray, rows: FloatArray) -> FloatArray:
    """(weights (R, n), rows (n, 2 · groups)) → (R,): mean over groups of |mean of c over all its documents|.

    A group of which a resample draws no document is left out of it; NaN where it draws none at all.
    """
    means = np.abs(parity_contrasts(weights, rows))
    groups = (~np.isnan(means)).sum(axis=1)
    found: FloatArray = np.divide(
        np.nansum(means, axis=1), groups, out=np.full(len(groups), np.nan), where=groups > 0
    )
    return found
