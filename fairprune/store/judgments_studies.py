"""Studies as their leads make them: drafts, items, opening and closing, links. Which votes there are: `judgments_rows`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from fairprune.access import secret
from fairprune.errors import BadInput
from fairprune.opinions import OpinionSet
from fairprune.store.database import Database, from_document, now, plain, to_document
from fairprune.store.judgments_design import rules
from fairprune.store.judgments_items import check_items, frozen_document, item_columns, item_of, task_of
from fairprune.store.judgments_tables import items, slots, studies
from fairprune.store.judgments_tokens import is_hex, new_id
from fairprune.store.judgments_values import Item, NewItem, Refused, Study, StudyState, Task
from fairprune.store.tables import opinion_sets

MOST_ITEMS = 10_000
LONGEST_TITLE = 300


def state_of(row: Row[Any], time: datetime) -> StudyState:
    """The study's state at this time: its own closing time closes it."""
    over = row.state == "open" and row.closes is not None and row.closes <= time
    found: StudyState = "closed" if over else row.state
    return found


def close_for_good(connection: Connection, row: Row[Any]) -> None:
    """Writes down that an open study is closed, at the time that its design says or now: no clock opens it again."""
    if row.state == "open":
        ended = row.closes if row.closes is not None and row.closes <= now() else now()
        values = {"state": "closed", "closed": ended}
        connection.execute(update(studies).where(studies.c.id == row.id).values(**values))


def find_study(connection: Connection, study_id: str, *, lock: bool = False, share: bool = False) -> Row[Any]:
    """The study's row, locked for changes or against them (`share`).

    Raises:
        Refused: there is none (`unknown`).
    """
    row = None
    if is_hex(study_id, 16):
        chosen = select(studies).where(studies.c.id == study_id)
        if lock or share:
            chosen = chosen.with_for_update(read=share)
        row = connection.execute(chosen).one_or_none()
    if row is None:
        raise Refused("unknown", f"there is no study {study_id[:64]!r}: it may have been deleted")
    return row


def _draft(connection: Connection, study_id: str) -> Row[Any]:
    row = find_study(connection, study_id, lock=True)
    if row.state != "draft":
        raise Refused(
            "frozen", f"study {row.title!r} has been opened, and stays as it is: change a copy of it"
        )
    return row


def must_have_sets(connection: Connection, ids: Iterable[str]) -> None:
    """Raises: BadInput: one of these sets of opinions is not stored."""
    wanted = sorted(ids)
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        stored = set(connection.scalars(select(opinion_sets.c.id).where(opinion_sets.c.id.in_(part))))
        for name in part:
            if name not in stored:
                raise BadInput(f"opinion set {name!r} is not stored: store the sets before the items")


def design_of(row: Row[Any]) -> dict[str, Any]:
    found: dict[str, Any] = from_document(row.design, f"the design of study {row.id}")
    return found


def new_title(text: str) -> str:
    """A title as it is stored.

    Raises:
        BadInput: none, or one that is too long.
    """
    title = plain(text).strip()
    if not 0 < len(title) <= LONGEST_TITLE:
        raise BadInput(f"the title has {len(title)} characters: 1 to {LONGEST_TITLE} are meant")
    return title


def _study(row: Row[Any]) -> Study:
    values = dict(row._mapping)
    for hidden in ("open_token", "last_judge"):
        del values[hidden]
    return Study(**{**values, "state": state_of(row, now()), "design": design_of(row)})


class Studies(Database):
    """The part of the store that leads plan studies with."""

    def create_study(self, title: str, design: Mapping[str, Any]) -> Study:
        """A new draft.

        Raises:
            BadInput: the design cannot be (`judgments_design.rules`), or there is no title.
        """
        return self._created(title, design, [], None)

    def _created(
        self, title: str, design: Mapping[str, Any], made: Sequence[NewItem], copied_from: str | None
    ) -> Study:
        chosen, key, time = rules(design), new_id(), now()
        values = {
            "id": key,
            "title": new_title(title),
            "state": "draft",
            "design": to_document(dict(design), "the design"),
            "created": time,
            "edited": time,
            "opens": chosen.opens,
            "closes": chosen.closes,
            "copied_from": copied_from,
            "origin": "here",
        }
        rows = [item_columns(key, number, item) for number, item in enumerate(made)]

        def work(connection: Connection) -> None:
            connection.execute(insert(studies).values(**values))
            if rows:
                connection.execute(insert(items), rows)

        self._change(work)
        return self.study(key)

    def edit_study(
        self, study_id: str, *, title: str | None = None, design: Mapping[str, Any] | None = None
    ) -> Study:
        """Changes a draft; what is None stays.

        Raises:
            Refused: no such study, or it has been opened (`frozen`). BadInput: as `create_study`.
        """
        values: dict[str, Any] = {"edited": now()}
        if title is not None:
            values["title"] = new_title(title)
        if design is not None:
            chosen = rules(design)
            values |= {"design": to_document(dict(design), "the design")}
            values |= {"opens": chosen.opens, "closes": chosen.closes}

        def work(connection: Connection) -> None:
            _draft(connection, study_id)
            connection.execute(update(studies).where(studies.c.id == study_id).values(**values))

        self._change(work)
        return self.study(study_id)

    def copy_study(self, study_id: str, title: str) -> Study:
        """A draft with the same design and items, of a study in any state. Judges and votes are not copied.

        Raises:
            Refused: its votes are of elsewhere (`frozen`): there is no plan that could be asked again.
        """
        found = self.study(study_id)
        if found.origin == "imported":
            raise Refused(
                "frozen", f"study {found.title!r} holds votes of elsewhere: there is no plan to copy"
            )
        return self._created(title, found.design, self.items(study_id), found.id)

    def delete_study(self, study_id: str) -> None:
        """Deletes a draft or a closed study with all that judges said.

        Raises:
            Refused: it is open (`frozen`): close it first.
        """

        def work(connection: Connection) -> None:
            row = find_study(connection, study_id, lock=True)
            if state_of(row, now()) == "open":
                raise Refused("frozen", f"study {row.title!r} is open: close it first, then delete it")
            connection.execute(delete(studies).where(studies.c.id == study_id))

        self._change(work)

    def study(self, study_id: str) -> Study:
        """The study with this id.

        Raises:
            Refused: there is none (`unknown`).
        """
        return self._read(lambda connection: _study(find_study(connection, study_id)))

    def studies(self) -> list[Study]:
        """All studies, newest first."""
        chosen = select(studies).order_by(studies.c.created.desc(), studies.c.id)
        return self._read(lambda connection: [_study(row) for row in connection.execute(chosen)])

    def set_items(self, study_id: str, made: Sequence[NewItem]) -> list[Item]:
        """The items of a draft, in place of those it had.

        Raises:
            Refused: it has been opened. BadInput: too many, an unknown kind, a set of opinions that is not stored.
        """
        if len(made) > MOST_ITEMS:
            raise BadInput(f"{len(made)} items are too many: a study holds {MOST_ITEMS} at most")
        rows = [item_columns(study_id, number, item) for number, item in enumerate(made)]
        wanted = {item.set_id for item in made if item.set_id is not None}

        def work(connection: Connection) -> None:
            _draft(connection, study_id)
            must_have_sets(connection, wanted)
            connection.execute(delete(items).where(items.c.study_id == study_id))
            if rows:
                connection.execute(insert(items), rows)
            connection.execute(update(studies).where(studies.c.id == study_id).values(edited=now()))

        self._change(work)
        return self.items(study_id)

    def items(self, study_id: str) -> list[Item]:
        """The items of a study in their order, excluded ones too.

        Raises:
            Refused: there is no such study (`unknown`).
        """
        chosen = select(items).where(items.c.study_id == study_id).order_by(items.c.number)

        def work(connection: Connection) -> list[Item]:
            find_study(connection, study_id)
            return [item_of(row) for row in connection.execute(chosen)]

        return self._read(work)

    def exclude_item(self, study_id: str, item_id: str, excluded: bool) -> None:
        """Leaves an item of a draft out, or takes it in again.

        Raises:
            Refused: the study has been opened, or has no such item.
        """

        def work(connection: Connection) -> None:
            _draft(connection, study_id)
            one = (items.c.study_id == study_id) & (items.c.id == item_id)
            changed = update(items).where(one).values(excluded=excluded)
            if not is_hex(item_id, 16) or not connection.execute(changed).rowcount:
                raise Refused("unknown", f"study {study_id!r} has no item {item_id[:64]!r}")
            connection.execute(update(studies).where(studies.c.id == study_id).values(edited=now()))

        self._change(work)

    def preview(self, study_id: str) -> list[tuple[Item, Task]]:
        """Every item as a judge would see it, side a left. Nothing is stored, and nothing can be answered."""
        chosen = rules(self.study(study_id).design)
        listed = self.items(study_id)
        found = self.judged_sets(item.set_id for item in listed if item.set_id)
        return [
            (item, task_of(item, found.get(item.set_id or ""), tuple(chosen.questions))) for item in listed
        ]

    def judged_sets(self, ids: Iterable[str]) -> dict[str, OpinionSet]:
        """Opinion sets by id; those that are not stored are left out."""
        wanted = sorted(set(ids))

        def work(connection: Connection) -> dict[str, OpinionSet]:
            found = {}
            for start in range(0, len(wanted), 500):
                part = opinion_sets.c.id.in_(wanted[start : start + 500])
                for row in connection.execute(select(opinion_sets.c.id, opinion_sets.c.value).where(part)):
                    found[row.id] = OpinionSet.from_json(from_document(row.value, f"opinion set {row.id}"))
            return found

        return self._read(work)

    def open_study(
        self, study_id: str, *, design: Mapping[str, Any] | None = None, edited: datetime | None = None
    ) -> Study:
        """Freezes design and items, and lets judges in. Opening an open study changes nothing.

        Args:
            design: in place of the stored one, in the same transaction.
            edited: when the draft was changed last, as whoever opens it has seen it. None: as it is now.

        Raises:
            BadInput: design or items do not fit each other; says how. Refused: it is closed, or was changed since (`late`).
            Unavailable: judges come from a crowd site, and `FAIRPRUNE_SECRET` is not set.
        """

        def work(connection: Connection) -> None:
            row = find_study(connection, study_id, lock=True)
            if state_of(row, now()) == "closed":
                raise Refused("closed", f"study {row.title!r} is closed: open a copy of it")
            if row.state == "open":
                return
            if edited is not None and row.edited != edited:
                raise Refused(
                    "late", f"draft {row.title!r} was changed meanwhile: look at it again, then open it"
                )
            frozen_design = design_of(row) if design is None else dict(design)
            chosen = rules(frozen_design)
            listed = select(items).where(items.c.study_id == study_id).order_by(items.c.number)
            every = [item_of(one) for one in connection.execute(listed)]
            asked = [item for item in every if not item.excluded]
            check_items(chosen, asked)
            if chosen.crowd:
                secret()
            if chosen.closes is not None and chosen.closes <= now():
                raise BadInput(
                    f"the study closes at {chosen.closes}, which is over: write a later time, or none"
                )
            wanted = [
                {"item_id": item.id, "number": number, "study_id": study_id, "done": False}
                for item in asked
                if item.kind == "main" and not item.automatic
                for number in range(chosen.votes_per_item)
            ]
            connection.execute(insert(slots), wanted)
            values = {
                "design": to_document(frozen_design, "the design"),
                "hash": hashlib.sha256(frozen_document(frozen_design, every).encode()).hexdigest(),
                "opens": chosen.opens,
                "closes": chosen.closes,
            }
            opening = update(studies).where(studies.c.id == study_id)
            connection.execute(opening.values(state="open", opened=now(), **values))

        self._change(work)
        return self.study(study_id)

    def frozen_study(self, study_id: str) -> str:
        """Canonical JSON of design and items, whose SHA-256 is the hash of an opened study.

        Texts stand in it as their hashes: it can be published, whatever the licence of the opinions.
        """
        return frozen_document(self.study(study_id).design, self.items(study_id))

    def close_study(self, study_id: str) -> Study:
        """Lets nobody answer any more, and unseals the outcomes. For good; closing twice keeps the first time.

        Raises:
            Refused: it has never been opened (`not_open`).
        """

        def work(connection: Connection) -> None:
            row = find_study(connection, study_id, lock=True)
            if row.state == "draft":
                raise Refused(
                    "not_open", f"study {row.title!r} has not been opened: there is nothing to close"
                )
            close_for_good(connection, row)

        self._change(work)
        return self.study(study_id)
