"""What judges answer: the next item, one stored vote for every answer however often it is sent, skipping, taking back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from fairprune.errors import BadInput
from fairprune.judgments.design import question_order
from fairprune.opinions import OpinionSet
from fairprune.store.database import Database, from_document, now, plain
from fairprune.store.judgments_design import Rules, rules
from fairprune.store.judgments_items import item_of, right_answers, task_of
from fairprune.store.judgments_judges import (
    FREE,
    change_judge,
    end_of,
    judge_of,
    must_be_grouped,
    must_take_part,
)
from fairprune.store.judgments_next import (
    Past,
    choose,
    claim,
    hold,
    moment,
    needs_slot,
    of_task,
    past_of,
    release,
    task_row,
)
from fairprune.store.judgments_studies import design_of
from fairprune.store.judgments_tables import items, slots, tasks, vote_history, votes
from fairprune.store.judgments_tokens import is_hex, new_key
from fairprune.store.judgments_values import STANDS, Ended, Item, Recorded, Refused, Task, Wait
from fairprune.store.tables import opinion_sets

LONGEST_COMMENT = 2000
CHECKED = ("attention", "comprehension")
"""Kinds of items of which the first finished answers count."""
LATE = "this item is no longer yours: it was taken back, or you were away and another judge has it. Here is the next one"


def order_of(chosen: Rules, judge: Row[Any]) -> tuple[str, ...]:
    """The questions as this judge sees them: every judge begins one further on."""
    return question_order(tuple(chosen.questions), judge.number - 1)


class Answers(Database):
    """The part of the store that asks judges and keeps what they say."""

    def next_item(self, token: str) -> Task | Wait | Ended:
        """What this judge does next. Asking again changes nothing: an item that is open stays the one, in every tab.

        Raises:
            Refused: `unknown` token, `consent` or `group` missing, the study is `not_open`.
        """

        def work(connection: Connection) -> Task | Wait | Ended:
            return self._next(connection, token, finish=False)

        return self._change(work)

    def finish_waiting(self, token: str) -> Task | Wait | Ended:
        """As `next_item`, but a judge who would have to wait, and has answered an item, has completed their part."""

        def work(connection: Connection) -> Task | Wait | Ended:
            return self._next(connection, token, finish=True)

        return self._change(work)

    def _next(self, connection: Connection, token: str, *, finish: bool) -> Task | Wait | Ended:
        study, judge = judge_of(connection, token, share=True)
        past = past_of(connection, judge.id)
        ended = end_of(study, judge, past.answered)
        if ended is not None:
            return Ended(ended)
        must_take_part(study, judge)
        chosen = rules(design_of(study))
        must_be_grouped(chosen, judge)
        found: str | Wait | None = self._open_task(connection, chosen, past)
        if found is None:
            found = choose(connection, study.id, judge.id, chosen, past)
        if isinstance(found, Wait) and not (finish and past.answered):
            change_judge(connection, judge.id)
            return found
        if not isinstance(found, str):
            # Who came when nothing was left has not taken part.
            kind = "completed" if past.answered else "screened_out"
            change_judge(connection, judge.id, state=kind, finished=now())
            return Ended(kind)  # type: ignore[arg-type]
        change_judge(connection, judge.id)
        return _task(connection, chosen, judge, found)

    @staticmethod
    def _open_task(connection: Connection, chosen: Rules, past: Past) -> str | None:
        """The key of the first open task whose slot is still this judge's; None: there is none, and those that were are lost."""
        for row in past.rows:
            if row.state != "open":
                continue
            if hold(connection, row, chosen):
                key: str = row.key
                return key
            connection.execute(update(tasks).where(of_task(row)).values(state="lost", ended=now()))
        return None

    def shown(self, token: str, key: str) -> None:
        """Says that a task is drawn anew, such as after coming back: its seconds begin again. Unknown keys are ignored."""

        def work(connection: Connection) -> None:
            _, judge = judge_of(connection, token, share=True)
            if not is_hex(key, 32):
                return
            mine = (tasks.c.judge_id == judge.id) & (tasks.c.key == key) & (tasks.c.state == "open")
            connection.execute(update(tasks).where(mine).values(shown=now()))

        self._change(work)

    def record(
        self,
        token: str,
        key: str,
        question: str,
        answer: str,
        *,
        seconds: float | None = None,
        comment: str = "",
    ) -> Recorded:
        """Stores the answer to one question of a task. The first one stands, whoever sends another, from wherever.

        Args:
            key: of the task (`Task.key`).
            answer: one of the question's in the design; 'left' and 'right' are sides as shown.
            seconds: from showing to answering, as the page has measured it; None: since the task was first shown, or `shown`, where the
                clock was not set back meanwhile.
            comment: at most 2,000 characters.

        Raises:
            BadInput: no such question or answer, a comment that is too long, seconds that are no time; nothing is stored.
            Refused: the key is not of this judge (`unknown`), was taken back or is another judge's by now (`late`), the study or the
                judge's part is over.
        """
        if len(comment) > LONGEST_COMMENT:
            raise BadInput(f"the comment has {len(comment)} characters: {LONGEST_COMMENT} are kept at most")
        if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
            raise BadInput(f"{seconds!r} seconds are no time: give a number of at least 0, or nothing")

        def work(connection: Connection) -> Recorded:
            study, judge = judge_of(connection, token, share=True)
            chosen = rules(design_of(study))
            if question not in chosen.questions or answer not in chosen.questions[question]:
                raise BadInput(
                    f"there is no answer {answer[:64]!r} to a question {question[:64]!r} in this study"
                )
            row = task_row(connection, judge.id, key)
            if row is None:
                raise Refused("unknown", LATE)
            stored = _votes(connection, row)
            if question in stored:
                return Recorded(False, stored[question], row.state != "open")
            must_take_part(study, judge)
            if row.state != "open" or not hold(connection, row, chosen):
                raise Refused("late", LATE)
            since = (now() - row.shown).total_seconds()
            # Below 0 the clock was set back meanwhile, and nobody knows how long it took.
            taken = (since if since >= 0 else None) if seconds is None else seconds
            connection.execute(
                insert(votes).values(
                    study_id=study.id,
                    judge_id=judge.id,
                    item_id=row.item_id,
                    occasion=row.occasion,
                    question=question,
                    answer=answer,
                    swapped=row.swapped,
                    place=order_of(chosen, judge).index(question),
                    key=key,
                    shown=row.shown,
                    given=moment(connection, judge.id),
                    seconds=taken,
                    comment=plain(comment),
                )
            )
            change_judge(connection, judge.id)
            stored[question] = answer
            if set(stored) != set(chosen.questions):
                return Recorded(True, answer, False)
            return self._finished(connection, chosen, judge, row, stored)

        return self._change(work)

    @staticmethod
    def _finished(
        connection: Connection, chosen: Rules, judge: Row[Any], row: Row[Any], given: Mapping[str, str]
    ) -> Recorded:
        """All questions of a task are answered: fills its slot, and judges what has a right answer."""
        last = list(given.values())[-1]
        hold(connection, row, chosen, done=True)
        item = item_of(connection.execute(select(items).where(items.c.id == row.item_id)).one())
        counted = _counted(connection, row) if row.kind in CHECKED else {}
        # What was answered after taking it back is kept, and is no further try.
        right = _right(item, counted or given, row.swapped)
        state = "wrong" if item.kind == "comprehension" and right is False else "answered"
        connection.execute(update(tasks).where(of_task(row)).values(state=state, ended=now()))
        if counted:
            now_right = _right(item, given, row.swapped) if item.kind == "comprehension" else None
            return Recorded(True, last, True, now_right, item.explanation)
        if item.kind == "attention" and not right:
            failures = judge.failures + 1
            if failures < chosen.attention_tries:
                change_judge(connection, judge.id, failures=failures)
                return Recorded(True, last, True, warned=failures == chosen.attention_tries - 1)
            change_judge(connection, judge.id, failures=failures, state="failed", finished=now())
            # Others give these votes once more: what an inattentive judge said is kept, and does not count.
            connection.execute(update(slots).where(slots.c.judge_id == judge.id).values(**FREE))
            return Recorded(True, last, True, ended="failed")
        if item.kind in ("practice", "comprehension"):
            out = state == "wrong" and row.occasion + 1 >= chosen.comprehension_tries
            if out:
                change_judge(connection, judge.id, state="screened_out", finished=now())
            return Recorded(True, last, True, right, item.explanation, ended="screened_out" if out else None)
        return Recorded(True, last, True)

    def skip(self, token: str, key: str) -> None:
        """Leaves an item to others. Answers that were given to it already are taken back. Skipping twice is skipping once.

        An attention item is skipped like any other: it ends nobody's part, and the analysis counts it as the study's rules say.

        Raises:
            Refused: no such task of this judge (`unknown`), its answers stand or it is not one that can be skipped (`answer`),
                the judge has skipped as often as the study allows (`limit`).
        """

        def work(connection: Connection) -> None:
            study, judge = judge_of(connection, token, share=True)
            row = task_row(connection, judge.id, key)
            if row is None:
                raise Refused("unknown", LATE)
            if row.state in ("skipped", "lost"):
                return
            must_take_part(study, judge)
            chosen = rules(design_of(study))
            # An attention item can be skipped as any other: a refusal would say which one it is.
            if row.kind not in ("main", "attention") or row.state != "open":
                raise Refused("answer", "this item cannot be skipped: choose an answer")
            past = past_of(connection, judge.id)
            if len(past.skipped) >= chosen.skips_per_judge:
                instead = "the label that fits best" if chosen.label else "'cannot tell' where you cannot"
                raise Refused(
                    "limit", f"no more than {chosen.skips_per_judge} items can be skipped: choose {instead}"
                )
            for question in _votes(connection, row):
                _take_back(connection, row, question)
            _note(connection, row, "skipped", "", "")
            release(connection, row)
            ended = moment(connection, judge.id)
            connection.execute(update(tasks).where(of_task(row)).values(state="skipped", ended=ended))
            change_judge(connection, judge.id)

        self._change(work)

    def undo(self, token: str) -> Task | Wait | Ended:
        """Takes the judge's last answer back, or their last skip; what comes next then is that item.

        What was taken back stays in the history. The task gets a new key, so that the old answer, sent again, is refused.
        Items of all kinds are taken back alike: a refusal would say which one checks for attention. Of an item with a right answer
        the first finished answers count, whatever comes after them.

        Raises:
            Refused: nothing is answered yet (`nothing`), or the item was skipped and others have all its votes (`late`).
        """

        def work(connection: Connection) -> Task | Wait | Ended:
            study, judge = judge_of(connection, token, share=True)
            must_take_part(study, judge)
            chosen = rules(design_of(study))
            row, question = _last(connection, past_of(connection, judge.id), judge.id)
            if question is None:
                if needs_slot(row) and not claim(connection, row.item_id, judge.id, chosen):
                    raise Refused("late", "others have judged this item by now: it cannot come back")
                _note(connection, row, "unskipped", "", "")
            else:
                if not hold(connection, row, chosen, done=False):
                    raise Refused("late", LATE)
                if row.kind in CHECKED and row.state != "open":
                    _count(connection, row)
                _take_back(connection, row, question)
            values = {"state": "open", "ended": None, "key": new_key(), "shown": now()}
            connection.execute(update(tasks).where(of_task(row)).values(**values))
            return self._next(connection, token, finish=False)

        return self._change(work)


def _right(item: Item, given: Mapping[str, str], swapped: bool) -> bool | None:
    """Whether all answers that have a right one are right; None where there is none."""
    if not item.expected:
        return None
    return all(given.get(question) in right_answers(item, question, swapped) for question in item.expected)


def _votes(connection: Connection, row: Row[Any]) -> dict[str, str]:
    """Question → answer of a task, in the order in which they were given."""
    chosen = (
        select(votes.c.question, votes.c.answer).where(*_of_votes(row)).order_by(votes.c.given, votes.c.place)
    )
    return {one.question: one.answer for one in connection.execute(chosen)}


def _of_votes(row: Row[Any]) -> tuple[Any, ...]:
    return (
        votes.c.judge_id == row.judge_id,
        votes.c.item_id == row.item_id,
        votes.c.occasion == row.occasion,
    )


def _take_back(connection: Connection, row: Row[Any], question: str) -> None:
    one = (*_of_votes(row), votes.c.question == question)
    answer = connection.scalar(select(votes.c.answer).where(*one))
    connection.execute(delete(votes).where(*one))
    _note(connection, row, "undone", question, answer or "")


def _note(connection: Connection, row: Row[Any], action: str, question: str, answer: str) -> None:
    values = {"judge_id": row.judge_id, "item_id": row.item_id, "occasion": row.occasion, "at": now()}
    values |= {"study_id": row.study_id, "action": action, "question": question, "answer": answer}
    connection.execute(insert(vote_history).values(**values))


def _counted(connection: Connection, row: Row[Any]) -> dict[str, str]:
    """Question → the answer that counts, of a task that was finished before; {} of all others."""
    chosen = select(vote_history.c.question, vote_history.c.answer).where(
        vote_history.c.judge_id == row.judge_id,
        vote_history.c.item_id == row.item_id,
        vote_history.c.occasion == row.occasion,
        vote_history.c.action == STANDS,
    )
    return {one.question: one.answer for one in connection.execute(chosen)}


def _count(connection: Connection, row: Row[Any]) -> None:
    """Notes what counts of a finished task, before any of it is taken back."""
    if not _counted(connection, row):
        for question, answer in _votes(connection, row).items():
            _note(connection, row, STANDS, question, answer)


def _last(connection: Connection, past: Past, judge_id: str) -> tuple[Row[Any], str | None]:
    """The task that the judge did something to last, with the question answered; None: it was skipped."""
    nothing = Refused("nothing", "there is no answer that can be taken back")
    given = (
        select(votes.c.item_id, votes.c.occasion, votes.c.question, votes.c.given)
        .where(votes.c.judge_id == judge_id)
        .order_by(votes.c.given.desc(), votes.c.place.desc())
        .limit(1)
    )
    vote = connection.execute(given).one_or_none()
    skips = [row for row in past.skipped if row.ended is not None]
    skip = max(skips, key=lambda row: row.ended, default=None)
    if skip is not None and (vote is None or skip.ended > vote.given):
        return skip, None
    if vote is None:
        raise nothing
    row = next(one for one in past.rows if (one.item_id, one.occasion) == (vote.item_id, vote.occasion))
    if row.state not in ("open", "answered", "wrong"):
        raise nothing
    return row, vote.question


def _task(connection: Connection, chosen: Rules, judge: Row[Any], key: str) -> Task:
    row = task_row(connection, judge.id, key)
    assert row is not None
    item = item_of(connection.execute(select(items).where(items.c.id == row.item_id)).one())
    opinions = None
    if item.set_id is not None:
        stored = connection.scalar(select(opinion_sets.c.value).where(opinion_sets.c.id == item.set_id))
        opinions = OpinionSet.from_json(from_document(str(stored), f"opinion set {item.set_id}"))
    return task_of(
        item,
        opinions,
        order_of(chosen, judge),
        key=key,
        number=row.number,
        swapped=row.swapped,
        answered=_votes(connection, row),
    )
