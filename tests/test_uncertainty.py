"""Resampling topics, intervals, paired differences, Wilson's interval."""

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.uncertainty import (
    estimate,
    estimate_difference,
    resample_weights,
    topic_strata,
    weighted_mean,
    wilson,
)

TOPICS = ["a", "a", "b", "c", "d", "d"]
SAME = ["balanced"] * 6


def column(*values):
    return np.array(values, dtype=float)[:, None]


def test_whole_topics_are_drawn():
    weights = resample_weights(TOPICS, SAME, 500, 0)
    assert weights.shape == (500, 6)
    assert np.issubdtype(weights.dtype, np.integer)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 4] == weights[:, 5]).all()


def test_every_stratum_keeps_its_number_of_topics():
    # signatures: a and b balanced, c and d skewed; each pair is drawn 2 times in every resample
    weights = resample_weights(["a", "b", "c", "d"], ["balanced"] * 2 + ["skewed:x"] * 2, 200, 0)
    assert (weights[:, :2].sum(axis=1) == 2).all()
    assert (weights[:, 2:].sum(axis=1) == 2).all()
    assert (weights == 0).any(axis=0).all()  # no topic is certain


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
    # values 0, 1, …, 99, one topic each: mean 49.5; the bootstrap's standard error is 28.866 / 10 = 2.887
    topics = [str(i) for i in range(100)]
    found = estimate(
        weighted_mean, column(*range(100)), resample_weights(topics, ["x"] * 100, 4000, 0), topics
    )
    assert (found.value, found.n, found.n_topics, found.n_empty) == (49.5, 100, 100, 0)
    assert found.low == pytest.approx(49.5 - 1.96 * 2.887, abs=0.3)
    assert found.high == pytest.approx(49.5 + 1.96 * 2.887, abs=0.3)
    assert abs(found.bias) < 0.2


def test_two_topics_by_hand():
    # values 0 and 1: a resample gives 0, 1/2, 1 with probability 1/4, 1/2, 1/4: interval [0, 1]
    found = estimate(
        weighted_mean, column(0, 1), resample_weights(["a", "b"], ["x"] * 2, 1000, 0), ["a", "b"]
    )
    assert (found.value, found.low, found.high) == (0.5, 0.0, 1.0)


def test_one_topic_has_no_interval():
    found = estimate(weighted_mean, column(0, 1), resample_weights(["a", "a"], ["x"] * 2, 100, 0), ["a", "a"])
    assert (found.value, found.low, found.high, found.bias, found.n_topics) == (0.5, None, None, None, 1)


def test_topics_are_counted_over_scored_samples():
    weights = resample_weights(["a", "b"], ["x"] * 2, 100, 0)
    found = estimate(weighted_mean, column(1, np.nan), weights, ["a", "b"])
    assert (found.value, found.n, found.n_topics, found.low) == (1.0, 1, 1, None)


def test_nothing_scored():
    weights = resample_weights(["a", "b"], ["x"] * 2, 100, 0)
    found = estimate(weighted_mean, column(np.nan, np.nan), weights, ["a", "b"])
    assert (found.value, found.low, found.n) == (None, None, 0)


def test_resamples_without_a_scored_sample_are_counted():
    # c unscored: a resample of three draws c alone with probability 1/27
    topics = ["a", "b", "c"]
    weights = resample_weights(topics, ["x"] * 3, 2700, 0)
    found = estimate(weighted_mean, column(0, 1, np.nan), weights, topics)
    assert 50 < found.n_empty < 160
    assert (found.low, found.high) == (0, 1)


def test_difference_pairs_on_samples_that_both_score():
    # common samples 0 and 2: (1 + 5) / 2 − (0 + 2) / 2 = 2
    topics = ["a", "b", "c", "d"]
    weights = resample_weights(topics, ["x"] * 4, 500, 0)
    after, before = column(1, 9, 5, np.nan), column(0, np.nan, 2, 7)
    found = estimate_difference(weighted_mean, after, before, weights, topics)
    assert (found.value, found.n) == (2.0, 2)
    assert (found.low, found.high) == (1.0, 3.0)  # one of the two samples alone


def test_difference_is_paired():
    # after = before + 1 throughout: the difference is certain although each mean is not
    topics = [str(i) for i in range(20)]
    weights = resample_weights(topics, ["x"] * 20, 500, 0)
    before = column(*(i % 7 for i in range(20)))
    found = estimate_difference(weighted_mean, before + 1, before, weights, topics)
    assert found.low == pytest.approx(1)
    assert found.high == pytest.approx(1)
    alone = estimate(weighted_mean, before, weights, topics)
    assert alone.high - alone.low > 1


def test_many_resamples_are_read_in_chunks():
    topics = [str(i) for i in range(5)]
    weights = resample_weights(topics, ["x"] * 5, 2500, 0)
    table = column(0, 1, 2, 3, 9)
    drawn = weights @ table[:, 0] / 5
    found = estimate(weighted_mean, table, weights, topics)
    assert [found.low, found.high] == pytest.approx(list(np.quantile(drawn, [0.025, 0.975])))
    assert found.bias == pytest.approx(drawn.mean() - 3)


def test_wilson_by_hand():
    # 0 of 10: upper end z² / (n + z²) = 3.8415 / 13.8415
    assert wilson(0, 10) == (0.0, pytest.approx(3.841459 / 13.841459))
    # 50 of 100: centre 1/2, half z / (1 + z²/100) · sqrt(.0025 + z²/40000)
    low, high = wilson(50, 100)
    assert (low, high) == (pytest.approx(0.4038, abs=1e-4), pytest.approx(0.5962, abs=1e-4))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: wilson(3, 0), "n ≥ 1"),
        (lambda: resample_weights([], [], 10, 0), "no sample"),
        (lambda: resample_weights(["a"], ["x"], 0, 0), "0 resamples"),
        (lambda: resample_weights(["a"], [], 10, 0), "1 topics but 0 compositions"),
        (
            lambda: estimate(weighted_mean, column(1), np.ones((4, 2), np.int32), ["a"]),
            "do not fit 1 samples",
        ),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(BadInput, match=words):
        call()


def test_wilson_reaches_its_ends():
    assert wilson(30, 30)[1] == 1.0
    assert wilson(0, 30)[0] == 0.0
