"""Made-up judges answer as they are told to."""

import numpy as np
import pytest

from fairprune.judgments.design import all_pairs, allocate, draw_items
from fairprune.judgments.simulate import TIE, A, B, Plan, World, answer, marginal


def plan(n=30, judges=20, votes=10, systems=("x", "y")):
    items = draw_items(all_pairs(systems), [f"s{i:02}" for i in range(n)], None, 0)
    allocation = allocate([item.id for item in items], [f"j{i:02}" for i in range(judges)], votes, 0)
    return Plan.of(items, systems, allocation, 0)


def pooled(world, times=60, **more):
    made, rng = plan(**more), np.random.default_rng(0)
    found = [answer(made, world, rng) for _ in range(times)]
    return made, np.concatenate([one.result for one in found]), found


def test_a_plan_has_every_vote_and_even_sides():
    made = plan()
    assert len(made.judge) == 30 * 10 and (made.n_judges, made.n_samples) == (20, 30)
    assert np.bincount(made.judge).tolist() == [15] * 20
    assert 140 <= made.swapped.sum() <= 150  # seven of each judge's fifteen
    assert (made.a == 0).all() and (made.b == 1).all()


def test_shares_are_davidsons():
    # strengths ln 4 and 0, ν = ½: 4 / 6, 1 / 6, 1 / 6
    world = World(strengths=(np.log(4), 0.0), nu=0.5, judge_sd=0, sample_sd=0)
    _, results, _ = pooled(world)
    assert np.bincount(results, minlength=3) / len(results) == pytest.approx([4 / 6, 1 / 6, 1 / 6], abs=0.012)


def test_a_bias_goes_to_the_left():
    world = World(strengths=(0.0, 0.0), nu=0.5, judge_sd=0, sample_sd=0, left_bias=1.0)
    made, _, found = pooled(world)
    left = sum(
        int(((one.result == A) & ~made.swapped | (one.result == B) & made.swapped).sum()) for one in found
    )
    decided = sum(int((one.result != TIE).sum()) for one in found)
    assert left / decided == pytest.approx(np.e / (1 + np.e), abs=0.015)


def test_careless_judges_answer_by_side():
    world = World(strengths=(5.0, 0.0), careless=0.5)
    made, _, found = pooled(world)
    assert np.mean([one.careless.mean() for one in found]) == pytest.approx(0.5, abs=0.05)
    careless = np.concatenate([one.result[one.careless[made.judge]] for one in found])
    # left .45 and right .35, sides even: .4 for either system, though one is far stronger
    assert np.bincount(careless, minlength=3) / len(careless) == pytest.approx([0.4, 0.2, 0.4], abs=0.02)


def test_the_marginal_truth():
    pairs = np.array([[0, 1]])
    plain = marginal(World(strengths=(0.5, -0.5), nu=0.7, judge_sd=0, sample_sd=0), pairs, draws=10)
    assert plain == pytest.approx([0.5, -0.5, np.log(0.7)], abs=1e-3)
    # tastes draw a crowd's log-odds towards 0
    crowd = marginal(World(strengths=(0.5, -0.5), judge_sd=1.0, sample_sd=0.5), pairs)
    assert 0.3 < crowd[0] < 0.45 and crowd[0] == pytest.approx(-crowd[1], abs=1e-6)
    world = World(strengths=(0.5, -0.5), judge_sd=1.0, sample_sd=0.5, left_bias=0.5)
    _, results, _ = pooled(world, times=200)
    wins, losses = (results == A).sum(), (results == B).sum()
    assert np.log(wins / losses) == pytest.approx(2 * marginal(world, pairs)[0], abs=0.05)
