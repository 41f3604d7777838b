"""The paired test and Holm's adjustment, by hand."""

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.metrics.sof import spread_of_losses
from fairprune.uncertainty import holm, paired_test, weighted_mean


def column(*values):
    return np.array(values, dtype=float)[:, None]


def test_all_exchanges_of_four_topics():
    # differences 1, 1, 1, −1: sum 2. Of 16 sign patterns the sum is ±4 in 2, ±2 in 8, 0 in 6: p = 10 / 16
    found = paired_test(weighted_mean, column(1, 1, 1, 0), column(0, 0, 0, 1), list("abcd"))
    assert (found.p_value, found.n, found.n_topics, found.exact) == (0.625, 4, 4, True)


def test_the_smallest_p_of_five_topics():
    # only all of one sign is as far away: 2 / 32
    found = paired_test(weighted_mean, column(*[1] * 5), column(*[0] * 5), list("abcde"))
    assert found.p_value == 2 / 32


def test_whole_topics_are_exchanged():
    # differences 1, 1 in a and 1, 1 in b: sums ±4, 0, 0: p = 2/4; as four topics it would be 2/16
    after, before = column(1, 1, 1, 1), column(0, 0, 0, 0)
    assert paired_test(weighted_mean, after, before, list("aabb")).p_value == 0.5
    assert paired_test(weighted_mean, after, before, list("abcd")).p_value == 0.125


def test_only_samples_that_both_score():
    after, before = column(1, np.nan, 1, 5), column(0, 0, 0, np.nan)
    found = paired_test(weighted_mean, after, before, list("abcd"))
    assert (found.n, found.n_topics, found.p_value) == (2, 2, 0.5)


def test_a_statistic_that_is_no_mean():
    # losses (.4, 0) in all against (0, 0): SOF .2 − 0. Exchanging one of two topics gives (.2, 0) on either side:
    # .1 − .1 = 0; both −.2: p = 2/4
    after, before = np.array([[0.4, 0.0]] * 2), np.zeros((2, 2))
    assert paired_test(spread_of_losses, after, before, ["a", "b"]).p_value == 0.5


def test_many_topics_are_sampled_and_seeded():
    rng = np.random.default_rng(0)
    before = rng.random((60, 1))
    topics = [str(i) for i in range(60)]
    found = paired_test(weighted_mean, before + 0.2, before, topics)
    assert (found.exact, found.p_value) == (False, pytest.approx(2 / 2001))
    other = rng.random((60, 1))
    once, twice, again = (paired_test(weighted_mean, other, before, topics, seed=seed) for seed in (1, 1, 2))
    assert once == twice
    assert once.p_value == pytest.approx(again.p_value, abs=0.06)


def test_one_topic_cannot_be_tested():
    assert paired_test(weighted_mean, column(1, 1), column(0, 0), ["a", "a"]).p_value is None
    nothing = paired_test(weighted_mean, column(np.nan), column(1), ["a"])
    assert (nothing.p_value, nothing.n) == (None, 0)


def test_holm_by_hand():
    # sorted .01, .03, .04: times 3, 2, 1 = .03, .06, .04, then never falling: .03, .06, .06
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == {
        "a": pytest.approx(0.03),
        "b": pytest.approx(0.06),
        "c": pytest.approx(0.06),
    }
    assert holm({"a": 0.04}) == {"a": 0.04}
    assert holm({}) == {}


def test_holm_of_the_thrombolysis_trial():
    """Benjamini and Hochberg, JRSS B 57 (1995), section 4.1: fifteen comparisons of two treatments of infarction.

    At .05 Bonferroni's procedure rejects the first three, and Hochberg's no more; Holm's rejects all that the former does, and nothing
    that the latter does not.
    """
    p = (
        *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459),
        *(0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
    )
    found = holm({str(number): value for number, value in enumerate(p)})
    assert [name for name, value in found.items() if value <= 0.05] == ["0", "1", "2"]


def test_a_test_that_was_promised_and_could_not_be_done_counts():
    # family of three: .01 · 3, .02 · 2
    assert holm({"a": 0.01, "b": None, "c": 0.02}) == {
        "a": pytest.approx(0.03),
        "b": None,
        "c": pytest.approx(0.04),
    }


@pytest.mark.parametrize(
    ("rows", "permutations", "words"), [(1, 100, "do not fit 2 topics"), (2, 0, "0 permutations")]
)
def test_wrong_input_is_named(rows, permutations, words):
    with pytest.raises(BadInput, match=words):
        paired_test(
            weighted_mean, column(*[1] * rows), column(*[0] * rows), ["a", "b"], permutations=permutations
        )
