"""Votes counted in cells, and the standard error of crossed judges and samples."""

import numpy as np
import pytest

from fairprune.judgments.davidson import Model, fit
from fairprune.judgments.twoway import Cells, Draws, bootstrap, standard_error


def test_cells_by_hand():
    # votes: pair (0, 1): a of judge x on s, tie of y on s, automatic tie on t; pair (0, 2): b of x on t
    cells = Cells.of_votes(
        np.array([0, 0, 0, 0]),
        np.array([1, 1, 1, 2]),
        np.array([0, 1, 1, 2]),
        np.array(["x", "y", "", "x"]),
        np.array(["s", "s", "t", "t"]),
        np.array([True, True, False, True]),
    )
    assert cells.pairs.tolist() == [[0, 1], [0, 2]]
    assert cells.counts.tolist() == [[1, 2, 0], [0, 0, 1]]
    assert cells.automatic.tolist() == [[0, 1, 0], [0, 0, 0]]
    assert cells.by_judge.tolist() == [[1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 0]]
    assert cells.by_cluster.tolist() == [[1, 1, 0, 0, 0, 0], [0, 1, 0, 0, 0, 1]]
    assert (cells.n_judges, cells.n_clusters) == (2, 2)


def test_the_variance_by_hand():
    # of draws 0, 2 the variance is 2, of 0, 4 it is 8, of 0, 1 it is 1/2. Two judges: 2 · 3/1; four clusters: 8 · 5/3; ten votes: ½ · 11/9
    cells = Cells.of_votes(*np.zeros((3, 10), dtype=int), np.arange(10) % 2, np.arange(10) % 4)
    one = np.ones(1)
    draws = Draws(np.array([[0.0], [2.0]]), np.array([[0.0], [4.0]]), np.array([[0.0], [1.0]]))
    assert standard_error(one, draws, cells) ** 2 == pytest.approx(6 + 40 / 3 - 11 / 18)
    # never below what single votes vary by: 0.03 + 0.0333 − 0.6111 would be negative
    small = Draws(np.array([[0.0], [0.2]]) / 2**0.5, np.array([[0.0], [0.2]]), np.array([[0.0], [1.0]]))
    assert standard_error(one, small, cells) ** 2 == pytest.approx(11 / 18)


def crossed(judge_sd, sample_sd, rng, judges=40, samples=40):
    """Every judge on every sample once: wins of 0 against 1 with a judge's and a sample's log-odds."""
    odds = rng.normal(0, judge_sd, judges)[:, None] + rng.normal(0, sample_sd, samples)[None, :]
    result = np.where(rng.random(odds.shape) < 1 / (1 + np.exp(-odds)), 0, 2).ravel()
    judge, sample = (index.ravel() for index in np.indices(odds.shape))
    zero = np.zeros(len(result), dtype=int)
    return Cells.of_votes(zero, zero + 1, result, judge, sample)


@pytest.mark.parametrize(("judge_sd", "sample_sd"), [(0.0, 0.0), (0.8, 0.0), (0.0, 0.8), (0.6, 0.6)])
def test_the_standard_error_is_how_much_studies_differ(judge_sd, sample_sd):
    # 150 studies: their standard deviation is known within 6 %, and the mean of the squared errors within a few percent
    rng = np.random.default_rng(5)
    contrast = np.array([1.0, -1.0, 0.0])
    values, errors = [], []
    for number in range(150):
        cells = crossed(judge_sd, sample_sd, rng)
        model = Model(cells.pairs, 2, ties=False)
        estimate = fit(model, cells.counts)
        values.append(contrast @ estimate)
        errors.append(standard_error(contrast, bootstrap(model, cells, estimate, 100, number), cells))
    truth = np.std(values, ddof=1)
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(truth, rel=0.2)


def test_automatic_ties_vary_with_samples_only():
    zero = np.zeros(20, dtype=int)
    asked = np.arange(20) < 10
    cells = Cells.of_votes(
        zero, zero + 1, np.where(asked, np.arange(20) % 2 * 2, 1), np.arange(20), np.arange(20), asked
    )
    model = Model(cells.pairs, 2)
    estimate = fit(model, cells.counts)
    draws = bootstrap(model, cells, estimate, 200, 0)
    assert draws.clusters[:, 2].std() > 0.3
    # judges and votes decide no tie: ten of them stand in every resample
    assert draws.judges[:, 2].std() < 0.2 and draws.votes[:, 2].std() < 0.2


def test_a_mean_has_the_standard_error_of_the_textbook():
    # 240 votes, each of a judge and on a sample of its own: the log-odds of 100 wins and 140 losses has √(1/100 + 1/140) = .1309
    rng = np.random.default_rng(0)
    result = rng.permutation(np.repeat([0, 2], [100, 140]))
    zero = np.zeros(240, dtype=int)
    cells = Cells.of_votes(zero, zero + 1, result, np.arange(240), np.arange(240))
    model = Model(cells.pairs, 2, ties=False)
    draws = bootstrap(model, cells, fit(model, cells.counts), 4000, 0)
    assert standard_error(np.array([1.0, -1.0, 0.0]), draws, cells) == pytest.approx(0.1309, rel=0.06)


def test_one_sample_that_says_otherwise_does_not_break_the_interval():
    # 1 of 20 samples is lost by every judge: log 19, whose standard error over samples is about √(1 / (20 · .05 · .95)) = 1.03
    judge, sample = (index.ravel() for index in np.indices((12, 20)))
    zero = np.zeros(240, dtype=int)
    cells = Cells.of_votes(zero, zero + 1, np.where(sample == 0, 2, 0), judge, sample)
    model = Model(cells.pairs, 2, ties=False)
    draws = bootstrap(model, cells, fit(model, cells.counts), 2000, 0)
    assert 0.9 < standard_error(np.array([1.0, -1.0, 0.0]), draws, cells) < 1.7
