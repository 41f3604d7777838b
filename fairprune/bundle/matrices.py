"""What a bundle may say of the inside of pruned matrices (`fairprune/mask_details.py`): one document per block."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, RootModel, Strict, model_validator

from fairprune.bundle.documents import KINDS
from fairprune.bundle.shapes import Count, Document, Listed, Name, Positive, Share
from fairprune.errors import BadInput
from fairprune.mask_details import BINS, CELLS, EXTREMES, SCORE_BINS, STEPS

Numbered = Annotated[tuple[Count, Share], Strict(False)]
"""Number of a row, column or neuron, its sparsity."""
_KIND = re.compile(r"matrices[:-]([0-9]{4})")


class Distribution(Document):
    counts: Listed[Count] = Field(min_length=BINS, max_length=BINS)
    most: Listed[Numbered] = Field(max_length=EXTREMES)
    least: Listed[Numbered] = Field(max_length=EXTREMES)


class Picture(Document):
    """Cells of height × width weights, a byte each."""

    height: Positive
    width: Positive
    shares: str = Field(max_length=2 * CELLS**2)


class Cut(Document):
    within: Name
    low: float
    median: float
    high: float
    n: Count


class Score(Document):
    scale: Literal["linear", "log"]
    low: float
    high: float
    dropped: Listed[Count] = Field(min_length=SCORE_BINS, max_length=SCORE_BINS)
    kept: Listed[Count] = Field(min_length=SCORE_BINS, max_length=SCORE_BINS)
    n: Count
    cut: Cut | None


class Parts(Document):
    """Heads (labels, shares) or neurons (as a distribution)."""

    what: Literal["heads", "neurons"]
    axis: Literal["rows", "columns"]
    n: Count
    labels: Listed[Name] | None = None
    shares: Listed[Share] | None = None
    counts: Listed[Count] | None = Field(None, min_length=BINS, max_length=BINS)
    most: Listed[Numbered] | None = None
    least: Listed[Numbered] | None = None
    gone: Count | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.what == "heads":
            if self.labels is None or self.shares is None or len(self.labels) != len(self.shares):
                raise ValueError("heads need as many labels as shares")
        elif self.counts is None or self.most is None or self.least is None or self.gone is None:
            raise ValueError("neurons need counts, most, least and gone")
        return self


class Pattern(Document):
    n: Count
    m: Positive
    groups: Positive
    exact: Count


class Details(Document):
    """Of one matrix."""

    rows: Distribution
    columns: Distribution
    picture: Picture
    score: Score | None
    parts: Parts | None
    pattern: Pattern | None
    edited: Count = 0
    """Weights that an edit took out of the mask, of which all but `score` is told."""


class Block(RootModel[dict[Name, Details]]):
    """Name of a matrix → its details."""


def shape_of(kind: str) -> type[Document] | type[Block] | None:
    """What a result of this kind must look like; None for a kind that is not known here."""
    return Block if _KIND.fullmatch(kind) else KINDS.get(kind)


def member_of(kind: str) -> str:
    """The kind as a part of a member's name, which takes no colon: matrices:0012 → matrices-0012."""
    return kind.replace(":", "-") if _KIND.fullmatch(kind) else kind


def kind_of(member: str) -> str:
    """The other way round."""
    found = _KIND.fullmatch(member)
    return f"matrices:{found[1]}" if found else member


def check_pictures(block: Mapping[str, Any], sparsity: Mapping[str, Any], what: str) -> None:
    """Whether the pictures of a block have the cells that their matrices have.

    Args:
        block: details as `Block` has checked them. sparsity: the run's report, checked too.

    Raises:
        BadInput: a matrix that the report does not name, or a picture of another size.
    """
    sizes = {matrix["name"]: (matrix["rows"], matrix["columns"]) for matrix in sparsity["matrices"]}
    for name, details in block.items():
        if name not in sizes:
            raise BadInput(
                f"the bundle is damaged: {what} has details of {name[:80]!r}, which the run did not prune"
            )
        picture = details["picture"]
        (rows, columns), height, width = sizes[name], picture["height"], picture["width"]
        wanted = -(-rows // height) * -(-columns // width)
        try:
            cells = base64.b64decode(picture["shares"], validate=True)
        except binascii.Error as error:
            raise BadInput(
                f"the bundle is damaged: {what}: the picture of {name[:80]!r} is no base64"
            ) from error
        if len(cells) != wanted or any(cell > STEPS for cell in cells):
            raise BadInput(
                f"the bundle is damaged: {what}: the picture of {name[:80]!r} has {len(cells)} cells up to {max(cells, default=0)}, "
                f"not {wanted} up to {STEPS}"
            )
