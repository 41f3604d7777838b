"""A small study, its judges and what they do: for the tests of judgments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairprune.opinions import OpinionSet
from fairprune.store import Store
from fairprune.store.judgments_values import Ended, NewItem, Side, Study, Task
from tests.store_values import film_set

QUESTIONS = [
    {"id": "fairer", "text": "Which is fairer to all groups?"},
    {"id": "better", "text": "Which is better?"},
]
CODES = {
    "completed": {"code": "DONE", "redirect": "https://crowd.example/done"},
    "screened_out": {"code": "OUT"},
    "failed": {"code": "FAILED"},
    "no_consent": {"code": "NO"},
}


def design(**more: Any) -> dict[str, Any]:
    return {
        "public_title": "Summaries of films",
        "consent": "You may stop at any time.",
        "hypotheses": ["wanda is less fair than dense"],
        "questions": QUESTIONS,
        "votes_per_item": 2,
        "items_per_judge": 3,
        "codes": CODES,
        **more,
    }


def main(number: int, set_id: str | None = None, **more: Any) -> NewItem:
    a = Side("dense", f"dense says {number}", "a" * 16, "g1", number)
    return NewItem(
        "main", a, Side("wanda 50 %", f"wanda says {number}", "b" * 16, "g2", number), set_id, **more
    )


def special(kind: Any, name: str, **more: Any) -> NewItem:
    return NewItem(kind, Side("good", f"{name} good"), Side("bad", f"{name} bad"), **more)


def opened(store: Store, *items: NewItem, n: int = 4, **more: Any) -> Study:
    """An open study with `n` main items, and these beside them."""
    one: OpinionSet = film_set()
    store.put_sets([one], "movies")
    study = store.create_study("Study of films", design(**more))
    store.set_items(study.id, [*items, *(main(number, one.id) for number in range(n))])
    return store.open_study(study.id)


def entered(store: Store, study: Study, link: str | None = None) -> str:
    """The token of a new judge who has agreed."""
    token = store.enter(link or store.open_link(study.id)).token
    store.consent(token, True)
    return token


def answer(store: Store, token: str, task: Task, choice: str = "left") -> Any:
    """Answers all questions of a task; what became of the last answer."""
    found = None
    for question in task.open_questions:
        found = store.record(token, task.key, question, choice)
    return found


def judge_all(store: Store, token: str, choose: Callable[[Task], str] = lambda task: "left") -> Ended:
    """Answers everything until it ends."""
    for _ in range(1000):
        step = store.next_item(token)
        if isinstance(step, Ended):
            return step
        assert isinstance(step, Task), step
        answer(store, token, step, choose(step))
    raise AssertionError("it does not end")


def side_with(task: Task, word: str) -> str:
    """The side whose text holds this word."""
    return "left" if word in task.left else "right"
