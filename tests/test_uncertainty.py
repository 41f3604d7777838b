"""Resampling topics, estimates with intervals, paired differences, several calibration draws."""

import math

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.metrics.sof import contrasts_of_losses, spread_of_losses
from fairprune.uncertainty import (
    Resamples,
    draw_resamples,
    estimate,
    estimate_difference,
    estimate_over_draws,
    resample_weights,
    topic_strata,
    weighted_mean,
)
from fairprune.uncertainty.estimates import (
    FEW_CHANGES_LIMIT,
    GROUPS_LIMIT,
    POINT_LIMIT,
    SKEWED_LIMIT,
    TOO_FEW_LIMIT,
    _joint_df,
)

TOPICS = ["a", "a", "b", "c", "d", "d"]
SAME = ["balanced"] * 6


def column(*values):
    return np.array(values, dtype=float)[:, None]


def draw(topics, resamples=500, seed=0):
    return draw_resamples(topics, ["x"] * len(topics), resamples, seed)


def numbered(n):
    return [str(i) for i in range(n)]


def test_whole_topics_are_drawn():
    weights = resample_weights(TOPICS, SAME, 500, 0)
    assert weights.shape == (500, 6)
    assert np.issubdtype(weights.dtype, np.integer)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 4] == weights[:, 5]).all()


def test_every_stratum_keeps_its_number_of_topics():
    # signatures: a and b balanced, c and d skewed; each pair is drawn 2 times in every resample
    draws = draw_resamples(["a", "b", "c", "d"], ["balanced"] * 2 + ["skewed:x"] * 2, 200, 0)
    assert (draws.weights[:, :2].sum(axis=1) == 2).all()
    assert (draws.weights[:, 2:].sum(axis=1) == 2).all()
    assert (draws.weights == 0).any(axis=0).all()  # no topic is certain
    # four topics in two strata: a bootstrap variance is (4 − 2) / 4 of what it should be
    assert (draws.strata, draws.spread) == (2, 2.0)


def test_topics_alone_in_their_stratum_are_pooled():
    assert topic_strata(["a", "b", "c"], ["x", "y", "z"]) == [["a", "b", "c"]]
    # one left over joins the smallest stratum
    strata = topic_strata(list("abcdef"), ["x", "x", "y", "y", "y", "z"])
    assert [sorted(one) for one in strata] == [["a", "b", "f"], ["c", "d", "e"]]


def test_the_signature_is_of_all_samples_of_a_topic():
    # a and b both have {x, y}, in another order; c has {x, x}, d has {x, x}
    strata = topic_strata(list("aabbccdd"), list("xyyxxxxx"))
    assert sorted(map(sorted, strata)) == [["a", "b"], ["c", "d"]]


def test_seeded_and_independent_of_the_order_of_samples():
    weights = resample_weights(TOPICS, SAME, 50, 3)
    assert (weights == resample_weights(TOPICS, SAME, 50, 3)).all()
    assert (weights != resample_weights(TOPICS, SAME, 50, 4)).any()
    order = [5, 2, 0, 3, 1, 4]
    assert (resample_weights([TOPICS[i] for i in order], SAME, 50, 3) == weights[:, order]).all()


def test_estimate_of_a_mean():
    # values 0, 1, …, 99, one topic each: mean 49.5, s = 29.011 (n − 1), standard error 2.9011,
    # t with 99 degrees of freedom 1.9842: 49.5 ± 5.757
    found = estimate(weighted_mean, column(*range(100)), draw(numbered(100), 4000))
    assert (found.value, found.n, found.n_topics, found.n_empty, found.df) == (49.5, 100, 100, 0, 99)
    assert found.se == pytest.approx(2.9011, rel=0.03)
    assert [found.low, found.high] == pytest.approx([49.5 - 5.757, 49.5 + 5.757], abs=0.2)
    assert abs(found.bias) < 0.2
    assert found.limit is None


def test_two_topics_by_hand():
    # values 0 and 10: a resample gives 0, 5, 10 with probability 1/4, 1/2, 1/4: variance 12.5, which two topics
    # in one stratum double: standard error 5 = s / √2; t with 1 degree of freedom 12.706
    found = estimate(weighted_mean, column(0, 10), draw(["a", "b"], 20_000))
    assert (found.value, found.df) == (5, 1)
    assert found.se == pytest.approx(5, rel=0.02)
    assert found.low == pytest.approx(5 - 12.706 * found.se, rel=1e-3)
    # nothing is below zero here
    bounded = estimate(weighted_mean, column(0, 10), draw(["a", "b"]), limits=(0, 20))
    assert (bounded.low, bounded.high) == (0, 20)
    assert "fewer than 30 topics" in found.limit


def test_zeros_alone_keep_an_interval():
    # 0 of 100, a topic each: Wilson's upper end t² / (n + t²) with t = 1.9842: 3.9371 / 103.9371
    found = estimate(weighted_mean, column(*[0] * 100), draw(numbered(100)), binary=True)
    assert (found.value, found.low) == (0, 0)
    assert "98 %" in found.limit
    assert (
        estimate(weighted_mean, column(*[0] * 94, *[1] * 6), draw(numbered(100)), binary=True).limit is None
    )
    assert found.high == pytest.approx(3.9371 / 103.9371, abs=1e-4)


def test_what_is_a_proportion_is_said_by_the_metric_not_by_the_values():
    # a loss that is 0 in every sample seen is no proportion: Wilson's interval of 0 of 100 is not its
    zeros, draws = column(*[0] * 100), draw(numbered(100))
    loss = estimate(weighted_mean, zeros, draws)
    assert (loss.value, loss.low, loss.high) == (0, None, None)
    assert "no interval" in loss.limit
    change = estimate_difference(weighted_mean, zeros, zeros, draws)
    assert (change.value, change.low, change.high) == (0, None, None)
    assert "no interval" in change.limit
    # and losses that happen to be 0 and 1 have the interval of a mean: .5 ± t(99) · √(.25 / 99)
    mixed = estimate(weighted_mean, column(*[0, 1] * 50), draws)
    assert mixed.high - mixed.low == pytest.approx(2 * 1.9842 * math.sqrt(0.25 / 99), rel=0.06)


def test_an_absolute_value_can_be_zero():
    # losses of two groups that mirror each other: D = (.2, .2), SOF 0. A bootstrap of |…| never reaches 0.
    losses = np.array([[0.4, 0.0], [0.0, 0.4]] * 20)
    draws = draw(numbered(40))
    plain = estimate(spread_of_losses, losses, draws)
    found = estimate(spread_of_losses, losses, draws, contrasts=contrasts_of_losses)
    assert found.value == plain.value == pytest.approx(0, abs=1e-12)
    assert found.low == 0
    # contrast (l_a − l_b) / 2 = ±.2: standard error .2 / √39; t with 39 degrees of freedom 2.0227
    assert found.high == pytest.approx(2.0227 * 0.2 / math.sqrt(39), rel=0.06)


def test_three_groups_by_the_triangle_inequality():
    rng = np.random.default_rng(0)
    losses = np.abs(rng.normal([0.3, 0.1, 0.1], 0.02, (60, 3)))
    found = estimate(spread_of_losses, losses, draw(numbered(60)), contrasts=contrasts_of_losses)
    assert 0 < found.low < found.value < found.high
    assert found.value == pytest.approx(
        4 / 45, abs=0.01
    )  # D (.3, .1, .1): mean 1/6, (2/15 + 1/15 + 1/15) / 3
    assert found.high - found.value == pytest.approx(found.value - found.low)
    assert found.limit == GROUPS_LIMIT


def test_one_topic_has_no_interval():
    found = estimate(weighted_mean, column(0, 1), draw(["a", "a"]))
    assert (found.value, found.low, found.high, found.bias, found.n_topics) == (0.5, None, None, None, 1)


def test_topics_are_counted_over_scored_samples():
    found = estimate(weighted_mean, column(1, np.nan), draw(["a", "b"]))
    assert (found.value, found.n, found.n_topics, found.low) == (1.0, 1, 1, None)


def test_nothing_scored():
    found = estimate(weighted_mean, column(np.nan, np.nan), draw(["a", "b"]))
    assert (found.value, found.low, found.n) == (None, None, 0)


def test_resamples_without_a_scored_sample_are_counted():
    # c unscored: a resample of three draws c alone with probability 1/27
    found = estimate(weighted_mean, column(0, 1, np.nan), draw(["a", "b", "c"], 2700))
    assert 50 < found.n_empty < 160


def test_difference_pairs_on_samples_that_both_score():
    # common samples 0 and 2: (1 + 5) / 2 − (0 + 2) / 2 = 2
    after, before = column(1, 9, 5, np.nan), column(0, np.nan, 2, 7)
    found = estimate_difference(weighted_mean, after, before, draw(["a", "b", "c", "d"]))
    assert (found.value, found.n) == (2.0, 2)
    assert found.low < 2 < found.high


def test_difference_is_paired():
    # after = before + 1 throughout: the difference does not vary, and so has no interval, although each mean has one
    draws = draw(numbered(20))
    before = column(*(i % 7 for i in range(20)))
    found = estimate_difference(weighted_mean, before + 1, before, draws)
    assert (found.value, found.low, found.high, found.se) == (pytest.approx(1), None, None, 0)
    alone = estimate(weighted_mean, before, draws)
    assert alone.high - alone.low > 1


def test_rates_that_did_not_change_keep_an_interval():
    # no change in 50 samples: half a sample in each cell, .5/52 each: se √((1/52) / 52) = 1/52. Wilson of 0 in 50, both ways:
    # t² / (50 + t²) with t of 49 degrees of freedom, 2.0096: 4.0385 / 54.0385
    same = column(*[0, 1] * 25)
    found = estimate_difference(weighted_mean, same, same, draw(numbered(50)), binary=True)
    assert (found.value, found.se) == (0, pytest.approx(1 / 52))
    assert [found.low, found.high] == pytest.approx([-4.0385 / 54.0385, 4.0385 / 54.0385], rel=1e-3)
    assert found.limit == FEW_CHANGES_LIMIT


def test_fewer_than_three_changed_topics_leave_no_interval():
    """Of four samples on two topics both changed: that is all there are."""
    before = column(*[0.0] * 40)
    for topics, known in ((2, False), (3, True)):
        after = before.copy()
        after[:topics] += 0.1
        found = estimate_difference(weighted_mean, after, before, draw(numbered(40)))
        assert (found.low is not None) == known == (found.se is not None)
        assert (found.limit == TOO_FEW_LIMIT) == (not known)
    two = estimate_difference(weighted_mean, column(1, 2, 3, 1), column(0, 0, 0, 0), draw(list("aabb")))
    assert two.low is not None


def test_a_group_that_neither_has_did_not_change():
    """NaN of a group that is not kept equals nothing, not even itself: 38 of 40 samples are the same."""
    before = np.array([[0.1, np.nan]] * 40)
    after = before.copy()
    after[:2, 0] = 0.3
    found = estimate_difference(spread_of_losses, after, before, draw(numbered(40)))
    assert found.limit in (TOO_FEW_LIMIT, POINT_LIMIT)


def test_an_interval_at_another_level_and_its_standard_error():
    after, before = column(*range(40)), column(*(i % 5 for i in range(40)))
    found = estimate_difference(weighted_mean, after, before, draw(numbered(40)))
    assert found.interval(0.95) == pytest.approx((found.low, found.high))
    assert found.interval(0.9)[1] < found.high
    assert found.se_at(found.value) >= found.se
    nothing = estimate_difference(weighted_mean, before, before, draw(numbered(40)))
    assert nothing.interval(0.9) is None and nothing.se_at(0.1) is None


def test_of_very_many_topics_it_is_value_and_t_standard_errors(monkeypatch):
    monkeypatch.setattr("fairprune.uncertainty.estimates.MOST_TOPICS", 39)
    after, before = column(*range(40)), column(*(i % 5 for i in range(40)))
    found = estimate_difference(weighted_mean, after, before, draw(numbered(40)))
    assert found.tilting is None
    assert found.high - found.low == pytest.approx(2 * 2.0227 * found.se, rel=1e-4)  # t with 39


def test_a_wider_level_is_wider():
    after, before = column(*range(40)), column(*(i % 5 for i in range(40)))
    draws = draw(numbered(40))
    narrow, wide = (
        estimate_difference(weighted_mean, after, before, draws, level=level) for level in (0.9, 0.99)
    )
    assert wide.low < narrow.low < narrow.high < wide.high


def test_most_samples_alike_is_stated():
    table = column(*[0.05] * 45, *[0.15] * 5)
    assert "92 %" in estimate(weighted_mean, table, draw(numbered(50))).limit
    assert estimate(weighted_mean, column(*range(50)), draw(numbered(50))).limit is None


def test_a_few_samples_far_out_are_stated():
    values = np.random.default_rng(0).uniform(0, 0.1, 100)
    assert estimate(weighted_mean, column(*values), draw(numbered(100))).limit is None
    values[:6] += 0.5  # skewness about 3.7, and 3.7 / √100 is more than .15
    assert estimate(weighted_mean, column(*values), draw(numbered(100))).limit == SKEWED_LIMIT
    many = np.tile(values, 8)  # of 800 the mean is normal enough
    assert estimate(weighted_mean, column(*many), draw(numbered(800))).limit is None


def test_many_resamples_are_read_in_chunks():
    draws = draw(numbered(5), 2500)
    table = column(0, 1, 2, 3, 9)
    drawn = draws.weights @ table[:, 0] / 5
    found = estimate(weighted_mean, table, draws)
    assert found.bias == pytest.approx(drawn.mean() - 3)
    assert found.se == pytest.approx(drawn.std() * math.sqrt(5 / 4))


def test_calibration_draws_by_hand():
    # two draws that differ by 2 on every sample, no difference between topics: mean 1, s = √2 between draws,
    # standard error √2 / √2 = 1 (times √(20/19) for topics), one pair of draws, 1 degree of freedom: 1 ± 12.706 · 1.026
    zero = column(*[0] * 20)
    found = estimate_over_draws(weighted_mean, [zero, zero + 2], zero, draw(numbered(20), 8000), 0)
    assert (found.value, found.df, found.n) == (1, 1, 20)
    assert "few calibration draws" in found.limit
    assert found.se == pytest.approx(math.sqrt(20 / 19), rel=0.03)
    assert found.high == pytest.approx(1 + 12.706 * found.se, rel=1e-3)


def test_calibration_draws_that_agree_leave_the_topics():
    rng = np.random.default_rng(1)
    before, after = rng.normal(size=(2, 50, 1))
    draws = draw(numbered(50), 4000)
    several = estimate_over_draws(weighted_mean, [after] * 60, before, draws, 0)
    once = estimate_difference(weighted_mean, after, before, draws)
    assert several.value == pytest.approx(once.value)
    assert several.se == pytest.approx(once.se, rel=0.02)
    assert several.df == 49
    alone = estimate_over_draws(weighted_mean, [after] * 60, None, draws, 0)
    assert alone.value == pytest.approx(float(after.mean()))


def test_degrees_of_freedom_of_calibration_draws_by_hand():
    # topics .3² of .5² with 99 degrees of freedom, draws .4²: .0625 / (.0081/99 + .0256/4) = 9.6, fewer than the 10 pairs of 5
    assert _joint_df(0.3, 99, 0.5, 5) == 9
    # of 3 draws there are three pairs, however little seems to lie between them
    assert _joint_df(0.5, 99, 0.5, 3) == 3
    assert _joint_df(0.5, 9, 0.5, 60) == 9
    # nothing between topics: draws alone
    assert _joint_df(0.0, 99, 0.5, 5) == 4


def test_one_calibration_draw_has_no_interval():
    found = estimate_over_draws(weighted_mean, [column(1, 2, 3)], column(0, 0, 0), draw(numbered(3)), 0)
    assert (found.value, found.low, found.se, found.n) == (2, None, None, 3)
    assert "one calibration draw only" in found.limit


def test_calibration_draws_without_any_spread_have_no_interval():
    same = column(*[0.5] * 20)
    for before in (None, same):
        found = estimate_over_draws(weighted_mean, [same, same], before, draw(numbered(20)), 0)
        assert (found.low, found.high, found.se) == (None, None, None)
        assert "every resample gives the same value" in found.limit
    one_topic = estimate_over_draws(weighted_mean, [same, same + 1], None, draw(["a"] * 20), 0)
    assert one_topic.low is None and "one topic only" in one_topic.limit


def test_calibration_draws_pair_on_what_all_score():
    # the third sample is unscored in the second draw: (1 + 2)/2 and (3 + 4)/2, mean 2.5
    tables = [column(1, 2, 9), column(3, 4, np.nan)]
    found = estimate_over_draws(weighted_mean, tables, None, draw(numbered(3)), 0)
    assert (found.value, found.n) == (2.5, 2)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: resample_weights([], [], 10, 0), "no sample"),
        (lambda: resample_weights(["a"], ["x"], 0, 0), "0 resamples"),
        (lambda: resample_weights(["a"], [], 10, 0), "1 topics but 0 compositions"),
        (lambda: Resamples(np.ones((4, 2), np.int32), ["a"]), "do not fit 1 samples"),
        (lambda: estimate(weighted_mean, column(1), draw(["a", "b"])), "do not fit 1 samples"),
        (lambda: estimate_over_draws(weighted_mean, [], None, draw(["a"]), 0), "no calibration draw"),
        (
            lambda: estimate_over_draws(weighted_mean, [column(1), column(1, 2)], None, draw(["a"]), 0),
            r"tables of \[1, 2\] samples do not fit 1 topics",
        ),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(BadInput, match=words):
        call()


def test_a_number_without_spread_has_no_interval():
    """Two samples that did not change are no proof that nothing changes."""
    draws = draw_resamples(["a", "b", "c"], ["x"] * 3, 200, 0)
    same = np.array([[0.5], [0.5], [0.5]])
    for found in (
        estimate(weighted_mean, same, draws),
        estimate_difference(weighted_mean, same, same, draws),
    ):
        assert (found.low, found.high, found.n) == (None, None, 3)
        assert "no interval" in found.limit
    # Of 0 and 1 there is one: Wilson's, and Tango's.
    rate = estimate(weighted_mean, np.zeros((3, 1)), draws, binary=True)
    assert rate.low == 0 and rate.high > 0.5


def test_a_mean_of_absolute_contrasts_without_spread_has_no_interval_either():
    losses = np.array([[0.5, 0.0]] * 20)  # the same group always loses half: SOF .25 in every resample
    found = estimate(spread_of_losses, losses, draw(numbered(20)), contrasts=contrasts_of_losses)
    assert (found.value, found.low, found.high) == (pytest.approx(0.25), None, None)
    assert "no interval" in found.limit
