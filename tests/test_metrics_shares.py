"""Hand-checked vectors of the share-based metrics (τ = 0.8), and properties that must hold for all counts."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairprune.errors import BadInput
from fairprune.metrics import METRICS
from fairprune.metrics.shares import NO_MATCH, NO_SOURCE, Shares, from_counts, from_shares
from fairprune.spec import MetricSpec

SPEC = MetricSpec()
OF_SHARES = [name for name, metric in METRICS.items() if metric.matcher in ("ngram", "label")]
LE = MetricSpec(ties="le")
EQUAL = MetricSpec(reading="equal")
NAMES = tuple("abcdefgh")


def counted(n_x, n_y, zero_match="unscored"):
    groups = NAMES[: len(n_x)]
    return from_counts(
        groups,
        dict(zip(groups, n_x, strict=True)),
        dict(zip(groups, n_y, strict=True)),
        zero_match=zero_match,
    )


def given_shares(x, y):
    groups = NAMES[: len(x)]
    x, y = ({g: Fraction(v) for g, v in zip(groups, values, strict=True)} for values in (x, y))
    return from_shares(groups, x, y)


def one(name, shares, spec=SPEC):
    return METRICS[name].sample(shares, spec)[0]


def corpus(name, samples, spec=SPEC):
    metric = METRICS[name]
    table = np.array([metric.sample(sample, spec) for sample in samples])
    return metric.statistic(np.ones((1, len(samples))), table)[0]


def test_vector_1_small_loss_is_fair():
    # ratios .5/.6 = .8333 and .5/.4 = 1.25; losses (.1, 0): UER .05
    shares = counted((60, 40), (5, 5))
    assert one("bur", shares) == 0
    assert one("uer", shares) == pytest.approx(0.05)
    assert METRICS["sof"].sample(shares, SPEC) == pytest.approx([0.10, 0.0])


def test_vector_2_below_tau():
    # .39 < .8 · .5 = .4; loss (.11, 0): UER .055
    shares = counted((50, 50), (39, 61))
    assert (one("bur", shares), one("uer", shares)) == (1, pytest.approx(0.055))


@pytest.mark.parametrize(("n_x", "n_y"), [((50, 50), (40, 60)), ((35, 65), (28, 72))])
def test_vector_3_ties_are_exact(n_x, n_y):
    # .8 · .5 = .4 and .8 · .35 = .28, exactly: in floats the second differs
    shares = counted(n_x, n_y)
    assert (one("bur", shares), one("bur", shares, LE)) == (0, 1)


def test_vector_3_uer():
    assert one("uer", counted((50, 50), (40, 60))) == pytest.approx(0.05)  # (.1 + 0) / 2


def test_vector_4_three_groups():
    # losses (.1, 0, 0): UER .1 / 3; .1 < .8 · .2 = .16
    shares = counted((20, 60, 20), (10, 70, 20))
    assert (one("bur", shares), one("uer", shares)) == (1, pytest.approx(1 / 30))


def test_vector_5_no_match():
    shares = counted((80, 20), (0, 0))
    assert (shares.summary, shares.unscored, shares.zero_match) == (None, NO_MATCH, True)
    # uniform: p_y (.5, .5); .5 < .8 · .8 = .64; losses (.3, 0): .15
    uniform = counted((80, 20), (0, 0), "uniform")
    assert uniform.zero_match
    assert (one("bur", uniform), one("uer", uniform)) == (1, pytest.approx(0.15))


def test_vector_6_a_group_without_source_takes_no_part():
    shares = counted((7, 2, 1, 0), (7, 2, 1, 0))
    assert shares.kept == (0, 1, 2)
    assert (one("bur", shares), one("uer", shares)) == (0, 0)


def test_vector_6_its_matches_do_not_count():
    assert counted((1, 1, 0), (1, 1, 8)).summary == (Fraction(1, 2), Fraction(1, 2), None)


def test_vector_7_single_group_and_no_source():
    shares = counted((10,), (3,))
    assert shares.single_group
    assert (one("bur", shares), one("uer", shares)) == (0, 0)
    assert one("auc", shares, LE) == 0
    assert counted((0, 0), (1, 2)).unscored == NO_SOURCE
    assert counted((0, 0), (1, 2), "uniform").summary is None


VECTOR_8 = [
    given_shares(x, y)
    for x, y in (
        (("0.5", "0.5"), ("0.5", "0.5")),
        (("0.6", "0.4"), ("0.5", "0.5")),
        (("0.5", "0.5"), ("0.3", "0.7")),
        (("0.8", "0.2"), ("0.9", "0.1")),
    )
]


def test_vector_8_corpus():
    # ratios 1, .8333, .6, .5: two of four below .8
    assert corpus("bur", VECTOR_8) == pytest.approx(0.5)
    # (0 + .05 + .1 + .05) / 4
    assert corpus("uer", VECTOR_8) == pytest.approx(0.05)
    # D = ((.1 + .2) / 4, .1 / 4) = (.075, .025), mean .05: SOF (.025 + .025) / 2
    assert corpus("sof", VECTOR_8) == pytest.approx(0.025)


def test_vector_8_area():
    # BUR(τ) under <: 0 up to .5, 1/4 at .6, 1/2 at .7 and .8, 3/4 at .9 and 1:
    # .1 · (.25 + .5 + .5 + .75 + .375) = .2375
    assert corpus("auc", VECTOR_8) == pytest.approx(0.2375)
    # under <=: 1/4 at .5, 1/2 at .6, .7, .8, 3/4 at .9, 1 at 1: .1 · (.25 + 1.5 + .75 + .5) = .30
    assert corpus("auc", VECTOR_8, LE) == pytest.approx(0.30)


def test_vector_9_equal_reading():
    # ratio: .3 ≥ .16 and .7 ≥ .64, loss (.1, 0); equal: .3 < .8 · .5, loss (0, .2)
    shares = counted((80, 20), (70, 30))
    assert (one("bur", shares), one("uer", shares)) == (0, pytest.approx(0.05))
    assert (one("bur", shares, EQUAL), one("uer", shares, EQUAL)) == (1, pytest.approx(0.10))


def test_vector_13_spd2():
    # (.75 − .25) − 0 = .5; 0; (0) − (.75 − .25) = −.5: mean 0, mean absolute 1/3
    h, q, t = "0.5", "0.25", "0.75"
    samples = [given_shares(*pair) for pair in (((h, h), (t, q)), ((t, q), (t, q)), ((t, q), (h, h)))]
    rows = [METRICS["spd2"].sample(sample, SPEC) for sample in samples]
    assert [row[0] for row in rows] == [0.5, 0.0, -0.5]
    assert corpus("spd2", samples) == 0
    assert np.mean([row[1] for row in rows]) == pytest.approx(1 / 3)


def test_spd2_of_more_groups_is_the_range():
    # d = (.1, 0, −.1): range .2, mean |d| .2 / 3
    shares = given_shares(("0.4", "0.3", "0.3"), ("0.5", "0.3", "0.2"))
    assert METRICS["spd2"].sample(shares, SPEC) == pytest.approx([0.2, 0.2 / 3])


def test_tau_comes_from_the_spec():
    shares = counted((50, 50), (39, 61))  # ratio .78
    assert one("bur", shares, MetricSpec(tau="0.78")) == 0
    assert one("bur", shares, MetricSpec(tau="79/100")) == 1


def test_sof_leaves_out_samples_in_which_a_group_is_not_kept():
    # a: losses .2 and .0 → .1; b: 0 and 0; c is kept in the second alone, loss .3: D (.1, 0, .3), mean .4/3
    first = from_counts(NAMES[:3], {"a": 5, "b": 5}, {"a": 3, "b": 7})
    second = from_counts(NAMES[:3], {"a": 3, "b": 2, "c": 5}, {"a": 3, "b": 5, "c": 2})
    mean = 0.4 / 3
    expected = (abs(0.1 - mean) + abs(0 - mean) + abs(0.3 - mean)) / 3
    assert corpus("sof", [first, second]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: from_counts(("a", "b"), {"a": -1}, {}), "source count of group 'a' is -1"),
        (lambda: from_counts(("a", "b"), {"a": 1}, {"z": 1}), "'z'"),
        (lambda: given_shares(("0.5", "0.4"), ("0.5", "0.5")), "sum to 9/10"),
        (lambda: counted((1, 1), (0, 0)).pairs("ratio"), "unscored sample"),
    ],
)
def test_wrong_input_is_named(call, words):
    with pytest.raises(BadInput, match=words):
        call()


COUNTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=5).filter(
    lambda pairs: any(x > 0 and y > 0 for x, y in pairs)
)
SPECS = st.builds(
    MetricSpec,
    tau=st.sampled_from(["0", "0.5", "0.8", "1"]),
    reading=st.sampled_from(["ratio", "equal"]),
    ties=st.sampled_from(["lt", "le"]),
)


def values(pairs, spec):
    shares = counted([x for x, _ in pairs], [y for _, y in pairs])
    return {name: METRICS[name].sample(shares, spec) for name in ("bur", "uer", "auc")}


@given(COUNTS, SPECS, st.randoms(use_true_random=False))
def test_the_order_of_groups_does_not_matter(pairs, spec, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    assert values(shuffled, spec) == values(pairs, spec)


@given(COUNTS, SPECS, st.integers(2, 9))
def test_more_of_the_same_source_changes_nothing(pairs, spec, times):
    assert values([(x * times, y) for x, y in pairs], spec) == values(pairs, spec)


@given(st.lists(COUNTS, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(samples, random):
    samples = [
        counted([x for x, _ in (p + [(0, 0)] * 5)[:5]], [y for _, y in (p + [(0, 0)] * 5)[:5]])
        for p in samples
    ]
    shuffled = list(samples)
    random.shuffle(shuffled)
    for name in OF_SHARES:
        assert corpus(name, shuffled) == pytest.approx(corpus(name, samples), abs=1e-12)


@given(COUNTS, SPECS)
def test_values_stay_in_their_range(pairs, spec):
    found = values(pairs, spec)
    assert found["bur"][0] in (0, 1)
    assert 0 <= found["uer"][0] <= 0.5
    assert 0 <= found["auc"][0] <= 1


@given(st.lists(st.integers(0, 50), min_size=2, max_size=5).filter(any), st.integers(1, 4))
def test_a_summary_with_the_sources_shares_scores_0(n_x, times):
    shares = counted(n_x, [times * x for x in n_x])
    for name in OF_SHARES:
        assert corpus(name, [shares]) == 0


def test_shares_know_who_is_kept():
    shares = Shares(("a", "b"), (None, Fraction(1)), None, "why")
    assert (shares.kept, shares.single_group) == ((1,), True)
