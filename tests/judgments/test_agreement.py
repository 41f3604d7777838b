"""Agreement against Krippendorff's own example, and where it is not defined."""

import krippendorff
import numpy as np
import pytest

from fairprune.judgments.agreement import (
    _alphas,
    _coincidences,
    agreement,
    alpha,
    alpha_of_counts,
    consistency,
    raw_agreement,
    raw_of_counts,
    value_counts,
)
from fairprune.judgments.votes import Outcome, Vote

_ = 0
# Krippendorff, Content Analysis (2004), section 11.3, and "Computing Krippendorff's Alpha-Reliability" (2011), section D:
# four observers, twelve units, values 1 to 5, missing data.
OBSERVERS = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
]


def reliability_counts():
    counts = np.zeros((12, 5))
    for row in OBSERVERS:
        for unit, value in enumerate(row):
            if value:
                counts[unit, value - 1] += 1
    return counts


def one(judge, item, result="a", cluster=None):
    return Outcome(judge, item, "fairer", "dense", "wanda", result, cluster or item)


def votes_of(*rows):
    """Item by item: the results of its judges."""
    return [one(f"j{j}", f"i{i}", result) for i, row in enumerate(rows) for j, result in enumerate(row)]


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815)])
def test_krippendorffs_own_example(level, published):
    units = [f"u{i}" for i in range(12)]
    found = alpha_of_counts(reliability_counts(), units, level)
    assert found.value == pytest.approx(published, abs=5e-4)
    assert found.n == 11  # the twelfth unit has a single value and pairs with nothing
    assert found.low < published < found.high


def test_the_share_of_pairs_that_agree_in_a_published_table():
    """Ten subjects, fourteen raters, five values: the example by which Fleiss' kappa is explained (mean P_i = 0.378)."""
    counts = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ],
        dtype=float,
    )
    assert raw_of_counts(counts, [f"u{i}" for i in range(10)]).value == pytest.approx(0.378, abs=5e-4)


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_resamples_are_read_as_the_package_reads_them(level):
    rng = np.random.default_rng(0)
    for size in (3, 4):
        for _again in range(20):
            counts = rng.multinomial(4, rng.dirichlet(np.ones(size)), size=12)
            if (counts.sum(axis=0) > 0).sum() < 2:
                continue
            ours = _alphas(_coincidences(counts.astype(float)).sum(axis=0)[None], level)[0]
            assert ours == pytest.approx(krippendorff.alpha(value_counts=counts, level_of_measurement=level))


def test_nominal_alpha_by_hand():
    # Two judges, four items: aa, aa, bb, ab. Coincidences: aa 4, bb 2, ab 1, ba 1; margins a 5, b 3, n 8.
    # Observed disagreement 2 / 8; expected 2 · 5 · 3 / (8 · 7) = 30 / 56. α = 1 − (1/4) / (30/56) = 1 − 14/30 = .5333
    found = alpha(votes_of("aa", "aa", "bb", "ab"), "nominal")
    assert found.value == pytest.approx(1 - 14 / 30)
    assert (found.n, found.n_clusters) == (4, 4)


def test_a_tie_is_nearer_than_the_other_side_only_where_it_is_ordinal():
    near = votes_of(["a", "tie"], ["b", "tie"], ["a", "a"], ["b", "b"])
    far = votes_of(["a", "b"], ["tie", "b"], ["a", "a"], ["b", "tie"])
    assert alpha(near, "ordinal").value > alpha(near, "nominal").value
    assert alpha(far, "ordinal").value < alpha(near, "ordinal").value


def test_raw_agreement_by_hand():
    # item 1: a a b: 1 of 3 pairs; item 2: u u: 1 of 1; item 3 has one vote. Together 2 of 4
    votes = [*votes_of(["a", "a", "b"], ["both_unfair", "both_unfair"]), one("j0", "i9", "tie")]
    found = raw_agreement(votes)
    assert found.value == pytest.approx(0.5)
    assert (found.n, found.n_clusters) == (2, 2)
    assert 0 <= found.low <= found.high <= 1


def test_both_unfair_is_an_outcome_of_its_own_and_cannot_tell_is_missing():
    votes = votes_of(["both_unfair", "both_unfair", "cannot_tell"], ["a", "b", "cannot_tell"])
    counts, clusters = value_counts(votes, "nominal")
    assert counts.tolist() == [[0, 0, 0, 2], [1, 0, 1, 0]] and clusters == ["i0", "i1"]
    ordinal, _clusters = value_counts(votes, "ordinal")
    assert ordinal.tolist() == [[1, 0, 1]]


def test_where_alpha_is_not_defined():
    same = agreement(votes_of(["a", "a"], ["a", "a"]))
    assert same.ordinal.value is None and "all votes are the same" in same.ordinal.why
    assert same.raw.value == 1 and same.raw.low is None and "same value" in same.raw.why
    alone = agreement([one("j", "i0"), one("j", "i1", "b")])
    assert alone.raw.value is None and alone.nominal.value is None and "two judges" in alone.nominal.why
    assert agreement([]).ordinal.value is None


def test_automatic_ties_are_no_agreement():
    votes = votes_of(["a", "b"], ["a", "a"])
    automatic = [Outcome("", "same", "fairer", "dense", "wanda", "tie", "same")] * 3
    assert agreement(votes + automatic) == agreement(votes)


def test_items_of_one_sample_are_drawn_together():
    rng = np.random.default_rng(1)
    votes, apart = [], []
    for sample in range(12):
        row = rng.choice(["a", "tie", "b"], size=4)  # all items of a sample have the same votes
        for item in range(5):
            for judge, result in enumerate(row):
                name = f"s{sample}-{item}"
                votes.append(one(f"j{judge}", name, result, f"s{sample}"))
                apart.append(one(f"j{judge}", name, result))
    together, alone = raw_agreement(votes), raw_agreement(apart)
    assert together.value == alone.value
    assert together.high - together.low > 1.7 * (alone.high - alone.low)


def repeat(judge, item, answer, left="dense", right="wanda", of=None):
    kind = "repeat" if of else "item"
    return Vote("s", judge, item, "fairer", left, right, answer, repeat_of=of, kind=kind)


def test_consistency_reads_systems_not_sides():
    votes = [
        repeat("j1", "i1", "left"),
        repeat("j1", "r1", "right", "wanda", "dense", of="i1"),  # swapped, and the same system: consistent
        repeat("j2", "i1", "left"),
        repeat("j2", "r1", "left", "wanda", "dense", of="i1"),  # the same side, hence the other system
        repeat("j2", "i2", "tie"),
        repeat("j2", "r2", "tie", of="i2"),
        repeat("j3", "i1", "left"),
        repeat("j3", "r1", "cannot_tell", of="i1"),  # left out
        repeat("j4", "r9", "left", of="i9"),  # nothing to compare with
    ]
    found = consistency(votes, "fairer")
    assert found.same.value == pytest.approx(2 / 3) and found.same.n == 3 and found.n_judges == 2
    assert consistency(votes, "better").same.value is None
