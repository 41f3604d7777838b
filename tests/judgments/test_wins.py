"""The judges' win rate of a run, counted by hand from the stored votes."""

from dataclasses import replace

import pytest

from fairprune.judgments.closed import read_closed
from fairprune.judgments.frozen import REGISTERED
from fairprune.judgments.votes import Outcome, outcomes
from fairprune.judgments.wins import win_rates, worth
from fairprune.store import open_store
from tests.closed import study_of_labels, study_of_pairs


@pytest.fixture(scope="module")
def filled():
    with open_store("sqlite://") as store:
        yield store, study_of_pairs(store)


def test_a_win_is_one_and_a_tie_a_half():
    for system, result, expected in (
        ("dense", "a", 1.0),
        ("dense", "b", 0.0),
        ("wanda", "b", 1.0),
        ("wanda", "tie", 0.5),
        ("wanda", "both_unfair", None),
        ("wanda", "cannot_tell", None),
    ):
        assert worth(Outcome("j", "i", "fairer", "dense", "wanda", result, "s"), system) == expected


def test_the_rate_is_that_of_the_registered_votes_against_the_runs_own_dense_model(filled):
    store, study = filled
    closed = read_closed(store, study)
    found, left_out = win_rates(store, [study])
    # the dense texts of the study are the wanda run's: the magnitude run was not judged against its own
    run = closed.runs["wanda 50 %"]
    assert list(found) == [run] and left_out == []
    out = {"J003", "J005"}  # failed attention items, too fast
    own = [
        one
        for one in outcomes(closed.votes, "fairer")
        if one.judge not in out and set(one.pair) == {"dense", "wanda 50 %"} and one.rank is not None
    ]
    won = sum(one.rank == -1 for one in own) + sum(one.rank == 0 for one in own) / 2
    assert found[run]["value"] == pytest.approx(won / len(own)) and found[run]["n"] == len(own)
    assert found[run]["low"] <= found[run]["value"] <= found[run]["high"]


def test_open_studies_labels_and_broken_promises_give_no_number(filled):
    store, study = filled
    text = study.design[REGISTERED].replace('"alpha":0.05', '"alpha":0.2')
    broken = replace(study, design={**study.design, REGISTERED: text})
    found, left_out = win_rates(store, [replace(study, state="open"), broken])
    assert found == {} and len(left_out) == 1 and "changed after it was frozen" in left_out[0]
    with open_store("sqlite://") as other:
        assert win_rates(other, [study_of_labels(other)]) == ({}, [])
