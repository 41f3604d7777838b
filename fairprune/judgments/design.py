"""Which samples, which pairs, which judge sees what: everything is drawn from a seed, and the same seed draws the same.

samples (stratified) → items (pairs × samples, balanced, connected) → judges (each item exactly the votes wanted) →
a judge's session (order, sides, attention and repeated items).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import lcm

import numpy as np

from fairprune.errors import BadInput
from fairprune.judgments.connectivity import components
from fairprune.judgments.votes import Answer, Kind


@dataclass(frozen=True)
class Candidate:
    """A sample that could be drawn."""

    id: str
    stratum: str
    """Such as the composition of its opinions."""


@dataclass(frozen=True)
class Item:
    """One pair of systems on one sample."""

    id: str
    sample: str
    system_a: str
    """The first of the two names by the alphabet."""
    system_b: str


@dataclass(frozen=True)
class Presentation:
    """What one judge is shown as the how manyth."""

    judge: str
    position: int
    item: str
    left: str
    """System of the left summary."""
    right: str
    kind: Kind = "item"
    repeat_of: str | None = None
    expected: tuple[Answer, ...] = ()
    questions: tuple[str, ...] = ()
    """In the order in which this judge is asked."""


@dataclass(frozen=True)
class AttentionItem:
    """An item whose answer is plain to whoever reads it."""

    id: str
    good: str
    """System name of the summary that a careful judge prefers."""
    bad: str


def draw_samples(candidates: Sequence[Candidate], n: int, seed: int) -> list[Candidate]:
    """n samples, of each stratum in proportion to its size (largest remainders), at random within it; sorted by id.

    Raises:
        BadInput: fewer than one, more than there are, or an id twice.
    """
    _unique([one.id for one in candidates], "sample")
    if not 1 <= n <= len(candidates):
        raise BadInput(f"{n} samples cannot be drawn of {len(candidates)}: ask for 1 to {len(candidates)}")
    rng = np.random.default_rng(seed)
    strata: dict[str, list[Candidate]] = {}
    for one in sorted(candidates, key=lambda one: one.id):
        strata.setdefault(one.stratum, []).append(one)
    shares = {name: n * len(of) / len(candidates) for name, of in strata.items()}
    quota = {name: int(share) for name, share in shares.items()}
    # Equal remainders are decided by chance, not by the alphabet.
    order = [sorted(strata)[i] for i in rng.permutation(len(strata))]
    order.sort(key=lambda name: -(shares[name] - quota[name]))
    for name in order[: n - sum(quota.values())]:
        quota[name] += 1
    drawn = [
        strata[name][i]
        for name in sorted(strata)
        for i in rng.choice(len(strata[name]), quota[name], replace=False)
    ]
    return sorted(drawn, key=lambda one: one.id)


def draw_sentences(
    candidates: Mapping[str, Sequence[Candidate]], n: int, seed: int
) -> dict[str, list[Candidate]]:
    """n sentences of every system, drawn as samples are: those of each stratum (the classifier's label) in proportion to their number.

    A confusion matrix of them needs no weights, because every sentence of a system is as likely to be among them.

    Raises:
        BadInput: a system with fewer than n, or with none.
    """
    for system, own in candidates.items():
        if not own:
            raise BadInput(f"{system} wrote no sentence that the classifier has labelled: leave its run out")
        if n > len(own):
            raise BadInput(
                f"{n} sentences of each system are asked for, but {system} wrote {len(own)}: ask for {len(own)} at most"
            )
    return {system: draw_samples(own, n, seed) for system, own in candidates.items()}


def all_pairs(systems: Sequence[str]) -> list[tuple[str, str]]:
    """Every two systems, the first by the alphabet first."""
    names = sorted(systems)
    return [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]


def draw_items(
    pairs: Sequence[tuple[str, str]], samples: Sequence[str], n: int | None, seed: int
) -> list[Item]:
    """A balanced incomplete design of n items: no pair twice on a sample, pairs and samples each as often as the others, or once
    more; connected.

    Item t takes pair t mod P and sample (t + ⌊t / lcm(P, S)⌋) mod S: within a block of lcm(P, S) items no two
    agree in both, and each shift by one opens a block of new combinations. The first pairs form a tree that connects
    all systems.

    Args:
        pairs: which systems are compared, such as `all_pairs`, or each method with the dense model.
        n: None: every pair on every sample.

    Raises:
        BadInput: pairs that leave systems unconnected, too few items to connect them, more than there are combinations.
    """
    rng = np.random.default_rng(seed)
    names: list[tuple[str, str]] = []
    for a, b in pairs:
        if a == b:
            raise BadInput(f"{a!r} cannot be compared with itself: give two different systems")
        names.append((min(a, b), max(a, b)))
    _unique([" / ".join(pair) for pair in names], "pair")
    _unique(samples, "sample")
    systems = sorted({system for pair in names for system in pair})
    parts = components(systems, names)
    if len(parts) != 1:
        listed = "; ".join(", ".join(part) for part in parts)
        raise BadInput(f"the pairs leave the systems unconnected ({listed}): add a pair that joins them")
    most = len(names) * len(samples)
    n = most if n is None else n
    if not len(systems) - 1 <= n <= most:
        raise BadInput(
            f"{n} items cannot be made of {len(names)} pairs on {len(samples)} samples: ask for {len(systems) - 1} (so that "
            f"all systems are connected) to {most}"
        )
    ordered = _tree_first([names[i] for i in rng.permutation(len(names))], systems)
    drawn = [list(samples)[i] for i in rng.permutation(len(samples))]
    block = lcm(len(ordered), len(drawn))
    found = []
    for t in range(n):
        (a, b), sample = ordered[t % len(ordered)], drawn[(t + t // block) % len(drawn)]
        found.append(Item(_item_id(seed, sample, a, b), sample, a, b))
    return found


def allocate(
    items: Sequence[str], judges: Sequence[str], votes_per_item: int, seed: int
) -> dict[str, list[str]]:
    """Which judge gets which items: each item exactly `votes_per_item` different judges, loads that differ by at most one.

    Rounds of all items in random order, each item to the least busy judge who does not have it, chance deciding between equals;
    what is uneven at the end moves from the busiest to the least busy judge.

    Returns:
        Per judge its items, in random order.

    Raises:
        BadInput: fewer judges than votes wanted per item, or fewer than one vote.
    """
    _unique(items, "item")
    _unique(judges, "judge")
    if not 1 <= votes_per_item <= len(judges):
        raise BadInput(
            f"{votes_per_item} votes per item cannot come from {len(judges)} judges: ask for 1 to {len(judges)}"
        )
    rng = np.random.default_rng(seed)
    held: list[set[int]] = [set() for _ in judges]
    for _ in range(votes_per_item):
        for item in rng.permutation(len(items)):
            chance = rng.permutation(len(judges))
            free = [judge for judge in chance if item not in held[judge]]
            held[min(free, key=lambda judge: len(held[judge]))].add(int(item))
    while True:
        loads = [len(own) for own in held]
        busy, idle = int(np.argmax(loads)), int(np.argmin(loads))
        if loads[busy] - loads[idle] <= 1:
            break
        item = min(held[busy] - held[idle])  # exists: the busy judge has more
        held[busy].remove(item)
        held[idle].add(item)
    return {
        judge: [items[i] for i in rng.permutation(sorted(own))]
        for judge, own in zip(judges, held, strict=True)
    }


def swapped(seed: int, judge: str, position: int) -> bool:
    """Whether the system that is first by the alphabet stands right: of every two presentations of a judge one is swapped.

    It needs nothing but the judge's own count, so that a server that hands out items one by one can ask it too.
    """
    coin = hashlib.sha256(f"{seed}\n{judge}\n{position // 2}".encode()).digest()[0] & 1
    return bool(coin ^ (position & 1))


def question_order(questions: Sequence[str], index: int) -> tuple[str, ...]:
    """The order in which judge number `index` (from 0) is asked: every question stands first, second … equally often.

    >>> question_order(["fairer", "better"], 0), question_order(["fairer", "better"], 1)
    (('fairer', 'better'), ('better', 'fairer'))
    """
    start = index % max(1, len(questions))
    return (*questions[start:], *questions[:start])


def session(
    judge: str,
    index: int,
    items: Sequence[Item],
    *,
    questions: Sequence[str],
    seed: int,
    practice: Sequence[Item] = (),
    attention: Sequence[AttentionItem] = (),
    repeats: int = 0,
) -> list[Presentation]:
    """What a judge is shown, in order: practice first, attention items spread evenly, repeats at the end with their sides swapped.

    As many presentations as there are items lie between an item and its repeat.

    Args:
        index: the judge's number, from 0: decides the order of questions.
        items: in the order of `allocate`.
        repeats: how many of the earliest items are asked again.

    Raises:
        BadInput: more repeats than items.
    """
    if not 0 <= repeats <= len(items):
        raise BadInput(f"{repeats} of {len(items)} items cannot be repeated: ask for 0 to {len(items)}")
    order = question_order(questions, index)
    planned: list[Presentation] = [
        Presentation(judge, 0, one.id, one.system_a, one.system_b, "practice", questions=order)
        for one in practice
    ]
    main = [Presentation(judge, 0, one.id, one.system_a, one.system_b, questions=order) for one in items]
    again = [
        replace(main[i], item=f"{main[i].item}~repeat", kind="repeat", repeat_of=main[i].item)
        for i in range(repeats)
    ]
    body = [*main, *again]
    step = len(body) / (len(attention) + 1)
    for number, one in reversed(list(enumerate(attention))):
        checked = Presentation(judge, 0, one.id, one.good, one.bad, "attention", questions=order)
        body.insert(round((number + 1) * step), checked)
    found: list[Presentation] = []
    sides: dict[str, bool] = {}
    for position, plan in enumerate([*planned, *body]):
        turned = swapped(seed, judge, position)
        if plan.repeat_of is not None:
            turned = not sides[plan.repeat_of]
        sides[plan.item] = turned
        left, right = (plan.right, plan.left) if turned else (plan.left, plan.right)
        good: Answer = "right" if turned else "left"
        expected = (good,) if plan.kind == "attention" else ()
        found.append(replace(plan, position=position, left=left, right=right, expected=expected))
    return found


@dataclass(frozen=True)
class Balance:
    """How even a plan is, for the preview."""

    n_items: int
    per_pair: tuple[int, int]
    """Fewest and most items of a pair."""
    per_sample: tuple[int, int]
    per_system: tuple[int, int]
    connected: bool


def balance(items: Sequence[Item]) -> Balance:
    """Of the items that are asked: without automatic ties a design may be uneven, or unconnected.

    Raises:
        BadInput: no item.
    """
    if not items:
        raise BadInput("there is no item to ask: every pair has identical texts, or none was drawn")
    pairs = Counter((item.system_a, item.system_b) for item in items)
    samples = Counter(item.sample for item in items)
    systems = Counter(system for item in items for system in (item.system_a, item.system_b))
    return Balance(
        len(items),
        (min(pairs.values()), max(pairs.values())),
        (min(samples.values()), max(samples.values())),
        (min(systems.values()), max(systems.values())),
        len(components(sorted(systems), pairs)) == 1,
    )


def _tree_first(pairs: Sequence[tuple[str, str]], systems: Sequence[str]) -> list[tuple[str, str]]:
    """The same pairs; first those that join two parts (Kruskal)."""
    part = {system: system for system in systems}

    def root(system: str) -> str:
        while part[system] != system:
            system = part[system]
        return system

    tree, rest = [], []
    for a, b in pairs:
        if root(a) != root(b):
            part[root(a)] = root(b)
            tree.append((a, b))
        else:
            rest.append((a, b))
    return [*tree, *rest]


def _item_id(seed: int, sample: str, a: str, b: str) -> str:
    """16 hex digits that name no system; the same plan with another seed names its items anew."""
    return hashlib.sha256(f"{seed}\n{sample}\n{a}\n{b}".encode()).hexdigest()[:16]


def _unique(ids: Sequence[str], what: str) -> None:
    twice = sorted(one for one, n in Counter(ids).items() if n > 1)
    if twice:
        raise BadInput(f"{what} {twice[0]!r} is given {Counter(ids)[twice[0]]} times: name each once")
    if not ids:
        raise BadInput(f"no {what} is given: name at least one")
