"""The quality numbers of one summary, in the order in which tables show them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from fairprune.metrics import overlap, quality
from fairprune.metrics.matchers.words import tokens, words
from fairprune.uncertainty import FloatArray

QUALITY = (
    "rouge_1",
    "rouge_2",
    "rouge_l",
    "words",
    "empty",
    "repetition",
    "copied",
    "novel",
    "truncated",
)
REFERENCE_ROUGE = ("rouge_1_ref", "rouge_2_ref", "rouge_l_ref")
"""ROUGE against the summary that a person wrote, where a data set has one; without the ending it is against the opinions."""
RATES = ("empty", "truncated")
"""Numbers that are 0 or 1 of every summary."""
BERTSCORE = "bertscore_"
"""What the name of a BERTScore begins with; the encoder's name follows."""


def quality_names(references: bool) -> tuple[str, ...]:
    """`QUALITY`, with ROUGE against references beside ROUGE against the opinions where there are any."""
    return (*QUALITY[:3], *REFERENCE_ROUGE, *QUALITY[3:]) if references else QUALITY


def quality_numbers(
    text: str, rouge_source: overlap.Grams, source: overlap.SourceTokens, truncated: bool | None
) -> dict[str, float | None]:
    """Every name of `QUALITY` → its number of one written summary; None where it does not apply.

    Args:
        rouge_source: tokens of the joined opinions.
        truncated: whether generation stopped at the token limit; None: not recorded.
    """
    rouge = overlap.grams(quality.rouge_tokens(text))
    rouge_1, rouge_2 = overlap.rouge_n(rouge, rouge_source)
    found = tokens(text)
    return {
        "rouge_1": rouge_1,
        "rouge_2": rouge_2,
        "rouge_l": quality.rouge_l_of(rouge.tokens, rouge_source.tokens),
        "words": float(len(words(text))),
        "empty": float(not text.strip()),
        "repetition": quality.repetition(text),
        "copied": overlap.copy_rate(found, source),
        "novel": overlap.novel_pairs(found, source),
        "truncated": None if truncated is None else float(truncated),
    }


def reference_tables(texts: Sequence[str | None], references: Sequence[str | None]) -> dict[str, FloatArray]:
    """Every name of `REFERENCE_ROUGE` → (n, 1): F1 of each summary against its sample's reference, in [0, 1].

    NaN for a summary that was not written, and for a sample without a reference (or with one of which ROUGE reads no
    token).
    """
    tables = {name: np.full((len(texts), 1), np.nan) for name in REFERENCE_ROUGE}
    for i, (text, reference) in enumerate(zip(texts, references, strict=True)):
        if text is None or not (reference or "").strip():
            continue
        summary, gold = (overlap.grams(quality.rouge_tokens(part or "")) for part in (text, reference))
        found = (*overlap.rouge_n(summary, gold), quality.rouge_l_of(summary.tokens, gold.tokens))
        for name, number in zip(REFERENCE_ROUGE, found, strict=True):
            tables[name][i, 0] = math.nan if number is None else number
    return tables
