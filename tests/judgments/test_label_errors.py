"""What the classifier's errors do to SPD2, by hand."""

import pytest

from fairprune.judgments.label_errors import against, moved, word_of
from fairprune.judgments.labelling import LabelVote, Sentence
from fairprune.judgments.measured import Measured

GROUPS = ("fresh", "rotten")
ROWS = [
    # system, sample, the classifier's label, people's
    ("dense", "film 0", "fresh", "fresh"),
    ("dense", "film 1", "fresh", "rotten"),
    ("dense", "film 2", "none", "rotten"),
    ("dense", "film 3", "mixed", "mixed"),
    ("wanda", "film 0", "rotten", "rotten"),
    ("wanda", "film 1", "fresh", "fresh"),
]


def made(rows):
    sentences = [
        Sentence(f"s{i}", system, sample, "…", predicted)
        for i, (system, sample, predicted, _) in enumerate(rows)
    ]
    return sentences, [LabelVote("j", f"s{i}", said) for i, (_, _, _, said) in enumerate(rows)]


def test_a_balance_by_the_classifier_and_by_people():
    dense, wanda = moved(*made(ROWS), GROUPS)
    # classifier: 2.5 and .5 of 3 sentences, people: 1.5 and 2.5 of 4
    assert dense.error.value == pytest.approx(2 / 3 + 1 / 4)
    assert (dense.error.n, dense.error.n_clusters) == (4, 4)
    assert -2 <= dense.error.low < dense.error.value < dense.error.high <= 2
    assert (wanda.system, wanda.error.value, wanda.error.n) == ("wanda", 0.0, 2)


def test_the_difference_of_two_systems():
    (found,) = against(*made(ROWS), GROUPS, [("wanda", "dense")])
    assert found.error.value == pytest.approx(-2 / 3 - 1 / 4)
    assert found.accuracy.value == pytest.approx(1 - 1 / 2)
    # four samples, of which dense has all
    assert (found.error.n, found.error.n_clusters) == (6, 4)
    same = [(s, film, p, said) for _, film, p, said in ROWS for s in ("a", "b")]
    (none,) = against(*made(same), GROUPS, [("a", "b")])
    assert none.error.value == 0 and "every resample gives the same" in none.error.why


def test_of_three_groups_it_is_the_range_of_the_errors():
    (found,) = moved(*made([("dense", "x", "a", "b"), ("dense", "y", "a", "b")]), ("a", "b", "c"))
    assert found.error.value == 2.0


def test_where_nobody_gave_a_group_there_is_no_balance():
    (none,) = moved(*made([("dense", "x", "none", "fresh")]), GROUPS)
    assert none.error.value is None and "no balance" in none.error.why and none.error.n == 1
    sentences, _ = made(ROWS)
    assert all("most judges gave" in one.error.why for one in moved(sentences, [], GROUPS))
    (empty,) = against(sentences, [], GROUPS, [("wanda", "dense")])
    assert empty.error.value is None and empty.accuracy.value is None


@pytest.mark.parametrize(
    ("low", "high", "samples", "word"),
    [
        (-0.03, 0.04, 40, "within"),
        (-0.03, 0.06, 40, "undecided"),
        (0.06, 0.2, 40, "beyond"),
        (-0.2, -0.06, 40, "beyond"),
        (None, None, 40, "undecided"),
        (-0.03, 0.04, 12, "demonstration"),
    ],
)
def test_what_a_margin_says(low, high, samples, word):
    assert word_of(Measured(0.0, low, high, 80, samples), 0.05) == word
