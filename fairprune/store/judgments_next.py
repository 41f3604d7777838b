"""Which item a judge gets next, and the lease of its slot. Called inside a transaction that holds the judge's row."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, or_, select, update

from fairprune.store.database import now
from fairprune.store.judgments_design import Rules
from fairprune.store.judgments_judges import FREE
from fairprune.store.judgments_tables import items, slots, tasks, votes
from fairprune.store.judgments_tokens import is_hex, new_key
from fairprune.store.judgments_values import Wait

_LONGEST_WAIT = 60.0
_DRAW = secrets.SystemRandom()


@dataclass(frozen=True)
class Past:
    """What a judge has been asked, in order."""

    rows: Sequence[Row[Any]]
    """Of `tasks`, with `kind` and `item_number` of the item, by number."""

    def of(self, kind: str, state: str | None = None, occasion: int | None = None) -> list[Row[Any]]:
        return [
            row
            for row in self.rows
            if row.kind == kind and state in (None, row.state) and occasion in (None, row.occasion)
        ]

    @property
    def skipped(self) -> list[Row[Any]]:
        """Items of any kind that the judge has left out."""
        return [row for row in self.rows if row.state == "skipped"]

    @property
    def answered(self) -> int:
        """Finished main items, without repeats."""
        return len(self.of("main", "answered", 0))


def past_of(connection: Connection, judge_id: str) -> Past:
    chosen = (
        select(tasks, items.c.kind, items.c.number.label("item_number"))
        .join(items, items.c.id == tasks.c.item_id)
        .where(tasks.c.judge_id == judge_id)
        .order_by(tasks.c.number)
    )
    return Past(connection.execute(chosen).all())


def task_row(connection: Connection, judge_id: str, key: str) -> Row[Any] | None:
    """The judge's task with this key; None: there is none, or it is another judge's."""
    if not is_hex(key, 32):
        return None
    chosen = (
        select(tasks, items.c.kind, items.c.study_id.label("study"))
        .join(items, items.c.id == tasks.c.item_id)
        .where(tasks.c.judge_id == judge_id, tasks.c.key == key)
    )
    return connection.execute(chosen).one_or_none()


def of_task(row: Row[Any]) -> Any:
    """The condition that picks this row of `tasks`."""
    return and_(
        tasks.c.judge_id == row.judge_id, tasks.c.item_id == row.item_id, tasks.c.occasion == row.occasion
    )


def moment(connection: Connection, judge_id: str) -> datetime:
    """Now, but later than all that this judge did before, though the clock was set back: what was done last is known by it."""
    found = now()
    for column, of in ((votes.c.given, votes.c.judge_id), (tasks.c.ended, tasks.c.judge_id)):
        last: datetime | None = connection.scalar(select(func.max(column)).where(of == judge_id))
        if last is not None:
            found = max(found, last + timedelta(microseconds=1))
    return found


def needs_slot(row: Row[Any]) -> bool:
    """Whether it is a vote that an item wants: a main item's first time."""
    return bool(row.kind == "main" and row.occasion == 0)


def hold(connection: Connection, row: Row[Any], chosen: Rules, **values: Any) -> bool:
    """Renews the lease of a task's slot (`values`: what else changes in it). False: another judge has it by now.

    A lease that has run out is still the judge's as long as nobody else was given it.
    """
    if not needs_slot(row):
        return True
    mine = (slots.c.item_id == row.item_id) & (slots.c.judge_id == row.judge_id)
    lease = now() + timedelta(minutes=chosen.lease_minutes)
    changed = connection.execute(update(slots).where(mine).values(**{"expires": lease, **values}))
    return changed.rowcount == 1


def release(connection: Connection, row: Row[Any]) -> None:
    """Gives the slot of a task back."""
    if needs_slot(row):
        mine = (slots.c.item_id == row.item_id) & (slots.c.judge_id == row.judge_id)
        connection.execute(update(slots).where(mine).values(**FREE))


def claim(connection: Connection, item_id: str, judge_id: str, chosen: Rules) -> bool:
    """Leases a slot of this item; False: all are taken. A slot whose lease has run out goes to the one who asks."""
    time = now()
    number = connection.scalar(
        select(slots.c.number)
        .where(slots.c.item_id == item_id, _free(time))
        .order_by(slots.c.judge_id.is_not(None), slots.c.number)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if number is None:
        return False
    lease = time + timedelta(minutes=chosen.lease_minutes)
    one = (slots.c.item_id == item_id) & (slots.c.number == number)
    connection.execute(update(slots).where(one).values(judge_id=judge_id, expires=lease))
    return True


def _free(time: datetime) -> Any:
    return slots.c.done.is_(False) & or_(slots.c.judge_id.is_(None), slots.c.expires < time)


def pose(
    connection: Connection, study_id: str, judge_id: str, item_id: str, occasion: int, past: Past
) -> str:
    """Puts an item before a judge; the key of the task.

    Sides are drawn so that of every two items of a judge one is swapped; a main item's second time has them the other way round.
    """
    firsts = [row for row in past.rows if row.occasion == 0]
    swapped = not firsts[-1].swapped if len(firsts) % 2 else bool(secrets.randbits(1))
    for row in past.rows:
        if row.item_id == item_id and row.kind == "main":
            swapped = not row.swapped
    key, time = new_key(), now()
    values = {
        "study_id": study_id,
        "judge_id": judge_id,
        "item_id": item_id,
        "occasion": occasion,
        "key": key,
    }
    number = max((row.number for row in past.rows), default=0) + 1
    values |= {"number": number, "swapped": swapped, "state": "open", "first_shown": time, "shown": time}
    connection.execute(insert(tasks).values(**values))
    return key


def choose(
    connection: Connection, study_id: str, judge_id: str, chosen: Rules, past: Past
) -> str | Wait | None:
    """The key of the task that comes next, newly posed; a wait; or None: this judge has no more to do.

    First what is practised, then what must be understood, then attention and repeated items where they are due, then the main
    items, those with the fewest votes first. An item that the judge has skipped or lost does not come back.
    """
    first = _before_main(connection, study_id, chosen, past)
    if first is not None:
        return pose(connection, study_id, judge_id, *first, past)
    if past.answered >= chosen.items_per_judge:
        return None
    seen = {row.item_id for row in past.rows}
    for item_id in _by_need(connection, study_id, seen):
        if claim(connection, item_id, judge_id, chosen):
            return pose(connection, study_id, judge_id, item_id, 0, past)
    return _until_free(connection, study_id, seen)


def _before_main(connection: Connection, study_id: str, chosen: Rules, past: Past) -> tuple[str, int] | None:
    """(item, occasion) of what is due before the next main item."""
    special = (
        select(items.c.id, items.c.kind, items.c.after)
        .where(items.c.study_id == study_id, items.c.kind != "main", items.c.excluded.is_(False))
        .order_by(items.c.number)
    )
    waiting: dict[str, list[tuple[str, int]]] = {"practice": [], "comprehension": [], "attention": []}
    for row in connection.execute(special):
        earlier = [one for one in past.rows if one.item_id == row.id]
        again = row.kind == "comprehension" and any(one.state == "wrong" for one in earlier)
        if (not earlier or (again and len(earlier) < chosen.comprehension_tries)) and (
            row.kind != "attention" or row.after <= past.answered
        ):
            waiting[row.kind].append((row.id, len(earlier)))
    for kind in ("practice", "comprehension", "attention"):
        if waiting[kind]:
            return waiting[kind][0]
    repeated = {row.item_id for row in past.of("main", occasion=1)}
    due = math.ceil((len(repeated) + 1) * chosen.items_per_judge / max(1, chosen.repeats_per_judge))
    if len(repeated) < chosen.repeats_per_judge and past.answered >= due:
        for done in past.of("main", "answered", 0):
            if done.item_id not in repeated:
                return done.item_id, 1
    return None


def _by_need(connection: Connection, study_id: str, seen: set[str]) -> list[str]:
    """Items with a slot to give, those with the most free slots first, else in random order."""
    free = (
        select(slots.c.item_id, func.count().label("free"))
        .where(slots.c.study_id == study_id, _free(now()))
        .group_by(slots.c.item_id)
    )
    found = [(row.item_id, row.free) for row in connection.execute(free) if row.item_id not in seen]
    _DRAW.shuffle(found)
    return [item_id for item_id, _ in sorted(found, key=lambda one: -one[1])]


def _until_free(connection: Connection, study_id: str, seen: set[str]) -> Wait | None:
    """How long until a lease on an item that is new to the judge runs out; None: there is none."""
    leased = (
        select(slots.c.item_id, func.min(slots.c.expires).label("expires"))
        .where(slots.c.study_id == study_id, slots.c.done.is_(False))
        .group_by(slots.c.item_id)
    )
    times = [row.expires for row in connection.execute(leased) if row.item_id not in seen]
    if not times:
        return None
    # Free ones that another transaction holds at this moment have no time: ask again at once.
    first = min((one for one in times if one is not None), default=now())
    return Wait(min(_LONGEST_WAIT, max(1.0, (first - now()).total_seconds())))
