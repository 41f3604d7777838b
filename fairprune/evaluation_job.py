"""What `evaluate` and `gate` do around the scores: find data, systems, a classifier, and the sides of a gate."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairprune.errors import BadInput, StoreError, unknown
from fairprune.evaluate import checked_metrics
from fairprune.labels import (
    TRAIN_OPINIONS,
    Embedder,
    Labeller,
    make_labeller,
    sentence_embedder,
)
from fairprune.literature import Columns, Dataset, load
from fairprune.metric_spec import MetricSpec, parse_choices
from fairprune.spec import parse_part
from fairprune.text import counted

if TYPE_CHECKING:
    from fairprune.gate_sides import Side

SELF = "self"
SELF_SHARE = 0.1
"""A classifier may learn from at most this share of the opinions that it then labels."""
_RUN_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Source:
    """A data set as the command line names it."""

    name: str
    attribute: str | None
    format: str | None
    columns: Columns

    def load(self, name: str | None = None) -> Dataset:
        """The data set, or another file read in the same way."""
        if self.attribute is None:
            raise BadInput(
                "what are the groups? Give --attribute: a key of units[].value, or the column of labels"
            )
        return load(name or self.name, self.attribute, self.format, columns=self.columns)


def metric_spec(pairs: Sequence[str], *, matcher: str, **values: Any) -> MetricSpec:
    """The metrics' spec of the options.

    Args:
        pairs: any other field, as 'matcher_model=FOLDER'.

    Raises:
        BadInput: a field that the spec does not have, a value that it refuses.
    """
    own = (*values, "matcher", "labels_identity")
    return parse_part(MetricSpec, {**parse_choices(pairs, own), "matcher": matcher, **values})


def encoder_of(spec: MetricSpec) -> Embedder | None:
    """The packaged sentence encoder where the spec asks for similarity; it is loaded at the first text."""
    return sentence_embedder() if any("embedding" in name for name in (spec.matcher, *spec.extra)) else None


def find_systems(asked: Sequence[str], data: Dataset) -> dict[str, list[str | None]]:
    """Label → summaries, in the order given; a label that stands twice gets a number.

    Raises:
        BadInput: what `summaries.find` refuses.
    """
    from fairprune.literature.summaries import find

    systems: dict[str, list[str | None]] = {}
    for one in asked:
        label, texts = find(one, data)
        systems[free_label(label, systems)] = texts
    return systems


def free_label(label: str, taken: Mapping[str, Any]) -> str:
    """The label, or the first 'label 2', 'label 3' … that is not taken."""
    name, number = label, 1
    while name in taken:
        number += 1
        name = f"{label} {number}"
    return name


def classifier_of(
    train: str | None, data: Dataset, source: Source, spec: MetricSpec
) -> tuple[Labeller | None, str | None, tuple[str, ...]]:
    """Who labels sentences by group, or None and why there is nobody; and notes of what was left out of training.

    A classifier learns from no opinion that it labels afterwards; where all training texts are such, they are treated as
    `self` is.

    A model of the spec's is tested on the training opinions where they are given.

    Raises:
        BadInput: the training file cannot be read, or has other groups.
        Unavailable: the sentence encoder or the spec's model cannot be had.
    """
    if train is None:
        if spec.labels == "packaged":
            return None, "no group classifier: give --train FILE of labelled opinions", ()
        return *make_labeller(spec, (), data.info.groups, sentence_embedder(), data.sets), ()
    other = data if train == SELF else source.load(train)
    opinions = list({o.text: o for one in other.sets for o in one.opinions}.values())
    strange = {o.group for o in opinions} - set(data.info.groups)
    if strange:
        raise unknown(f"group in {train}:", min(strange), data.info.groups)
    learns = not spec.labels.startswith("model:")
    evaluated = {o.text for one in data.sets for o in one.opinions}
    new = [o for o in opinions if o.text not in evaluated]
    if learns and not new and len(opinions) * SELF_SHARE < TRAIN_OPINIONS:
        reason = (
            f"{counted(len(opinions), 'labelled opinion is', 'labelled opinions are')} "
            f"too few for a classifier that labels them too: it would learn from "
            f"{TRAIN_OPINIONS}, more than {SELF_SHARE:.0%}; give --train FILE of other opinions"
        )
        return None, reason, ()
    notes: tuple[str, ...] = ()
    if learns and new and len(new) < len(opinions):
        notes = (
            f"{len(opinions) - len(new):,} of {counted(len(opinions), 'training text')} are among the evaluated opinions: "
            "left out of training",
        )
        opinions = new
    return *make_labeller(spec, opinions, data.info.groups, sentence_embedder(), data.sets), notes


def scored_sides(
    source: Source, spec: MetricSpec, train: str | None, baseline: str, candidate: str
) -> tuple[Side, Side]:
    from fairprune.comparison import compare
    from fairprune.gate_sides import side_of

    data = source.load()
    spec = checked_metrics(spec, data.info.groups)
    systems = find_systems([baseline, candidate], data)
    classifier, reason, notes = classifier_of(train, data, source, spec)
    data = replace(data, notes=(*data.notes, *notes))
    result = compare(data, systems, spec, classifier, reason=reason, encoder=encoder_of(spec))
    first, second = (side_of(result, name, data.info.title) for name in systems)
    return first, second


def stored_sides(baseline: str, candidate: str) -> tuple[Side, Side]:
    """Both sides from stored runs or result files.

    Where no system is named: of a run its pruned model (for the baseline the dense one where both sides are the same
    run); of a file its baseline for the baseline, and the only other one for the candidate.
    """
    from fairprune.gate_sides import side_of, systems_of

    (one, first), (two, second) = _named_system(baseline), _named_system(candidate)
    before, after = _result(one), _result(two)
    if first is None:
        known = systems_of(before)
        first = known[-1] if "run_id" in before and one != two else known[0]
    if second is None:
        known = systems_of(after)
        others = known[1:] or known
        if len(others) != 1:
            raise BadInput(f"which system of {two}? Write {two}:SYSTEM with one of {', '.join(known)}")
        second = others[0]
    if (one, first) == (two, second):
        raise BadInput(f"both sides are {one}:{first}: name two systems, such as {one}:SYSTEM")
    return side_of(before, first, one), side_of(after, second, two)


def _named_system(name: str) -> tuple[str, str | None]:
    """'result.json:tiny' → ('result.json', 'tiny')."""
    if Path(name).is_file():
        return name, None
    head, colon, tail = name.rpartition(":")
    return (head, tail) if colon else (name, None)


def _result(name: str) -> dict[str, Any]:
    """A stored run's results, or those of a file."""
    if Path(name).is_file():
        from fairprune.gate_sides import read_result

        return read_result(Path(name))
    if not _RUN_ID.fullmatch(name):
        raise BadInput(
            f"{name!r} is neither a file nor a run id (16 hex digits): name a stored run, or a file of run --json or "
            "evaluate --json; to score files of summaries give --data"
        )
    from fairprune.results import run_result
    from fairprune.store import open_store

    with open_store() as store:
        try:
            return run_result(store, store.run(name))
        except StoreError as error:
            raise BadInput(str(error)) from error
