"""Intervals whose standard error belongs to the truth that they hold: against Tango's formula, by hand, and in coverage."""

import math

import numpy as np
import pytest

from fairprune.uncertainty import draw_resamples, estimate_difference, one_sided, weighted_mean
from fairprune.uncertainty.tilting import tilting

MANY = 10**9  # degrees of freedom: the normal distribution


def tango(gained, lost, n, truth):
    """Variance of the difference of paired proportions where `truth` is the difference (Tango 1998, equation 6)."""
    a = 2 * n
    b = -gained - lost + (2 * n - gained + lost) * truth
    c = -lost * truth * (1 - truth)
    down = (math.sqrt(b * b - 4 * a * c) - b) / (2 * a)
    return 2 * down + truth * (1 - truth)


def of_counts(gained, lost, n):
    changes = np.array([1.0] * gained + [-1.0] * lost + [0.0] * (n - gained - lost))
    value = float(changes.mean())
    se = float(changes.std() / math.sqrt(n))
    return tilting(changes, value, se, binary=True)


@pytest.mark.parametrize(("gained", "lost"), [(7, 3), (5, 0), (0, 0), (0, 4), (1, 1)])
@pytest.mark.parametrize("truth", [0.02, 0.05, 0.1, -0.05])
def test_of_proportions_it_is_tangos_variance(gained, lost, truth):
    found = of_counts(gained, lost, 100)
    expected = math.sqrt(tango(gained, lost, 100, truth) / 100)
    assert found.se_at(truth) == pytest.approx(max(expected, found.se), rel=1e-3)


def test_no_change_in_a_hundred_leaves_a_change_of_four_points_possible():
    """Tango of 0 and 0 in n is Wilson of 0 in n in both directions: z² / (n + z²) = 3.8415 / 103.8415 = .0370."""
    assert of_counts(0, 0, 100).interval(0.95, MANY) == pytest.approx((-0.0370, 0.0370), abs=1e-4)


def test_clusters_widen():
    changes = np.array([1.0] * 5 + [0.0] * 95)
    se = 2 * float(changes.std()) / 10
    assert tilting(changes, 0.05, se, binary=True).se_at(0.1) == pytest.approx(
        2 * math.sqrt(tango(5, 0, 100, 0.1) / 100), rel=1e-3
    )


def test_of_other_numbers_half_a_topic_is_added_in_each_direction():
    changes = np.array([0.2] * 5 + [0.0] * 95)
    found = tilting(changes, 0.01, float(changes.std()) / 10)
    # five changes of one size are Tango's, with half a change more each way, of 101
    expected = 0.2 * math.sqrt(tango(5.5, 0.5, 101, 0.1) / 100)
    assert found.se_at(0.02) == pytest.approx(expected, rel=1e-6)


def test_it_is_never_narrower_than_value_and_t_standard_errors():
    rng = np.random.default_rng(0)
    for k in range(40):
        changes = rng.normal(0.3, 1, 50) * (rng.random(50) < (k + 1) / 40)
        value, se = float(changes.mean()), float(changes.std() / math.sqrt(50))
        found = tilting(changes, value, se)
        if found is None:
            assert not changes.any()
            continue
        low, high = found.interval(0.95, 49)
        assert low <= value - 2.009575 * se + 1e-9 and high >= value + 2.009575 * se - 1e-9


def test_where_everything_changes_alike_it_is_value_and_t_standard_errors():
    changes = np.random.default_rng(0).normal(0.02, 1, 400)
    value, se = float(changes.mean()), float(changes.std() / 20)
    low, high = tilting(changes, value, se).interval(0.95, MANY)
    assert [low, high] == pytest.approx([value - 1.96 * se, value + 1.96 * se], abs=0.1 * se)


def test_all_changed_alike_has_nothing_on_the_far_side():
    found = of_counts(40, 0, 40)
    assert found.interval(0.95, MANY)[1] == 1
    assert found.interval(0.95, MANY)[0] < 0.96
    assert found.se_at(1.2) == 0  # of the bootstrap: no weights of the topics give such a mean


def test_nothing_changed_and_no_unit_says_nothing():
    assert tilting(np.zeros(30), 0.0, 0.0) is None


def test_the_scale_of_the_changes_does_not_matter():
    changes = np.array([0.3, 0.1, -0.2] + [0.0] * 47)
    one, other = (
        tilting(changes * by, float(changes.mean() * by), float(changes.std() * by / 7)).interval(0.95, 49)
        for by in (1, 1000)
    )
    assert [1000 * end for end in one] == pytest.approx(list(other))


def sparse(rng, n, share, size):
    """n losses before and after, of which a share changed, by `size` on average."""
    before = rng.random((n, 1))
    moved = (rng.random((n, 1)) < share) * rng.gamma(4, size / 4, (n, 1))
    return before + moved, before


def test_few_changes_are_covered_and_a_harm_at_the_margin_rarely_passes():
    """5 of 100 change, all for the worse. Value ± t · se covers 86 % and passes 13 %."""
    rng, draws = np.random.default_rng(3), draw_resamples([str(i) for i in range(100)], ["x"] * 100, 300, 0)
    truth, known, held, passed, sets = 0.05 * 0.2, 0, 0, 0, 400
    for _ in range(sets):
        found = estimate_difference(weighted_mean, *sparse(rng, 100, 0.05, 0.2), draws)
        if found.low is None:
            continue  # fewer than three changed: no interval and no answer, so no error either
        known += 1
        held += found.low <= truth <= found.high
        passed += one_sided(found, truth, "below") <= 0.05
    # .95 − 3 · √(.95 · .05 / 350) = .915; .05 + 3 · √(.05 · .95 / 400) = .083
    assert known > 300 and held / known > 0.915
    assert passed / sets < 0.083
