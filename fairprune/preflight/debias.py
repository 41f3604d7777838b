"""What an edit, a recovery and the weights of DENP add to a run: memory of their stages, and their time.

Read from `debias/spin_job.py`, `debias/recovery.py`, `debias/denp.py` and `debias_stages.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from fairprune.debias import awareness
from fairprune.debias_spec import ROLES, EditSpec, RecoverySpec
from fairprune.errors import FairpruneError
from fairprune.spec import RunSpec
from fairprune.stages import EDIT, RECOVERY

PROMPT_TOKENS = 96
"""Of a long prompt with its answer in an awareness set, with the chat template: what memory is told from."""
READ_TOKENS = 68
"""Of a prompt with its answer on average: 471 in 7 readings of the packaged sets with SmolLM2's tokenizer and template."""
MEASURED = 80
"""Prompts per set that an edit is measured on where the sets cannot be read: half of a packaged set."""
ANSWER_TOKENS = 32
"""As `spin_measures.ANSWER_TOKENS`: of a written answer."""
ANSWERS_AT_ONCE = 8
MODELS_MEASURED = 4
"""By an edit: the model before it, after it, and after each control.
Beside them stands the dense one, or (an edit before pruning) the pruned one."""
PATH_STEPS = 7
"""As `denp.PATH`: sparsities at which losses are read, beside the dense model."""
LOSS_TOKENS = 2 * 48 * 40
"""Held-out opinions whose losses a recovery is measured on, two groups of 48 with 40 tokens each."""
COLLAPSE_TOKENS = 256 * 128
"""As `debias_stages.COLLAPSE_WINDOWS`: tokens of a look at the words of UNC3."""
UPDATE = 8
"""Passes over the weights that one step of AdamW with its checks costs beside the gradient."""


@dataclass(frozen=True)
class Added:
    """The work beside pruning; tokens are those of passes."""

    edit: EditSpec | None
    recovery: RecoverySpec | None
    path_windows: tuple[tuple[int, int], ...]
    """(windows, tokens each) whose losses DENP follows along its path: of the calibration set, of the recovery."""
    prompts: int = MEASURED
    """Of each awareness set in either half: as many choose the weights at most, and as many are measured on."""

    @property
    def followed(self) -> int:
        """Tokens that DENP reads, over the dense model and its path."""
        return sum(windows * tokens for windows, tokens in self.path_windows) * (1 + PATH_STEPS)

    @property
    def forward(self) -> dict[str, float]:
        """Stage → tokens of passes without gradients."""
        found = {"calibration": float(self.followed)}
        if self.edit is not None:
            models = self._models(self.edit)
            # Safe and unsafe answers of two sets, the general set, and the states of pairs.
            found[EDIT] = float(models * 7 * self.prompts * READ_TOKENS)
        if self.recovery is not None:
            looks = 3 if self.recovery.kind == "nc3" else 0
            found[RECOVERY] = float(2 * LOSS_TOKENS + looks * COLLAPSE_TOKENS)
        return found

    @staticmethod
    def _models(edit: EditSpec) -> int:
        """How many models an edit is measured on."""
        return (MODELS_MEASURED if edit.control == "none" else 2) + 1

    @property
    def gradient(self) -> dict[str, float]:
        """Stage → tokens of passes with gradients."""
        found = {}
        if self.edit is not None:
            found[EDIT] = float(3 * min(self.edit.samples, self.prompts) * READ_TOKENS)
        if self.recovery is not None:
            found[RECOVERY] = float(self.recovery.steps * self.recovery.batch_size * self.recovery.seqlen)
        return found

    @property
    def decoded(self) -> float:
        """Steps of decoding in which an edit's answers are written."""
        if self.edit is None:
            return 0.0
        models = self._models(self.edit)
        return models * 2 * self.prompts / ANSWERS_AT_ONCE * ANSWER_TOKENS


NOTHING_ADDED = Added(None, None, ())


def added(spec: RunSpec, reads_windows: bool) -> Added:
    """What this run does beside pruning.

    Args:
        reads_windows: whether its method reads calibration windows; without them nothing is weighed.
    """
    path = []
    if spec.calibration.name == "denp" and reads_windows:
        path.append((spec.calibration.samples, spec.calibration.seqlen))
    if spec.recovery is not None and spec.recovery.kind == "denp":
        path.append((spec.recovery.samples, spec.recovery.seqlen))
    return Added(
        spec.edit, spec.recovery, tuple(path), MEASURED if spec.edit is None else _prompts(spec.edit)
    )


def _prompts(edit: EditSpec) -> int:
    """Half of the middle one of the three sets; `MEASURED` where one of them is not here."""
    try:
        sizes = sorted(len(awareness.load(getattr(edit, role)).items) for role in ROLES)
    except FairpruneError:
        return MEASURED
    return max(1, sizes[1] // 2)


def recovery_bytes(weights: int, item: int) -> int:
    """Beside model and activations: moments, gradient, the copy that is put back, mask; a float32 master below 32 bits."""
    return weights * (8 + item + item + 1 + (4 if item < 4 else 0))


def importance_bytes(weights: int) -> int:
    """Of an edit: the float32 sums of one set, and what their ranking takes beside them."""
    return 2 * 4 * weights
