"""What a study promises before it opens, in one text with one hash: nothing of it can be changed without showing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from fairprune.errors import BadInput
from fairprune.judgments.bias import Rules
from fairprune.judgments.connectivity import components
from fairprune.judgments.davidson import RIDGE
from fairprune.judgments.measured import RESAMPLES
from fairprune.judgments.power import Assumptions
from fairprune.judgments.votes import BETTER, FAIRER
from fairprune.judgments.wording import Standard
from fairprune.metrics.margins import MARGINS
from fairprune.part import Part

REGISTERED, DIGEST = "registered", "registered_sha256"
"""Keys of a stored study's design, which the store keeps unread: the registered text and its SHA-256."""
SKIPS = "attention_skips"
"""The field of the rules that came with version 2."""


class System(Part):
    """One side of a comparison."""

    name: str = Field(
        min_length=1, max_length=200, description="What it is called in the analysis; judges never see it."
    )
    run: str = Field(min_length=1, description="Hash of the run whose summaries it shows.")
    summaries: Literal["dense", "pruned"] = Field(
        description="Which of the run's summaries: the dense model's, or the pruned one's."
    )


class Hypothesis(Part):
    """What the study expects, said before any vote."""

    text: str = Field(min_length=1, max_length=2000, description="The hypothesis in words.")
    first: str = Field(
        description="System that is expected to be stronger, or the first of two that are expected to differ."
    )
    second: str = Field(description="System that it is compared with.")
    question: str = Field(FAIRER, description="Question whose answers decide.")
    sides: Literal["one", "two"] = Field(
        "two", description="One-sided: the first is stronger. Two-sided: they differ."
    )


class Analysis(Part):
    """The primary analysis; every other one is exploratory."""

    question: str = Field(FAIRER, description="Question that it reads.")
    model: Literal["bradley-terry-davidson"] = Field(
        "bradley-terry-davidson", description="Model of the strengths."
    )
    ridge: float = Field(RIDGE, gt=0, description="Ridge on the strengths.")
    resamples: int = Field(RESAMPLES, ge=100, description="Resamples of judges, of samples and of votes.")
    seed: int = Field(0, ge=0, description="Seed of the resamples.")
    alpha: float = Field(
        0.05, gt=0, lt=1, description="Error rate of the family of hypotheses, adjusted by Holm."
    )
    reference: str | None = Field(None, description="System whose strength is called 0.")


class LabelAnalysis(Part):
    """The primary analysis of labels: accuracy and confusion matrix per system, and what the errors do to SPD2."""

    consensus: Literal["majority"] = Field(
        "majority", description="People's label of a sentence: what more than half of its judges said."
    )
    resamples: int = Field(RESAMPLES, ge=100, description="Resamples of samples.")
    seed: int = Field(0, ge=0, description="Seed of the resamples.")
    margin: float = Field(
        MARGINS["spd2"],
        gt=0,
        le=2,
        description="Error in a difference of SPD2 from which on it matters: it is within, or beyond, where the whole interval is.",
    )


class Drawn(Part):
    """Sentences of one system that the classifier labelled alike."""

    system: str = Field(min_length=1, description="Whose sentences.")
    predicted: str = Field(min_length=1, description="The classifier's label.")
    sentences: int = Field(ge=1, description="Drawn of them.")
    of: int = Field(ge=1, description="That there are.")


class Promise(Part):
    """What studies of every task promise."""

    version: Literal[1, 2] = Field(
        2,
        description="Version of this description. In the first one skipped attention items count for nothing.",
    )
    title: str = Field(min_length=1, description="What the study is called.")
    texts: dict[str, str] = Field(description="Wording of every question, as judges read it.")
    samples: tuple[str, ...] = Field(min_length=1, description="Opinion sets that were drawn.")
    items: int = Field(ge=1, description="Items that are asked.")
    votes_per_item: int = Field(ge=1, description="Votes that every item gets.")
    attention: int = Field(0, ge=0, description="Attention items per judge.")
    repeats: int = Field(0, ge=0, description="Repeated items per judge.")
    seed: int = Field(0, ge=0, description="Seed of the draw, the allocation and the sides.")
    rules: Rules = Field(default_factory=Rules, description="Whom the analysis leaves out.")

    @model_validator(mode="before")
    @classmethod
    def _as_promised(cls, value: Any) -> Any:
        """The first version had no word on skips: what was promised then stays what it was."""
        if isinstance(value, dict) and value.get("version") == 1 and isinstance(value.get("rules"), dict):
            return {**value, "rules": {**value["rules"], SKIPS: False}}
        return value

    def canonical(self) -> str:
        """Canonical JSON: sorted keys, no spaces, UTF-8 as it is."""
        value = self.model_dump(mode="json")
        if self.version == 1:
            del value["rules"][SKIPS]
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class LabelDesign(Promise):
    """All of a study of labels that decides its result."""

    task: Literal["label"] = Field("label", description="Judges label sentences.")
    groups: tuple[str, ...] = Field(
        min_length=2,
        description="Groups of the corpus; the first is a of SPD2. Labels are these, mixed and none.",
    )
    classifier: str = Field(min_length=1, description="What labelled the sentences before.")
    systems: tuple[System, ...] = Field(min_length=1, description="Whose sentences are labelled.")
    pairs: tuple[tuple[str, str], ...] = Field(
        (), description="Pruned system and its dense one, whose errors are compared."
    )
    drawn: tuple[Drawn, ...] = Field(min_length=1, description="What the sentences were drawn from.")
    analysis: LabelAnalysis = Field(default_factory=LabelAnalysis, description="How it is analysed.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = _named_once(self.systems)
        for name in [*(one.system for one in self.drawn), *(name for pair in self.pairs for name in pair)]:
            if name not in names:
                raise BadInput(
                    f"system {name!r} is analysed but not labelled: the systems are {', '.join(names)}"
                )
        return self


class Design(Promise):
    """All of a study of pairs that decides its result."""

    standard: Standard = Field(
        description="proportional: as much room as among the opinions; equal: the same room for every group."
    )
    questions: tuple[str, ...] = Field(
        (FAIRER, BETTER), min_length=1, description="What is asked of every item."
    )
    systems: tuple[System, ...] = Field(min_length=2, description="What is compared.")
    pairs: tuple[tuple[str, str], ...] = Field(min_length=1, description="Which two systems are compared.")
    automatic_ties: int = Field(
        0, ge=0, description="Pairs on samples with identical texts: ties that are never asked."
    )
    hypotheses: tuple[Hypothesis, ...] = Field((), description="What is expected.")
    analysis: Analysis = Field(default_factory=Analysis, description="How the hypotheses are decided.")
    assumptions: Assumptions | None = Field(None, description="What the power was computed from.")
    power: float | None = Field(None, ge=0, le=1, description="Power under these assumptions.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = _named_once(self.systems)
        parts = components(names, self.pairs)
        if len(parts) > 1:
            listed = "; ".join(", ".join(part) for part in parts)
            raise BadInput(f"the pairs leave the systems unconnected ({listed}): add a pair that joins them")
        if set(self.texts) != set(self.questions):
            raise BadInput(
                f"there are wordings of {', '.join(self.texts) or 'nothing'}, but the questions are {', '.join(self.questions)}"
            )
        used = [self.analysis.question, *(one.question for one in self.hypotheses)]
        for question in used:
            if question not in self.questions:
                raise BadInput(
                    f"question {question!r} is analysed but not asked: the questions are {', '.join(self.questions)}"
                )
        named = [name for one in self.hypotheses for name in (one.first, one.second)]
        for name in [*named, *([self.analysis.reference] if self.analysis.reference else [])]:
            if name not in names:
                raise BadInput(
                    f"system {name!r} is analysed but not compared: the systems are {', '.join(names)}"
                )
        return self


def _named_once(systems: Sequence[System]) -> list[str]:
    """The systems' names.

    Raises:
        BadInput: one stands there twice.
    """
    names = [system.name for system in systems]
    if len(set(names)) < len(names):
        raise BadInput(f"a system is named twice among {', '.join(names)}: give each a name of its own")
    return names


AnyDesign = Design | LabelDesign
"""By the task: pairs are compared, or sentences are labelled."""


@dataclass(frozen=True)
class Frozen:
    """A design as it was when the study opened."""

    text: str
    """Canonical JSON."""
    digest: str
    """64 hex digits of SHA-256 over the text in UTF-8: what is published before, and checked after."""


def freeze(design: AnyDesign) -> Frozen:
    """The text and its hash."""
    text = design.canonical()
    return Frozen(text, digest_of(text))


def digest_of(text: str) -> str:
    """64 hex digits of SHA-256 over UTF-8: `sha256sum` of the file gives the same."""
    return hashlib.sha256(text.encode()).hexdigest()


def thaw(text: str, digest: str) -> AnyDesign:
    """The design of a frozen text.

    Raises:
        BadInput: a text whose hash is another one, that is no design, or that is not written canonically.
    """
    found = digest_of(text)
    if found != digest:
        raise BadInput(
            f"the design has the hash {found[:16]}…, not {digest[:16]}…: it was changed after it was frozen"
        )
    try:
        design = _kind_of(text).model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise BadInput(
            f"the frozen text is no design of a study: {place or 'the text'}: {first['msg']}"
        ) from error
    if design.canonical() != text:
        raise BadInput(
            "the frozen text is not in canonical form: freeze the design again and publish the new hash"
        )
    return design


def _kind_of(text: str) -> type[Design] | type[LabelDesign]:
    """Only labels name their task; what is no JSON is refused as a study of pairs."""
    try:
        value = json.loads(text)
    except ValueError:
        return Design
    return LabelDesign if isinstance(value, dict) and "task" in value else Design


def promised(design: Mapping[str, Any]) -> tuple[AnyDesign, Frozen] | None:
    """What an opened study promised, checked against its hash; None: it was not opened here.

    Args:
        design: of the stored study, with the registered text and its SHA-256 in it.

    Raises:
        BadInput: as `thaw`.
    """
    text, digest = design.get(REGISTERED), design.get(DIGEST)
    if not isinstance(text, str) or not isinstance(digest, str):
        return None
    return thaw(text, digest), Frozen(text, digest)
