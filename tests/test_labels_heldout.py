"""Held-out opinions: whole speakers or topics, each tested once; reliability by hand."""

import json

import numpy as np
import pytest

from fairprune.labels import heldout
from fairprune.opinions import Opinion
from tests.test_labels import GROUPS, opinions


def check_tested_once(drawn, found):
    tests = np.concatenate([test for _, test in found.parts])
    assert sorted(tests) == list(range(len(drawn)))
    for train, test in found.parts:
        assert not set(train) & set(test)
        assert len(train) + len(test) == len(drawn)
        assert {drawn[i].group for i in train} == {o.group for o in drawn}


@pytest.mark.parametrize(
    ("drawn", "by", "parts"),
    [
        (opinions(), "topic", 5),
        (opinions(topics=2), "topic", 2),  # few topics: one is left out at a time
        (opinions(topics=9), "topic", 9),
        (opinions(speakers=24), "speaker", 5),  # each speaks for one group
        (opinions(speakers=6), "speaker", 6),
        (opinions(speakers=15), "topic", 5),  # these speak for both: a voice gives no group away
        (opinions(topics=1), "opinion", 5),
    ],
)
def test_every_opinion_is_tested_once_by_a_model_that_has_not_seen_its_unit(drawn, by, parts):
    found = heldout.folds(drawn, seed=0)
    assert (found.by, len(found.parts)) == (by, parts)
    check_tested_once(drawn, found)
    if by != "opinion":
        for train, test in found.parts:
            known = [{getattr(drawn[i], by) for i in part} for part in (train, test)]
            assert not known[0] & known[1]


def test_a_few_unknown_speakers_count_as_one():
    def unknown(count):
        return [
            Opinion(o.text, o.group, o.topic, o.source, "" if i < count else o.speaker)
            for i, o in enumerate(opinions(speakers=24))
        ]

    found = heldout.folds(unknown(8), seed=0)
    assert found.by == "speaker"
    assert len(set(found.units[:8])) == 1
    # with more than a tenth unknown, topics are held out
    assert heldout.folds(unknown(13), seed=0).by == "topic"


def test_one_speaker_per_group_is_not_left_out():
    # without one of the two there would be no opinion of its group to learn from; topics have both
    drawn = opinions(speakers=2)
    found = heldout.folds(drawn, seed=0)
    assert found.by == "topic"
    check_tested_once(drawn, found)


def test_one_topic_per_group_falls_back_to_opinions():
    drawn = [Opinion(f"{i}", GROUPS[i % 2], f"topic {i % 2}") for i in range(40)]
    found = heldout.folds(drawn, seed=0)
    assert found.by == "opinion"
    check_tested_once(drawn, found)


def test_a_group_of_two_opinions_can_still_be_split():
    drawn = [Opinion(f"{i}", GROUPS[i < 2], "t") for i in range(20)]
    found = heldout.folds(drawn, seed=0, least=1)
    assert (found.by, len(found.parts)) == ("opinion", 2)
    check_tested_once(drawn, found)


def test_even_weights():
    # 4 opinions, 2 groups: 4 / (2 · 3) and 4 / (2 · 1)
    assert heldout.even_weights(["a", "a", "b", "a"]) == pytest.approx([2 / 3, 2 / 3, 2, 2 / 3])
    assert (heldout.even_weights(["a", "b"]) == 1).all()


def test_mean_recall():
    # (3/4 + 1/2) / 2; a group that does not occur takes no part
    assert heldout._mean_recall(np.array([[3, 1], [1, 1]])) == 0.625
    assert heldout._mean_recall(np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2]])) == 0.875


def reliability(confidence, right, weights=None, units=None):
    n = len(confidence)
    return heldout.reliability(
        np.array(confidence, dtype=float),
        np.array(right, dtype=bool),
        np.ones(n) if weights is None else np.array(weights, dtype=float),
        "topic",
        np.arange(n) if units is None else np.array(units),
        0,
    )


def test_reliability_by_hand():
    # .6–.7: confidence .65, 1 of 2 right; .9–1: confidence (.9 + .9 + 1) / 3, all right
    found = reliability([0.6, 0.7 - 1e-9, 0.9, 0.9, 1.0], [1, 0, 1, 1, 1])
    first, last = found["bins"]
    assert (first["from"], first["to"], first["n"], first["accuracy"]) == (0.6, 0.7, 2, 0.5)
    assert first["confidence"] == pytest.approx(0.65)
    assert (last["from"], last["to"], last["n"], last["accuracy"]) == (0.9, 1.0, 3, 1.0)
    assert last["confidence"] == pytest.approx(2.8 / 3)
    # 2/5 · |.5 − .65| + 3/5 · |1 − .9333| = .06 + .04
    assert found["ece"] == pytest.approx(0.1)
    assert 0 <= found["low"] <= found["high"] <= 1
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_reliability_weighs_groups_alike():
    # weights 3, 1: accuracy 3/4, confidence (3 · .9 + .94) / 4 = .91; effective n 16 / 10 → 2
    found = reliability([0.9, 0.94], [1, 0], weights=[3, 1])
    (only,) = found["bins"]
    assert (only["accuracy"], only["n"]) == (0.75, 2)
    assert only["confidence"] == pytest.approx(0.91)
    assert found["ece"] == pytest.approx(0.16)


def test_reliability_of_a_calibrated_and_of_an_overconfident_model():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.5, 1, 2000)
    right = rng.random(2000) < confidence
    found = reliability(confidence, right, units=np.arange(2000) // 20)
    assert found["ece"] < found["calibrated_high"] < 0.06
    assert found["calibrated"] == pytest.approx(found["ece"], abs=0.02)
    # as sure as 1, right as often as .75: the error is .25 less the noise, the interval of 100 topics is narrow
    sure = reliability(np.full(2000, 0.999), rng.random(2000) < 0.75, units=np.arange(2000) // 20)
    assert sure["ece"] == pytest.approx(0.25, abs=0.03)
    assert 0.2 < sure["low"] < sure["ece"] < sure["high"] < 0.3
    assert sure["ece"] > 5 * sure["calibrated_high"]


def test_the_interval_resamples_topics_where_there_are_enough():
    rng = np.random.default_rng(1)
    topics = np.repeat(np.arange(20), 20)
    right = np.isin(topics, np.arange(15))  # a topic is right or wrong as a whole
    confidence = np.full(400, 0.75)
    whole = reliability(confidence, right, units=topics)
    alone = reliability(confidence, right, units=rng.permutation(400))
    assert whole["high"] - whole["low"] > 2 * (alone["high"] - alone["low"])
    assert whole["by"] == "topic"
    assert reliability(confidence, right, units=np.arange(400) % 2)["by"] == "opinion"
