"""Votes of elsewhere as a study that can be stored: what the file says of items and judges, and in words what it does not say."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fairprune.errors import BadInput
from fairprune.judgments.importing import Read
from fairprune.judgments.votes import ANSWERS, Vote
from fairprune.store.judgments_values import (
    JUDGE_STATES,
    SIDES,
    ImportedJudge,
    ImportedVote,
    Item,
    ItemKind,
    JudgeState,
    NewItem,
    Side,
    without_sides,
)
from fairprune.text import counted

IMPORTED = "imported"
"""Key of the design of a study of elsewhere: file, SHA-256 of the file, what is not known."""
_RUN = set("0123456789abcdef")


@dataclass(frozen=True)
class Brought:
    """A study of elsewhere, as `Store.import_study` takes it."""

    design: dict[str, Any]
    items: tuple[NewItem, ...]
    judges: tuple[ImportedJudge, ...]
    votes: tuple[ImportedVote, ...]

    @property
    def missing(self) -> list[str]:
        """What is not known, each as words that follow 'not known:'."""
        return list(self.design[IMPORTED]["missing"])


def brought(
    read: Read,
    name: str,
    data: bytes,
    *,
    questions: Mapping[str, str] | None = None,
    items: Sequence[Item] = (),
    stored: Collection[str] = (),
) -> Brought:
    """A study of the votes of a file.

    Args:
        read: what `importing.read_file` found in it.
        name, data: the file's name and bytes; the study keeps the name and the hash.
        questions: id → wording, of those whose wording is known; others are called by their id.
        items: of the study here that was judged elsewhere: their texts, runs and opinions are known.
        stored: samples that are opinion sets of this store.

    Raises:
        BadInput: no vote on an item; a judge of two groups; an attention item with two right answers; what cannot be a question.
    """
    if not any(vote.kind == "item" for vote in read.votes):
        raise BadInput(f"{name[:80]} holds no vote on an item: a row for each vote is meant")
    made = _Items({item.id: item for item in items if item.b is not None}, read.runs, set(stored))
    people = _judges(read)
    places = {judge: place for place, judge in enumerate(people)}
    given = []
    for vote in read.votes:
        number, occasion = made.place(vote)
        a = made.found[number].a.system
        turned = vote.system_left != a
        answer = SIDES.get(vote.answer, vote.answer) if turned and not vote.sided else vote.answer
        swapped = turned if vote.sided else None
        given.append(
            ImportedVote(
                places[vote.judge],
                number,
                occasion,
                vote.position,
                vote.question,
                answer,
                swapped,
                vote.seconds,
                vote.comment,
            )
        )
    words = dict(questions or {})
    asked = [*(one for one in words if any(vote.question == one for vote in read.votes))]
    asked += [one for one in dict.fromkeys(vote.question for vote in read.votes) if one not in words]
    found = made.items()
    design = {
        "task": "pair",
        "questions": [{"id": one, "text": words.get(one, one), "answers": list(ANSWERS)} for one in asked],
        IMPORTED: {
            "file": name[:200],
            "sha256": hashlib.sha256(data).hexdigest(),
            "missing": _missing(read, found),
        },
    }
    return Brought(design, found, tuple(people.values()), tuple(given))


def _judges(read: Read) -> dict[str, ImportedJudge]:
    """Everybody in the file, in the order in which they come."""
    people: dict[str, ImportedJudge] = {}
    for vote in read.votes:
        known = people.setdefault(vote.judge, ImportedJudge(vote.group, _state(read, vote.judge)))
        if known.group != vote.group:
            groups = " and ".join(repr(group) for group in (known.group, vote.group))
            raise BadInput(f"judge {vote.judge[:40]!r} is of two groups, {groups}: a judge has one")
    return people


def _state(read: Read, judge: str) -> JudgeState:
    """How this judge's part has ended."""
    found = read.states.get(judge, "")
    return found if found in JUDGE_STATES else "unknown"


@dataclass
class _Items:
    """The items as they are met in the file."""

    known: Mapping[str, Item]
    runs: Mapping[str, str]
    stored: set[str]
    found: list[NewItem] = field(default_factory=list)
    expected: dict[int, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    places: dict[tuple[str, str, frozenset[str]], int] = field(default_factory=dict)
    again: dict[tuple[str, int], list[str]] = field(default_factory=dict)

    def place(self, vote: Vote) -> tuple[int, int]:
        """(place of the vote's item, occasion): repeats are of the item that they ask again."""
        kind: ItemKind = "main"
        if vote.kind in ("attention", "practice"):
            kind = vote.kind
        name = vote.repeat_of or vote.item
        key = (kind, name, frozenset((vote.system_left, vote.system_right)))
        if key not in self.places:
            self.places[key] = len(self.found)
            self.found.append(self._item(kind, name, vote))
        number = self.places[key]
        if kind == "attention":
            self._expect(number, vote)
        if vote.kind != "repeat":
            return number, 0
        repeats = self.again.setdefault((vote.judge, number), [])
        if vote.item not in repeats:
            repeats.append(vote.item)
        return number, repeats.index(vote.item) + 1

    def _item(self, kind: ItemKind, name: str, vote: Vote) -> NewItem:
        own = self.known.get(name) if kind == "main" else None
        systems = sorted((vote.system_left, vote.system_right))
        if own is not None and own.b is not None and sorted((own.a.system, own.b.system)) == systems:
            return NewItem(kind, own.a, own.b, own.set_id, stratum=own.stratum, name=name)
        sides = [Side(system, "", self._run(system)) for system in systems]
        sample = vote.sample if kind == "main" else ""
        is_set = sample in self.stored
        return NewItem(
            kind, sides[0], sides[1], sample if is_set else None, name=name, sample="" if is_set else sample
        )

    def _run(self, system: str) -> str | None:
        found = self.runs.get(system, "")
        return found if len(found) == 16 and set(found) <= _RUN else None

    def _expect(self, number: int, vote: Vote) -> None:
        """Right answers, by the item's own sides."""
        if not vote.expected:
            return
        turned = vote.system_left != self.found[number].a.system
        right = tuple(sorted(without_sides(answer, turned) for answer in vote.expected))
        own = self.expected.setdefault(number, {})
        if own.setdefault(vote.question, right) != right:
            raise BadInput(
                f"attention item {vote.item[:40]!r} has two right answers to question {vote.question!r}: one of the two rows is wrong"
            )

    def items(self) -> tuple[NewItem, ...]:
        return tuple(
            NewItem(
                item.kind,
                item.a,
                item.b,
                item.set_id,
                self.expected.get(number, {}),
                stratum=item.stratum,
                name=item.name,
                sample=item.sample,
            )
            for number, item in enumerate(self.found)
        )


def _missing(read: Read, items: Sequence[NewItem]) -> list[str]:
    """What the file does not say, most telling first."""
    votes = [vote for vote in read.votes if vote.answered]
    told = [
        "how many people came, what they agreed to, who was turned away, and whether sides were drawn at random"
    ]
    untimed = sum(vote.seconds is None for vote in votes)
    if untimed:
        told.append(f"how long {counted(untimed, 'vote')} of {len(votes):,} took")
    unsided = sum(not vote.sided for vote in votes)
    if unsided:
        told.append(f"which system stood left, of {counted(unsided, 'vote')} of {len(votes):,}")
    if any(_state(read, vote.judge) == "unknown" for vote in votes):
        told.append("how the judges' parts ended")
    main = [item for item in items if item.kind == "main"]
    lonely = sum(not item.set_id and not item.sample for item in main)
    if lonely:
        told.append(
            f"which opinions {counted(lonely, 'item')} of {len(main):,} are of: each counts as a sample of its own"
        )
    if any(not item.a.text for item in main):
        told.append("what the summaries say, so that no metric can be compared with the judges")
    nameless = sorted({side.system for item in main for side in (item.a, item.b) if side and not side.run_id})
    if nameless:
        told.append(
            f"which run wrote the summaries of {', '.join(nameless[:5])}{' …' if nameless[5:] else ''}"
        )
    return told
