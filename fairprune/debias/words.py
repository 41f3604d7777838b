"""Group words for Neural Collapse: our lists, which of their words a tokenizer has as one token, and a control list.

The lists are ours (`data/words.json`, `data/CARD.md`): plain words that tend to stand with a group, none of them a judgment of it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune.errors import BadInput, unknown
from fairprune.text import counted
from fairprune.tokens import TextTokenizer

DATA = Path(__file__).parent / "data"
WORD_LISTS = ("gender", "party", "stance", "sentiment")
NO_SINGLE_TOKEN = "no single token"  # noqa: S105
IN_SEVERAL_LISTS = "in several lists"
MIN_WORDS = 2
"""Fewest single-token words that a group must keep: a spread over fewer is none."""
NEAREST = 10
"""A control word is drawn from so many of the nearest in frequency at most."""
NEAR = 0.2
"""How far their frequencies may be from the word's, as a share; beyond that it is the nearest one."""
APOSTROPHES = ("'", "’")
LEAST_LETTERS = 2
"""Of a control word: a single letter is mostly a piece of a word."""
_BEFORE = "a"
"""Stands before a word, so that it is encoded as it is inside a text: with what the tokenizer makes of the space."""

WordList = Mapping[str, Sequence[str]]
"""Group → its words."""


@dataclass(frozen=True)
class Words:
    """The words of a list that one tokenizer has as one token."""

    ids: Mapping[str, tuple[int, ...]]
    """Group → token ids, in the list's order; every id once."""
    texts: Mapping[int, str]
    """Token id → the word."""
    dropped: Mapping[str, tuple[str, ...]]
    """Reason (`NO_SINGLE_TOKEN`, `IN_SEVERAL_LISTS`) → the words that do not count; both reasons are always there."""

    @property
    def all_ids(self) -> tuple[int, ...]:
        """The ids of all groups, group by group."""
        return tuple(i for ids in self.ids.values() for i in ids)

    def sentence(self) -> str:
        """For people: how many words count, and how many do not and why."""
        kept = ", ".join(f"{group} {len(ids)}" for group, ids in self.ids.items())
        lost = ", ".join(f"{len(words)} {reason}" for reason, words in self.dropped.items() if words)
        return f"{counted(len(self.texts), 'word')} ({kept}); dropped: {lost or 'none'}"


def load_words(name: str) -> dict[str, tuple[str, ...]]:
    """A packaged list: group → words.

    Raises:
        BadInput: no list has this name; suggests the nearest.
    """
    if name not in WORD_LISTS:
        raise unknown("word list", name, WORD_LISTS)
    return {group: tuple(words) for group, words in _lists()[name].items()}


@cache
def _lists() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DATA / "words.json").read_text(encoding="utf-8"))
    return found


def single_tokens(tokenizer: TextTokenizer, words_by_group: WordList, *, at_least: int = MIN_WORDS) -> Words:
    """The words that are one token with a space before them and stand in one group only.

    Two spellings that the tokenizer folds into one token count as one word; where they stand in two groups, as none.

    Args:
        words_by_group: group → words, such as `load_words` gives.
        at_least: words that every group must keep.

    Raises:
        BadInput: a group keeps fewer; names the groups and what became of their words.
    """
    single: dict[str, dict[int, str]] = {}
    dropped: dict[str, list[str]] = {NO_SINGLE_TOKEN: [], IN_SEVERAL_LISTS: []}
    for group, words in words_by_group.items():
        single[group] = {}
        for word in dict.fromkeys(word.strip() for word in words):
            token = _token(tokenizer, word)
            if token is None:
                dropped[NO_SINGLE_TOKEN].append(word)
            else:
                single[group].setdefault(token, word)
    several = {token for token, n in Counter(t for found in single.values() for t in found).items() if n > 1}
    for found in single.values():
        for token in sorted(several & found.keys()):
            word = found.pop(token)
            if word not in dropped[IN_SEVERAL_LISTS]:
                dropped[IN_SEVERAL_LISTS].append(word)
    few = {group: len(found) for group, found in single.items() if len(found) < at_least}
    if few or not single:
        said = ", ".join(f"{group!r} has {n}" for group, n in few.items()) or "there is no group"
        raise BadInput(
            f"too few words are one token of this tokenizer and in one group only: {said}, "
            f"at least {at_least} are needed. {len(dropped[NO_SINGLE_TOKEN])} are several tokens"
            f"{_some(dropped[NO_SINGLE_TOKEN])}, {len(dropped[IN_SEVERAL_LISTS])} stand in several groups"
            f"{_some(dropped[IN_SEVERAL_LISTS])}: use short, common words"
        )
    return Words(
        ids={group: tuple(found) for group, found in single.items()},
        texts={token: word for found in single.values() for token, word in found.items()},
        dropped={reason: tuple(words) for reason, words in dropped.items()},
    )


def not_words(tokenizer: TextTokenizer, ids: NDArray[np.integer]) -> set[int]:
    """Tokens of these texts that are no word of letters after a space: punctuation, digits, single letters, pieces of words.

    A piece is what is followed by the rest of its word in more than half of its places. No control for group words, which are words.

    Args:
        ids: (windows, tokens).
    """
    found = {token for token in np.unique(ids).tolist() if not _is_word(tokenizer, token)}
    pairs, counts = np.unique(
        np.stack([ids[:, :-1].ravel(), ids[:, 1:].ravel()], axis=1), axis=0, return_counts=True
    )
    all_of, continued = Counter[int](), Counter[int]()
    for (token, following), n in zip(pairs.tolist(), counts.tolist(), strict=True):
        if token not in found:
            all_of[token] += n
            continued[token] += n * _goes_on(tokenizer, token, following)
    return found | {token for token, n in continued.items() if n > all_of[token] / 2}


def _is_word(tokenizer: TextTokenizer, token: int) -> bool:
    word = tokenizer.decode([token]).strip()
    return len(word) >= LEAST_LETTERS and word.isalpha() and _token(tokenizer, word) == token


def _goes_on(tokenizer: TextTokenizer, token: int, following: int) -> bool:
    """Whether the second token is of the same word as the first: no space between them, and letters, or an apostrophe, after it."""
    rest = tokenizer.decode([following]).strip()
    joined = tokenizer.decode([token, following]).strip()
    return (
        rest[:1].isalpha() | rest.startswith(APOSTROPHES)
        and joined == tokenizer.decode([token]).strip() + rest
    )


def control_words(
    ids: Sequence[int], frequencies: Mapping[int, int], excluded: Collection[int], seed: int
) -> tuple[int, ...]:
    """Token ids of a random list of equal size and frequency, one for each of `ids`, in their order.

    For each id, in the order of falling frequency, one of the `NEAREST` free tokens whose frequencies are within `NEAR` of its own,
    drawn at random; where there is none, the one whose frequency is nearest (as a ratio).

    Args:
        ids: the words to be matched.
        frequencies: token id → how often it occurs in the texts that are measured, such as a `Counter`; what does not
            occur is no candidate.
        excluded: ids that may not be drawn beside `ids` themselves: special tokens, words of the other lists, no words.
        seed: of the draw.

    Raises:
        BadInput: fewer candidates than words.
    """
    taken = {*ids, *excluded}
    free = sorted(token for token, n in frequencies.items() if n > 0 and token not in taken)
    if len(free) < len(ids):
        raise BadInput(
            f"the texts hold {counted(len(free), 'other word')}, too few for a control list of {len(ids)}: "
            "use more or longer texts"
        )
    rng = np.random.default_rng(seed)
    logs = {token: math.log(1 + frequencies.get(token, 0)) for token in (*free, *ids)}
    drawn: dict[int, int] = {}
    for token in sorted(dict.fromkeys(ids), key=lambda i: (-logs[i], i)):
        nearest = sorted(free, key=lambda other: (abs(logs[other] - logs[token]), other))[:NEAREST]
        near = [one for one in nearest if abs(logs[one] - logs[token]) <= math.log1p(NEAR)] or nearest[:1]
        drawn[token] = near[int(rng.integers(len(near)))]
        free.remove(drawn[token])
    return tuple(drawn[token] for token in ids)


def _token(tokenizer: TextTokenizer, word: str) -> int | None:
    """The one token that is `word` after a space; None where there is none."""
    before = tokenizer.encode(_BEFORE)
    ids = tokenizer.encode(f"{_BEFORE} {word}")
    if not word or ids[:-1] != before:
        return None
    # An unknown word is one token too, that of all unknown words.
    return ids[-1] if tokenizer.decode(ids[-1:]).strip().casefold() == word.casefold() else None


def _some(words: Sequence[str]) -> str:
    return f" ({', '.join(words[:5])}{' …' if len(words) > 5 else ''})" if words else ""
