"""What a study can be made of: stored runs that summarise the same opinion sets, as systems with their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from fairprune.errors import BadInput
from fairprune.headlines import headlines
from fairprune.judgments.design import Candidate
from fairprune.judgments.frozen import System
from fairprune.judgments.texts import names_of
from fairprune.opinions import OpinionSet
from fairprune.store import Run, Store
from fairprune.text import short_name

MOST_RUNS = 500
CLASSIFIER = ("labels", "label_map", "labels_identity", "none_below", "seed")
"""Fields of a run's metrics that decide what its sentences are called."""
LONGEST_NAME = 160


@dataclass(frozen=True)
class Family:
    """Runs that summarise the same opinion sets, so that their summaries can stand beside one another."""

    key: str
    """Of corpus and sets; the same in every install."""
    corpus: str
    n_samples: int
    runs: tuple[Run, ...]
    degenerate: frozenset[str]
    """Runs whose pruned summaries say too little to be judged: empty, repeating, off the topic."""


@dataclass(frozen=True)
class Source:
    """One system with its summaries."""

    system: System
    generation_id: str
    texts: Mapping[str, tuple[int, str]]
    """Opinion set → (position in the generation, summary); without empty ones."""
    labels: Mapping[str, tuple[tuple[str, str, float], ...]] = field(default_factory=dict)
    """Opinion set → (sentence, label, confidence) of its summary, as the run's classifier has it; empty where nobody asked for it."""


@dataclass(frozen=True)
class Material:
    """All that items are made of."""

    corpus: str
    sources: tuple[Source, ...]
    own: Mapping[str, str]
    """Name of a pruned system → name of its dense one, where that is among them."""
    sets: Mapping[str, OpinionSet]
    """All that the runs summarise, in their order."""
    names: tuple[str, ...]
    """What would give a model or a method away."""
    groups: tuple[str, ...] = ()
    """Of the corpus, in its order; () where nobody asked for labels, as below."""
    classifier: str = ""
    """What labelled the sentences."""

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """Samples of which every system has a summary; the stratum is the composition of the opinions."""
        return tuple(
            Candidate(key, one.composition)
            for key, one in self.sets.items()
            if all(key in source.texts for source in self.sources)
        )

    @property
    def fewest_sentences(self) -> int:
        """Labelled sentences of the system that wrote the fewest, of the samples that can be drawn."""
        ids = {one.id for one in self.candidates}
        return min(sum(len(own) for key, own in one.labels.items() if key in ids) for one in self.sources)

    @property
    def incomplete(self) -> int:
        """Samples without a summary by one of the systems."""
        return len(self.sets) - len(self.candidates)


def families(store: Store) -> list[Family]:
    """The finished runs of the store by what they summarise; the family of the newest run first."""
    runs = store.runs("done", MOST_RUNS)
    known = headlines(store, [run.id for run in runs])
    found: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        if run.id in known:
            found.setdefault((run.spec.evaluation.corpus, known[run.id]["sets"]), []).append(run)
    return [
        Family(f"{corpus}-{sets}", corpus, known[of[0].id]["n_samples"], tuple(of), _degenerate(of, known))
        for (corpus, sets), of in found.items()
    ]


def _degenerate(runs: Sequence[Run], known: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    found = {run.id: known[run.id]["degenerate"].get("pruned") or {} for run in runs}
    return frozenset(key for key, one in found.items() if one.get("flag"))


def system_name(run: Run) -> str:
    """How a run's pruned model is called among others: its own name, or method, sparsity, and what was done beside pruning."""
    return (run.name or run.spec.system_name())[:LONGEST_NAME]


def material_of(store: Store, run_ids: Sequence[str], *, dense: bool, labelled: bool = False) -> Material:
    """The systems of these runs.

    Args:
        dense: with the dense model of each; runs that share it have one dense system.
        labelled: with the labels of their sentences.

    Raises:
        BadInput: no run, runs of different opinion sets, one without summaries; of labels one without them, or runs whose
            sentences different classifiers labelled. StoreError: there is no such run.
    """
    if not run_ids:
        raise BadInput("no run is chosen: choose at least one whose summaries are to be judged")
    runs = [store.run(run_id) for run_id in dict.fromkeys(run_ids)]
    sets: list[str] | None = None
    sources: list[Source] = []
    dense_names: dict[str, str] = {}
    own: dict[str, str] = {}
    called = _names(runs)
    for run in runs:
        generation = store.result(run.id, "generation")
        if generation is None or "pruned" not in generation["systems"]:
            raise BadInput(f"{run.label} ({run.id[:6]}) has no summaries: choose runs that are done")
        if sets is not None and generation["sets"] != sets:
            raise BadInput(
                f"{run.label} ({run.id[:6]}) summarises other opinions than {runs[0].label}: choose runs of the same opinion sets"
            )
        sets = generation["sets"]
        if dense and "dense" in generation["systems"]:
            key = generation["systems"]["dense"]["id"]
            if key not in dense_names:
                dense_names[key] = _dense_name(run, set(dense_names.values()))
                sources.append(_source(store, run, dense_names[key], "dense", key, sets))
            own[called[run.id]] = dense_names[key]
        pruned = generation["systems"]["pruned"]["id"]
        sources.append(_source(store, run, called[run.id], "pruned", pruned, sets))
    names = [name for run in runs for name in (*names_of(run.spec.model.name), run.spec.pruning.method)]
    found = store.sets(sets or [])
    material = Material(
        runs[0].spec.evaluation.corpus,
        tuple(sources),
        own,
        {key: found[key] for key in sets or []},
        tuple(dict.fromkeys(names)),
    )
    return _labelled(store, runs, material) if labelled else material


def _labelled(store: Store, runs: Sequence[Run], material: Material) -> Material:
    """With what each run's own classifier called its sentences: only one classifier gets one confusion matrix."""
    evaluations = store.results("evaluation", [run.id for run in runs])
    chosen = {name: getattr(runs[0].spec.metrics, name) for name in CLASSIFIER}
    for run in runs:
        report = evaluations.get(run.id, {}).get("classifier", {})
        if "source" not in report:
            why = report.get("reason") or "it was not evaluated"
            raise BadInput(
                f"the sentences of {run.label} ({run.id[:6]}) have no labels: {why}. Choose other runs"
            )
        for name, value in chosen.items():
            other = getattr(run.spec.metrics, name)
            if other != value:
                raise BadInput(
                    f"{runs[0].label} was labelled with {name} {value!r}, {run.label} with {other!r}: choose runs of one classifier"
                )
    first = evaluations[runs[0].id]
    return replace(
        material,
        sources=tuple(
            replace(source, labels=_labels_of(evaluations[source.system.run], source))
            for source in material.sources
        ),
        groups=tuple(dict.fromkeys(str(row["group"]) for row in first["groups"])),
        classifier=str(first["classifier"]["source"]),
    )


def _labels_of(
    evaluation: Mapping[str, Any], source: Source
) -> dict[str, tuple[tuple[str, str, float], ...]]:
    """Each sentence of a summary once: one that a model repeats is asked once."""
    found = {}
    for sample in evaluation["samples"]:
        key = sample["set_id"]
        rows = (sample.get(source.system.summaries) or {}).get("labels") or []
        if key in source.texts and rows:
            once = {text.strip(): (text.strip(), str(label), float(p)) for text, label, p in rows}
            found[key] = tuple(once.values())
    return found


def _names(runs: Sequence[Run]) -> dict[str, str]:
    """Run → a name that no other has."""
    plain = [system_name(run) for run in runs]
    return {
        run.id: f"{name} ({run.id[:6]})" if plain.count(name) > 1 or name.startswith("dense") else name
        for run, name in zip(runs, plain, strict=True)
    }


def _dense_name(run: Run, taken: set[str]) -> str:
    if not taken:
        return "dense"
    name = f"dense {short_name(run.spec.model.name)}"
    return name if name not in taken else f"{name} ({run.id[:6]})"


def _source(
    store: Store,
    run: Run,
    name: str,
    kind: Literal["dense", "pruned"],
    generation_id: str,
    sets: Sequence[str],
) -> Source:
    texts = {
        sets[row.position]: (row.position, row.text)
        for row in store.summaries(generation_id)
        if row.position < len(sets) and row.text.strip()
    }
    return Source(System(name=name, run=run.id, summaries=kind), generation_id, texts)
