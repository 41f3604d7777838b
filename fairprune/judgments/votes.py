"""The values that all of a study speaks about: a vote as it was given, and what it says of two systems.

A judge sees two summaries side by side, which of them stands left is drawn anew for each judge. Analysis never reads
sides: `outcomes` turns a vote about left and right into an outcome about two systems first. Only the test of side bias
(`bias.side_bias`) and the rule against straight-lining look at sides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar, get_args

from fairprune.errors import BadInput, unknown

Answer = Literal["left", "right", "tie", "both_unfair", "cannot_tell", "skipped"]
ANSWERS: tuple[Answer, ...] = ("left", "right", "tie", "both_unfair", "cannot_tell")
"""What a judge can answer."""
SKIPPED: Answer = "skipped"
"""In place of an answer to an attention item: the judge left it out."""
Kind = Literal["item", "repeat", "attention", "practice"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Result = Literal["a", "tie", "b", "both_unfair", "cannot_tell"]
RESULTS: tuple[Result, ...] = get_args(Result)
FAIRER, BETTER = "fairer", "better"
"""The two questions of every study: fairer to all groups; better overall."""
AUTOMATIC = ""
"""The judge of an automatic tie: nobody was asked."""
_RANKS: dict[Result, int] = {"a": 1, "tie": 0, "b": -1}


class Given(Protocol):
    """What every task's votes have: whose they are, what was answered, how long it took. Rules, flow, time and pay read no more."""

    @property
    def judge(self) -> str: ...
    @property
    def item(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def expected(self) -> Sequence[str]: ...
    @property
    def seconds(self) -> float | None: ...
    @property
    def sided(self) -> bool:
        """Whether 'left' and 'right' are what they say: a label may be called so, and is no side."""
        ...

    @property
    def answered(self) -> bool:
        """Whether it shows that the judge took part: practice and skips do not."""
        ...


AnyVote = TypeVar("AnyVote", bound=Given)


@dataclass(frozen=True)
class Vote:
    """One answer of one judge to one question about one item."""

    study: str
    judge: str
    """A pseudonym, never a crowd platform's id."""
    item: str
    """A pair of systems on one sample; the same for every judge, whatever the sides."""
    question: str
    """'fairer', 'better', or another of the study's."""
    system_left: str
    system_right: str
    answer: Answer
    seconds: float | None = None
    """From showing the item to this answer, at least 0. None: not measured."""
    group: str | None = None
    """What the judge said of themselves. None: not asked or not told."""
    repeat_of: str | None = None
    """Of a repeat: the item that it asks again."""
    position: int = 0
    """The how manyth presentation of the judge it was, from 0; both questions of an item have the same."""
    kind: Kind = "item"
    """'item' counts; 'repeat' measures consistency, 'attention' care, 'practice' nothing."""
    expected: tuple[Answer, ...] = ()
    """Of an attention item: the answers that a careful judge may give, by side. (): none is wrong."""
    sample: str = ""
    """The opinions that both summaries are of: items of one sample are not independent. '': the item is a sample of its own."""
    comment: str = ""
    sided: bool = True
    """Whether it is known which system stood left. Where not, 'left' and 'right' name the two and say nothing of sides."""

    def __post_init__(self) -> None:
        if self.answer not in ANSWERS and not (self.kind == "attention" and self.answer == SKIPPED):
            raise unknown("answer", str(self.answer), ANSWERS)
        if self.kind not in KINDS:
            raise unknown("kind of vote", str(self.kind), KINDS)
        for one in self.expected:
            if one not in ANSWERS:
                raise unknown("expected answer", str(one), ANSWERS)
        if not self.judge or not self.item:
            raise BadInput(f"a vote needs a judge and an item, not {self.judge!r} and {self.item!r}")
        if not self.system_left or not self.system_right:
            raise BadInput(f"item {self.item!r} names no system on one of its sides: name both")
        if self.system_left == self.system_right and self.kind in ("item", "repeat"):
            raise BadInput(
                f"item {self.item!r} compares {self.system_left!r} with itself: name two different systems"
            )
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise BadInput(f"{self.seconds!r} seconds are no time: give a number of at least 0, or nothing")
        if (self.kind == "repeat") != (self.repeat_of is not None):
            raise BadInput(
                f"item {self.item!r} is of kind {self.kind!r} and repeats {self.repeat_of!r}: "
                "a repeat, and nothing else, names the item that it repeats"
            )

    @property
    def cluster(self) -> str:
        """What is resampled with it: its sample, or the item."""
        return self.sample or self.item

    @property
    def answered(self) -> bool:
        """Whether it shows that the judge took part: practice and skips do not."""
        return self.kind != "practice" and self.answer != SKIPPED


@dataclass(frozen=True)
class Outcome:
    """What one vote says of two systems, whatever their sides were."""

    judge: str
    """A pseudonym; '' for an automatic tie."""
    item: str
    question: str
    system_a: str
    """The first of the two names by the alphabet."""
    system_b: str
    result: Result
    """Which system was preferred."""
    cluster: str
    """The sample, or the item where no sample is known."""
    group: str | None = None

    @property
    def rank(self) -> int | None:
        """1: a preferred, 0: tie, −1: b preferred. None for 'both unfair', which is no tie, and for 'cannot tell'."""
        return _RANKS.get(self.result)

    @property
    def pair(self) -> tuple[str, str]:
        return self.system_a, self.system_b


def outcome(vote: Vote) -> Outcome:
    """The vote without its sides.

    >>> outcome(Vote("s", "j", "i", "fairer", "wanda", "dense", "left")).result
    'b'
    """
    a, b = sorted((vote.system_left, vote.system_right))
    result: Result
    if vote.answer in ("left", "right"):
        preferred = vote.system_left if vote.answer == "left" else vote.system_right
        result = "a" if preferred == a else "b"
    else:
        result = vote.answer  # type: ignore[assignment]
    return Outcome(vote.judge, vote.item, vote.question, a, b, result, vote.cluster, vote.group)


def outcomes(votes: Iterable[Vote], question: str) -> list[Outcome]:
    """The outcomes of one question that count: of items, not of repeats, attention or practice.

    Raises:
        BadInput: a judge who answers the same question about the same item twice.
    """
    found: dict[tuple[str, str], Outcome] = {}
    for vote in votes:
        if vote.kind != "item" or vote.question != question:
            continue
        key = (vote.judge, vote.item)
        if key in found:
            raise BadInput(
                f"judge {vote.judge!r} has two votes on item {vote.item!r} and question {question!r}: keep one"
            )
        found[key] = outcome(vote)
    return list(found.values())


def groups_of(results: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Outcomes by the judges' own group; of judges without one under ''. Automatic ties belong to nobody and are left out."""
    found: dict[str, list[Outcome]] = {}
    for one in results:
        if one.judge != AUTOMATIC:
            found.setdefault(one.group or "", []).append(one)
    return {name: found[name] for name in sorted(found)}
