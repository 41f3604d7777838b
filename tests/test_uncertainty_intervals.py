"""Intervals of one number, by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from fairprune.errors import BadInput
from fairprune.uncertainty import wilson
from fairprune.uncertainty.intervals import (
    effective_size,
    folded_interval,
    proportion_interval,
    smoothed_error,
    t_interval,
    t_quantile,
)

MANY = 10**9  # degrees of freedom: the normal distribution


def test_wilson_by_hand():
    # 0 of 10: upper end z² / (n + z²) = 3.8415 / 13.8415
    assert wilson(0, 10) == (0.0, pytest.approx(3.841459 / 13.841459))
    # 50 of 100: centre 1/2, half z / (1 + z²/100) · sqrt(.0025 + z²/40000)
    low, high = wilson(50, 100)
    assert (low, high) == (pytest.approx(0.4038, abs=1e-4), pytest.approx(0.5962, abs=1e-4))


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_of_newcombes_examples(successes, n, low, high):
    """Newcombe, Statistics in Medicine 17 (1998), pp. 857–872, table I, method 3: the score interval without correction."""
    assert wilson(successes, n) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_reaches_its_ends():
    assert wilson(30, 30)[1] == 1.0
    assert wilson(0, 30)[0] == 0.0


@pytest.mark.parametrize(("successes", "n"), [(3, 0), (-1, 5), (6, 5)])
def test_what_is_no_proportion(successes, n):
    with pytest.raises(BadInput, match="n ≥ 1"):
        wilson(successes, n)


def test_t():
    assert t_quantile(0.95, 1) == pytest.approx(12.706, abs=1e-3)
    assert t_interval(2, 0.5, 10) == (
        pytest.approx(2 - 1.1141, abs=1e-3),
        pytest.approx(2 + 1.1141, abs=1e-3),
    )


def test_a_proportion_of_independent_samples_is_wilsons():
    # standard error √(.2 · .8 / 50): design effect 1
    found = proportion_interval(0.2, 50, 50, math.sqrt(0.16 / 50), MANY)
    assert found == pytest.approx(wilson(10, 50), abs=1e-6)


def test_clusters_widen_a_proportion():
    # standard error twice as large: as if there were 50 / 4 samples
    found = proportion_interval(0.2, 50, 10, 2 * math.sqrt(0.16 / 50), MANY)
    assert effective_size(0.16, 50, 10, 2 * math.sqrt(0.16 / 50)) == pytest.approx(12.5)
    z2 = 3.841459
    centre, half = (
        (0.2 + z2 / 25) / (1 + z2 / 12.5),
        math.sqrt(z2 * (0.16 / 12.5 + z2 / 625)) / (1 + z2 / 12.5),
    )
    assert found == pytest.approx((centre - half, centre + half), abs=1e-6)


def test_nothing_seen_counts_a_topic_as_a_sample():
    assert proportion_interval(0, 50, 10, 0, MANY) == pytest.approx(wilson(0, 10))
    assert proportion_interval(1, 50, 10, 0, MANY)[1] == 1


def test_the_smoothed_error_of_paired_proportions_by_hand():
    # 10 of 100 up, 4 down: (10.5 − 4.5) / 102 = .058824; variance (15/102 − .058824²) / 102 = .0014079
    found = smoothed_error(0.10, 0.04, 100)
    assert found == pytest.approx(math.sqrt((15 / 102 - (6 / 102) ** 2) / 102))
    assert smoothed_error(0, 0, 50) == pytest.approx(1 / 52)


def test_an_absolute_value_near_zero_and_far_from_it():
    # |x| = 1 standard error: P(|X| ≤ 1) = .683 < .95 at θ = 0, so 0 stays in; upper end 1 + 1.96
    assert folded_interval(1, 1, MANY) == (0, pytest.approx(2.95996, abs=1e-4))
    # far away the other side does not matter: value ± 1.96
    assert folded_interval(9, 1, MANY) == pytest.approx((9 - 1.95996, 9 + 1.95996), abs=1e-3)
    assert folded_interval(0.5, 0, 10) == (0.5, 0.5)


@pytest.mark.parametrize("theta", [0, 0.3, 1, 1.9, 2.1, 3, 6])
def test_an_absolute_value_is_covered_as_often_as_said(theta):
    # |X| for X = θ + normal: over the quantiles of X, 95 % of the intervals hold θ
    quantiles = theta + stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    held = [low <= theta <= high for low, high in (folded_interval(abs(x), 1, MANY) for x in quantiles)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.002)
