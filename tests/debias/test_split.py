"""2-means with refusal: noise of any shape is refused, two sets are accepted, and the simulated samples are what they claim."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from fairprune.debias.split import (
    LEAST,
    balanced_weights,
    gap_limit,
    least_members,
    split_parts,
    two_means,
    unimodal,
)
from fairprune.errors import BadInput, NumericError

NOISE = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "lognormal": lambda rng, n: rng.lognormal(size=n),
    "exponential": lambda rng, n: -rng.exponential(size=n),
    "t3": lambda rng, n: rng.standard_t(3, size=n),
}


@pytest.mark.parametrize("kind", NOISE)
def test_noise_of_any_shape_is_refused(kind):
    """The limit is a 99th percentile: of 66 samples of three sizes two may be beyond it."""
    accepted = 0
    for n, seeds in ((30, 30), (100, 30), (1000, 6)):
        for seed in range(seeds):
            found = two_means(NOISE[kind](np.random.default_rng([seed, n]), n), seed)
            accepted += found.accepted
            assert f"{found.gap:.3g}" in found.reason
            assert f"{found.limit:.3g}" in found.reason
    assert accepted <= 2


def test_the_gap_of_noise_is_that_of_the_theory():
    """Of the halves of a normal distribution: means ±√(2/π), standard deviation √(1 − 2/π); of a uniform one √12."""
    rng = np.random.default_rng(0)
    half = 2 * np.sqrt(2 / np.pi) / np.sqrt(1 - 2 / np.pi)
    assert two_means(rng.normal(size=5000)).gap == pytest.approx(half, rel=0.03)
    assert two_means(np.linspace(0, 1, 5000)).gap == pytest.approx(np.sqrt(12), rel=0.001)


@pytest.mark.parametrize(
    ("n", "share"), [(60, 0.3), (60, 0.5), (400, 0.05), (400, 0.1), (400, 0.3), (400, 0.5)]
)
def test_two_sets_are_accepted(n, share):
    for seed in range(4):
        rng = np.random.default_rng([seed, n])
        few = max(3, round(share * n))
        values = np.concatenate([rng.normal(size=n - few), rng.normal(7, 1, size=few)])
        found = two_means(values, seed)
        assert found.accepted, found
        assert found.sizes == (n - few, few)
        assert found.members.tolist() == [False] * (n - few) + [True] * few


def test_by_hand():
    values = [0.0, 1.0] * 10 + [10.0, 11.0, 12.0] * 2
    found = two_means(values)
    within = np.sqrt((20 * 0.25 + 6 * 2 / 3) / 26)
    assert found.means == (0.5, 11.0)
    assert found.gap == pytest.approx(10.5 / within)
    assert found.members.sum() == 6
    weights = found.weights()
    assert weights[:20].tolist() == [0.65] * 20  # 26 / (2 · 20)
    assert weights[20:].sum() == pytest.approx(weights[:20].sum()) == pytest.approx(13)


def test_the_cut_is_that_of_least_squares():
    rng = np.random.default_rng(3)
    values = np.round(rng.normal(size=40), 1)  # with ties
    found = two_means(values)

    def within(members):
        return sum(((values[part] - values[part].mean()) ** 2).sum() for part in (members, ~members))

    every = [within(values > edge) for edge in np.unique(values)[:-1]]
    assert within(found.members) == pytest.approx(min(every))


def test_values_that_tell_nothing():
    alike = two_means([3.0] * 30)
    assert (alike.accepted, alike.gap, alike.limit) == (False, 0.0, None)
    assert "all 30 values are alike" in alike.reason
    few = two_means([0.0] * 5 + [9.0] * 5)
    assert not few.accepted
    assert f"at least {LEAST}" in few.reason
    assert not two_means([]).accepted
    with pytest.raises(NumericError, match="1 of 3 values"):
        two_means([1.0, np.nan, 2.0])
    with pytest.raises(BadInput, match=r"shape \(1, 2\)"):
        two_means([[1.0, 2.0]])


def test_an_outlier_is_no_group():
    values = [*np.random.default_rng(0).normal(size=60), 1e6]
    found = two_means(values)
    assert found.sizes[1] == least_members(61) == 3
    assert not found.accepted
    assert least_members(1000) == 20


def test_a_refusal_names_both_numbers_and_what_to_do():
    found = two_means(np.random.default_rng(0).normal(size=100))
    with pytest.raises(
        BadInput,
        match=r"windows do not fall into two sets: the two means lie .* apart, not beyond the .*uniform",
    ):
        found.check("windows")
    with pytest.raises(BadInput):
        found.weights()


def test_two_points_alone_are_two_sets_with_a_finite_gap():
    found = two_means([0.0] * 20 + [1.0] * 20)
    assert found.accepted, found
    json.dumps(found.to_json(), allow_nan=False)
    assert found.to_json()["sizes"] == {"low": 20, "high": 20}


@pytest.mark.parametrize(
    ("skewness", "kurtosis", "kind"),
    [
        (0.0, 0.0, "normal"),
        (1.0, 1.5, "gamma"),
        (0.0, -1.0, "beta"),
        (0.5, -0.3, "beta"),
        (1.5, 2.4, "beta with its mode near the end"),
        (0.0, 1.0, "Student's t"),
        (0.5, 2.0, "type IV"),
        (1.0, 2.5, "type IV near the inverse gamma"),
        (1.0, 1.7, "beta prime"),
        (-1.0, 1.7, "beta prime, mirrored"),
    ],
)
def test_simulated_samples_have_the_moments_that_were_asked_for(skewness, kurtosis, kind):
    found = unimodal(skewness, kurtosis, (1, 2_000_000), np.random.default_rng(1))[0]
    assert stats.skew(found) == pytest.approx(skewness, abs=0.05), kind
    assert stats.kurtosis(found) == pytest.approx(kurtosis, abs=0.3), kind


def test_the_inverse_gamma_is_met_on_its_line():
    a = 12.0
    skewness, kurtosis = (float(moment) for moment in stats.invgamma.stats(a, moments="sk"))
    found = unimodal(skewness, kurtosis, (1, 200_000), np.random.default_rng(2))[0]
    assert stats.kstest(found, stats.invgamma(a).cdf).pvalue > 0.01


@pytest.mark.parametrize("skewness", [0.0, 0.6, 2.0, -3.0])
@pytest.mark.parametrize("kurtosis", ["of two points", "of a density with a pole"])
def test_where_no_bounded_density_has_the_moments_the_nearest_is_taken(skewness, kurtosis):
    """Two points have the least kurtosis that there can be, skewness² − 2."""
    asked = skewness**2 - (2 if kurtosis == "of two points" else 1.4)
    found = np.abs(unimodal(skewness, asked, (1, 1_000_000), np.random.default_rng(3))[0])
    c = {0.0: -1.0, 2.0: 0.0}.get(skewness)
    if c is not None:  # uniform, exponential
        shape = stats.uniform if c else stats.expon
        assert stats.kstest(found[:20_000], shape.cdf).pvalue > 0.01
    elif abs(skewness) < 2:
        assert stats.skew(found) == pytest.approx(abs(skewness), abs=0.02)
    counts = np.histogram(found, bins=20)[0]
    assert (np.diff(counts) <= 4 * np.sqrt(counts.max())).all()  # flat, or falling from its mode at the end


def test_the_limit_falls_with_n_and_is_the_same_for_the_same_seed():
    assert gap_limit(30, 0.0, 0.0) > gap_limit(1000, 0.0, 0.0) > 2.65
    assert (
        gap_limit(50, 0.3, 0.5, seed=4) == gap_limit(50, 0.3, 0.5, seed=4) != gap_limit(50, 0.3, 0.5, seed=5)
    )


def test_balanced_weights_of_one_set_are_one():
    assert balanced_weights([False] * 4).tolist() == [1.0] * 4
    assert balanced_weights([True, False, False, False]).tolist() == pytest.approx([2, 2 / 3, 2 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("n", "few", "distance", "accepted"), [(60, 6, 9, 5), (60, 6, 5, 0), (1000, 50, 6, 5)]
)
def test_how_far_away_a_small_set_must_lie_is_as_documented(n, few, distance, accepted):
    found = 0
    for seed in range(5):
        values = np.random.default_rng([seed, n, distance]).normal(size=n)
        values[:few] += distance
        found += two_means(values, seed).accepted
    assert found == accepted


def test_two_shapes_of_noise_in_two_classes_are_refused():
    """Taken together, each centred and scaled, they look like two sets in most samples; within each there is one."""
    mixed_accepted = 0
    for seed in range(5):
        rng = np.random.default_rng(seed)
        one, other = rng.random(500), -rng.beta(20, 1, 500)
        mixed = np.concatenate([(part - part.mean()) / part.std() for part in (one, other)])
        mixed_accepted += two_means(mixed, seed).accepted
        found = split_parts(np.concatenate([one, other]), [0] * 500 + [1] * 500, seed)
        assert not found.together.accepted and found.kept == {0: False, 1: False}
    assert mixed_accepted >= 3


def test_classes_are_judged_together_by_the_mean_of_their_gaps():
    rng = np.random.default_rng(0)
    values = rng.normal(size=400)
    values[:20] += 4.7
    values[200:220] += 4.7
    parts = [0] * 200 + [1] * 200
    found = split_parts(values, parts)
    assert found.together.gap == pytest.approx(np.mean([one.gap for one in found.each.values()]))
    # What two classes say together is more than what each says alone.
    assert found.together.limit < np.mean([one.limit for one in found.each.values()])
    assert found.together.members.tolist() == [*found.each[0].members, *found.each[1].members]
    again = split_parts(values, parts)
    assert again.together.limit == found.together.limit


def test_classes_of_which_nothing_can_be_told():
    found = split_parts([1.0] * 30 + [1.0, 2.0, 3.0], [0] * 30 + [1] * 3)
    assert not found.together.accepted and found.kept == {0: False, 1: False}
    assert found.together.reason == "all 30 values are alike"
    far = np.concatenate([np.random.default_rng(1).normal(size=40), [1.0] * 30])
    far[:8] += 20
    alone = split_parts(far, [0] * 40 + [1] * 30)
    assert alone.together.accepted and alone.kept == {0: True, 1: False}
    assert alone.together.gap == alone.each[0].gap
    assert not split_parts([], []).together.accepted
