"""Judges: how they come in by a link, agree, say their group, and leave, with all that they said if they want."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from fairprune.store.database import Database, now
from fairprune.store.judgments_design import Rules, public, rules
from fairprune.store.judgments_studies import design_of, find_study, state_of
from fairprune.store.judgments_tables import (
    invites,
    items,
    judge_tokens,
    judges,
    payments,
    slots,
    studies,
    tasks,
)
from fairprune.store.judgments_tokens import crowd_key, crowd_text, new_id, new_token, token_hash
from fairprune.store.judgments_values import (
    ENDS,
    Completion,
    Crowd,
    End,
    Entered,
    Judge,
    Refused,
    known,
    pseudonym,
)

HELD = timedelta(hours=2)
"""How long a judge who has gone quiet keeps a place in a quota. Who comes back later goes on all the same."""
FREE = {"judge_id": None, "expires": None, "done": False}
"""A slot that anybody may have."""


def judge_of(
    connection: Connection, token: str, *, lock: bool = False, share: bool = False
) -> tuple[Row[Any], Row[Any]]:
    """(study, judge) of a judge's token. With `lock` nobody else changes either; with `share` only the judge is theirs alone.

    The study is always locked first: two that want both wait for each other in one order.

    Raises:
        Refused: the token is no judge's (`unknown`).
    """
    mine = (
        select(studies, judges.c.id.label("judge_id"))
        .join(judges, judges.c.study_id == studies.c.id)
        .join(judge_tokens, judge_tokens.c.judge_id == judges.c.id)
        .where(judge_tokens.c.token == token_hash(token))
    )
    if lock or share:
        mine = mine.with_for_update(read=not lock, of=studies)
    study = connection.execute(mine).one_or_none()
    if study is None:
        raise _nowhere()
    chosen = select(judges).where(judges.c.id == study.judge_id)
    row = connection.execute(chosen.with_for_update() if lock or share else chosen).one_or_none()
    if row is None:
        raise _nowhere()
    return study, row


def _nowhere() -> Refused:
    return Refused("unknown", "this link leads nowhere: it was replaced, taken back, or its data was deleted")


def change_judge(connection: Connection, judge_id: str, **values: Any) -> None:
    """Changes a judge's row; they were seen now."""
    connection.execute(update(judges).where(judges.c.id == judge_id).values(seen=now(), **values))


def must_be_open(study: Row[Any], time: datetime) -> None:
    """Whether judges may do something in this study at this time.

    Raises:
        Refused: not yet (`not_open`), or not any more (`closed`).
    """
    state = state_of(study, time)
    if state == "closed":
        raise Refused("closed", "the study is closed: nothing more can be answered. Thank you")
    if state == "draft" or (study.opens is not None and study.opens > time):
        when = f" before {study.opens:%Y-%m-%d %H:%M} UTC" if state == "open" else " yet"
        raise Refused("not_open", f"the study is not open{when}: come back then")


def end_of(study: Row[Any], judge: Row[Any], answered: int) -> End | None:
    """How this judge's part has ended; None: it goes on. A study that closes ends it for all."""
    if judge.state in ENDS:
        found: End = judge.state
        return found
    if state_of(study, now()) == "closed":
        return "completed" if answered else "screened_out"
    return None


def _done(connection: Connection, study_id: str, judge_id: str) -> Row[Any]:
    """`answered`: finished main items of a judge, without repeats; `done`: those with repeats and attention items; `skipped`; and
    `checks`: the attention items of the study.
    """
    finished, every = tasks.c.state == "answered", items.alias()
    checks = select(func.count()).where(
        every.c.study_id == study_id, every.c.kind == "attention", every.c.excluded.is_(False)
    )
    chosen = (
        select(
            func.count().filter(finished, tasks.c.occasion == 0, items.c.kind == "main").label("answered"),
            func.count().filter(finished, items.c.kind.in_(("main", "attention"))).label("done"),
            func.count().filter(tasks.c.state == "skipped").label("skipped"),
            checks.scalar_subquery().label("checks"),
        )
        .select_from(tasks.join(items, items.c.id == tasks.c.item_id))
        .where(tasks.c.judge_id == judge_id)
    )
    return connection.execute(chosen).one()


def _judge(connection: Connection, study: Row[Any], row: Row[Any]) -> Judge:
    design = design_of(study)
    chosen = rules(design)
    found = _done(connection, study.id, row.id)
    return Judge(
        id=row.id,
        number=row.number,
        study_id=row.study_id,
        state=row.state,
        group=row.group_name,
        needs_group=chosen.quotas is not None and row.group_name is None,
        answered=found.answered,
        done=found.done,
        of=chosen.items_per_judge + chosen.repeats_per_judge + found.checks,
        skips_left=max(0, chosen.skips_per_judge - found.skipped),
        failures=row.failures,
        public=public(design),
        study_state=state_of(study, now()),
    )


class Judges(Database):
    """The part of the store that lets judges in and out."""

    def enter(self, token: str, crowd: Crowd | None = None) -> Entered:
        """Comes in by any link of a study: a judge's own, an invitation, the open one.

        A judge's own link and an invitation always lead to the same judge, from any browser. The open link makes a new judge
        each time, but for a crowd id that was here before: that judge gets one token more. Nothing of the network is kept.

        Args:
            crowd: who a crowd site says this is; needed by the open link where the design says `crowd`, else left unread
                unless it comes by the open link.

        Raises:
            Refused: the link leads nowhere (`unknown`), the study is not open to new judges, or the crowd id is missing or none.
            Unavailable: a crowd id, and no `FAIRPRUNE_SECRET`.
        """
        held = token_hash(token)
        fresh = new_token()

        def work(connection: Connection) -> Entered:
            mine = connection.scalar(select(judge_tokens.c.token).where(judge_tokens.c.token == held))
            if mine is not None:
                study, row = judge_of(connection, token, share=True)
                change_judge(connection, row.id)
                return Entered(token, _judge(connection, study, row), False)
            invited = select(invites.c.study_id).where(invites.c.token == held)
            study_id = connection.scalar(invited)
            if study_id is not None:
                return self._by_invitation(connection, study_id, token)
            study_id = connection.scalar(select(studies.c.id).where(studies.c.open_token == held))
            if study_id is None:
                raise _nowhere()
            return self._by_open_link(connection, study_id, held, fresh, crowd)

        return self._change(work)

    def _by_invitation(self, connection: Connection, study_id: str, token: str) -> Entered:
        study = find_study(connection, study_id, lock=True)
        held = token_hash(token)
        row = connection.execute(select(invites).where(invites.c.token == held)).one_or_none()
        if row is None or row.revoked is not None:
            raise _nowhere()
        if row.judge_id is not None:  # another tab was first
            return self._entered(connection, study, row.judge_id, token, False)
        must_be_open(study, now())
        judge_id = self._new_judge(connection, study, None)
        connection.execute(update(invites).where(invites.c.token == held).values(judge_id=judge_id))
        connection.execute(insert(judge_tokens).values(token=held, judge_id=judge_id))
        return self._entered(connection, study, judge_id, token, True)

    def _by_open_link(
        self, connection: Connection, study_id: str, held: str, fresh: str, crowd: Crowd | None
    ) -> Entered:
        study = find_study(connection, study_id, lock=True)
        if study.open_token != held:
            raise _nowhere()
        key = None if crowd is None else crowd_key(study_id, crowd.id)
        judge_id = None
        if key is not None:
            here = (judges.c.study_id == study_id) & (judges.c.crowd_key == key)
            judge_id = connection.scalar(select(judges.c.id).where(here))
        new = judge_id is None
        if judge_id is None:
            must_be_open(study, now())
            if crowd is None and rules(design_of(study)).crowd:
                raise Refused("crowd", "this link works only from the crowd site: open the study there")
            judge_id = self._new_judge(connection, study, key)
            if crowd is not None:
                values = {
                    "crowd_id": crowd.id,
                    "crowd_study": crowd_text(crowd.study) if crowd.study else "",
                    "crowd_session": crowd_text(crowd.session) if crowd.session else "",
                }
                row = {"judge_id": judge_id, "study_id": study_id, "created": now(), **values}
                connection.execute(insert(payments).values(**row))
        connection.execute(insert(judge_tokens).values(token=token_hash(fresh), judge_id=judge_id))
        return self._entered(connection, study, judge_id, fresh, new)

    @staticmethod
    def _new_judge(connection: Connection, study: Row[Any], key: str | None) -> str:
        number, judge_id, time = study.last_judge + 1, new_id(), now()
        values = {"id": judge_id, "study_id": study.id, "number": number, "crowd_key": key, "failures": 0}
        connection.execute(insert(judges).values(state="entered", entered=time, seen=time, **values))
        connection.execute(update(studies).where(studies.c.id == study.id).values(last_judge=number))
        return judge_id

    @staticmethod
    def _entered(connection: Connection, study: Row[Any], judge_id: str, token: str, new: bool) -> Entered:
        row = connection.execute(select(judges).where(judges.c.id == judge_id)).one()
        return Entered(token, _judge(connection, study, row), new)

    def judge(self, token: str) -> Judge:
        """The judge of a token.

        Raises:
            Refused: it is no judge's (`unknown`).
        """

        def work(connection: Connection) -> Judge:
            return _judge(connection, *judge_of(connection, token))

        return self._read(work)

    def consent(self, token: str, agreed: bool) -> Judge:
        """Whether the judge takes part. Saying it twice keeps the first answer.

        Who agrees when as many judges as the study wants are there already is screened out.
        """

        def work(connection: Connection) -> None:
            study, row = judge_of(connection, token, lock=True)
            if row.state != "entered":
                return
            time = now()
            must_be_open(study, time)
            most = rules(design_of(study)).max_judges
            if not agreed:
                change_judge(connection, row.id, state="no_consent", finished=time)
            elif most is not None and self._holders(connection, study.id, row.id) >= most:
                change_judge(connection, row.id, state="screened_out", finished=time)
            else:
                change_judge(connection, row.id, state="active", consented=time)

        self._change(work)
        return self.judge(token)

    def choose_group(self, token: str, group: str) -> Judge:
        """What the judge says of themselves. Said once; where the group's quota is full the judge is screened out.

        Raises:
            BadInput: a group that the study does not name. Refused: no consent yet, or the judge's part is over.
        """

        def work(connection: Connection) -> None:
            study, row = judge_of(connection, token, lock=True)
            if row.group_name is not None:
                return
            must_take_part(study, row)
            quotas = rules(design_of(study)).quotas
            if quotas is None:
                raise Refused("group", "this study asks for no group")
            most = quotas[known("group", group, quotas)]
            full = most is not None and self._holders(connection, study.id, row.id, group) >= most
            end = {"state": "screened_out", "finished": now()} if full else {}
            change_judge(connection, row.id, group_name=group, **end)

        self._change(work)
        return self.judge(token)

    @staticmethod
    def _holders(connection: Connection, study_id: str, but: str, group: str | None = None) -> int:
        """Judges who hold a place: those who have finished, and those who are at it."""
        chosen = (
            select(func.count()).select_from(judges).where(judges.c.study_id == study_id, judges.c.id != but)
        )
        at_it = (judges.c.state == "active") & (judges.c.seen > now() - HELD)
        chosen = chosen.where((judges.c.state == "completed") | at_it)
        if group is not None:
            chosen = chosen.where(judges.c.group_name == group)
        return connection.scalar(chosen) or 0

    def completion(self, token: str) -> Completion:
        """How it ended for this judge, with the code for the crowd site.

        Raises:
            Refused: it has not ended (`ended`).
        """

        def work(connection: Connection) -> Completion:
            study, row = judge_of(connection, token)
            kind = end_of(study, row, _done(connection, study.id, row.id).answered)
            if kind is None:
                raise Refused("ended", "there are items left to answer: the code comes after the last one")
            return rules(design_of(study)).codes[kind]

        return self._read(work)

    def forget(self, token: str) -> None:
        """Deletes a judge with all that they said, in every table; other judges get the items.

        The study only counts one withdrawal more. The links lead nowhere afterwards.

        Raises:
            Refused: the token is no judge's (`unknown`).
        """

        def work(connection: Connection) -> None:
            study, row = judge_of(connection, token, lock=True)
            _forget(connection, study.id, row.id)

        self._change(work)

    def forget_judge(self, study_id: str, name: str) -> None:
        """As `forget`, for a lead who was asked to: `name` is the pseudonym, such as 'J001'."""

        def work(connection: Connection) -> None:
            study = find_study(connection, study_id, lock=True)
            listed = select(judges.c.id, judges.c.number).where(judges.c.study_id == study.id)
            found = [row.id for row in connection.execute(listed) if pseudonym(row.number) == name]
            if not found:
                raise Refused("unknown", f"study {study.title!r} has no judge {name[:64]!r}")
            _forget(connection, study.id, found[0])

        self._change(work)


def must_take_part(study: Row[Any], judge: Row[Any]) -> None:
    """Whether this judge may be asked and answer now.

    Raises:
        Refused: the study or the judge's part is over, or the judge has not agreed.
    """
    must_be_open(study, now())
    if judge.state == "entered":
        raise Refused("consent", "the judge has not agreed to take part yet")
    if judge.state != "active":
        raise Refused("ended", "this judge's part is over: nothing more can be answered")


def must_be_grouped(chosen: Rules, judge: Row[Any]) -> None:
    """Raises: Refused: the study asks for a group, and the judge has told none (`group`)."""
    if chosen.quotas is not None and judge.group_name is None:
        raise Refused("group", "the study asks for a group first")


def _forget(connection: Connection, study_id: str, judge_id: str) -> None:
    connection.execute(update(slots).where(slots.c.judge_id == judge_id).values(**FREE))
    # Else the invitation would be as good as new.
    connection.execute(update(invites).where(invites.c.judge_id == judge_id).values(revoked=now()))
    connection.execute(delete(judges).where(judges.c.id == judge_id))
    more = studies.c.withdrawn + 1
    connection.execute(update(studies).where(studies.c.id == study_id).values(withdrawn=more))
