"""The likelihood against published fits, and Newton's steps for many resamples against scipy's optimiser."""

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.judgments.davidson import Model, fit, fit_many
from tests.judgments.published import PUDDING, PUDDING_NU, PUDDING_WORTH


def pudding(ridge=1e-6):
    pairs = np.array([[i - 1, j - 1] for i, j in PUDDING])
    counts = np.array([[i, tie, j] for i, j, tie in PUDDING.values()], dtype=float)
    return Model(pairs, 6, True, ridge), counts


def test_davidsons_puddings():
    model, counts = pudding()
    found = fit(model, counts)
    worth = np.exp(found[:6]) / np.exp(found[:6]).sum()
    # Davidson stopped after seven iterations: his fourth decimal is not the last
    assert worth == pytest.approx(PUDDING_WORTH, abs=3e-4)
    assert np.exp(found[6]) == pytest.approx(PUDDING_NU, abs=1e-3)


def test_the_likelihood_equations_hold():
    # At the maximum every system has as many expected as observed points (a win 1, a tie ½), and the ties sum up: Davidson (1970), (3.5)
    model, counts = pudding()
    expected = model.probabilities(fit(model, counts)) * counts.sum(axis=1, keepdims=True)
    for system in range(6):
        points = [0.0, 0.0]
        for (a, b), seen, due in zip(model.pairs, counts, expected, strict=True):
            for i, cells in enumerate((seen, due)):
                points[i] += (cells[0] if a == system else cells[2] if b == system else 0) + (
                    cells[1] / 2 if system in (a, b) else 0
                )
        assert points[0] == pytest.approx(points[1], abs=1e-3)
    assert counts[:, 1].sum() == pytest.approx(expected[:, 1].sum(), abs=1e-3)


def test_two_systems_by_hand():
    # 6 wins, 2 ties, 2 losses: π_a / π_b = 6 / 2, and ν √(π_a π_b) / π_b = 2 / 2, so ν = 1 / √3
    found = fit(Model(np.array([[0, 1]]), 2, True, 1e-9), np.array([[6.0, 2.0, 2.0]]))
    assert found[0] - found[1] == pytest.approx(np.log(3), abs=1e-5)
    assert np.exp(found[2]) == pytest.approx(1 / np.sqrt(3), abs=1e-5)
    assert found[:2].sum() == pytest.approx(0, abs=1e-6)


def test_probabilities_by_hand():
    # π = 4 and 1, ν = 1/2: ν √4 = 1, D = 6
    model = Model(np.array([[0, 1]]), 2)
    p = model.probabilities(np.array([np.log(4), 0.0, np.log(0.5)]))
    assert p[0] == pytest.approx([4 / 6, 1 / 6, 1 / 6])
    without = Model(np.array([[0, 1]]), 2, ties=False).probabilities(np.array([np.log(4), 0.0, 0.0]))
    assert without[0] == pytest.approx([0.8, 0, 0.2])


def test_newton_finds_what_scipy_finds_in_every_resample():
    model, counts = pudding(0.01)
    rng = np.random.default_rng(0)
    many = rng.multinomial(60, counts.ravel() / counts.sum(), size=30).reshape(30, -1, 3).astype(float)
    many[0] = 0  # nobody voted: the ridge alone, all are alike
    many[1, :, 1] = 0  # no tie
    many[2, :, 1:] = 0  # the first won them all
    found = fit_many(model, many)
    for row, one in zip(found, many, strict=True):
        assert row == pytest.approx(fit(model, one), abs=2e-4)
    assert found[0] == pytest.approx(np.zeros(7), abs=1e-9)


def test_a_system_that_won_every_vote_stays_finite():
    model = Model(np.array([[0, 1]]), 2, ties=False)
    found = fit(model, np.array([[20.0, 0.0, 0.0]]))
    # the ridge: λ β = 20 (1 − p), with p = 1 / (1 + e^{−2β}) and β = 3.66
    assert 0.01 * found[0] == pytest.approx(20 / (1 + np.exp(2 * found[0])), abs=1e-4)
    assert np.isfinite(found).all()


def test_without_a_ridge_there_is_no_fit():
    with pytest.raises(BadInput, match="a ridge of 0"):
        Model(np.array([[0, 1]]), 2, ridge=0)
