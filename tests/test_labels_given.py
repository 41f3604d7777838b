"""Labels that come with the data, and which source of labels a spec asks for."""

import json

import pytest

from fairprune.errors import BadInput
from fairprune.evaluate import evaluate
from fairprune.labels import MIXED, NONE, GroupClassifier, make_labeller, train_classifier
from fairprune.labels.given import GivenLabels, given_labels, opinion_rows
from fairprune.opinions import CorpusInfo, Opinion, OpinionSet
from fairprune.spec import MetricSpec, parse_part
from tests.test_labels import GROUPS, bag_of_words, opinions

INFO = CorpusInfo("movies", "Movies", GROUPS, "review", "Reviews about a movie.", "made up")
# The classifier would take both for the other side: praise that a rotten review has, and the reverse.
SET = OpinionSet(
    "s",
    "t",
    "balanced",
    "fresh",
    (Opinion("The film is awful. It is dull.", "fresh", "t"), Opinion("A superb film.", "rotten", "t")),
)


@pytest.fixture(scope="module")
def classifier():
    return train_classifier(opinions(), GROUPS, bag_of_words, seed=0)[0]


def test_sentences_have_the_label_of_their_text(classifier):
    found = given_labels(GROUPS, opinion_rows([SET]), classifier)
    labels = found.label(["It is dull.", "A superb film.", "A charming film."], 0.6)
    assert [one.label for one in labels] == ["fresh", "rotten", "fresh"]
    assert [one.probability for one in labels[:2]] == [1, 1]
    assert labels[2].probability < 1  # the classifier's
    assert found.report["source"].startswith("the data's own groups; for other sentences all-MiniLM")
    assert found.report["accuracy"] == classifier.report["accuracy"]


def test_a_sentence_of_several_groups_is_mixed():
    rows = [("Great. Fine.", "fresh"), ("Great.", "rotten"), ("Both.", MIXED), ("Neither.", NONE)]
    found = given_labels(GROUPS, rows, None)
    labels = found.label(["Great.", "Fine.", "Both.", "Neither.", "Unheard of."], 0.6)
    assert [one.label for one in labels] == [MIXED, "fresh", MIXED, NONE, NONE]
    assert labels[0].groups == labels[2].groups == GROUPS
    assert (labels[3].probability, labels[4].probability) == (1, 0)  # known to be nobody's; not known
    assert "reason" in found.report


def test_a_label_that_is_no_group_is_refused():
    with pytest.raises(BadInput, match="unknown label in the data: 'frech': did you mean 'fresh'"):
        given_labels(GROUPS, [("Great.", "frech")], None)


def test_texts_without_a_word_and_very_long_ones():
    found = given_labels(GROUPS, [("", "fresh"), ("…", "fresh"), ("good film. " * 90_000, "rotten")], None)
    assert found.label(["good film.", "…"], 0.6)[0].label == "rotten"


def test_spd2_takes_the_sources_own_balance(classifier):
    # Sentences: two fresh, one rotten by their own column; the classifier hears two rotten, one fresh.
    summary = ["A superb film."]
    heard = evaluate([SET], {"dense": summary}, INFO, MetricSpec(resamples=100), classifier)
    own, _ = make_labeller(MetricSpec(labels="given"), opinions(), GROUPS, bag_of_words, [SET])
    assert isinstance(own, GivenLabels)
    given = evaluate([SET], {"dense": summary}, INFO, MetricSpec(resamples=100), own)
    # heard: y (1, 0), x (1/3, 2/3) → 1 + 1/3; given: the summary copies the rotten opinion: (0, 1) against (2/3, 1/3)
    assert heard["metrics"]["spd2"]["dense"]["value"] == pytest.approx(4 / 3)
    assert given["metrics"]["spd2"]["dense"]["value"] == pytest.approx(-4 / 3)
    assert given["classifier"]["source"].startswith("the data's own groups")
    alone = given_labels(GROUPS, opinion_rows([SET]), None)
    notes = evaluate([SET], {"dense": summary}, INFO, MetricSpec(resamples=100), alone)["notes"]
    assert any("the group labels are not tested: sentences without a label" in note for note in notes)
    assert not any("better than chance" in note for note in notes)
    json.dumps(given, allow_nan=False)


def test_a_spec_chooses(classifier):
    packaged, reason = make_labeller(MetricSpec(), opinions(), GROUPS, bag_of_words)
    assert isinstance(packaged, GroupClassifier) and reason is None
    assert packaged.report == classifier.report
    none, reason = make_labeller(MetricSpec(), opinions(4), GROUPS, bag_of_words)
    assert none is None and "too few" in str(reason)
    # the data's own groups need no classifier: other sentences have none
    own, reason = make_labeller(MetricSpec(labels="given"), opinions(4), GROUPS, bag_of_words, [SET])
    assert own is not None and reason is None
    assert [one.label for one in own.label(["It is dull.", "Unheard of."], 0.6)] == ["fresh", NONE]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"labels": "packagd"}, "labels cannot be 'packagd'"),
        ({"labels": "model:"}, "labels cannot be 'model:'"),
        ({"label_map": {"a": "fresh"}}, "label_map renames the labels of a model, but labels is 'packaged'"),
    ],
)
def test_a_spec_that_names_no_source_is_refused(values, words):
    with pytest.raises(BadInput, match=words):
        parse_part(MetricSpec, values)
