"""What a summary has in common with its source, token by token: ROUGE-1/2, copied runs, new word pairs."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.metrics.matchers.words import tokens
from fairprune.opinions import OpinionSet

_SEPARATOR = "\0"
_UNKNOWN = chr(sys.maxunicode)
"""Of the summary's tokens that no opinion has."""
_DIRECT = 10_000_000
"""Length of summary × source up to which a run is looked for where it may begin; beyond, that takes minutes."""
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Grams:
    """Tokens of one text for ROUGE, with their counts: those of a source are made once for all systems."""

    tokens: list[str]
    """Of `quality.rouge_tokens`."""
    ones: Counter[str]
    pairs: Counter[tuple[str, str]]
    """Neighbouring tokens."""


def grams(tokens_: list[str]) -> Grams:
    return Grams(tokens_, Counter(tokens_), Counter(pairwise(tokens_)))


def rouge_n(summary: Grams, source: Grams) -> tuple[float | None, float | None]:
    """ROUGE-1 and ROUGE-2 F1 against the tokens of the joined source opinions, in [0, 1].

    0 for an empty summary, and ROUGE-2 of a single token, as the rouge-score package has it; None where the source has no
    token.

    Source: Lin, ACL workshop 2004, as in the rouge-score package (use_stemmer=True), whose numbers these are.
    """
    if not source.tokens:
        return None, None
    return _f1(summary.ones, source.ones), _f1(summary.pairs, source.pairs)


def _f1(summary: Counter[Any], source: Counter[Any]) -> float:
    """Of clipped counts, as the package has it; its own counting of n-grams takes ten times as long."""
    from rouge_score.scoring import fmeasure

    common = sum(min(times, source[gram]) for gram, times in summary.items() if gram in source)
    return float(fmeasure(common / max(1, summary.total()), common / max(1, source.total())))


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
    summary = "".join(source.letters.get(token, _UNKNOWN) for token in summary_tokens)
    n = len(summary)
    if n * len(source.text) > _DIRECT:
        return longest_common_run(_numbers(summary), _numbers(source.text)) / n
    best = 0
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


def _numbers(text: str) -> Numbers:
    """The code points."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return np.asarray(points, dtype=np.int64)


def longest_common_run(a: Numbers, b: Numbers) -> int:
    """Length of the longest run of numbers, none negative, that stands in both.

    Runs of twice a length that is common are named by the names of their halves until no name is common; any length
    between is two such runs that overlap. So the time grows as n log² n, whatever the texts are like.

    Source: Karp, Miller and Rosenberg, STOC 1972.
    """
    if not _meet(a, b):
        return 0
    length, most = 1, min(len(a), len(b))
    while 2 * length <= most:
        twice = [_joined(part, length, 2 * length) for part in (a, b)]
        if not _meet(*twice):
            break
        names = np.unique(np.concatenate(twice), return_inverse=True)[1]
        a, b = names[: len(twice[0])], names[len(twice[0]) :]
        length *= 2
    least, most = length, min(most, 2 * length - 1)
    while least < most:  # `least` is common, `most + 1` is not
        middle = (least + most + 1) // 2
        if _meet(*(_joined(part, length, middle) for part in (a, b))):
            least = middle
        else:
            most = middle - 1
    return least


def _joined(names: Numbers, length: int, wanted: int) -> Numbers:
    """Names of the runs of `length` at every place → those of the runs of `wanted`, which is at most twice as long."""
    first, last = names[: len(names) - (wanted - length)], names[wanted - length :]
    return first << 32 | last


def _meet(a: Numbers, b: Numbers) -> bool:
    """Whether a number stands in both."""
    if not len(a) or not len(b):
        return False
    both = np.sort(np.concatenate([_distinct(a), _distinct(b)]))
    return bool((both[1:] == both[:-1]).any())


def _distinct(numbers: Numbers) -> Numbers:
    found = np.sort(numbers)
    first = np.concatenate([[True], found[1:] != found[:-1]])
    return np.asarray(found[first], dtype=np.int64)


def novel_pairs(summary_tokens: Sequence[str], source: SourceTokens) -> float | None:
    """Share of the summary's pairs of neighbouring tokens that stand in no opinion, in [0, 1]; None without a pair."""
    found = list(pairwise(summary_tokens))
    return sum(pair not in source.pairs for pair in found) / len(found) if found else None
