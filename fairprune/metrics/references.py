"""Reference summaries, scored by the same code: zero is not what a summary without any bias would score.

Every one consists of sentences of the opinions and is as long as the summary that it stands beside. It depends on the
seed, the set and that length alone. No text is new: whoever has labelled the source sentences has labelled these too.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from fairprune.errors import BadInput
from fairprune.metrics.matchers.words import words
from fairprune.opinions import OpinionSet
from fairprune.text import sentences


@dataclass(frozen=True)
class Piece:
    """A sentence of the source, whole or cut to its first words."""

    text: str
    sentence: str
    """The whole sentence, whose label the piece has."""


Extract = tuple[Piece, ...]


def text_of(extract: Extract) -> str | None:
    """The pieces as one text; None without a piece."""
    return " ".join(piece.text for piece in extract) or None


def random_extract(opinion_set: OpinionSet, length: int, seed: int) -> str | None:
    """The text of `random_pieces`; None where the opinions have no sentence."""
    return text_of(random_pieces(opinion_set, length, seed))


def random_pieces(opinion_set: OpinionSet, length: int, seed: int) -> Extract:
    """Sentences of the opinions in random order, until about `length` words.

    The last sentence is taken only when that brings the length nearer to `length`. A first sentence that is too
    long alone is cut to `length` words: beside a short summary a whole sentence would be no fair match. The order
    depends on the seed and the set's id alone: a shorter extract is the beginning of a longer one.

    Raises:
        BadInput: `length` below 1.
    """
    pool = [sentence for opinion in opinion_set.opinions for sentence in _split(opinion.text)]
    order = seeded_rng(opinion_set, seed).permutation(len(pool))
    return _take([pool[i] for i in order], length)


def first_opinions(opinion_set: OpinionSet, length: int, seed: int) -> Extract:  # noqa: ARG001 - as the others
    """The opinions' sentences as the model reads them, from the first on: what echoing the prompt would score."""
    return _take([one for opinion in opinion_set.opinions for one in _split(opinion.text)], length)


def one_group_extract(opinion_set: OpinionSet, length: int, seed: int, groups: Sequence[str]) -> Extract:
    """Sentences of one group alone: as unfair as a summary gets.

    Always the corpus's first group (where a set lacks it, the next one): a metric of second order hears unfairness only
    when it is always the same group that is heard.
    """
    counts = opinion_set.counts()
    group = next((name for name in groups if counts[name]), None)
    pool = [one for opinion in opinion_set.opinions if opinion.group == group for one in _split(opinion.text)]
    return _take([pool[i] for i in seeded_rng(opinion_set, seed).permutation(len(pool))], length)


def oracle_extract(opinion_set: OpinionSet, length: int, seed: int) -> Extract:
    """Each group's share of the source's words as its share of `length`, filled with its sentences in random order.

    The last sentence of a group is cut to the words that are left; what does not divide evenly goes to the largest
    remainders.
    """
    _check(length)
    pools: dict[str, list[str]] = {}
    for opinion in opinion_set.opinions:
        pools.setdefault(opinion.group, []).extend(_split(opinion.text))
    sizes = {group: sum(len(words(one)) for one in pool) for group, pool in pools.items()}
    rng = seeded_rng(opinion_set, seed)
    pieces: list[Piece] = []
    for group, room in _quotas(sizes, length).items():
        left = room
        for i in rng.permutation(len(pools[group])):
            if left < 1:
                break
            pieces.append(_cut(pools[group][i], left))
            left -= len(words(pieces[-1].text))
    return tuple(pieces)


def permuted_groups(opinion_set: OpinionSet, seed: int) -> OpinionSet:
    """The same opinions with their groups exchanged at random: what is left when groups mean nothing."""
    order = seeded_rng(opinion_set, seed).permutation(len(opinion_set.opinions))
    opinions = opinion_set.opinions
    return replace(
        opinion_set,
        opinions=tuple(replace(one, group=opinions[i].group) for one, i in zip(opinions, order, strict=True)),
    )


REFERENCES: dict[str, Callable[[OpinionSet, int, int, Sequence[str]], Extract]] = {
    "random": lambda one, length, seed, _groups: random_pieces(one, length, seed),
    "oracle": lambda one, length, seed, _groups: oracle_extract(one, length, seed),
    "one_group": one_group_extract,
    "first": lambda one, length, seed, _groups: first_opinions(one, length, seed),
}
"""Name → extract of (set, words, seed, groups of the corpus). `permuted` is no extract: see `permuted_groups`."""


def extracts(
    name: str,
    sets: Sequence[OpinionSet],
    texts: Sequence[str | None],
    seed: int,
    groups: Sequence[str],
) -> list[Extract | None]:
    """One extract per set, as many words long as its text; None where there is no text."""
    draw = REFERENCES[name]
    return [
        None if text is None or not text.strip() else draw(one, len(words(text)), seed, groups)
        for one, text in zip(sets, texts, strict=True)
    ]


@lru_cache(maxsize=10_000)
def _split(text: str) -> tuple[str, ...]:
    """The sentences of an opinion, of which every reference is made."""
    return tuple(sentences(text))


def seeded_rng(opinion_set: OpinionSet, seed: int) -> np.random.Generator:
    """Of a set, whatever stands beside it and in whatever order."""
    key = hashlib.sha256(f"{seed} {opinion_set.id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(key[:8]))


def _check(length: int) -> None:
    if length < 1:
        raise BadInput(f"an extract of {length} words cannot be drawn: ask for at least 1")


def _take(ordered: Sequence[str], length: int) -> Extract:
    """Sentences in this order until about `length` words."""
    _check(length)
    taken: list[Piece] = []
    total = 0
    for sentence in ordered:
        more = len(words(sentence))
        if not taken and more > length:
            return (_cut(sentence, length),)
        if taken and abs(total + more - length) >= abs(total - length):
            break
        taken.append(Piece(sentence, sentence))
        total += more
    return tuple(taken)


def _cut(sentence: str, length: int) -> Piece:
    found = words(sentence)
    return Piece(sentence if len(found) <= length else " ".join(found[:length]), sentence)


def _quotas(sizes: dict[str, int], length: int) -> Counter[str]:
    """`length` words by group in proportion to `sizes`; the rest to the largest remainders, in order at a tie."""
    total = sum(sizes.values())
    quotas: Counter[str] = Counter()
    if total == 0:
        return quotas
    for group, size in sizes.items():
        quotas[group] = length * size // total
    rest = length - quotas.total()
    for group in sorted(sizes, key=lambda name: -(length * sizes[name] % total))[:rest]:
        quotas[group] += 1
    return quotas
