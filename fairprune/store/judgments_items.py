"""Items of a study: rows of the database to values and back, whether they fit the design, what a judge sees of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row

from fairprune.errors import BadInput
from fairprune.opinions import OpinionSet
from fairprune.store.database import from_document, plain, to_document
from fairprune.store.judgments_design import Rules
from fairprune.store.judgments_tokens import is_hex, new_id
from fairprune.store.judgments_values import ITEM_KINDS, Item, NewItem, Side, Task, known, with_sides


def item_of(row: Row[Any]) -> Item:
    """The item of a row of `items`."""
    value = from_document(row.value, f"item {row.number} of a study")
    b = value.pop("b")
    return Item(
        id=row.id,
        number=row.number,
        kind=row.kind,
        set_id=row.set_id,
        after=row.after,
        excluded=row.excluded,
        a=Side(**value.pop("a")),
        b=None if b is None else Side(**b),
        expected={question: tuple(answers) for question, answers in value.pop("expected").items()},
        flags=tuple(value.pop("flags")),
        also=tuple(Side(**one) for one in value.pop("also", ())),
        **value,
    )


def item_columns(study_id: str, number: int, item: NewItem) -> dict[str, Any]:
    for side in item.sides:
        if side.run_id is not None and not is_hex(side.run_id, 16):
            raise BadInput(
                f"item {number} is of the run {side.run_id[:64]!r}: 16 hex digits are meant, or None"
            )
    value = {
        "a": asdict(item.a),
        "b": None if item.b is None else asdict(item.b),
        "also": [asdict(side) for side in item.also],
        "expected": {question: list(answers) for question, answers in item.expected.items()},
        "prompt": item.prompt,
        "explanation": item.explanation,
        "stratum": item.stratum,
        "flags": list(item.flags),
        **_of_elsewhere(item),
    }
    return {
        "id": new_id(),
        "study_id": study_id,
        "number": number,
        "kind": known("kind of item", item.kind, ITEM_KINDS),
        "set_id": item.set_id,
        "system_a": plain(item.a.system),
        "system_b": plain(item.b.system) if item.b else "",
        "run_a": item.a.run_id,
        "run_b": item.b.run_id if item.b else None,
        "value": to_document(value, f"item {number}"),
        "after": item.after,
        "excluded": item.excluded,
        "automatic": item.automatic,
    }


def _of_elsewhere(item: NewItem) -> dict[str, str]:
    """What only an item of elsewhere has: nothing for all others, whose hashes stay what they were."""
    return {key: value for key, value in (("name", item.name), ("sample", item.sample)) if value}


def check_items(chosen: Rules, asked: Sequence[Item]) -> None:
    """Whether these items can be asked as the design says.

    Raises:
        BadInput: names the item, and what would be right.
    """
    if not any(item.kind == "main" and not item.automatic for item in asked):
        raise BadInput(
            "the study has no item to ask: choose samples whose summaries differ, and exclude fewer"
        )
    attention = sum(item.kind == "attention" for item in asked)
    if 0 < attention < chosen.attention_tries:
        raise BadInput(
            f"{attention} attention item cannot fail anybody, for that takes {chosen.attention_tries} wrong answers: "
            f"add {chosen.attention_tries - attention} more, or leave them out"
        )
    for item in asked:
        where = f"item {item.number} ({item.kind})"
        if (item.b is None) != chosen.label:
            wanted = "one text" if chosen.label else "two summaries"
            raise BadInput(
                f"{where} has {'one text' if item.b is None else 'two'}: this study asks about {wanted}"
            )
        if item.also and not chosen.label:
            raise BadInput(f"{where} has a third text: a pair is two summaries")
        if item.kind in ("comprehension", "attention") and not item.expected:
            raise BadInput(f"{where} has no right answer: name one, or make it practice")
        if item.kind == "attention" and not 0 <= item.after < chosen.items_per_judge:
            raise BadInput(
                f"{where} comes after {item.after} items, but a judge gets {chosen.items_per_judge}: let it come earlier"
            )
        for question, answers in item.expected.items():
            known(f"question for {where}", question, chosen.questions)
            for answer in answers:
                sides = {"a", "b"} if not chosen.label else set()
                right = [
                    *sorted(sides),
                    *(one for one in chosen.questions[question] if one not in ("left", "right")),
                ]
                known(f"right answer of {where}", answer, right if sides else chosen.questions[question])


def task_of(
    item: Item,
    opinions: OpinionSet | None,
    questions: Sequence[str],
    *,
    key: str = "",
    number: int = 0,
    swapped: bool = False,
    answered: Mapping[str, str] | None = None,
) -> Task:
    """What a judge sees of an item. No name of a system, no kind but practice and comprehension."""
    left, right = (item.b, item.a) if swapped and item.b is not None else (item.a, item.b)
    return Task(
        key=key,
        number=number,
        practice=item.kind == "practice",
        comprehension=item.kind == "comprehension",
        prompt=item.prompt,
        opinions=opinions,
        left=left.text,
        right=None if right is None else right.text,
        questions=tuple(questions),
        answered=dict(answered or {}),
    )


def right_answers(item: NewItem, question: str, swapped: bool) -> tuple[str, ...]:
    """Right answers to a question as a judge would click them; (): none is wrong. Labels have no sides, whatever groups are called."""
    found = item.expected.get(question, ())
    return found if item.b is None else tuple(with_sides(answer, swapped) for answer in found)


def frozen_document(design: Mapping[str, Any], listed: Sequence[Item]) -> str:
    """Canonical JSON of a study: the same design and items give the same text. Summaries stand in it as SHA-256."""

    def side(value: Side | None) -> dict[str, Any] | None:
        if value is None:
            return None
        found = asdict(value)
        for name in ("predicted", "confidence"):
            if found[name] is None:
                del found[name]  # pairs have none: their documents, and hashes, stay what they were
        found["text_sha256"] = hashlib.sha256(json.dumps(found.pop("text")).encode()).hexdigest()
        return found

    entries = [
        {
            "number": item.number,
            "kind": item.kind,
            "set_id": item.set_id,
            "a": side(item.a),
            "b": side(item.b),
            "expected": {question: list(answers) for question, answers in item.expected.items()},
            "after": item.after,
            "prompt": item.prompt,
            "explanation": item.explanation,
            "stratum": item.stratum,
            "flags": list(item.flags),
            "excluded": item.excluded,
            "automatic": item.automatic,
            **_of_elsewhere(item),
            **({"also": [side(one) for one in item.also]} if item.also else {}),
        }
        for item in listed
    ]
    return json.dumps({"design": dict(design), "items": entries}, sort_keys=True, separators=(",", ":"))
