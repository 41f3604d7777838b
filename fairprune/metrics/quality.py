"""Quality beside fairness: a broken model looks fair because it says nothing.

Every function speaks of one summary; a summary that was not written is None and stays missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np

from fairprune.metrics.matchers.words import DISTINCT, content_stems, tokens, words

_LONG = 5000
"""Tokens from which Python's own integers are too slow for a common subsequence."""
_RARE = 4
"""Occurrences of a token up to which its bits are set anew whenever it comes."""
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

    Bit-parallel over `b` (Hyyrö, 2004): a page-long summary against a page-long source stays quick where the usual table
    of len(a) × len(b) cells takes minutes.
    """
    one, masks, rare = _masks(b) if len(b) <= _LONG else _long_masks(b)
    full = row = (one << len(b)) - 1
    step = 0
    for token in a:
        mask = masks.get(token)
        if mask is None:
            if token not in rare:
                continue
            mask = sum(one << i for i in rare[token])
        matches = row & mask
        row = (row + matches) | (row ^ matches)
        step += 1
        if step % 64 == 0:  # carries beyond the end disturb nothing below them
            row &= full
    return len(b) - int((row & full).bit_count())


def _masks(b: Sequence[str]) -> tuple[Any, dict[str, Any], dict[str, list[int]]]:
    """The number 1; token → the number whose bits are 1 where it stands; tokens whose bits are set when they come."""
    masks: dict[str, int] = {}
    for i, token in enumerate(b):
        masks[token] = masks.get(token, 0) | (1 << i)
    return 1, masks, {}


def _long_masks(b: Sequence[str]) -> tuple[Any, dict[str, Any], dict[str, list[int]]]:
    """`_masks` in GMP's integers, ten times as quick where they are long, and of frequent tokens alone: one for each of
    100,000 different tokens would take gigabytes."""
    from gmpy2 import mpz

    places: dict[str, list[int]] = {}
    for i, token in enumerate(b):
        places.setdefault(token, []).append(i)
    masks = {}
    for token, found in places.items():
        if len(found) > _RARE:
            bits = np.zeros(found[-1] + 1, dtype=np.uint8)
            bits[found] = 1
            packed = np.packbits(bits, bitorder="little").tobytes()
            masks[token] = mpz(int.from_bytes(packed, "little"))
    return mpz(1), masks, {token: found for token, found in places.items() if token not in masks}


def rouge_tokens(text: str) -> list[str]:
    """Tokens for ROUGE: `tokens`, those of a–z and 0–9 with more than three characters Porter-stemmed.

    Of English they are the rouge-score package's own (use_stemmer=True). Its tokenizer reads nothing but a–z and 0–9, so
    that a text in Arabic or Chinese has no token at all and 'café' is 'caf'; here every script has its letters.
    """
    stem = _rouge_stemmer().stem
    return [stem(token) if len(token) > 3 and token.isascii() else token for token in tokens(text)]


def rouge_l(summary: str, source_tokens: Sequence[str]) -> float | None:
    """ROUGE-L F1 against the tokens of the joined source opinions, in [0, 1].

    0 for an empty summary, as the package has it; None where the source has no token (emoji and signs are none).

    Source: Lin, ACL workshop 2004, as in the rouge-score package (rougeL, use_stemmer=True).
    """
    return rouge_l_of(rouge_tokens(summary), source_tokens)


def rouge_l_of(summary_tokens: Sequence[str], source_tokens: Sequence[str]) -> float | None:
    """`rouge_l` of a summary whose tokens are made already."""
    if not source_tokens:
        return None
    from rouge_score.scoring import fmeasure

    common = longest_common_subsequence(summary_tokens, source_tokens)
    return float(fmeasure(common / max(1, len(summary_tokens)), common / len(source_tokens)))


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
    stemmer.stem = lru_cache(maxsize=DISTINCT)(lambda token: stem(token) if len(token) <= 100 else token)
    return stemmer
