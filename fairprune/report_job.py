"""A report on a run that is done: the model is made again as the run made it, and looked at. The worker's child calls this.

So far one kind: Neural Collapse of group words, dense against pruned (and edited or recovered, where the run says so).
"""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Any

from fairprune.debias_stages import DEBIAS
from fairprune.errors import FairpruneError
from fairprune.executors.local import STATE_IS_SET
from fairprune.stages import EDIT, RECOVERY, stages_of
from fairprune.store import ReportKind, Store, open_store
from fairprune.worker import Execution

MAKING = ("model", "calibration", "statistics", "pruning", EDIT, RECOVERY)
"""Stages that make the model of a run; the others write summaries and score them."""


class _Again(Execution):
    """An execution in a store of its own, which is gone afterwards; how far it is goes to the report's row."""

    told: tuple[Store, str, ReportKind]
    step: int = 0
    steps: int = 1

    def progress(self, done: int, total: int, message: str) -> None:
        # A hundredth of each step: the report's bar goes once from left to right.
        store, run_id, kind = self.told
        part = round(100 * done / total) if total else 0
        text = f"{self._stage}: {message}" if message else self._stage
        store.report_progress(run_id, kind, 100 * self.step + part, 100 * self.steps, text)

    def say(self, text: str) -> None:
        pass


def collapse(store: Store, run_id: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The Neural Collapse report of a stored run.

    Args:
        options: 'words', the word list; 'windows', how many held-out windows are read.

    Raises:
        FairpruneError: a model that has changed or is gone, too little text, words that are no single tokens.
    """
    from fairprune.debias.collapse_job import Collapse

    run = store.run(run_id)
    with open_store("sqlite://") as own:
        own.submit(run.spec)
        job = _Again(own, run.id, run.spec, masks={})
        job.told = store, run.id, "collapse"
        job.measures = False
        stages = [stage for stage in stages_of(run.spec) if stage in MAKING]
        job.steps = len(stages) + 2
        looked: Collapse | None = None
        steps = {
            "model": job.load_model,
            "calibration": job.cut_windows,
            "statistics": job.collect_statistics,
            "pruning": job.prune,
            EDIT: job.edit,
            RECOVERY: job.recover,
        }
        for stage in stages:
            with job.stage(stage):
                steps[stage]()
            job.step += 1
            if stage == "model":
                with job.stage("dense model"):
                    # The seed of the run: a recovery by UNC3 has looked at the same windows and control words.
                    looked = Collapse.of(
                        job.loaded,
                        job.corpus,
                        str(options["words"]),
                        int(options["windows"]),
                        run.spec.evaluation.seed,
                        also=job.calibration_corpus(),
                    )
                    looked.look("dense", job.loaded, job.progress)
                job.step += 1
        assert looked is not None
        with job.stage("pruned model"):
            job.place("resident")
            looked.look("pruned", job.loaded, job.progress)
        return looked.document()


def main(store: Store, kind: ReportKind, run_id: str) -> int:
    """Makes a claimed report and stores it with its run. Exit code 0: done; 3: ended with a stored error."""
    report = store.report(run_id, kind)
    if report is None:  # deleted with its run
        return 0
    try:
        found = collapse(store, run_id, report.options)
        store.put_result_part(run_id, DEBIAS, kind, found)
    except FairpruneError as error:
        store.finish_report(run_id, kind, "failed", str(error), traceback.format_exc())
        return STATE_IS_SET
    except Exception as error:  # noqa: BLE001 - a defect of ours is stored and shown folded, never lost
        sentence = f"the report stopped with a defect of fairprune ({type(error).__name__}): see the details"
        store.finish_report(run_id, kind, "failed", sentence, traceback.format_exc())
        return STATE_IS_SET
    store.finish_report(run_id, kind, "done")
    return 0
