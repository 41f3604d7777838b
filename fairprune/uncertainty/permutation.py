"""The paired test: would the difference be as large if it did not matter which system is which?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fairprune.errors import BadInput
from fairprune.uncertainty.resampling import FloatArray, Statistic, paired

PERMUTATIONS = 2000


@dataclass(frozen=True)
class PairedTest:
    """Two-sided."""

    p_value: float | None
    """In (0, 1]; None with fewer than two topics that both systems score."""
    n: int
    """Samples that both systems score."""
    n_topics: int
    exact: bool
    """Whether every exchange of topics was looked at, not a random part of them."""


def paired_test(
    statistic: Statistic,
    after: FloatArray,
    before: FloatArray,
    topics: Sequence[str],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> PairedTest:
    """Exchanges the systems in whole topics and counts how often the difference is at least as large.

    With g topics there are 2^g exchanges: all of them where that is at most `permutations`, else as many random ones.
    The null hypothesis is that the two systems are exchangeable within each topic.

    Args:
        statistic: of the corpus; the difference is statistic(after) − statistic(before).
        after, before: (n, columns), a row of NaN for an unscored sample; only samples that both score are read.
        topics: of the n samples; the same clusters that the bootstrap draws.

    Raises:
        BadInput: tables and topics of different lengths, no permutation.

    Source: Good, Permutation, Parametric and Bootstrap Tests of Hypotheses (2005), chapter 3; p-values of random
    exchanges count the observed one (Phipson and Smyth, 2010), as in scipy.stats.permutation_test.
    """
    if not len(after) == len(before) == len(topics):
        raise BadInput(
            f"tables of {len(after)} and {len(before)} samples do not fit {len(topics)} topics: give one row each"
        )
    if permutations < 1:
        raise BadInput(f"{permutations} permutations cannot be drawn: ask for at least 1")
    a, b, both = paired(after, before)
    kept = np.flatnonzero(both)
    names, place = np.unique([topics[int(i)] for i in kept], return_inverse=True)
    n_topics = len(names)
    if n_topics < 2:
        return PairedTest(None, len(kept), n_topics, False)
    rows = np.concatenate([a[kept], b[kept]])  # (2n, columns): both systems under one another

    def difference(first: Any, _second: Any, axis: int = -1) -> Any:
        # first (…, g): which of its two systems each topic gives; below g it is its own, else the other.
        own = np.moveaxis(np.atleast_2d(first), axis, -1) < n_topics
        keep = own[..., place].astype(np.float64).reshape(-1, len(kept))
        mine, other = np.concatenate([keep, 1 - keep], axis=1), np.concatenate([1 - keep, keep], axis=1)
        found = statistic(mine, rows) - statistic(other, rows)
        return found.reshape(own.shape[:-1]) if np.ndim(first) > 1 else found[0]

    from scipy.stats import permutation_test

    ids = np.arange(n_topics)
    exact = n_topics < 63 and 2**n_topics <= permutations
    result = permutation_test(
        (ids, ids + n_topics),
        difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=permutations,
        batch=1024,
        alternative="two-sided",
        rng=np.random.default_rng(seed),
    )
    return PairedTest(float(result.pvalue), len(kept), n_topics, exact)


def holm(p_values: Mapping[str, float | None], alpha: float = 0.05) -> dict[str, float | None]:
    """Holm's adjusted p-values of a family of tests that was named before; a missing one stays missing.

    A test that could not be carried out still counts as one of the family: it was promised.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    given = {name: value for name, value in p_values.items() if value is not None}
    if len(p_values) < 2 or not given:
        return dict(p_values)
    from statsmodels.stats.multitest import multipletests  # a second to import

    promised = [1.0 if value is None else value for value in p_values.values()]
    adjusted = multipletests(promised, alpha=alpha, method="holm")[1]
    return {
        name: float(value) if name in given else None for name, value in zip(p_values, adjusted, strict=True)
    }
