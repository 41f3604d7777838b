"""Heads and neurons of every architecture that is checked, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import transformers

from fairprune.structure import Attention, attention_of, parts_of
from tests.architectures import ARCHITECTURES


def attention(name):
    architecture = ARCHITECTURES[name]
    return attention_of(getattr(transformers, architecture.config)(**architecture.options))


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_matrix_of_every_architecture_has_parts(name):
    found = attention(name)
    for kind, (rows, columns) in ARCHITECTURES[name].matrices.items():
        parts = parts_of(kind, rows, columns, found)
        assert parts is not None, kind
        assert len(parts.of) == (rows if parts.axis == "rows" else columns)
        assert parts.what == ("heads" if "attn" in kind or "attention" in kind else "neurons")
        if parts.what == "heads":
            assert len(parts.labels) == parts.count
            assert (np.bincount(parts.of) == found.size).all()


def test_grouped_heads():
    # 4 query heads and 2 key heads of 4 dimensions
    found = attention("llama")
    assert found == Attention(4, 2, 4)
    keys = parts_of("self_attn.k_proj", 8, 16, found)
    assert keys.labels == ("k 0", "k 1") and keys.of.tolist() == [0] * 4 + [1] * 4
    out = parts_of("self_attn.o_proj", 16, 16, found)
    assert (out.axis, out.labels) == ("columns", ("o 0", "o 1", "o 2", "o 3"))
    assert attention("qwen3") == Attention(4, 2, 8)  # heads wider than 16 / 4


@pytest.mark.parametrize(
    ("name", "kind", "rows", "labels"),
    [
        # all queries, then keys, then values
        ("phi3", "self_attn.qkv_proj", 32, "q0 q1 q2 q3 k0 k1 v0 v1"),
        ("gpt2", "attn.c_attn", 48, "q0 q1 q2 q3 k0 k1 k2 k3 v0 v1 v2 v3"),
        # query, key and value of one head after the other
        ("gpt-neox", "attention.query_key_value", 48, "q0 k0 v0 q1 k1 v1 q2 k2 v2 q3 k3 v3"),
        ("bloom", "self_attention.query_key_value", 48, "q0 k0 v0 q1 k1 v1 q2 k2 v2 q3 k3 v3"),
        ("falcon-rw", "self_attention.query_key_value", 48, "q0 k0 v0 q1 k1 v1 q2 k2 v2 q3 k3 v3"),
        # the queries that share a key, the key, the value
        ("falcon-40b", "self_attention.query_key_value", 32, "q0 q1 k0 v0 q2 q3 k1 v1"),
        ("falcon-7b", "self_attention.query_key_value", 24, "q0 q1 q2 q3 k0 v0"),
    ],
)
def test_fused_matrices_in_the_order_of_their_rows(name, kind, rows, labels):
    parts = parts_of(kind, rows, 16, attention(name))
    assert " ".join(label.replace(" ", "") for label in parts.labels) == labels


def test_neurons():
    up = parts_of("mlp.up_proj", 32, 16, None)
    assert (up.what, up.axis, up.count) == ("neurons", "rows", 32)
    down = parts_of("mlp.c_proj", 16, 64, None)
    assert (down.axis, down.count) == ("columns", 64)
    both = parts_of(
        "mlp.gate_up_proj", 64, 16, None
    )  # row i is the gate of neuron i, row 32 + i its other half
    assert both.count == 32 and both.of[5] == both.of[37] == 5


def test_what_is_not_known_has_no_parts():
    one = Attention(4, 2, 4)
    assert parts_of("self_attn.q_proj", 17, 16, one) is None  # no multiple of heads
    assert parts_of("self_attn.q_proj", 16, 16, None) is None
    assert parts_of("attn.query_key_value", 48, 16, one) is None  # an unknown order
    assert parts_of("mixer.in_proj", 16, 16, one) is None
    assert parts_of("self_attn.rotary", 16, 16, one) is None
