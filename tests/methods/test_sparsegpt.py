"""SparseGPT by hand, its dead columns, and its factorisation when that is difficult."""

from __future__ import annotations

import pytest
import torch

from fairprune.errors import BadInput, NumericError
from fairprune.masks import Quota
from fairprune.methods import get_method
from fairprune.statistics import LayerStatistics

METHOD = get_method("sparsegpt")


def solve(weight, hessian, quota, **options):
    # hessian() is 2/sequences · the sum; with 2 sequences it is the sum itself.
    entry = LayerStatistics("layer", 2, 2, hessian.diagonal().clone(), {}, hessian)
    return METHOD.solve(weight, entry, METHOD.parse_options(options), quota)


def test_two_columns_by_hand():
    # H = [[2, 1], [1, 2]] (dampening next to nothing): H⁻¹ = 1/3 [[2, −1], [−1, 2]] = UᵀU with
    # U = [[√(2/3), −1/√6], [0, 1/√2]]. Scores w²/U_jj²: 1/(2/3) = 1.5 and 9/(1/2) = 18: the first goes.
    # Error 1/√(2/3); the second becomes 3 − 1.2247 · (−0.4082) = 3.5: the least-squares answer 3 + 1/2.
    found = solve(
        torch.tensor([[1.0, 3.0]]), torch.tensor([[2.0, 1.0], [1.0, 2.0]]), Quota(0.5), dampening=1e-6
    )
    assert found.keep.tolist() == [[False, True]]
    torch.testing.assert_close(found.weight, torch.tensor([[0.0, 3.5]]), rtol=1e-4, atol=1e-5)
    # Of the scores 1.5 and (after the update) 3.5²/(1/2) = 24.5 the first was dropped.
    assert found.score_removed == pytest.approx(1.5 / 26, rel=1e-3)


def test_uncorrelated_inputs_change_nothing_that_is_kept():
    weight = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    found = solve(weight, torch.eye(8), Quota(0.5))
    assert torch.equal(found.weight, weight * found.keep)


def test_the_output_error_is_smaller_than_that_of_the_mask_alone():
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(40, 16, generator=generator) @ torch.randn(16, 16, generator=generator)
    weight = torch.randn(5, 16, generator=generator)
    found = solve(weight, inputs.T @ inputs, Quota(0.5))
    masked = (inputs @ (weight * found.keep - weight).T).norm()
    assert (inputs @ (found.weight - weight).T).norm() < 0.8 * masked


def test_dead_columns_go_first_up_to_the_exact_count():
    generator = torch.Generator().manual_seed(2)
    inputs = torch.randn(30, 8, generator=generator)
    inputs[:, [0, 2, 3, 5, 6]] = 0  # five of eight columns are silent
    weight = torch.randn(4, 8, generator=generator) + 3
    found = solve(weight, inputs.T @ inputs, Quota(0.5))
    assert int((~found.keep).sum()) == 16  # the reference would drop 20: its dead columns come on top
    dropped_columns = (~found.keep).nonzero()[:, 1]
    assert set(dropped_columns.tolist()) <= {0, 2, 3, 5, 6}
    assert torch.equal(found.weight[found.keep], weight[found.keep])  # what is left of them keeps its value
    few = solve(weight, inputs.T @ inputs, Quota(0.75))
    assert int((~few.keep).sum()) == 24
    assert bool((~few.keep)[:, [0, 2, 3, 5, 6]].all())


def test_blocks_share_the_count_exactly():
    weight = torch.randn(3, 10, generator=torch.Generator().manual_seed(3))
    # 7 of 30: the blocks of 4, 4 and 2 columns get 7·4//10 = 2, 7·8//10 − 2 = 3 and 7 − 5 = 2.
    found = solve(weight, torch.eye(10), Quota(0.0, None, 7), block_size=4)
    dropped = ~found.keep
    assert [int(dropped[:, part].sum()) for part in (slice(0, 4), slice(4, 8), slice(8, 10))] == [2, 3, 2]


def test_difficult_factorisations_raise_the_dampening_and_say_so():
    good = torch.eye(4)
    assert solve(torch.ones(2, 4), good, Quota(0.5)).dampening == 0.01
    # One eigenvalue of −0.05: only ten times the dampening of 0.01 of the mean makes it positive.
    difficult = torch.diag(torch.tensor([1.0, 1.0, 1.0, -0.05]))
    assert solve(torch.ones(2, 4), difficult, Quota(0.5)).dampening == pytest.approx(0.1)
    with pytest.raises(NumericError, match="layer: XXᵀ has no Cholesky factor even with dampening 10"):
        solve(torch.ones(2, 4), torch.diag(torch.tensor([1.0, 1.0, 1.0, -90.0])), Quota(0.5))


def test_a_block_must_hold_whole_groups():
    with pytest.raises(BadInput, match="a block of 6 columns is no multiple of 4"):
        solve(torch.ones(2, 12), torch.eye(12), Quota(0.5, (2, 4)), block_size=6)
    assert int(solve(torch.ones(2, 12), torch.eye(12), Quota(0.5, (2, 4)), block_size=8).keep.sum()) == 12


@pytest.mark.parametrize(("quota", "size"), [(Quota(0.5), 8), (Quota(0.5, (2, 4)), 4)], ids=str)
def test_the_score_that_chose_the_mask_is_handed_out(quota, size):
    weight = torch.randn(6, 8, generator=torch.Generator().manual_seed(3))
    inputs = torch.randn(64, 8, generator=torch.Generator().manual_seed(4))
    inputs[:, 2] = 0  # an input that is never there: its weights go first and score 0
    found = solve(weight, inputs.T @ inputs, quota, block_size=8)
    assert not found.score[:, 2].any() and not found.keep[:, 2].any()
    groups = (
        ((found.score, found.keep),)
        if size == 8
        else zip(found.score.reshape(-1, 4), found.keep.reshape(-1, 4), strict=True)
    )
    for score, keep in groups:  # of one block, or of a row's four: the higher half stays
        assert int(keep.sum()) * 2 == keep.numel()
        assert float(score[keep].min()) > float(score[~keep].max())
