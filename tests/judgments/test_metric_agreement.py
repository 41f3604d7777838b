"""Metrics against votes: by hand, against scipy, and with a metric that knows the answer."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from fairprune.errors import BadInput
from fairprune.judgments.metric_agreement import (
    CONSTANT,
    MetricValues,
    _foretold,
    _half,
    _label,
    _pairs,
    _taus,
    _threshold,
    compare,
    text_baselines,
)
from fairprune.judgments.votes import Outcome
from tests.judgments.published import (
    KENDALL_S,
    KENDALL_TAU_B,
    KENDALL_UNTIED,
    KENDALL_X,
    KENDALL_Y,
    TIES_MATTER,
    each_pair,
)


def votes(item, results, a="dense", b="wanda", sample=None):
    return [
        Outcome(f"j{j}", item, "fairer", a, b, result, sample or item) for j, result in enumerate(results)
    ]


def metric(name, differences, higher=True, baseline=False):
    """Values of dense minus wanda, per sample s0, s1 …"""
    values = {}
    for i, difference in enumerate(differences):
        values[f"s{i}", "wanda"] = 0.5
        values[f"s{i}", "dense"] = None if difference is None else 0.5 + difference
    return MetricValues(name, values, higher, baseline)


def study(rows):
    return [one for i, row in enumerate(rows) for one in votes(f"s{i}", row)]


def test_a_label_needs_more_than_the_threshold():
    assert _label(np.array([0.2, 0.1, 0.0, -0.1, -0.2]), 0.1).tolist() == [0, 1, 1, 1, 2]


def test_the_threshold_is_the_smallest_of_the_best():
    # .1 → tie votes, .3 → a votes: any limit from .1 on (below .3) gets both right; 0 gets one
    shares = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert _threshold(np.array([0.1, 0.3]), shares) == 0.1
    assert _threshold(np.array([0.3]), shares[1:]) == 0.0


def test_a_threshold_never_sees_its_own_fold():
    # fold 0 holds one item with |difference| .1 whose votes are ties; outside of it .1 means a: it is called a, and is wrong
    difference, fold = np.array([0.1, 0.1, 0.1]), np.array([0, 1, 1])
    shares = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert _foretold(difference, shares, fold)[0] == 0.0


def test_preference_by_hand():
    # s0: dense better, votes a a b: 2 of 3 right; s1: no difference, votes b: ½; s2: not scored
    found = compare(study(["aab", "b", "a"]), [metric("m", [0.2, 0.0, None])])
    (one,) = found.metrics
    assert one.preference.value == pytest.approx((2 + 0.5) / 4)
    assert one.preference.n == 2 and one.n_unscored == 1
    lower = compare(study(["aab", "b", "a"]), [metric("m", [0.2, 0.0, None], higher=False)])
    assert lower.metrics[0].preference.value == pytest.approx((1 + 0.5) / 4)
    assert (found.n_items, found.n_votes) == (3, 5)


def test_tau_is_scipys():
    rng = np.random.default_rng(0)
    for _ in range(10):
        x, y = rng.integers(-3, 4, 15).astype(float), rng.integers(-3, 4, 15).astype(float)
        expected = kendalltau(np.concatenate([x, -x]), np.concatenate([y, -y])).statistic
        assert _taus(np.ones((1, 15)), x, y)[0] == pytest.approx(expected)


def test_tau_b_of_kendalls_tied_rankings():
    """Kendall, Rank Correlation Methods (4th ed., 1970), example 3.1, p. 35: S = 33, τ-b = 33 / √(41 · 36) = .859."""
    x, y = np.array(KENDALL_X), np.array(KENDALL_Y)
    pairs = _pairs(np.ones((1, 10)), x, y, mirrored=False)[:, 0] / 2
    assert pairs.tolist() == [KENDALL_S, *KENDALL_UNTIED]
    assert pairs[0] / np.sqrt(pairs[1] * pairs[2]) == pytest.approx(KENDALL_TAU_B, abs=5e-4)


def test_the_symmetrised_tau_of_kendalls_tied_rankings():
    """From the counts of Kendall's example alone: above 0 every rank and every mirrored rank are concordant, n² pairs more.

    τ-b = (2 S + n²) / √((2 · 41 + n²) (2 · 36 + n²)) with S = 33 and n = 10.
    """
    untied_x, untied_y = KENDALL_UNTIED
    expected = (2 * KENDALL_S + 100) / np.sqrt((2 * untied_x + 100) * (2 * untied_y + 100))
    x, y = np.array(KENDALL_X), np.array(KENDALL_Y)
    assert _taus(np.ones((1, 10)), x, y)[0] == pytest.approx(expected)
    assert _taus(np.ones((1, 10)), -x, y)[0] == pytest.approx(-expected)


def test_of_plain_preferences_tau_is_that_of_the_translation_tasks():
    """(concordant − discordant) / (concordant + discordant), as WMT's tasks defined τ of human preferences between two systems
    (Callison-Burch and others, WMT 2010): the case in which neither a metric nor a vote ever ties."""
    rng = np.random.default_rng(2)
    for concordant in (0, 3, 9, 14):
        x = rng.choice([-1.0, 1.0], 14)
        y = np.where(np.arange(14) < concordant, x, -x)
        assert _taus(np.ones((1, 14)), x, y)[0] == pytest.approx((2 * concordant - 14) / 14)


def test_preference_of_kendalls_tied_rankings_is_somers_d():
    """Somers, American Sociological Review 27 (1962): d = S / pairs not tied in what is foretold; 33 / 36 of Kendall's rankings.

    The share of preferences foretold, a tie of the metric as half of one, is (1 + d) / 2.
    """
    outcomes, values = each_pair(KENDALL_X, KENDALL_Y)
    (one,) = compare(outcomes, [values], resamples=20).metrics
    assert one.preference.value == pytest.approx((1 + KENDALL_S / KENDALL_UNTIED[1]) / 2)
    assert one.preference.n == KENDALL_UNTIED[1]


@pytest.mark.parametrize(("metric_scores", "human", "limits", "accuracies", "best"), TIES_MATTER)
def test_accuracy_with_ties_of_its_authors(metric_scores, human, limits, accuracies, best):
    """Deutsch, Foster and Freitag (EMNLP 2023): accuracy over pairs of translations with a threshold for the metric's ties.

    The two examples by which the authors test their own code: six pairs of four translations, the accuracy at every threshold, and
    the threshold that tie calibration chooses.
    """
    outcomes, values = each_pair(metric_scores, human)
    shares = np.array([[one.result == result for result in ("a", "tie", "b")] for one in outcomes], float)
    difference = np.array(
        [
            values.values[one.cluster, one.system_a] - values.values[one.cluster, one.system_b]
            for one in outcomes
        ]
    )
    rows = np.arange(len(outcomes))
    found = [shares[rows, _label(difference, limit)].mean() for limit in limits]
    assert found == pytest.approx(accuracies)
    assert _threshold(difference, shares) == best


@pytest.mark.parametrize(("metric_scores", "human", "limits", "accuracies", "best"), TIES_MATTER)
def test_held_out_accuracy_where_all_samples_are_the_authors_example(
    metric_scores, human, limits, accuracies, best
):
    # The same four translations on ten samples: every fold chooses the same threshold, so that nothing is lost by holding samples out.
    outcomes, values = [], {}
    for number in range(10):
        own, scored = each_pair(metric_scores, human, f"s{number}")
        outcomes += own
        values |= scored.values
    (one,) = compare(outcomes, [MetricValues("m", values, True)], resamples=20).metrics
    assert one.accuracy.value == pytest.approx(accuracies[limits.index(best)])
    assert (one.accuracy.n, one.accuracy.n_clusters) == (60, 10)


def test_tau_does_not_depend_on_the_alphabet():
    rows = ["aaa", "aab", "abb", "ab", "bbb", "aa"]
    differences = [0.5, 0.2, -0.1, 0.3, -0.6, -0.2]
    plain = compare(study(rows), [metric("m", differences)]).metrics[0]
    turned_votes, values = [], {}
    for i, (row, difference) in enumerate(zip(rows, differences, strict=True)):
        first, second = (
            ("dense", "wanda") if i % 2 else ("wanda", "zeta")
        )  # every second item the other way round
        turned = row if i % 2 else row.translate(str.maketrans("ab", "ba"))
        turned_votes += votes(f"s{i}", turned, first, second)
        values[f"s{i}", first], values[f"s{i}", second] = (difference, 0.0) if i % 2 else (0.0, difference)
    other = compare(turned_votes, [MetricValues("m", values, True)]).metrics[0]
    assert other.tau.value == pytest.approx(plain.tau.value)
    assert other.preference.value == pytest.approx(plain.preference.value)


def test_two_copies_of_an_item_make_no_pair():
    x, y = np.array([1.0, 2.0]), np.array([2.0, 1.0])
    # points (1, 2), (2, 1) and their mirrors: pairs (1,2)-(2,1) discordant twice, each with every mirror concordant (4): 2 / 6
    assert _taus(np.array([[1.0, 1.0]]), x, y)[0] == pytest.approx(2 / 6)
    # one item alone, drawn twice, with its own mirror: always concordant, and never more than one pair per copy
    assert _taus(np.array([[2.0, 0.0]]), x, y)[0] == pytest.approx(1.0)


def test_halves():
    rng = np.random.default_rng(0)
    counts = np.array([[3.0, 1.0, 2.0], [1.0, 0.0, 2.0]])
    sizes = set()
    for _ in range(40):
        first = _half(counts, rng)
        assert (first >= 0).all() and (first <= counts).all() and first[0].sum() == 3
        sizes.add(first[1].sum())
    assert sizes == {1.0, 2.0}


def made_up(seed=0, n=60, judges=6):
    """Items with a true difference; judges see it with noise, one metric as well as it is, one hardly, length not at all."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1, n)
    rows = []
    for value in truth:
        seen = value + rng.normal(0, 0.7, judges)
        rows.append(["a" if one > 0.4 else "b" if one < -0.4 else "tie" for one in seen])
    metrics = [
        metric("oracle", truth),
        metric("weak", truth + rng.normal(0, 3, n)),
        metric("length", rng.normal(0, 1, n), baseline=True),
    ]
    return study(rows), metrics


def test_which_metric_to_trust():
    found = compare(*made_up(), resamples=300)
    assert next(one.name for one in found.metrics) == "oracle"
    oracle = found.metrics[0]
    by_name = {one.name: one for one in found.metrics}
    assert oracle.tau.value > by_name["weak"].tau.value > 0
    assert by_name["length"].tau.low < 0 < by_name["length"].tau.high
    assert oracle.gain.low > 0
    assert by_name["length"].gain.value == 0
    # people foretell one another about as well as the truth foretells them, and better than chance
    assert found.ceiling.accuracy.low > found.constant.accuracy.value
    assert found.ceiling.accuracy.value == pytest.approx(oracle.accuracy.value, abs=0.08)
    assert found.ceiling.preference.value > 0.75 and found.ceiling.tau.value > 0.5
    assert found.constant.name == CONSTANT and found.constant.tau.value is None
    for one in (*found.metrics, found.ceiling):
        for number in (one.accuracy, one.preference, one.tau):
            assert number.low <= number.value <= number.high
    assert compare(*made_up(), resamples=50, seed=4) == compare(*made_up(), resamples=50, seed=4)


def test_a_threshold_that_was_fitted_gives_noise_nothing():
    # pure noise of many items: held-out accuracy is that of the commonest answer or less, not more
    rng = np.random.default_rng(1)
    rows = [rng.choice(["a", "tie", "b"], size=3) for _ in range(150)]
    found = compare(study(rows), [metric("noise", rng.normal(0, 1, 150))], resamples=100)
    assert found.metrics[0].accuracy.value < 0.42


def test_what_is_left_out():
    rows = study(["aab", "bb"])
    more = [Outcome("", "same", "fairer", "dense", "wanda", "tie", "same")]
    more += votes("s7", ["both_unfair", "cannot_tell"])
    assert compare(rows + more, [metric("m", [0.1, 0.2])]).n_items == 2
    alone = compare(study(["a", "b"]), [metric("m", [0.1, -0.2])])
    assert alone.ceiling.accuracy.value is None and "two judges" in alone.ceiling.accuracy.why
    assert alone.metrics[0].gain.value is None and "no baseline" in alone.metrics[0].gain.why
    nothing = compare(study(["a", "b"]), [metric("m", [None, None])]).metrics[0]
    assert nothing.accuracy.value is None and nothing.preference.value is None and nothing.tau.value is None
    flat = compare(study(["ab", "ab"]), [metric("m", [0.1, 0.2])]).metrics[0]
    assert flat.tau.value is None and "nothing can be ranked" in flat.tau.why


def test_what_cannot_be_compared():
    with pytest.raises(BadInput, match="none of 1 votes"):
        compare(votes("s0", ["both_unfair"]), [])
    with pytest.raises(BadInput, match="given twice"):
        compare(study(["a"]), [metric("m", [0.1]), metric("m", [0.1])])
    with pytest.raises(BadInput, match="1 folds"):
        compare(study(["a"]), [], folds=1)


def test_baselines_of_texts():
    summaries = {("s", "dense"): "the film was good fun", ("s", "wanda"): "good good good good good good"}
    length, rouge, repeats = text_baselines(summaries, {"s": "the film was good"})
    assert length.values == {("s", "dense"): 5.0, ("s", "wanda"): 6.0} and length.baseline
    # 4 of 5 and of 4 tokens in common: F1 = 2 · .8 · 1 / 1.8
    assert rouge.values["s", "dense"] == pytest.approx(8 / 9)
    assert repeats.values["s", "wanda"] == pytest.approx(2 / 3) and not repeats.higher_is_better
    unknown = text_baselines(summaries, {})[1]
    assert unknown.values["s", "dense"] is None
