"""Labels that come with the data: the user's own column for opinions (or sentences), a classifier for the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fairprune.errors import unknown
from fairprune.labels.labeller import Labeller
from fairprune.labels.sentences import MIXED, NONE, SentenceLabel
from fairprune.opinions import OpinionSet
from fairprune.text import sentences

OWN = "the data's own groups"


@dataclass(frozen=True)
class GivenLabels:
    """Sentences with a label of their own; every other one goes to `other`."""

    groups: tuple[str, ...]
    table: dict[str, SentenceLabel]
    """Sentence → its label, probability 1."""
    other: Labeller | None
    """None: a sentence without a label of its own is 'none', probability 0."""
    report: dict[str, Any]
    """Of `other`, with the source of the given labels named in front."""

    def label(self, sentences: Sequence[str], none_below: float) -> list[SentenceLabel]:
        """A label per sentence, in order."""
        rest = [sentence for sentence in sentences if sentence not in self.table]
        if self.other is None:
            found = [SentenceLabel(sentence, NONE, 0.0, ()) for sentence in rest]
        else:
            found = self.other.label(rest, none_below) if rest else []
        known = self.table | {label.sentence: label for label in found}
        return [known[sentence] for sentence in sentences]


def given_labels(
    groups: Sequence[str], rows: Iterable[tuple[str, str]], other: Labeller | None
) -> GivenLabels:
    """Labels of (text, label) rows: each sentence of a text has the text's label.

    A sentence that stands under several groups ('A great movie.') speaks for all of them: 'mixed'.

    Args:
        rows: label is a group, 'mixed' or 'none'.
        other: labels sentences that no row has.

    Raises:
        BadInput: a label that is no group.
    """
    names = tuple(groups)
    heard: dict[str, set[str]] = {}
    for text, label in rows:
        if label not in (*names, MIXED, NONE):
            raise unknown("label in the data:", label, [*names, MIXED, NONE])
        for sentence in sentences(text):
            heard.setdefault(sentence, set()).update(names if label == MIXED else {label} - {NONE})
    table = {
        sentence: _given(sentence, tuple(g for g in names if g in found)) for sentence, found in heard.items()
    }
    about = {"source": OWN, "reason": "sentences without a label of their own have no group"}
    if other is not None:
        about = {**other.report, "source": f"{OWN}; for other sentences {other.report.get('source')}"}
    return GivenLabels(names, table, other, about)


def opinion_rows(sets: Sequence[OpinionSet]) -> list[tuple[str, str]]:
    """(text, group) of every opinion: the rows of a source side that needs no classifier."""
    return [(opinion.text, opinion.group) for one in sets for opinion in one.opinions]


def _given(sentence: str, groups: tuple[str, ...]) -> SentenceLabel:
    label = NONE if not groups else groups[0] if len(groups) == 1 else MIXED
    return SentenceLabel(sentence, label, 1.0, groups)
