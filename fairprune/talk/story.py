"""Stored runs → the slides of a talk. Values only: what draws them is `assets/talk.js`, in a file and in the app alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from fairprune import examples
from fairprune.bundle.terms import info_of, terms_of
from fairprune.bundle.write import PROVENANCE
from fairprune.charts import percent
from fairprune.errors import BadInput, StoreError
from fairprune.headlines import headlines
from fairprune.mask_details import result_kind
from fairprune.store import Run, Store
from fairprune.talk import slides
from fairprune.talk.pair import Pair, Reading, read
from fairprune.talk.slides import Flag, Slide
from fairprune.text import counted, short_name
from fairprune.tradeoffs import Entry, comparable
from fairprune.uncertainty import FEW_SAMPLES
from fairprune.voices import ALL, collect

TITLE = "Who is still heard after pruning?"
LEAST_STEPS = 3
"""Places of the slider, the dense model among them, from which on there is something to drag."""


@dataclass(frozen=True)
class Story:
    """A talk: slides in the order in which they are told."""

    title: str
    run: Run
    """The run that is told of."""
    told: int | None
    """Position of the sample that is shown; None: no sample is fit to be shown."""
    pair: Pair | None
    """What is to be judged; None: nothing is fit for it."""
    slides: tuple[Slide, ...]

    def to_json(self) -> dict[str, Any]:
        """What the script draws."""
        return {"title": self.title, "slides": [asdict(slide) for slide in self.slides]}


def chosen_runs(store: Store, names: Sequence[str], *, alone: bool = False) -> list[Run]:
    """The runs of a talk, the one to tell of first.

    Args:
        names: ids or unique beginnings; empty: the example runs, brought into the store where they are missing.
        alone: whether a single run stays alone; otherwise all stored runs that compare with it follow.

    Raises:
        NoSuchRun: a name that is not stored. StoreError: a run that is not finished, or there are no examples.
    """
    if names:
        found = list({run.id: run for run in map(store.run, names)}.values())
    else:
        examples.ensure(store)
        found = examples.runs(store)[:1]
        if not found:
            raise StoreError("there are no example runs here: name a run of your own")
    for run in found:
        if run.state != "done":
            raise StoreError(f"run {run.id} is {run.state}: choose finished runs")
    return [*found, *_compared(store, found[0])] if len(found) == 1 and not alone else found


def _compared(store: Store, run: Run) -> list[Run]:
    """The other stored runs whose numbers may stand beside this one's."""
    return [entry.run for entry in beside(store, [run, *store.runs("done", ALL)]) if entry.run.id != run.id]


def beside(store: Store, runs: Iterable[Run]) -> list[Entry]:
    """Of these runs, each once, those that compare with the first one."""
    distinct = list({run.id: run for run in runs}.values())
    known = headlines(store, [run.id for run in distinct])
    entries = [Entry(run, known[run.id]) for run in distinct if run.id in known]
    return next(
        (found for found in comparable(entries) if any(entry.run.id == distinct[0].id for entry in found)),
        [],
    )


def tell(store: Store, runs: Sequence[Run], *, sample: int | None = None, judged: int | None = None) -> Story:
    """The talk of these runs.

    Args:
        runs: finished; the first one is told of, the others stand in the slider and in the charts.
        sample: position of the sample that is shown; None: one that changed much and says something.
        judged: position of the sample that is judged; None: another one of that kind.

    Raises:
        BadInput: a sample that is not there, or that cannot be judged. StoreError: a run without results.
    """
    run = runs[0]
    reading = read(store, run)
    told = reading.told() if sample is None else reading.pair(sample).position
    pair = _pair(reading, told, judged)
    entries = beside(store, runs)
    seed = run.spec.calibration.seed
    drawn = [entry for entry in entries if entry.spec.calibration.seed == seed]
    warned = flags(reading.evaluation)
    found = [slides.question(TITLE, facts(store, reading, entries or [Entry(run, {})]), warned)]
    if told is not None:
        found.append(slides.changed(reading, reading.pair(told), warned))
        voices = collect(store, run, told, reading.groups, [entry.run for entry in drawn] or [run])
        if len(voices.steps) >= LEAST_STEPS:
            found.append(slides.dragged(voices, run, told, warned))
    if entries:
        own = next(entry for entry in entries if entry.run.id == run.id)
        found.append(slides.numbers(own, warned))
        charts = slides.trade_offs(drawn, warned, left_out=len(runs) - len(drawn))
        if charts is not None:
            found.append(charts)
    sparsity = store.result(run.id, "sparsity")
    if sparsity is not None and sparsity["matrices"]:
        found.append(
            slides.layers(run, sparsity, lambda block: store.result(run.id, result_kind(block)) or {})
        )
    if pair is not None:
        found.append(slides.judge(pair, reading, warned))
    return Story(TITLE, run, told, pair, tuple(found))


def _pair(reading: Reading, told: int | None, judged: int | None) -> Pair | None:
    """The pair to judge.

    Raises:
        BadInput: the one that was asked for cannot be judged.
    """
    place = reading.judged(told) if judged is None else judged
    if place is None:
        return None
    pair = reading.pair(place)
    if pair.unfit is not None:
        raise BadInput(f"{pair.unfit}: choose another sample to judge")
    return pair


def flags(evaluation: Mapping[str, Any]) -> tuple[Flag, ...]:
    """What must be known before any number, the gravest first; empty where nothing limits them."""
    found = []
    for system, of in evaluation["degenerate"].items():
        if of["flag"]:
            short = f"{percent(of['share'], 0)} of the {system} summaries are degenerate"
            found.append(Flag(f"{short} (n = {of['n']}): no fairness number of theirs means anything", short))
    for reason in evaluation.get("no_claim") or ():
        said = f"{reason[:1].upper()}{reason[1:]}: the numbers support no claim about pruning"
        if "degenerate" not in reason:
            found.append(Flag(said, f"no claim about pruning: {reason}"))
        elif not evaluation["degenerate"].get("dense", {}).get("flag"):
            found.append(Flag(said, said))
    n = evaluation["n_samples"]
    if n < FEW_SAMPLES:
        long = f"n = {n} samples, fewer than {FEW_SAMPLES}: a demonstration, no inference"
        found.append(Flag(long, f"demonstration, no inference (n = {n})"))
    return tuple(found)


def facts(store: Store, reading: Reading, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    """What was computed, of what, when, by which versions, and whose the texts are: (name, words)."""
    run = reading.run
    spec = run.spec
    info, terms = info_of(spec.evaluation.corpus, reading.groups), terms_of(spec.evaluation.corpus)
    methods = sorted({entry.spec.pruning.method for entry in entries})
    amounts = sorted({entry.spec.pruning.sparsity for entry in entries})
    spread = (
        percent(amounts[0], 0)
        if len(amounts) == 1
        else f"{percent(amounts[0], 0)} to {percent(amounts[-1], 0)}"
    )
    evaluation = reading.evaluation
    return [
        ("Model", short_name(spec.model.name)),
        (
            "Pruned by",
            f"{', '.join(methods)}; {spread} of the linear layers' weights ({counted(len(entries), 'run')})",
        ),
        (
            "Opinions",
            f"{info.title}: {evaluation['n_samples']} sets of {spec.evaluation.set_size} on "
            f"{counted(evaluation['n_topics'], 'topic')}, groups {' and '.join(reading.groups)}",
        ),
        ("Computed", _made(store, run)),
        ("Texts", f"{terms.attribution} Licence: {terms.licence}."),
    ]


def _made(store: Store, run: Run) -> str:
    """'2026-11-25 with fairprune 0.1.0, torch 2.13.0, transformers 5.23.0; run 0123456789abcdef'."""
    from fairprune.bundle.manifest import WrittenWith, written_with

    date = run.finished or run.created
    provenance = store.result(run.id, PROVENANCE)
    made = (
        written_with(date) if provenance is None else WrittenWith.model_validate(provenance["written_with"])
    )
    packages = ", ".join(
        f"{name} {made.packages.get(name, 'not known')}" for name in ("torch", "transformers")
    )
    return f"{date:%Y-%m-%d} with fairprune {made.fairprune}, {packages}; run {run.id}"


def without_pair(slide: Slide) -> Slide:
    """The slide of the judgment without the texts, for a room that reads them on its phones: sides differ there."""
    return replace(slide, blocks=tuple(block for block in slide.blocks if block["kind"] != "judge"))
