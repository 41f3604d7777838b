"""How likely a study is to find what it looks for, by simulation, before it opens.

Every made-up study is analysed as the real one will be: Davidson's strengths, with the variance over judges and samples.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from fairprune.errors import BadInput
from fairprune.judgments.davidson import RIDGE, Model, fit
from fairprune.judgments.design import all_pairs, allocate, draw_items
from fairprune.judgments.simulate import Plan, World, answer
from fairprune.judgments.twoway import Cells, bootstrap, standard_error
from fairprune.part import Part
from fairprune.text import counted
from fairprune.uncertainty import wilson

SIMULATIONS = 400
MAX_VOTES = 100_000
RESAMPLES = 200
"""Enough for a standard error within 5 %; the analysis itself draws more."""


class Assumptions(Part):
    """What the study will be, and what is assumed of its judges."""

    judges: int = Field(ge=2, le=5000, description="Judges whose votes count.")
    samples: int = Field(ge=2, le=5000, description="Opinion sets.")
    votes_per_item: int = Field(ge=1, le=1000, description="Votes that every item gets.")
    systems: int = Field(
        2, ge=2, le=20, description="The first one is better or worse than all the others, which are alike."
    )
    items: int | None = Field(
        None, ge=1, description="Pairs on samples that are asked; None: every pair on every sample."
    )
    star: bool = Field(
        False, description="Every system is compared with the first one alone; else every two are compared."
    )
    effect: float = Field(
        0.6,
        ge=0.5,
        lt=1,
        description="Share of those with a preference who prefer the better one. 0.5: no effect; power is the rate of false alarms.",
    )
    ties: float = Field(0.25, gt=0, lt=1, description="Share of ties between equals.")
    judge_sd: float = Field(
        0.3, ge=0, le=5, description="How much judges differ in what they think of a system, in log-odds."
    )
    sample_sd: float = Field(
        0.4, ge=0, le=5, description="How much a system's summaries differ over samples, in log-odds."
    )
    careless: float = Field(
        0.0, ge=0, lt=1, description="Share of judges who answer at random and are not found."
    )
    alpha: float = Field(0.05, gt=0, lt=1, description="Error rate of the two-sided test.")


@dataclass(frozen=True)
class Power:
    """Share of made-up studies that find the difference between the first system and the second."""

    assumptions: Assumptions
    power: float
    low: float
    high: float
    """Wilson's 95 % interval: how sure the simulation is."""
    simulations: int
    width: float
    """Mean width of the 95 % interval of that difference, in log-odds."""
    n_items: int
    n_votes: int
    items_per_judge: float


def power(assumptions: Assumptions, *, simulations: int = SIMULATIONS, seed: int = 0) -> Power:
    """Power by simulation.

    Raises:
        BadInput: a plan that cannot be made (fewer judges than votes per item, too few items), or fewer than one simulation.
    """
    if simulations < 1:
        raise BadInput(f"{simulations} studies cannot be simulated: ask for at least 1")
    from scipy.special import stdtr, stdtrit

    one = assumptions
    systems = [f"system {i:02}" for i in range(one.systems)]
    samples = [f"sample {i}" for i in range(one.samples)]
    pairs = [(systems[0], other) for other in systems[1:]] if one.star else all_pairs(systems)
    asked = (one.items or len(pairs) * len(samples)) * one.votes_per_item
    if asked > MAX_VOTES:
        raise BadInput(f"{counted(asked, 'vote')} are too many to simulate: ask for at most {MAX_VOTES:,}")
    items = draw_items(pairs, samples, one.items, seed)
    judges = [f"judge {i}" for i in range(one.judges)]
    allocation = allocate([item.id for item in items], judges, one.votes_per_item, seed)
    plan = Plan.of(items, systems, allocation, seed)
    world = World(
        strengths=(math.log(one.effect / (1 - one.effect)), *[0.0] * (one.systems - 1)),
        nu=2 * one.ties / (1 - one.ties),
        judge_sd=one.judge_sd,
        sample_sd=one.sample_sd,
        careless=one.careless,
    )
    rng = np.random.default_rng(seed)
    contrast = np.zeros(one.systems + 1)
    contrast[0], contrast[1] = 1.0, -1.0
    found, widths = 0, []
    for number in range(simulations):
        cells = Cells.of_votes(plan.a, plan.b, answer(plan, world, rng).result, plan.judge, plan.sample)
        model = Model(cells.pairs, one.systems, bool(cells.counts[:, 1].sum()), RIDGE)
        estimate = fit(model, cells.counts)
        draws = bootstrap(model, cells, estimate, RESAMPLES, seed + number)
        se = standard_error(contrast, draws, cells)
        df = min(cells.n_judges, cells.n_clusters) - 1
        found += bool(se > 0 and 2 * stdtr(df, -abs(float(contrast @ estimate)) / se) <= one.alpha)
        widths.append(2 * float(stdtrit(df, 0.975)) * se)
    low, high = wilson(found, simulations)
    n_votes = len(plan.judge)
    return Power(
        one,
        found / simulations,
        low,
        high,
        simulations,
        float(np.mean(widths)),
        len(items),
        n_votes,
        n_votes / one.judges,
    )


def curve(
    assumptions: Assumptions, judges: Iterable[int], *, simulations: int = SIMULATIONS, seed: int = 0
) -> list[Power]:
    """Power for several numbers of judges, all else equal: votes per item grow with them, so that each judge's work stays the same.

    Raises:
        BadInput: as `power`, or a number of judges that leaves less than one vote per item.
    """
    found = []
    for n in judges:
        votes = round(assumptions.votes_per_item * n / assumptions.judges)
        if votes < 1:
            raise BadInput(
                f"{n} judges leave no vote for every item: ask for more judges, or for fewer items"
            )
        changed = assumptions.model_copy(update={"judges": n, "votes_per_item": votes})
        found.append(power(changed, simulations=simulations, seed=seed))
    return found
