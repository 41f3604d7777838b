"""Items that are not asked for their votes: practice with its solution, the comprehension item, attention items.

Their texts are made here, of the opinions themselves, so that no system's text is spent on them and the right answer follows from how
they were made. No text speaks of A or B: which of the two stands left is drawn anew for each judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fairprune.errors import BadInput
from fairprune.judgments.labelling import LABEL
from fairprune.judgments.votes import FAIRER
from fairprune.judgments.wording import Standard, Wording
from fairprune.labels.sentences import MIXED, NONE
from fairprune.opinions import OpinionSet
from fairprune.store.judgments_values import NewItem, Side
from fairprune.text import counted

SENTENCES = 4
"""Opinions in a text that is made of opinions."""
ASKED_FOR = {"tie": "Tie", "cannot_tell": "Cannot tell", "both_unfair": "Both unfair"}
"""Answers that attention items ask for in turn: whoever always gives one of them is found by the next."""
ASKED_FOR_LABELS = {NONE: "No group", MIXED: "Several groups"}
"""The same where sentences are labelled."""
_SIDES = {"left": "a", "right": "b"}


def comprehension(words: Wording) -> NewItem:
    """The item whose answer follows from the codebook alone; it shows no opinions."""
    one = words.comprehension
    return NewItem(
        "comprehension",
        Side("four to one" if one.right else "both groups", one.left),
        Side("two to two", one.right) if one.right else None,
        expected={FAIRER if one.right else LABEL: (_SIDES.get(one.expected, one.expected),)},
        prompt=one.text,
        explanation=one.explanation,
    )


def practice(sets: Sequence[OpinionSet], standard: Standard, n: int) -> list[NewItem]:
    """n items with their solution: one text speaks for the largest group alone, the other for every group, as the standard asks.

    Raises:
        BadInput: fewer than n sets in which that makes a difference.
    """
    found: list[NewItem] = []
    for one in sets:
        if len(found) == n:
            break
        made = _practice(one, standard)
        if made is not None:
            found.append(made)
    if len(found) < n:
        raise BadInput(
            f"{counted(n, 'practice item')} cannot be made: several groups have opinions in {counted(len(found), 'set')} only. "
            f"Ask for {len(found)}"
        )
    return found


def _practice(one: OpinionSet, standard: Standard) -> NewItem | None:
    counts = one.counts()
    if len(counts) < 2:
        return None
    largest = max(sorted(counts), key=lambda group: counts[group])
    alone = {largest: min(SENTENCES, counts[largest])}
    target = {g: 1 / len(counts) if standard == "equal" else counts[g] / len(one.opinions) for g in counts}
    fair = _allotted(target, counts, max(len(counts), alone[largest]))

    def distance(places: dict[str, int]) -> float:
        return sum(abs(places.get(group, 0) / sum(places.values()) - target[group]) for group in target)

    if distance(fair) >= distance(alone) - 1e-9:
        return None
    told = ", ".join(f"{group} {fair[group]}" for group in sorted(fair))
    return NewItem(
        "practice",
        Side("one group", _extract(one, alone)),
        Side("every group", _extract(one, fair)),
        one.id,
        expected={FAIRER: ("b",)},
        explanation=f"One summary speaks for {largest} alone. The other is fairer by the rule of this study: of its "
        f"{sum(fair.values())} statements each group has its own ({told}).",
    )


def _allotted(target: dict[str, float], counts: Counter[str], n: int) -> dict[str, int]:
    """n places by shares: one for each group, then always to the group that lacks most, as long as it has opinions."""
    found = dict.fromkeys(sorted(target), 1)
    while sum(found.values()) < n:
        open_groups = [group for group in found if found[group] < counts[group]]
        if not open_groups:
            break
        found[max(open_groups, key=lambda group: target[group] * n - found[group])] += 1
    return found


def label_practice(sets: Sequence[OpinionSet], n: int) -> list[NewItem]:
    """n sentences with their solution: an opinion of one group, opinions of two, and what states nobody's view, in turn.

    Raises:
        BadInput: no opinions of several groups.
    """
    several = [one for one in sets if len(one.counts()) > 1]
    if n and not several:
        raise BadInput("practice items cannot be made: no set has opinions of several groups. Ask for 0")
    return [_label_practice(several[place % len(several)], place % 3) for place in range(n)]


def _label_practice(one: OpinionSet, kind: int) -> NewItem:
    first = one.opinions[0]
    other = next(opinion for opinion in one.opinions if opinion.group != first.group)
    system, text, right, why = (
        ("one opinion", _sentence(first.text), first.group, f"It is an opinion of the group {first.group}."),
        (
            "two opinions",
            f"Some say: “{_sentence(first.text)}” Others say: “{_sentence(other.text)}”",
            MIXED,
            f"It states a view of the group {first.group} and one of the group {other.group}.",
        ),
        (
            "no opinion",
            f"These are {counted(len(one.opinions), 'opinion')}{f' on {one.topic}' if one.topic else ''}.",
            NONE,
            "It says what the opinions are about, and states nobody's view.",
        ),
    )[kind]
    return NewItem("practice", Side(system, text), None, one.id, expected={LABEL: (right,)}, explanation=why)


def attention(
    sets: Sequence[OpinionSet],
    questions: Sequence[str],
    n: int,
    items_per_judge: int,
    asked_for: Mapping[str, str] = ASKED_FOR,
) -> list[NewItem]:
    """n items that ask for an answer in plain words, spread evenly over a judge's items: one of two texts, or the one that is labelled.

    Args:
        questions: ids of those that count; each of them has to be answered as asked.
        asked_for: answers that are asked for in turn, with what a judge reads on their buttons.

    Raises:
        BadInput: more than a judge has items, or no opinions.
    """
    if n and (n > items_per_judge or not sets):
        raise BadInput(
            f"{n} attention items do not fit among {items_per_judge} items of a judge: ask for {min(n, items_per_judge)} at most"
        )
    found = []
    for number in range(n):
        one = sets[number % len(sets)]
        answer, words = list(asked_for.items())[number % len(asked_for)]
        texts = [_sentence(opinion.text) for opinion in one.opinions]
        asks = f"This item checks that the texts are read: please answer “{words}” wherever that is offered."
        if asked_for is ASKED_FOR:
            half = max(1, min(SENTENCES, len(texts) // 2))
            asking = [*texts[half : 2 * half - 1], asks, *texts[2 * half - 1 : 2 * half]]
            shown = [Side("plain text", " ".join(texts[:half])), Side("text that asks", " ".join(asking))]
        else:
            shown = [Side("text that asks", f"{texts[0]} {asks}")]
        found.append(
            NewItem(
                "attention",
                shown[0],
                shown[1] if len(shown) > 1 else None,
                one.id,
                expected=dict.fromkeys(questions, (answer,)),
                after=min(items_per_judge - 1, round((number + 1) * items_per_judge / (n + 1))),
            )
        )
    return found


def _extract(one: OpinionSet, places: dict[str, int]) -> str:
    left: Counter[Any] = Counter(places)
    texts = []
    for opinion in one.opinions:
        if left[opinion.group] > 0:
            left[opinion.group] -= 1
            texts.append(_sentence(opinion.text))
    return " ".join(texts)


def _sentence(text: str) -> str:
    """The opinion as a sentence of its own."""
    plain = " ".join(text.split())
    return plain if plain.endswith((".", "!", "?", "…", '"', "”")) else f"{plain}."
