"""The stages of a run that do more than prune: an edit before or after pruning, a recovery after it.

What they find is stored part by part in the run's result `debias`: 'calibration', 'edit', 'recovery', 'collapse'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fairprune.calibration import CalibrationSet, calibration_set
from fairprune.errors import BadInput
from fairprune.spec import CalibrationSpec, RunSpec
from fairprune.stages import Staged
from fairprune.text import counted

if TYPE_CHECKING:
    from fairprune.debias.collapse_job import Collapse
    from fairprune.debias.recovery import ExtraLoss
    from fairprune.debias.spin_measures import Measured
    from fairprune.mask_record import MaskRecord
    from fairprune.models import LoadedModel, Placement
    from fairprune.opinions import Corpus
    from fairprune.report import SparsityReport
    from fairprune.tokens import TextTokenizer

DEBIAS = "debias"
"""Kind of the result."""
COLLAPSE_WINDOWS = 256
"""Held-out windows of 128 tokens that Neural Collapse is measured on, where nobody asks for another number."""
Places = dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]]
"""Module name → rows and columns of weights."""


def training_windows(spec: RunSpec, corpus: Corpus, tokenizer: TextTokenizer) -> CalibrationSet:
    """What a recovery trains on, all of the calibration split, so that no evaluated opinion is among it.

    Prompts with balanced opinions; for `nc3` windows of opinions in which the words stand, since each needs some contexts.

    Raises:
        BadInput: too little text, words that are no single tokens.
    """
    asked = spec.recovery
    assert asked is not None
    if asked.kind != "nc3":
        wanted = CalibrationSpec(
            name="balanced",
            corpus=corpus.info.name,
            samples=asked.samples,
            seqlen=asked.seqlen,
            seed=asked.seed,
        )
        return calibration_set(wanted, corpus, tokenizer)
    from fairprune.debias.contexts import word_contexts
    from fairprune.debias.words import load_words, single_tokens

    words = single_tokens(tokenizer, load_words(asked.words)).all_ids
    found = word_contexts(
        tokenizer, corpus, "calibration", words, tokens=asked.seqlen, windows=asked.samples, seed=asked.seed
    )
    return CalibrationSet(found.ids, None, (), {}, len(found.ids), 0, 0, notes=(found.note,))


def counted_tokens(windows: CalibrationSet) -> NDArray[np.bool_] | None:
    """(windows, tokens): whose loss a recovery minimises, those of opinions; None for windows without a prompt, of which all count."""
    if not windows.windows:
        return None
    found = np.zeros(windows.ids.shape, dtype=np.bool_)
    for row in range(len(found)):
        for segment, place in windows.places(row):
            found[row, place] = segment.kind == "opinion"
    return found


@dataclass
class Debiasing(Staged):
    """The part of an execution that edits and recovers."""

    spec: RunSpec
    masks: dict[str, Any] | None = None
    """Where a caller wants the keep-masks: a dictionary that `prune` fills (module name → bool (out, in))."""
    loaded: LoadedModel = field(init=False)
    report: SparsityReport = field(init=False)
    measures: bool = True
    """Whether what an edit or a recovery does is measured, and not only done."""
    record: MaskRecord | None = field(default=None, init=False)
    """What the run keeps of its masks, until all that sets weights to zero is done."""
    training: CalibrationSet | None = field(default=None, init=False)
    """What a recovery trains on; with weights where these are balanced."""
    edited: Places = field(default_factory=dict, init=False)
    """What an edit has set to zero."""
    looked: Collapse | None = field(default=None, init=False)
    """Words and windows that a recovery by UNC3 is measured on."""
    dense_measured: Measured | None = field(default=None, init=False)
    """What an edit after pruning is measured by, of the dense model."""
    unpruned_measured: dict[str, Measured] = field(default_factory=dict, init=False)
    """What an edit before pruning was measured by, of each model, until the pruned one is measured beside them."""
    found: dict[str, Any] = field(default_factory=dict, init=False)
    """The parts of the result so far."""

    def place(self, placement: Placement) -> None:
        """Puts the weights there."""
        raise NotImplementedError

    def calibration_corpus(self) -> Corpus:
        """The opinions that windows are cut from."""
        raise NotImplementedError

    @property
    def corpus(self) -> Corpus:
        """The opinions that are summarised."""
        raise NotImplementedError

    def note(self, part: str, value: Mapping[str, Any]) -> None:
        """Stores a part of the result."""
        self.found[part] = dict(value)
        self.store.put_result(self.run_id, DEBIAS, self.found)

    def tokenizer(self) -> TextTokenizer:
        """Of the model.

        Raises:
            BadInput: it has none.
        """
        if self.loaded.tokenizer is None:
            raise BadInput(f"{self.spec.model.name} has no tokenizer.json, which calibration sets need")
        return self.loaded.tokenizer

    # Before pruning -----------------------------------------------------------------------------------------

    def weighed(self, windows: CalibrationSet, part: str) -> CalibrationSet:
        """The windows with balanced weights (DENP), told from the dense model; what these rest on is stored also where it is refused.

        Args:
            part: of the result, where the document stands as 'rac'.
        """
        from fairprune.debias.denp import affected_windows, rac_document

        self.place("resident")
        found = affected_windows(self.loaded, windows, seed=self.spec.calibration.seed, report=self.progress)
        told = {
            **rac_document(found),
            "values": found.accumulated.rac.tolist(),
            "members": found.split.members.tolist(),
        }
        self.note(part, {"rac": told})
        return replace(windows, weights=found.weights())

    def cut_training(self) -> None:
        """The windows of a recovery, before anything that takes long: too little text, rare words, or a refused split, is seen at once."""
        asked = self.spec.recovery
        if asked is None:
            return
        windows = training_windows(self.spec, self.calibration_corpus(), self.tokenizer())
        if asked.kind == "nc3":
            from fairprune.debias.draws import check_term
            from fairprune.debias.words import load_words, single_tokens

            check_term(asked, windows.ids, single_tokens(self.tokenizer(), load_words(asked.words)).all_ids)
        self.training = self.weighed(windows, "recovery") if asked.kind == "denp" else windows

    # The edit -----------------------------------------------------------------------------------------------

    def edit(self) -> None:
        """Sets the chosen weights to zero and measures what that does, beside both controls."""
        from fairprune.debias.spin_job import run_spin

        asked = self.spec.edit
        assert asked is not None
        self.place("resident")
        found = run_spin(
            self.loaded,
            asked,
            self.progress,
            dense=self.dense_measured,
            measures=self.measures,
            kept=self.unpruned_measured if asked.order == "before" else None,
        )
        undo = found["undo"]
        self.note("edit", found)
        by_name: dict[str, list[tuple[int, int]]] = {}
        for one in undo:
            by_name.setdefault(str(one["module"]), []).append((int(one["row"]), int(one["column"])))
        self.edited = {
            name: (np.array([row for row, _ in own]), np.array([column for _, column in own]))
            for name, own in by_name.items()
        }
        self.say(
            f"{asked.label}: {counted(len(undo), 'weight')} set to zero in {counted(len(by_name), 'matrix', 'matrices')}"
        )
        if asked.order == "after":
            self.report = self.report.with_edits({name: len(rows) for name, (rows, _) in self.edited.items()})
            self.store.put_result(self.run_id, "sparsity", self.report.to_json())
            for name, (rows, columns) in self.edited.items():
                if self.record is not None:
                    self.record.drop(name, rows, columns)
                if self.masks is not None and name in self.masks:
                    self.masks[name][rows, columns] = False
            self.close_record()

    def look_at_final(self) -> None:
        """Measures the model that was edited before it was pruned, now that it is, beside the unpruned ones."""
        asked = self.spec.edit
        if asked is None or not self.unpruned_measured:
            return
        from fairprune.debias.spin_job import with_final

        self.place("resident")
        found = with_final(self.loaded, asked, self.found["edit"], self.unpruned_measured, self.progress)
        self.note("edit", found)
        self.unpruned_measured = {}

    def close_record(self) -> None:
        """Writes the masks to the disk, once nothing sets weights to zero any more."""
        if self.record is not None:
            self.say(self.record.close())
            self.record = None

    def drop_edited(self, name: str, keep: Any) -> int:
        """Of a matrix pruned after the edit: how many of its edited weights the mask would keep; they stay dropped in it.

        Args:
            keep: bool (out, in), changed in place.
        """
        if name not in self.edited:
            return 0
        rows, columns = self.edited[name]
        count = int(keep[rows, columns].sum())
        keep[rows, columns] = False
        return count

    # The recovery -------------------------------------------------------------------------------------------

    def recover(self) -> None:
        """Trains the weights that are not zero for some steps, and measures what that does to the texts of each group.

        Raises:
            NumericError: a loss that is not finite; the weights from before are back then.
        """
        from fairprune.debias.recovery import RecoveryReport, recover
        from fairprune.debias.recovery_losses import held_back, loss_document, losses_of, text_document
        from fairprune.prune import Calibration

        asked, windows = self.spec.recovery, self.training
        assert asked is not None and windows is not None
        self.place("resident")
        texts = (
            held_back(
                self.tokenizer(), self.corpus, self.spec.evaluation.seed, also=self.calibration_corpus()
            )
            if self.measures
            else []
        )

        def losses(when: str) -> NDArray[np.float64]:
            line = f"losses of held-out opinions {when} the recovery: text {{}} of {{}}"
            return losses_of(
                self.loaded, texts, lambda done, n: self.progress(done, n + asked.steps, line.format(done, n))
            )

        before = losses("before")
        if self.looked is not None:
            self.looked.look("before", self.loaded, self.progress)
        plain = Calibration.of(replace(windows, weights=None, loss_mask=counted_tokens(windows)))
        report: dict[str, Any] = {}
        for event in recover(self.loaded, None, plain, windows.weights, asked, self._added()):
            if isinstance(event, RecoveryReport):
                report = event.to_json()
                self.say(f"{asked.label}: {counted(event.steps, 'step')}, {event.moved:,} weights could move")
            else:
                self.progress(event.step, event.steps, str(event))
        measured: dict[str, Any] = {}
        if texts:
            after = losses("after")
            measured["losses"] = loss_document(texts, before, after, self.spec.metrics.seed)
            measured["texts"] = text_document(texts, before, after)
        if self.looked is not None:
            self.looked.look("pruned", self.loaded, self.progress)
            measured["collapse"] = self.looked.document("before", "pruned")
            self.note("collapse", self.looked.document())
        self.note("recovery", {**self.found.get("recovery", {}), "report": report, **measured})

    def look_at_dense(self) -> None:
        """What is needed of the dense model: its states by an edit after pruning (the kernels' widths), its words by UNC3."""
        edit, asked = self.spec.edit, self.spec.recovery
        if edit is not None and edit.order == "after" and self.measures:
            from fairprune.debias.spin_job import measure_dense

            self.dense_measured = measure_dense(self.loaded, edit, self.progress)
        if asked is None or asked.kind != "nc3" or not self.measures:
            return
        from fairprune.debias.collapse_job import Collapse
        from fairprune.debias.contexts import check_apart

        self.looked = Collapse.of(
            self.loaded,
            self.corpus,
            asked.words,
            COLLAPSE_WINDOWS,
            self.spec.evaluation.seed,
            also=self.calibration_corpus(),
        )
        if self.training is not None:
            check_apart(self.training.ids, self.looked.ids)
        self.looked.look("dense", self.loaded, self.progress)

    def _added(self) -> ExtraLoss | None:
        """The term that `nc3` adds to the loss; None for the others."""
        asked = self.spec.recovery
        if asked is None or asked.kind != "nc3":
            return None
        from fairprune.debias.nc3 import Nc3Loss
        from fairprune.debias.words import load_words, single_tokens

        words = single_tokens(self.tokenizer(), load_words(asked.words))
        self.say(words.sentence())
        return Nc3Loss(words.all_ids, asked.strength, asked.mean_strength, reset=asked.reset)
