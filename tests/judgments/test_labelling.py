"""People's labels of summary sentences against the classifier's."""

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.judgments.labelling import (
    EVERYTHING,
    LabelVote,
    Sentence,
    agreement,
    ceiling,
    confusion,
    consensus,
    consistency,
)
from fairprune.metrics.confusion import correction

GROUPS = ("fresh", "rotten")


def sentence(number, predicted, system="dense", sample=None):
    return Sentence(f"s{number}", system, sample or f"film {number}", f"Sentence {number}.", predicted)


def votes(number, *labels):
    return [LabelVote(f"j{j}", f"s{number}", label) for j, label in enumerate(labels)]


SENTENCES = [
    sentence(0, "fresh"),
    sentence(1, "rotten"),
    sentence(2, "fresh"),
    sentence(3, "none", "wanda"),
    sentence(4, "mixed", "wanda"),
    sentence(5, "fresh", "wanda"),
    sentence(6, "fresh", "wanda"),
]
VOTES = [
    *votes(0, "fresh", "fresh", "rotten"),  # fresh: right
    *votes(1, "rotten", "rotten"),  # right
    *votes(2, "rotten", "rotten", "none"),  # rotten: the classifier said fresh
    *votes(3, "fresh"),  # the classifier said none
    *votes(4, "mixed", "mixed"),  # right
    *votes(5, "fresh", "rotten"),  # undecided
]


def test_a_majority_is_more_than_half():
    assert consensus(VOTES) == {
        "s0": "fresh",
        "s1": "rotten",
        "s2": "rotten",
        "s3": "fresh",
        "s4": "mixed",
        "s5": None,
    }
    with pytest.raises(BadInput, match="two labels of sentence 's0'"):
        consensus([*votes(0, "fresh"), *votes(0, "rotten")])


def test_matrices_per_system_by_hand():
    found = confusion(SENTENCES, VOTES, GROUPS)
    assert list(found) == ["dense", "wanda", EVERYTHING]
    dense, wanda, everything = found.values()
    assert dense.labels == ("fresh", "rotten", "mixed", "none")
    assert dense.counts == ((1, 0, 0, 0), (1, 1, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0))
    assert wanda.counts == ((0, 0, 0, 1), (0, 0, 0, 0), (0, 0, 1, 0), (0, 0, 0, 0))
    assert (dense.accuracy.value, wanda.accuracy.value, everything.accuracy.value) == (2 / 3, 1 / 2, 3 / 5)
    assert (wanda.n_undecided, wanda.n_unlabelled) == (1, 1) and dense.n_undecided == 0
    assert everything.accuracy.n_clusters == 5
    recalls = {one.label: one for one in dense.recalls}
    assert (recalls["rotten"].right, recalls["rotten"].n) == (1, 2)
    assert recalls["rotten"].low < 0.5 < recalls["rotten"].high
    assert recalls["mixed"].n == 0 and recalls["mixed"].low is None


def test_the_groups_part_is_what_the_correction_reads():
    many = [sentence(i, "fresh" if i % 10 else "rotten") for i in range(40)]
    many += [sentence(40 + i, "rotten" if i % 5 else "fresh") for i in range(40)]
    given = [one for i in range(80) for one in votes(i, "fresh" if i < 40 else "rotten")]
    report = confusion(many, given, GROUPS)["dense"].report()
    # fresh: 36 of 40 found, rotten: 32 of 40
    assert report == {"groups": ["fresh", "rotten"], "confusion": [[36, 4], [8, 32]], "n_heldout": 80}
    # of ((.9, .2), (.1, .8)), whose determinant is .7
    assert correction(report).inverse == pytest.approx(np.array([[0.8, -0.2], [-0.1, 0.9]]) / 0.7)


def test_agreement_of_the_judges():
    # two judges on four sentences, as in the agreement tests: α = 1 − 14 / 30
    some = [sentence(i, "fresh") for i in range(4)]
    given = [*votes(0, "fresh", "fresh"), *votes(1, "fresh", "fresh")]
    given += [*votes(2, "rotten", "rotten"), *votes(3, "fresh", "rotten")]
    found = agreement(some, given, GROUPS)
    assert found.nominal.value == pytest.approx(1 - 14 / 30) and found.nominal.n == 4
    assert found.raw.value == 3 / 4
    nothing = agreement(some, [], GROUPS)
    assert nothing.nominal.value is None and nothing.raw.value is None


def test_one_judge_beside_the_classifier():
    # s0: of each of 'fresh' the others are split, of 'rotten' they agree and it differs; s1: each of three says what the others say
    given = [*votes(0, "fresh", "fresh", "rotten"), *votes(1, "rotten", "rotten", "rotten")]
    found = ceiling(SENTENCES, given)
    assert (found.value, found.n, found.n_clusters) == (3 / 4, 4, 2)
    assert ceiling(SENTENCES, votes(0, "fresh")).value is None


def test_repeats_and_checks_count_for_nothing_but_consistency():
    again = [
        LabelVote("j0", "s0~1", "fresh", repeat_of="s0", kind="repeat"),
        LabelVote("j1", "s1~1", "fresh", repeat_of="s1", kind="repeat"),
        LabelVote("j0", "at", "none", kind="attention", expected=("mixed",)),
        LabelVote("j0", "p", "none", kind="practice"),
    ]
    assert confusion(SENTENCES, [*VOTES, *again], GROUPS) == confusion(SENTENCES, VOTES, GROUPS)
    found = consistency([*VOTES, *again])
    # j0 says fresh again; j1 said rotten before
    assert (found.same.value, found.same.n, found.n_judges) == (1 / 2, 2, 2)


def test_a_sentence_of_two_systems_counts_for_each_and_once_for_the_judges():
    both = [sentence(0, "fresh"), sentence(0, "none", "wanda"), sentence(1, "rotten")]
    given = [*votes(0, "fresh", "fresh"), *votes(1, "fresh", "rotten")]
    found = confusion(both, given, GROUPS)
    assert found["dense"].counts[0][0] == 1 and found["wanda"].counts[0][3] == 1
    assert found[EVERYTHING].accuracy.n == 2 and agreement(both, given, GROUPS).raw.n == 2


def test_nothing_labelled():
    found = confusion(SENTENCES, [], GROUPS)["dense"]
    assert found.accuracy.value is None and found.n_unlabelled == 3


@pytest.mark.parametrize(
    ("sentences", "given", "says"),
    [
        ([], [], "no sentence to label"),
        ([sentence(0, "fresh")] * 2, [], "given twice"),
        ([sentence(0, "fresh")], votes(1, "fresh"), "not part of the study"),
        ([sentence(0, "fresh")], votes(0, "frsh"), "did you mean 'fresh'"),
        ([sentence(0, "good")], [], "unknown label of the classifier"),
    ],
)
def test_what_cannot_be(sentences, given, says):
    with pytest.raises(BadInput, match=says):
        confusion(sentences, given, GROUPS)
