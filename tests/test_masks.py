"""Thresholds, worked by hand and by property: exact counts, ties, patterns, one threshold over many matrices."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fairprune.errors import BadInput, NumericError
from fairprune.masks import apply_mask, count_zeros, global_counts, keep_mask, spread


def kept(*rows: str) -> torch.Tensor:
    return torch.tensor([[letter == "x" for letter in row] for row in rows])


def test_the_lowest_half_of_each_row_goes():
    score = torch.tensor([[4.0, 1.0, 3.0, 2.0], [1.0, 2.0, 3.0, 4.0]])
    assert torch.equal(keep_mask(score, 0.5), kept("x.x.", "..xx"))


def test_at_a_tie_the_lower_index_goes_first():
    assert torch.equal(keep_mask(torch.tensor([[1.0, 1.0, 1.0, 0.0]]), 0.5), kept(".xx."))
    assert torch.equal(keep_mask(torch.zeros(2, 4), 0.25), kept(".xxx", ".xxx"))


def test_matrix_compares_across_rows():
    score = torch.tensor([[1.0, 2.0], [9.0, 3.0]])
    assert torch.equal(keep_mask(score, 0.5, within="matrix"), kept("..", "xx"))


@pytest.mark.parametrize(
    ("columns", "sparsity", "dropped"), [(10, 0.25, 2), (10, 0.35, 4), (3, 0.5, 2), (5, 0.5, 2), (7, 0.0, 0)]
)
def test_the_count_is_pythons_round(columns, sparsity, dropped):
    # Python rounds halves to even: 2.5 → 2, 1.5 → 2, and 10 · 0.35 is 3.5 → 4.
    assert int((~keep_mask(torch.rand(3, columns), sparsity)).sum()) == 3 * dropped


def test_zero_sparsity_changes_nothing():
    assert bool(keep_mask(torch.zeros(3, 5), 0.0).all())


def test_two_of_four():
    score = torch.tensor([[1.0, 2.0, 3.0, 4.0, 8.0, 7.0, 6.0, 5.0], [1.0, 1.0, 1.0, 1.0, 0.0, 2.0, 0.0, 0.0]])
    # Ties in the second row: of 1,1,1,1 the first two go; of 0,2,0,0 the first and the third.
    assert torch.equal(keep_mask(score, 0.5, pattern=(2, 4)), kept("..xxxx..", "..xx.x.x"))


def test_pattern_must_divide_the_columns():
    with pytest.raises(BadInput, match=r"2:4 does not divide up_proj, which has 6 input columns"):
        keep_mask(torch.rand(2, 6), 0.5, pattern=(2, 4), name="up_proj")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_scores_that_are_not_finite_are_refused(bad):
    with pytest.raises(NumericError, match="1 of 4 scores"):
        keep_mask(torch.tensor([[1.0, bad], [0.0, 1.0]]), 0.5)


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 2.0])
def test_sparsity_outside_is_refused(sparsity):
    with pytest.raises(BadInput, match=r"outside \[0, 1\)"):
        keep_mask(torch.rand(2, 2), sparsity)


def test_a_count_is_spread_evenly_over_rows():
    # 7 over 3 rows: cut at 0, 7//3=2, 14//3=4, 7 → 2, 2, 3
    assert spread(7, 3).tolist() == [2, 2, 3]
    mask = keep_mask(torch.rand(3, 5), 0.0, count=7)
    assert (~mask).sum(dim=1).tolist() == [2, 2, 3]


def test_one_threshold_over_all_matrices_of_a_kind():
    small, large = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 4.0], [5.0, 6.0]])
    # The three lowest of six are 1, 2 and 3.
    assert global_counts([small, large], 0.5) == [2, 1]
    # Four equal scores, two to drop: the first matrix gives both.
    assert global_counts([torch.ones(1, 2), torch.ones(1, 2)], 0.5) == [2, 0]
    assert global_counts([small, large], 0.0) == [0, 0]


scores = st.tuples(st.integers(1, 6), st.integers(1, 24), st.integers(0, 2**31), st.booleans())


@settings(max_examples=150, deadline=None)
@given(scores, st.floats(0, 0.999))
def test_the_result_is_that_of_a_stable_sort(shape, sparsity):
    rows, columns, seed, ties = shape
    generator = torch.Generator().manual_seed(seed)
    score = (
        torch.randint(-2, 3, (rows, columns), generator=generator).float()
        if ties
        else torch.randn(rows, columns, generator=generator)
    )
    mask = keep_mask(score, sparsity)
    for row, keep in zip(score, mask, strict=True):
        expected = torch.ones(columns, dtype=torch.bool)
        expected[row.sort(stable=True).indices[: round(sparsity * columns)]] = False
        assert torch.equal(keep, expected)


@settings(max_examples=100, deadline=None)
@given(st.lists(scores, min_size=1, max_size=4), st.floats(0, 0.999))
def test_global_counts_are_exact_for_any_shapes(shapes, sparsity):
    matrices = [
        torch.randint(-2, 3, (r, c), generator=torch.Generator().manual_seed(s)).float()
        for r, c, s, _ in shapes
    ]
    total = sum(matrix.numel() for matrix in matrices)
    counts = global_counts(matrices, sparsity)
    assert sum(counts) == round(sparsity * total)
    assert all(0 <= count <= matrix.numel() for count, matrix in zip(counts, matrices, strict=True))


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 5),
    st.integers(1, 6),
    st.sampled_from([(2, 4), (4, 8), (1, 2), (1, 4), (3, 4)]),
    st.integers(0, 2**31),
)
def test_patterns_drop_n_of_every_m(rows, groups, pattern, seed):
    n, m = pattern
    score = torch.randint(0, 3, (rows, groups * m), generator=torch.Generator().manual_seed(seed)).float()
    dropped = (~keep_mask(score, n / m, pattern=pattern)).reshape(-1, m)
    assert bool((dropped.sum(dim=1) == n).all())
    for group, mask in zip(score.reshape(-1, m), dropped, strict=True):
        assert set(mask.nonzero().flatten().tolist()) == set(group.sort(stable=True).indices[:n].tolist())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31))
def test_permuting_rows_permutes_the_mask(seed):
    generator = torch.Generator().manual_seed(seed)
    score, order = torch.randn(6, 9, generator=generator), torch.randperm(6, generator=generator)
    assert torch.equal(keep_mask(score[order], 0.4), keep_mask(score, 0.4)[order])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_applying_a_mask_keeps_bits_and_leaves_plus_zero(dtype):
    weight = torch.tensor([[-1.5, 2.0, -0.0], [float("-inf"), -3.0, 1e-30]], dtype=dtype)
    keep = kept("x.x", ".xx")
    expected = torch.where(keep, weight, torch.zeros_like(weight))
    apply_mask(weight, keep)
    assert torch.equal(weight, expected)
    assert not bool(torch.signbit(weight[~keep]).any())
    # Dropped: 2.0 and −inf; zero before: −0.0 (and 1e-30, which is 0 in float16).
    assert count_zeros(weight) == 3 + int(dtype == torch.float16)


def test_applying_a_mask_to_a_transposed_view_writes_through():
    weight = torch.ones(3, 2)
    apply_mask(weight.T, kept("x.x", "..x"))
    assert weight.tolist() == [[1, 0], [0, 0], [1, 1]]


@pytest.mark.parametrize(
    "score",
    [
        [0.0, -0.0, 0.0, -0.0, 1.0, 2.0],  # −0 and 0 are one value: lower index first
        [-0.0, 5.0, 0.0, 1e-45, 1e-40, 3.0],
        [-1.0, -3.0, 2.0, -0.0, 0.5, -2.0],
        [3e38, 1e-38, 3e38, 2e38, 1.0, 1e38],
    ],
)
def test_signs_zeros_and_extremes_are_ordered_as_numbers(score):
    values = torch.tensor([score, score[::-1]])
    for count in range(7):
        keep = keep_mask(values, count / 6 if count < 6 else 0.99)  # round(.99 · 6) = 6
        order = torch.sort(values, dim=1, stable=True).indices
        for row in range(2):
            assert set((~keep[row]).nonzero()[:, 0].tolist()) == set(order[row, :count].tolist())
