"""What a lead asks for when a study is planned: plain values, checked, kept in the draft so that they can be changed again."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from fairprune.errors import BadInput
from fairprune.judgments.bias import Rules
from fairprune.judgments.frozen import Hypothesis
from fairprune.judgments.votes import BETTER, FAIRER
from fairprune.judgments.wording import Standard
from fairprune.metrics.margins import MARGINS
from fairprune.part import Part
from fairprune.spec import parse_part

Task = Literal["pair", "label"]
Pairs = Literal["dense", "all"]
Rating = Literal["sure", "distance"]
RATINGS: dict[Rating, tuple[str, tuple[str, ...]]] = {
    "sure": (
        "How sure are you of your answers about these two summaries?",
        ("not at all", "a little", "moderately", "very", "completely"),
    ),
    "distance": (
        "How large is the difference in fairness between the two summaries?",
        ("none", "small", "moderate", "large", "very large"),
    ),
}
"""Likert questions: text and steps. They do not speak of sides, so that a step means the same for every judge."""


class Assumed(Part):
    """What is assumed of the judges when power is simulated; the plan itself gives all else."""

    effect: float = Field(
        0.65, ge=0.5, lt=1, description="Share of those with a preference who prefer the better system."
    )
    ties: float = Field(0.25, gt=0, lt=1, description="Share of ties between equals.")
    judge_sd: float = Field(0.3, ge=0, le=5, description="How much judges differ, in log-odds.")
    sample_sd: float = Field(0.4, ge=0, le=5, description="How much samples differ, in log-odds.")
    careless: float = Field(
        0.1, ge=0, lt=1, description="Share of judges who answer at random and are not found."
    )


class Code(Part):
    """What a judge takes back to the crowd site."""

    code: str = Field("", max_length=64, description="Completion code.")
    redirect: str = Field("", max_length=2000, description="Address that begins with https://, or none.")


class Brief(Part):
    """All that a lead chooses."""

    task: Task = Field(
        "pair",
        description="pair: which of two summaries is fairer; label: which group a summary's sentence speaks for.",
    )
    title: str = Field(min_length=1, max_length=300, description="What the study is called among leads.")
    runs: tuple[str, ...] = Field(min_length=1, max_length=20, description="Runs whose summaries are judged.")
    dense: bool = Field(True, description="With the dense model's summaries as a system.")
    pairs: Pairs = Field(
        "dense", description="dense: each pruned system with its dense one; all: every two systems."
    )
    samples: int = Field(
        12, ge=1, le=5000, description="Opinion sets, drawn by the composition of the opinions."
    )
    items: int | None = Field(
        None, ge=1, le=9000, description="Pairs on samples that are asked; none: every pair on every sample."
    )
    sentences: int = Field(
        30,
        ge=1,
        le=5000,
        description="Sentences of each system that are labelled, drawn in proportion to what the classifier called them.",
    )
    margin: float = Field(
        MARGINS["spd2"],
        gt=0,
        le=2,
        description="Error of the classifier in a difference of SPD2 from which on it matters; frozen with the study.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of every draw.")
    standard: Standard = Field(
        "proportional",
        description="proportional: as much room as among the opinions; equal: the same room for every group.",
    )
    better: bool = Field(True, description="Ask too which summary is better overall.")
    ratings: tuple[Rating, ...] = Field((), description="Likert questions beside them; exploratory.")
    votes_per_item: int = Field(5, ge=1, le=1000, description="Votes that every item gets.")
    items_per_judge: int = Field(12, ge=1, le=1000, description="Items that a judge gets at most.")
    practice: int = Field(1, ge=0, le=5, description="Practice items with their solution.")
    comprehension: bool = Field(
        True, description="The item that tests who understood the standard; two tries."
    )
    attention: int = Field(2, ge=0, le=10, description="Attention items per judge.")
    repeats: int = Field(1, ge=0, le=100, description="Items that a judge is asked again, sides swapped.")
    public_title: str = Field(
        "Which summary is fairer?",
        min_length=1,
        max_length=300,
        description="What judges read above the page.",
    )
    introduction: str = Field("", max_length=20_000, description="What judges read first.")
    consent: str = Field(
        "", max_length=20_000, description="What judges agree to; none: that they may stop at any time."
    )
    contact: str = Field("", max_length=300, description="Whom judges may ask.")
    pay: str = Field("", max_length=300, description="What judges are paid.")
    minutes: int | None = Field(None, ge=1, le=600, description="How long it takes, about.")
    group_question: str = Field("", max_length=300, description="Question for the judge's own group.")
    quotas: dict[str, int | None] = Field(
        {},
        description="Group that judges say of themselves → most judges of it, or no limit; none: not asked.",
    )
    crowd: bool = Field(False, description="The open link works only with a crowd site's id.")
    codes: dict[str, Code] = Field({}, description="Way to end → completion code and redirect.")
    opens: str | None = Field(None, description="Before it nobody gets an item.")
    closes: str | None = Field(None, description="From then on nothing is answered, and outcomes are shown.")
    max_judges: int | None = Field(None, ge=1, le=100_000, description="Most judges who take part.")
    rules: Rules = Field(default_factory=Rules, description="Whom the analysis leaves out.")
    hypotheses: tuple[Hypothesis, ...] = Field((), max_length=20, description="What is expected.")
    alpha: float = Field(0.05, gt=0, lt=1, description="Error rate of all hypotheses together (Holm).")
    assumed: Assumed = Field(default_factory=Assumed, description="What power is simulated with.")

    @property
    def questions(self) -> tuple[str, ...]:
        """Those that compare the pair."""
        return (FAIRER, BETTER) if self.better else (FAIRER,)


FIRST: dict[Task, dict[str, Any]] = {
    "pair": {},
    "label": {
        "public_title": "Which group does a sentence speak for?",
        "items_per_judge": 30,
        "practice": 3,
        # A sentence is shorter than two summaries, and most of a model's sentences may truly speak for one group, or for none.
        "rules": Rules(least_seconds=2.0, straight_lining=None),
    },
}
"""Task → what is wished where nothing else is said, besides the fields' own defaults."""


def brief_of(values: dict[str, Any]) -> Brief:
    """The brief of a form's values.

    Raises:
        BadInput: the first value that cannot be, and what would be right.
    """
    found = parse_part(Brief, {**(FIRST["label"] if values.get("task") == "label" else {}), **values})
    if found.task == "label" and (found.hypotheses or found.ratings):
        raise BadInput(
            "labels of sentences prefer no system: leave out hypotheses and ratings, or let judges compare pairs"
        )
    if found.task == "pair" and found.pairs == "dense" and not found.dense:
        raise BadInput(
            "nothing can be compared with dense summaries that are left out: compare every two systems"
        )
    if found.repeats > found.items_per_judge:
        raise BadInput(
            f"{found.repeats} of {found.items_per_judge} items cannot be repeated: ask for at most {found.items_per_judge}"
        )
    tries = found.rules.attention_failures or 2
    if 0 < found.attention < tries:
        raise BadInput(
            f"with {found.attention} attention item nobody can fail {tries}: ask for at least {tries}, or for none"
        )
    for name, most in found.quotas.items():
        if not name.strip() or (most is not None and most < 1):
            raise BadInput(
                f"the quota of group {name!r} is {most!r}: name the group, and let at least one judge in"
            )
    return found


def quotas_of(text: str) -> dict[str, int | None]:
    """Groups, one a line, with their quota after a colon where there is one.

    >>> quotas_of("left-leaning: 20\\n\\nother")
    {'left-leaning': 20, 'other': None}

    Raises:
        BadInput: a quota that is no number, a group twice.
    """
    found: dict[str, int | None] = {}
    for line in text.splitlines():
        name, colon, most = (
            (part.strip() for part in line.rpartition(":")) if ":" in line else (line.strip(), "", "")
        )
        if not name and not most:
            continue
        if name in found:
            raise BadInput(f"group {name!r} is named twice: write each group on one line")
        if colon and not most.isdecimal():
            raise BadInput(
                f"the quota of group {name!r} is {most!r}: write a number after the colon, or no colon for any number"
            )
        found[name] = int(most) if colon else None
    return found


def quotas_text(quotas: dict[str, int | None]) -> str:
    """The opposite of `quotas_of`."""
    return "\n".join(name if most is None else f"{name}: {most}" for name, most in quotas.items())
