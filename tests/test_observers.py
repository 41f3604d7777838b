"""The hooks: what they add, what they share, and that they are gone afterwards."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from fairprune.models import load
from fairprune.observers import GradientObserver, observe_inputs
from fairprune.statistics import Wanted, empty_statistics


@pytest.fixture
def layers():
    return {"a": nn.Linear(2, 3, bias=False), "b": nn.Linear(2, 1, bias=False)}


def test_inputs_by_hand_and_shared_among_their_readers(layers):
    found = empty_statistics(layers)
    first, second = torch.tensor([[[1.0, 2.0], [3.0, 0.0]]]), torch.tensor([[[0.0, 1.0]]])
    with observe_inputs(layers, found, hessian=True):
        for x in (first, second):
            layers["a"](x)
            layers["b"](x)
    # x xᵀ: [1 2;2 4] + [9 0;0 0] + [0 0;0 1]
    assert found["a"].hessian_sum.tolist() == [[10.0, 2.0], [2.0, 5.0]]
    assert found["a"].input_sum.tolist() == [10.0, 5.0]
    assert found["b"].hessian_sum is found["a"].hessian_sum
    assert found["b"].worked is found["a"].worked


def test_readers_of_other_inputs_share_nothing(layers):
    found = empty_statistics(layers)
    with observe_inputs(layers, found, hessian=True):
        layers["a"](torch.ones(1, 2))
        layers["b"](torch.zeros(1, 2))
    assert found["b"].hessian_sum.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert found["b"].worked is not found["a"].worked


@pytest.mark.parametrize("aggregate", ["l1", "l2"])
@pytest.mark.parametrize("rows", [1, 700])
def test_gradients_are_added_in_parts_as_in_one_piece(aggregate, rows):
    layer = nn.Linear(400, rows, bias=False)  # 700 × 400 is more than one cached part
    found = empty_statistics({"x": layer})
    observer = GradientObserver({"x": layer}, found, Wanted(frozenset({("all_tokens", aggregate)})))
    observer.loss = "all_tokens"
    gradients = []
    with observer.watching():
        for seed in range(2):
            x = torch.randn(1, 400, generator=torch.Generator().manual_seed(seed))
            layer(x).square().sum().backward()
            assert layer.weight.grad is None
            gradients.append(2 * layer(x).detach().T @ x)
    expected = sum(g.abs() if aggregate == "l1" else g**2 for g in gradients)
    torch.testing.assert_close(found["x"].gradient_sum[f"all_tokens/{aggregate}"], expected)
    observer.check_all_seen(2)


def test_nothing_of_the_model_is_left_changed(tiny_folder):
    loaded = load(tiny_folder)
    linears = loaded.linears()
    ids = torch.randint(4, 60, (1, 9), generator=torch.Generator().manual_seed(3))
    found = empty_statistics(linears)
    observer = GradientObserver(linears, found, Wanted(frozenset({("last_token", "l2")})))
    observer.loss = "last_token"
    with observe_inputs(linears, found), observer.watching():
        logits = loaded.model(ids).logits[0, -2:-1]
        cross_entropy(logits, ids[0, -1:]).backward()
    loaded.model.zero_grad()
    assert not any(layer._forward_pre_hooks for layer in linears.values())
    assert not any(layer.weight._post_accumulate_grad_hooks for layer in linears.values())
    after = found["model.layers.0.mlp.up_proj"].input_sum.clone()
    loaded.model(ids)
    assert torch.equal(found["model.layers.0.mlp.up_proj"].input_sum, after)


def test_weights_by_hand_also_where_windows_arrive_in_one_row_of_tokens(layers):
    windows = torch.tensor([[[1.0, 2.0], [3.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]])
    for tensor in (windows, windows.reshape(4, 2)):
        found = empty_statistics(layers)
        with observe_inputs(layers, found, hessian=True) as inputs:
            inputs.weights = torch.tensor([4.0, 0.25])
            layers["a"](tensor)
        # 4 · ([1 2;2 4] + [9 0;0 0]) + ([0 0;0 1] + [1 1;1 1]) / 4
        assert found["a"].hessian_sum.tolist() == [[40.25, 8.25], [8.25, 16.5]]
        assert found["a"].input_sum.tolist() == [40.25, 16.5]
