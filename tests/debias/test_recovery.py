"""Masked recovery: against a plain loop, zeros that stay, draws, half precision, and what happens when it fails."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from fairprune.debias.nc3 import Nc3Loss
from fairprune.debias.recovery import CURVE, RecoveryReport, _thinned, draw_windows, recover
from fairprune.debias_spec import RecoverySpec
from fairprune.errors import BadInput, NumericError, Unavailable
from fairprune.masks import apply_mask
from fairprune.models import load, only_gradients_of, weight_matrix
from fairprune.prune import Calibration
from tests.debias.test_moving import halved, untied


def options(steps=4, learning_rate=1e-3, batch_size=2, seed=0, parameters="kept"):
    return SimpleNamespace(
        steps=steps, learning_rate=learning_rate, batch_size=batch_size, seed=seed, parameters=parameters
    )


def windows(count=6, tokens=12, seed=0):
    rng = np.random.default_rng(seed)
    return Calibration(torch.from_numpy(rng.integers(4, 250, (count, tokens))))


def state(loaded):
    return {name: tensor.clone() for name, tensor in loaded.model.state_dict().items()}


def same(loaded, before):
    return {name for name, tensor in loaded.model.state_dict().items() if tensor.equal(before[name])}


def run(loaded, texts, asked, masks=None, weights=None, extra=None):
    *steps, report = recover(loaded, masks, texts, weights, asked, extra)
    assert isinstance(report, RecoveryReport)
    return steps, report


@pytest.fixture
def tiny(tiny_folder):
    return load(tiny_folder)


def test_a_plain_loop_does_the_same(tiny, tiny_folder):
    masks, texts, asked = halved(tiny), windows(), options(steps=5, learning_rate=1e-2)
    steps, report = run(tiny, texts, asked, masks)

    plain = load(tiny_folder)
    halved(plain)
    layers = plain.linears()
    parameters = [layer.weight for layer in layers.values()]
    optimizer = torch.optim.AdamW(parameters, lr=1e-2, weight_decay=0.01, fused=False)
    losses = []
    with only_gradients_of(plain.model, parameters):
        for drawn in draw_windows(6, None, 5, 2, 0):
            ids = texts.ids[torch.from_numpy(drawn)]
            logits = plain.model(input_ids=ids, use_cache=False).logits
            loss = torch.stack([cross_entropy(logits[i, :-1], ids[i, 1:]) for i in range(2)]).mean()
            optimizer.zero_grad()
            loss.backward()
            for name, layer in layers.items():
                layer.weight.grad *= masks[name]
            optimizer.step()
            losses.append(float(loss.detach()))
    assert [step.loss for step in steps] == pytest.approx(losses, rel=1e-5)
    for name, layer in tiny.linears().items():
        assert torch.allclose(layer.weight, layers[name].weight, atol=1e-6)
        assert (weight_matrix(layer)[~masks[name]] == 0).all()
    assert report.loss == tuple((i + 1, step.loss) for i, step in enumerate(steps))


def test_zeros_stay_the_rest_of_the_model_stays_and_the_loss_falls(tiny):
    masks = halved(tiny)
    before = state(tiny)
    steps, report = run(tiny, windows(2), options(steps=40, learning_rate=1e-2), masks)
    changed = set(before) - same(tiny, before)
    assert changed == {f"{name}.weight" for name in tiny.linears()}
    dropped = sum(int((~mask).sum()) for mask in masks.values())
    assert report.zeros == dropped
    assert report.moved == sum(mask.numel() for mask in masks.values()) - dropped
    for name, layer in tiny.linears().items():
        assert ((weight_matrix(layer) == 0) == ~masks[name]).all()
    assert steps[-1].loss < steps[0].loss - 0.5
    assert not any(p.grad is not None for p in tiny.model.parameters())
    assert all(p.requires_grad for p in tiny.model.parameters())


def test_what_somebody_else_pruned_keeps_its_zeros(tiny):
    """No mask is known; and a zero that the mask keeps stays as well."""
    masks = halved(tiny)
    name, layer = next(iter(tiny.linears().items()))
    weight_matrix(layer)[0] = 0.0
    _, report = run(tiny, windows(), options(learning_rate=1e-2), masks)
    assert (weight_matrix(layer)[0] == 0).all()
    assert (weight_matrix(layer)[~masks[name]] == 0).all()
    _, again = run(tiny, windows(), options(learning_rate=1e-2))
    assert again.zeros == report.zeros
    assert (weight_matrix(layer)[0] == 0).all()


def test_equal_weights_give_the_plain_result_bit_for_bit(tiny_folder):
    found = []
    for weights in (None, [0.3] * 6, np.full(6, 1 / 6)):
        loaded = load(tiny_folder)
        halved(loaded)
        steps, report = run(loaded, windows(), options(), weights=weights)
        found.append((state(loaded), [step.loss for step in steps], report.weighted))
    for weights, losses, weighted in found[1:]:
        assert losses == found[0][1]
        assert all(tensor.equal(found[0][0][name]) for name, tensor in weights.items())
        assert weighted and not found[0][2]


def test_another_seed_draws_other_windows_the_same_seed_the_same(tiny_folder):
    losses = []
    for seed in (0, 0, 1):
        loaded = load(tiny_folder)
        steps, _ = run(loaded, windows(), options(seed=seed))
        losses.append([step.loss for step in steps])
    assert losses[0] == losses[1] != losses[2]


def test_draws_follow_the_weights():
    weights = np.array([1.0, 0.0, 3.0])
    found = draw_windows(3, weights, 4000, 2, 0)
    assert found.shape == (4000, 2)
    assert not (found == 1).any()
    assert (found == 2).mean() == pytest.approx(0.75, abs=0.02)
    assert (found == draw_windows(3, weights * 7, 4000, 2, 0)).all()  # in any unit
    even = draw_windows(3, None, 4000, 2, 0)
    assert np.bincount(even.ravel()) / even.size == pytest.approx([1 / 3] * 3, abs=0.02)


@pytest.mark.parametrize(
    ("count", "weights", "message"),
    [
        (0, None, "no training window"),
        (3, [1, 1], "2 weights for 3 windows"),
        (2, [1, -1], "at least 0"),
        (2, [0, 0], "one of them above 0"),
        (2, [1, math.nan], "finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(count, weights, message):
    with pytest.raises(BadInput, match=message):
        draw_windows(count, weights, 1, 1, 0)


def test_only_counted_tokens_enter_the_loss(tiny, tiny_folder):
    texts = windows(1)
    mask = torch.zeros(1, 12, dtype=torch.bool)
    mask[0, [0, 5, 11]] = True  # the first token is never predicted
    with torch.no_grad():
        logits = tiny.model(input_ids=texts.ids).logits[0]
    expected = cross_entropy(logits[[4, 10]], texts.ids[0, [5, 11]])
    steps, report = run(tiny, Calibration(texts.ids, mask), options(steps=3, batch_size=2))
    assert steps[0].loss == pytest.approx(float(expected), rel=1e-6)
    assert [step.tokens for step in steps] == [4, 8, 12] and report.tokens == 12
    mask[0, 5:] = False
    with pytest.raises(BadInput, match="1 training window of 1 have no token"):
        run(tiny, Calibration(texts.ids, mask), options())


@pytest.mark.parametrize("shape", [(6,), (2, 1)])
def test_windows_that_predict_nothing_are_refused(tiny, shape):
    with pytest.raises(BadInput, match="at least 2 tokens are needed"):
        run(tiny, Calibration(torch.ones(shape, dtype=torch.long)), options())
    with pytest.raises(BadInput, match="does not fit windows"):
        run(
            tiny,
            Calibration(torch.ones(2, 4, dtype=torch.long), torch.ones(2, 3, dtype=torch.bool)),
            options(),
        )


def test_half_precision_moves_by_less_than_its_rounding(tiny_folder):
    loaded = load(tiny_folder, dtype="bfloat16")
    masks = halved(loaded)
    before = {name: weight_matrix(layer).clone() for name, layer in loaded.linears().items()}
    # Around 0.3 two numbers of bfloat16 lie 2e-3 apart: no single step of 1e-4 could move a weight.
    _, report = run(loaded, windows(), options(steps=60, learning_rate=1e-4), masks)
    assert report.master_copies
    large = moved = 0
    for name, layer in loaded.linears().items():
        weight = weight_matrix(layer)
        assert weight.dtype == torch.bfloat16 and (weight[~masks[name]] == 0).all()
        far = before[name].abs() > 0.25
        large += int(far.sum())
        moved += int(((weight != before[name]) & far).sum())
    assert large > 500 and moved / large > 0.3


class Breaks:
    """A term that is no number from one step on."""

    name, note, rows = "a broken term", "It is broken.", ()

    def __init__(self, step, value=math.nan):
        self.step, self.value, self.calls = step, value, 0

    def __call__(self, features, labels, output):
        self.calls += 1
        return output[0].sum() * (self.value if self.calls >= self.step else 0.0)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_loss_that_is_no_number_stops_and_puts_the_weights_back(tiny_folder, dtype):
    loaded = load(tiny_folder, dtype=dtype)
    masks = halved(loaded)
    before = state(loaded)
    seen = []
    with pytest.raises(NumericError, match=r"added term \(a broken term\) is nan at step 3 of 4.*put back"):
        seen.extend(recover(loaded, masks, windows(), None, options(), Breaks(3)))
    assert [event.step for event in seen] == [1, 2]
    assert same(loaded, before) == set(before)
    assert not any(p.grad is not None for p in loaded.model.parameters())


def test_an_infinite_loss_of_the_texts_names_the_step(tiny):
    tiny.model.model.norm.weight.data.fill_(math.inf)
    before = state(tiny)
    with pytest.raises(NumericError, match=r"the loss is nan at step 1 of 4.*learning rate than 0.001"):
        run(tiny, windows(), options())
    assert same(tiny, before) == set(before)


def test_weights_that_overflow_stop_it(tiny):
    before = state(tiny)
    with pytest.raises(NumericError, match="step"):
        run(tiny, windows(), options(learning_rate=1e38, steps=10))
    assert same(tiny, before) == set(before)


def test_giving_up_half_way_puts_the_weights_back(tiny):
    before = state(tiny)
    going = recover(tiny, None, windows(), None, options())
    next(going)
    assert same(tiny, before) != set(before)
    assert torch.is_grad_enabled()
    going.close()
    assert same(tiny, before) == set(before)


def test_too_little_memory_is_said(tiny, monkeypatch):
    def full(*_args, **_named):
        raise torch.OutOfMemoryError("full")

    before = state(tiny)
    monkeypatch.setattr(torch.optim.AdamW, "step", full)
    with pytest.raises(Unavailable, match="2 windows of 12 tokens per step does not fit on cpu"):
        run(tiny, windows(), options())
    assert same(tiny, before) == set(before)


def test_a_streamed_model_is_refused(tiny_folder):
    with pytest.raises(Unavailable, match="resident"):
        run(load(tiny_folder, placement="streamed"), windows(), options())


def words_and_windows():
    """Four word ids, in windows where each is the next token many times."""
    rng = np.random.default_rng(3)
    ids = rng.integers(210, 230, (8, 40))
    return [211, 215, 219, 224], Calibration(torch.from_numpy(ids))


@pytest.mark.parametrize("parameters", ["kept", "words"])
def test_unc3_falls_and_the_rows_of_other_words_stay(tiny, parameters):
    masks = halved(tiny)
    rows, texts = words_and_windows()
    before = state(tiny)
    term = Nc3Loss(rows, 10)
    steps, report = run(
        tiny,
        texts,
        options(steps=30, learning_rate=1e-2, batch_size=4, parameters=parameters),
        masks,
        extra=term,
    )
    defined = [step.extra for step in steps if step.extra is not None]
    assert len(defined) > 20 and defined[-1] < 0.5 * defined[0]
    embedding = tiny.model.get_input_embeddings().weight
    changed = (embedding != before["model.embed_tokens.weight"]).any(dim=1).nonzero().flatten().tolist()
    assert changed == rows
    moved = {f"{name}.weight" for name in tiny.linears()} if parameters == "kept" else set()
    assert set(before) - same(tiny, before) == moved | {"model.embed_tokens.weight", "lm_head.weight"}
    assert report.rows == 4 and report.tied is True
    assert report.notes[0] == term.note and "input embedding" in report.notes[1]
    assert report.extra_name == "10 · UNC3" and report.extra[-1] == (30, steps[-1].extra)
    json.dumps(report.to_json(), allow_nan=False)


def test_a_recovery_spec_is_read_as_it_is(tiny_folder):
    rows, texts = words_and_windows()
    asked = RecoverySpec(kind="nc3", steps=5, learning_rate=1e-2, batch_size=3, seed=4, parameters="words")
    found = []
    for one in (asked, options(5, 1e-2, 3, 4, "words")):
        loaded = load(tiny_folder)
        steps, _ = run(
            loaded, texts, one, extra=Nc3Loss(rows, asked.strength, asked.mean_strength, reset=asked.reset)
        )
        found.append([(step.loss, step.extra) for step in steps])
    assert found[0] == found[1] and len(found[0]) == 5


def test_where_the_output_matrix_is_its_own_the_embedding_stays(tmp_path):
    loaded = untied(tmp_path)
    before = state(loaded)
    ids = torch.from_numpy(np.random.default_rng(0).integers(3, 9, (6, 30)))
    _, report = run(
        loaded, Calibration(ids), options(parameters="words", learning_rate=1e-2), extra=Nc3Loss([4, 7], 5)
    )
    assert set(before) - same(loaded, before) == {"lm_head.weight"}
    assert report.tied is False and len(report.notes) == 1


def test_a_term_that_was_never_defined_is_an_error_and_not_a_uniform_recovery(tiny):
    before = state(tiny)
    with pytest.raises(BadInput, match=r"was not defined in any of 4 steps.*0 of 2 words had at least 10"):
        run(tiny, windows(), options(), extra=Nc3Loss([251, 252], 5))
    assert same(tiny, before) == set(before)


def test_words_without_a_term_that_names_them_are_refused(tiny):
    with pytest.raises(BadInput, match="no words were given"):
        run(tiny, windows(), options(parameters="words"))


def test_the_report_says_what_was_done(tiny):
    apply_mask(weight_matrix(next(iter(tiny.linears().values()))), torch.tensor(False))
    steps, report = run(tiny, windows(), options(steps=3), weights=[0, 0, 1, 0, 0, 0])
    assert (report.steps, report.batch_size, report.learning_rate) == (3, 2, 1e-3)
    assert (report.windows, report.windows_drawn, report.weighted) == (6, 1, True)
    assert report.tokens == 3 * 2 * 11
    assert report.extra == () and report.extra_name is None and report.tied is None and report.rows == 0
    weights = sum(weight_matrix(layer).numel() for layer in tiny.linears().values())
    assert report.memory_bytes == weights * 17  # 8 of moments, 1 of mask, 4 of copy, 4 of gradient
    assert str(steps[0]).startswith("step 1 of 3, loss ")
    json.dumps(report.to_json(), allow_nan=False)


def test_a_long_curve_keeps_both_ends():
    curve = [(step, float(step)) for step in range(1, 5001)]
    found = _thinned(curve)
    assert len(found) == CURVE and found[0] == curve[0] and found[-1] == curve[-1]
    assert _thinned(curve[:3]) == tuple(curve[:3])


def test_weights_of_tokens_change_the_loss_and_not_the_draws(tiny_folder):
    texts, found = windows(), []
    shape = tuple(texts.ids.shape)
    heavy = np.ones(shape)
    heavy[:, 1] = 9.0
    for weights in (None, np.full(shape, 0.3), heavy):
        loaded = load(tiny_folder)
        halved(loaded)
        steps, report = run(loaded, texts, options(), weights=weights)
        found.append((state(loaded), [step.loss for step in steps], report))
    plain, even, other = found
    assert even[1] == plain[1] and all(torch.equal(plain[0][name], one) for name, one in even[0].items())
    assert other[1][0] == plain[1][0] and other[1][-1] != plain[1][-1]  # the loss is told without weights
    assert other[2].weighted and (other[2].tokens, other[2].windows_drawn) == (
        plain[2].tokens,
        plain[2].windows_drawn,
    )
    for wrong, says in ((np.ones((2, 3)), "do not fit windows"), (np.zeros(shape), "finite and above 0")):
        with pytest.raises(BadInput, match=says):
            run(load(tiny_folder), texts, options(), weights=wrong)
