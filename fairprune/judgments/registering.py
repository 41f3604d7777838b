"""What a study promises before any vote: registered, and frozen with the study when it opens. `frozen.promised` reads it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from fairprune.errors import BadInput
from fairprune.judgments.brief import Brief
from fairprune.judgments.facts import brief_in, plain, power_in
from fairprune.judgments.frozen import (
    DIGEST,
    REGISTERED,
    Analysis,
    AnyDesign,
    Design,
    Drawn,
    LabelAnalysis,
    LabelDesign,
    freeze,
)
from fairprune.judgments.labelling import LABEL
from fairprune.judgments.wording import attention_note
from fairprune.store import Store
from fairprune.store.judgments_values import Item, NewItem, Refused, Study

GROUPS, CLASSIFIER, PAIRS, DRAWN = "label_groups", "classifier", "label_pairs", "drawn"
"""Keys of the design of a study of labels, which the store keeps unread."""
D = TypeVar("D", Design, LabelDesign)


def register(title: str, design: Mapping[str, Any], items: Sequence[NewItem]) -> AnyDesign:
    """What a study of this design and these items promises.

    Raises:
        BadInput: as `registered`.
    """
    brief = brief_in(design)
    if brief is None:
        raise BadInput("this draft holds no brief: make the study on the page Study")
    main = [item for item in items if item.kind == "main" and not item.excluded]
    asked = sum(not item.automatic for item in main)
    if not asked:
        raise BadInput(
            "there is no item to ask: choose samples whose summaries differ, and leave out fewer items"
        )
    words = {question["id"]: question["text"] for question in design["questions"]}
    questions = (LABEL,) if brief.task == "label" else brief.questions
    used = {side.system for item in main for side in item.sides}
    values = {
        "title": title,
        "texts": {name: words[name] for name in questions},
        "systems": tuple(one for one in design["systems"] if one["name"] in used),
        "samples": tuple(sorted({item.set_id or "" for item in main})),
        "items": asked,
        "votes_per_item": brief.votes_per_item,
        "attention": sum(item.kind == "attention" and not item.excluded for item in items),
        "repeats": min(brief.repeats, design["items_per_judge"]),
        "seed": brief.seed,
        "rules": brief.rules,
    }
    if brief.task == "label":
        return _design_of(LabelDesign, values | _labels(brief, design, main, used))
    return _design_of(Design, values | _pairs(brief, design, items, main))


def _pairs(
    brief: Brief, design: Mapping[str, Any], items: Sequence[NewItem], main: Sequence[NewItem]
) -> dict[str, Any]:
    found = power_in(design, items)
    # Automatic ties count in the ranking, so that their systems are compared too.
    pairs = {(item.system_a, item.system_b) for item in map(plain, main)}
    return {
        "standard": brief.standard,
        "questions": brief.questions,
        "pairs": tuple(sorted(pairs)),
        "automatic_ties": sum(item.automatic for item in main),
        "hypotheses": brief.hypotheses,
        "analysis": Analysis(alpha=brief.alpha),
        "assumptions": None if found is None else found["assumptions"],
        "power": None if found is None else found["power"],
    }


def attention_told(brief: Brief) -> str:
    """What the instructions say of attention items."""
    tries = brief.rules.attention_failures
    return attention_note(tries or 2, tries is not None and brief.rules.attention_skips)


def _labels(
    brief: Brief, design: Mapping[str, Any], main: Sequence[NewItem], used: Collection[str]
) -> dict[str, Any]:
    there = {(one["system"], one["predicted"]): one["of"] for one in design[DRAWN]}
    taken = Counter((side.system, side.predicted or "") for item in main for side in item.sides)
    return {
        "groups": tuple(design[GROUPS]),
        "classifier": design[CLASSIFIER],
        "pairs": tuple(tuple(pair) for pair in design[PAIRS] if set(pair) <= set(used)),
        "drawn": tuple(
            Drawn(system=system, predicted=label, sentences=n, of=there[system, label])
            for (system, label), n in sorted(taken.items())
        ),
        "analysis": LabelAnalysis(margin=brief.margin),
    }


def _design_of(kind: type[D], values: dict[str, Any]) -> D:
    """What does not fit is said in the design's own sentence, without all the values."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        own = (first.get("ctx") or {}).get("error")
        where = ".".join(str(step) for step in first["loc"])
        raise BadInput(str(own) if isinstance(own, BadInput) else f"{where}: {first['msg']}") from error


def registered(study: Study, items: Sequence[Item]) -> AnyDesign:
    """What a draft would promise if it were opened now.

    Raises:
        BadInput: nothing to ask, systems that nothing connects, a hypothesis about a system that is not compared.
    """
    return register(study.title, study.design, items)


def open_registered(store: Store, study_id: str, *, edited: datetime | None = None) -> Study:
    """Freezes what is registered into the design, and opens the study, whose hash covers both.

    Args:
        edited: when the draft was changed last, as whoever opens it has seen it; None: as it is now.

    Raises:
        BadInput: as `registered` and `Store.open_study`. Refused: it has been opened already, or was changed since (`late`).
    """
    study, items = store.study(study_id), store.items(study_id)
    if study.state != "draft":
        raise Refused(
            "frozen", f"study {study.title!r} has been opened, and stays as it is: change a copy of it"
        )
    if edited is not None and study.edited != edited:
        raise Refused("late", f"draft {study.title!r} was changed meanwhile: look at it again, then open it")
    made = registered(study, items)
    frozen = freeze(made)
    brief = brief_in(study.design)
    asked = sum(item.kind == "main" and not item.excluded and not item.automatic for item in items)
    design = {**study.design, REGISTERED: frozen.text, DIGEST: frozen.digest}
    if brief is not None and not made.attention:
        # Those that were planned were left out by hand: judges are told of none.
        design["codebook"] = [text for text in design["codebook"] if text != attention_told(brief)]
    if brief is not None and asked < study.design["items_per_judge"]:
        # Items were left out since: nobody can be asked more than there are, and attention items come before the end.
        design |= {"items_per_judge": asked, "repeats_per_judge": min(brief.repeats, asked)}
        store.set_items(study_id, [replace(item, after=min(item.after, asked - 1)) for item in items])
        study = store.study(study_id)
    return store.open_study(study_id, design=design, edited=study.edited)
