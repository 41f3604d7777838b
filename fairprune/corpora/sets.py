"""Opinions → opinion sets, by a seeded recipe: what one summary is written of."""

from __future__ import annotations

import math
from collections import Counter, deque
from typing import Literal

from fairprune.corpora.build import SPLITS, seeded_key
from fairprune.errors import BadInput, unknown
from fairprune.opinions import Corpus, Opinion, OpinionSet, Split, opinion_set_id

Compositions = Literal["mixed", "balanced", "skewed"]
_COMPOSITIONS: tuple[Compositions, ...] = ("mixed", "balanced", "skewed")


def opinion_sets(
    corpus: Corpus,
    split: Split,
    n: int | None,
    set_size: int = 8,
    compositions: Compositions = "mixed",
    seed: int = 0,
) -> list[OpinionSet]:
    """`n` sets of `set_size` opinions of one topic each; the same arguments give the same sets, always.

    Balanced: each group as often (4/4). Skewed: three quarters from the named group (6/2), each group in
    turn. Mixed: balanced, skewed to the first group, to the second … in turn. No opinion stands in two sets.
    Topics take turns: a topic gives another set only when every topic that still can has given as many. The
    group that stands first is counterbalanced over the sets, within each composition too; the other opinions
    are shuffled.

    A larger draw starts with the smaller one: the first n sets do not depend on n.

    Args:
        corpus: where the opinions come from.
        split: 'calibration', 'train' or 'test'.
        n: how many sets; None for all that the split gives.
        set_size: opinions per set.
        compositions: 'mixed', 'balanced' or 'skewed'.
        seed: seed of every choice.

    Raises:
        BadInput: more sets than the split gives, or none at all; a set size that the composition refuses.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    if n is not None and n < 1:
        raise BadInput(f"{n} opinion sets were asked for: ask for at least 1")
    groups = corpus.info.groups
    cycle = _cycle(groups, compositions)
    for skew in cycle:
        group_sizes(groups, set_size, skew, 0)  # refuses sizes that cannot be

    pools = _pools(corpus, split, seed)
    # Each topic's turn: sorted by sets given, then by the seeded order.
    order = sorted(pools, key=lambda topic: seeded_key(seed, "topic", topic))
    given = dict.fromkeys(order, 0)
    sets: list[OpinionSet] = []
    while n is None or len(sets) < n:
        number = len(sets)
        skew = cycle[number % len(cycle)]
        sizes = group_sizes(groups, set_size, skew, number // len(cycle))
        able = [topic for topic in order if _short(pools[topic], sizes).total() == 0]
        if not able:
            break
        topic = min(able, key=given.__getitem__)  # the first of those that gave least
        given[topic] += 1
        drawn = [pools[topic][group].popleft() for group in groups for _ in range(sizes[group])]
        shuffled = sorted(drawn, key=lambda o: seeded_key(seed, "order", o.source, o.text))
        first = groups[_first(number, len(cycle), len(groups))]
        sets.append(_arrange(corpus.info.name, topic, skew, first, shuffled))
    if not sets or (n is not None and len(sets) < n):
        asked = f", but {n} were asked for" if n is not None else ""
        lead = (
            f"the {split} split of {corpus.info.name!r} gives {len(sets)} sets of {set_size} opinions "
            f"({compositions}){asked}"
        )
        raise BadInput(f"{lead}: {_too_few(len(sets), skew, sizes, pools)}")
    return sets


def group_sizes(groups: tuple[str, ...], set_size: int, skew: str, turn: int) -> dict[str, int]:
    """Group → opinions in a set.

    Args:
        groups: the corpus's groups, at least two.
        set_size: opinions in all.
        skew: the group that has three quarters (rounded half up, at least one left for each other one);
            '' for as many of each.
        turn: which groups get what does not divide evenly, in turn.

    Raises:
        BadInput: too few opinions for the groups.
    """
    count = len(groups)
    if set_size < count:
        raise BadInput(
            f"a set of {set_size} opinions cannot hold {count} groups: "
            f"choose a corpus of at most {set_size} groups"
        )
    if not skew:
        return _shares(groups, set_size, turn)
    named = min(math.floor(0.75 * set_size + 0.5), set_size - (count - 1))
    rest = _shares(tuple(group for group in groups if group != skew), set_size - named, turn)
    if named <= max(rest.values()):
        raise BadInput(
            f"a set of {set_size} opinions cannot be skewed among {count} groups: "
            "choose compositions 'balanced', or a corpus of fewer groups"
        )
    return {group: named if group == skew else rest[group] for group in groups}


def _shares(groups: tuple[str, ...], total: int, turn: int) -> dict[str, int]:
    """`total` spread evenly; the remainder goes to the groups in turn."""
    whole, over = divmod(total, len(groups))
    lucky = {(turn * over + place) % len(groups) for place in range(over)}
    return {group: whole + (place in lucky) for place, group in enumerate(groups)}


def _cycle(groups: tuple[str, ...], compositions: str) -> tuple[str, ...]:
    """The skews that take turns; '' is balanced."""
    if compositions not in _COMPOSITIONS:
        raise unknown("composition of sets", compositions, _COMPOSITIONS)
    return {"mixed": ("", *groups), "balanced": ("",), "skewed": groups}[compositions]


def _first(number: int, cycle: int, groups: int) -> int:
    """Which group stands first in set `number`, so that each composition has each group first as often.

    A plain rotation does it unless its length and the cycle's have a common factor: then it slips by one each
    round.
    """
    return (number if math.gcd(cycle, groups) == 1 else number + number // cycle) % groups


def _pools(corpus: Corpus, split: Split, seed: int) -> dict[str, dict[str, deque[Opinion]]]:
    """Topic → group → its opinions, shuffled."""
    pools: dict[str, dict[str, deque[Opinion]]] = {}
    for opinion in sorted(corpus.splits[split], key=lambda o: seeded_key(seed, "opinion", o.source, o.text)):
        pool = pools.setdefault(opinion.topic, {group: deque() for group in corpus.info.groups})
        pool[opinion.group].append(opinion)
    return pools


def _short(pool: dict[str, deque[Opinion]], sizes: dict[str, int]) -> Counter[str]:
    """Group → how many opinions are lacking."""
    return Counter({group: max(0, size - len(pool[group])) for group, size in sizes.items()})


def _arrange(corpus: str, topic: str, skew: str, first: str, shuffled: list[Opinion]) -> OpinionSet:
    """The drawn opinions in their order, but one of `first` at the head."""
    head = next(opinion for opinion in shuffled if opinion.group == first)
    opinions = (head, *(opinion for opinion in shuffled if opinion is not head))
    return OpinionSet(
        id=opinion_set_id(corpus, topic, opinions),
        topic=topic,
        composition=f"skewed:{skew}" if skew else "balanced",
        first_group=first,
        opinions=opinions,
    )


def _too_few(made: int, skew: str, sizes: dict[str, int], pools: dict[str, dict[str, deque[Opinion]]]) -> str:
    """What the next set needs, what is nearest to it, and what would be right."""
    mix = " + ".join(f"{size} {group}" for group, size in sizes.items())
    lead = f"the next one, {f'skewed to {skew}' if skew else 'balanced'}, needs {mix}"
    if not pools:
        return f"{lead}, and the split is empty: choose another corpus"
    lacking = {topic: _short(pool, sizes) for topic, pool in pools.items()}
    nearest = min(lacking, key=lambda topic: lacking[topic].total())
    short = " and ".join(f"{count} {group}" for group, count in lacking[nearest].items() if count)
    # Where not one set can be had, fewer sets are no way out.
    remedy = f"ask for fewer sets (at most {made}), or another corpus" if made else "choose another corpus"
    return f"{lead}, and no topic has that left (closest is {nearest!r}, short of {short}): {remedy}"
