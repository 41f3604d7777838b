"""The document: cells with intervals and reasons, ratios, the control beside them, the words one by one."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from fairprune.debias.collapse_measures import MEASURES, measures
from fairprune.debias.collapse_report import (
    BIASED,
    CONSTANT,
    FEW_LIMIT,
    FRAGILE,
    NO_RATIO,
    NO_RESAMPLING,
    Lists,
    choose_lists,
    collapse_document,
    jackknife_error,
)
from fairprune.debias.words import Words
from tests.debias.test_collapse_measures import FEATURES, ROWS, totals_of

IDS = np.zeros((12, 8), np.int32)


def lists(**other):
    given = {
        "name": "gender",
        "ids": {"group": (0, 1, 2), "control": (0, 1, 2), "all": (0, 1, 2)},
        "groups": {0: "female", 1: "male", 2: "male"},
        "texts": {0: "she", 1: "he", 2: "him"},
        "dropped": {"no single token": 4, "in several lists": 0},
        "rare": 1,
        "control_reason": None,
        "min_count": 10,
        "seed": 0,
    }
    return Lists(**{**given, **other})


def sampled(seed=0, clusters=12, noise=0.6, scale=1.0, classes=5, width=8, per=30):
    """Class sums of features drawn around class means, cluster by cluster; the same seed draws the same means and contexts."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(classes, width)) * scale
    rows = means + rng.normal(size=(classes, width))
    found = means[None, :, None] + noise * rng.normal(size=(clusters, classes, per // 6, width))
    agreed = rng.integers(2, 9, clusters)
    base = totals_of([[(0.0,) * width]] * classes, rows)
    return replace(
        base,
        counts=np.full((clusters, classes), per // 6),
        sums=found.sum(axis=2),
        squares=(found**2).sum(axis=(2, 3)),
        agreed=agreed,
        judged=np.full(clusters, 10),
    )


def whole(totals):
    """As lists are kept that are not resampled."""
    return replace(
        totals,
        counts=totals.counts.sum(axis=0, keepdims=True),
        sums=totals.sums.sum(axis=0, keepdims=True),
        squares=totals.squares.sum(axis=0, keepdims=True),
    )


def document(dense, pruned, control=None, asked=None, **other):
    control = control or (dense, pruned)
    before = {"group": dense, "control": control[0], "all": whole(dense)}
    after = {"group": pruned, "control": control[1], "all": whole(pruned)}
    return collapse_document(before, after, asked or lists(), IDS, tied=True, notes=("from tests",), **other)


def test_values_differences_and_ratios_are_those_of_the_measures():
    dense, pruned = sampled(0), sampled(1, noise=0.8)
    found = document(dense, pruned)
    before, after = measures(dense), measures(pruned)
    cells = found["lists"]["group"]["measures"]
    assert set(cells) == set(MEASURES)
    for name in before:
        assert cells[name]["dense"]["value"] == before[name]
        assert cells[name]["pruned"]["value"] == after[name]
        assert cells[name]["difference"]["value"] == pytest.approx(after[name] - before[name])
        if name != "nc3":
            assert cells[name]["ratio"]["value"] == pytest.approx(after[name] / before[name])
        assert cells[name]["dense"]["n"] == 5 and cells[name]["dense"]["clusters"] == 12
    assert cells["nc4"]["dense"]["value"] == dense.agreed.sum() / 120 and cells["nc4"]["dense"]["n"] == 120
    assert cells["nc3"]["ratio"]["value"] is None and cells["nc3"]["ratio"]["reason"] == NO_RATIO
    assert found["list"] == "gender" and found["tied"] is True and found["notes"] == ["from tests"]
    assert (found["windows"], found["tokens_per_window"], found["tokens"]) == (12, 8, 84)
    json.dumps(found, allow_nan=False)


def test_intervals_are_those_of_the_jackknife():
    dense, pruned = sampled(0), sampled(1)
    cells = document(dense, pruned)["lists"]["group"]["measures"]
    left_out = [measures(dense, 1 - np.eye(12)[i])["unc3"] for i in range(12)]
    se = math.sqrt(11 / 12 * sum((one - np.mean(left_out)) ** 2 for one in left_out))
    assert jackknife_error(np.array(left_out)) == pytest.approx(se)
    half = 2.2009852 * se  # Student's t, 11 degrees of freedom
    cell = cells["unc3"]["dense"]
    assert cell["high"] == pytest.approx(cell["value"] + half)
    assert cell["low"] == pytest.approx(max(0.0, cell["value"] - half))
    logs = [
        math.log(measures(pruned, 1 - np.eye(12)[i])["nc1"] / measures(dense, 1 - np.eye(12)[i])["nc1"])
        for i in range(12)
    ]
    se = jackknife_error(np.array(logs))
    ratio = cells["nc1"]["ratio"]
    assert math.log(ratio["high"]) == pytest.approx(math.log(ratio["value"]) + 2.2009852 * se)
    assert ratio["low"] * ratio["high"] == pytest.approx(ratio["value"] ** 2)


def test_of_a_mean_the_jackknife_gives_its_standard_error():
    values = np.random.default_rng(0).normal(size=20)
    left_out = (values.sum() - values) / 19
    assert jackknife_error(left_out) == pytest.approx(values.std(ddof=1) / math.sqrt(20))


def test_lists_that_are_kept_as_a_whole_have_no_interval_but_nc4_has():
    cells = document(sampled(0), sampled(1))["lists"]["all"]["measures"]
    assert cells["unc3"]["dense"]["value"] is not None and cells["unc3"]["dense"]["low"] is None
    assert cells["unc3"]["ratio"]["reason"] == NO_RESAMPLING
    assert cells["nc4"]["dense"]["low"] is not None


def test_the_control_stands_beside_the_group():
    dense, pruned = sampled(0), sampled(0, noise=1.2)
    control = sampled(3), sampled(3, noise=0.7)
    found = document(dense, pruned, control)["against_control"]
    cells = document(dense, pruned, control)["lists"]
    for name in ("nc1", "unc3", "nc4"):
        ratios = [cells[one]["measures"][name]["ratio"]["value"] for one in ("group", "control")]
        assert found[name]["value"] == pytest.approx(ratios[0] / ratios[1])
    assert found["unc3"]["low"] < found["unc3"]["value"] < found["unc3"]["high"]
    assert found["nc3"]["value"] is None and found["nc3"]["reason"] == NO_RATIO


def test_without_a_control_its_numbers_are_missing_and_say_why():
    empty = totals_of([[(0.0,) * 8]] * 5, [(0.0,) * 8] * 5)
    empty = replace(
        empty,
        ids=empty.ids[:0],
        rows=empty.rows[:0],
        counts=np.zeros((12, 0), int),
        sums=np.zeros((12, 0, 8)),
        squares=np.zeros((12, 0)),
        agreed=np.zeros(12, int),
        judged=np.zeros(12, int),
    )
    asked = lists(control_reason="the texts hold 2 other tokens, too few for a control list of 5")
    found = document(sampled(0), sampled(1), (empty, empty), asked)
    control = found["lists"]["control"]
    assert control["words"] == 0 and control["reason"].startswith("the texts hold 2")
    assert control["measures"]["unc3"]["dense"]["value"] is None
    assert control["measures"]["unc3"]["dense"]["reason"].startswith("0 of its words have 10 features")
    assert control["measures"]["nc4"]["dense"]["reason"].startswith("no token to judge")
    assert found["against_control"]["unc3"]["reason"].startswith("the texts hold 2")
    json.dumps(found, allow_nan=False)


def test_a_model_that_is_no_number_is_missing_beside_one_that_is():
    dense, pruned = sampled(0), sampled(1)
    pruned.sums[:] = np.nan
    cells = document(dense, pruned)["lists"]["group"]["measures"]["unc3"]
    assert cells["dense"]["value"] is not None
    for name in ("pruned", "difference", "ratio"):
        assert cells[name]["value"] is None and cells[name]["reason"] == "the model's features are not finite"


def test_a_ratio_to_zero_is_missing():
    totals = totals_of([[f[0], f[0]] for f in FEATURES], ROWS, cut=1)  # nothing varies within a word
    other = totals_of([[f[0], (f[0][0] + 1, 0)] for f in FEATURES], ROWS, cut=1)
    cells = document(totals, other, asked=lists())["lists"]["group"]["measures"]["nc1"]
    assert cells["dense"]["value"] == 0 and cells["dense"]["reason"] == CONSTANT
    assert cells["ratio"]["value"] is None and cells["ratio"]["reason"].startswith(
        "one of the two is 0 (dense 0,"
    )


def test_what_hangs_on_one_cluster_has_no_interval():
    features = [FEATURES[0], FEATURES[1]]
    totals = totals_of(features, ROWS[:2], cut=1)
    totals.counts[0, 1], totals.sums[0, 1], totals.squares[0, 1] = (
        0,
        0,
        0,
    )  # the second word stands in one cluster
    cells = document(totals, totals)["lists"]["group"]["measures"]["nc1"]
    assert cells["dense"]["value"] is not None and cells["dense"]["reason"] == FRAGILE


def test_where_few_contexts_bias_a_value_it_stands_without_an_interval():
    noisy = sampled(0, clusters=12, noise=8.0, per=6)
    cell = document(noisy, noisy)["lists"]["group"]["measures"]["nc1"]["dense"]
    left_out = np.array([measures(noisy, one)["nc1"] for one in 1 - np.eye(12)])
    assert 11 * abs(left_out.mean() - cell["value"]) > jackknife_error(left_out)
    assert cell["low"] is None and cell["reason"] == BIASED
    calm = sampled(0, clusters=12, noise=0.3)
    assert document(calm, calm)["lists"]["group"]["measures"]["unc3"]["dense"]["low"] is not None


def test_intervals_from_few_contexts_per_word_say_what_they_cover():
    few, many = sampled(0, noise=0.3, per=18), sampled(0, noise=0.3, per=300)
    for totals, limit in ((few, FEW_LIMIT), (many, None)):
        found = document(totals, totals)
        cells = found["lists"]["group"]["measures"]
        assert cells["unc3"]["dense"]["low"] is not None
        assert cells["unc3"]["dense"]["limit"] == limit
        assert cells["nc4"]["dense"]["limit"] is None


def test_every_word_has_its_cosines():
    dense = totals_of(FEATURES, ROWS)
    pruned = totals_of(FEATURES, [ROWS[1], ROWS[1], (0, 0)])
    found = document(dense, pruned)["words"]
    group = [row for row in found if row["list"] == "group"]
    assert [(row["text"], row["group"], row["n"]) for row in group] == [
        ("she", "female", 2),
        ("he", "male", 2),
        ("him", "male", 2),
    ]
    assert [row["dense"] for row in group] == pytest.approx([1, 0.6, 0])
    # (1, 2) with (2, −1) is 0; a row of zeros has no direction.
    assert [row["pruned"] for row in group][:2] == pytest.approx([0, 0.6], abs=1e-12)
    assert group[2]["pruned"] is None
    assert {row["group"] for row in found if row["list"] == "control"} == {None}


def test_lists_hold_what_stands_often_enough():
    words = Words(
        {"a": (1, 2), "b": (3, 4)}, {1: "one", 2: "two", 3: "three", 4: "four"}, {"no single token": ("x y",)}
    )
    labels = [1] * 12 + [2] * 9 + [3] * 20 + [5] * 11 + [6] * 21 + [7] * 13 + [8] * 14 + [9] * 3
    ids = np.array([[0, *labels]])
    found = choose_lists("own", words, ids, lambda one: f" t{one[0]}", excluded=[8], min_count=10)
    assert found.ids["group"] == (1, 3) and found.rare == 2
    # 2 and 9 stand too seldom, 8 is excluded, 4 is nowhere: 5, 6 and 7 are left.
    assert len(found.ids["control"]) == 2 and set(found.ids["control"]) < {5, 6, 7}
    assert found.ids["all"] == (1, 3, 5, 6, 7, 8)
    assert found.groups[3] == "b" and found.texts[3] == "three"
    assert all(found.texts[token] == f"t{token}" for token in found.ids["control"])
    assert found.dropped == {"no single token": 1} and found.control_reason is None


def test_too_few_words_for_a_control_list_are_said():
    words = Words({"a": (1,), "b": (3,)}, {1: "one", 3: "three"}, {})
    ids = np.array([[0] + [1] * 12 + [3] * 20 + [5] * 11])
    found = choose_lists("own", words, ids, str, min_count=10)
    assert found.ids["control"] == () and "too few for a control list of 2" in found.control_reason
