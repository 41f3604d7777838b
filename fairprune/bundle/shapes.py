"""What the fields of a bundle are made of: numbers, names, times and lists with bounds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)

T = TypeVar("T")
Listed = Annotated[list[T], Field(fail_fast=True)]
"""Checked up to the first wrong item: millions of them would each leave an error of a kilobyte."""

Number = float | None
Count = Annotated[int, Field(ge=0, le=2**53)]
"""As far as a float holds whole numbers: charts turn them into floats."""
Positive = Annotated[int, Field(ge=1, le=2**53)]
Column = Annotated[int, Field(ge=0, lt=2**31)]
"""What a column of whole numbers holds on every database."""
Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=200_000)]
Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Corpus = Annotated[str, Field(pattern=r"^(user:)?[a-z0-9]+(-[a-z0-9]+)*$", max_length=200)]


def _in_range(time: datetime) -> datetime:
    # Nearer to the ends of the calendar, another zone's time is none at all.
    if not FIRST_TIME <= time < LAST_TIME:
        raise ValueError(f"a time must lie between {FIRST_TIME.year} and {LAST_TIME.year}")
    return time


def _few(value: Any) -> Any:
    if isinstance(value, dict) and len(value) > MOST_SYSTEMS:
        raise ValueError(f"at most {MOST_SYSTEMS} systems")
    return value


MOST_SYSTEMS = 64
FIRST_TIME, LAST_TIME = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2200))
BySystem = Annotated[dict[Name, T], BeforeValidator(_few)]
Time = Annotated[AwareDatetime, AfterValidator(_in_range)]


class Document(BaseModel):
    """Fields beyond the named ones may be there: later versions add some."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)
