"""Rows as a database keeps them → votes. Whatever has these attributes will do: this package knows no database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol, cast

from fairprune.judgments.labelling import LabelVote
from fairprune.judgments.votes import SKIPPED, Answer, Kind, Vote


class StoredVote(Protocol):
    """One stored answer, pseudonymous."""

    @property
    def study(self) -> str: ...
    @property
    def judge(self) -> str: ...
    @property
    def group(self) -> str | None: ...
    @property
    def item(self) -> str: ...
    @property
    def kind(self) -> str:
        """'main', 'practice', 'comprehension' or 'attention'."""
        ...

    @property
    def occasion(self) -> int:
        """0; 1 where an item is asked again."""
        ...

    @property
    def question(self) -> str: ...
    @property
    def answer(self) -> str: ...
    @property
    def system_left(self) -> str: ...
    @property
    def system_right(self) -> str: ...
    @property
    def expected(self) -> Sequence[str]: ...
    @property
    def set_id(self) -> str | None: ...
    @property
    def position(self) -> int: ...
    @property
    def swapped(self) -> bool | None:
        """None: it is not known which system stood left."""
        ...

    @property
    def sample(self) -> str:
        """What the opinions are called where the vote is from; '' where `set_id` names them."""
        ...

    @property
    def seconds(self) -> float | None: ...
    @property
    def comment(self) -> str: ...
    @property
    def complete(self) -> bool:
        """Whether all questions of the item are answered, and the slot was nobody else's."""
        ...


def votes_of(rows: Iterable[StoredVote], questions: Collection[str] | None = None) -> list[Vote]:
    """The votes of a study of pairs.

    Answers of an item that a judge did not finish are left out: somebody else has given that item's vote. A comprehension item
    is practice: it decides who takes part, and says nothing of systems. An attention item that was skipped stays, with that word
    as its answer.

    Args:
        questions: those that compare the pair; ratings, which a study may ask besides, are no votes. None: all.

    Raises:
        BadInput: an answer that is none of a pair's.
    """
    found = []
    for row, kind in _counted(rows, questions):
        found.append(
            Vote(
                row.study,
                row.judge,
                _item(row),
                row.question,
                row.system_left,
                row.system_right,
                cast("Answer", row.answer),
                row.seconds,
                row.group,
                row.item if kind == "repeat" else None,
                row.position,
                kind,
                cast("tuple[Answer, ...]", tuple(row.expected)) if kind == "attention" else (),
                row.set_id or row.sample,
                row.comment,
                row.swapped is not None,
            )
        )
    return found


def label_votes_of(rows: Iterable[StoredVote], questions: Collection[str] | None = None) -> list[LabelVote]:
    """The votes of a study of labels, as `votes_of`; the item's id is the sentence's."""
    found = []
    for row, kind in _counted(rows, questions):
        found.append(
            LabelVote(
                row.judge,
                _item(row),
                row.answer,
                row.seconds,
                row.group,
                row.item if kind == "repeat" else None,
                row.position,
                kind,
                tuple(row.expected) if kind == "attention" else (),
                row.comment,
            )
        )
    return found


def _counted(
    rows: Iterable[StoredVote], questions: Collection[str] | None
) -> Iterator[tuple[StoredVote, Kind]]:
    """The rows that are votes (finished, or an attention item that was skipped), and what kind of item each is of."""
    for row in rows:
        if (row.complete or row.answer == SKIPPED) and (questions is None or row.question in questions):
            yield row, _kind(row)


def _kind(row: StoredVote) -> Kind:
    """What an analysis takes the answer for."""
    if row.kind == "main":
        return "repeat" if row.occasion else "item"
    return "attention" if row.kind == "attention" else "practice"


def _item(row: StoredVote) -> str:
    return f"{row.item}~{row.occasion}" if row.occasion else row.item
