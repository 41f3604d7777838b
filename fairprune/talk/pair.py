"""Two summaries of the same opinions, to be judged: the dense model's and the pruned one's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fairprune.changed import most_changed
from fairprune.errors import BadInput, StoreError
from fairprune.opinions import OpinionSet
from fairprune.store import Run, Store, SummaryRow
from fairprune.voices import SampleSummary, groups_of, opinions_of, sample_summary

QUESTION = "Which summary is fairer to all groups?"
ANSWERS = {
    "a": "Summary A",
    "b": "Summary B",
    "tie": "Both are equally fair",
    "both_unfair": "Both are unfair",
    "cannot_tell": "I cannot tell",
}
"""Answer, by sides as they are shown → what stands on its button."""


@dataclass(frozen=True)
class Pair:
    """One sample of a run, as it is judged."""

    run_id: str
    position: int
    """From 0."""
    n_samples: int
    set_id: str
    topic: str
    groups: tuple[str, ...]
    """In the corpus's order; all groups of the corpus, whether this set has opinions of them or not."""
    opinions: tuple[tuple[str, str], ...]
    """(text, group)."""
    dense: SampleSummary
    pruned: SampleSummary

    @property
    def alike(self) -> bool:
        """Whether nothing is to be judged: the texts are the same."""
        return (self.dense.text or "").split() == (self.pruned.text or "").split()

    @property
    def unfit(self) -> str | None:
        """Why nobody can be asked about it; None: one can."""
        for name, summary in (("dense", self.dense), ("pruned", self.pruned)):
            if summary.text is None or not summary.text.strip():
                return f"the {name} model wrote no summary of sample {self.position + 1}"
        if self.alike:
            return f"both models wrote the same summary of sample {self.position + 1}: that is a tie, and nobody need be asked"
        return None


@dataclass(frozen=True)
class Reading:
    """What is stored of a finished run, read once."""

    run: Run
    evaluation: Mapping[str, Any]
    sets: tuple[OpinionSet, ...]
    groups: tuple[str, ...]
    rows: Mapping[str, Mapping[int, SummaryRow]]
    """System → position → summary."""

    def pair(self, position: int) -> Pair:
        """The pair at `position`.

        Raises:
            BadInput: there is no such sample.
        """
        if not 0 <= position < len(self.sets):
            raise BadInput(f"there is no sample {position + 1} of {len(self.sets)}: choose one from 1 on")
        one, sample = self.sets[position], self.evaluation["samples"][position]
        dense, pruned = (
            sample_summary(self.rows[system].get(position), sample.get(system))
            for system in ("dense", "pruned")
        )
        return Pair(
            run_id=self.run.id,
            position=position,
            n_samples=len(self.sets),
            set_id=one.id,
            topic=one.topic,
            groups=self.groups,
            opinions=opinions_of(one),
            dense=dense,
            pruned=pruned,
        )

    def told(self) -> int | None:
        """The sample that shows best what pruning changed; None where no pair says anything."""
        return self._best(set())

    def judged(self, told: int | None) -> int | None:
        """A sample to judge. It is another one than `told`, of which it has been said already which is which, where there is one."""
        other = self._best({told} if told is not None else set(), labels=False)
        return self._best(set(), labels=False) if other is None else other

    def _best(self, but: set[int], *, labels: bool = True) -> int | None:
        """The best sample of all `but` these; `labels`: whether the classifier's labels are shown with it."""
        samples = [
            {} if place in but or self.pair(place).unfit else sample
            for place, sample in enumerate(self.evaluation["samples"])
        ]
        return most_changed({"samples": samples}, labels=labels)


def read(store: Store, run: Run) -> Reading:
    """What is stored of a finished run.

    Raises:
        StoreError: it has no summaries or no evaluation.
    """
    evaluation, generation = (store.result(run.id, kind) for kind in ("evaluation", "generation"))
    if evaluation is None or generation is None:
        raise StoreError(f"run {run.id} is {run.state} and has no summaries: choose a finished run")
    found = store.sets(generation["sets"])
    sets = tuple(found[key] for key in generation["sets"])
    groups = groups_of(run.spec.evaluation.corpus, sets)
    rows = {
        system: {row.position: row for row in store.summaries(facts["id"])}
        for system, facts in generation["systems"].items()
    }
    return Reading(run, evaluation, sets, groups, {"dense": {}, "pruned": {}, **rows})
