"""SPIN from sets to a document: select on one half of the prompts, edit, measure on the other half, beside both controls.

`run_spin` is what a run calls, and `spin_folder` what `python -m fairprune spin` does; `time_selection` is for benchmarks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fairprune.accelerator import release, wait
from fairprune.corpora.build import seeded_key
from fairprune.debias import awareness
from fairprune.debias.awareness import AwarenessItem, AwarenessSet
from fairprune.debias.hsic import LEAST_PAIRS
from fairprune.debias.phrases import CAUTIONARY
from fairprune.debias.spin import (
    Sample,
    apply_choice,
    backward_passes,
    encode,
    importance,
    matrices,
    undo,
)
from fairprune.debias.spin_choice import Choice, control_facts, control_first, control_random, couple, rank
from fairprune.debias.spin_measures import (
    ANSWER_TOKENS,
    FINAL,
    Material,
    Measured,
    Questions,
    bandwidths,
    compare,
    measure,
)
from fairprune.debias.spin_verdict import UNPRUNED, judge
from fairprune.errors import BadInput
from fairprune.models import LoadedModel, check_causal
from fairprune.uncertainty import FloatArray

if TYPE_CHECKING:
    from fairprune.debias_spec import EditSpec

Report = Callable[[int, int, str], None]
ROLES = ("first", "second", "general")
PAIRED = "the two sets are not written in pairs: no situation stands in both"


@dataclass(frozen=True)
class Halves:
    """Which items the weights are chosen from, and on which the effect is measured: role → items."""

    selection: Mapping[str, tuple[AwarenessItem, ...]]
    measurement: Mapping[str, tuple[AwarenessItem, ...]]
    left_out: Mapping[str, int]
    """Items that are measured on nowhere because another set's selection reads their prompt."""


def load_sets(edit: EditSpec) -> dict[str, AwarenessSet]:
    """The three sets of an edit by role.

    Raises:
        BadInput: a set that is not known.
    """
    return {role: awareness.load(getattr(edit, role)) for role in ROLES}


def split_sets(sets: Mapping[str, AwarenessSet], edit: EditSpec, measured: int | None = None) -> Halves:
    """The two halves of each set; no prompt of any selection is in any measurement.

    Args:
        measured: prompts of each set to measure on, at most; None: the whole half.

    Raises:
        BadInput: sets that say nothing together (`awareness.check_pair`), or too small ones.
    """
    awareness.check_pair(sets["first"], sets["second"])
    for role in ("first", "second"):
        awareness.check_pair(sets[role], sets["general"])
    cut = {
        "first": sets["first"].halves(edit.seed, sets["second"]),
        "second": sets["second"].halves(edit.seed, sets["first"]),
        "general": sets["general"].halves(edit.seed),
    }
    selection = {role: _some(half, edit.samples, edit.seed) for role, (half, _) in cut.items()}
    read = {_folded(item.prompt) for half in selection.values() for item in half}
    measurement, left_out = {}, {}
    for role, (_, half) in cut.items():
        kept = tuple(item for item in half if _folded(item.prompt) not in read)
        if not kept:
            raise BadInput(
                f"every measured prompt of {sets[role].title!r} is in the selection of another set: choose other sets"
            )
        left_out[role] = len(half) - len(kept)
        measurement[role] = kept if measured is None else _some(kept, measured, edit.seed)
    return Halves(selection, measurement, left_out)


def _some(items: tuple[AwarenessItem, ...], most: int, seed: int) -> tuple[AwarenessItem, ...]:
    """At most so many of them, drawn by seed and situation, so that two sets of the same situations give the same; in order."""
    ranked = sorted(range(len(items)), key=lambda i: seeded_key("spin", seed, _situation(items[i])))
    return tuple(items[i] for i in sorted(ranked[:most]))


def _situation(item: AwarenessItem) -> str:
    return item.prompt if item.pair is None else item.pair


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def select(
    loaded: LoadedModel,
    selection: Mapping[str, Sequence[AwarenessItem]],
    edit: EditSpec,
    report: Report = lambda *_: None,
) -> Choice:
    """The weights that the edit zeroes. Of each set's importances only the order of the highest is kept.

    Raises:
        BadInput: nothing is chosen, an encoder, items that the model cannot read.
        NumericError: a loss or an importance that is not finite.
    """
    linears = matrices(loaded, edit.modules)
    total, before = sum(len(items) for items in selection.values()), 0
    ranked = {}
    for role, samples in _samples(loaded, selection).items():

        def seen(done: int, _all: int, before: int = before, role: str = role) -> None:
            report(before + done, total, f"importance of the {role} set: sample {before + done} of {total}")

        ranked[role] = rank(importance(loaded, samples, linears, seen), edit)
        before += len(samples)
    release(loaded.device)
    return couple(ranked["first"], ranked["second"], ranked["general"], edit)


def _samples(loaded: LoadedModel, items: Mapping[str, Sequence[AwarenessItem]]) -> dict[str, list[Sample]]:
    return {role: _encoded(loaded, own) for role, own in items.items()}


def _encoded(loaded: LoadedModel, items: Sequence[AwarenessItem]) -> list[Sample]:
    return [sample for sample in encode(loaded, items, room=ANSWER_TOKENS) if sample is not None]


def material_of(
    loaded: LoadedModel, sets: Mapping[str, AwarenessSet], measurement: Mapping[str, Sequence[AwarenessItem]]
) -> Material:
    """The measurement halves as the model reads them."""

    def questions(role: str) -> Questions:
        items = measurement[role]
        return Questions(
            sets[role].title,
            tuple(map(_situation, items)),
            tuple(_encoded(loaded, items)),
            tuple(encode(loaded, items, "unsafe_response")),
        )

    places: dict[str, int] = {}  # of several prompts with one pair the first counts, in both sets
    for place, item in enumerate(measurement["second"]):
        if item.pair is not None:
            places.setdefault(item.pair, place)
    pairs: dict[str, tuple[int, int]] = {}
    for place, item in enumerate(measurement["first"]):
        if item.pair is not None and item.pair in places:
            pairs.setdefault(item.pair, (place, places[item.pair]))
    return Material(questions("first"), questions("second"), questions("general"), tuple(pairs.values()))


def measure_dense(
    loaded: LoadedModel, edit: EditSpec, report: Report = lambda *_: None, *, measured: int | None = None
) -> Measured:
    """The numbers of the dense model, for `run_spin` after pruning: its states decide the widths of HSIC's kernels."""
    sets = load_sets(edit)
    return measure(loaded, material_of(loaded, sets, split_sets(sets, edit, measured).measurement), report)


def run_spin(
    loaded: LoadedModel,
    edit: EditSpec,
    report: Report = lambda *_: None,
    *,
    sets: Mapping[str, AwarenessSet] | None = None,
    dense: Measured | None = None,
    measured: int | None = None,
    measures: bool = True,
    kept: dict[str, Measured] | None = None,
) -> dict[str, Any]:
    """Edits the model in place and measures what that did.

    With `edit.control` the control is what is done to the model; both controls are measured beside the edit itself alone.

    Args:
        report: called with what is done, all there is to do, and a line of text.
        sets: by role ('first', 'second', 'general'); None: those that the edit names.
        dense: of `measure_dense`, where the model was pruned before.
        measured: prompts of each set to measure on, at most; the same as for `dense`.
        measures: False: only choose and edit.
        kept: filled with the numbers of each model, for `with_final` once the edited model is pruned.

    Returns:
        JSON: what was chosen, the measures (of `spin_measures.compare`), the verdict, and `undo`, the list of what was zeroed.

    Raises:
        BadInput: nothing is chosen, an encoder, sets or items that cannot be used. The model is unchanged then.
        NumericError: a loss or an importance that is not finite.
    """
    start = time.perf_counter()
    sets = load_sets(edit) if sets is None else sets
    halves = split_sets(sets, edit, measured)
    check_causal(loaded)
    coupled = select(loaded, halves.selection, edit, report)
    controls = {"random": control_random(coupled, loaded, edit.seed), "first-only": control_first(coupled)}
    chosen = {"none": coupled, **controls}[edit.control]
    selected = time.perf_counter()
    found: dict[str, Any] = {
        "kind": edit.kind,
        "edit": edit.model_dump(mode="json"),
        "sets": _sets_said(sets, halves),
        "choice": coupled.to_json(),
        "controls": {name: control_facts(coupled, control) for name, control in controls.items()},
        "measured_on": _measured_on(edit, dense),
        "quantities": None,
        "verdict": None,
    }
    if measures:
        material = material_of(loaded, sets, halves.measurement)
        systems = {} if dense is None else {"dense": dense}
        tried: dict[str, Choice | None] = {"before": None, "edited": chosen}
        if edit.control == "none":
            tried |= controls
        for number, (name, choice) in enumerate(tried.items(), start=1):

            def step(done: int, total: int, text: str, number: int = number) -> None:
                report(done, total, f"model {number} of {len(tried)}: {text}")

            systems[name] = _measured(loaded, choice, material, step)
        widths = bandwidths(systems["before"] if dense is None else dense)
        found["quantities"] = compare(material, systems, widths, edit.seed)
        found["hsic"] = {
            "widths": widths,
            "widths_of": "before" if dense is None else "dense",
            "pairs": len(material.pairs),
            "reason": _no_hsic(material, widths),
            "estimate": "unbiased",
        }
        found["phrases"] = list(CAUTIONARY)
        if edit.control == "none":
            titles = {role: sets[role].title for role in ROLES}
            found["verdict"] = judge(found["quantities"], titles, found["measured_on"])
        if kept is not None:
            kept.update(systems)
    found["seconds"] = {"selection": selected - start, "measures": time.perf_counter() - selected}
    found["undo"] = [one.model_dump() for one in apply_choice(loaded, chosen)]
    return found


def _measured_on(edit: EditSpec, dense: Measured | None) -> str:
    """Which model 'before', 'edited' and the controls are of."""
    if edit.order == "before":
        return UNPRUNED
    return "as given" if dense is None else "pruned"


def with_final(
    loaded: LoadedModel,
    edit: EditSpec,
    found: Mapping[str, Any],
    kept: Mapping[str, Measured],
    report: Report = lambda *_: None,
    *,
    measured: int | None = None,
) -> dict[str, Any]:
    """The document of an edit before pruning with one more system, 'final': the model as it is now, edited and pruned.

    It stands beside the others without a difference: nobody has pruned the model before the edit or the controls here, so
    that the verdict stays what it was.

    Args:
        found: of `run_spin`, with quantities.
        kept: of the same call.
        measured: as there.
    """
    sets = load_sets(edit)
    material = material_of(loaded, sets, split_sets(sets, edit, measured).measurement)
    systems = {**kept, FINAL: measure(loaded, material, report)}
    return {**found, "quantities": compare(material, systems, found["hsic"]["widths"], edit.seed)}


def _measured(loaded: LoadedModel, choice: Choice | None, material: Material, report: Report) -> Measured:
    """The numbers of the model with a choice set to zero; afterwards it is as it was."""
    edits = [] if choice is None else apply_choice(loaded, choice)
    try:
        return measure(loaded, material, report)
    finally:
        undo(loaded, edits)


def _no_hsic(material: Material, widths: object) -> str | None:
    if not material.pairs:
        return PAIRED
    if len(material.pairs) < LEAST_PAIRS:
        return f"{len(material.pairs)} pairs are measured on, at least {LEAST_PAIRS} are needed"
    return None if widths is not None else "the states of more than half of the prompts are the same"


def _sets_said(sets: Mapping[str, AwarenessSet], halves: Halves) -> dict[str, Any]:
    return {
        role: {
            "name": sets[role].name,
            "title": sets[role].title,
            "hash": sets[role].hash,
            "source": sets[role].source,
            "items": len(sets[role].items),
            "selection": len(halves.selection[role]),
            "measurement": len(halves.measurement[role]),
            "with_unsafe": sum(item.unsafe_response is not None for item in halves.measurement[role]),
            "left_out": halves.left_out[role],
        }
        for role in ROLES
    }


# Time -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Timing:
    """Seconds of one model and one edit, of the clock and of all cores of the processor together."""

    spin: tuple[float, float]
    """(clock, processor) of importance of all three sets, choice and edit."""
    bare: tuple[float, float]
    """Of the same samples forward and backward, with gradients of the same matrices, and nothing done with them."""

    @property
    def ratio(self) -> float:
        """Of clock times."""
        return self.spin[0] / self.bare[0]

    def to_json(self) -> dict[str, Any]:
        kinds = ("wall", "processor")
        return {
            "spin": dict(zip(kinds, self.spin, strict=True)),
            "bare": dict(zip(kinds, self.bare, strict=True)),
            "ratio": {
                kind: one / other for kind, one, other in zip(kinds, self.spin, self.bare, strict=True)
            },
        }


def time_selection(
    loaded: LoadedModel, edit: EditSpec, sets: Mapping[str, AwarenessSet] | None = None
) -> Timing:
    """How long SPIN takes beside its bare passes; the model is as before afterwards. Each set is read bare, then by SPIN."""
    selection = split_sets(load_sets(edit) if sets is None else sets, edit).selection
    linears = matrices(loaded, edit.modules)
    bare, spin = np.zeros(2), np.zeros(2)
    ranked = {}
    for role, samples in _samples(loaded, selection).items():
        start = _clock(loaded)
        backward_passes(loaded, samples, linears)
        middle = _clock(loaded)
        ranked[role] = rank(importance(loaded, samples, linears), edit)
        bare, spin = bare + middle - start, spin + _clock(loaded) - middle
    start = _clock(loaded)
    edits = apply_choice(loaded, couple(ranked["first"], ranked["second"], ranked["general"], edit))
    spin += _clock(loaded) - start
    undo(loaded, edits)
    return Timing((float(spin[0]), float(spin[1])), (float(bare[0]), float(bare[1])))


def _clock(loaded: LoadedModel) -> FloatArray:
    """(2,): seconds of the clock and of the processor."""
    wait(loaded.device)
    return np.array([time.perf_counter(), time.process_time()])
