"""What makes stored work the same work: the names of dense summaries and of statistics on disk. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import get_args

from fairprune.methods import Loss
from fairprune.opinions import OpinionSet
from fairprune.paths import subfolder
from fairprune.spec import RunSpec, content_hash

STATISTICS_VERSION = 2  # raise when the meaning of a statistic changes
INPUTS, COVARIANCES = "inputs", "covariances"
"""Kinds of statistics beside gradients, whose kind is 'last_token/l2' and the like."""
KINDS = (
    INPUTS,
    COVARIANCES,
    *(f"{loss}/{aggregate}" for loss in get_args(Loss) for aggregate in ("l1", "l2")),
)
"""All kinds that there are."""
STATISTICS_LIMIT = 4 * 2**30
"""Bytes of all statistics on disk together; the least recently used go first."""


def statistics_weights(spec: RunSpec) -> str:
    """Identity of the weights that statistics are of: the model's, or those of the model after an edit that comes before pruning."""
    if spec.edit is None or spec.edit.order == "after":
        return spec.model.identity
    return content_hash(f"{spec.model.identity}\n{spec.edit.model_dump_json()}")


def dense_id(spec: RunSpec, dtype: str, sets: Sequence[OpinionSet]) -> str:
    """Identity of the dense model's summaries of these sets: every run with the same model and sets shares them.

    The corpus and the number of sets are in the sets' own ids.
    """
    asked = spec.evaluation.model_copy(
        update={"samples": None, "corpus": "", "perplexity_windows": None, "perplexity_tokens": 128}
    )
    # Of a generation's making these two say nothing.
    settings = asked.model_dump_json(exclude={"noise_band", "loss_ratio"})
    parts = [spec.model.identity, dtype, spec.device, settings, *(one.id for one in sets)]
    return content_hash("\n".join(parts))


@dataclass(frozen=True)
class Place:
    """What statistics of the dense model are of."""

    weights: str
    """Identity of the weights."""
    dtype: str
    device: str
    windows: str
    """Hash of the calibration windows."""

    @property
    def key(self) -> str:
        return content_hash("\n".join([str(STATISTICS_VERSION), *astuple(self)]))

    def path(self, kind: str) -> Path:
        """The file of one kind of statistic."""
        return subfolder("statistics") / f"{self.key}-{kind.replace('/', '-')}.safetensors"

    def kinds(self) -> frozenset[str]:
        """The kinds that are on disk: looks at file names only."""
        return frozenset(kind for kind in KINDS if self.path(kind).is_file())
