"""The quality numbers of one summary, in the order in which tables show them."""

from __future__ import annotations

from fairprune.metrics import overlap, quality
from fairprune.metrics.matchers.words import tokens, words

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
RATES = ("empty", "truncated")
"""Numbers that are 0 or 1 of every summary."""
BERTSCORE = "bertscore_"
"""What the name of a BERTScore begins with; the encoder's name follows."""


def quality_numbers(
    text: str, rouge_source: list[str], source: overlap.SourceTokens, truncated: bool | None
) -> dict[str, float | None]:
    """Every name of `QUALITY` → its number of one written summary; None where it does not apply.

    Args:
        rouge_source: tokens of the joined opinions.
        truncated: whether generation stopped at the token limit; None: not recorded.
    """
    rouge = quality.rouge_tokens(text)
    rouge_1, rouge_2 = overlap.rouge_n(rouge, rouge_source)
    found = tokens(text)
    return {
        "rouge_1": rouge_1,
        "rouge_2": rouge_2,
        "rouge_l": quality.rouge_l_of(rouge, rouge_source),
        "words": float(len(words(text))),
        "empty": float(not text.strip()),
        "repetition": quality.repetition(text),
        "copied": overlap.copy_rate(found, source),
        "novel": overlap.novel_pairs(found, source),
        "truncated": None if truncated is None else float(truncated),
    }
