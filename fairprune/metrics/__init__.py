"""The table of fairness metrics: one small file, one decorated function each.

A metric has two halves. The decorated function maps the shares of one sample (for coverage metrics: the coverage
of its opinions) to a row of numbers; the corpus statistic maps how often every sample is drawn, (R, n), and the
rows of all samples, (n, columns), to (R,) values. So the point value, every bootstrap resample and every paired
difference come from the same code.

Listing the metrics costs no torch, no scikit-learn and no NLTK.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from fairprune.text import short_name
from fairprune.uncertainty import Contrasts, Statistic, weighted_mean

if TYPE_CHECKING:
    from fairprune.metric_spec import MetricSpec

Direction = Literal["lower", "zero"]
"""lower: less is fairer. zero: signed, nearest zero is fairest."""
MatcherName = Literal["ngram", "label", "entailment", "similarity"]
"""What a metric reads. ngram: shares of the matcher that the spec names, n-grams by default. label: shares of
labelled sentences. entailment, similarity: coverage of the opinions."""
PerSample = Callable[[Any, "MetricSpec"], Sequence[float]]


@dataclass(frozen=True)
class Metric:
    """One row of the table."""

    name: str
    title: str
    sample: PerSample
    """Scored Shares (or Coverage) of one sample → a row of numbers; NaN in a column that does not apply to it."""
    statistic: Statistic
    """(weights (R, n), rows (n, columns)) → (R,)."""
    matcher: str
    """Where the shares come from; part of what the number means. In the table a `MatcherName`; in `chosen` the
    name that is shown and stored, such as 'bertscore (MiniLM)'."""
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
    """Unit of the value as stored: a fraction, never percent; probability or cosine for coverage."""
    contrasts: Contrasts | None = None
    """For a mean of absolute values: the signed values, (R, k). A bootstrap of absolute values never reaches 0."""
    optional: bool = False
    """Whether it is scored only where the spec asks for it."""
    binary: bool = False
    """Whether every sample is 0 or 1, so that the value is a proportion of samples: its interval is Wilson's."""

    @property
    def is_rate(self) -> bool:
        """Whether people read it in percent and points; otherwise as a decimal."""
        return self.direction == "lower" and self.unit == "fraction"


METRICS: dict[str, Metric] = {}
PACKAGED_ENCODER = "MiniLM"


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
    optional: bool = False,
    binary: bool = False,
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
            optional,
            binary,
        )
        return sample

    return register


def limits(metric: Metric) -> tuple[float, float]:
    """Least and largest value of a metric: a rate or a probability, a mean distance of cosines, a difference of two balances."""
    if metric.direction == "zero":
        return -2.0, 2.0
    return 0.0, 2.0 if metric.unit == "cosine" else 1.0


def chosen(spec: MetricSpec) -> dict[str, Metric]:
    """The metrics that a spec asks for, in the order of the table, each with the full name of its matcher."""
    names = matcher_names(spec)
    return {
        name: replace(metric, matcher=names[metric.matcher])
        for name, metric in METRICS.items()
        if not metric.optional or name in spec.extra
    }


def matcher_names(spec: MetricSpec) -> dict[str, str]:
    """A metric's matcher in the table → the name that is shown and stored beside every number.

    >>> from fairprune.metric_spec import MetricSpec
    >>> matcher_names(MetricSpec(matcher="bertscore"))["ngram"]
    'bertscore (MiniLM)'
    """
    matcher: str = spec.matcher
    if matcher not in ("ngram", "label"):
        details = [short_name(spec.matcher_model) or PACKAGED_ENCODER]
        if matcher == "bertscore" and spec.bertscore == "f1":
            details.append("F1")
        if spec.temperature is not None:
            details.append(f"T = {spec.temperature:g}")
        matcher = f"{matcher} ({', '.join(details)})"
    elif matcher == "ngram" and spec.extra_stop_words:
        matcher = f"ngram (without {', '.join(spec.extra_stop_words)})"
    return {
        "ngram": matcher,
        "label": "label" if spec.spd2_source == "classifier" else f"label, {spec.spd2_source}",
        "entailment": f"entailment ({short_name(spec.entailment_model)})",
        "similarity": f"similarity ({PACKAGED_ENCODER})",
    }


_FIRST = ("bur", "uer", "spd2", "sof", "auc")
"""The metrics that people ask for first stand first in the table, and so wherever metrics are listed."""


def in_order(names: Iterable[str]) -> list[str]:
    """Names of metrics in the order of the table; those that it does not have come last."""
    places = {name: place for place, name in enumerate(METRICS)}
    return sorted(names, key=lambda name: places.get(name, len(places)))


def _place(module: str) -> tuple[int, str]:
    return (_FIRST.index(module) if module in _FIRST else len(_FIRST), module)


# Adding a metric touches only its own file. Files without a decorated function hold what metrics share.
for _module in sorted((module.name for module in pkgutil.iter_modules(__path__)), key=_place):
    importlib.import_module(f"{__name__}.{_module}")
