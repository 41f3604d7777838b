"""Links by which judges come in. The database keeps hashes: a link is shown when it is made, and never again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from fairprune.store.database import Database, now, plain
from fairprune.store.judgments_studies import find_study
from fairprune.store.judgments_tables import invites, studies
from fairprune.store.judgments_tokens import is_hex, new_token, token_hash
from fairprune.store.judgments_values import Refused

LONGEST_LABEL = 300


@dataclass(frozen=True)
class Invite:
    """A link for one judge. The link itself was shown once and is not known any more."""

    id: str
    """The hash of its token."""
    label: str
    """What the lead calls it."""
    created: datetime
    used: bool
    revoked: bool


class Links(Database):
    """The part of the store that makes links and takes them back."""

    def open_link(self, study_id: str) -> str:
        """A new token by which anybody can enter; the one before leads nowhere any more. Shown once: only its hash is kept."""
        token = new_token()
        self._set_open_token(study_id, token_hash(token))
        return token

    def close_open_link(self, study_id: str) -> None:
        """Nobody new can enter by it. Who has entered goes on."""
        self._set_open_token(study_id, None)

    def _set_open_token(self, study_id: str, value: str | None) -> None:
        def work(connection: Connection) -> None:
            find_study(connection, study_id, lock=True)
            connection.execute(update(studies).where(studies.c.id == study_id).values(open_token=value))

        self._change(work)

    def invite(self, study_id: str, labels: Sequence[str]) -> list[str]:
        """A token for each judge that is invited, in order. Shown once: only their hashes are kept."""
        made = [(new_token(), plain(label)[:LONGEST_LABEL]) for label in labels]
        time = now()
        rows = [
            {"token": token_hash(token), "study_id": study_id, "label": label, "created": time}
            for token, label in made
        ]

        def work(connection: Connection) -> None:
            find_study(connection, study_id, share=True)
            if rows:
                connection.execute(insert(invites), rows)

        self._change(work)
        return [token for token, _ in made]

    def invites(self, study_id: str) -> list[Invite]:
        """The invitations of a study, oldest first."""
        chosen = (
            select(invites).where(invites.c.study_id == study_id).order_by(invites.c.created, invites.c.label)
        )

        def work(connection: Connection) -> list[Invite]:
            find_study(connection, study_id)
            return [
                Invite(row.token, row.label, row.created, row.judge_id is not None, row.revoked is not None)
                for row in connection.execute(chosen)
            ]

        return self._read(work)

    def revoke_invite(self, study_id: str, invite_id: str) -> None:
        """An invitation that nobody has used leads nowhere from now on; a used one stays, with its judge.

        Raises:
            Refused: there is no such unused invitation.
        """
        one = (invites.c.study_id == study_id) & (invites.c.token == invite_id) & invites.c.judge_id.is_(None)

        def work(connection: Connection) -> None:
            find_study(connection, study_id, share=True)
            changed = update(invites).where(one).values(revoked=now())
            if not is_hex(invite_id, 64) or not connection.execute(changed).rowcount:
                raise Refused("unknown", "there is no such invitation, or its judge has entered already")

        self._change(work)
