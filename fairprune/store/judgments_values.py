"""What a study is made of, as the store takes it and hands it out: plain frozen values, checked where they come in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from fairprune.errors import BadInput, StoreError
from fairprune.judgments.texts import identical
from fairprune.opinions import OpinionSet

StudyState = Literal["draft", "open", "closed"]
ItemKind = Literal["main", "practice", "comprehension", "attention"]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)
JudgeState = Literal["entered", "active", "completed", "screened_out", "failed", "no_consent", "unknown"]
"""'unknown': votes of elsewhere that do not say how the judge's part has ended."""
JUDGE_STATES: tuple[JudgeState, ...] = get_args(JudgeState)
End = Literal["completed", "screened_out", "failed", "no_consent"]
ENDS: tuple[End, ...] = get_args(End)
"""How a judge's part can end; each may have its own completion code."""
COUNTED: tuple[JudgeState, ...] = ("active", "completed")
"""Judges whose votes fill the slots of items. A failed judge's votes stay, and others give them once more."""
SIDES = {"left": "right", "right": "left"}
SKIPPED = "skipped"
"""In place of an answer: an attention item that the judge left out."""
STANDS = "stands"
"""The action in the history that holds what counts of an item with a right answer, noted when it was taken back."""
Reason = Literal[
    "unknown",
    "not_open",
    "closed",
    "ended",
    "consent",
    "group",
    "late",
    "answer",
    "limit",
    "nothing",
    "sealed",
    "frozen",
    "crowd",
]


class Refused(StoreError):
    """What was asked for is not done, and nothing has changed."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        """For a program: 'unknown' (link, id, token), 'late' (another has the item by now: ask for the next one), …"""


@dataclass(frozen=True)
class Study:
    """One study, as its lead sees it."""

    id: str
    """16 hex digits, random."""
    title: str
    """For leads; judges read `design['public_title']`."""
    state: StudyState
    """'closed' also from the design's closing time on."""
    design: dict[str, Any]
    """Which keys the store reads: `judgments_design.Rules`."""
    hash: str | None
    """SHA-256 of `Store.frozen_study(id)`; None for a draft."""
    created: datetime
    edited: datetime
    opened: datetime | None
    closed: datetime | None
    opens: datetime | None
    """Before it nobody gets an item, though the study is open."""
    closes: datetime | None
    copied_from: str | None
    origin: Literal["here", "imported"]
    """'imported': votes of elsewhere. Such a study is closed from the beginning, and no vote is ever added to it."""
    withdrawn: int
    """Judges who had their data deleted."""


@dataclass(frozen=True)
class Side:
    """One of the two summaries of an item."""

    system: str
    """Such as 'dense' or 'wanda 50 %'. Never shown to a judge."""
    text: str
    run_id: str | None = None
    generation_id: str | None = None
    position: int | None = None
    """Of the summary in its generation, from 0."""
    predicted: str | None = None
    """Of a sentence that is labelled: what the group classifier called it. Never shown to a judge."""
    confidence: float | None = None
    """How likely the classifier found that, in [0, 1]."""


@dataclass(frozen=True)
class NewItem:
    """What one asks of judges: two summaries of a set of opinions, or one text (side b is None)."""

    kind: ItemKind
    a: Side
    b: Side | None = None
    set_id: str | None = None
    """Of the opinions shown beside it, which are stored already; None: none are shown."""
    expected: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Question → right answers; of sides 'a' and 'b' mean the item's. A must for comprehension and attention."""
    after: int = 0
    """Of an attention item: after how many answered main items it is asked."""
    prompt: str = ""
    """Shown above the questions: what to look at."""
    explanation: str = ""
    """Shown after a practice or comprehension item."""
    stratum: str = ""
    flags: tuple[str, ...] = ()
    """Why a person should look at it, such as 'text holds the name of a method'."""
    excluded: bool = False
    """Left out of the study; kept in the list."""
    name: str = ""
    """Of an item of elsewhere: what it is called there. Its texts may be unknown, ''."""
    sample: str = ""
    """Of an item of elsewhere: what its opinions are called there, where they are not stored here; '' not known."""
    also: tuple[Side, ...] = ()
    """Of a text that is labelled: other systems that wrote the same of these opinions. It is asked once, and counts for each."""

    @property
    def sides(self) -> tuple[Side, ...]:
        """Every system's text that the item is about."""
        return (self.a, *((self.b,) if self.b is not None else ()), *self.also)

    @property
    def automatic(self) -> bool:
        """Texts that a reader cannot tell apart: a tie that is counted and never asked. Not of an item of elsewhere: that was asked."""
        return (
            self.kind == "main"
            and self.b is not None
            and not self.name
            and identical(self.a.text, self.b.text)
        )


@dataclass(frozen=True)
class Item(NewItem):
    """An item of a stored study."""

    id: str = ""
    """16 hex digits, random."""
    number: int = 0
    """Its place in the study, from 0."""


@dataclass(frozen=True)
class Crowd:
    """Who a crowd site says this is. Kept in clear only in the payments."""

    id: str
    study: str = ""
    session: str = ""


@dataclass(frozen=True)
class Judge:
    """A judge, as the judge's own page may know them."""

    id: str
    number: int
    study_id: str
    state: JudgeState
    group: str | None
    needs_group: bool
    """The study asks for a group, and none is told yet."""
    answered: int
    """Finished main items, without repeats."""
    done: int
    """Finished items, checks and repeats among them: they look like all others in the progress too. Without practice and comprehension."""
    of: int
    """The most that `done` comes to; less where an item that checks was skipped."""
    skips_left: int
    failures: int
    """Attention items answered wrong."""
    public: dict[str, Any]
    """What of the design a judge may read (`judgments_design.PUBLIC`)."""
    study_state: StudyState

    @property
    def pseudonym(self) -> str:
        return pseudonym(self.number)


def pseudonym(number: int) -> str:
    """How raw rows name a judge: 'J001'."""
    return f"J{number:03d}"


@dataclass(frozen=True)
class Entered:
    """Who came in by a link."""

    token: str
    """The judge's own, for the address bar; shown once here, stored as a hash."""
    judge: Judge
    new: bool


@dataclass(frozen=True)
class Task:
    """One item before one judge. Holds no name of a system, and no word of what the item is for."""

    key: str
    """What the answer names; 32 hex digits, '' in a preview."""
    number: int
    """1, 2, … of this judge."""
    practice: bool
    comprehension: bool
    prompt: str
    opinions: OpinionSet | None
    left: str
    right: str | None
    """None: one text is to be labelled."""
    questions: tuple[str, ...]
    """Ids in the order of this judge."""
    answered: Mapping[str, str]
    """Question → answer, given before the page was left."""

    @property
    def open_questions(self) -> tuple[str, ...]:
        return tuple(question for question in self.questions if question not in self.answered)


@dataclass(frozen=True)
class Wait:
    """Nothing is free now: others are at the last items."""

    seconds: float
    """When to ask again, at the latest."""


@dataclass(frozen=True)
class Ended:
    """This judge's part is over."""

    kind: End


@dataclass(frozen=True)
class Completion:
    """What a judge takes back to the crowd site."""

    kind: End
    code: str
    """'' where the study gives none."""
    redirect: str
    """An https address, or ''."""


@dataclass(frozen=True)
class Recorded:
    """What became of an answer."""

    new: bool
    """False: it was stored before (a double click, a replay, another tab); what is stored stands."""
    answer: str
    """As stored."""
    finished: bool
    """All questions of the item are answered."""
    right: bool | None = None
    """Of a finished practice or comprehension item with right answers."""
    explanation: str = ""
    warned: bool = False
    """An attention item was answered wrong, and one more will end it."""
    ended: End | None = None


@dataclass(frozen=True)
class VoteRow:
    """One vote, pseudonymous, with all that an analysis needs."""

    study: str
    judge: str
    """'J001'."""
    judge_state: JudgeState
    group: str | None
    item: str
    item_number: int
    kind: ItemKind
    occasion: int
    """0, or 1: a repeated item, the second try of a comprehension item."""
    question: str
    answer: str
    """As clicked: 'left', 'right', or another; of an attention item also 'skipped'."""
    system_left: str
    system_right: str
    run_left: str | None
    run_right: str | None
    swapped: bool | None
    """Side b stood left. None: votes of elsewhere that do not say which side a system stood on; `answer` takes a for left then."""
    preferred: str
    """`answer` without sides: 'a' or 'b' for left and right, else the same."""
    expected: tuple[str, ...]
    """Right answers as this judge would click them; () where there is none."""
    set_id: str | None
    sample: str
    """What the opinions are called elsewhere; '' where `set_id` names them, or nothing does."""
    stratum: str
    position: int
    """The how manyth item of this judge it was, from 0."""
    place: int
    """0: the first question that this judge saw of an item."""
    shown: datetime | None
    given: datetime | None
    seconds: float | None
    """None, as the two times: not known, of a skipped item, of an answer that stands though it was taken back, or of votes of elsewhere."""
    comment: str
    complete: bool
    """All questions of the item are answered, and nobody else was given the slot."""


@dataclass(frozen=True)
class ImportedJudge:
    """Somebody who judged elsewhere."""

    group: str | None = None
    state: JudgeState = "unknown"


@dataclass(frozen=True)
class ImportedVote:
    """One answer that was given elsewhere."""

    judge: int
    """Place among the judges, from 0."""
    item: int
    """Place among the items, from 0."""
    occasion: int
    """0; 1, 2, … where the same judge was asked again."""
    position: int
    """The how manyth item of this judge it was, from 0."""
    question: str
    answer: str
    """'left' and 'right' as clicked, or another; 'skipped' of an attention item that was left out."""
    swapped: bool | None
    """Side b stood left. None: not known; 'left' then names side a."""
    seconds: float | None = None
    comment: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a study is. No word of what was answered."""

    items: int
    """Main items that are asked, without excluded and automatic ones."""
    automatic: int
    excluded: int
    wanted: int
    """Votes on main items."""
    done: int
    leased: int
    """Before a judge at the moment."""
    complete: int
    """Items with all the votes wanted."""
    judges: Mapping[JudgeState, int]
    withdrawn: int
    groups: Mapping[str, int]
    """Group → judges who count for its quota."""


def known(kind: str, value: str, names: Iterable[str]) -> str:
    """`value`, or the error that names what would be right."""
    listed = list(names)
    if value not in listed:
        raise BadInput(f"there is no {kind} {value[:64]!r}: it is one of {', '.join(listed)}")
    return value


def without_sides(answer: str, swapped: bool) -> str:
    """'left' and 'right', as clicked, as the item's 'a' and 'b'; any other answer as it is."""
    if answer not in SIDES:
        return answer
    return "a" if (answer == "left") != swapped else "b"


def with_sides(answer: str, swapped: bool) -> str:
    """The opposite of `without_sides`."""
    if answer not in ("a", "b"):
        return answer
    return "left" if (answer == "a") != swapped else "right"
