"""Answers questions about one model while it stays in memory: masks in seconds, no run.

Runs in a process of the device's worker (`python -m fairprune.worker explore-DEVICE`). It keeps the model, its stored
statistics and the last masks; scores are computed anew for each question, which takes less time than their memory is worth.
The dense weights are never written to: a question is answered on copies, in buffers that are used again.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from fairprune import catalogue, corpora, mask_files, statistics_cache
from fairprune.accelerator import free_bytes, release
from fairprune.allocation import Target
from fairprune.errors import BadInput, FairpruneError, Unavailable
from fairprune.executors.launch import explorer_idle_seconds
from fairprune.exploration import TOKENS, ExploreSpec, check_live
from fairprune.identity import Place
from fairprune.mask_overlap import overlap
from fairprune.methods import get_method
from fairprune.models import LoadedModel, check_finite_weights, load, weight_matrix
from fairprune.perplexity import (
    OPINIONS,
    Perplexity,
    Windows,
    compare,
    held_out_windows,
    measure,
    measure_dense,
)
from fairprune.prune import Event, LayerPruned, prune, wanted_dense
from fairprune.report import MatrixReport, SparsityReport
from fairprune.spec import PruningSpec, parse_part, parse_pattern
from fairprune.statistics import ModelStatistics, matches
from fairprune.store import Exploration, Store

POLL_SECONDS = 0.05
LOOK_SECONDS = 0.2
"""Between two looks whether the answer at work is still wanted."""
MASK_BYTES = 256 * 2**20
"""Of packed masks of earlier questions together; those of the last one stay however large they are."""

PackedMasks = dict[str, NDArray[np.uint8]]
"""Module name → keep-mask (out, ⌈in / 8⌉), a bit per weight, 1 = kept; zeros after the last column."""


class Superseded(Exception):
    """Something newer was asked."""


@contextmanager
def on_copies(loaded: LoadedModel, buffers: dict[str, torch.Tensor]) -> Iterator[None]:
    """Inside, every prunable layer has a copy of its weight; afterwards the dense one, which nobody has written to.

    Args:
        buffers: module name → where the copy lies; filled at the first use, used again afterwards.
    """
    dense = {name: layer.weight.data for name, layer in loaded.linears().items()}
    try:
        for name, layer in loaded.linears().items():
            if name in buffers:
                buffers[name].copy_(dense[name])  # type: ignore[arg-type]
            else:
                buffers[name] = dense[name].clone()  # type: ignore[operator]
            layer.weight.data = buffers[name]
        yield
    finally:
        for name, layer in loaded.linears().items():
            layer.weight.data = dense[name]


class Explorer:
    """One model and its statistics, kept warm."""

    def __init__(self, store: Store, device: str) -> None:
        self._store, self._device = store, device
        self._model: tuple[str, LoadedModel] | None = None
        """What was asked for (name, identity, format), and the model."""
        self._buffers: dict[str, torch.Tensor] = {}
        self._statistics: dict[tuple[str, str], ModelStatistics] = {}
        self._windows: dict[str, dict[str, Windows]] = {}
        self._dense: dict[str, dict[str, Perplexity]] = {}
        self._masks: OrderedDict[str, PackedMasks] = OrderedDict()
        self._looked = 0.0

    def serve(self, idle: float) -> None:
        """Answers one question after the other, until none has come for `idle` seconds."""
        last = time.monotonic()
        while time.monotonic() - last < idle:
            question = self._store.take_exploration(self._device)
            if question is None:
                time.sleep(POLL_SECONDS)
                continue
            self.answer(question)
            last = time.monotonic()

    def answer(self, question: Exploration) -> None:
        """Stores masks first, then perplexity; or why there are none. Every error for a person ends here."""
        try:
            self._answer(question)
        except Superseded:
            return
        except FairpruneError as error:
            self._store.end_exploration(question.number, str(error))

    def _answer(self, question: Exploration) -> None:
        spec = parse_part(ExploreSpec, question.request)
        for pruning in (spec.pruning, spec.other):
            if pruning is not None:
                check_live(pruning, spec.place.kinds())
        loaded = self._loaded(question, spec)
        other = self._other_masks(question, spec, loaded)
        with on_copies(loaded, self._buffers):
            report, masks = self._prune(question, spec, loaded, spec.pruning)
            columns = {matrix.name: matrix.columns for matrix in report.matrices}
            found = {
                "report": report.to_json(),
                "overlap": None if other is None else overlaps(masks, other, columns),
                "seconds": _seconds_since(question),
            }
            self._wanted(self._store.answer(question.number, "masks", found))
            windows = self._held_out(spec, loaded)
            pruned = measure(loaded, windows, lambda *_: None)
        result = compare(self._dense_perplexity(spec, loaded, windows), pruned)[OPINIONS]
        result["seconds"] = _seconds_since(question)
        self._wanted(self._store.answer(question.number, "perplexity", result))
        self._store.end_exploration(question.number)

    def _wanted(self, wanted: bool) -> None:
        if not wanted:
            raise Superseded

    def _tell(self, question: Exploration, message: str) -> None:
        self._wanted(self._store.tell(question.number, message))

    def _loaded(self, question: Exploration, spec: ExploreSpec) -> LoadedModel:
        """The model of the question: the one that is here, or loaded in its place."""
        asked = spec.run.model.model_dump_json()
        if self._model is not None and self._model[0] == asked:
            return self._model[1]
        self._forget()
        source = catalogue.resolve(spec.run.model.name)
        self._tell(question, f"loading {source.title}")
        folder = catalogue.fetch(source)
        if catalogue.identity(source) != spec.run.model.identity:
            raise BadInput(
                f"the weights of {source.name} have changed since the statistics were collected: start a run again"
            )
        loaded = load(folder, dtype=spec.run.model.dtype, device=self._device)
        check_finite_weights(loaded)
        copies = sum(weight_matrix(layer).nbytes for layer in loaded.linears().values())
        if (free := free_bytes(loaded.device)) < copies:
            raise Unavailable(
                f"a second copy of the weights of {source.name} takes {copies / 1e9:.2f} GB, but {free / 1e9:.2f} GB are free: "
                "start a run instead, which needs none"
            )
        if loaded.dtype != spec.place.dtype:
            raise BadInput(
                f"the statistics are of {spec.place.dtype} weights, but these are {loaded.dtype}: start a run again"
            )
        self._model = (asked, loaded)
        return loaded

    def _forget(self) -> None:
        """Gives the model's memory back, and all that belongs to it."""
        for kept in (self._buffers, self._statistics, self._windows, self._dense, self._masks):
            kept.clear()
        if self._model is not None:
            device = self._model[1].device
            self._model = None
            release(device)

    def _statistics_of(
        self, question: Exploration, spec: ExploreSpec, loaded: LoadedModel, pruning: PruningSpec
    ) -> ModelStatistics | None:
        """Of the dense model, as this setting needs them; memory-mapped where they lie on the host."""
        method = get_method(pruning.method)
        wanted = wanted_dense(method, method.parse_options(pruning.options), target_of(pruning))
        if wanted is None:
            return None
        key = (spec.place.key, repr(wanted))
        if key not in self._statistics:
            self._tell(question, "reading the stored statistics")
            found = statistics_cache.read(spec.place, wanted)
            if found is None or not matches(found, loaded.linears()):
                raise Unavailable(
                    f"the statistics that {method.title} reads are not stored any more: start it as a run, which collects them"
                )
            self._statistics[key] = found
        return self._statistics[key]

    def _prune(
        self, question: Exploration, spec: ExploreSpec, loaded: LoadedModel, pruning: PruningSpec
    ) -> tuple[SparsityReport, PackedMasks]:
        """Prunes the copies in place, and remembers the masks."""
        method = get_method(pruning.method)
        options, target = method.parse_options(pruning.options), target_of(pruning)
        statistics = self._statistics_of(question, spec, loaded, pruning)
        self._tell(question, f"scores and masks of {method.title}")
        start = time.perf_counter()
        reports: list[MatrixReport] = []
        masks: PackedMasks = {}
        events = cast(Generator[Event], prune(loaded, method, options, target, statistics=statistics))
        # Closed before the copies are taken away: a thread that is still at a matrix would write to the dense weight.
        with closing(events):
            for event in events:
                assert isinstance(event, LayerPruned)
                reports.append(event.report)
                masks[event.report.name] = mask_files.pack(event.keep.numpy())
                self._look(question)
        self._remember(_mask_key(spec.place, pruning), masks)
        parameters = sum(parameter.numel() for parameter in loaded.model.parameters())
        return SparsityReport(
            pruning.sparsity, tuple(reports), parameters, time.perf_counter() - start
        ), masks

    def _look(self, question: Exploration) -> None:
        """Now and then while it works: nothing is finished that nobody waits for."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self._wanted(self._store.exploration_is_wanted(question.number))

    def _other_masks(
        self, question: Exploration, spec: ExploreSpec, loaded: LoadedModel
    ) -> PackedMasks | None:
        """The masks to compare with: of a stored run, or of a setting, which are remembered or made now."""
        if spec.other_run is not None:
            with mask_files.opened(spec.other_run) as stored:
                return {name: stored.packed(name) for name in stored.columns}
        if spec.other is None:
            return None
        key = _mask_key(spec.place, spec.other)
        if key in self._masks:
            self._masks.move_to_end(key)
            return self._masks[key]
        with on_copies(loaded, self._buffers):
            return self._prune(question, spec, loaded, spec.other)[1]

    def _remember(self, key: str, masks: PackedMasks) -> None:
        self._masks[key] = masks
        self._masks.move_to_end(key)
        sizes = [sum(bits.nbytes for bits in kept.values()) for kept in self._masks.values()]
        while len(self._masks) > 1 and sum(sizes) > MASK_BYTES:
            self._masks.popitem(last=False)
            sizes.pop(0)

    def _held_out(self, spec: ExploreSpec, loaded: LoadedModel) -> dict[str, Windows]:
        """At most `TOKENS` held-out tokens of opinions, one window; the same ones as of every run with as few."""
        evaluation = spec.run.evaluation.model_copy(
            update={"perplexity_windows": 1, "perplexity_tokens": TOKENS}
        )
        key = f"{evaluation.corpus}\n{evaluation.seed}"
        if key not in self._windows:
            found = held_out_windows(loaded, corpora.load(evaluation.corpus), evaluation)
            self._windows[key] = {OPINIONS: found[OPINIONS]}
        return self._windows[key]

    def _dense_perplexity(
        self, spec: ExploreSpec, loaded: LoadedModel, windows: dict[str, Windows]
    ) -> dict[str, Perplexity]:
        key = f"{spec.run.evaluation.corpus}\n{spec.run.evaluation.seed}"
        if key not in self._dense:
            self._dense[key] = measure_dense(loaded, windows, spec.run.model.identity, lambda *_: None)
        return self._dense[key]


def target_of(pruning: PruningSpec) -> Target:
    pattern = parse_pattern(pruning.pattern) if pruning.pattern else None
    return Target(pruning.sparsity, pattern, pruning.allocation)


def overlaps(masks: PackedMasks, others: PackedMasks, columns: dict[str, int]) -> dict[str, dict[str, Any]]:
    """Module name → `mask_overlap.Overlap` as JSON.

    Raises:
        BadInput: the other masks are of another model.
    """
    if {name: bits.shape for name, bits in masks.items()} != {
        name: bits.shape for name, bits in others.items()
    }:
        raise BadInput("the masks to compare with are of another model: choose a run of the same one")
    return {name: asdict(overlap(bits, others[name], columns[name])) for name, bits in masks.items()}


def _mask_key(place: Place, pruning: PruningSpec) -> str:
    return f"{asdict(place)}\n{pruning.model_dump_json()}"


def _seconds_since(question: Exploration) -> float:
    return (datetime.now(UTC) - question.created).total_seconds()


def serve(store: Store, device: str) -> None:
    """What the child process of the worker does."""
    Explorer(store, device).serve(explorer_idle_seconds())
