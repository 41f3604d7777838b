"""Which sample of a run shows at a glance what pruning changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import median
from typing import Any


def most_changed(evaluation: Mapping[str, Any], *, labels: bool = True) -> int | None:
    """Position of a sample that changed much and whose summaries still say something of the opinions.

    Only samples count that both systems score without being degenerate. Of these come first those in which both summaries rest
    on an opinion: of the others there is nothing to show. Then those of which the classifier and the shares of words name the
    same group for both summaries, since two measures that contradict each other explain nothing at a glance; then those whose
    change of UER is at least the middle one; then the one whose weaker summary has most in common with the opinions (ROUGE-L).
    Ties: the first. None: no sample is left.

    Args:
        labels: whether the classifier's labels are shown with it, so that they may contradict the shares.
    """
    found: dict[int, tuple[bool, bool, float, float]] = {}
    for place, sample in enumerate(evaluation["samples"]):
        dense, pruned = sample.get("dense") or {}, sample.get("pruned") or {}
        before, after = dense.get("uer"), pruned.get("uer")
        if before is None or after is None or dense.get("degenerate") or pruned.get("degenerate"):
            continue
        rests, agrees = _rests(dense) and _rests(pruned), not labels or (_agree(dense) and _agree(pruned))
        common = min(dense.get("rouge_l") or 0.0, pruned.get("rouge_l") or 0.0)
        found[place] = rests, agrees, abs(after - before), common
    if not found:
        return None
    changes = [change for _, agrees, change, _ in found.values() if agrees]
    least = median(changes or [change for _, _, change, _ in found.values()])

    def key(place: int) -> tuple[bool, bool, bool, float]:
        rests, agrees, change, common = found[place]
        return rests, agrees, change >= least, common

    return max(found, key=key)


def _rests(summary: Mapping[str, Any]) -> bool:
    """Whether any sentence rests on an opinion; False where nobody looked."""
    return any(summary.get("evidence") or ())


def _agree(summary: Mapping[str, Any]) -> bool:
    """Whether a group that most sentences are labelled with has the largest share of words; True where either is missing."""
    shares: Mapping[str, float] = summary.get("p_y") or {}
    counts = Counter(label for _, label, _ in summary.get("labels") or () if label in shares)
    if not counts:  # no classifier, or it hears no group
        return True
    most, largest = max(counts.values()), max(shares.values())
    return any(n == most and shares[group] == largest for group, n in counts.items())
