"""Bounds of what is unscored, and the order of the references."""

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.metrics import METRICS
from fairprune.metrics.coverage import Coverage
from fairprune.metrics.scoring.beside import distance, validity
from fairprune.metrics.scoring.bounds import bounds, difference_bounds, most_unfair_row
from fairprune.metrics.scoring.systems import System, metric_table
from fairprune.metrics.shares import from_counts
from fairprune.spec import MetricSpec
from fairprune.uncertainty import draw_resamples

GROUPS = ("a", "b")
SPEC = MetricSpec(resamples=200)


def shares(source, summary):
    return from_counts(
        GROUPS, dict(zip(GROUPS, source, strict=True)), dict(zip(GROUPS, summary, strict=True))
    )


def system(*pairs):
    rows = [shares(*pair) for pair in pairs]
    inputs = dict.fromkeys(("bur", "uer", "auc", "sof", "spd2"), rows)
    tables = {name: metric_table(METRICS[name], rows, SPEC) for name in inputs}
    return System([""] * len(rows), rows, inputs, tables, None, [])


def test_bounds_by_hand():
    # p_x (.8, .2). Scored: the source's shares, losses 0. Unscored: b alone loses (.8, 0), a alone (0, .2).
    one = system(((8, 2), (8, 2)), ((8, 2), (0, 0)))
    assert bounds(METRICS["bur"], one, SPEC) == {"low_fair": 0, "high_unfair": 0.5, "n": 2}
    # UER: b alone .4: mean .2
    assert bounds(METRICS["uer"], one, SPEC)["high_unfair"] == pytest.approx(0.2)
    # SOF: b alone D (.4, 0), spread .2
    assert bounds(METRICS["sof"], one, SPEC)["high_unfair"] == pytest.approx(0.2)


def test_sof_is_worst_when_the_same_group_is_always_left_out():
    # two unscored, p_x (.5, .5): the same group twice D (.5, 0): .25; once each would be D (.25, .25): 0
    one = system(((5, 5), (0, 0)), ((5, 5), (0, 0)))
    assert bounds(METRICS["sof"], one, SPEC)["high_unfair"] == pytest.approx(0.25)


def test_bounds_of_a_signed_metric():
    # SPD2 of a scored sample .5 (x even, y (.75, .25)); the other: y = x gives .25, b alone −1: −.25; a alone 1: .75
    one = system(((5, 5), (3, 1)), ((5, 5), (0, 0)))
    found = bounds(METRICS["spd2"], one, SPEC)
    assert (found["low_fair"], found["high_unfair"]) == (pytest.approx(0.25), pytest.approx(0.75))


def test_the_equal_reading_is_fair_at_equal_shares():
    spec = MetricSpec(reading="equal")
    one = system(((8, 2), (0, 0)))
    assert bounds(METRICS["bur"], one, spec)["low_fair"] == 0


def test_without_source_text_nothing_is_bounded():
    one = system(((0, 0), (1, 1)), ((5, 5), (5, 5)))
    assert bounds(METRICS["bur"], one, SPEC) == {"low_fair": 0, "high_unfair": 0, "n": 1}
    none = system(((0, 0), (1, 1)))
    assert bounds(METRICS["bur"], none, SPEC) == {"low_fair": None, "high_unfair": None, "n": 0}
    with pytest.raises(BadInput, match="no source text"):
        most_unfair_row(METRICS["bur"], shares((0, 0), (1, 1)), SPEC)


def test_coverage_has_no_bounds():
    rows = [Coverage(GROUPS, ((0, 0.9), (1, 0.1))), Coverage(GROUPS, (), "empty summary")]
    table = metric_table(METRICS["ec"], rows, SPEC)
    one = System(["", ""], [], {"ec": rows}, {"ec": table}, None, [])
    assert table[0, 0] == pytest.approx(0.4) and np.isnan(table[1, 0])  # c ±.4
    assert bounds(METRICS["ec"], one, SPEC) is None


def test_bounds_of_a_difference():
    dense, pruned = (
        {"low_fair": 0.1, "high_unfair": 0.3, "n": 5},
        {"low_fair": 0.2, "high_unfair": 0.6, "n": 4},
    )
    found = difference_bounds(METRICS["bur"], pruned, dense)
    assert (found["low_fair"], found["high_unfair"], found["n"]) == (
        pytest.approx(-0.1),
        pytest.approx(0.5),
        4,
    )
    assert difference_bounds(METRICS["bur"], pruned, {**dense, "low_fair": None})["n"] == 0


def order(oracle, random, one_group, metric="uer", topics=None):
    """Validity of tables (n, columns) given as lists."""
    tables = {"oracle": oracle, "random": random, "one_group": one_group}
    systems = {
        name: System([], [], {}, {metric: np.array(table, dtype=float)}, None, [])
        for name, table in tables.items()
    }
    topics = topics or [str(i) for i in range(len(oracle))]
    return validity(METRICS[metric], systems, draw_resamples(topics, ["x"] * len(topics), 4000, 0))


def test_an_order_that_always_holds():
    found = order([[0.1]] * 5, [[0.2]] * 5, [[0.3]] * 5)
    assert found == {
        "share": 1.0,
        "oracle_below_random": 1.0,
        "random_below_one_group": 1.0,
        "valid": True,
        "n": 5,
        "reason": None,
    }


def test_an_order_by_hand():
    # two topics: random below the oracle in the second. Resamples: first twice (1/4) holds, both (1/2): means
    # .1 and .15 hold, second twice (1/4): does not. Share 3/4.
    found = order([[0.1], [0.1]], [[0.3], [0.0]], [[0.4], [0.4]])
    assert found["share"] == pytest.approx(0.75, abs=0.03)
    assert (found["valid"], found["random_below_one_group"]) == (False, 1.0)


def test_a_tie_is_no_order():
    assert order([[0.2]] * 4, [[0.2]] * 4, [[0.3]] * 4)["share"] == 0


def test_a_signed_metric_is_read_by_its_absolute_values():
    # random: +.4 and −.4, mean 0, but absolute .4 in each
    found = order([[0.1, 0.1]] * 4, [[0.4, 0.4], [-0.4, 0.4]] * 2, [[1.0, 1.0]] * 4, metric="spd2")
    assert found["share"] == 1


def test_an_order_that_cannot_be_seen():
    nan = float("nan")
    found = order([[0.1]] * 3, [[nan]] * 3, [[0.3]] * 3)
    assert (found["share"], found["valid"], found["n"]) == (None, None, 0)
    assert "fewer than two topics" in found["reason"]
    found = validity(METRICS["spd2"], {}, draw_resamples(["a"], ["x"], 100, 0))
    assert found["reason"] == "the references have no spd2"


def test_distance_folds_only_what_is_signed():
    weights, table = np.ones((1, 2)), np.array([[-0.5], [0.1]])
    assert distance(METRICS["spd2"])(weights, table)[0] == pytest.approx(0.2)
    assert distance(METRICS["bur"]) is METRICS["bur"].statistic
