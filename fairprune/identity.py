"""What makes stored work the same work: the names of dense summaries and of statistics on disk. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from fairprune.opinions import OpinionSet
from fairprune.paths import subfolder
from fairprune.spec import RunSpec, content_hash

STATISTICS_VERSION = 2  # raise when the meaning of a statistic changes
INPUTS, COVARIANCES = "inputs", "covariances"
"""Kinds of statistics beside gradients, whose kind is 'last_token/l2' and the like."""
STATISTICS_LIMIT = 4 * 2**30
"""Bytes of all statistics on disk together; the least recently used go first."""


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
