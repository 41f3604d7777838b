"""Executes one stored run: the only place where the torch side and the store meet.

`python -m fairprune.worker RUN_ID` is the child process of a device's worker. Each stage is one method that reads
what the stages before it left on `self` and writes rows as it goes, so that a page can draw them.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fairprune import catalogue, corpora
from fairprune.calibration import CalibrationSet, calibration_set
from fairprune.corpora.sets import opinion_sets
from fairprune.debias_stages import Debiasing
from fairprune.errors import BadInput, FairpruneError
from fairprune.executors import lifeline
from fairprune.executors.child import EXPLORE, REPORT, STANDBY
from fairprune.executors.local import STATE_IS_SET
from fairprune.headlines import read_headline
from fairprune.identity import Place, dense_id, statistics_weights
from fairprune.methods import get_method
from fairprune.opinions import Corpus, OpinionSet, Split
from fairprune.preflight import placement_of
from fairprune.spec import content_hash, parse_calibration, parse_pattern
from fairprune.stages import EDIT, RECOVERY, stages_of
from fairprune.store import Store, open_store
from fairprune.text import counted

if TYPE_CHECKING:
    from fairprune.allocation import Target
    from fairprune.generations import SummaryWriter
    from fairprune.models import Placement
    from fairprune.perplexity import Perplexity, Windows
    from fairprune.prune import Calibration
    from fairprune.statistics import ModelStatistics

WHERE = {"resident": "on the device", "streamed": "on the host, block by block on the device,"}


@dataclass
class Execution(Debiasing):
    """One run on its way."""

    systems: dict[str, dict[str, Any]] = field(default_factory=dict)
    placement: Placement = "resident"
    """Where the blocks lie while statistics are collected and weights are pruned."""
    sets: list[OpinionSet] = field(init=False)
    held_out: dict[str, Windows] = field(init=False)
    """Text → windows that perplexity is measured on."""
    dense_perplexity: dict[str, Perplexity] = field(init=False)
    windows: CalibrationSet | None = None
    statistics: ModelStatistics | None = None

    def execute(self) -> None:
        """All stages, in order."""
        steps = {
            "model": self.load_model,
            "opinions": self.draw_opinions,
            "calibration": self.cut_windows,  # before what takes long: too little text is seen at once
            "dense summaries": self.write_dense,
            "statistics": self.collect_statistics,
            "pruning": self.prune,
            EDIT: self.edit,
            RECOVERY: self.recover,
            "pruned summaries": self.write_pruned,
            "metrics": self.score,
        }
        for stage in stages_of(self.spec):
            with self.stage(stage):
                steps[stage]()

    @cached_property
    def corpus(self) -> Corpus:
        return corpora.load(self.spec.evaluation.corpus)

    # The stages ---------------------------------------------------------------------------------------------

    def load_model(self) -> None:
        source = catalogue.resolve(self.spec.model.name)
        folder = catalogue.fetch(source, self.say)
        if catalogue.identity(source) != self.spec.model.identity:
            raise BadInput(
                f"the weights of {source.name} have changed since this run was submitted: submit it again"
            )
        self.progress(0, 1, "importing torch and loading weights")
        from fairprune.models import check_finite_weights, load
        from fairprune.prune import check_target

        self.placement = placement_of(self.spec, "run" if self.masks is None else "prune")
        # Summaries are written by the whole model: where there will be some, its blocks go to the host after them.
        first = "resident" if self.masks is None else self.placement
        self.loaded = load(folder, dtype=self.spec.model.dtype, device=self.spec.device, placement=first)
        check_finite_weights(self.loaded)
        check_target(self.loaded, self._target())
        self.say(
            f"{source.title}: {len(self.loaded.blocks)} blocks, {self.loaded.dtype}, on {self.loaded.device}"
        )

    def place(self, placement: Placement) -> None:
        if self.loaded.streamed != (placement == "streamed"):
            from fairprune.onload import placed

            self.loaded = placed(self.loaded, self.loaded.device, placement)
            self.say(f"weights lie {WHERE[placement]} from here on")

    def draw_opinions(self) -> None:
        self.sets = self._draw(self.corpus, "test", self.spec.evaluation.samples)
        topics = len({one.topic for one in self.sets})
        self.say(
            f"{counted(len(self.sets), 'opinion set')} on {counted(topics, 'topic')} of {self.corpus.info.name}"
        )

    def _draw(self, corpus: Corpus, split: Split, n: int | None) -> list[OpinionSet]:
        evaluation = self.spec.evaluation
        return opinion_sets(corpus, split, n, evaluation.set_size, evaluation.compositions, evaluation.seed)

    def _writer(self, corpus: Corpus) -> SummaryWriter:
        from fairprune.generations import SummaryWriter

        return SummaryWriter(
            self.store, self.loaded, corpus.info, self.spec.evaluation, self.progress, self.say
        )

    def _dense_id(self, sets: list[OpinionSet]) -> str:
        return dense_id(self.spec, self.loaded.dtype, sets)

    def write_dense(self) -> None:
        from fairprune.generations import write_again
        from fairprune.perplexity import held_out_windows, measure_dense

        self.systems["dense"] = self._writer(self.corpus).write("dense", self.sets, self._dense_id(self.sets))
        if self.spec.evaluation.noise_band:
            self.systems["dense_again"] = write_again(self._writer(self.corpus), self.spec, self.sets)
        self.held_out = held_out_windows(self.loaded, self.corpus, self.spec.evaluation)
        weights = self.spec.model.identity
        self.dense_perplexity = measure_dense(self.loaded, self.held_out, weights, self.progress)

    def write_pruned(self) -> None:
        from fairprune.perplexity import compare, measure

        self.place("resident")
        generation = content_hash(f"{self.run_id}\npruned")
        self.systems["pruned"] = self._writer(self.corpus).write("pruned", self.sets, generation)
        self.store.put_result(
            self.run_id, "generation", {"sets": [one.id for one in self.sets], "systems": self.systems}
        )
        pruned = measure(self.loaded, self.held_out, self.progress)
        self.store.put_result(self.run_id, "perplexity", compare(self.dense_perplexity, pruned))

    def reads_windows(self) -> bool:
        """Whether the method, or the allocation, reads calibration windows."""
        from fairprune.prune import needs_calibration

        return needs_calibration(get_method(self.spec.pruning.method), self._target())

    def cut_windows(self) -> None:
        self.cut_training()
        self.look_at_dense()
        if not self.reads_windows():
            self.say(f"{get_method(self.spec.pruning.method).title} needs no calibration data")
            return
        self.windows = calibration_set(
            self.spec.calibration, self.calibration_corpus(), self.tokenizer(), self._own_summaries
        )
        if self.spec.calibration.name == "denp":
            self.windows = self.weighed(self.windows, "calibration")
        self.store.put_result(self.run_id, "calibration", self.windows.to_json())

    def calibration_corpus(self) -> Corpus:
        name = self.spec.calibration.corpus
        return self.corpus if name == self.corpus.info.name else corpora.load(name)

    def _own_summaries(self) -> list[str]:
        """Of the dense model, for the calibration set `model-output`; each portion is stored and reused."""
        from fairprune.own_summaries import choose_summaries

        calibration, corpus, tokenizer = (
            self.spec.calibration,
            self.calibration_corpus(),
            self.loaded.tokenizer,
        )
        assert tokenizer is not None

        def write(sets: list[OpinionSet]) -> list[str]:
            facts = self._writer(corpus).write("calibration", sets, self._dense_id(sets))
            return [row.text for row in self.store.summaries(facts["id"])]

        chosen, sentence = choose_summaries(
            corpus,
            self._draw(corpus, "calibration", None),
            write,
            lambda text: len(tokenizer.encode(text)),
            self.spec.metrics,
            fair=parse_calibration(calibration.name)[1] == "fair",
            tokens=calibration.samples * calibration.seqlen,
            portion=2 * self.spec.evaluation.batch_size,
        )
        self.say(sentence)
        return chosen

    def _torch_windows(self) -> Calibration | None:
        from fairprune.prune import Calibration

        return None if self.windows is None else Calibration.of(self.windows)

    def collect_statistics(self) -> None:
        from fairprune import statistics_cache
        from fairprune.accelerator import release
        from fairprune.passes import collect
        from fairprune.prune import wanted_dense
        from fairprune.statistics import empty_statistics, matches

        method = get_method(self.spec.pruning.method)
        options = method.parse_options(self.spec.pruning.options)
        windows = self._torch_windows()
        wanted = wanted_dense(method, options, self._target())
        self.place(self.placement)
        if windows is None or self.windows is None or wanted is None:
            return
        place = Place(statistics_weights(self.spec), self.loaded.dtype, self.spec.device, self.windows.hash)
        found = statistics_cache.read(place, wanted)
        reused = found is not None and matches(found, self.loaded.linears())
        # Nobody else's model has been edited: where an edit comes first, statistics are named for this run alone.
        named = {"place": asdict(place)} if place.weights == self.spec.model.identity else {}
        self.store.put_result(self.run_id, "statistics", {"reused": reused, **named})
        if reused:
            self.say("statistics of these windows are stored already: reused")
            self.statistics = found
            return
        collected = empty_statistics(self.loaded.linears())
        mask, weights = windows.loss_mask, windows.weights
        for step in collect(self.loaded, windows.ids, collected, wanted, loss_mask=mask, weights=weights):
            self.progress(step.done, step.total, str(step))
        statistics_cache.write(place, collected)
        self.statistics = collected
        release(self.loaded.device)  # what the passes held

    def _target(self) -> Target:
        from fairprune.allocation import Target

        pruning = self.spec.pruning
        pattern = parse_pattern(pruning.pattern) if pruning.pattern else None
        return Target(pruning.sparsity, pattern, pruning.allocation)

    def prune(self) -> None:
        from fairprune.accelerator import release
        from fairprune.mask_record import MaskRecord
        from fairprune.prune import LayerPruned, prune
        from fairprune.report import SparsityReport

        method = get_method(self.spec.pruning.method)
        options, target = method.parse_options(self.spec.pruning.options), self._target()
        matrices = []
        # Where a caller wants the masks themselves there is no stored run to keep them with.
        self.record = record = (
            MaskRecord(self.store, self.run_id, self.loaded) if self.masks is None else None
        )
        start = time.perf_counter()
        describe = None if record is None else record.describe(method, options, target.pattern)
        windows = self._torch_windows()
        events = prune(self.loaded, method, options, target, windows, self.statistics, describe)
        for event in events:
            if isinstance(event, LayerPruned):
                edited = self.drop_edited(event.report.name, event.keep)
                matrices.append(replace(event.report, edited=edited))
                if self.masks is not None:
                    self.masks[event.report.name] = event.keep
                if record is not None:
                    record.add(event, edited)
                self.progress(
                    event.block,
                    event.blocks,
                    f"block {event.block + 1} of {event.blocks}: {event.report.kind}",
                )
        del events
        self.statistics = None  # its memory is wanted for generation
        release(self.loaded.device)
        parameters = sum(parameter.numel() for parameter in self.loaded.model.parameters())
        tied = {name: owner for block in self.loaded.blocks for name, owner in block.tied.items()}
        notes = tuple(
            f"{name} shares the weight of {owner}: counted once, there" for name, owner in tied.items()
        )
        self.report = SparsityReport(
            self.spec.pruning.sparsity, tuple(matrices), parameters, time.perf_counter() - start, notes
        )
        if self.spec.edit is None or self.spec.edit.order == "before":
            self.close_record()  # else the edit takes its weights out of the masks first
        self.store.put_result(self.run_id, "sparsity", self.report.to_json())
        self.say(
            f"asked {self.report.asked:.4f}, achieved {self.report.achieved:.4f} of {self.report.weights} weights"
        )
        self.look_at_final()

    def score(self) -> None:
        from fairprune.scores import score_summaries

        result = score_summaries(
            self.store,
            self.spec.metrics,
            self.corpus,
            self.sets,
            {name: str(facts["id"]) for name, facts in self.systems.items()},
            losses=self._losses if self.spec.evaluation.loss_ratio else None,
            progress=self.progress,
            say=self.say,
        )
        self.store.put_result(self.run_id, "evaluation", result)
        self.store.put_result(self.run_id, "headline", read_headline(self.store, self.run_id, result))

    def _losses(self, texts: dict[str, list[str | None]]) -> dict[str, list[float | None]]:
        """Of dense and pruned summaries under the dense model, whose weights are read anew."""
        from fairprune.likelihood import summary_losses
        from fairprune.models import load

        folder, info, names = self.loaded.folder, self.corpus.info, ("dense", "pruned")
        del self.loaded  # the pruned weights: two models at once may not fit
        self.loaded = load(folder, dtype=self.spec.model.dtype, device=self.spec.device)
        return {
            name: summary_losses(self.loaded, info, self.sets, texts[name], self.progress) for name in names
        }


def stand_by() -> str:
    """Imports what every run needs, then waits for a line on standard input: the run's id, '' where none comes."""
    for name in ("perplexity", "prune", "evaluate"):
        import_module(f"fairprune.{name}")
    for name in ("sentence_transformers", "sklearn.linear_model", "sklearn.calibration", "nltk.stem.porter"):
        import_module(name)
    return sys.stdin.readline().strip()


def main(arguments: Sequence[str]) -> int:
    """Executes the run with this id, makes a report, or answers questions. Exit code 0: done, or none came; 3: a stored error."""
    if len(arguments) != 1:
        print("usage: python -m fairprune.worker RUN_ID", file=sys.stderr)  # noqa: T201
        return 2
    lifeline.watch()
    run_id = stand_by() if arguments[0] == STANDBY else arguments[0]
    if not run_id:
        return 0
    with open_store() as store:
        if run_id.startswith(EXPLORE):
            import_module("fairprune.explorer").serve(store, run_id.removeprefix(EXPLORE))
            return 0
        if run_id.startswith(REPORT):
            kind, _, about = run_id.removeprefix(REPORT).partition("-")
            return int(import_module("fairprune.report_job").main(store, kind, about))
        return _execute(store, run_id)


def _execute(store: Store, run_id: str) -> int:
    run = store.run(run_id)
    try:
        Execution(store, run.id, run.spec).execute()
    except FairpruneError as error:
        store.put_result(run.id, "failure", {"kind": type(error).__name__})
        store.finish(run.id, "failed", str(error), traceback.format_exc())
        return STATE_IS_SET
    except Exception as error:  # noqa: BLE001 - a defect of ours is stored and shown folded, never lost
        sentence = f"the run stopped with a defect of fairprune ({type(error).__name__}): see the details"
        store.finish(run.id, "failed", sentence, traceback.format_exc())
        return STATE_IS_SET
    store.finish(run.id, "done")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
