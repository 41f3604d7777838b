"""Neural Collapse from class sums: a hand-made example of three classes, worked out by hand, and what is not defined."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fairprune.debias.collapse_measures import (
    FROM_SUMS,
    MEASURES,
    Totals,
    classes,
    label_counts,
    measures,
    why_undefined,
    with_enough,
)

ROOT10 = math.sqrt(10)
BY_HAND = {
    # Means (3, 0), (0, 3), (0, 0), σ² 1, 0, 4; squared distances 18, 9, 9.
    # Pairs: (1 + 0)/36, (1 + 4)/18, (0 + 4)/18, of which the mean is (1 + 10 + 8)/36/3.
    "nc1": 19 / 108,
    # μ_G = (1, 1): centred (2, −1), (−1, 2), (−1, −1) of lengths √5, √5, √2. Of a, a, b the deviation is |a − b| √2/3.
    "nc2_norms": (math.sqrt(5) - math.sqrt(2)) * math.sqrt(2) / 3 / ((2 * math.sqrt(5) + math.sqrt(2)) / 3),
    # Cosines −4/5, −1/√10, −1/√10.
    "nc2_angles": (0.8 - 1 / ROOT10) * math.sqrt(2) / 3,
    # ‖μ̂ − μ̂'‖² = 2 − 2 cos = 3.6, 2 + 2/√10 twice.
    "gnc2": (0.5 * math.log(3.6) - 0.5 * math.log(2 + 2 / ROOT10)) * math.sqrt(2) / 3,
    # Rows (2, −1), (1, 2), (−1, 1): cosines 1, (−1 + 4)/5, (1 − 1)/2.
    "nc3": (1 + 0.6 + 0) / 3,
    "unc3": math.sqrt((1 + 0.36) / 3 - (1.6 / 3) ** 2),
}
FEATURES = [[(4, 0), (2, 0)], [(0, 3), (0, 3)], [(0, 2), (0, -2)]]
ROWS = [(2, -1), (1, 2), (-1, 1)]


def totals_of(features, rows, agreed=(0,), judged=(0,), cut=None):
    """Class sums of features per class; `cut` puts the features from there on into a second cluster."""
    clusters = [features] if cut is None else [[f[:cut] for f in features], [f[cut:] for f in features]]
    width = len(rows[0])
    arrays = [[np.array(f, dtype=float).reshape(-1, width) for f in cluster] for cluster in clusters]
    return Totals(
        ids=np.arange(len(features)),
        rows=np.array(rows, dtype=float),
        counts=np.array([[len(f) for f in cluster] for cluster in arrays]),
        sums=np.array([[f.sum(axis=0) for f in cluster] for cluster in arrays]),
        squares=np.array([[(f**2).sum() for f in cluster] for cluster in arrays]),
        agreed=np.array(agreed),
        judged=np.array(judged),
    )


@pytest.mark.parametrize("cut", [None, 1])
def test_three_classes_by_hand(cut):
    totals = totals_of(FEATURES, ROWS, cut=cut)
    assert totals.clusters == (1 if cut is None else 2) and totals.features == 6
    found = measures(totals)
    assert set(found) == set(FROM_SUMS) == set(MEASURES) - {"nc4"}
    for name, value in BY_HAND.items():
        assert found[name] == pytest.approx(value, rel=1e-12), name
    one = classes(totals)
    assert one.means.tolist() == [[3, 0], [0, 3], [0, 0]]
    assert one.variances.tolist() == [1, 0, 4]
    assert one.cosines == pytest.approx([1, 0.6, 0])


def test_weights_say_how_often_a_cluster_counts():
    totals = totals_of(FEATURES, ROWS, cut=1)
    doubled = totals_of([[f[0], f[0], f[1]] for f in FEATURES], ROWS)
    assert measures(totals, np.array([2.0, 1.0])) == pytest.approx(measures(doubled), rel=1e-12)
    # Without the second cluster the means are (4, 0), (0, 3), (0, 2), and nothing varies within a class.
    alone = measures(totals, np.array([1.0, 0.0]))
    assert alone["nc1"] == 0
    assert alone["nc3"] == pytest.approx(
        measures(totals_of([[(4, 0)], [(0, 3)], [(0, 2)]], ROWS))["nc3"], rel=1e-12
    )


def test_a_class_without_features_in_the_clusters_that_count_is_left_out():
    features = [[(4, 0), (2, 0)], [(0, 3), (0, 3)], [(0, 2), (0, -2)], []]
    totals = totals_of(features, [*ROWS, (1, 1)])
    found = classes(totals)
    assert found.kept.tolist() == [True, True, True, False]
    assert measures(totals)["nc3"] == pytest.approx(BY_HAND["nc3"])


def test_two_words_have_opposite_centred_means():
    found = measures(totals_of(FEATURES[:2], ROWS[:2]))
    # (3, 0) and (0, 3) around (1.5, 1.5): (1.5, −1.5) and (−1.5, 1.5); one pair, so nothing spreads over pairs.
    assert found["nc2_norms"] == pytest.approx(0, abs=1e-12)
    assert found["nc2_angles"] == found["gnc2"] == 0
    assert found["nc3"] == pytest.approx((3 / ROOT10 + 1 / ROOT10) / 2)  # (2 + 1)/√(5 · 2), (−1 + 2)/√(5 · 2)


def test_large_features_lose_no_variance():
    """σ² through sums of squares: around a million, a spread of 1 is 1e-12 of the squares."""
    far = [[(x + 1e6, y) for x, y in one] for one in FEATURES]
    assert classes(totals_of(far, ROWS)).variances == pytest.approx([1, 0, 4], abs=2e-3)
    assert measures(totals_of(far, ROWS))["unc3"] == pytest.approx(BY_HAND["unc3"], rel=1e-6)


@pytest.mark.parametrize(
    ("features", "rows", "why"),
    [
        (FEATURES[:1], ROWS[:1], "1 of its words have 10 features or more: two are needed"),
        ([[(math.nan, 0)], *FEATURES[1:]], ROWS, "not finite"),
        (
            [FEATURES[0], FEATURES[0], FEATURES[2]],
            ROWS,
            "the same mean, or a row of the output matrix is all zeros",
        ),
        (FEATURES, [(0, 0), *ROWS[1:]], "the same mean, or a row of the output matrix is all zeros"),
    ],
)
def test_what_is_not_defined_is_no_number_and_says_why(features, rows, why):
    totals = totals_of(features, rows)
    assert any(math.isnan(value) for value in measures(totals).values())
    assert why in why_undefined(totals, 10)


def test_a_row_of_zeros_leaves_the_measures_without_rows():
    found = measures(totals_of(FEATURES, [(0, 0), *ROWS[1:]]))
    assert math.isnan(found["nc3"]) and math.isnan(found["unc3"])
    assert found["nc1"] == pytest.approx(BY_HAND["nc1"])


def test_labels_are_the_next_tokens():
    ids = np.array([[7, 8, 8, 9], [9, 8, 9, 7]])
    assert label_counts(ids) == {7: 1, 8: 3, 9: 2}  # the first token of a window is nobody's label
    assert with_enough([9, 5, 7, 8], label_counts(ids), 2) == [9, 8]
