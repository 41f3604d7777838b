"""Studies of elsewhere: votes that others collected, stored as a closed study of its own and never among the votes of another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from fairprune.errors import BadInput
from fairprune.store.database import Database, now, plain, to_document
from fairprune.store.judgments_design import Rules, rules
from fairprune.store.judgments_items import frozen_document, item_columns, item_of
from fairprune.store.judgments_studies import MOST_ITEMS, must_have_sets, new_title
from fairprune.store.judgments_tables import items, judges, studies, tasks, votes
from fairprune.store.judgments_tokens import new_id, new_key
from fairprune.store.judgments_values import (
    JUDGE_STATES,
    SKIPPED,
    ImportedJudge,
    ImportedVote,
    NewItem,
    known,
)

MOST_VOTES = 200_000


class Imported(Database):
    """The part of the store that takes votes of elsewhere."""

    def import_study(
        self,
        title: str,
        design: Mapping[str, Any],
        made: Sequence[NewItem],
        people: Sequence[ImportedJudge],
        given: Sequence[ImportedVote],
        *,
        copied_from: str | None = None,
    ) -> str:
        """Stores a closed study of origin 'imported', all of it or nothing. Its judges are numbered in their order.

        Sides and times that are not known stay empty. Sets of opinions that are not stored here are known by their names alone.

        Args:
            design: what is known of it; hashed with the items, as an opened study's.
            copied_from: the study here whose items were judged elsewhere.

        Returns:
            The study's id.

        Raises:
            BadInput: no vote or too many, an item without a name, an answer that no question has, two answers of a judge to the same.
        """
        chosen, study_id, time = rules(design), new_id(), now()
        if not 0 < len(given) <= MOST_VOTES:
            raise BadInput(f"{len(given):,} votes cannot be stored as a study: 1 to {MOST_VOTES:,} can")
        if len(made) > MOST_ITEMS:
            raise BadInput(f"{len(made):,} items are too many: a study holds {MOST_ITEMS:,} at most")
        nameless = next((number for number, item in enumerate(made) if not item.name), None)
        if nameless is not None:
            raise BadInput(f"item {nameless} has no name: write what it is called where it was judged")
        checked(chosen, made, people, given)
        named = new_title(title)
        wanted = {item.set_id for item in made if item.set_id is not None}

        def work(connection: Connection) -> None:
            must_have_sets(connection, wanted)
            connection.execute(
                insert(studies).values(
                    id=study_id,
                    title=named,
                    state="closed",
                    design=to_document(dict(design), "the design"),
                    created=time,
                    edited=time,
                    closed=time,
                    copied_from=copied_from,
                    origin="imported",
                    last_judge=len(people),
                )
            )
            rows = [item_columns(study_id, number, item) for number, item in enumerate(made)]
            connection.execute(insert(items), rows)
            listed = select(items).where(items.c.study_id == study_id).order_by(items.c.number)
            every = [item_of(row) for row in connection.execute(listed)]
            digest = hashlib.sha256(frozen_document(dict(design), every).encode()).hexdigest()
            connection.execute(update(studies).where(studies.c.id == study_id).values(hash=digest))
            people_ids = [new_id() for _ in people]
            connection.execute(
                insert(judges),
                [
                    {"id": key, "study_id": study_id, "number": number, "state": one.state}
                    | {"group_name": one.group, "entered": time, "seen": time, "failures": 0}
                    for number, (key, one) in enumerate(zip(people_ids, people, strict=True), 1)
                ],
            )
            posed: dict[tuple[int, int, int], dict[str, Any]] = {}
            answers: list[dict[str, Any]] = []
            place = {question: number for number, question in enumerate(chosen.questions)}
            for vote in given:
                key = (vote.judge, vote.item, vote.occasion)
                of: dict[str, Any] = {
                    "study_id": study_id,
                    "judge_id": people_ids[vote.judge],
                    "item_id": every[vote.item].id,
                }
                of |= {"occasion": vote.occasion, "swapped": vote.swapped}
                skipped = vote.answer == SKIPPED
                if key not in posed:
                    state = "skipped" if skipped else "answered"
                    posed[key] = {**of, "key": new_key(), "number": vote.position + 1, "state": state}
                if not skipped:
                    answers.append(
                        {**of, "question": vote.question, "answer": vote.answer, "key": posed[key]["key"]}
                        | {
                            "place": place[vote.question],
                            "seconds": vote.seconds,
                            "comment": plain(vote.comment),
                        }
                    )
            connection.execute(insert(tasks), list(posed.values()))
            if answers:
                connection.execute(insert(votes), answers)

        self._change(work)
        return study_id


def checked(
    chosen: Rules, made: Sequence[NewItem], people: Sequence[ImportedJudge], given: Sequence[ImportedVote]
) -> None:
    """Whether these votes can be those of one study.

    Raises:
        BadInput: names the vote and what would be right.
    """
    for one in people:
        known("state of a judge", one.state, JUDGE_STATES)
    seen: set[tuple[int, int, int, str]] = set()
    for number, vote in enumerate(given):
        where = f"vote {number}"
        if not (0 <= vote.judge < len(people) and 0 <= vote.item < len(made)):
            raise BadInput(
                f"{where} is of judge {vote.judge} about item {vote.item}: there is none of these numbers"
            )
        item = made[vote.item]
        answers = chosen.questions[known(f"question of {where}", vote.question, chosen.questions)]
        if not (vote.answer == SKIPPED and item.kind == "attention"):
            known(f"answer of {where}", vote.answer, answers)
        key = (vote.judge, vote.item, vote.occasion, vote.question)
        if key in seen:
            raise BadInput(
                f"{where}: the judge has answered question {vote.question!r} about item {item.name!r} before"
            )
        seen.add(key)
