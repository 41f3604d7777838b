"""The (U)NC3 term of a recovery: L = L_task + λ · UNC3, with running class totals.

Class c is a word's token id, its features h are what the output matrix reads where that word is the next token, w_c is its row.
With s_c = cos(w_c, μ_c − μ_G) over the words seen often enough, NC3 is the mean of s_c and UNC3 its standard deviation. The features
are detached: the gradient of the term reaches the rows w_c alone (which are the input embedding's where the two are tied).

UNC3 alone makes the cosines equal, not large. λ_mean · (1 − NC3) is an extension of ours, which no paper has.

Source: arXiv 2410.04472.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.functional import cosine_similarity

from fairprune.debias.collapse_measures import MIN_COUNT
from fairprune.errors import BadInput

LEAST_VARIANCE = 1e-12
"""Below, the cosines are equal, and a root has no gradient."""
EXTENSION = "mean term: an extension of ours"


class Nc3Loss:
    """The term, and the class totals of all steps so far (or since the last reset)."""

    def __init__(
        self,
        rows: Sequence[int],
        strength: float,
        mean_strength: float = 0.0,
        *,
        reset: int = 0,
        min_count: int = MIN_COUNT,
    ) -> None:
        """
        Args:
            rows: token ids of the words, each once.
            strength: λ, of UNC3. With both strengths 0 the words' rows move by the loss alone: the control.
            mean_strength: λ_mean, of 1 − NC3; 0: as published.
            reset: steps after which the totals begin anew; 0: never.
            min_count: features from which on a word counts.

        Raises:
            BadInput: fewer than two words, or one twice; strengths that are negative.
        """
        if len(rows) < 2 or len(set(rows)) != len(rows):
            raise BadInput(f"UNC3 needs two words at least, each once, but got token ids {list(rows)[:8]}")
        if min(strength, mean_strength) < 0:
            raise BadInput(
                f"strengths of UNC3 and of the mean term must be at least 0, not {strength} and {mean_strength}"
            )
        self.rows: Sequence[int] = tuple(rows)
        self.strength, self.mean_strength = strength, mean_strength
        self.reset, self.min_count = reset, min_count
        self.counts = torch.zeros(len(rows), dtype=torch.int64)
        self.sums: torch.Tensor | None = None
        """float64 (words, width)."""
        self.calls = 0

    @property
    def name(self) -> str:
        extension = f" + {self.mean_strength:g} · (1 − NC3) ({EXTENSION})" if self.mean_strength else ""
        return f"{self.strength:g} · UNC3{extension}"

    @property
    def words_in_use(self) -> int:
        """Words with enough features as it stands."""
        return int((self.counts >= self.min_count).sum())

    @property
    def note(self) -> str:
        return (
            f"{self.words_in_use} of {len(self.rows)} words had at least {self.min_count} features in the training windows "
            f"{'since the last reset ' if self.reset else ''}and entered UNC3, which needs two."
        )

    def add(self, features: torch.Tensor, labels: torch.Tensor) -> None:
        """Adds to the totals.

        Args:
            features: (tokens, width).
            labels: (tokens,), token ids.
        """
        ids = torch.tensor(self.rows, device=labels.device)
        hit = labels[:, None] == ids
        place = hit.int().argmax(dim=1)[hit.any(dim=1)]
        found = features.detach()[hit.any(dim=1)].double()
        if self.sums is None:
            self.sums = torch.zeros(len(ids), features.shape[1], dtype=torch.float64, device=features.device)
            self.counts = self.counts.to(features.device)
        self.sums.index_add_(0, place, found)
        self.counts += torch.bincount(place, minlength=len(ids))

    def cosines(self, output: torch.Tensor) -> torch.Tensor | None:
        """s_c of the words with enough features, float32; None where there are fewer than two.

        Args:
            output: (vocabulary, width), the output matrix.
        """
        used = self.counts >= self.min_count
        if self.sums is None or int(used.sum()) < 2:
            return None
        means = self.sums[used] / self.counts[used, None]
        rows = torch.tensor(self.rows, device=output.device)[used]
        return cosine_similarity(output[rows].float(), (means - means.mean(dim=0)).float(), dim=1)

    def __call__(
        self, features: torch.Tensor, labels: torch.Tensor, output: torch.Tensor
    ) -> torch.Tensor | None:
        """Adds the step's features to the totals, and returns the term, a float32 scalar; None where it is not defined yet."""
        if self.reset and self.calls and self.calls % self.reset == 0:
            self.sums, self.counts = None, torch.zeros_like(self.counts)
        self.calls += 1
        self.add(features, labels)
        cosines = self.cosines(output)
        if cosines is None:
            return None
        # The population's variance, as in the report.
        spread = cosines.var(correction=0).clamp_min(LEAST_VARIANCE).sqrt()
        return self.strength * spread + self.mean_strength * (1 - cosines.mean())
