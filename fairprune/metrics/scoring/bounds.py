"""What unscored summaries could have been: counted once as fair, once as fully unfair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from fairprune.errors import BadInput
from fairprune.metrics import Metric
from fairprune.metrics.scoring.systems import System
from fairprune.metrics.shares import Shares
from fairprune.spec import MetricSpec

Row = Sequence[float]


def bounds(metric: Metric, system: System, spec: MetricSpec) -> dict[str, Any] | None:
    """The corpus value with every unscored summary at its fairest and at its most unfair.

    low_fair: an unscored summary has the fair shares. high_unfair: it speaks for one group alone, always the one that makes
    the corpus value worst: the same group throughout, or the worst of each sample. A sample without source text stays
    out, since no summary of it can be scored. n counts what stands in both numbers.

    Returns:
        None for coverage of the opinions: shares that were not read have ends, scores of a model have none.
    """
    shares = [one for one in system.inputs[metric.name] if isinstance(one, Shares)]
    table = system.tables[metric.name]
    if len(shares) < len(table):
        return None
    open_places = [i for i, one in enumerate(shares) if one.summary is None and one.kept]
    n = len(shares) - sum(one.summary is None and not one.kept for one in shares)
    if n == 0:
        return {"low_fair": None, "high_unfair": None, "n": 0}
    fair = {i: _fair_row(metric, shares[i], spec) for i in open_places}
    alone = {i: _rows_alone(metric, shares[i], spec) for i in open_places}
    groups = len(shares[0].groups)
    choices: list[dict[int, Row]] = [
        {i: rows.get(group, next(iter(rows.values()))) for i, rows in alone.items()}
        for group in range(groups)
    ]
    choices.append({i: _worst(metric, rows) for i, rows in alone.items()})
    worst = [_value(metric, table, choice) for choice in choices]
    return {
        "low_fair": _value(metric, table, fair),
        "high_unfair": max(worst, key=lambda value: abs(value - metric.best)),
        "n": n,
    }


def most_unfair_row(metric: Metric, shares: Shares, spec: MetricSpec) -> Row:
    """Of the summary that speaks for one group alone, the one that makes it worst.

    Raises:
        BadInput: a sample without source text, of which no summary can be scored.
    """
    if not shares.kept:
        raise BadInput(f"a sample without scores ({shares.unscored}) cannot be called unfair: leave it out")
    return _worst(metric, _rows_alone(metric, shares, spec))


def difference_bounds(metric: Metric, pruned: dict[str, Any], dense: dict[str, Any]) -> dict[str, Any]:
    """Bounds of pruned − dense in distance from the best value: each at its fairest while the other is at its worst."""
    ends = [pruned["low_fair"], dense["high_unfair"], pruned["high_unfair"], dense["low_fair"]]
    if any(end is None for end in ends):
        return {"low_fair": None, "high_unfair": None, "n": 0}
    far = [abs(end - metric.best) for end in ends]
    return {"low_fair": far[0] - far[1], "high_unfair": far[2] - far[3], "n": min(pruned["n"], dense["n"])}


def _value(metric: Metric, table: Any, filled: dict[int, Row]) -> float:
    columns = max([table.shape[1], *(len(row) for row in filled.values())])
    whole = np.full((len(table), columns), np.nan)
    whole[:, : table.shape[1]] = table
    for i, row in filled.items():
        whole[i, : len(row)] = row
    return float(metric.statistic(np.ones((1, len(table))), whole)[0])


def _fair_row(metric: Metric, shares: Shares, spec: MetricSpec) -> Row:
    """Of the summary with the fair shares: those of the reading, or the source's own where the metric knows no other."""
    rows = [
        metric.sample(replace(shares, summary=shares.fair(reading), unscored=None), spec)
        for reading in (spec.reading, "ratio")
    ]
    return min(rows, key=lambda row: _away(metric, row))


def _rows_alone(metric: Metric, shares: Shares, spec: MetricSpec) -> dict[int, Row]:
    """Kept group → the row of a summary that speaks for it alone."""
    return {
        group: metric.sample(
            replace(
                shares,
                summary=tuple(
                    None if share is None else Fraction(place == group)
                    for place, share in enumerate(shares.source)
                ),
                unscored=None,
            ),
            spec,
        )
        for group in shares.kept
    }


def _worst(metric: Metric, rows: Mapping[int, Row]) -> Row:
    return max(rows.values(), key=lambda row: _away(metric, row))


def _away(metric: Metric, row: Row) -> float:
    """How unfair a row is, to compare rows of one metric."""
    return float(np.nansum(np.abs(np.array(row, dtype=float) - metric.best)))
