"""What the store reads of a study's design; all else in it is kept, hashed and handed back unread.

{"task": "pair" | "label",
 "public_title": …, "consent": …, "codebook": …, "standard": …, …     shown to judges as they are
 "questions": [{"id": "fairer", "text": …, "answers": ["left", "right", "tie", …]}, …],
 "votes_per_item": 3, "items_per_judge": 20, "lease_minutes": 20,
 "skips_per_judge": 5, "repeats_per_judge": 2,
 "attention_tries": 2, "comprehension_tries": 2, "max_judges": null,
 "groups": null | {"question": …, "quotas": {"left-leaning": 20, "other": null}},
 "crowd": false,
 "codes": {"completed": {"code": "C1", "redirect": "https://…"}, "screened_out": …, "failed": …, "no_consent": …},
 "opens": null | "2027-01-31T08:00:00+00:00", "closes": null | …}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from fairprune.errors import BadInput
from fairprune.store.judgments_values import ENDS, Completion, End, known

PAIR_ANSWERS = ("left", "right", "tie", "both_unfair", "cannot_tell")
PUBLIC = (
    "task",
    "public_title",
    "standard",
    "introduction",
    "consent",
    "codebook",
    "questions",
    "groups",
    "contact",
    "minutes",
    "pay",
)
"""Keys of a design that a judge's page is given. Codes, numbers of votes and hypotheses are not among them."""
_WHOLE = {
    "votes_per_item": (3, 1, 1000),
    "items_per_judge": (20, 1, 1000),
    "lease_minutes": (20, 1, 24 * 60),
    "skips_per_judge": (5, 0, 1000),
    "repeats_per_judge": (0, 0, 100),
    "attention_tries": (2, 1, 10),
    "comprehension_tries": (2, 1, 2),
}
"""Key → (default, least, most)."""
_LONGEST = 64


@dataclass(frozen=True)
class Rules:
    """The part of a design that the store keeps to."""

    label: bool
    """One text is labelled, in place of two compared."""
    questions: Mapping[str, tuple[str, ...]]
    """Id → answers, in the design's order."""
    votes_per_item: int
    items_per_judge: int
    lease_minutes: int
    skips_per_judge: int
    repeats_per_judge: int
    attention_tries: int
    """So many attention items answered wrong end a judge's part as failed."""
    comprehension_tries: int
    """So many wrong answers to one comprehension item end it as screened out."""
    max_judges: int | None
    quotas: Mapping[str, int | None] | None
    """Group → most judges (None: any number); None: no group is asked for."""
    crowd: bool
    """Who comes by the open link must come from a crowd site."""
    codes: Mapping[End, Completion]
    opens: datetime | None
    closes: datetime | None


def rules(design: Mapping[str, Any]) -> Rules:
    """What of `design` the store keeps to, with defaults for what is left out.

    Raises:
        BadInput: a value that cannot be; names it, and what would be right.
    """
    task = known("task of a study", str(design.get("task", "pair")), ("pair", "label"))
    numbers = {name: _whole(design, name, *limits) for name, limits in _WHOLE.items()}
    most = design.get("max_judges")
    opens, closes = _time(design, "opens"), _time(design, "closes")
    if opens is not None and closes is not None and closes <= opens:
        raise BadInput(f"the study closes at {closes} and opens at {opens}: let it close later")
    return Rules(
        label=task == "label",
        questions=_questions(design, task),
        max_judges=None if most is None else _whole(design, "max_judges", 1, 1, 1_000_000),
        quotas=_quotas(design),
        crowd=bool(design.get("crowd", False)),
        codes=_codes(design),
        opens=opens,
        closes=closes,
        **numbers,
    )


def _whole(design: Mapping[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = design.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadInput(f"{name} is {value!r}: a whole number from {least} to {most} is meant")
    return value


def _time(design: Mapping[str, Any], name: str) -> datetime | None:
    value = design.get(name)
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise BadInput(f"{name} is {value!r}: write a time such as 2027-01-31T08:00:00+00:00") from error
    if found.tzinfo is None:
        raise BadInput(f"{name} is {value!r}, without a zone: write one, such as +00:00")
    return found


def _questions(design: Mapping[str, Any], task: str) -> dict[str, tuple[str, ...]]:
    given = design.get("questions")
    if not isinstance(given, list) or not given:
        raise BadInput(f"questions is {given!r}: a list with at least one question is meant")
    found: dict[str, tuple[str, ...]] = {}
    for question in given:
        if not isinstance(question, dict) or not isinstance(question.get("id"), str):
            raise BadInput(f"the question {question!r} has no id: write one, such as 'fairer'")
        answers = question.get("answers", list(PAIR_ANSWERS) if task == "pair" else None)
        name = question["id"]
        if (
            not isinstance(answers, list)
            or len(answers) < 2
            or not all(isinstance(one, str) for one in answers)
        ):
            raise BadInput(f"the answers of question {name!r} are {answers!r}: name at least two, as text")
        if len(set(answers)) < len(answers) or name in found:
            raise BadInput(f"question {name!r} stands there twice, or one of its answers does")
        for text in (name, *answers):
            _short(f"{text[:80]!r} of question {name!r}", text)
        found[name] = tuple(answers)
    return found


def _short(what: str, text: str) -> None:
    if not 0 < len(text) <= _LONGEST or not text.isprintable():
        raise BadInput(f"{what} needs 1 to {_LONGEST} characters that can be printed")


def _quotas(design: Mapping[str, Any]) -> dict[str, int | None] | None:
    groups = design.get("groups")
    if groups is None:
        return None
    quotas = groups.get("quotas") if isinstance(groups, dict) else None
    if not isinstance(quotas, dict) or not quotas:
        raise BadInput(f"groups is {groups!r}: give it quotas, a number (or null) for each group")
    for name, most in quotas.items():
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 0):
            raise BadInput(f"the quota of group {name!r} is {most!r}: a number of judges, or null, is meant")
        _short(f"the group {name[:80]!r}", name)
    return dict(quotas)


def _codes(design: Mapping[str, Any]) -> dict[End, Completion]:
    given = design.get("codes") or {}
    if not isinstance(given, dict):
        raise BadInput(f"codes is {given!r}: a code and a redirect for each of {', '.join(ENDS)} is meant")
    for name in given:
        known("way to end", str(name), ENDS)
    found: dict[End, Completion] = {}
    for kind in ENDS:
        value = given.get(kind) or {}
        code, address = (str(value.get(name) or "") for name in ("code", "redirect"))
        parts = urlsplit(address)
        if address and (parts.scheme != "https" or not parts.netloc):
            raise BadInput(
                f"the redirect of {kind!r} is {address!r}: an address that begins with https:// is meant"
            )
        found[kind] = Completion(kind, code, address)
    taken = [one.code for one in found.values() if one.code]
    if len(set(taken)) < len(taken):
        raise BadInput(
            "two ways to end have the same completion code: whoever pays could not tell them apart"
        )
    return found


def public(design: Mapping[str, Any]) -> dict[str, Any]:
    """What of it a judge's page is given."""
    found = {name: design[name] for name in PUBLIC if name in design}
    if isinstance(found.get("groups"), dict):
        # How many judges of a group are wanted is none of theirs: it would invite to claim another one.
        found["groups"] = {
            "question": found["groups"].get("question", ""),
            "names": list(found["groups"].get("quotas", {})),
        }
    return found
