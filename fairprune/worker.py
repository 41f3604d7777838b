"""Executes one stored run: the only place where the torch side and the store meet.

`python -m fairprune.worker RUN_ID` is the child process of a device's worker. Each stage is one method that reads
what the stages before it left on `self` and writes rows as it goes, so that a page can draw them.
"""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from fairprune import catalogue, corpora
from fairprune.calibration import CalibrationSet, calibration_set
from fairprune.corpora.sets import opinion_sets
from fairprune.errors import BadInput, FairpruneError
from fairprune.executors import lifeline
from fairprune.executors.child import STANDBY
from fairprune.executors.local import STATE_IS_SET
from fairprune.identity import Place, dense_id
from fairprune.methods import get_method
from fairprune.opinions import Corpus, OpinionSet, Split
from fairprune.preflight import placement_of
from fairprune.spec import RunSpec, content_hash, parse_calibration, parse_pattern
from fairprune.store import Store, open_store

if TYPE_CHECKING:
    from fairprune.allocation import Target
    from fairprune.generations import SummaryWriter
    from fairprune.models import LoadedModel, Placement
    from fairprune.perplexity import Perplexity, Windows
    from fairprune.prune import Calibration
    from fairprune.report import SparsityReport
    from fairprune.statistics import ModelStatistics

STAGES = (
    "model",
    "opinions",
    "calibration",
    "dense summaries",
    "statistics",
    "pruning",
    "pruned summaries",
    "metrics",
)
WHERE = {"resident": "on the device", "streamed": "on the host, block by block on the device,"}
PROGRESS_SECONDS = 0.5  # between two progress rows of one stage
MOST_CALIBRATION_SUMMARIES = 512  # dense summaries that model-output may cost


@dataclass
class Execution:
    """One run on its way."""

    store: Store
    run_id: str
    spec: RunSpec
    systems: dict[str, dict[str, Any]] = field(default_factory=dict)
    _stage: str = ""
    _reported: float = 0.0

    masks: dict[str, Any] | None = None
    """Where a caller wants the keep-masks: a dictionary that `prune` fills (module name → bool (out, in))."""

    placement: Placement = "resident"
    """Where the blocks lie while statistics are collected and weights are pruned."""
    loaded: LoadedModel = field(init=False)
    sets: list[OpinionSet] = field(init=False)
    held_out: dict[str, Windows] = field(init=False)
    """Text → windows that perplexity is measured on."""
    dense_perplexity: dict[str, Perplexity] = field(init=False)
    windows: CalibrationSet | None = None
    statistics: ModelStatistics | None = None
    report: SparsityReport = field(init=False)

    def execute(self) -> None:
        """All stages, in order."""
        for stage, step in (
            ("model", self.load_model),
            ("opinions", self.draw_opinions),
            ("calibration", self.cut_windows),  # before what takes long: too little text is seen at once
            ("dense summaries", self.write_dense),
            ("statistics", self.collect_statistics),
            ("pruning", self.prune),
            ("pruned summaries", self.write_pruned),
            ("metrics", self.score),
        ):
            with self.stage(stage):
                step()

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self._stage, self._reported = name, 0.0
        start = time.perf_counter()
        self.progress(0, 1, "")
        yield
        self.store.stage_seconds(self.run_id, name, time.perf_counter() - start)

    def progress(self, done: int, total: int, message: str) -> None:
        """A progress row, at most two a second; the last step of a stage is always written."""
        now = time.monotonic()
        if done >= total or now - self._reported >= PROGRESS_SECONDS:
            self._reported = now
            self.store.progress(self.run_id, self._stage, done, total, message)

    def say(self, text: str) -> None:
        self.store.log(self.run_id, text)

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

    def _place(self, placement: Placement) -> None:
        if self.loaded.streamed != (placement == "streamed"):
            from fairprune.onload import placed

            self.loaded = placed(self.loaded, self.loaded.device, placement)
            self.say(f"weights lie {WHERE[placement]} from here on")

    def draw_opinions(self) -> None:
        self.sets = self._draw(self.corpus, "test", self.spec.evaluation.samples)
        topics = len({one.topic for one in self.sets})
        self.say(f"{len(self.sets)} opinion sets on {topics} topics of {self.corpus.info.name}")

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

        self._place("resident")
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
        if not self.reads_windows():
            self.say(f"{get_method(self.spec.pruning.method).title} needs no calibration data")
            return
        if self.loaded.tokenizer is None:
            raise BadInput(f"{self.spec.model.name} has no tokenizer.json, which calibration sets need")
        self.windows = calibration_set(
            self.spec.calibration, self._calibration_corpus(), self.loaded.tokenizer, self._own_summaries
        )
        self.store.put_result(self.run_id, "calibration", self.windows.to_json())

    def _calibration_corpus(self) -> Corpus:
        name = self.spec.calibration.corpus
        return self.corpus if name == self.corpus.info.name else corpora.load(name)

    def _own_summaries(self) -> list[str]:
        """Dense summaries of calibration opinions that BUR calls fair (or unfair), as many as the windows need.

        Written in portions of two batches, so that no more are written than needed; each portion is stored and reused.
        """
        from fairprune.evaluate import evaluate

        calibration, evaluation = self.spec.calibration, self.spec.evaluation
        corpus = self._calibration_corpus()
        _, wanted = parse_calibration(calibration.name)
        assert self.loaded.tokenizer is not None
        available = self._draw(corpus, "calibration", None)[:MOST_CALIBRATION_SUMMARIES]
        chosen: list[str] = []
        written = tokens = 0
        portion = 2 * evaluation.batch_size
        for start in range(0, len(available), portion):
            sets = available[start : start + portion]
            facts = self._writer(corpus).write("calibration", sets, self._dense_id(sets))
            texts = [row.text for row in self.store.summaries(facts["id"])]
            metrics = self.spec.metrics.by_words()
            scored = evaluate(sets, {"dense": texts}, corpus.info, metrics, None)["samples"]
            unfair = 0 if wanted == "fair" else 1
            new = [text for text, row in zip(texts, scored, strict=True) if row["dense"]["bur"] == unfair]
            chosen += new
            written += len(texts)
            tokens += sum(len(self.loaded.tokenizer.encode(text)) for text in new)
            if tokens >= calibration.samples * calibration.seqlen:
                break
        self.say(
            f"{len(chosen)} of {written} dense summaries of calibration opinions are {wanted}: {tokens} tokens"
        )
        return chosen

    def _torch_windows(self) -> Calibration | None:
        if self.windows is None:
            return None
        import torch

        from fairprune.prune import Calibration

        mask = None if self.windows.loss_mask is None else torch.from_numpy(self.windows.loss_mask)
        return Calibration(torch.from_numpy(self.windows.ids), mask)

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
        self._place(self.placement)
        if windows is None or self.windows is None or wanted is None:
            return
        place = Place(self.spec.model.identity, self.loaded.dtype, self.spec.device, self.windows.hash)
        found = statistics_cache.read(place, wanted)
        reused = found is not None and matches(found, self.loaded.linears())
        self.store.put_result(self.run_id, "statistics", {"reused": reused})
        if reused:
            self.say("statistics of these windows are stored already: reused")
            self.statistics = found
            return
        collected = empty_statistics(self.loaded.linears())
        for step in collect(self.loaded, windows.ids, collected, wanted, loss_mask=windows.loss_mask):
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
        from fairprune.prune import LayerPruned, prune
        from fairprune.report import SparsityReport

        method = get_method(self.spec.pruning.method)
        matrices = []
        start = time.perf_counter()
        events = prune(
            self.loaded,
            method,
            method.parse_options(self.spec.pruning.options),
            self._target(),
            self._torch_windows(),
            self.statistics,
        )
        for event in events:
            if isinstance(event, LayerPruned):
                matrices.append(event.report)
                if self.masks is not None:
                    self.masks[event.report.name] = event.keep
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
        self.store.put_result(self.run_id, "sparsity", self.report.to_json())
        self.say(
            f"asked {self.report.asked:.4f}, achieved {self.report.achieved:.4f} of {self.report.weights} weights"
        )

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
    """Executes the run with this id. Exit code 0: done, or none came; 3: ended with an error that is stored."""
    if len(arguments) != 1:
        print("usage: python -m fairprune.worker RUN_ID", file=sys.stderr)  # noqa: T201
        return 2
    lifeline.watch()
    run_id = stand_by() if arguments[0] == STANDBY else arguments[0]
    if not run_id:
        return 0
    with open_store() as store:
        run = store.run(run_id)
        try:
            Execution(store, run.id, run.spec).execute()
        except FairpruneError as error:
            store.put_result(run.id, "failure", {"kind": type(error).__name__})
            store.finish(run.id, "failed", str(error), traceback.format_exc())
            return STATE_IS_SET
        except Exception as error:  # noqa: BLE001 - a defect of ours is stored and shown folded, never lost
            store.finish(
                run.id,
                "failed",
                f"the run stopped with a defect of fairprune ({type(error).__name__}): see the details",
                traceback.format_exc(),
            )
            return STATE_IS_SET
        store.finish(run.id, "done")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
