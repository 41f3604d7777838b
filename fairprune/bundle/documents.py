"""What the results of a run must look like in a bundle: checked before anything of them is stored.

Names of fields are those that a run leaves (`fairprune/evaluate.py`, `report.py`, `perplexity.py`, `calibration.py`). A field that
pages read as a number is a finite number or null here, so that no text can stand in its place.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, Strict

from fairprune.bundle.debias_documents import Debias
from fairprune.bundle.shapes import (
    BySystem,
    Count,
    Document,
    Id,
    Listed,
    Name,
    Number,
    Positive,
    Share,
    Text,
)
from fairprune.uncertainty.verdicts import Verdict

# JSON has lists alone: a tuple is read from one.
Label = Annotated[tuple[Text, Text | None, Number], Strict(False)]
"""A sentence, its group, how sure."""
Ground = Annotated[tuple[Count, float], Strict(False)]
"""Position of an opinion, similarity."""


class Bounds(Document):
    """Of a value, were all unscored samples fair or unfair."""

    low_fair: Number
    high_unfair: Number
    n: Count


class Distance(Document):
    """Of a signed metric: from its best value."""

    value: Number
    low: Number
    high: Number
    n: Count | None = None
    limit: Text | None = None
    reason: Text | None = None


class Cell(Document):
    """One number with its interval and n."""

    value: Number
    low: Number
    high: Number
    n: Count
    n_unscored: Count | None = None
    n_zero_match: Count | None = None
    n_single_group: Count | None = None
    n_outside: Count | None = None
    bias: Number = None
    absolute: Number = None
    absolute_low: Number = None
    absolute_high: Number = None
    value_multi: Number = None
    multi_low: Number = None
    multi_high: Number = None
    multi_limit: Text | None = None
    absolute_limit: Text | None = None
    exclusive: Number = None
    none_share: Number = None
    correction_low: Number = None
    correction_high: Number = None
    margin: Number = None
    alpha: Number = None
    p_value: Number = None
    p_holm: Number = None
    smallest_detectable: Number = None
    primary: bool | None = None
    reason: Text | None = None
    limit: Text | None = None
    verdict: Verdict | None = None
    verdict_reason: Text | None = None
    matcher: Text | None = None
    bounds: Bounds | None = None
    distance: Distance | None = None


class GroupCell(Cell):
    group: Name
    system: Name


class Degenerate(Document):
    share: Share
    n: Count
    flag: bool


class Scores(Document):
    """One system's summary of one sample."""

    bur: Number
    uer: Number
    auc: Number
    spd2: Number
    p_x: dict[Name, Share] | None
    p_y: dict[Name, float] | None
    unscored: Text | None
    words: Count | None
    degenerate: Listed[Text]
    labels: Listed[Label]
    rouge_l: Number = None
    copied: Number = None
    repetition: Number = None
    loss: Number = None
    evidence: Listed[Listed[Ground]] | None = None
    coverage: dict[Name, Number] | None = None
    reasons: dict[Name, Text] = Field(default_factory=dict)


class Sample(Document):
    __pydantic_extra__: dict[str, Scores | float | str | None] = Field(init=False)
    set_id: Id
    dense: Scores
    pruned: Scores
    loss_ratio: Number = None
    loss_ratio_reason: Text | None = None


class Validity(Document):
    share: Number
    n: Count
    valid: bool | None
    oracle_below_random: Number = None
    random_below_one_group: Number = None
    reason: Text | None = None


class Bin(Document):
    start: float = Field(alias="from")
    to: float
    n: Count
    confidence: Number
    accuracy: Number
    low: Number
    high: Number


class Reliability(Document):
    bins: Listed[Bin]
    ece: Number
    low: Number
    high: Number
    by: Name
    calibrated: Number
    calibrated_high: Number


class Bias(Document):
    value: Number
    low: Number
    high: Number
    n: Count
    limit: Text | None = None
    reason: Text | None = None


class Classifier(Document):
    source: Text = ""
    reason: Text | None = None
    held_out_by: Name | None = None
    n_train: Count | None = None
    n_folds: Count | None = None
    n_heldout: Count | None = None
    n_units: Count | None = None
    accuracy: Number = None
    low: Number = None
    high: Number = None
    balanced_accuracy: Number = None
    none_share: Number = None
    groups: Listed[Name] = Field(default_factory=list)
    confusion: Listed[Listed[Count]] = Field(default_factory=list)
    reliability: Reliability | None = None
    spd2_bias: Bias | None = None


class Polarity(Document):
    auc: float
    low: Number
    high: Number
    pairs: Count
    passed: bool


class Evidence(Document):
    encoder: Text
    least_score: float
    most: Count


class Evaluation(Document):
    metrics: dict[Name, BySystem[Cell]]
    groups: Listed[GroupCell]
    quality: dict[Name, BySystem[Cell]]
    degenerate: BySystem[Degenerate]
    samples: Listed[Sample]
    classifier: Classifier
    notes: Listed[Text]
    n_samples: Count
    n_topics: Count
    no_claim: Listed[Text] = Field(default_factory=list)
    validity: dict[Name, Validity] = Field(default_factory=dict)
    polarity: dict[Name, Polarity] = Field(default_factory=dict)
    coverage: Listed[GroupCell] = Field(default_factory=list)
    evidence: Evidence | None = None


class Matrix(Document):
    name: Name
    block: Count
    kind: Name
    rows: Positive
    columns: Positive
    asked: Share
    achieved: Share
    dropped: Count
    zeros: Count
    row_min: Share
    row_median: Share
    row_max: Share
    column_min: Share
    column_median: Share
    column_max: Share
    column_spread: float
    dead_columns: Count
    silent_inputs: Count | None
    score_removed: Number
    seconds: float
    dampening: Number = None
    edited: Count = 0


class Sparsity(Document):
    asked: Share
    achieved: Share
    achieved_model: Share
    dropped: Count
    weights: Count
    model_parameters: Count
    seconds: float
    notes: Listed[Text]
    matrices: Listed[Matrix] = Field(min_length=1)


class System(Document):
    """How a system's summaries were made."""

    id: Id
    tokens: Count
    prompt_tokens: Count | None = None
    seconds: float
    tokens_per_second: Number
    device: Name
    dtype: Name
    batch_size: Count
    reused: bool


class Generation(Document):
    sets: Listed[Id]
    systems: BySystem[System]


class Held(Document):
    value: Number
    tokens: Count
    windows: Count
    window_tokens: Count
    reason: Text | None


class Perplexity(Document):
    dense: Held
    pruned: Held
    ratio: Number


class Perplexities(Document):
    """Of both texts; pages know no other."""

    model_config = ConfigDict(extra="forbid")

    opinions: Perplexity
    general: Perplexity


class Segment(Document):
    text: Text
    kind: Name
    group: Name | None
    tokens: Count


class Calibration(Document):
    samples: Positive
    seqlen: Positive
    hash: Name
    tokens_by_group: dict[Name, Count]
    texts_used: Count
    texts_offered: Count | None = None
    texts_cut: Count | None = None
    tokens_cut: Count
    reused: Count
    padding: Count
    weights: Listed[Number] | None = None
    windows: Listed[Listed[Segment]]
    notes: Listed[Text]


class Place(Document):
    weights: Name
    dtype: Name
    device: Name
    windows: Name


class Statistics(Document):
    reused: bool
    place: Place | None = None


KINDS: dict[str, type[Document]] = {
    "evaluation": Evaluation,
    "sparsity": Sparsity,
    "generation": Generation,
    "perplexity": Perplexities,
    "calibration": Calibration,
    "statistics": Statistics,
    "debias": Debias,
}
"""Kind of result → its shape. A kind that is not here is left out on reading."""
NEEDED = ("evaluation", "sparsity", "generation")
