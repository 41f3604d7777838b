"""What the result `debias` of a run must look like in a bundle: edit, weighed windows, recovery, Neural Collapse.

Names of fields are those that a run leaves (`debias/spin_job.py`, `denp.py`, `recovery.py`, `recovery_losses.py`, `collapse_report.py`).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, Strict, model_validator

from fairprune.bundle.shapes import BySystem, Count, Document, Id, Listed, Name, Number, Share, Text

Point = Annotated[tuple[Count, float], Strict(False)]
"""A step and a value: JSON has lists alone."""


class Interval(Document):
    """One number with its interval and n."""

    value: Number
    low: Number
    high: Number
    n: Count
    reason: Text | None = None
    limit: Text | None = None


class Null(Interval):
    """HSIC beside what mixed pairs give."""

    null_mean: Number = None
    null_95: Number = None
    p_value: Number = None


class AwarenessFacts(Document):
    title: Text
    source: Text
    selection: Count
    measurement: Count
    with_unsafe: Count


class ChosenMatrix(Document):
    name: Name
    rows: Count
    columns: Count
    chosen: Count
    first: Count
    second: Count
    general: Count
    both: Count
    coupled: Count
    chance: float


class Choice(Document):
    weights: Count
    of: Count
    both: Count
    coupled: Count
    chance: float
    matrices: Listed[ChosenMatrix]


class Control(Document):
    weights: Count
    fewer: Count
    shared: Count


class Quantity(Document):
    name: Name
    concern: Literal["first", "second"] | None
    unit: Text
    better: Literal["higher", "lower"]
    systems: BySystem[Null]
    differences: BySystem[Interval]


class Verdict(Document):
    outcome: Name
    sentence: Text


class Hsic(Document):
    reason: Text | None = None


class Zeroed(Document):
    module: Name
    row: Count
    column: Count
    old: float


class Asked(Document):
    order: Name | None = None


class Edit(Document):
    kind: Name
    edit: Asked | None = None
    measured_on: Name | None = None
    controls: BySystem[Control] | None = None
    sets: dict[Literal["first", "second", "general"], AwarenessFacts]
    choice: Choice
    quantities: Listed[Quantity] | None = None
    verdict: Verdict | None = None
    hsic: Hsic | None = None
    phrases: Listed[Text] = Field(default_factory=list)
    undo: Listed[Zeroed]

    @model_validator(mode="after")
    def _measures_are_of_the_same_models(self) -> Self:
        found = self.quantities or []
        if self.quantities is not None and not found:
            raise ValueError("it measures nothing")
        for one in found:
            if set(one.systems) != set(found[0].systems) or not set(one.differences) <= set(one.systems):
                raise ValueError(f"the measure {one.name} is of other models than {found[0].name}")
        if any(one.concern is not None and one.concern not in self.sets for one in found):
            raise ValueError("a measure is of a set that is not there")
        return self


class Sides(Document):
    low: float
    high: float


class Sizes(Document):
    low: Count
    high: Count


class Split(Document):
    n: Count
    sizes: Sizes
    means: Sides
    gap: float
    limit: Number
    samples: Count
    accepted: bool
    reason: Text


class Curve(Document):
    sparsities: Listed[Share]
    all: Listed[Interval]
    affected: Listed[Interval] | None = None
    rest: Listed[Interval] | None = None


class AffectedText(Document):
    text: Text
    group: Name | None
    rac: float


class Auroc(Document):
    group: Name
    n: Count
    members: Count
    rac: Interval
    dense: Interval
    difference: Interval


class Rac(Document):
    counted_tokens: Count
    split: Split
    curve: Curve
    texts: Listed[AffectedText]
    note: Text
    auroc: Listed[Auroc]
    no_auroc: Text | None = None
    values: Listed[float] = Field(min_length=1)
    members: Listed[bool]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.values) != len(self.members):
            raise ValueError(f"it has {len(self.values)} rises and {len(self.members)} members")
        for cells in (self.curve.all, self.curve.affected, self.curve.rest):
            if cells is not None and len(cells) != len(self.curve.sparsities):
                raise ValueError("its curve has another number of points than sparsities")
        return self


class RecoveryReport(Document):
    steps: Count
    learning_rate: float
    batch_size: Count
    windows: Count
    windows_drawn: Count
    tokens: Count
    moved: Count
    zeros: Count
    loss: Listed[Point]
    extra: Listed[Point]
    extra_name: Text | None = None
    notes: Listed[Text]


class GroupLosses(Document):
    group: Name
    before: Interval
    after: Interval
    difference: Interval


class TextLosses(Document):
    text: Id
    group: Name
    topic: Text
    before: float
    after: float


class Measure(Document):
    title: Text
    what: Text


class Beside(Document):
    dense: Interval
    pruned: Interval
    ratio: Interval


class WordList(Document):
    title: Text
    words: Count
    features: Count
    reason: Text | None = None
    measures: dict[Name, Beside]


class Word(Document):
    text: Text
    group: Name | None
    n: Count
    dense: Number
    pruned: Number


class Collapse(Document):
    list: Name
    min_count: Count
    windows: Count
    tokens: Count
    dropped: dict[Text, Count]
    rare: Count
    tied: bool
    measures: dict[Name, Measure]
    lists: dict[Name, WordList]
    against_control: dict[Name, Interval]
    words: Listed[Word]

    @model_validator(mode="after")
    def _measures_are_named(self) -> Self:
        for one in self.lists.values():
            if missing := set(one.measures) - set(self.measures) or set(one.measures) - set(
                self.against_control
            ):
                raise ValueError(f"it does not say what {sorted(missing)[0]} is")
        return self


class Recovery(Document):
    rac: Rac | None = None
    report: RecoveryReport | None = None
    losses: Listed[GroupLosses] | None = None
    texts: Listed[TextLosses] | None = None
    collapse: Collapse | None = None


class Weighed(Document):
    rac: Rac


class Debias(Document):
    """Each part is there where a run has it."""

    edit: Edit | None = None
    calibration: Weighed | None = None
    recovery: Recovery | None = None
    collapse: Collapse | None = None
