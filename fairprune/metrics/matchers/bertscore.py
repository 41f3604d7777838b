"""BERTScore: how well the tokens of a summary are met by a group's text, by contextual embeddings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fairprune.metrics.matchers.base import Matcher, Source, by_similarity
from fairprune.metrics.matchers.pretrained import Pretrained
from fairprune.metrics.shares import Shares

TokenEncoder = Callable[[Sequence[str]], list[NDArray[np.float32]]]
"""n texts → n arrays (tokens, width), rows of length 1, without special tokens."""

LAYERS = {
    "roberta-large": 17,
    "roberta-base": 10,
    "bert-base-uncased": 9,
    "bert-large-uncased": 18,
    "distilbert-base-uncased": 5,
}
"""The layer whose embeddings agreed best with people, as the bert_score package has it; of other models the last."""
BATCH = 32
BLOCK = 1024
"""Pairs whose embeddings are kept at once."""


@dataclass(frozen=True)
class Scores:
    """Three similarities in [−1, 1]; NaN where a text has no token."""

    precision: float
    recall: float
    f1: float


def greedy(candidate: NDArray[np.float32], reference: NDArray[np.float32]) -> Scores:
    """(n, width), (m, width), rows of length 1 → each token's best match, averaged.

    Precision goes over the candidate's tokens, recall over the reference's; no inverse document frequency, no
    rescaling.

    Source: Zhang et al., BERTScore, ICLR 2020 (arXiv 1904.09675), equations of section 3.
    """
    if not len(candidate) or not len(reference):
        return Scores(*[float("nan")] * 3)
    near = candidate.astype(np.float64) @ reference.astype(np.float64).T
    precision, recall = float(near.max(axis=1).mean()), float(near.max(axis=0).mean())
    total = precision + recall
    return Scores(precision, recall, 2 * precision * recall / total if total else 0.0)


def score(pairs: Sequence[tuple[str, str]], encode: TokenEncoder) -> list[Scores]:
    """(reference, candidate) texts → BERTScore of each pair; every distinct text is read once per block."""
    found = []
    for start in range(0, len(pairs), BLOCK):
        block = pairs[start : start + BLOCK]
        texts = list(dict.fromkeys(text for pair in block for text in pair))
        rows = dict(zip(texts, encode(texts), strict=True))
        found += [greedy(rows[candidate], rows[reference]) for reference, candidate in block]
    return found


def token_encoder(pretrained: Pretrained) -> TokenEncoder:
    """Embeddings of the layer that `LAYERS` names, in batches of similar length."""
    layer = LAYERS.get(pretrained.name, -1)

    def encode(texts: Sequence[str]) -> list[NDArray[np.float32]]:
        import torch

        found: list[NDArray[np.float32]] = [np.zeros((0, 0), np.float32)] * len(texts)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            inputs = pretrained.encode([texts[i] for i in batch], return_special_tokens_mask=True)
            words = (inputs["attention_mask"] == 1) & (inputs.pop("special_tokens_mask") == 0)
            with torch.inference_mode():
                hidden = pretrained.model(**inputs, output_hidden_states=True).hidden_states[layer]
                hidden = torch.nn.functional.normalize(hidden, dim=-1)
            for i, rows, mask in zip(batch, hidden.cpu().numpy(), words.cpu().numpy(), strict=True):
                found[i] = rows[mask]
        return found

    return encode


def matcher(encode: TokenEncoder, part: Literal["precision", "f1"], temperature: float) -> Matcher:
    """softmax(BERTScore of the summary against the group's joined text / T).

    Source: Zhang et al., NAACL 2024 (arXiv 2311.07884); the released code takes precision, T = 2 and roberta-large
    rescaled with its baseline b = .8315: the same as T = 2 (1 − b) = .337 without rescaling.
    """

    def numbers(pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [one.f1 if part == "f1" else one.precision for one in score(pairs, encode)]

    def shares(sources: Sequence[Source], summaries: Sequence[str | None]) -> list[Shares]:
        return by_similarity(sources, summaries, numbers, temperature)

    return shares
