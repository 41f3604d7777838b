"""Sentences and words of plain text: one splitter for cutting opinions, ending summaries and labelling sentences."""

from __future__ import annotations

import re

# Titles, initials and Latin shorthand end in a full stop without ending a sentence.
_NO_END = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|sen|gov|rep|gen|st|jr|sr|vs|no|inc|u\.s|d\.c|e\.g|i\.e|a\.m|p\.m|approx)|\b[A-Z])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?…。！？]+[\"'”’)\]]*(?=\s|$)")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, stripped, in order; a last one without an end mark counts.

    >>> sentences("Mr. Smith liked it. I did not! Why")
    ['Mr. Smith liked it.', 'I did not!', 'Why']
    """
    found, start = [], 0
    for match in _END.finditer(text):
        # Abbreviations are short: looking at the last characters alone keeps long texts linear.
        last = text[max(start, match.end() - 16) : match.end()].rstrip("\"'”’)]")
        if match.end() < len(text) and _NO_END.search(last):
            continue
        head = text[start : match.end()].strip()
        if head:
            found.append(head)
        start = match.end()
    tail = text[start:].strip()
    if tail:
        found.append(tail)
    return [" ".join(sentence.split()) for sentence in found]


def ends_sentence(text: str) -> bool:
    """Whether the text stops at the end of a sentence."""
    stripped = text.rstrip()
    matches = list(_END.finditer(stripped))
    return bool(matches) and matches[-1].end() == len(stripped)


def cut_to_words(text: str, words: int) -> tuple[str, bool]:
    """The longest run of whole leading sentences of at most `words` words, white space folded.

    Returns:
        The text, and whether it ends at a sentence end. Where already the first sentence is too long, its
        first `words` words and False.
    """
    kept: list[str] = []
    room = words
    for sentence in sentences(text):
        length = len(sentence.split())
        if length > room:
            break
        kept.append(sentence)
        room -= length
    if kept:
        return " ".join(kept), True
    return " ".join(text.split()[:words]), False
