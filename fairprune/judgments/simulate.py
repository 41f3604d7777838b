"""Made-up judges with known tastes: what power is computed with, and what the analysis is tested against.

A judge prefers by Davidson's probabilities, with strengths that are the systems' own plus the judge's taste for each system plus how well
each system did on this sample; a judge with a side bias adds it to the left. A careless judge looks at nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from fairprune.judgments.davidson import Model, fit
from fairprune.judgments.design import Item
from fairprune.part import Part
from fairprune.uncertainty import FloatArray

IntArray = NDArray[np.intp]
A, TIE, B = 0, 1, 2
CARELESS = (0.45, 0.2, 0.35)
"""How a careless judge answers: left, tie, right."""


class World(Part):
    """What is true of a made-up study; strengths, tastes and bias in log-odds."""

    strengths: tuple[float, ...] = Field(
        min_length=2, description="Of the systems, in the order of their names."
    )
    nu: float = Field(0.7, gt=0, description="Davidson's ν: equals tie with ν / (2 + ν).")
    judge_sd: float = Field(0.3, ge=0, description="How much judges differ in what they think of a system.")
    sample_sd: float = Field(0.4, ge=0, description="How much a system's summaries differ over samples.")
    left_bias: float = Field(0.0, description="Log-odds of left against right between equals.")
    careless: float = Field(0.0, ge=0, lt=1, description="Share of judges who look at nothing.")


@dataclass(frozen=True)
class Plan:
    """Who judges what: one entry per vote."""

    judge: IntArray
    sample: IntArray
    a: IntArray
    """System that is first by the alphabet."""
    b: IntArray
    swapped: NDArray[np.bool_]
    """Whether `a` stands right."""
    n_judges: int
    n_samples: int

    @staticmethod
    def of(
        items: Sequence[Item], systems: Sequence[str], allocation: dict[str, list[str]], seed: int
    ) -> Plan:
        """From items and who gets which; sides half and half within each judge."""
        rng = np.random.default_rng(seed)
        by_id = {item.id: item for item in items}
        samples = sorted({item.sample for item in items})
        rows = [
            (number, by_id[item], i % 2 == 1)
            for number, own in enumerate(allocation.values())
            for i, item in enumerate([own[i] for i in rng.permutation(len(own))])
        ]
        return Plan(
            np.array([number for number, _, _ in rows]),
            np.array([samples.index(item.sample) for _, item, _ in rows]),
            np.array([systems.index(item.system_a) for _, item, _ in rows]),
            np.array([systems.index(item.system_b) for _, item, _ in rows]),
            np.array([turned for _, _, turned in rows]),
            len(allocation),
            len(samples),
        )


@dataclass(frozen=True)
class Answers:
    """What the judges of a plan answer."""

    result: IntArray
    """Per vote A, TIE or B, of systems."""
    careless: NDArray[np.bool_]
    """(judges,)."""


def answer(plan: Plan, world: World, rng: np.random.Generator) -> Answers:
    """One made-up study; judges, samples and votes are all drawn anew."""
    n_systems = len(world.strengths)
    taste = rng.normal(0, world.judge_sd, (plan.n_judges, n_systems))
    luck = rng.normal(0, world.sample_sd, (plan.n_samples, n_systems))
    of = np.array(world.strengths) + taste[plan.judge] + luck[plan.sample]
    rows = np.arange(len(plan.judge))
    p = _probabilities(of[rows, plan.a] - of[rows, plan.b], plan.swapped, world)
    careless = rng.random(plan.n_judges) < world.careless
    blind = np.where(plan.swapped[:, None], CARELESS[::-1], CARELESS)
    p = np.where(careless[plan.judge][:, None], blind, p)
    result = (rng.random(len(p))[:, None] > p.cumsum(axis=1)[:, :2]).sum(axis=1)
    return Answers(result, careless)


def marginal(world: World, pairs: IntArray, draws: int = 200_000, seed: int = 0) -> FloatArray:
    """What an endless study of careful judges would find, (systems + 1,): strengths around 0, and log ν.

    Tastes and luck are averaged over: the log-odds of a crowd lie nearer to 0 than those of its members, which is what
    a ranking of a crowd speaks of.

    Args:
        pairs: (P, 2), compared equally often.
    """
    rng = np.random.default_rng(seed)
    spread = np.sqrt(2 * (world.judge_sd**2 + world.sample_sd**2))
    noise = rng.normal(0, spread, draws)
    strengths = np.array(world.strengths)
    shares = []
    for a, b in pairs:
        delta = strengths[a] - strengths[b] + noise
        both = [_probabilities(delta, np.full(draws, turned), world).mean(axis=0) for turned in (False, True)]
        shares.append(np.mean(both, axis=0))
    return fit(Model(pairs, len(strengths), True, 1e-6), 1e4 * np.array(shares))


def _probabilities(delta: FloatArray, swapped: NDArray[np.bool_], world: World) -> FloatArray:
    """(n,) log-odds of a against b → (n, 3): A, TIE, B."""
    shift = delta + np.where(swapped, -world.left_bias, world.left_bias)
    weight = np.stack([np.exp(shift / 2), np.full(len(delta), world.nu), np.exp(-shift / 2)], axis=1)
    found: FloatArray = weight / weight.sum(axis=1, keepdims=True)
    return found
