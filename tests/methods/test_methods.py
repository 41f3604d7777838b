"""The contract that every pruning method keeps, and the scores worked by hand."""

from __future__ import annotations

import pytest
import torch

from fairprune.errors import BadInput, NumericError
from fairprune.masks import Quota
from fairprune.methods import METHODS, get_method, pruning_method
from fairprune.statistics import LayerStatistics

NAMES = sorted(METHODS)


def GRADIENTS(squares: torch.Tensor) -> dict[str, torch.Tensor]:
    """Every loss and aggregation."""
    losses = ("last_token", "all_tokens")
    return {
        f"{loss}/{kind}": value
        for loss in losses
        for kind, value in (("l2", squares), ("l1", squares.sqrt()))
    }


def statistics(columns: int = 6, rows: int = 4, seed: int = 0) -> LayerStatistics:
    generator = torch.Generator().manual_seed(seed)
    squares = torch.rand(rows, columns, generator=generator) + 0.1
    return LayerStatistics(
        "layer", 3, 30, torch.rand(columns, generator=generator) + 0.1, GRADIENTS(squares), torch.eye(columns)
    )


@pytest.mark.parametrize("name", NAMES)
def test_contract(name):
    method = get_method(name)
    weight = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    before = weight.clone()
    options = method.parse_options({})
    if method.solves:
        solution = method.solve(weight, statistics(), options, Quota(0.5))
        assert torch.equal(solution.weight != 0, solution.keep)
        again = method.solve(weight, statistics(), options, Quota(0.5))
        assert torch.equal(again.weight, solution.weight)
        assert int(solution.keep.sum()) == 12
        assert 0 < solution.score_removed < 1
        score = solution.weight
    else:
        score = method.score(weight, statistics(), options)
        assert torch.equal(score, method.score(weight, statistics(), options)), (
            "the same input, the same score"
        )
    assert score.shape == weight.shape
    assert score.dtype == torch.float32
    assert bool(torch.isfinite(score).all())
    assert torch.equal(weight, before), "a method does not change the weight"
    assert method.title and method.formula and method.summary.endswith(".") and method.source
    for field in method.options.model_fields.values():
        assert field.description and field.description.endswith(".")


@pytest.mark.parametrize("name", [name for name in NAMES if METHODS[name].needs])
def test_missing_statistics_are_an_error(name):
    method = get_method(name)
    with pytest.raises(NumericError, match=r"no (input|gradient) (statistics|covariances)"):
        if method.solves:
            method.solve(torch.ones(2, 3), LayerStatistics("layer"), method.parse_options({}), Quota(0.5))
        else:
            method.score(torch.ones(2, 3), LayerStatistics("layer"), method.parse_options({}))


def test_hgla_by_hand():
    # W (1,−2,.5), A (2,1,4), G (1,2,3): B (2,2,2), mean B 2 = mean G, so G' = G; score (2/1, 2/2, 2/3).
    weight = torch.tensor([[1.0, -2.0, 0.5]])
    entry = LayerStatistics(
        "layer", 1, 3, torch.tensor([4.0, 1.0, 16.0]), {"last_token/l2": torch.tensor([[1.0, 2.0, 3.0]])}
    )
    hgla, additive = get_method("hgla"), get_method("hgla-additive")
    torch.testing.assert_close(
        hgla.score(weight, entry, hgla.parse_options({})), torch.tensor([[2.0, 1.0, 2 / 3]])
    )
    # B + |W|·G' = (2+1, 2+4, 2+1.5)
    torch.testing.assert_close(
        additive.score(weight, entry, additive.parse_options({})), torch.tensor([[3.0, 6.0, 3.5]])
    )
    # exponent 2: (2/1, 2/4, 2/9)
    torch.testing.assert_close(
        hgla.score(weight, entry, hgla.parse_options({"exponent": 2})), torch.tensor([[2.0, 0.5, 2 / 9]])
    )


def test_wanda_by_hand():
    # Two sequences with Σx² = (8, 2): A = (2, 1); |W|·A = (2, 3), (8, 0).
    wanda = get_method("wanda")
    entry = LayerStatistics("layer", 2, 10, torch.tensor([8.0, 2.0]))
    score = wanda.score(torch.tensor([[1.0, -3.0], [-4.0, 0.0]]), entry, wanda.parse_options({}))
    torch.testing.assert_close(score, torch.tensor([[2.0, 3.0], [8.0, 0.0]]))


def test_random_depends_on_seed_and_layer_alone():
    method, weight = get_method("random"), torch.ones(3, 4)

    def score(layer: str, seed: int) -> torch.Tensor:
        return method.score(weight, LayerStatistics(layer), method.parse_options({"seed": seed}))

    assert torch.equal(score("a", 0), score("a", 0))
    assert not torch.equal(score("a", 0), score("b", 0))
    assert not torch.equal(score("a", 0), score("a", 1))


def test_magnitude_compares_within_matrix_or_row():
    method = get_method("magnitude")
    assert method.compared_within(method.parse_options({})) == "matrix"
    assert method.compared_within(method.parse_options({"compare": "row"})) == "row"


def test_a_second_use_of_a_name_is_an_error():
    with pytest.raises(ValueError, match="two pruning methods are called 'wanda'"):
        pruning_method(name="wanda", title="", needs=(), compares="row", formula="", summary="", source="")(
            lambda w, s, o: w
        )


def test_unknown_names_and_options():
    with pytest.raises(BadInput, match="did you mean 'magnitude'"):
        get_method("magnitud")
    with pytest.raises(BadInput, match="exponent"):
        get_method("hgla").parse_options({"exponent": 0})


def test_gradient_and_gblm_by_hand():
    # G = sqrt(Σg²) = (1, 2); |W|·G = (3, 4). GBLM with A = sqrt(8/2) = 2, sqrt(2/2) = 1 and α = 10: 3·(2+10), 2·(1+20).
    weight = torch.tensor([[3.0, -2.0]])
    entry = LayerStatistics(
        "layer", 2, 4, torch.tensor([8.0, 2.0]), {"all_tokens/l2": torch.tensor([[1.0, 4.0]])}
    )
    gradient, gblm = get_method("gradient"), get_method("gblm")
    torch.testing.assert_close(
        gradient.score(weight, entry, gradient.parse_options({})), torch.tensor([[3.0, 4.0]])
    )
    torch.testing.assert_close(
        gblm.score(weight, entry, gblm.parse_options({"alpha": 10})), torch.tensor([[36.0, 42.0]])
    )


def test_ria_by_hand_and_without_nan_for_empty_rows_and_columns():
    # Row sums 4, 0; column sums 1, 3, 0. (1/4 + 1/1)·√1 = 1.25, (3/4 + 3/3)·√4 = 3.5; empty ones 0.
    weight = torch.tensor([[1.0, -3.0, 0.0], [0.0, 0.0, 0.0]])
    entry = LayerStatistics("layer", 1, 1, torch.tensor([1.0, 16.0, 1.0]))
    ria = get_method("ria")
    torch.testing.assert_close(
        ria.score(weight, entry, ria.parse_options({})), torch.tensor([[1.25, 3.5, 0.0], [0.0, 0.0, 0.0]])
    )
