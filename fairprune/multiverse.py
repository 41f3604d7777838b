"""Specification curve: one comparison of two systems under every defensible way to measure it.

Source: Simonsohn, Simmons and Nelson, Nature Human Behaviour 4 (2020); Steegen et al., Perspectives on Psychological
Science 11 (2016), multiverse analysis.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Literal, get_args

import numpy as np

from fairprune.errors import BadInput, unknown
from fairprune.labels import Embedder, Labeller, SentenceLabel
from fairprune.metric_spec import TEMPERATURES, MetricSpec
from fairprune.metrics import METRICS, Metric
from fairprune.metrics.matchers import embedding, ngram
from fairprune.metrics.matchers import label as label_matcher
from fairprune.metrics.matchers.base import EMPTY, NOT_WRITTEN
from fairprune.metrics.scoring.beside import distance
from fairprune.metrics.scoring.bounds import most_unfair_row
from fairprune.metrics.scoring.tools import tells_apart
from fairprune.metrics.shares import Shares, from_counts
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.text import sentences
from fairprune.uncertainty import FloatArray, Resamples, draw_resamples, estimate_difference

Matcher = Literal["ngram", "label", "embedding"]
Unscored = Literal["left out", "uniform", "unfair"]
"""left out and counted; a summary without a match taken as uniform (as published); counted as fully unfair."""
TAUS = ("0.6", "0.7", "0.8", "0.9", "1")
SEEDS = (0, 1, 2)
CHOICES = ("matcher", "reading", "ties", "tau", "unscored", "seed")
_MATTERS: dict[str, tuple[str, ...]] = {
    "bur": CHOICES,
    "auc": ("matcher", "reading", "ties", "unscored", "seed"),
    "uer": ("matcher", "reading", "unscored", "seed"),
    "sof": ("matcher", "reading", "unscored", "seed"),
}
"""Metric → the choices that change it. SPD2 has a matcher, a reading and a treatment of its own: no curve."""


@dataclass(frozen=True)
class Row:
    """The comparison under one specification; a choice that does not change the metric is None."""

    metric: str
    matcher: Matcher
    reading: Literal["ratio", "equal"]
    ties: Literal["lt", "le"] | None
    tau: str | None
    unscored: Unscored
    seed: int
    """Of the bootstrap."""
    a: float | None
    """Value of system A over the samples that both have scored; None: there are none."""
    b: float | None
    difference: float | None
    """a − b: below zero A is fairer."""
    low: float | None
    high: float | None
    n: int
    reason: str | None = None
    """Why there is no difference, or no interval of it."""

    @property
    def clear(self) -> bool | None:
        """Whether the interval excludes zero; None without an interval."""
        if self.low is None or self.high is None:
            return None
        return self.low > 0 or self.high < 0

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "clear": self.clear}


def specification_curve(
    sets: Sequence[OpinionSet],
    systems: Mapping[str, Sequence[str | None]],
    info: CorpusInfo,
    spec: MetricSpec,
    *,
    a: str | None = None,
    b: str | None = None,
    metric: str = "bur",
    classifier: Labeller | None = None,
    encoder: Embedder | None = None,
    taus: Sequence[str] = TAUS,
    seeds: Sequence[int] = SEEDS,
) -> list[Row]:
    """A against B over readings × ties × matchers × τ × treatments of unscored summaries × seeds.

    Args:
        systems: name → n texts; None where none was written.
        a, b: which two are compared; the first and the second when not named.
        spec: what no choice varies: number of resamples, the classifier's threshold.
        metric: bur, auc, uer or sof; choices that do not change it are not varied.
        classifier: gives the matcher `label`; None: it is not varied.
        encoder: gives the matcher `embedding`, unless the groups are sentiments that it does not tell apart; None: it
            is not varied.

    Raises:
        BadInput: no set, fewer than two systems, an unknown name, lists of another length, no τ or no seed.
    """
    a, b = _pair(systems, a, b)
    if not sets:
        raise BadInput("there is no opinion set to compare on: give at least one")
    for name in (a, b):
        if len(systems[name]) != len(sets):
            raise BadInput(f"{len(systems[name])} summaries of {name!r} do not fit {len(sets)} opinion sets")
    if metric not in _MATTERS:
        raise unknown("metric of a specification curve", metric, _MATTERS)
    if not taus or not seeds:
        raise BadInput("a specification curve needs at least one tau and one seed")
    matched = _match(sets, {name: systems[name] for name in (a, b)}, info, spec, classifier, encoder)
    topics, mixes = [one.topic for one in sets], [one.composition for one in sets]
    draws = {seed: draw_resamples(topics, mixes, spec.resamples, seed) for seed in seeds}
    rows = []
    for choice in _choices(metric, list(dict.fromkeys(key[0] for key in matched)), taus):
        tables = [_table(METRICS[metric], choice, spec, matched[choice["matcher"], name]) for name in (a, b)]
        rows += [_row(METRICS[metric], choice, seed, draws[seed], tables) for seed in seeds]
    return rows


def summary(rows: Sequence[Row]) -> dict[str, int]:
    """How many specifications say what.

    Returns:
        specifications in all; a_fairer, b_fairer, equal; those of them that have an interval (intervals) and whose interval
        excludes zero (a_clearly, b_clearly), or that have none (no_interval): nobody can say whether it would exclude
        zero; missing: no sample is scored for both systems.
    """
    known = [row for row in rows if row.difference is not None]
    return {
        "specifications": len(rows),
        "a_fairer": sum((row.difference or 0.0) < 0 for row in known),
        "b_fairer": sum((row.difference or 0.0) > 0 for row in known),
        "equal": sum(row.difference == 0 for row in known),
        "intervals": sum(row.clear is not None for row in known),
        "a_clearly": sum(row.high is not None and row.high < 0 for row in known),
        "b_clearly": sum(row.low is not None and row.low > 0 for row in known),
        "no_interval": sum(row.clear is None for row in known),
        "missing": len(rows) - len(known),
    }


def reasons(rows: Sequence[Row]) -> dict[str, int]:
    """Why specifications have no difference or no interval → how many, the most frequent first."""
    return dict(Counter(row.reason for row in rows if row.reason is not None).most_common())


def exclusions(rows: Sequence[Row]) -> str:
    """'the interval excludes zero in 3 of 4 that have one (2 and 1), 1 without an interval, 1 could not be computed'."""
    found = summary(rows)
    parts = [
        f"the interval excludes zero in {found['a_clearly'] + found['b_clearly']} of {found['intervals']} that have one "
        f"({found['a_clearly']} and {found['b_clearly']})"
    ]
    if found["no_interval"]:
        parts.append(f"{found['no_interval']} without an interval")
    if found["missing"]:
        parts.append(f"{found['missing']} could not be computed")
    return ", ".join(parts)


def sentence(rows: Sequence[Row], a: str, b: str) -> str:
    """The summary in words."""
    found = summary(rows)
    why = "".join(f"; {count} × {reason}" for reason, count in reasons(rows).items())
    return (
        f"{a} is fairer than {b} in {found['a_fairer']} of {found['specifications']} specifications and less fair in "
        f"{found['b_fairer']}; {exclusions(rows)}{why}"
    )


def _pair(systems: Mapping[str, Any], a: str | None, b: str | None) -> tuple[str, str]:
    names = list(systems)
    if len(names) < 2:
        raise BadInput(f"{len(names)} systems cannot be compared: give the summaries of two")
    for name in (a, b):
        if name is not None and name not in systems:
            raise unknown("system", name, systems)
    first = a if a is not None else next(name for name in names if name != b)
    second = b if b is not None else next(name for name in names if name != first)
    if first == second:
        raise BadInput(f"{first!r} cannot be compared with itself: name two systems")
    return first, second


def _choices(metric: str, matchers: Sequence[Matcher], taus: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Every specification but for its seed; a choice that does not matter is None."""
    free = _MATTERS[metric]
    axes: dict[str, Sequence[Any]] = {
        "matcher": matchers,
        "reading": ("ratio", "equal"),
        "ties": ("lt", "le") if "ties" in free else (None,),
        "tau": taus if "tau" in free else (None,),
        "unscored": get_args(Unscored),
    }
    for values in product(*axes.values()):
        yield dict(zip(axes, values, strict=True))


def _match(
    sets: Sequence[OpinionSet],
    systems: Mapping[str, Sequence[str | None]],
    info: CorpusInfo,
    spec: MetricSpec,
    classifier: Labeller | None,
    encoder: Embedder | None,
) -> dict[tuple[Matcher, str], tuple[list[Shares], list[Shares]]]:
    """(matcher, system) → shares with zero matches unscored, and with zero matches uniform."""
    found: dict[tuple[Matcher, str], tuple[list[Shares], list[Shares]]] = {}
    stops = spec.extra_stop_words
    sources = [ngram.read_source(one, info.groups, stops) for one in sets]
    for name, texts in systems.items():
        pairs = list(zip(sources, texts, strict=True))
        found["ngram", name] = (
            [ngram.match(source, text, "unscored", stops) for source, text in pairs],
            [ngram.match(source, text, "uniform", stops) for source, text in pairs],
        )
    if encoder is not None and tells_apart(encoder, info):
        asked = spec.temperature if spec.matcher == "embedding" else None
        near = embedding.matcher(encoder, TEMPERATURES["embedding"] if asked is None else asked)
        for name, texts in systems.items():
            shares = near(sources, texts)
            found["embedding", name] = (shares, shares)  # a similarity is never without a match
    if classifier is None:
        return found
    said = [[s for opinion in one.opinions for s in sentences(opinion.text)] for one in sets]
    spoken = {name: [sentences(text or "") for text in texts] for name, texts in systems.items()}
    distinct = list(
        dict.fromkeys(s for rows in (said, *spoken.values()) for found_in in rows for s in found_in)
    )
    labels = dict(zip(distinct, classifier.label(distinct, spec.none_below), strict=True))
    for name, texts in systems.items():
        parts = list(zip(said, spoken[name], texts, strict=True))
        found["label", name] = (
            [_by_label(info, labels, source, own, text, "unscored") for source, own, text in parts],
            [_by_label(info, labels, source, own, text, "uniform") for source, own, text in parts],
        )
    return found


def _by_label(
    info: CorpusInfo,
    labels: Mapping[str, SentenceLabel],
    source: Sequence[str],
    own: Sequence[str],
    text: str | None,
    zero_match: Literal["unscored", "uniform"],
) -> Shares:
    """Shares of labelled sentences over the groups that the source speaks for."""
    counts = [label_matcher.label_counts([labels[s] for s in side]) for side in (source, own)]
    shares = from_counts(
        info.groups, counts[0], counts[1], zero_match=zero_match, no_match=label_matcher.NO_LABEL
    )
    if text is None or not own:
        return shares.unwritten(NOT_WRITTEN if text is None else EMPTY)
    return shares


def _table(
    metric: Metric, choice: Mapping[str, Any], spec: MetricSpec, matched: tuple[list[Shares], list[Shares]]
) -> FloatArray:
    """(n, columns) of one system under one specification."""
    given = {key: choice[key] for key in ("reading", "ties", "tau") if choice[key] is not None}
    varied = spec.model_copy(update=given)
    rows: list[Sequence[float] | None] = []
    for shares in matched[1 if choice["unscored"] == "uniform" else 0]:
        if shares.summary is not None:
            rows.append(metric.sample(shares, varied))
        elif choice["unscored"] == "unfair" and shares.kept:
            rows.append(most_unfair_row(metric, shares, varied))
        else:
            rows.append(None)
    columns = max((len(row) for row in rows if row is not None), default=1)
    return np.array([[math.nan] * columns if row is None else list(row) for row in rows], dtype=np.float64)


def _row(
    metric: Metric, choice: Mapping[str, Any], seed: int, draws: Resamples, tables: Sequence[FloatArray]
) -> Row:
    width = max(table.shape[1] for table in tables)
    wide = [np.pad(t, ((0, 0), (0, width - t.shape[1])), constant_values=np.nan) for t in tables]
    found = estimate_difference(distance(metric), wide[0], wide[1], draws, binary=metric.binary)
    both = ~np.isnan(wide[0]).all(axis=1) & ~np.isnan(wide[1]).all(axis=1)
    values: list[float | None] = [None, None]
    if both.any():
        one = np.ones((1, int(both.sum())))
        values = [float(metric.statistic(one, table[both])[0]) for table in wide]
    reason = found.limit if found.low is None else None
    if found.value is None:
        reason = "no sample is scored for both systems"
    return Row(
        metric=metric.name,
        **choice,
        seed=seed,
        a=values[0],
        b=values[1],
        difference=found.value,
        low=found.low,
        high=found.high,
        n=found.n,
        reason=reason,
    )
