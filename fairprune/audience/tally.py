"""Votes by sides → a verdict by systems, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fairprune.charts import percent
from fairprune.store.audience import Answer
from fairprune.uncertainty.intervals import wilson

OUTCOMES = {
    "dense": "The dense model's summary is fairer",
    "pruned": "The pruned model's summary is fairer",
    "tie": "Both are equally fair",
    "both_unfair": "Both are unfair",
    "cannot_tell": "Cannot tell",
}
"""What a phone has said, with its sides traced back to the systems → its name."""


@dataclass(frozen=True)
class Outcome:
    """One answer and how many gave it."""

    name: str
    """A key of OUTCOMES."""
    count: int
    n: int
    """Phones that voted."""
    low: float | None
    """Wilson's 95 % interval of the share, a fraction; None without votes."""
    high: float | None

    @property
    def share(self) -> float | None:
        return self.count / self.n if self.n else None

    @property
    def words(self) -> str:
        """'40.0 % (4 of 10; 95 %: 16.8 to 68.7 %)'."""
        if self.low is None or self.high is None:
            return "no votes"
        ends = f"{100 * self.low:.1f} to {percent(self.high)}"
        return f"{percent(self.share)} ({self.count} of {self.n}; 95 %: {ends})"


@dataclass(frozen=True)
class Tally:
    """All answers of an audience."""

    outcomes: tuple[Outcome, ...]
    """One per key of OUTCOMES, in that order."""
    n: int
    """Phones that voted."""
    left: int
    """Votes for the side that stood first."""
    sides: int
    """Votes for either side: half of them are expected on the left where nobody minds the place."""


def tally(counts: Mapping[tuple[Answer, bool], int]) -> Tally:
    """The verdict of stored votes.

    Args:
        counts: (answer by sides, whether side A was the pruned model's) → phones, as `Store.vote_counts` gives it.
    """
    found = dict.fromkeys(OUTCOMES, 0)
    for (answer, swapped), count in counts.items():
        found[_outcome(answer, swapped)] += count
    n = sum(found.values())
    left = sum(count for (answer, _), count in counts.items() if answer == "a")
    sides = left + sum(count for (answer, _), count in counts.items() if answer == "b")
    outcomes = []
    for name, count in found.items():
        low, high = wilson(count, n) if n else (None, None)
        outcomes.append(Outcome(name, count, n, low, high))
    return Tally(tuple(outcomes), n, left, sides)


def _outcome(answer: Answer, swapped: bool) -> str:
    if answer not in ("a", "b"):
        return answer
    return "pruned" if (answer == "a") == swapped else "dense"
