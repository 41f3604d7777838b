"""Sentences and words of plain text: one splitter for cutting opinions, ending summaries and labelling sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

# Possessive, from the first mark of a run on: a page of dots takes linear time.
_END = re.compile(r"(?<![.!?…。！？])[.!?…。！？]++[\"'”’)\]]*+(?=\s|$)")
# Titles, initials and Latin shorthand end in a full stop without ending a sentence. Where the lower-case word is
# an ordinary one ('no', 'rep', 'gen'), the capitalised form alone is shorthand. The 't' of 'don't' is no initial.
_SHORTHAND = re.compile(
    r"(?:\b(?:(?i:mr|mrs|ms|dr|prof|sen|gov|jr|sr|vs|u\.s|d\.c|e\.g|i\.e|a\.m|p\.m|approx)|St|Gen|Rep|Inc)"
    r"|(?<![\w'’])[A-Za-z])$"
)
_NUMBER_SIGN = re.compile(r"\bNo$")  # 'No. 5', but 'No. Never.'
_OPENERS = r"[\s\"'“‘(\[*•–-]*"
_ENUMERATOR = re.compile(rf"(?:^|\n|:\s){_OPENERS}\d+$")
_CAPITAL = re.compile(r"\s+[\"'“‘(\[]*[^\W\d_]")
# Controls but tab and line end, and marks that turn the direction of writing: a terminal obeys them.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_NEAR = 24  # characters before a mark that are looked at: abbreviations are short, and long texts stay linear


def sentences(text: str) -> list[str]:
    """The sentences of `text`, stripped, in order; a last one without an end mark counts.

    >>> sentences("Mr. Smith liked it. I did not! Why")
    ['Mr. Smith liked it.', 'I did not!', 'Why']
    """
    found, start = [], 0
    for end in (*_ends(text), len(text)):
        sentence = " ".join(text[start:end].split())
        if sentence:
            found.append(sentence)
        start = end
    return found


def mended(text: str) -> str:
    """`text` without halves of surrogate pairs, which tokenizers and UTF-8 refuse: each becomes '?'.

    >>> mended("a\\ud800b")
    'a?b'
    """
    return text.encode(errors="replace").decode()


def printable(text: str) -> str:
    """`text` without what a terminal would obey: names and topics of data may hold escape codes.

    >>> printable("a\\x1b[2Jb\\n")
    'a\ufffd[2Jb\\n'
    """
    return _CONTROL.sub("\ufffd", text)


def say(text: str, file: TextIO | None = None, *, flush: bool = False) -> None:
    """Prints `printable` text; to standard output where no file is named."""
    print(printable(text), file=file, flush=flush)


def clipped(text: str, most: int) -> str:
    """What a tokenizer is given: at most `most` characters, `mended`, so that it is neither endless nor refused."""
    return mended(text[:most])


def counted(n: int, one: str, many: str | None = None) -> str:
    """A count and what is counted, as a sentence says it.

    Args:
        many: for any count but 1; None: `one` with an s.

    >>> counted(1, "sample"), counted(0, "sample"), counted(1200, "sample"), counted(2, "summary", "summaries")
    ('1 sample', '0 samples', '1,200 samples', '2 summaries')
    """
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def ends_sentence(text: str) -> bool:
    """Whether a text that may go on stops at the end of a sentence: after 'Mr.' or '3.' it does not."""
    stripped = text.rstrip()
    last = 0
    for end in _ends(stripped):
        last = end
    return last > 0 and last == len(stripped)


def _ends(text: str) -> Iterator[int]:
    """Where sentences end, in order."""
    start = 0
    for match in _END.finditer(text):
        if _is_end(text, start, match):
            start = match.end()
            yield start


def _is_end(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the mark ends the sentence that begins at `start`. Only a single full stop is in doubt."""
    mark = match.group()
    if not mark.startswith(".") or mark[1:2] in tuple(".!?…。！？"):
        return True
    before = text[max(start, match.start() - _NEAR) : match.start()]
    if _SHORTHAND.search(before):
        return False
    closed = len(mark) > 1  # '(No. 5.)': a quote or bracket closes after the stop
    if _NUMBER_SIGN.search(before):
        follows = text[match.end() : match.end() + 3].lstrip()[:1]
        return closed or bool(follows and not follows.isdecimal())
    if before[-1:].isdecimal():
        if _ENUMERATOR.search(before):
            return False
        # Without a capital after it, '3.' may be a decimal number that goes on, or an ordinal.
        following = _CAPITAL.match(text, match.end())
        return closed or bool(following and following.group()[-1].isupper())
    return True


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


def short_name(model: str) -> str:
    """The last part of a hub id or path."""
    return model.rstrip("/").rsplit("/", 1)[-1]
