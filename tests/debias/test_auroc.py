"""The area under the ROC curve by its definition, weighted, and its interval over topics."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fairprune.debias.auroc import auroc, compare_auroc
from fairprune.errors import BadInput


def test_by_hand():
    table = np.array([[1.0, 0], [2.0, 1], [2.0, 0], [3.0, 1]])
    assert auroc(np.ones((1, 4)), table).tolist() == [3.5 / 4]
    assert auroc(np.array([[1.0, 1, 0, 1]]), table).tolist() == [1.0]
    assert np.isnan(auroc(np.array([[1.0, 0, 1, 0]]), table)).all()


def test_weights_are_repetitions():
    rng = np.random.default_rng(0)
    values, members = rng.integers(0, 6, 40).astype(float), rng.random(40) < 0.4
    counts = rng.integers(0, 4, (5, 40))
    found = auroc(counts.astype(float), np.column_stack([values, members]))
    for row, value in zip(counts, found, strict=True):
        assert value == pytest.approx(roc_auc_score(np.repeat(members, row), np.repeat(values, row)))


def test_two_numbers_are_compared_with_intervals_over_topics():
    rng = np.random.default_rng(1)
    members = (np.arange(120) % 3 == 0).tolist()
    topics = [f"topic {i // 3}" for i in range(120)]
    good, blind = rng.normal(size=120) + 2 * np.array(members), rng.normal(size=120)
    found = compare_auroc(good, blind, members, topics)
    assert (found["n"], found["members"]) == (120, 40)
    assert found["rac"]["value"] == pytest.approx(roc_auc_score(members, good))
    assert found["rac"]["topics"] == 40
    assert 0.8 < found["rac"]["low"] < found["rac"]["value"] < found["rac"]["high"] <= 1
    assert found["dense"]["low"] < 0.5 < found["dense"]["high"]
    assert found["difference"]["value"] == pytest.approx(found["rac"]["value"] - found["dense"]["value"])
    assert found["difference"]["low"] > 0.2
    json.dumps(found, allow_nan=False)


def test_texts_of_one_topic_stand_for_themselves():
    found = compare_auroc(np.arange(40.0), np.zeros(40), [i > 25 for i in range(40)], [""] * 40)
    assert found["rac"]["topics"] == 40


@pytest.mark.parametrize("members", [[True] * 4, [False] * 4])
def test_one_group_alone_has_none(members):
    with pytest.raises(BadInput, match=r"\d of 4 texts are in the group"):
        compare_auroc(np.arange(4.0), np.arange(4.0), members, ["a", "b", "c", "d"])
