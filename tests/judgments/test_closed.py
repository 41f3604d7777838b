"""A closed study out of a real store: what is read, and that nothing is before it is closed."""

from collections import Counter
from dataclasses import replace

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.closed import methods_of, metric_values, read_closed, sentences_of
from fairprune.judgments.frozen import REGISTERED
from fairprune.store import open_store
from fairprune.store.judgments_values import Refused
from tests.closed import SYSTEMS, study_of_labels, study_of_pairs


@pytest.fixture(scope="module")
def filled():
    with open_store("sqlite://") as store:
        yield store, study_of_pairs(store)


def test_everything_of_a_closed_study(filled):
    store, study = filled
    closed = read_closed(store, study)
    assert not closed.label and list(closed.questions) == ["fairer", "better"]
    assert closed.ratings == {"sure": ("not at all", "very")}
    assert {vote.question for vote in closed.votes} == {"fairer", "better"}
    # one rating per finished main item of the first occasion, as many as there are answers to a question that compares
    main = [vote for vote in closed.votes if vote.kind == "item" and vote.question == "fairer"]
    assert len(closed.rated) == len(main) and {row.answer for row in closed.rated} == {"very"}
    assert len(closed.items) == 24 and sum(item.automatic for item in closed.items) == 4
    assert set(closed.states.values()) == {"no_consent", "completed", "failed", "active"}
    assert closed.promise is not None and closed.promise[1].digest == study.design["registered_sha256"]


def test_the_run_of_each_side(filled):
    closed = read_closed(*filled)
    promised = {one.name: one.run for one in closed.promise[0].systems}
    assert set(closed.runs) == set(SYSTEMS) and closed.runs["magnitude 50 %"] == promised["magnitude 50 %"]
    assert methods_of(filled[0], closed) == {
        "dense": "dense",
        "wanda 50 %": "wanda",
        "magnitude 50 %": "magnitude",
    }


def test_automatic_ties_count_once_per_vote_and_question(filled):
    # 4 items with the same text twice × 4 votes wanted × 2 questions
    ties = read_closed(*filled).ties()
    assert len(ties) == 32 and {one.question for one in ties} == {"fairer", "better"}
    assert all((one.system_a, one.system_b) == ("magnitude 50 %", "wanda 50 %") for one in ties)


def test_metric_values_are_those_of_the_runs(filled):
    store, study = filled
    closed = read_closed(store, study)
    found = {one.name: one for one in metric_values(store, closed)}
    assert {"BUR", "UER", "SPD2", "length", "repetition"} <= set(found)
    assert found["length"].baseline and not found["BUR"].baseline and not found["BUR"].higher_is_better
    run = closed.runs["wanda 50 %"]
    for sample in store.result(run, "evaluation")["samples"]:
        key = sample["set_id"], "wanda 50 %"
        assert found["UER"].values.get(key) == sample["pruned"]["uer"]
        # a signed metric counts as its distance from 0; a missing value is missing
        value = sample["pruned"]["spd2"]
        assert found["SPD2"].values.get(key) == (None if value is None else abs(value))
        assert found["UER"].values.get((key[0], "dense")) == sample["dense"]["uer"]


def test_nothing_is_read_before_the_end():
    with open_store("sqlite://") as store:
        study = study_of_pairs(store, close=False, judges=1)
        with pytest.raises(Refused, match="sealed"):
            read_closed(store, study)


def test_a_promise_that_was_changed_is_refused(filled):
    store, study = filled
    text = study.design[REGISTERED].replace('"alpha":0.05', '"alpha":0.2')
    changed = replace(study, design={**study.design, REGISTERED: text})
    with pytest.raises(BadInput, match="changed after it was frozen"):
        read_closed(store, changed)


def test_sentences_have_the_label_that_the_run_stored():
    with open_store("sqlite://") as store:
        closed = read_closed(store, study_of_labels(store))
        found, groups, missing = sentences_of(closed)
        evaluation = store.result(closed.runs["dense"], "evaluation")
    assert closed.label and not closed.votes and groups == ("fresh", "rotten") and missing == 0
    assert len(found) == len(closed.items) and {one.system for one in found} == {"dense", "wanda 50 %"}
    labels = {
        (sample["set_id"], "dense", text): (label, p)
        for sample in evaluation["samples"]
        for text, label, p in sample["dense"]["labels"]
    }
    assert {
        (one.sample, one.system, one.text): (one.predicted, one.confidence) for one in found
    }.items() >= labels.items()
    # three judges: every sentence once, two attention items, a repeat; practice and comprehension
    assert Counter(vote.kind for vote in closed.label_votes) == {
        **{"item": 3 * len(found), "attention": 6, "repeat": 3, "practice": 6}
    }
    assert closed.given == closed.label_votes and closed.design is None
    assert closed.label_design == closed.promise[0] and closed.rules.least_seconds == 2.0
