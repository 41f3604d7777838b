"""From counts to shares, in exact rational arithmetic: at a tie, floats would decide for us.

(In floats 0.35 · 0.8 and 0.28 compare differently from 0.5 · 0.8 and 0.4.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from fairprune.errors import BadInput

Reading = Literal["ratio", "equal"]
NO_SOURCE = "no source text"
NO_MATCH = "no match"


@dataclass(frozen=True)
class Shares:
    """Whom the source and the summary of one sample speak for."""

    groups: tuple[str, ...]
    """All groups of the corpus, in its order; the three tuples run parallel."""
    source: tuple[Fraction | None, ...]
    """Share of the source per group, in (0, 1], summing to 1; None where the group is not kept."""
    summary: tuple[Fraction | None, ...] | None
    """Share of the summary per kept group, in [0, 1], summing to 1; None as a whole: unscored."""
    unscored: str | None = None
    """Why there is no score; None where there is one."""
    zero_match: bool = False
    """Whether not one count of the summary fell on a kept group."""
    exclusive: float | None = None
    """Share of the n-gram credit that one group alone could give, in [0, 1]; None without credit, and of other matchers."""

    @property
    def kept(self) -> tuple[int, ...]:
        """Positions of the groups that take part."""
        return tuple(i for i, share in enumerate(self.source) if share is not None)

    @property
    def single_group(self) -> bool:
        return len(self.kept) == 1

    def fair(self, reading: Reading) -> tuple[Fraction | None, ...]:
        """Fair share per group: the source's (ratio), or 1 / number of kept groups (equal)."""
        if reading == "ratio":
            return self.source
        return tuple(None if share is None else Fraction(1, len(self.kept)) for share in self.source)

    def pairs(self, reading: Reading) -> list[tuple[int, Fraction, Fraction]]:
        """(position of the group, fair share p_x, share of the summary p_y) of the kept groups.

        Raises:
            BadInput: the sample is unscored.
        """
        if self.summary is None:
            raise BadInput(f"an unscored sample ({self.unscored}) has no shares: leave it out and count it")
        fair = self.fair(reading)
        return [
            (i, p_x, p_y)
            for i, (p_x, p_y) in enumerate(zip(fair, self.summary, strict=True))
            if p_x is not None and p_y is not None
        ]

    def least_ratio(self, reading: Reading) -> Fraction:
        """The least p_y / p_x of the groups with a fair share: one is below τ times its share just where this is below τ.

        Raises:
            BadInput: the sample is unscored.
        """
        return min(p_y / p_x for _, p_x, p_y in self.pairs(reading) if p_x)

    def unwritten(self, reason: str) -> Shares:
        """The same source without a scored summary."""
        return Shares(self.groups, self.source, None, NO_SOURCE if not self.kept else reason)


def from_counts(
    groups: Sequence[str],
    source: Mapping[str, Fraction | int],
    summary: Mapping[str, Fraction | int],
    *,
    zero_match: Literal["unscored", "uniform"] = "unscored",
    keep: Literal["source", "all"] = "source",
    no_match: str = NO_MATCH,
) -> Shares:
    """Counts N_x, N_y per group → shares over the kept groups.

    Args:
        groups: all groups of the corpus.
        source, summary: counts ≥ 0 per group; a missing group counts 0.
        zero_match: what a summary without any count is: unscored, or uniform over kept groups (as published).
        keep: a group is kept when its source count is > 0 (source), or always (all: labelled sentences, where
            a group that only the summary speaks for must not vanish).
        no_match: the reason given to a summary without any count.

    Raises:
        BadInput: a negative count, or a group that the corpus does not have.
    """
    for side, counts in (("source", source), ("summary", summary)):
        for group, count in counts.items():
            if group not in groups:
                raise BadInput(f"{side} counts name the group {group!r}; the corpus has {', '.join(groups)}")
            if count < 0:
                raise BadInput(f"{side} count of group {group!r} is {count}; counts are ≥ 0")
    total = sum(source.get(group, 0) for group in groups)
    kept = [total > 0 and (keep == "all" or source.get(group, 0) > 0) for group in groups]
    p_x = tuple(
        Fraction(source.get(group, 0), total) if taken else None
        for group, taken in zip(groups, kept, strict=True)
    )
    names = tuple(groups)
    if total == 0:
        return Shares(names, p_x, None, NO_SOURCE)
    matched = sum(summary.get(group, 0) for group, taken in zip(groups, kept, strict=True) if taken)
    if matched == 0:
        if zero_match == "unscored":
            return Shares(names, p_x, None, no_match, zero_match=True)
        uniform = tuple(Fraction(1, sum(kept)) if taken else None for taken in kept)
        return Shares(names, p_x, uniform, zero_match=True)
    p_y = tuple(
        Fraction(summary.get(group, 0), matched) if taken else None
        for group, taken in zip(groups, kept, strict=True)
    )
    return Shares(names, p_x, p_y)


def from_shares(
    groups: Sequence[str], source: Mapping[str, Fraction], summary: Mapping[str, Fraction]
) -> Shares:
    """Given shares; a group with source share 0 is not kept, and the shares are taken over kept groups.

    Raises:
        BadInput: shares that do not sum to 1 exactly, negative ones, unknown groups.
    """
    for side, shares in (("source", source), ("summary", summary)):
        total = sum(shares.values(), Fraction(0))
        if total != 1:
            raise BadInput(f"{side} shares sum to {total}; they must sum to exactly 1, as fractions")
    return from_counts(groups, source, summary)
