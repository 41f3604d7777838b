"""Prune, edit, recover and write a model, without summaries and measures: what `python -m fairprune prune` does."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fairprune import __version__, catalogue
from fairprune.calibration import CalibrationSet, ids_hash
from fairprune.errors import BadInput
from fairprune.report import SparsityReport, versions
from fairprune.spec import RunSpec
from fairprune.stages import EDIT, RECOVERY, stages_of
from fairprune.store import open_store
from fairprune.worker import Execution


def read_ids(path: Path) -> NDArray[np.int32]:
    """Token windows from a .npy file: integers (windows, tokens), at least one window of two tokens.

    Raises:
        BadInput: another kind of file, shape or type.
    """
    try:
        value = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise BadInput(f"the file of calibration ids {path} does not exist") from error
    except (OSError, ValueError, EOFError) as error:
        raise BadInput(
            f"{path} is no .npy file of integers (pickled objects are refused): save a NumPy array (windows, tokens)"
        ) from error
    if (
        not isinstance(value, np.ndarray)
        or value.ndim != 2
        or value.dtype.kind not in "iu"
        or value.shape[0] < 1
        or value.shape[1] < 2
    ):
        shown = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else "an archive"
        raise BadInput(f"{path} holds {shown}, but integers (windows, tokens ≥ 2) are needed")
    if int(value.min()) < 0 or int(value.max()) >= 2**31:
        raise BadInput(
            f"{path} holds token ids from {int(value.min())} to {int(value.max())}: ids are never negative"
        )
    return value.astype(np.int32)


class _Spoken(Execution):
    """An execution whose progress goes to a function instead of rows."""

    report_to: Callable[[str], None]
    _said: tuple[str, int] = ("", -1)

    def progress(self, done: int, total: int, message: str) -> None:  # noqa: ARG002
        if message and (self._stage, done) != self._said:
            self._said = (self._stage, done)
            self.report_to(f"{self._stage}: {message}")

    def say(self, text: str) -> None:
        self.report_to(text)


def prune_to_folder(
    spec: RunSpec, out: Path, ids: NDArray[np.int32] | None, report_to: Callable[[str], None]
) -> SparsityReport:
    """Prunes the model of `spec`, edits and recovers it where that asks for it, and writes it to the new folder `out`.

    Args:
        ids: (windows, tokens) to calibrate on instead of `spec.calibration`.

    Raises:
        FairpruneError: whatever is wrong with model, windows or folder; then `out` does not exist.
    """
    from fairprune.export import check_room, check_target, export

    check_target(out)
    with open_store("sqlite://") as store:
        row, _ = store.submit(spec)
        job = _Spoken(store, row.id, spec, masks={})
        job.report_to = report_to
        job.measures = False
        with job.stage("model"):
            job.load_model()
            check_room(out, job.loaded)
        with job.stage("calibration"):
            if ids is None:
                job.cut_windows()
            else:
                job.cut_training()
            if ids is not None and job.reads_windows():
                _check_vocabulary(ids, job.loaded.model.config.get_text_config().vocab_size)
                catalogue.check_window(catalogue.resolve(spec.model.name), ids.shape[1])
                job.windows = CalibrationSet(ids, None, (), {}, 0, 0, 0)
        steps = {
            "statistics": job.collect_statistics,
            "pruning": job.prune,
            EDIT: job.edit,
            RECOVERY: job.recover,
        }
        for stage in stages_of(spec):
            if stage in steps:
                with job.stage(stage):
                    steps[stage]()
        seconds = store.run(row.id).seconds
    assert job.masks is not None
    report_to(f"writing {out} and loading it again to compare")
    export(job.loaded, job.masks, _report(spec, job, ids, seconds), out, _undo_of(job))
    return job.report


def _undo_of(job: Execution) -> dict[str, str]:
    """The file for `spin --undo`, where the edit was the last thing done to the weights."""
    from fairprune.debias.spin_folder import UNDO

    if job.spec.edit is None or job.spec.edit.order != "after" or job.spec.recovery is not None:
        return {}
    return {UNDO: json.dumps(job.found["edit"]["undo"], indent=0)}


def _check_vocabulary(ids: NDArray[np.int32], vocabulary: int) -> None:
    if int(ids.max()) >= vocabulary:
        raise BadInput(
            f"the calibration ids go up to {int(ids.max())}, but the model's vocabulary ends at {vocabulary - 1}: another tokenizer's?"
        )


def _report(
    spec: RunSpec, job: Execution, ids: NDArray[np.int32] | None, seconds: dict[str, float]
) -> dict[str, Any]:
    """What was done. Parts of the spec that played no part (summaries, an unused calibration set) are left out."""
    written = spec.model_dump(mode="json", exclude={"evaluation", "metrics"})
    calibration: dict[str, Any] | None = None
    if job.windows is None or ids is not None:
        written["calibration"] = None
    if job.windows is not None:
        calibration = (
            job.windows.to_json()
            if ids is None
            else {
                "samples": ids.shape[0],
                "seqlen": ids.shape[1],
                "hash": ids_hash(ids),
                "source": "token ids",
            }
        )
    return {
        "fairprune": __version__,
        "spec": written,
        "identity": spec.model.identity,
        "sparsity": job.report.to_json(),
        "calibration": calibration,
        **_added(job),
        "versions": versions(),
        "seconds": seconds,
    }


def _added(job: Execution) -> dict[str, Any]:
    """What an edit and a recovery did, with the list that undoes the edit, and what was trained on; {} without either."""
    found: dict[str, Any] = {}
    if job.found:
        found["debias"] = job.found
    if job.training is not None:
        windows, tokens = job.training.ids.shape
        found["training"] = {
            "corpus": job.spec.calibration.corpus,
            "samples": windows,
            "seqlen": tokens,
            "hash": job.training.hash,
        }
    return found
