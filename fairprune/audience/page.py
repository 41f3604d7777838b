"""What a phone sees: the opinions, two summaries without the names of what wrote them, and five buttons. No script."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

import jinja2

from fairprune.store.audience import Answer
from fairprune.talk.pair import ANSWERS, QUESTION, Pair
from fairprune.voices import group_marks

_FOLDER = Path(__file__).parent


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string((_FOLDER / "vote.html").read_text(encoding="utf-8"))


def style_of(groups: tuple[str, ...]) -> str:
    """The style sheet, with a class per group: a page that allows no inline style needs no exception."""
    marks = group_marks(groups)
    colours = "".join(f".g{place}{{--g:{mark['colour']}}}" for place, mark in enumerate(marks))
    return (_FOLDER / "vote.css").read_text(encoding="utf-8") + colours


def policy(style: str) -> str:
    """The Content-Security-Policy: nothing but this style sheet, and forms that go to this server."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


def vote_page(
    pair: Pair, style: str, code: str, *, swapped: bool, order: str, given: Answer | None, closed: bool
) -> str:
    """The page of one phone.

    Args:
        swapped: whether side A is the pruned model's.
        order: what the form sends back, so that an answer counts only for the sides that were seen.
        given: what this phone answered before.
    """
    marks = {mark["name"]: (place, mark) for place, mark in enumerate(group_marks(pair.groups))}
    opinions = [
        {
            "text": text,
            "group": group,
            "place": marks[group][0],
            "letter": marks[group][1]["letter"],
            "shape": marks[group][1]["shape"],
        }
        for text, group in pair.opinions
    ]
    texts = [str(pair.dense.text), str(pair.pruned.text)]
    if swapped:
        texts.reverse()
    return _template().render(
        style=_safe(style),
        problem=None,
        question=QUESTION,
        topic=pair.topic,
        opinions=opinions,
        summaries=list(zip("AB", texts, strict=True)),
        answers=ANSWERS,
        code=code,
        order=order,
        given=given,
        closed=closed,
    )


def problem_page(style: str, problem: str, remedy: str) -> str:
    """A page that says what is wrong and what to do."""
    return _template().render(style=_safe(style), problem=problem, remedy=remedy)


def _safe(style: str) -> str:
    """Our own style sheet is written as it stands: no text of data or models is in it."""
    from markupsafe import Markup

    return Markup(style)  # noqa: S704
