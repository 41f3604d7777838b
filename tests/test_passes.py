"""The statistics against plain autograd, and what makes them fail."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy

from fairprune.errors import BadInput, NumericError
from fairprune.models import load, weight_matrix
from fairprune.passes import collect, window_losses
from fairprune.statistics import Wanted, empty_statistics

IDS = torch.randint(4, 60, (3, 9), generator=torch.Generator().manual_seed(3))


@pytest.fixture
def loaded(tiny_folder):
    return load(tiny_folder)


def gather(loaded, ids=IDS, loss=None, aggregate="l2", hessian=False, **kwargs):
    found = empty_statistics(loaded.linears())
    wanted = Wanted(frozenset({(loss, aggregate)} if loss else ()), hessian)
    list(collect(loaded, ids, found, wanted, **kwargs))
    return found


@pytest.mark.parametrize("loss", ["last_token", "all_tokens"])
@pytest.mark.parametrize("aggregate", ["l1", "l2"])
def test_gradients_are_summed_over_sequences_one_by_one(loaded, loss, aggregate):
    found = gather(loaded, loss=loss, aggregate=aggregate)
    name = "model.layers.1.mlp.up_proj"
    weight = loaded.linears()[name].weight
    expected = torch.zeros_like(weight)
    for row in IDS:
        logits = loaded.model(row[None]).logits[0, :-1]
        picked = slice(-1, None) if loss == "last_token" else slice(None)
        (gradient,) = torch.autograd.grad(cross_entropy(logits[picked], row[1:][picked]), weight)
        expected += gradient.abs() if aggregate == "l1" else gradient**2
    torch.testing.assert_close(found[name].gradient(loss, aggregate), expected.detach(), rtol=1e-4, atol=1e-9)
    # One backward for the batch would give (Σg)², which is another number.
    logits = loaded.model(IDS).logits[:, :-1]
    picked = slice(-1, None) if loss == "last_token" else slice(None)
    per_sequence = [cross_entropy(one[picked], i[1:][picked]) for one, i in zip(logits, IDS, strict=True)]
    (batched,) = torch.autograd.grad(sum(per_sequence), weight)
    assert not torch.allclose(
        found[name].gradient(loss, aggregate), batched**2 if aggregate == "l2" else batched.abs(), rtol=1e-2
    )


def test_input_sums_are_those_of_the_layer_inputs(loaded):
    seen = []
    layer = loaded.linears()["model.layers.0.self_attn.k_proj"]
    hook = layer.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0].detach()))
    found = gather(loaded)
    hook.remove()
    expected = torch.cat([x.reshape(-1, 16) for x in seen]).square().sum(dim=0)
    for kind in ("q_proj", "k_proj", "v_proj"):  # the three read the same input
        entry = found[f"model.layers.0.self_attn.{kind}"]
        torch.testing.assert_close(entry.input_sum, expected)
        assert (entry.sequences, entry.tokens) == (3, 27)
        torch.testing.assert_close(entry.input_norm(), (expected / 3).sqrt())


def test_one_pass_gives_both_and_batching_changes_nothing(loaded):
    with_gradients, forward_only, one_by_one = (
        gather(loaded, loss="last_token"),
        gather(loaded),
        gather(loaded, batch_size=1),
    )
    for name, entry in with_gradients.items():
        torch.testing.assert_close(entry.input_sum, forward_only[name].input_sum)
        torch.testing.assert_close(entry.input_sum, one_by_one[name].input_sum)
        assert not forward_only[name].gradient_sum


def test_doubled_windows_leave_the_norms_and_double_the_gradient_sums(loaded):
    once, twice = gather(loaded, loss="last_token"), gather(loaded, torch.cat([IDS, IDS]), loss="last_token")
    for name in once:
        torch.testing.assert_close(once[name].input_norm(), twice[name].input_norm())
        torch.testing.assert_close(
            2 * once[name].gradient("last_token", "l2"), twice[name].gradient("last_token", "l2")
        )


def test_the_forward_and_backward_passes_are_counted(loaded):
    calls = []
    hook = loaded.model.model.register_forward_hook(lambda *_: calls.append(1))
    gather(loaded, loss="last_token")
    hook.remove()
    assert len(calls) == len(IDS)  # one forward per sequence serves norms and gradients


def test_summary_tokens_count_where_the_mask_is_true(loaded):
    mask = torch.zeros(9, dtype=torch.bool)
    mask[[4, 5]] = True
    logits = loaded.model(IDS[:1]).logits[0]
    expected = cross_entropy(logits[[3, 4]], IDS[0, [4, 5]])  # token t is predicted at t − 1
    torch.testing.assert_close(window_losses(loaded, IDS[:1], ["summary_tokens"], mask)[0], expected)
    with pytest.raises(BadInput, match="needs windows with summary tokens"):
        window_losses(loaded, IDS[:1], ["summary_tokens"], torch.zeros(9, dtype=torch.bool))


def test_sums_are_float32_in_bfloat16_models(tiny_folder):
    found = gather(load(tiny_folder, dtype="bfloat16"), loss="last_token")
    for entry in found.values():
        assert entry.input_sum.dtype == entry.gradient("last_token", "l2").dtype == torch.float32


def test_nothing_of_the_model_is_left_changed(loaded):
    gather(loaded, loss="last_token")
    assert all(parameter.grad is None for parameter in loaded.model.parameters())
    assert not any(layer._forward_pre_hooks for layer in loaded.linears().values())


def test_a_layer_without_gradient_is_an_error(loaded):
    block = loaded.model.model.layers[1].mlp
    block.forward = lambda x: x * 0  # its three matrices no longer take part
    with pytest.raises(NumericError, match=r"3 layers had no gradient .*layers\.1\.mlp\.gate_proj"):
        gather(loaded, loss="last_token")


def test_statistics_that_are_not_finite_are_an_error(loaded):
    weight_matrix(loaded.linears()["model.layers.0.mlp.up_proj"])[0, 0] = float("nan")
    with pytest.raises(NumericError, match="not finite"):
        gather(loaded)


def test_windows_of_one_token_are_refused(loaded):
    with pytest.raises(BadInput, match="at least 2"):
        gather(loaded, IDS[:, :1])


def test_one_forward_and_one_backward_per_loss_serve_everything(loaded):
    forwards, backwards = [], []
    hooks = [
        loaded.model.model.register_forward_hook(lambda *_: forwards.append(1)),
        loaded.model.model.norm.weight.register_hook(lambda _g: backwards.append(1)),
    ]
    found = empty_statistics(loaded.linears())
    pairs = frozenset({("last_token", "l2"), ("last_token", "l1"), ("all_tokens", "l2")})
    loaded.model.lm_head.register_full_backward_hook(lambda *_: backwards.append(1))
    list(collect(loaded, IDS, found, Wanted(pairs, hessian=True)))
    for hook in hooks:
        hook.remove()
    assert len(forwards) == len(IDS)
    assert len(backwards) == 2 * len(IDS)
    for loss, aggregate in pairs:
        alone = gather(loaded, loss=loss, aggregate=aggregate)
        for name, entry in found.items():
            torch.testing.assert_close(entry.gradient(loss, aggregate), alone[name].gradient(loss, aggregate))


def test_covariances_are_those_of_the_layer_inputs_and_shared(loaded):
    seen = []
    hook = loaded.linears()["model.layers.0.self_attn.k_proj"].register_forward_pre_hook(
        lambda _m, inputs: seen.append(inputs[0].detach())
    )
    found = gather(loaded, hessian=True)
    hook.remove()
    rows = torch.cat([x.reshape(-1, 16) for x in seen])
    entry = found["model.layers.0.self_attn.q_proj"]
    torch.testing.assert_close(entry.hessian(), rows.T @ rows * 2 / 3)
    torch.testing.assert_close(entry.input_sum, rows.square().sum(dim=0))
    with pytest.raises(NumericError, match="no input covariances"):
        gather(loaded)["model.layers.0.self_attn.q_proj"].hessian()


LOSSES = frozenset({("last_token", "l2"), ("all_tokens", "l1")})


def all_statistics(loaded, ids=IDS, **kwargs):
    found = empty_statistics(loaded.linears())
    list(collect(loaded, ids, found, Wanted(LOSSES, hessian=True), **kwargs))
    return found


def test_windows_that_weigh_alike_change_no_bit(loaded):
    plain, plain_forward = all_statistics(loaded), gather(loaded)
    for value in (1.0, 0.3):
        weights = torch.full((3,), value)
        weighed, forward = all_statistics(loaded, weights=weights), gather(loaded, weights=weights)
        for name, entry in plain.items():
            assert torch.equal(entry.input_sum, weighed[name].input_sum)
            assert torch.equal(entry.hessian_sum, weighed[name].hessian_sum)
            assert all(
                torch.equal(sums, weighed[name].gradient_sum[key]) for key, sums in entry.gradient_sum.items()
            )
            assert torch.equal(plain_forward[name].input_sum, forward[name].input_sum)


def test_a_weight_is_so_many_repetitions(loaded):
    weighed = all_statistics(loaded, weights=torch.tensor([2.0, 1.0, 1.0]))
    repeated = all_statistics(loaded, IDS[[0, 0, 1, 2]])
    forward = gather(loaded, weights=torch.tensor([2.0, 1.0, 1.0]), batch_size=2)
    for name, entry in weighed.items():
        torch.testing.assert_close(entry.input_norm(), repeated[name].input_norm())
        torch.testing.assert_close(forward[name].input_norm(), repeated[name].input_norm())
        torch.testing.assert_close(entry.hessian(), repeated[name].hessian())
        for key, sums in entry.gradient_sum.items():
            torch.testing.assert_close(sums, repeated[name].gradient_sum[key] * 3 / 4)
    assert not torch.allclose(weighed[name].input_norm(), gather(loaded)[name].input_norm())


def test_tokens_that_weigh_alike_change_no_bit(loaded):
    plain, weighed = all_statistics(loaded), all_statistics(loaded, weights=torch.full(IDS.shape, 0.3))
    forward = gather(loaded, weights=torch.full(IDS.shape, 0.3), batch_size=2)
    for name, entry in plain.items():
        assert torch.equal(entry.input_sum, weighed[name].input_sum)
        assert torch.equal(entry.hessian_sum, weighed[name].hessian_sum)
        assert all(
            torch.equal(sums, weighed[name].gradient_sum[key]) for key, sums in entry.gradient_sum.items()
        )
    for name, entry in gather(loaded, batch_size=2).items():
        assert torch.equal(entry.input_sum, forward[name].input_sum)


def test_weights_of_tokens_count_in_sums_over_tokens_and_in_the_mean_loss_of_a_window(loaded):
    weights = torch.rand(IDS.shape, generator=torch.Generator().manual_seed(0)) + 0.5
    weights = weights / weights.mean()
    found = all_statistics(loaded, weights=weights)
    name = next(iter(loaded.linears()))
    inputs = []
    hook = loaded.linears()[name].register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    with torch.no_grad():
        logits = loaded.model(IDS[:1]).logits
        loaded.model(IDS)
    hook.remove()
    x, w = inputs[1].flatten(0, 1), weights.flatten()[:, None]
    torch.testing.assert_close(found[name].input_sum, (w * x**2).sum(dim=0))
    torch.testing.assert_close(found[name].hessian_sum, (w * x).T @ x)
    each = torch.nn.functional.cross_entropy(logits[0, :-1], IDS[0, 1:], reduction="none")
    [mean] = window_losses(loaded, IDS[:1], ["all_tokens"], None, weights[0])
    torch.testing.assert_close(mean.detach(), (each * weights[0, 1:]).sum() / weights[0, 1:].sum())
    whole = torch.tensor([2.0, 1.0, 1.0])
    by_window = all_statistics(loaded, weights=whole)
    by_token = all_statistics(loaded, weights=whole[:, None].expand(IDS.shape).contiguous())
    for name, entry in by_window.items():
        torch.testing.assert_close(entry.input_sum, by_token[name].input_sum)
        for key, sums in entry.gradient_sum.items():
            torch.testing.assert_close(sums, by_token[name].gradient_sum[key])


@pytest.mark.parametrize("weights", [[1.0, 1.0], [1.0, 0.0, 1.0], [1.0, float("nan"), 1.0]])
def test_weights_that_do_not_fit_are_refused(loaded, weights):
    with pytest.raises(BadInput, match="do not fit 3 calibration windows"):
        gather(loaded, weights=torch.tensor(weights))
