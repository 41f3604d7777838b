"""What a study has come to: how far it is at any time, what was answered once it is closed, and whom to pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, case, delete, func, select

from fairprune.store.database import Database, now
from fairprune.store.judgments_design import rules
from fairprune.store.judgments_items import item_of, right_answers
from fairprune.store.judgments_judges import HELD
from fairprune.store.judgments_studies import close_for_good, design_of, find_study, state_of
from fairprune.store.judgments_tables import items, judges, payments, slots, tasks, vote_history, votes
from fairprune.store.judgments_values import (
    JUDGE_STATES,
    SKIPPED,
    STANDS,
    Item,
    Progress,
    Refused,
    VoteRow,
    pseudonym,
    without_sides,
)


@dataclass(frozen=True)
class JudgeRow:
    """One judge in the flow of participants, pseudonymous."""

    judge: str
    state: str
    group: str | None
    entered: datetime | None
    """None, as the other times: not known, of votes of elsewhere."""
    consented: datetime | None
    finished: datetime | None
    failures: int
    """Attention items answered wrong."""
    from_crowd: bool


@dataclass(frozen=True)
class HistoryRow:
    """Something that a judge took back or left out."""

    judge: str
    item: str
    occasion: int
    action: str
    """'undone', 'skipped', 'unskipped', or 'stands': what counts of an item with a right answer, though it was taken back."""
    question: str
    """'' of a skip."""
    answer: str
    """As clicked; '' of a skip."""
    at: datetime


@dataclass(frozen=True)
class Payment:
    """Whom a crowd site is to pay. The only place where a crowd id stands in clear."""

    crowd_id: str
    crowd_study: str
    crowd_session: str
    state: str
    """Of the judge: how their part has ended, or 'entered' or 'active'."""
    entered: datetime
    finished: datetime | None


class Rows(Database):
    """The part of the store that hands out what judges have done."""

    def _unseal(self, study_id: str) -> None:
        """Refuses what is not closed. Closed by its own time, it is closed for good from the first look on, whatever the clock says then.

        Raises:
            Refused: the study is not closed (`sealed`).
        """
        row = self._read(lambda connection: find_study(connection, study_id))
        if state_of(row, now()) != "closed":
            raise Refused("sealed", f"the outcomes of study {row.title!r} are sealed until it is closed")
        if row.state == "open":  # whoever is answering is waited for: the votes are complete then
            self._change(
                lambda connection: close_for_good(connection, find_study(connection, study_id, lock=True))
            )

    def study_progress(self, study_id: str) -> Progress:
        """How far the study is. It says nothing of any answer, and can be asked at any time."""

        def work(connection: Connection) -> Progress:
            row = find_study(connection, study_id)
            time = now()
            asked = select(items.c.excluded, items.c.automatic, func.count().label("n")).where(
                items.c.study_id == study_id, items.c.kind == "main"
            )
            kinds = {
                (one.excluded, one.automatic): one.n
                for one in connection.execute(asked.group_by(items.c.excluded, items.c.automatic))
            }
            of_slots = select(
                func.count().label("wanted"),
                func.sum(case((slots.c.done, 1), else_=0)).label("done"),
                func.sum(
                    case(
                        (
                            slots.c.done.is_(False)
                            & slots.c.judge_id.is_not(None)
                            & (slots.c.expires >= time),
                            1,
                        ),
                        else_=0,
                    )
                ).label("leased"),
            ).where(slots.c.study_id == study_id)
            total = connection.execute(of_slots).one()
            wanted, done = total.wanted, total.done or 0
            full = (
                select(slots.c.item_id)
                .where(slots.c.study_id == study_id)
                .group_by(slots.c.item_id)
                .having(func.sum(case((slots.c.done, 0), else_=1)) == 0)
            )
            complete = connection.scalar(select(func.count()).select_from(full.subquery())) or 0
            if row.origin == "imported":
                wanted = done = self._imported_votes(connection, study_id)
                complete = kinds.get((False, False), 0)
            states = select(judges.c.state, func.count()).where(judges.c.study_id == study_id)
            counts: dict[str, int] = dict(connection.execute(states.group_by(judges.c.state)).all())
            at_it = (judges.c.state == "active") & (judges.c.seen > time - HELD)
            holding = select(judges.c.group_name, func.count()).where(
                judges.c.study_id == study_id,
                judges.c.group_name.is_not(None),
                (judges.c.state == "completed") | at_it,
            )
            held: dict[str, int] = dict(connection.execute(holding.group_by(judges.c.group_name)).all())
            return Progress(
                items=kinds.get((False, False), 0),
                automatic=kinds.get((False, True), 0),
                excluded=sum(n for (excluded, _), n in kinds.items() if excluded),
                wanted=wanted,
                done=done,
                leased=total.leased or 0,
                complete=complete,
                judges={state: counts.get(state, 0) for state in JUDGE_STATES},
                withdrawn=row.withdrawn,
                groups={group: held.get(group, 0) for group in rules(design_of(row)).quotas or {}},
            )

        return self._read(work)

    @staticmethod
    def _imported_votes(connection: Connection, study_id: str) -> int:
        """Items that judges of elsewhere have answered, each counted once per judge."""
        main = select(func.count()).select_from(tasks.join(items, items.c.id == tasks.c.item_id))
        found = main.where(tasks.c.study_id == study_id, items.c.kind == "main", tasks.c.occasion == 0)
        return connection.scalar(found) or 0

    def vote_rows(self, study_id: str) -> list[VoteRow]:
        """All stored votes of a closed study, by judge and the order in which they were asked.

        Votes of judges who failed are among them (`judge_state`), and votes on items that were not finished (`complete`). Of an item
        with a right answer they say what was answered first. An attention item that was skipped has a row with the answer 'skipped'.

        Raises:
            Refused: the study is not closed: its outcomes are sealed (`sealed`).
        """
        self._unseal(study_id)

        def work(connection: Connection) -> list[VoteRow]:
            listed = select(items).where(items.c.study_id == study_id)
            found = {row.id: item_of(row) for row in connection.execute(listed)}
            chosen = (
                select(
                    votes,
                    judges.c.number.label("judge_number"),
                    judges.c.state.label("judge_state"),
                    judges.c.group_name,
                    tasks.c.number.label("task_number"),
                    tasks.c.state.label("task_state"),
                )
                .join(judges, judges.c.id == votes.c.judge_id)
                .join(
                    tasks,
                    (tasks.c.judge_id == votes.c.judge_id)
                    & (tasks.c.item_id == votes.c.item_id)
                    & (tasks.c.occasion == votes.c.occasion),
                )
                .where(votes.c.study_id == study_id)
            )
            stands = _standing(connection, study_id)
            rows = []
            for row in connection.execute(chosen):
                first = stands.get((row.judge_id, row.item_id, row.occasion), {}).pop(row.question, None)
                given = dict(row._mapping) | (
                    {} if first is None else {"answer": first, "task_state": "answered"}
                )
                rows.append(_vote_row(given, found[row.item_id]))
            rows += [
                _vote_row(given, found[given["item_id"]])
                for given in _unvoted(connection, study_id, found, stands)
            ]
            return sorted(rows, key=lambda row: (int(row.judge[1:]), row.position, row.place))

        return self._read(work)

    def automatic_items(self, study_id: str) -> list[Item]:
        """Items whose two texts are the same: ties that nobody was asked about. Not excluded ones."""
        chosen = select(items).where(
            items.c.study_id == study_id, items.c.automatic.is_(True), items.c.excluded.is_(False)
        )

        def work(connection: Connection) -> list[Item]:
            find_study(connection, study_id)
            return [item_of(row) for row in connection.execute(chosen.order_by(items.c.number))]

        return self._read(work)

    def history_rows(self, study_id: str) -> list[HistoryRow]:
        """What judges took back or left out, in order of time.

        Raises:
            Refused: as `vote_rows`.
        """

        self._unseal(study_id)

        def work(connection: Connection) -> list[HistoryRow]:
            chosen = (
                select(vote_history, judges.c.number)
                .join(judges, judges.c.id == vote_history.c.judge_id)
                .where(vote_history.c.study_id == study_id)
                .order_by(vote_history.c.id)
            )
            return [
                HistoryRow(
                    pseudonym(row.number),
                    row.item_id,
                    row.occasion,
                    row.action,
                    row.question,
                    row.answer,
                    row.at,
                )
                for row in connection.execute(chosen)
            ]

        return self._read(work)

    def judge_rows(self, study_id: str) -> list[JudgeRow]:
        """The flow of participants: everybody who has entered, in order. No word of what they answered."""

        def work(connection: Connection) -> list[JudgeRow]:
            here = find_study(connection, study_id).origin == "here"
            chosen = select(judges).where(judges.c.study_id == study_id).order_by(judges.c.number)
            return [
                JudgeRow(
                    pseudonym(row.number),
                    row.state,
                    row.group_name,
                    row.entered if here else None,
                    row.consented,
                    row.finished,
                    row.failures,
                    row.crowd_key is not None,
                )
                for row in connection.execute(chosen)
            ]

        return self._read(work)

    def payments(self, study_id: str) -> list[Payment]:
        """Whom to pay, by crowd id: no pseudonym stands beside it, so that the list leads to no vote."""
        chosen = (
            select(payments, judges.c.state, judges.c.entered, judges.c.finished)
            .join(judges, judges.c.id == payments.c.judge_id)
            .where(payments.c.study_id == study_id)
            .order_by(payments.c.crowd_id)
        )

        def work(connection: Connection) -> list[Payment]:
            find_study(connection, study_id)
            return [
                Payment(
                    row.crowd_id, row.crowd_study, row.crowd_session, row.state, row.entered, row.finished
                )
                for row in connection.execute(chosen)
            ]

        return self._read(work)

    def delete_payments(self, study_id: str) -> int:
        """Deletes every crowd id of a study, once all are paid; how many there were. Votes stay as they are."""

        def work(connection: Connection) -> int:
            find_study(connection, study_id, lock=True)
            return connection.execute(delete(payments).where(payments.c.study_id == study_id)).rowcount

        return self._change(work)


Key = tuple[str, str, int]
"""(judge, item, occasion) of a task."""


def _standing(connection: Connection, study_id: str) -> dict[Key, dict[str, str]]:
    """What counts of finished items though it was taken back: question → answer."""
    chosen = select(vote_history).where(vote_history.c.study_id == study_id, vote_history.c.action == STANDS)
    found: dict[Key, dict[str, str]] = {}
    for row in connection.execute(chosen):
        found.setdefault((row.judge_id, row.item_id, row.occasion), {})[row.question] = row.answer
    return found


def _unvoted(
    connection: Connection, study_id: str, found: Mapping[str, Item], stands: Mapping[Key, Mapping[str, str]]
) -> list[dict[str, Any]]:
    """Items with a right answer of which no vote is stored: what stands of them, and attention items that were skipped."""
    chosen = (
        select(
            tasks,
            judges.c.number.label("judge_number"),
            judges.c.state.label("judge_state"),
            judges.c.group_name,
        )
        .join(judges, judges.c.id == tasks.c.judge_id)
        .join(items, items.c.id == tasks.c.item_id)
        .where(tasks.c.study_id == study_id, items.c.kind.in_(("attention", "comprehension")))
    )
    rows = []
    for row in connection.execute(chosen):
        own, item = stands.get((row.judge_id, row.item_id, row.occasion)), found[row.item_id]
        state = "answered" if own is not None else row.state
        answers = own if own is not None else {}
        if own is None and row.state == SKIPPED and item.kind == "attention":
            answers = {next(iter(item.expected)): SKIPPED}
        for place, (question, answer) in enumerate(answers.items()):
            rows.append(
                {
                    **row._mapping,
                    "task_number": row.number,
                    "task_state": state,
                    "question": question,
                    "answer": answer,
                }
                | {"place": place, "shown": None, "given": None, "seconds": None, "comment": ""}
            )
    return rows


def _vote_row(given: Mapping[str, Any], item: Item) -> VoteRow:
    row = SimpleNamespace(**given)
    sides: Sequence[Any] = (item.a, item.b)
    left, right = reversed(sides) if row.swapped and item.b is not None else sides
    return VoteRow(
        study=row.study_id,
        judge=pseudonym(row.judge_number),
        judge_state=row.judge_state,
        group=row.group_name,
        item=row.item_id,
        item_number=item.number,
        kind=item.kind,
        occasion=row.occasion,
        question=row.question,
        answer=row.answer,
        system_left=left.system,
        system_right="" if right is None else right.system,
        run_left=left.run_id,
        run_right=None if right is None else right.run_id,
        swapped=row.swapped,
        preferred=row.answer if item.b is None else without_sides(row.answer, bool(row.swapped)),
        expected=right_answers(item, row.question, bool(row.swapped)),
        set_id=item.set_id,
        sample=item.sample,
        stratum=item.stratum,
        position=row.task_number - 1,
        place=row.place,
        shown=row.shown,
        given=row.given,
        seconds=row.seconds,
        comment=row.comment,
        complete=row.task_state in ("answered", "wrong"),
    )
