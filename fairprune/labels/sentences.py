"""From probabilities to the label of a sentence: a group, several, or none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fairprune.uncertainty import FloatArray

MIXED, NONE = "mixed", "none"

# Words after which a sentence may turn to the other side.
_CONTRAST = re.compile(
    r"[,;]?\s+\b(?:but|while|whereas|although|though|however|yet)\b,?\s*|\s*;\s*", re.IGNORECASE
)
_LEADING_CONTRAST = re.compile(r"^(?:while|whereas|although|though)\b([^,]+),\s*(.+)$", re.IGNORECASE)
_MIN_CLAUSE = 3  # words; below that a clause carries no opinion of its own
_DIVIDED = re.compile(
    r"\b(?:opinions?|views?|critics|reviewers|reviews|audiences?|viewers|customers|users|voters|speakers|people)"
    r"\s+(?:\w+\s+){0,3}(?:divided|split|mixed|polari[sz]ed)\b"
    r"|\bmixed (?:reviews|reactions|opinions|feelings)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SentenceLabel:
    """The label of one sentence."""

    sentence: str
    label: str
    """A group, 'mixed' or 'none'."""
    probability: float
    """Of the group; of the least sure clause for 'mixed'; of the likeliest group for 'none'. In [0, 1]."""
    groups: tuple[str, ...]
    """Whom it counts for, 1/r each: one group, the r groups of a mixed sentence, nobody for 'none'."""


def clauses(sentence: str) -> list[str]:
    """The parts of a sentence between contrastive words, of at least three words; [] where there are not two.

    >>> clauses("The acting is superb, but the plot makes no sense.")
    ['The acting is superb', 'the plot makes no sense.']
    """
    leading = _LEADING_CONTRAST.match(sentence)
    parts = [leading[1], leading[2]] if leading else _CONTRAST.split(sentence)
    kept = [part.strip() for part in parts if len(part.split()) >= _MIN_CLAUSE]
    return kept if len(kept) > 1 else []


def label_sentences(
    sentences: Sequence[str],
    groups: tuple[str, ...],
    probabilities: Callable[[Sequence[str]], FloatArray],
    none_below: float,
) -> list[SentenceLabel]:
    """A label per sentence, in order; the probabilities of each distinct text are asked for once.

    A sentence whose clauses are surely of different groups, or that says that opinions are divided, is
    'mixed'; one whose likeliest group has a probability below `none_below` is 'none'.

    Args:
        probabilities: texts → (n, groups), rows in [0, 1].
    """
    parts = {sentence: clauses(sentence) for sentence in sentences}
    texts = list(dict.fromkeys([*parts, *(clause for found in parts.values() for clause in found)]))
    rows = dict(zip(texts, probabilities(texts), strict=True))
    labels = {s: _label(s, groups, rows[s], [rows[c] for c in parts[s]], none_below) for s in parts}
    return [labels[sentence] for sentence in sentences]


def _label(
    sentence: str,
    groups: tuple[str, ...],
    row: FloatArray,
    clause_rows: Sequence[FloatArray],
    none_below: float,
) -> SentenceLabel:
    best, probability = int(row.argmax()), float(row.max())
    if _DIVIDED.search(sentence):
        return SentenceLabel(sentence, MIXED, probability, groups)
    sure = [(int(part.argmax()), float(part.max())) for part in clause_rows if part.max() >= none_below]
    sides = sorted({group for group, _ in sure})
    if len(sides) > 1:
        least = min(p for _, p in sure)
        return SentenceLabel(sentence, MIXED, least, tuple(groups[i] for i in sides))
    if probability < none_below:
        return SentenceLabel(sentence, NONE, probability, ())
    return SentenceLabel(sentence, groups[best], probability, (groups[best],))
