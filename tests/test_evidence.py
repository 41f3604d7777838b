"""Which opinions a sentence rests on, worked by hand on embeddings that are given."""

import math

import numpy as np
import pytest

from fairprune import evidence
from fairprune.errors import NumericError, Unavailable
from fairprune.evidence import coverage_rows, find_evidence, sample_evidence
from fairprune.metrics.scoring.cells import Resamples
from fairprune.opinions import Opinion, OpinionSet
from fairprune.uncertainty import resample_weights

GROUPS = ("fresh", "rotten")


def at(angle):
    return [math.cos(math.radians(angle)), math.sin(math.radians(angle))]


# Sentences by their direction: the cosine of two of them is that of the angle between them.
ANGLES = {
    "Plot good.": 0,
    "Plot fine.": 20,
    "Plot okay.": 30,
    "Plot fair.": 50,
    "Sound bad.": 90,
    "The plot works.": 0,
    "The sound fails.": 90,
    "…": 0,
    "Weather.": 200,
}
asked = []


def embed(texts):
    asked.append(list(texts))
    return np.array([at(ANGLES[text]) for text in texts], dtype=np.float32)


def make_set(*rows, topic="t"):
    opinions = tuple(Opinion(text, group, topic, str(i)) for i, (text, group) in enumerate(rows))
    return OpinionSet(f"set {topic}", topic, "balanced", "fresh", opinions)


ONE = make_set(
    ("Plot fine.", "fresh"),
    ("Plot good. Weather.", "fresh"),
    ("Plot okay.", "rotten"),
    ("Plot fair.", "fresh"),
    ("Sound bad.", "rotten"),
)


def find(*texts, sets=None):
    return find_evidence(sets or [ONE] * len(texts), {"dense": list(texts)}, GROUPS, embed)["dense"]


def test_the_most_similar_opinions_with_their_scores():
    # 0°: cos 20 = .940, cos 0 = 1 (the better sentence of the second opinion), cos 30 = .866, cos 50 = .643: the
    # fourth is one too many; cos 90 = 0. 90°: cos 0 = 1 with the last, cos 40 = .766 with the fourth, cos 60 = .5
    # with the third.
    found = find("The plot works. The sound fails.")
    first, second = found.grounds[0]
    assert [place for place, _ in first] == [1, 0, 2]
    assert [score for _, score in first] == pytest.approx([1, 0.9397, 0.866], abs=1e-4)
    assert [place for place, _ in second] == [4, 3, 2]
    assert [score for _, score in second] == pytest.approx([1, 0.766, 0.5], abs=1e-4)
    # fresh: opinions 0, 1 and 3 of 3; rotten: 2 and 4 of 2
    assert found.coverage[0].tolist() == [1, 1]


def test_a_sentence_that_is_like_no_opinion_rests_on_none():
    found = find("Weather.", sets=[make_set(("Plot good.", "fresh"), ("Plot fine.", "rotten"))])
    assert found.grounds == [[[]]]
    assert found.coverage[0].tolist() == [0, 0]


def test_sentences_without_a_word_and_missing_summaries():
    found = find("…", "", None)
    assert found.grounds == [[[]], [], None]
    assert found.coverage[:2].tolist() == [[0, 0], [0, 0]]  # an empty summary covers nobody
    assert np.isnan(found.coverage[2]).all()
    assert sample_evidence(found, 2, GROUPS) == {"evidence": None, "coverage": None}
    assert sample_evidence(None, 0, GROUPS) == {"evidence": None, "coverage": None}


def test_a_group_without_opinions_has_no_coverage():
    found = find("The plot works.", sets=[make_set(("Plot good.", "fresh"), ("Sound bad.", "fresh"))])
    assert found.coverage[0, 0] == 0.5
    assert math.isnan(found.coverage[0, 1])
    assert sample_evidence(found, 0, GROUPS) == {"evidence": [[[0, 1.0]]], "coverage": {"fresh": 0.5}}


def test_an_opinion_without_a_sentence_is_no_ground():
    found = find("The plot works.", sets=[make_set(("", "fresh"), ("Plot good.", "rotten"))])
    assert [[place for place, _ in ground] for ground in found.grounds[0]] == [[1]]


def test_every_sentence_is_asked_for_once():
    asked.clear()
    find_evidence(
        [ONE, ONE], {"dense": ["The plot works."] * 2, "pruned": ["The plot works.", None]}, GROUPS, embed
    )
    (texts,) = asked
    assert len(texts) == len(set(texts)) == 7


def test_a_broken_encoder_is_an_error():
    with pytest.raises(NumericError, match="not finite"):
        find_evidence([ONE], {"dense": ["The plot works."]}, GROUPS, lambda t: embed(t) * np.nan)


def test_coverage_with_its_interval_and_paired_difference():
    sets = [make_set(("Plot good.", "fresh"), ("Sound bad.", "rotten"), topic=f"t{i}") for i in range(5)]
    both = "The plot works. The sound fails."
    texts = {"dense": [both] * 5, "pruned": ["The plot works.", both, *["The plot works."] * 2, None]}
    found = find_evidence(sets, texts, GROUPS, embed)
    topics = [one.topic for one in sets]
    draws = Resamples(resample_weights(topics, ["balanced"] * 5, 500, 0), topics)
    rows = {(row["group"], row["system"]): row for row in coverage_rows(found, GROUPS, draws)}
    assert set(rows) == {(group, name) for group in GROUPS for name in ("dense", "pruned", "difference")}
    assert rows["rotten", "dense"]["value"] == 1
    # rotten: 0, 1, 0, 0 of the four that were written
    assert (rows["rotten", "pruned"]["value"], rows["rotten", "pruned"]["n"]) == (0.25, 4)
    assert rows["rotten", "difference"]["value"] == -0.75
    # four topics leave much open, but no difference of two shares is beyond 1
    assert -1 <= rows["rotten", "difference"]["low"] <= -0.75 <= rows["rotten", "difference"]["high"] <= 1
    assert rows["fresh", "difference"]["value"] == 0


def test_facts_say_how_or_why_not():
    facts = {"encoder": "all-MiniLM-L6-v2", "least_score": 0.5, "most": 3}
    assert evidence.evidence_facts(None) == facts

    def gone(_):
        raise Unavailable("no network")

    for embed_none, words in ((None, "no sentence embeddings were made"), (gone, "no network")):
        found, reason = evidence.evidence_of([ONE], {"dense": ["Weather."]}, GROUPS, embed_none)
        assert (found, evidence.evidence_facts(reason)) == ({}, {**facts, "reason": words})


@pytest.mark.slow
def test_the_threshold_is_what_a_sentence_about_another_film_rarely_reaches(packaged_home):
    from fairprune import corpora
    from fairprune.corpora.sets import opinion_sets
    from fairprune.labels import sentence_embedder

    sets = opinion_sets(corpora.load("movies"), "test", 24, 8)
    assert len({one.topic for one in sets}) == 24
    foreign = [one.opinions[0].text for one in sets[1:] + sets[:1]]
    grounds = find_evidence(sets, {"dense": foreign}, GROUPS, sentence_embedder())["dense"].grounds
    sentences = [ground for one in grounds for ground in one]
    assert sum(bool(ground) for ground in sentences) <= 0.2 * len(sentences)
    own = find_evidence(sets, {"dense": [one.opinions[0].text for one in sets]}, GROUPS, sentence_embedder())
    assert all(ground and ground[0][1] > 0.99 for one in own["dense"].grounds for ground in one)
