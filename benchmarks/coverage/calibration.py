"""Several calibration draws of one setting: do the intervals of their mean speak of another calibration set, too?

A population of calibration draws, each of which leans and scatters a little differently, on the same topics as the dense
model. A data set is a draw of calibration draws and one of topics, independent of one another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.coverage.study import ROUNDING, USUAL
from benchmarks.coverage.worlds import Case, Design, System, World, world
from fairprune.metrics import METRICS
from fairprune.metrics.scoring.beside import distance
from fairprune.uncertainty import estimate_over_draws

CALIBRATIONS, TOPICS = 24, 48
"""Calibration draws and topics of the population."""
DRAWN = (2, 3, 5)
DESIGN = Design(100, 100)
JUDGED = ("bur", "uer", "sof", "spd2", "ec", "cp")
PRUNED = System(0.6, 1.0)
"""The mean calibration draw."""
BETWEEN = (0.25, 0.8)
"""How much the lean differs between draws (standard deviation): little beside topics, and more than they do."""


@dataclass(frozen=True)
class Covered:
    """Share of the data sets in which the interval of a difference holds the truth."""

    metric: str
    between: float
    """How much calibration draws differ."""
    calibrations: int
    coverage: float
    width: float


def populations(between: float, calibrations: int = CALIBRATIONS, topics: int = TOPICS) -> list[World]:
    """One population per calibration draw, with the same dense model in each."""
    leans = PRUNED.lean + between * np.random.default_rng(1).normal(0, 1, calibrations)
    return [
        world(Case("calibration", USUAL, replace(PRUNED, lean=float(lean))), seed=0, topics=topics, own=k)
        for k, lean in enumerate(leans)
    ]


def calibration_study(sets: int, between: float, worlds: list[World] | None = None) -> list[Covered]:
    """Coverage of the mean difference to the dense model over k calibration draws, per metric and k."""
    worlds = populations(between) if worlds is None else worlds
    weights, many = worlds[0].weights(DESIGN), DESIGN.draws()
    found = []
    for name in JUDGED:
        statistic, dense = distance(METRICS[name]), worlds[0].dense[name]
        truth = float(np.mean([statistic(weights, one.pruned[name])[0] for one in worlds]))
        truth -= float(statistic(weights, dense)[0])
        for k in DRAWN:
            held, widths = [], []
            for number in range(sets):
                rng = np.random.default_rng([k, number])
                chosen, places = rng.integers(0, len(worlds), k), worlds[0].draw(DESIGN, rng)
                one = estimate_over_draws(
                    statistic,
                    [worlds[i].pruned[name][places] for i in chosen],
                    dense[places],
                    many[number % len(many)],
                    number,
                )
                if one.low is not None and one.high is not None:
                    held.append(one.low - ROUNDING <= truth <= one.high + ROUNDING)
                    widths.append(one.high - one.low)
            found.append(Covered(name, between, k, float(np.mean(held)), float(np.mean(widths))))
    return found
