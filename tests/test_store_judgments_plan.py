"""Made-up judges (power, benchmarks) and judges in the database are given the same kind of session: one test for both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest

from fairprune.judgments.design import (
    AttentionItem,
    Item,
    Presentation,
    allocate,
    question_order,
    session,
)
from fairprune.store import open_store
from fairprune.store.judgments_values import Ended, Task
from tests.judged import entered, judge_all, main, opened, special

ITEMS, JUDGES, VOTES, PER_JUDGE, CHECKS, REPEATS = 12, 4, 3, 9, 2, 2
QUESTIONS = ("fairer", "better")


def made_up() -> dict[str, list[Presentation]]:
    items = [Item(f"i{n}", f"s{n}", "dense", "wanda") for n in range(ITEMS)]
    judges = [f"J{n:03d}" for n in range(1, JUDGES + 1)]
    plan = allocate([one.id for one in items], judges, VOTES, 0)
    by_id = {one.id: one for one in items}
    checks = [AttentionItem(f"check {n}", "good", "bad") for n in range(CHECKS)]
    return {
        judge: session(
            judge,
            number,
            [by_id[item] for item in plan[judge]],
            questions=QUESTIONS,
            seed=0,
            attention=checks,
            repeats=REPEATS,
        )
        for number, judge in enumerate(judges)
    }


def stored(database: str) -> dict[str, list[Presentation]]:
    found: dict[str, list[Presentation]] = {}
    with open_store(database) as store:
        checks = [
            special("attention", f"check {n}", expected={"fairer": ("a",)}, after=after)
            for n, after in enumerate((2, 5))
        ]
        study = opened(
            store,
            *checks,
            n=ITEMS,
            votes_per_item=VOTES,
            items_per_judge=PER_JUDGE,
            repeats_per_judge=REPEATS,
        )
        link = store.open_link(study.id)
        orders = {}
        for _ in range(JUDGES):
            token = entered(store, study, link)
            first = store.next_item(token)
            assert isinstance(first, Task)
            orders[store.judge(token).pseudonym] = first.questions
            end = judge_all(store, token, lambda task: "left" if "good" in task.left else "right")
            assert end == Ended("completed")
        store.close_study(study.id)
        for row in store.vote_rows(study.id):
            if row.question != "fairer":
                continue
            kind = "repeat" if row.occasion else "item" if row.kind == "main" else row.kind
            found.setdefault(row.judge, []).append(
                Presentation(
                    row.judge,
                    row.position,
                    f"{row.item}~{row.occasion}" if row.occasion else row.item,
                    row.system_left,
                    row.system_right,
                    kind,  # type: ignore[arg-type]
                    row.item if row.occasion else None,
                    row.expected,  # type: ignore[arg-type]
                    orders[row.judge],
                )
            )
    return found


def shape(sessions: dict[str, Sequence[Presentation]]) -> dict[str, object]:
    """What a plan promises, as values that do not depend on chance."""
    every = [one for own in sessions.values() for one in own]
    votes = Counter(one.item for one in every if one.kind == "item")
    loads = [sum(one.kind == "item" for one in own) for own in sessions.values()]
    turned = {(one.judge, one.item): one.left > one.right for one in every}
    firsts = {judge: [one for one in own if one.kind != "repeat"] for judge, own in sessions.items()}
    return {
        "items with exactly their votes": sum(n == VOTES for n in votes.values()),
        "no item twice": all(len({one.item for one in own}) == len(own) for own in sessions.values()),
        "loads differ by at most": max(loads) - min(loads) if max(loads) - min(loads) > 1 else 1,
        "of every two one is swapped": all(
            (a.left > a.right) != (b.left > b.right)
            for own in firsts.values()
            for a, b in zip(own[::2], own[1::2], strict=False)
            if a.kind == b.kind == "item"
        ),
        "repeats": {judge: sum(one.kind == "repeat" for one in own) for judge, own in sessions.items()},
        "repeats are the other way round, and later": all(
            turned[one.judge, one.item] != turned[one.judge, one.repeat_of]
            and one.position > next(b.position for b in sessions[one.judge] if b.item == one.repeat_of) + 1
            for one in every
            if one.repeat_of is not None
        ),
        "checks": {judge: sum(one.kind == "attention" for one in own) for judge, own in sessions.items()},
        "the right answer follows the side": all(
            one.expected == (("left",) if one.left == "good" else ("right",))
            for one in every
            if one.kind == "attention"
        ),
        "first questions": {judge: own[0].questions for judge, own in sessions.items()},
    }


@pytest.fixture
def promised() -> dict[str, object]:
    judges = [f"J{n:03d}" for n in range(1, JUDGES + 1)]
    return {
        "items with exactly their votes": ITEMS,
        "no item twice": True,
        "loads differ by at most": 1,
        "of every two one is swapped": True,
        "repeats": dict.fromkeys(judges, REPEATS),
        "repeats are the other way round, and later": True,
        "checks": dict.fromkeys(judges, CHECKS),
        "the right answer follows the side": True,
        "first questions": {judge: question_order(QUESTIONS, number) for number, judge in enumerate(judges)},
    }


def test_made_up_sessions_are_as_promised(promised):
    assert shape(made_up()) == promised


def test_sessions_in_the_database_are_as_promised(database, promised):
    assert shape(stored(database)) == promised
    assert main(0).a.system < main(0).b.system  # sides are read off the names
