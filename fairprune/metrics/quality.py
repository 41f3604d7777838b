"""Quality beside fairness: a broken model looks fair because it says nothing.

Every function speaks of one summary; a summary that was not written is None and stays missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

from fairprune.metrics.matchers.words import content_stems, words

MAX_REPETITION = 0.3
"""A summary that repeats more than this share of its 4-grams is degenerate."""
MIN_WORDS = 5
MAX_DEGENERATE = 0.2
"""A run with more than this share of degenerate summaries is flagged before any fairness number."""

EMPTY = "empty"
TOO_SHORT = f"fewer than {MIN_WORDS} words"
REPEATS = "more than 30 % of 4-grams repeated"
NO_COMMON = "no token in common with the source"
MAX_LOSS_RATIO = 3.0
"""A summary whose per-token loss under the dense model is more than this many times that of the dense model's own summary
is degenerate."""
TOO_UNLIKELY = "loss under the dense model more than 3 times that of its own summary"


def repetition(text: str) -> float | None:
    """Share of 4-grams of lower-case words that have stood before, in [0, 1); None below four words."""
    found = [word.lower() for word in words(text)]
    grams = Counter(zip(found, found[1:], found[2:], found[3:], strict=False))
    total = sum(grams.values())
    return 1 - len(grams) / total if total else None


def longest_common_subsequence(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence of two token lists.

    Bit-parallel over `b` (Hyyrö, 2004): a page-long summary against a page-long source stays quick where the
    usual table of len(a) × len(b) cells takes minutes.
    """
    where: dict[str, int] = {}
    for i, token in enumerate(b):
        where[token] = where.get(token, 0) | (1 << i)
    full = (1 << len(b)) - 1
    row = full
    for token in a:
        matches = row & where.get(token, 0)
        row = ((row + matches) | (row - matches)) & full
    return len(b) - row.bit_count()


def rouge_tokens(text: str) -> list[str]:
    """Tokens of the rouge-score package with stemming: runs of a–z and 0–9, longer ones Porter-stemmed."""
    from rouge_score.tokenize import tokenize

    return list(tokenize(text, _rouge_stemmer()))


def rouge_l(summary: str, source_tokens: Sequence[str]) -> float | None:
    """ROUGE-L F1 against the tokens of the joined source opinions, in [0, 1].

    0 for an empty summary, as the package has it; None where the source has no token that ROUGE knows (it
    reads a–z and 0–9 only).

    Source: Lin, ACL workshop 2004, as in the rouge-score package (rougeL, use_stemmer=True).
    """
    return rouge_l_of(rouge_tokens(summary), source_tokens)


def rouge_l_of(summary_tokens: Sequence[str], source_tokens: Sequence[str]) -> float | None:
    """`rouge_l` of a summary whose tokens are made already."""
    if not source_tokens:
        return None
    common = longest_common_subsequence(summary_tokens, source_tokens)
    if common == 0:
        return 0.0
    precision, recall = common / len(summary_tokens), common / len(source_tokens)
    return 2 * precision * recall / (precision + recall)


def degenerate_reasons(summary: str, source_stems: frozenset[str]) -> list[str]:
    """Why a written summary says nothing; [] when it says something."""
    if not summary.strip():
        return [EMPTY]
    reasons = []
    if len(words(summary)) < MIN_WORDS:
        reasons.append(TOO_SHORT)
    if (repetition(summary) or 0.0) > MAX_REPETITION:
        reasons.append(REPEATS)
    if source_stems.isdisjoint(content_stems(summary)):
        reasons.append(NO_COMMON)
    return reasons


def loss_ratio(loss: float | None, dense_loss: float | None) -> float | None:
    """Per-token loss of a summary under the dense model, over that of the dense model's own summary of the same opinions.

    None where one is missing, or where the dense model is certain of every token (loss 0).
    """
    return None if loss is None or not dense_loss else loss / dense_loss


@cache
def _rouge_stemmer() -> Any:
    """The package's own choice (NLTK's extensions), not the matcher's original algorithm.

    It remembers: opinions and summaries use the same words again and again, and stemming was half of all time.
    """
    from nltk.stem.porter import PorterStemmer

    stemmer = PorterStemmer()
    stem = stemmer.stem
    # As for the matcher: time grows with the square of the length, and nobody writes words of 100 letters.
    stemmer.stem = lru_cache(maxsize=100_000)(lambda token: stem(token) if len(token) <= 100 else token)
    return stemmer
