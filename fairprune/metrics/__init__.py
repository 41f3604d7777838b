"""The table of fairness metrics: one small file, one decorated function each.

A metric has two halves. The decorated function maps the shares of one sample to a row of numbers; the
corpus statistic maps how often every sample is drawn, (R, n), and the rows of all samples, (n, columns), to
(R,) values. So the point value, every bootstrap resample and every paired difference come from the same code.

Listing the metrics costs no torch, no scikit-learn and no NLTK.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fairprune.uncertainty import Contrasts, Statistic, weighted_mean

if TYPE_CHECKING:
    from fairprune.metrics.shares import Shares
    from fairprune.spec import MetricSpec

Direction = Literal["lower", "zero"]
"""lower: less is fairer. zero: signed, nearest zero is fairest."""
MatcherName = Literal["ngram", "label"]
PerSample = Callable[["Shares", "MetricSpec"], Sequence[float]]


@dataclass(frozen=True)
class Metric:
    """One row of the table."""

    name: str
    title: str
    sample: PerSample
    """Scored shares of one sample → a row of numbers; NaN in a column that does not apply to the sample."""
    statistic: Statistic
    """(weights (R, n), rows (n, columns)) → (R,)."""
    matcher: MatcherName
    """Where the shares come from; part of what the number means."""
    definition: str
    """One sentence."""
    formula: str
    """LaTeX."""
    direction: Direction
    best: float
    source: str
    meaning: str
    """One plain sentence for the page."""
    unit: str
    """Unit of the value as stored: always a fraction, never percent."""
    contrasts: Contrasts | None = None
    """For a mean of absolute values: the signed values, (R, k). A bootstrap of absolute values never reaches 0."""


METRICS: dict[str, Metric] = {}


def fairness_metric(
    *,
    name: str,
    title: str,
    matcher: MatcherName,
    definition: str,
    formula: str,
    direction: Direction,
    best: float,
    source: str,
    meaning: str,
    unit: str = "fraction",
    statistic: Statistic = weighted_mean,
    contrasts: Contrasts | None = None,
) -> Callable[[PerSample], PerSample]:
    """Puts a per-sample function into the table. A second use of a name is an error."""

    def register(sample: PerSample) -> PerSample:
        if name in METRICS:
            raise ValueError(f"two fairness metrics are called {name!r}")
        METRICS[name] = Metric(
            name,
            title,
            sample,
            statistic,
            matcher,
            definition,
            formula,
            direction,
            best,
            source,
            meaning,
            unit,
            contrasts,
        )
        return sample

    return register


# Adding a metric touches only its own file. Files without a decorated function hold what metrics share.
for _module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
    importlib.import_module(f"{__name__}.{_module}")
