"""A study walks the dense model once, and every arm is what pruning alone would give."""

from __future__ import annotations

import copy

import pytest
import torch

from fairprune.allocation import Target
from fairprune.errors import BadInput
from fairprune.methods import METHODS, get_method
from fairprune.models import load, weight_matrix
from fairprune.passes import WindowSeen
from fairprune.prune import Calibration, LayerPruned, prune
from fairprune.study import Arm, ArmPruned, study, wanted_by

IDS = torch.randint(4, 60, (4, 12), generator=torch.Generator().manual_seed(5))


def arm(name, sparsity=0.5, **options):
    method = get_method(name)
    return Arm(method, method.parse_options(options), Target(sparsity))


def test_every_arm_is_what_pruning_alone_gives_and_the_model_stays_dense(tiny_folder):
    loaded = load(tiny_folder)
    before = {name: weight_matrix(layer).clone() for name, layer in loaded.linears().items()}
    arms = [arm(name, sparsity) for name in sorted(METHODS) for sparsity in (0.3, 0.6)]
    events = list(study(loaded, arms, Calibration(IDS)))
    pruned = [event for event in events if isinstance(event, ArmPruned)]
    assert [event.arm for event in pruned] == arms
    for event in pruned:
        alone = load(tiny_folder)
        one = event.arm
        for layer in prune(alone, one.method, one.options, one.target, Calibration(IDS)):
            if isinstance(layer, LayerPruned):
                assert torch.equal(layer.keep, event.masks[layer.report.name]), (
                    one.method.name,
                    layer.report.name,
                )
    assert all(torch.equal(before[name], weight_matrix(layer)) for name, layer in loaded.linears().items())


def test_one_forward_per_window_and_one_backward_per_loss(tiny_folder):
    loaded = load(tiny_folder)
    forwards, backwards = [], []
    loaded.model.model.register_forward_hook(lambda *_: forwards.append(1))
    loaded.model.lm_head.register_full_backward_hook(lambda *_: backwards.append(1))
    dense = ["hgla", "hgla-additive", "gradient", "magnitude", "random"]
    arms = [arm(name, sparsity) for name in dense for sparsity in (0.2, 0.4, 0.6)] + [
        arm("wanda", 0.5, propagate="dense")
    ]
    seen = [event for event in study(loaded, arms, Calibration(IDS)) if isinstance(event, WindowSeen)]
    assert len(seen) == len(forwards) == len(IDS)
    assert len(backwards) == 2 * len(IDS)  # the last token's loss, and that of all tokens


def test_what_is_wanted_is_the_union():
    wanted = wanted_by([arm("hgla"), arm("gblm"), arm("sparsegpt", propagate="dense"), arm("random")])
    assert wanted.gradients == {("last_token", "l2"), ("all_tokens", "l2")}
    assert wanted.hessian
    assert wanted_by([arm("magnitude"), arm("wanda")]) is None


def test_a_fault_leaves_the_model_dense(tiny_folder):
    loaded = load(tiny_folder)
    before = copy.deepcopy(loaded.model.state_dict())
    with pytest.raises(BadInput, match="needs calibration data"):
        list(study(loaded, [arm("magnitude"), arm("wanda")], None))
    assert all(torch.equal(before[name], value) for name, value in loaded.model.state_dict().items())
