"""What the members of a bundle beside the results must look like: runs, opinion sets, summaries, sweeps. More fields are refused."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from fairprune.bundle.shapes import Column, Corpus, Id, Listed, Name, Text, Time
from fairprune.part import Part
from fairprune.store.library import MOST_NAME, MOST_NOTES, MOST_TAG, MOST_TAGS


class Line(Part):
    number: Annotated[Column, Field(ge=1)]
    time: Time
    text: str = Field(max_length=100_000)


class RunDocument(Part):
    """What is known of a run besides its spec, which the manifest has, and its results."""

    created: Time
    started: Time | None
    finished: Time | None
    attempt: Annotated[Column, Field(ge=1)]
    seconds: dict[Name, float]
    name: str | None = Field(max_length=MOST_NAME)
    notes: str = Field(max_length=MOST_NOTES)
    tags: Listed[Annotated[str, Field(max_length=MOST_TAG)]] = Field(max_length=MOST_TAGS)
    log: Listed[Line]


class OpinionRow(Part):
    text: str = Field(min_length=1, max_length=20_000)
    group: Name
    source: str = Field(max_length=400)
    speaker: str = Field(max_length=400)


class SetDocument(Part):
    corpus: Corpus
    id: Id
    topic: Name
    composition: Name
    first_group: Name
    opinions: Listed[OpinionRow] = Field(min_length=1, max_length=1000)


class SummaryLine(Part):
    position: Column
    set_id: Id
    text: Text
    tokens: Column
    seconds: float = Field(ge=0)
    truncated: bool


class GenerationDocument(Part):
    info: dict[str, str | int | float | None]
    rows: Listed[SummaryLine]


class SweepDocument(Part):
    title: str = Field(max_length=400)
    created: Time
    axes: dict[Name, Any] = Field(max_length=20)
    run_ids: Listed[Id] = Field(min_length=1)
