"""What a summary has in common with its source, token by token: ROUGE-1/2, copied runs, new word pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from fairprune.metrics.matchers.words import tokens
from fairprune.opinions import OpinionSet

_SEPARATOR = "\0"


class _Tokens:
    """Hands the rouge-score package token lists that are made already."""

    def tokenize(self, text: list[str]) -> list[str]:
        return text


@cache
def _scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rouge1", "rouge2"], tokenizer=_Tokens())


def rouge_n(summary_tokens: list[str], source_tokens: list[str]) -> tuple[float | None, float | None]:
    """ROUGE-1 and ROUGE-2 F1 against the tokens of the joined source opinions, in [0, 1].

    0 for an empty summary, and ROUGE-2 of a single token, as the package has it; None where the source has no token.

    Args:
        summary_tokens, source_tokens: of `quality.rouge_tokens`.

    Source: Lin, ACL workshop 2004, as in the rouge-score package (use_stemmer=True).
    """
    if not source_tokens:
        return None, None
    found = _scorer().score(source_tokens, summary_tokens)
    return float(found["rouge1"].fmeasure), float(found["rouge2"].fmeasure)


@dataclass(frozen=True)
class SourceTokens:
    """The source side of one sample, read once for all systems."""

    letters: dict[str, str]
    """Token → a character of its own."""
    text: str
    """The opinions, a character per token, set apart by one that no token has."""
    pairs: frozenset[tuple[str, str]]
    """Neighbouring tokens of any opinion."""


def read_tokens(one: OpinionSet) -> SourceTokens:
    """Lower-case words and numbers of the opinions, in order."""
    opinions = [tokens(opinion.text) for opinion in one.opinions]
    letters = {
        token: chr(i + 1)
        for i, token in enumerate(dict.fromkeys(token for opinion in opinions for token in opinion))
    }
    text = _SEPARATOR.join("".join(letters[token] for token in opinion) for opinion in opinions)
    return SourceTokens(letters, text, frozenset(pair for opinion in opinions for pair in pairwise(opinion)))


def copy_rate(summary_tokens: Sequence[str], source: SourceTokens) -> float | None:
    """Length of the longest run of tokens that stands in one opinion too, over the summary's length, in [0, 1].

    None for a summary without a token.
    """
    if not summary_tokens:
        return None
    summary = "".join(source.letters.get(token, "\uffff") for token in summary_tokens)
    n, best = len(summary), 0
    for start in range(n):
        if start + best >= n:
            break
        if summary[start : start + best + 1] in source.text:
            best = _longest(summary, start, best + 1, source.text)
    return best / n


def _longest(summary: str, start: int, known: int, source: str) -> int:
    """The longest prefix of summary[start:] that stands in `source`; one of length `known` does."""
    low, high = known, len(summary) - start
    step = 1
    while low < high and summary[start : start + min(low + step, high)] in source:
        low, step = min(low + step, high), 2 * step
    high = min(high, low + step)
    while low < high:  # low stands there, high + 1 does not
        middle = (low + high + 1) // 2
        if summary[start : start + middle] in source:
            low = middle
        else:
            high = middle - 1
    return low


def novel_pairs(summary_tokens: Sequence[str], source: SourceTokens) -> float | None:
    """Share of the summary's pairs of neighbouring tokens that stand in no opinion, in [0, 1]; None without a pair."""
    found = list(pairwise(summary_tokens))
    return sum(pair not in source.pairs for pair in found) / len(found) if found else None
