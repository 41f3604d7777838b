"""Allocations over the layers: exact totals, outliers by hand."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from fairprune.allocation import outlier_shares, owl_counts
from fairprune.models import load, weight_matrix
from fairprune.statistics import LayerStatistics


def test_owl_by_hand():
    # D = (.1, .3): r = 2·.08·(0, 1) = (0, .16), mean .08; s = .5 + .08 = .58 and .5 − .08 = .42. 100 weights each.
    assert owl_counts([0.1, 0.3], [{"a": 100}, {"b": 100}], 0.5) == {"a": 58, "b": 42}
    # Weighted by size: mean r = .16·300/400 = .12, s = .62 and .46: 62 and 138, together round(.5·400).
    assert owl_counts([0.1, 0.3], [{"a": 100}, {"b": 300}], 0.5) == {"a": 62, "b": 138}
    # No difference, no spread.
    assert owl_counts([0.2, 0.2], [{"a": 10}, {"b": 10}], 0.3) == {"a": 3, "b": 3}


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.lists(st.integers(1, 50), min_size=1, max_size=3)),
        min_size=1,
        max_size=5,
    ),
    st.floats(0, 0.999),
)
def test_owl_totals_are_exact_and_within_each_matrix(blocks, sparsity):
    sizes = [{f"{i}.{j}": size for j, size in enumerate(part)} for i, (_, part) in enumerate(blocks)]
    counts = owl_counts([share for share, _ in blocks], sizes, sparsity)
    flat = {name: size for block in sizes for name, size in block.items()}
    assert sum(counts.values()) == min(round(sparsity * sum(flat.values())), sum(flat.values()) - len(flat))
    assert all(0 <= counts[name] < size for name, size in flat.items())


def test_outliers_are_counted_over_a_whole_block(tiny_folder):
    loaded = load(tiny_folder)
    dense = {
        name: LayerStatistics(name, 1, 1, torch.ones(weight_matrix(layer).shape[1]))
        for name, layer in loaded.linears().items()
    }
    for layer in loaded.blocks[1].linears.values():
        weight_matrix(layer).fill_(0.01)
    weight_matrix(loaded.linears()["model.layers.1.mlp.up_proj"])[0, :3] = 5.0
    first, second = outlier_shares(loaded, dense)
    total = sum(layer.weight.numel() for layer in loaded.blocks[1].linears.values())
    assert second == pytest.approx(3 / total)
    assert 0 <= first < 0.1
