"""The words of page Judge that do not come from the study, and what an item looks like as HTML. Values in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from fairprune.charts import group_colour
from fairprune.opinions import OpinionSet
from fairprune.store.judgments_values import End, Task
from fairprune.ui.markup import tag

PAIR = {"left": "A", "right": "B", "tie": "Tie", "both_unfair": "Both unfair", "cannot_tell": "Cannot tell"}
LABELS = {"mixed": "Several groups", "none": "No group"}
ENDS: dict[End, tuple[str, str]] = {
    "completed": ("Thank you", "You have judged all that was yours to judge, and every answer is stored."),
    "screened_out": (
        "Your part ends here",
        "You cannot take part in this study: it has enough people like you by now, there was nothing left to judge, "
        "or the question about the task was answered wrong twice.",
    ),
    "failed": (
        "Your part ends here",
        "Too many of the items that check for attention were answered wrong.",
    ),
    "no_consent": ("You do not take part", "You did not agree to take part. Nothing was asked of you."),
}
"""How a part ends → heading and sentence."""
QUICK = "That came so soon after the answer before it that it was not stored: give it again."
WARNED = (
    "One of your answers missed what the item asked for. Please read every item with care: "
    "your part ends when it happens again."
)
TROUBLE = (
    "The study cannot be reached at the moment. What was confirmed as saved is stored; an answer that was not confirmed will be asked "
    "again. Try again in a minute."
)


def answer_name(answer: str, *, pair: bool) -> str:
    """An answer as a judge reads it; one that the study names itself stays as it is."""
    return (PAIR if pair else LABELS).get(answer, answer)


def paragraphs(value: Any) -> list[str]:
    """A text of a design as its paragraphs: of a text those between empty lines, of a list its entries."""
    if value is None or isinstance(value, bool):
        return []
    parts = value if isinstance(value, list | tuple) else str(value).replace("\r\n", "\n").split("\n\n")
    return [text for part in parts if (text := str(part).strip())]


def prose(value: Any) -> str:
    """A text of a design as HTML paragraphs, each in the direction of its own script."""
    return "".join(f'<p class="fp-prose" dir="auto">{escape(part)}</p>' for part in paragraphs(value))


def questions_of(public: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Id → question of the design."""
    return {str(question["id"]): question for question in public.get("questions", [])}


def answers_of(question: Mapping[str, Any], *, pair: bool) -> tuple[str, ...]:
    """The answers of a question in their order."""
    return tuple(question.get("answers") or (PAIR if pair else ()))


def opinions_html(one: OpinionSet, groups: Sequence[str]) -> str:
    """The opinions under the names of their groups, each group with its number of opinions.

    Args:
        groups: all of the study, so that a group has the same colour beside every item.
    """
    counts = one.counts()
    total = len(one.opinions)
    parts = []
    groups = tuple(dict.fromkeys((*groups, *sorted(counts))))
    for group in groups:
        if not counts[group]:
            continue
        colour = group_colour(groups, group)
        cards = "".join(
            f'<li class="fp-opinion" style="--g:{colour}" dir="auto">{escape(opinion.text)}</li>'
            for opinion in one.opinions
            if opinion.group == group
        )
        parts.append(
            f'<h3 class="fp-group" dir="auto">{tag(group, colour)}<span class="fp-quiet">{counts[group]} of {total}</span></h3>'
            f"<ul>{cards}</ul>"
        )
    topic = f'<p class="fp-quiet" dir="auto">{escape(one.topic)}</p>' if one.topic else ""
    return f'<div class="fp-source"><h2>Opinions</h2>{topic}{"".join(parts)}</div>'


def texts_html(task: Task) -> str:
    """The two summaries, A left, or the one sentence that is to be labelled."""
    sides = [("Sentence", task.left)] if task.right is None else [("A", task.left), ("B", task.right)]
    return f'<div class="fp-pair">{"".join(_text(name, text) for name, text in sides)}</div>'


def _text(name: str, text: str) -> str:
    shown = escape(text) if text.strip() else '<i class="fp-quiet">(empty)</i>'
    return f'<section class="fp-side"><h2>{name}</h2><div class="fp-text" dir="auto">{shown}</div></section>'


def question_html(text: str, place: int, of: int, stored: str | None, focused: bool) -> str:
    """A question's line, with the answer that is stored."""
    number = f'<span class="fp-number">{place + 1}</span>' if of > 1 else ""
    chip = f'<span class="fp-stored">✓ {escape(stored)}</span>' if stored is not None else ""
    here = " fp-here" if focused else ""
    return f'<h3 class="fp-question{here}">{number}<span dir="auto">{escape(text)}</span>{chip}</h3>'


def stored_sentence(answered: int, of: int, task: Task) -> str:
    """What somebody who comes back reads."""
    here = len(task.answered)
    more = f", and {here} of {len(task.questions)} answers to this one" if here else ""
    return f"Welcome back: {answered} of {of} items are stored{more}. It goes on where you stopped."
