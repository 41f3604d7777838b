"""The masks that the published reference codes produce on a tiny Llama, weight for weight.

`tests/data/tiny-a` holds the model, its calibration tokens, the statistics and the masks. Differences that are
allowed: ties and float order, at most 0.1 %; magnitude: the reference drops one weight too many per matrix.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fairprune.allocation import Target
from fairprune.masks import Quota, keep_mask
from fairprune.methods import get_method
from fairprune.models import LoadedModel, load, weight_matrix
from fairprune.passes import collect
from fairprune.prune import Calibration, LayerPruned, prune
from fairprune.spec import parse_pattern
from fairprune.statistics import LayerStatistics, Wanted, empty_statistics
from tests.conftest import TINY


@pytest.fixture
def tiny() -> LoadedModel:
    return load(TINY, dtype="float32")


@pytest.fixture(scope="module")
def ids() -> torch.Tensor:
    return torch.from_numpy(np.load(TINY / "calibration_ids.npy"))


def golden(name: str, shapes: dict[str, torch.Size]) -> dict[str, torch.Tensor]:
    packed = np.load(TINY / f"{name}.keep.npz")
    return {
        layer: torch.from_numpy(np.unpackbits(packed[layer])[: shape.numel()].reshape(shape).astype(bool))
        for layer, shape in shapes.items()
    }


def shapes_of(loaded: LoadedModel) -> dict[str, torch.Size]:
    return {name: weight_matrix(layer).shape for name, layer in loaded.linears().items()}


def pruned_masks(loaded, ids, method, sparsity, pattern=None, **options):
    row = get_method(method)
    target = Target(sparsity, parse_pattern(pattern) if pattern else None)
    events = prune(loaded, row, row.parse_options(options), target, Calibration(ids))
    return {event.report.name: event.keep for event in events if isinstance(event, LayerPruned)}


def different(ours: dict[str, torch.Tensor], reference: dict[str, torch.Tensor]) -> dict[str, int]:
    assert ours.keys() == reference.keys()
    return {name: int((ours[name] != reference[name]).sum()) for name in reference}


def test_all_21_linear_layers_are_found(tiny):
    assert len(tiny.linears()) == 3 * 7
    assert sum(shape.numel() for shape in shapes_of(tiny).values()) == 129_024  # as the reference counted


@pytest.mark.parametrize(
    ("name", "method", "sparsity", "loss"),
    [
        ("hgla_0.5", "hgla", 0.5, "last_token"),
        ("hgla_0.3", "hgla", 0.3, "last_token"),
        ("hgla_additive_0.5", "hgla-additive", 0.5, "last_token"),
        ("gradient_0.5", "gradient", 0.5, "all_tokens"),
    ],
)
def test_masks_from_the_stored_statistics_differ_in_no_weight(tiny, name, method, sparsity, loss):
    inputs, gradients = np.load(TINY / "dense_input_sqsum.npz"), np.load(TINY / f"grad_sqsum_{loss}.npz")
    row = get_method(method)
    ours = {}
    for layer, module in tiny.linears().items():
        stored = {f"{loss}/l2": torch.from_numpy(gradients[layer])}
        entry = LayerStatistics(layer, 12, 12 * 48, torch.from_numpy(inputs[layer]), stored)
        ours[layer] = keep_mask(row.score(weight_matrix(module), entry, row.parse_options({})), sparsity)
    assert sum(different(ours, golden(name, shapes_of(tiny))).values()) == 0


def test_the_statistics_are_those_of_the_reference(tiny, ids):
    inputs, gradients = np.load(TINY / "dense_input_sqsum.npz"), np.load(TINY / "grad_sqsum_last_token.npz")
    ours = empty_statistics(tiny.linears())
    steps = list(collect(tiny, ids, ours, Wanted(frozenset({("last_token", "l2")}))))
    assert [step.done for step in steps] == list(range(1, 13))
    for layer, entry in ours.items():
        assert (entry.sequences, entry.tokens) == (12, 576)
        np.testing.assert_allclose(entry.input_sum, inputs[layer], rtol=1e-3)
        np.testing.assert_allclose(
            entry.gradient("last_token", "l2"),
            gradients[layer],
            rtol=2e-2,
            atol=1e-3 * float(gradients[layer].max()),
        )


@pytest.mark.parametrize(
    ("name", "method", "sparsity", "pattern"),
    [
        ("hgla_0.5", "hgla", 0.5, None),
        ("hgla_0.3", "hgla", 0.3, None),
        ("hgla_additive_0.5", "hgla-additive", 0.5, None),
        ("gradient_0.5", "gradient", 0.5, None),
        ("gblm_0.5", "gblm", 0.5, None),
        ("wanda_0.5", "wanda", 0.5, None),
        ("wanda_2of4", "wanda", 0.5, "2:4"),
    ],
)
def test_end_to_end_at_most_one_in_a_thousand(tiny, ids, name, method, sparsity, pattern):
    shapes = shapes_of(tiny)
    differences = different(pruned_masks(tiny, ids, method, sparsity, pattern), golden(name, shapes))
    total = sum(shape.numel() for shape in shapes.values())
    print(f"{name}: {sum(differences.values())} of {total} weights differ")
    assert sum(differences.values()) <= 0.001 * total


def test_magnitude_differs_in_the_one_weight_that_the_reference_drops_too_many(tiny, ids):
    differences = different(
        pruned_masks(tiny, ids, "magnitude", 0.5), golden("magnitude_0.5", shapes_of(tiny))
    )
    assert set(differences.values()) == {1}


def test_magnitude_two_of_four_is_the_reference(tiny, ids):
    differences = different(
        pruned_masks(tiny, ids, "magnitude", 0.5, "2:4"), golden("magnitude_2of4", shapes_of(tiny))
    )
    assert sum(differences.values()) == 0


class ReferenceQuota(Quota):
    """Counts as the reference does: `score <= the k-th of a zero-based list` drops one more in every block."""

    def block(self, start: int, end: int, columns: int, score: torch.Tensor) -> torch.Tensor:
        return keep_mask(score, 0.0, within="matrix", count=int(self.sparsity * score.numel()) + 1)


def updated_weights_are_those_of_the_reference(
    loaded: LoadedModel, name: str, rows: dict[str, torch.Tensor]
) -> None:
    """Kept weights of the given rows, bool (out,) per layer, within 1e-3 relative."""
    stored = np.load(TINY / f"{name}.weight.npz")
    for layer, module in loaded.linears().items():
        expected = torch.from_numpy(stored[layer])[rows[layer]]
        assert float((weight_matrix(module)[rows[layer]] - expected).norm() / expected.norm()) <= 1e-3, layer


@pytest.mark.parametrize(("name", "pattern"), [("sparsegpt_0.5", None), ("sparsegpt_2of4", "2:4")])
def test_sparsegpt_with_the_references_counts_is_the_reference(tiny, ids, name, pattern, monkeypatch):
    monkeypatch.setattr("fairprune.prune.Quota", ReferenceQuota)
    shapes = shapes_of(tiny)
    differences = different(pruned_masks(tiny, ids, "sparsegpt", 0.5, pattern), golden(name, shapes))
    total = sum(shape.numel() for shape in shapes.values())
    print(f"{name}: {sum(differences.values())} of {total} weights differ")
    assert sum(differences.values()) <= 0.001 * total
    everything = {layer: torch.ones(shape[0], dtype=torch.bool) for layer, shape in shapes.items()}
    updated_weights_are_those_of_the_reference(tiny, name, everything)


def test_sparsegpt_differs_in_the_one_weight_per_block_that_the_reference_drops_too_many(tiny, ids):
    shapes = shapes_of(tiny)
    ours, reference = pruned_masks(tiny, ids, "sparsegpt", 0.5), golden("sparsegpt_0.5", shapes)
    blocks = {layer: -(-shape[1] // 128) for layer, shape in shapes.items()}
    total = sum(shape.numel() for shape in shapes.values())
    assert sum(int((~keep).sum()) for keep in ours.values()) == total // 2  # exact, as the reference is not
    assert sum(int((~keep).sum()) for keep in reference.values()) == total // 2 + sum(blocks.values())
    assert sum(different(ours, reference).values()) <= 0.001 * total + sum(blocks.values())
    # A weight that is kept changes the updates of its row alone.
    agree = {layer: (ours[layer] == reference[layer]).all(dim=1) for layer in ours}
    first = [
        layer
        for layer in ours
        if layer.startswith("model.layers.0.self_attn") and not layer.endswith("o_proj")
    ]
    stored = np.load(TINY / "sparsegpt_0.5.weight.npz")
    for layer in first:  # the layers whose inputs are the same as the reference's
        expected = torch.from_numpy(stored[layer])[agree[layer]]
        found = weight_matrix(tiny.linears()[layer])[agree[layer]]
        assert float((found - expected).norm() / expected.norm()) <= 1e-3
