"""The classifier's own bias and the correction by its confusion matrix, worked by hand."""

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.metrics import METRICS
from fairprune.metrics.confusion import (
    classifier_bias,
    correction,
    correction_bounds,
    outside,
    spd2_values,
)
from fairprune.metrics.shares import from_counts
from fairprune.spec import MetricSpec

GROUPS = ("a", "b")


def report(*rows, groups=GROUPS):
    return {"groups": list(groups), "confusion": [list(row) for row in rows]}


def test_bias_by_hand():
    # 100 opinions, 50 : 50; predicted a 40 + 20 = 60, b 10 + 30 = 40: balance .2 against 0
    found = classifier_bias(report((40, 10), (20, 30)), 0)
    assert found["value"] == pytest.approx(0.2)
    assert found["n"] == 100
    # per opinion +2 with 20 %, −2 with 10 %: variance 4 · .3 − .04 = 1.16, standard error .1077
    assert (found["low"], found["high"]) == pytest.approx(
        (0.2 - 1.96 * 0.1077, 0.2 + 1.96 * 0.1077), abs=0.025
    )


def test_a_classifier_that_errs_as_often_either_way_has_no_bias():
    found = classifier_bias(report((45, 5), (5, 45)), 0)
    assert found["value"] == pytest.approx(0)
    assert found["low"] < 0 < found["high"]
    assert found["limit"] is None


def test_no_error_among_n_is_no_proof_of_none():
    # 1 − .05^(1/10) = .2589 of others may be wrong, each moves the balance by 2: ± .5177. Of three groups the range: [0, .5177].
    perfect = classifier_bias(report((7, 0), (0, 3)), 0)
    assert (perfect["value"], perfect["low"], perfect["high"]) == pytest.approx(
        (0, -0.5177, 0.5177), abs=1e-4
    )
    assert "no error among 10 held-out opinions: at most 25.9%" in perfect["limit"]
    three = classifier_bias(report((4, 0, 0), (0, 3, 0), (0, 0, 3), groups=("a", "b", "c")), 0)
    assert (three["low"], three["high"]) == pytest.approx((0, 0.5177), abs=1e-4)
    # The more there are, the nearer to 3 / n (the rule of three): 2 · 3 / 1000.
    assert classifier_bias(report((500, 0), (0, 500)), 0)["high"] == pytest.approx(0.006, abs=1e-4)


def test_errors_that_are_all_the_same_have_no_interval():
    # Every opinion of a is told as b: true balance 1, predicted −1 in every resample.
    found = classifier_bias(report((0, 9), (0, 0)), 0)
    assert (found["value"], found["low"], found["high"], found["n"]) == (-2, None, None, 9)
    assert "no interval" in found["limit"]


def test_bias_of_three_groups_is_the_range():
    # true shares (.4, .3, .3), predicted (5, 2, 3) of 10: d = (.1, −.1, 0): range .2
    found = classifier_bias(report((4, 0, 0), (1, 2, 0), (0, 0, 3), groups=("a", "b", "c")), 0)
    assert found["value"] == pytest.approx(0.2)


@pytest.mark.parametrize("given", [{"reason": "none"}, {"groups": ["a", "b"], "confusion": [[0, 0], [0, 0]]}])
def test_without_a_matrix_the_bias_is_missing(given):
    found = classifier_bias(given, 0)
    assert (found["value"], found["n"]) == (None, 0)
    assert "no confusion matrix" in found["reason"]
    with pytest.raises(BadInput, match="no confusion matrix"):
        correction(given)


def test_correction_by_hand():
    # recognised .9 of a, .8 of b: observed q_a = .9 π_a + .2 π_b, so π_a = (q_a − .2) / .7
    found = correction(report((90, 10), (20, 80)))
    shares = found.apply(from_counts(GROUPS, {"a": 55, "b": 45}, {"a": 69, "b": 31}, keep="all"))
    assert [float(share) for share in shares.source] == pytest.approx([0.5, 0.5])
    assert [float(share) for share in shares.summary] == pytest.approx([0.7, 0.3])
    # SPD2 (.7 − .3) − 0; uncorrected (.69 − .31) − (.55 − .45) = .28 = .4 · .7
    assert METRICS["spd2"].sample(shares, MetricSpec())[0] == pytest.approx(0.4)
    # singular values of ((.9, .1), (.2, .8)): λ of MᵀM = ((.85, .25), (.25, .65)): .75 ± √(.01 + .0625) = 1.01926, .48074
    assert found.condition == pytest.approx((1.01926 / 0.48074) ** 0.5, abs=1e-4)


def test_a_perfect_classifier_corrects_nothing():
    given = from_counts(GROUPS, {"a": 1, "b": 3}, {"a": 1, "b": 1}, keep="all")
    assert correction(report((9, 0), (0, 4))).apply(given) == given


def test_samples_are_not_bounded_but_counted():
    # one sentence of a: q_a = 1 → (1 − .2) / .7 = 1.142857
    found = correction(report((90, 10), (20, 80)))
    alone = found.apply(from_counts(GROUPS, {"a": 1, "b": 1}, {"a": 1}, keep="all"))
    assert float(alone.summary[0]) == pytest.approx(8 / 7)
    inside = found.apply(from_counts(GROUPS, {"a": 1, "b": 1}, {"a": 1, "b": 1}, keep="all"))
    unscored = from_counts(GROUPS, {"a": 1, "b": 1}, {}, keep="all")
    assert outside([alone, inside, found.apply(unscored)]) == 1


def test_the_mean_of_corrected_samples_is_right_where_bounded_ones_would_not_be():
    # sources with shares .8 : .2, summaries of two sentences that copy them; recognised .9 and .8
    rng = np.random.default_rng(0)
    found = correction(report((90, 10), (20, 80)))
    values, bounded = [], []
    for _ in range(4000):
        a = rng.random(40) < 0.8
        heard = np.where(a, rng.random(40) < 0.9, rng.random(40) < 0.2)
        b = rng.random(2) < 0.8
        said = np.where(b, rng.random(2) < 0.9, rng.random(2) < 0.2)
        shares = found.apply(
            from_counts(
                GROUPS,
                {"a": int(heard.sum()), "b": int((~heard).sum())},
                {"a": int(said.sum()), "b": int((~said).sum())},
                keep="all",
            )
        )
        values.append(METRICS["spd2"].sample(shares, MetricSpec())[0])
        x, y = (min(1.0, max(0.0, float(side[0]))) for side in (shares.source, shares.summary))
        bounded.append(2 * (y - x))
    error = np.std(values) / 4000**0.5
    assert abs(np.mean(values)) < 3 * error
    assert np.mean(bounded) < -5 * error


def test_three_groups_keep_their_sum():
    found = correction(report((8, 1, 1), (1, 7, 2), (0, 2, 8), groups=("a", "b", "c")))
    shares = found.apply(
        from_counts(("a", "b", "c"), {"a": 3, "b": 3, "c": 4}, {"a": 1, "b": 0, "c": 1}, keep="all")
    )
    assert float(sum(shares.source)) == pytest.approx(1)
    rates = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2], [0, 0.2, 0.8]])
    back = rates.T @ [float(share) for share in shares.source]
    assert back == pytest.approx([0.3, 0.3, 0.4])


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        # recognised .52 and .52: condition number 1 / .04 = 25
        (((52, 48), (48, 52)), "condition number 25, and at most 10"),
        (((5, 5), (5, 5)), "too badly"),
        (((9, 1), (0, 0)), "no held-out opinion of b"),
        # rates .52 and .63: condition number 7, but 110 opinions of which 16 are b's do not tell it from chance
        (((49, 45), (6, 10)), "110 held-out opinions do not show"),
    ],
)
def test_a_matrix_that_cannot_be_trusted_is_refused(rows, says):
    with pytest.raises(BadInput, match=says):
        correction(report(*rows))


def test_bounds_hold_the_value_and_narrow_with_more_opinions():
    observed = np.array([[0.14, -0.14], [0.21, -0.21], [0.07, -0.07]])  # mean .28 → .4
    few = correction(report((18, 2), (4, 16)))
    many = correction(report((1800, 200), (400, 1600)))
    wide, narrow = (correction_bounds(one, observed, 0) for one in (few, many))
    assert wide[0] < narrow[0] < 0.4 < narrow[1] < wide[1]
    # SPD2 = .28 / J, J = .9 + .8 − 1 with variance .9·.1/2000 + .8·.2/2000: standard error .01118 → .4 ± 1.96 · .4 / .7 · .01118
    assert narrow == pytest.approx((0.4 - 0.01252, 0.4 + 0.01252), abs=0.003)
    assert correction_bounds(few, np.zeros((0, 2)), 0) is None


def test_spd2_values():
    assert spd2_values(np.array([[0.1, -0.1]])) == pytest.approx([0.2])
    assert spd2_values(np.array([[0.1, 0.0, -0.1]])) == pytest.approx([0.2])
