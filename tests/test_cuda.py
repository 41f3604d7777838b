"""What only a card can show: the same masks there, within bounded memory, and nothing left on it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from fairprune.accelerator import free_bytes, onto, peak_bytes, release, reset_peak
from fairprune.allocation import Target
from fairprune.methods import get_method
from fairprune.models import load, weight_matrix
from fairprune.onload import placed
from fairprune.prune import Calibration, LayerPruned, prune
from fairprune.spec import EvaluationSpec, parse_pattern
from fairprune.summarize import summarize
from tests.conftest import TINY

pytestmark = pytest.mark.cuda
CARD = torch.device("cuda", 0)
GOLDEN = [
    ("hgla", "hgla_0.5", None),
    ("hgla-additive", "hgla_additive_0.5", None),
    ("wanda", "wanda_0.5", None),
    ("wanda", "wanda_2of4", "2:4"),
    ("gradient", "gradient_0.5", None),
    ("gblm", "gblm_0.5", None),
    ("sparsegpt", "sparsegpt_2of4", "2:4"),
]


@pytest.mark.parametrize("placement", ["resident", "streamed"])
@pytest.mark.parametrize(("method_name", "file", "pattern"), GOLDEN)
def test_golden_masks_on_the_card(method_name, file, pattern, placement):
    loaded = load(TINY, dtype="float32", device="cuda", placement=placement)
    method = get_method(method_name)
    ids = torch.from_numpy(np.load(TINY / "calibration_ids.npy"))
    target = Target(0.5, parse_pattern(pattern) if pattern else None)
    packed, differing = np.load(TINY / f"{file}.keep.npz"), 0
    for event in prune(loaded, method, method.parse_options({}), target, Calibration(ids)):
        if isinstance(event, LayerPruned):
            bits = np.unpackbits(packed[event.report.name])[: event.keep.numel()].astype(bool)
            differing += int((event.keep.numpy().reshape(-1) != bits).sum())
    assert differing <= 0.001 * 129_024


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """12 blocks of width 512 in float32: 12.6 MB of weights in each block's linear layers."""
    config = LlamaConfig(
        vocab_size=1000,
        hidden_size=512,
        intermediate_size=1536,
        num_hidden_layers=12,
        num_attention_heads=8,
        num_key_value_heads=8,
        max_position_embeddings=512,
    )
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models") / "larger"
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("method_name", ["hgla", "wanda", "sparsegpt", "magnitude"])
def test_a_streamed_model_needs_one_block_on_the_card(larger, method_name):
    loaded = load(larger, device="cuda", placement="streamed")
    weights = sum(weight_matrix(layer).numel() for layer in loaded.blocks[0].linears.values())
    ids = torch.randint(3, 1000, (6, 64), generator=torch.Generator().manual_seed(0))
    release(CARD)
    reset_peak(CARD)
    before = torch.cuda.memory_allocated(CARD)
    method = get_method(method_name)
    for _ in prune(loaded, method, method.parse_options({}), Target(0.5), Calibration(ids)):
        pass
    # A block's weights, its gradients and their sums, the temporaries of its largest matrix and covariances: far
    # less than two blocks' share of each; the model has twelve.
    assert peak_bytes(CARD) - before < 6 * 4 * weights
    release(CARD)
    assert torch.cuda.memory_allocated(CARD) == before


def test_a_placement_moves_there_and_back(larger):
    loaded = load(larger, device="cuda")
    streamed = placed(loaded, CARD, "streamed")
    assert {p.device.type for p in streamed.blocks[0].module.parameters()} == {"cpu"}
    assert streamed.device.type == "cuda"
    again = placed(streamed, CARD, "resident")
    assert {p.device.type for p in again.model.parameters()} == {"cuda"}


def test_copies_through_pinned_memory_are_whole():
    values = torch.randn(1 << 20)
    assert torch.equal(onto(values, CARD).cpu(), values)
    assert 0 < free_bytes(CARD) <= torch.cuda.mem_get_info(CARD)[1]


def test_summaries_are_written_on_the_card(tiny_folder):
    loaded = load(tiny_folder, device="cuda")
    written = list(summarize(loaded, [[5, 6, 7], [8, 9]], EvaluationSpec(max_new_tokens=8)))
    assert {one.position for one in written} == {0, 1}
