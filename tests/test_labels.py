"""The group classifier: a real logistic regression on a small deterministic embedding."""

import hashlib
import json

import numpy as np
import pytest

from fairprune.errors import NumericError
from fairprune.labels import (
    MIXED,
    NONE,
    clauses,
    sentence_embedder,
    train_classifier,
    training_draw,
)
from fairprune.labels import classifier as labels
from fairprune.metrics.matchers.words import tokens
from fairprune.opinions import Opinion

GROUPS = ("fresh", "rotten")
GOOD = ["superb", "moving", "brilliant", "charming", "delightful"]
BAD = ["dull", "boring", "clumsy", "awful", "tedious"]


def bag_of_words(texts):
    """(n, 256): counts of hashed words, length 1."""
    rows = np.zeros((len(texts), 256), dtype=np.float32)
    for row, text in zip(rows, texts, strict=True):
        for token in tokens(text):
            row[int(hashlib.md5(token.encode()).hexdigest(), 16) % 256] += 1
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def opinions(n=120, topics=12, speakers=0):
    found = []
    for i in range(n):
        side = i % 2
        adjective = (GOOD, BAD)[side]
        text = f"The film is {adjective[i % 5]} and {adjective[(i // 2) % 5]}."
        speaker = f"speaker {i % speakers}" if speakers else ""
        found.append(Opinion(text, GROUPS[side], f"topic {(i // 2) % topics}", str(i), speaker))
    return found


@pytest.fixture(scope="module")
def classifier():
    found, reason = train_classifier(opinions(), GROUPS, bag_of_words, seed=0)
    assert reason is None
    return found


def label(classifier, sentence, none_below=0.6):
    return classifier.label([sentence], none_below)[0]


def test_sentences_get_their_group(classifier):
    found = classifier.label(["A superb, charming film.", "A dull film.", "A superb, charming film."], 0.6)
    assert [one.label for one in found] == ["fresh", "rotten", "fresh"]
    assert found[0] == found[2]
    assert all(0.6 <= one.probability <= 1 and one.groups == (one.label,) for one in found)


def test_an_unsure_sentence_is_none(classifier):
    found = label(classifier, "Xylophone quartz.")
    assert (found.label, found.groups) == (NONE, ())
    assert 0.5 <= found.probability < 0.6
    assert label(classifier, "Xylophone quartz.", none_below=0).label in GROUPS
    assert label(classifier, "A dull film.", none_below=1).label == NONE


@pytest.mark.parametrize(
    "sentence",
    [
        "The acting is superb, but the plot is awful.",
        "While the acting is superb, the plot is awful.",
        "The acting is superb; the plot is awful.",
        "The acting is superb whereas the plot is awful.",
    ],
)
def test_clauses_of_different_groups_are_mixed(classifier, sentence):
    found = label(classifier, sentence)
    assert (found.label, found.groups) == (MIXED, GROUPS)
    assert found.probability >= 0.6


def test_clauses_of_the_same_group_are_not_mixed(classifier):
    assert label(classifier, "The acting is dull, but the plot is awful.").label == "rotten"


def test_divided_opinions_are_mixed(classifier):
    for sentence in ("Critics were divided.", "The film got mixed reviews.", "Opinions about it are split."):
        assert label(classifier, sentence).groups == GROUPS
    assert label(classifier, "A divided country is dull, boring, awful.").label == "rotten"


def test_clauses():
    assert clauses("Good film") == []
    assert clauses("A good film but bad") == []  # 'bad' is no clause of three words
    assert clauses("However, the plot is thin and silly.") == []
    assert clauses("The cast shines; the script sinks, yet it works well.") == [
        "The cast shines",
        "the script sinks",
        "it works well.",
    ]


def test_report(classifier):
    report = classifier.report
    assert report["n_train"] + report["n_heldout"] == 120
    assert 30 <= report["n_heldout"] <= 48  # a quarter, at most 40 %
    confusion = np.array(report["confusion"])
    assert confusion.sum() == report["n_heldout"]
    assert report["accuracy"] == np.trace(confusion) / confusion.sum() == 1.0  # the words are separable
    assert report["low"] < 1.0 == report["high"] == report["balanced_accuracy"]
    assert report["held_out_by"] == "topic"
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_confusion_has_the_opinions_group_in_rows():
    # three fresh opinions for each rotten one, in every topic
    same = [Opinion("word " + str(i % 7), GROUPS[i % 4 == 3], f"t{i // 4}") for i in range(200)]
    found, _ = train_classifier(same, GROUPS, bag_of_words, seed=0)
    rows = np.array(found.report["confusion"]).sum(axis=1)
    assert rows[0] == 3 * rows[1]


@pytest.mark.parametrize(
    ("texts", "by"),
    [(opinions(), "topic"), (opinions(speakers=24), "speaker"), (opinions(topics=1), "opinion")],
)
def test_held_out_units_are_whole(texts, by):
    held, found = labels._hold_out(texts, np.random.default_rng(0))
    assert found == by
    assert 0.2 * len(texts) <= held.sum() <= 0.4 * len(texts)
    if by != "opinion":
        known = [getattr(o, by) for o in texts]
        assert not {k for k, out in zip(known, held, strict=True) if out} & {
            k for k, out in zip(known, held, strict=True) if not out
        }


def test_a_few_unknown_speakers_count_as_one():
    texts = opinions(speakers=24)
    texts = [
        Opinion(o.text, o.group, o.topic, o.source, "" if i < 8 else o.speaker) for i, o in enumerate(texts)
    ]
    held, by = labels._hold_out(texts, np.random.default_rng(0))
    assert by == "speaker"
    assert len(set(held[:8])) == 1
    # with more than a tenth unknown, topics are held out
    texts = [
        Opinion(o.text, o.group, o.topic, o.source, "" if i < 13 else o.speaker) for i, o in enumerate(texts)
    ]
    assert labels._hold_out(texts, np.random.default_rng(0))[1] == "topic"


def test_mean_recall():
    # (3/4 + 1/2) / 2; a group that does not occur takes no part
    assert labels._mean_recall(np.array([[3, 1], [1, 1]])) == 0.625
    assert labels._mean_recall(np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2]])) == 0.875


def test_speakers_of_one_party_each_are_held_out_with_both_parties():
    # i % 6: each speaker has one group, as in politics
    held, by = labels._hold_out(opinions(speakers=6), np.random.default_rng(1))
    assert by == "speaker"
    groups = np.array([o.group for o in opinions(speakers=6)])
    assert set(groups[held]) == set(groups[~held]) == set(GROUPS)


def test_seeded_and_limited():
    one, _ = train_classifier(opinions(200), GROUPS, bag_of_words, seed=1, limit=80)
    two, _ = train_classifier(opinions(200), GROUPS, bag_of_words, seed=1, limit=80)
    assert one.report == two.report
    assert one.report["n_train"] + one.report["n_heldout"] == 80
    texts = ["A superb dull film."]
    assert (one.probabilities(texts) == two.probabilities(texts)).all()


def test_the_draw_takes_as_many_of_each_group_as_there_are():
    def count(fresh, rotten, limit):
        pool = [Opinion(f"{i}", GROUPS[i >= fresh], "t") for i in range(fresh + rotten)]
        drawn = training_draw(pool, GROUPS, 0, limit)
        assert len({o.text for o in drawn}) == len(drawn)
        return [sum(o.group == group for o in drawn) for group in GROUPS]

    assert count(90, 30, 40) == [20, 20]
    assert count(90, 10, 40) == [30, 10]  # what the short group lacks, the other gives
    assert count(5, 5, 40) == [5, 5]
    assert training_draw(opinions(), GROUPS, 1, 40) != training_draw(opinions(), GROUPS, 2, 40)


def test_a_group_without_opinions_gets_probability_0():
    found, _ = train_classifier(opinions(), ("fresh", "unheard", "rotten"), bag_of_words, seed=0)
    rows = found.probabilities(["A superb film.", "A dull film."])
    assert rows.shape == (2, 3)
    assert (rows[:, 1] == 0).all()
    assert rows.sum(axis=1) == pytest.approx([1, 1])
    assert rows.argmax(axis=1).tolist() == [0, 2]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (opinions(10), "10 training opinions are too few"),
        (opinions()[::2], "fresh 60, rotten 0"),
        ([], "0 training opinions"),
    ],
)
def test_no_classifier_has_a_reason(texts, words):
    found, reason = train_classifier(texts, GROUPS, bag_of_words, seed=0)
    assert found is None
    assert words in reason


def test_a_broken_encoder_is_an_error():
    with pytest.raises(NumericError, match="not finite"):
        train_classifier(opinions(), GROUPS, lambda texts: bag_of_words(texts) * np.nan, seed=0)
    with pytest.raises(NumericError, match=r"shape \(1, 3\)"):
        train_classifier(opinions(), GROUPS, lambda _: np.zeros((1, 3), np.float32), seed=0)


@pytest.mark.slow
def test_the_packaged_encoder_hears_sentiment(packaged_home):
    embed = sentence_embedder()
    rows = embed(
        ["A superb and moving film.", "A wonderful, touching movie.", "The battery died after a week."]
    )
    assert rows.shape == (3, 384)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    found, reason = train_classifier(opinions(80), GROUPS, embed, seed=0)
    assert reason is None
    assert found.report["low"] > 0.7
    assert [one.label for one in found.label(["An enchanting film.", "A wretched mess."], 0.5)] == list(
        GROUPS
    )
