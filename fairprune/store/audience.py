"""Audiences of a talk: the pair of summaries that they judge, and one answer per phone."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from fairprune.errors import BadInput, StoreError
from fairprune.store.database import Database, now
from fairprune.store.progress import find
from fairprune.store.tables import audience_votes, audiences

Answer = Literal["a", "b", "tie", "both_unfair", "cannot_tell"]
ANSWERS: tuple[Answer, ...] = get_args(Answer)
"""a and b are sides as the phone showed them."""


@dataclass(frozen=True)
class Audience:
    """One question to one audience."""

    id: str
    """32 hex digits, random."""
    run_id: str
    position: int
    """Of the sample in its run, from 0."""
    set_id: str
    address: str
    """What phones open, with the code; '' until the server that listens there has said so."""
    opened: datetime
    closed: datetime | None
    """Since then no vote counts."""
    revealed: datetime | None
    """When the speaker showed the verdict; None: it is withheld."""


def _audience(row: Row[Any]) -> Audience:
    return Audience(**row._mapping)


class Audiences(Database):
    """The part of the store that knows what audiences say."""

    def open_audience(self, run_id: str, position: int, set_id: str, address: str = "") -> Audience:
        """A new question about the sample at `position` of a run.

        Raises:
            NoSuchRun: the run is not stored.
        """
        key = secrets.token_hex(16)

        def work(connection: Connection) -> None:
            found = find(connection, run_id)
            connection.execute(
                insert(audiences).values(
                    id=key, run_id=found, position=position, set_id=set_id, address=address, opened=now()
                )
            )

        self._change(work)
        return self.audience(key)

    def audience(self, audience_id: str) -> Audience:
        """The question with this id.

        Raises:
            StoreError: there is none.
        """
        chosen = select(audiences).where(audiences.c.id == audience_id)
        row = self._read(lambda connection: connection.execute(chosen).one_or_none())
        if row is None:
            raise StoreError(f"there is no audience {audience_id!r}: its run may have been deleted")
        return _audience(row)

    def audiences(self, run_id: str, *, still_open: bool = False) -> Sequence[Audience]:
        """The questions that were asked of this run's summaries, newest first."""
        chosen = (
            select(audiences)
            .where(audiences.c.run_id == run_id)
            .order_by(audiences.c.opened.desc(), audiences.c.id)
        )
        if still_open:
            chosen = chosen.where(audiences.c.closed.is_(None))
        return self._read(lambda connection: [_audience(row) for row in connection.execute(chosen)])

    def locate_audience(self, audience_id: str, address: str) -> None:
        """Where its phones find it, once something listens there."""
        self._change(lambda c: c.execute(_one(audience_id).values(address=address)))

    def close_audience(self, audience_id: str) -> None:
        """From now on no vote counts. Closing twice keeps the first time."""
        closing = _one(audience_id).where(audiences.c.closed.is_(None)).values(closed=now())
        self._change(lambda c: c.execute(closing))

    def reveal_audience(self, audience_id: str, shown: bool) -> None:
        """Shows the verdict, or withholds it again."""
        self._change(lambda c: c.execute(_one(audience_id).values(revealed=now() if shown else None)))

    def vote(self, audience_id: str, phone: str, answer: Answer, swapped: bool) -> bool:
        """The answer of a phone, in place of the one it gave before. False: voting is over, and nothing has changed.

        Args:
            phone: 64 hex digits, the hash of its token.
            answer: by sides as the phone showed them.
            swapped: whether side A was the pruned model's.

        Raises:
            BadInput: no such answer. StoreError: no such audience.
        """
        if answer not in ANSWERS:
            raise BadInput(f"there is no answer {answer!r}: it is one of {', '.join(ANSWERS)}")
        mine = (audience_votes.c.audience_id == audience_id) & (audience_votes.c.phone == phone)

        def work(connection: Connection) -> bool:
            row = connection.execute(
                select(audiences.c.closed).where(audiences.c.id == audience_id).with_for_update()
            ).one_or_none()
            if row is None:
                raise StoreError(f"there is no audience {audience_id!r}: its run may have been deleted")
            if row.closed is not None:
                return False
            connection.execute(delete(audience_votes).where(mine))
            connection.execute(
                insert(audience_votes).values(
                    audience_id=audience_id, phone=phone, answer=answer, swapped=swapped, given=now()
                )
            )
            return True

        return self._change(work)

    def vote_of(self, audience_id: str, phone: str) -> Answer | None:
        """What this phone has answered; None: nothing yet."""
        chosen = select(audience_votes.c.answer).where(
            audience_votes.c.audience_id == audience_id, audience_votes.c.phone == phone
        )
        return self._read(lambda connection: connection.scalar(chosen))

    def vote_counts(self, audience_id: str) -> dict[tuple[Answer, bool], int]:
        """(answer, whether side A was the pruned model's) → phones; what nobody answered is left out."""
        columns = audience_votes.c.answer, audience_votes.c.swapped
        chosen = (
            select(*columns, func.count())
            .where(audience_votes.c.audience_id == audience_id)
            .group_by(*columns)
        )
        return self._read(
            lambda connection: {(row[0], bool(row[1])): int(row[2]) for row in connection.execute(chosen)}
        )


def _one(audience_id: str) -> Any:
    return update(audiences).where(audiences.c.id == audience_id)
