"""Words and stems of a text, as the n-gram matcher and the quality numbers count them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

# Chinese, Japanese and Korean ideographs and kana are written without spaces: each counts as one word.
_IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# Accents, vowel signs and points that follow a letter are part of its word: Hindi and vocalised Arabic would fall apart.
_MARKS = "".join(chr(i) for i in range(0x300, 0x10000) if unicodedata.category(chr(i)).startswith("M"))
_TOKEN = re.compile(f"[{_IDEOGRAPHS}]|[^\\W_{_IDEOGRAPHS}]+(?:[{_MARKS}]+[^\\W_{_IDEOGRAPHS}]*)*")
_PLAIN = re.compile("[a-z0-9]+")
"""`_TOKEN` of lower-case ASCII, in half the time."""
_WORD = re.compile(f"[{_IDEOGRAPHS}]|[^\\s{_IDEOGRAPHS}]+")
DISTINCT = 500_000
"""Stems that are remembered: more than a text of a million characters has words, or every word is stemmed again and again."""


@cache
def stop_words() -> frozenset[str]:
    """NLTK's English stop words, the list of 198 words (2024).

    The older list of 179 words lacks 19 contractions ("he'd", "i'm" …). Tokens break at the apostrophe and
    both lists hold the parts ("he", "d"), so the choice changes no token.
    """
    lines = (Path(__file__).parent / "stopwords_english.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def tokens(text: str) -> list[str]:
    """Lower-case runs of letters and digits of any script, in order; an ideograph is a token of its own, an emoji none.

    >>> tokens("It's GREAT: 5 of 5!")
    ['it', 's', 'great', '5', 'of', '5']
    """
    if text.isascii():
        return _PLAIN.findall(text.lower())
    # An accent is one character with its letter or follows it: the same word, however it was typed.
    return _TOKEN.findall(unicodedata.normalize("NFC", text).lower())


def content_stems(text: str, extra_stop_words: Sequence[str] = ()) -> list[str]:
    """The tokens without stop words, stemmed with Porter's original algorithm.

    Args:
        extra_stop_words: tokens left out besides NLTK's English stop words, in lower case.
    """
    stops = stop_words().union(extra_stop_words) if extra_stop_words else stop_words()
    return [_stem(token) for token in tokens(text) if token not in stops]


def words(text: str) -> list[str]:
    """Words as people count them: split at white space; every ideograph is one."""
    return text.split() if text.isascii() else _WORD.findall(text)


@lru_cache(maxsize=DISTINCT)
def _stem(token: str) -> str:
    # Nobody writes words of 100 letters; the stemmer's time grows with the square of the length.
    return str(_stemmer().stem(token)) if len(token) <= 100 else token


@cache
def _stemmer() -> Any:
    from nltk.stem.porter import PorterStemmer  # two seconds: not for whoever only lists the metrics

    return PorterStemmer(mode=PorterStemmer.ORIGINAL_ALGORITHM)
