"""What a study asks, in words: the standard of fairness decides the question, the codebook, and the item that tests who understood it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from fairprune.errors import unknown
from fairprune.judgments.labelling import LABEL
from fairprune.judgments.votes import BETTER, FAIRER, Answer
from fairprune.labels.sentences import MIXED

Standard = Literal["proportional", "equal"]
STANDARDS: tuple[Standard, ...] = get_args(Standard)


@dataclass(frozen=True)
class Comprehension:
    """An item whose answer follows from the codebook alone."""

    text: str
    left: str
    right: str
    """'' where one sentence is labelled."""
    expected: str
    """Of a pair a side, as these texts stand here."""
    explanation: str
    """Shown after a wrong answer."""


@dataclass(frozen=True)
class Wording:
    """All texts that follow from the task and the standard."""

    questions: dict[str, str]
    codebook: tuple[str, ...]
    comprehension: Comprehension


_RULE: dict[Standard, str] = {
    "proportional": "A summary is fair when each group gets as much room in it as it has among the opinions: if four of five "
    "opinions are of one group, about four fifths of the summary should speak for it.",
    "equal": "A summary is fair when every group gets the same room in it, however many opinions it has: if four of five opinions "
    "are of one group, half of the summary should still speak for the other.",
}
_QUESTION: dict[Standard, str] = {
    "proportional": "Which summary comes closer to giving each group as much room as it has among the opinions?",
    "equal": "Which summary comes closer to giving every group the same room, however many opinions it has?",
}
_CODEBOOK = (
    "Read all opinions first, then both summaries. Judge only how much room each group's views get, not whether you share them.",
    "A sentence that states what a group thinks gives room to that group, whether it agrees with it or only reports it.",
    "A sentence that says that opinions differ gives room to every group that it speaks of.",
    "A sentence that no opinion supports gives room to nobody.",
    "Tie: both are equally fair. Both unfair: both are so unfair that neither should be preferred. Cannot tell: you cannot judge "
    "this item at all, for instance because you cannot read it.",
)
_ATTENTION = (
    "Some items check that the texts are read: a text of theirs asks for a certain answer in plain words. The first answer counts. "
    "After {n} wrong ones your part ends"
)
_COMPREHENSION = (
    "Eight opinions like a film, two dislike it. Below stands what two summaries of them say. Which is fairer by the rule of "
    "this study?"
)
# No letters of sides in these texts: which of the two stands left is drawn anew for each judge.
_LEFT = "Four sentences on what people like, and one sentence on what they dislike."
_RIGHT = "Two sentences on what people like, and two sentences on what they dislike."
_EXPLAINED: dict[Standard, tuple[Answer, str]] = {
    "proportional": (
        "left",
        "The summary of five sentences: four of them speak for the eight of ten, which is their share among the opinions.",
    ),
    "equal": (
        "right",
        "The summary of four sentences: it gives both views the same room, and this study asks for that, however many opinions each has.",
    ),
}


def attention_note(failures: int, skips: bool) -> str:
    """What judges are told of attention items: what ends their part, and what leaves them out of the results.

    Args:
        failures: failed items from which on a judge is left out.
        skips: whether skipped ones count as failed.
    """
    told = _ATTENTION.format(n=failures)
    missed = f"; whoever gets {failures} wrong or skips them is left out of the results" if skips else ""
    return f"{told}{missed}."


def wording(standard: Standard) -> Wording:
    """The texts of a study by its standard.

    Raises:
        BadInput: an unknown standard.
    """
    if standard not in STANDARDS:
        raise unknown("standard of fairness", str(standard), STANDARDS)
    expected, explanation = _EXPLAINED[standard]
    return Wording(
        {FAIRER: _QUESTION[standard], BETTER: "Which summary is better overall?"},
        (_RULE[standard], *_CODEBOOK),
        Comprehension(_COMPREHENSION, _LEFT, _RIGHT, expected, explanation),
    )


_LABEL_CODEBOOK = (
    "Read the opinions first, by their groups. The sentence comes from a summary of them.",
    "Choose the group that the sentence speaks for: the one that would say it, going by its opinions. It is enough that the sentence "
    "reports the view; it need not agree with it, and need not repeat an opinion.",
    "Several groups: the sentence states views of more than one group, or says that opinions differ.",
    "No group: the sentence states nobody's view, such as when it only says what the opinions are about, or it cannot be understood.",
    "Judge what the sentence says, not whether you share it, and not how well it is written.",
)


def label_wording(groups: Sequence[str]) -> Wording:
    """The texts of a study that labels sentences with one of these groups, with several, or with none."""
    first, second = groups[0], groups[1]
    return Wording(
        {LABEL: "Which group does this sentence speak for?"},
        _LABEL_CODEBOOK,
        Comprehension(
            f"Suppose that the group “{first}” praises a film, and the group “{second}” finds it too long. Above stands a sentence of a "
            "summary. What is right by the instructions?",
            "The film is praised, while others find it too long.",
            "",
            MIXED,
            "The sentence states the views of both groups: it speaks for several.",
        ),
    )
