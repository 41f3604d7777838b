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
    assert (report["n_train"], report["n_heldout"]) == (120, 120)  # each is tested once
    assert (report["held_out_by"], report["n_units"], report["n_folds"]) == ("topic", 12, 5)
    confusion = np.array(report["confusion"])
    assert confusion.sum() == 120
    assert report["accuracy"] == np.trace(confusion) / confusion.sum() == 1.0  # the words are separable
    assert report["low"] < 1.0 == report["high"] == report["balanced_accuracy"]
    assert sum(part["n"] for part in report["reliability"]["bins"]) == 120
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_confusion_has_the_opinions_group_in_rows():
    # three fresh opinions for each rotten one, in every topic
    same = [Opinion("word " + str(i % 7), GROUPS[i % 4 == 3], f"t{i // 4}") for i in range(200)]
    found, _ = train_classifier(same, GROUPS, bag_of_words, seed=0)
    rows = np.array(found.report["confusion"]).sum(axis=1)
    assert rows[0] == 3 * rows[1]


def test_seeded_and_limited():
    one, _ = train_classifier(opinions(200), GROUPS, bag_of_words, seed=1, limit=80)
    two, _ = train_classifier(opinions(200), GROUPS, bag_of_words, seed=1, limit=80)
    assert one.report == two.report
    assert one.report["n_train"] == one.report["n_heldout"] == 80
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


def test_its_confidence_can_be_believed_where_a_word_tells_little():
    # 'often' and 'seldom' name the group in 3 of 4 opinions: nobody can be surer than .75 of it
    pool = [
        Opinion(("often", "seldom")[(i % 2) ^ (i % 8 >= 6)], GROUPS[i % 2], f"t{i // 8}") for i in range(400)
    ]
    found, _ = train_classifier(pool, GROUPS, bag_of_words, seed=0)
    reliability = found.report["reliability"]
    assert found.report["accuracy"] == 0.75
    (only,) = reliability["bins"]
    assert only["confidence"] == pytest.approx(0.75, abs=0.02)
    assert found.probabilities(["often", "seldom"]).max(axis=1) == pytest.approx([0.75, 0.75], abs=0.02)


def test_calibration_does_not_turn_the_classifier_round():
    # Each word stands as often in both groups. Whoever leaves a topic out has seen its words more often in the other
    # group: scores run against the group, and turned round they would look like two thirds right.
    pool = [Opinion(f"word {i % 7} {i % 3}", GROUPS[i % 2], f"t{i // 4}") for i in range(168)]
    found, _ = train_classifier(pool, GROUPS, bag_of_words, seed=0)
    assert found.report["accuracy"] <= 0.5
    assert found.probabilities(["word 1 1"])[0] == pytest.approx([0.5, 0.5])


def test_a_rare_group_is_not_heard_less_often():
    # nine times as many fresh opinions, and a word that says nothing: both groups are as likely
    pool = [Opinion("word", GROUPS[i % 10 == 9], f"t{i // 10}") for i in range(200)]
    found, _ = train_classifier(pool, GROUPS, bag_of_words, seed=0)
    assert found.probabilities(["word"])[0] == pytest.approx([0.5, 0.5], abs=0.02)


def test_three_groups():
    words = ("superb", "dull", "long")
    pool = [Opinion(f"a {words[i % 3]} film {i % 5}", "abc"[i % 3], f"t{i // 3}") for i in range(90)]
    found, _ = train_classifier(pool, ("a", "b", "c"), bag_of_words, seed=0)
    assert found.report["accuracy"] == 1
    rows = found.probabilities([f"a {word} film" for word in words])
    assert rows.argmax(axis=1).tolist() == [0, 1, 2]
    assert rows.sum(axis=1) == pytest.approx([1, 1, 1])


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
    odd = embed(["", "…", "\ud800 half a pair", "電池", "film " * 200_000])
    assert np.linalg.norm(odd, axis=1) == pytest.approx([1] * 5, abs=1e-5)
    found, reason = train_classifier(opinions(80), GROUPS, embed, seed=0)
    assert reason is None
    assert found.report["low"] > 0.7
    assert [one.label for one in found.label(["An enchanting film.", "A wretched mess."], 0.5)] == list(
        GROUPS
    )
