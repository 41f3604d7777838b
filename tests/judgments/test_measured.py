"""Intervals of a cluster bootstrap, and the reasons why there is none."""

import numpy as np
import pytest

from fairprune.judgments.measured import cluster_weights, measured, undefined


def test_the_interval_is_worked_by_hand():
    # draws 0, 2: standard deviation √2 (ddof 1); 2 clusters: se = √2 · √(2 / 1) = 2; t with one degree of freedom is 12.706
    found = measured(1.0, np.array([0.0, 2.0]), 10, 2, (-100.0, 100.0))
    assert found.low == pytest.approx(1 - 12.7062 * 2, abs=1e-3)
    assert found.high == pytest.approx(1 + 12.7062 * 2, abs=1e-3)
    cut = measured(1.0, np.array([0.0, 2.0]), 10, 2, (0.0, 1.5))
    assert (cut.low, cut.high) == (0.0, 1.5)


def test_the_mean_has_the_standard_error_of_the_textbook():
    values = np.arange(20.0)
    weights = cluster_weights(20, 4000, 1)
    assert (weights.sum(axis=1) == 20).all()
    found = measured(float(values.mean()), weights @ values / 20, 20, 20, (-1e9, 1e9))
    # s / √n = 5.9161 / 4.4721 = 1.3229; t(19) = 2.0930
    assert found.high - found.low == pytest.approx(2 * 2.0930 * 1.3229, rel=0.04)


def test_the_mice_of_efron_and_tibshirani():
    """An Introduction to the Bootstrap (1993), tables 2.1 and 2.2: survival of seven treated mice, mean 86.86, standard error s / √n
    25.24; that of endless resamples is 23.36, which the correction for seven clusters makes 25.24 again."""
    mice = np.array([94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0])
    draws = cluster_weights(7, 40_000, 1) @ mice / 7
    assert mice.mean() == pytest.approx(86.86, abs=5e-3)
    assert draws.std() == pytest.approx(23.36, rel=0.01)
    found = measured(float(mice.mean()), draws, 7, 7, (-1e9, 1e9))
    # t with six degrees of freedom is 2.4469
    assert (found.high - found.low) / 2 / 2.4469 == pytest.approx(25.24, rel=0.01)


@pytest.mark.parametrize(
    ("draws", "clusters", "says"),
    [
        ([0.1, 0.2], 1, "only one item"),
        ([0.5, 0.5, 0.5], 9, "every resample gives the same value"),
        ([np.nan, np.nan, 0.5], 9, "not defined in 2 of 3 resamples, so there is no interval"),
    ],
)
def test_no_interval_without_a_reason(draws, clusters, says):
    found = measured(0.5, np.array(draws), 9, clusters, (0, 1))
    assert (found.value, found.low, found.high) == (0.5, None, None)
    assert says in found.why


def test_lost_resamples_are_counted():
    found = measured(0.5, np.array([0.4, 0.5, 0.6, np.nan]), 9, 5, (0, 1))
    assert found.low is not None and "not defined in 1 of 4" in found.why


def test_undefined_is_missing_and_never_zero():
    found = undefined("nobody voted")
    assert found.value is None and not found.defined and found.why == "nobody voted"
