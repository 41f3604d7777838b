"""A closed study of labels, all numbers of it: for all judges and as registered."""

from dataclasses import replace

import pytest

from fairprune.errors import BadInput
from fairprune.judgments.bias import ALL, REGISTERED
from fairprune.judgments.closed import read_closed
from fairprune.judgments.label_results import results_of_labels
from fairprune.judgments.labelling import EVERYTHING, LABEL
from fairprune.judgments.results import OWN, flow_in
from fairprune.store import open_store
from tests.closed import SYSTEMS, study_of_labels


@pytest.fixture(scope="module")
def closed():
    with open_store("sqlite://") as store:
        return read_closed(store, study_of_labels(store))


def test_both_analyses_stand_side_by_side(closed):
    found = results_of_labels(closed, resamples=100)
    assert list(found.selections) == [ALL, REGISTERED] and found.registered and found.margin == 0.1
    every, kept = (found.selections[name] for name in (ALL, REGISTERED))
    assert (every.counts.judges, kept.counts.judges) == (3, 2)
    assert (every.counts.votes, kept.counts.votes, kept.counts.repeats) == (48, 32, 2)
    # the third judge is quick, and says 'none' throughout
    assert [(one.judge, one.rule) for one in found.exclusions] == [("J003", "too_fast")]
    one, other = (selection.questions[LABEL] for selection in (every, kept))
    assert one.agreement.raw.value == pytest.approx(1 / 3) and other.agreement.raw.value == 1.0
    assert other.consistency.same.value == 1.0 and other.consistency.same.n == 2
    # two of three are a majority: the matrices are the same
    assert one.confusion == other.confusion
    matrix = other.confusion[SYSTEMS[1]]
    assert matrix.accuracy.n == 8 and sum(matrix.counts[0]) == 8  # all speak for 'fresh'
    assert other.confusion[EVERYTHING].accuracy.n == 16
    # one judge says what the two others agree on: never where the others are split or differ
    assert one.ceiling.value == 0.0 and one.ceiling.n == 16
    assert [(pair.pruned, pair.dense) for pair in other.against] == [(SYSTEMS[1], "dense")]
    assert [pair.system for pair in other.moved] == ["dense", SYSTEMS[1]]


def test_a_rule_that_is_switched_off_adds_a_third(closed):
    found = results_of_labels(closed, ["too_fast"], resamples=100)
    assert found.selections[OWN].counts.judges == 3 and found.selections[REGISTERED].counts.judges == 2


def test_the_flow_knows_who_was_left_out(closed):
    flow = flow_in(closed, closed.rules)
    assert (flow.arrived, flow.completed, flow.analysed) == (3, 3, 2) and flow.excluded == (("too_fast", 1),)


def test_what_cannot_be_analysed(closed):
    with pytest.raises(BadInput, match="nobody has finished an item"):
        results_of_labels(replace(closed, label_votes=()))
    bare = tuple(replace(item, a=replace(item.a, predicted=None)) for item in closed.items)
    with pytest.raises(BadInput, match="no sentence of this study has a label by the classifier"):
        results_of_labels(replace(closed, items=bare))
    some = results_of_labels(replace(closed, items=(bare[0], *closed.items[1:])), resamples=100)
    assert some.missing == 1 and some.n_sentences == 15
    assert some.selections[ALL].questions[LABEL].confusion[EVERYTHING].accuracy.n == 15
    assert some.selections[ALL].counts.items == 16


def test_what_was_not_registered_is_exploratory(closed):
    found = results_of_labels(replace(closed, promise=None), resamples=100)
    assert not found.registered and found.selections[ALL].questions[LABEL].against == ()


def test_groups_of_judges_have_a_majority_of_their_own():
    with open_store("sqlite://") as store:
        asked = read_closed(store, study_of_labels(store, quotas={"fans": None, "others": None}))
    found = results_of_labels(asked, resamples=100)
    (fans, others) = found.selections[ALL].questions[LABEL].by_group
    # the first and the third judge are fans, and differ on every sentence; the second is alone
    assert (fans.group, fans.judges, fans.votes, fans.raw.value) == ("fans", 2, 32, 0.0)
    assert fans.accuracy.value is None and "most judges gave" in fans.accuracy.why
    assert (others.judges, others.votes, others.raw.value, others.accuracy.n) == (1, 16, None, 16)
    (kept, _) = found.selections[REGISTERED].questions[LABEL].by_group
    assert (kept.judges, kept.accuracy.n) == (1, 16)


def test_without_groups_nothing_is_broken_down(closed):
    assert results_of_labels(closed, resamples=100).selections[ALL].questions[LABEL].by_group == ()
