"""Overlap of masks by hand, and of many at once."""

from __future__ import annotations

import numpy as np
import pytest

from fairprune import mask_files
from fairprune.errors import BadInput
from fairprune.mask_overlap import Overlap, differing_shares, overlap, overlaps, total

A = np.array([[1, 1, 0, 0], [1, 0, 1, 0]], dtype=bool)
B = np.array([[1, 0, 1, 0], [1, 0, 1, 0]], dtype=bool)


def write(run, **masks):
    mask_files.write(
        run,
        {name: mask_files.pack(mask) for name, mask in masks.items()},
        {name: mask.shape[1] for name, mask in masks.items()},
    )


def test_by_hand():
    found = overlap(mask_files.pack(A), mask_files.pack(B), 4)
    # Both keep four of eight; three places alike: (0, 0), (1, 0), (1, 2).
    assert found == Overlap(8, 4, 4, 3, 2.0)
    assert found.kept_jaccard == 3 / 5  # 4 + 4 − 3 = 5 kept by either
    assert found.dropped_jaccard == 3 / 5  # 8 − 5 dropped by both, 8 − 3 by either
    assert found.kept_by_chance == found.dropped_by_chance == 2 / 6
    assert found.differing == 2


def test_bits_after_the_last_column_count_as_nothing():
    a, b = np.zeros((3, 11), bool), np.zeros((3, 11), bool)
    a[:, 10] = True
    b[:, 9:] = True
    found = overlap(mask_files.pack(a), mask_files.pack(b), 11)
    # a keeps 3 of 33, b 6, both 3; dropped by both 33 − 6 = 27, by either 33 − 3 = 30
    assert (found.weights, found.kept_a, found.kept_b, found.both) == (33, 3, 6, 3)
    assert found.dropped_jaccard == 27 / 30
    assert found.kept_by_chance == pytest.approx((18 / 33) / (9 - 18 / 33))  # 3 · 6 / 33 by both


def test_nothing_kept_or_nothing_dropped_has_no_overlap():
    none, all_ = mask_files.pack(np.zeros((2, 8), bool)), mask_files.pack(np.ones((2, 8), bool))
    assert overlap(none, none, 8).kept_jaccard is None and overlap(none, none, 8).dropped_jaccard == 1
    assert overlap(all_, all_, 8).dropped_jaccard is None and overlap(all_, all_, 8).kept_jaccard == 1


def test_against_sets():
    random = np.random.default_rng(1)
    a, b = (random.random((37, 53)) < share for share in (0.3, 0.6))
    found = overlap(mask_files.pack(a), mask_files.pack(b), 53)
    sets = [set(np.flatnonzero(mask)) for mask in (a, b)]
    assert found.kept_jaccard == len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    sets = [set(np.flatnonzero(~mask)) for mask in (a, b)]
    assert found.dropped_jaccard == len(sets[0] & sets[1]) / len(sets[0] | sets[1])
    assert found.kept_jaccard == pytest.approx(found.kept_by_chance, abs=0.03)  # independent draws


def test_all_matrices_of_two_runs():
    write("a" * 16, q=A, k=A)
    write("b" * 16, q=B, k=A)
    with mask_files.opened("a" * 16) as a, mask_files.opened("b" * 16) as b:
        found = overlaps(a, b)
    assert found["q"].both == 3 and found["k"].both == 4
    assert total(found.values()) == Overlap(16, 8, 8, 7, 4.0)


@pytest.mark.parametrize("other", [{"q": A[:, :3]}, {"q": A[:1]}, {"k": A}])
def test_other_models_are_refused(other):
    write("a" * 16, q=A)
    write("b" * 16, **other)
    with mask_files.opened("a" * 16) as a, mask_files.opened("b" * 16) as b:
        refused = pytest.raises(BadInput, match=r"are of different models|has 2 rows")
        with refused:
            overlaps(a, b)


def test_where_masks_differ():
    # Cells of 2 × 3, the second one column wide: (0, 1) and (0, 2) differ, of 6; nothing in the other.
    assert differing_shares(A, B, 2, 3).tolist() == [[2 / 6, 0.0]]
