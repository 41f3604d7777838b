"""Details of a 4 × 6 matrix by hand, larger ones by their totals."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import torch

from fairprune.mask_details import (
    BINS,
    CELLS,
    SAMPLE,
    SCORE_BINS,
    Competition,
    PrunedMatrix,
    describer,
    distribution,
    parts_sparsity,
    pattern_share,
    picture,
    picture_shares,
    result_kind,
    score_histogram,
)
from fairprune.structure import Attention, Parts

# Three of six go in each row: the three smallest, the left one first at a tie.
SCORE = torch.tensor(
    [
        [1.0, 2, 3, 4, 5, 6],  # the largest that goes: 3
        [6.0, 5, 4, 3, 2, 1],  # 3
        [1.0, 1, 1, 9, 9, 9],  # 1
        [0.0, 8, 0, 8, 0, 8],  # 0
    ]
)
KEPT = torch.tensor([[0.0, 0, 0, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0, 1, 0, 1, 0, 1]])
ROW = Competition("row")


def matrix(kind="mlp.up_proj", score=SCORE, kept=KEPT):
    return PrunedMatrix("x", kind, score, kept, kept.sum(1).numpy(), kept.sum(0).numpy())


def counts(**filled):
    return [filled.get(f"b{place}", 0) for place in range(BINS)]


def test_rows_and_columns_by_hand():
    found = describer(None, ROW)(matrix())
    assert found["rows"]["counts"] == counts(b25=4)  # 50 %: the bin from 50 to 52 %
    # kept per column 1, 2, 1, 3, 2, 3 of 4: sparsity 75, 50, 75, 25, 50, 25 %
    assert found["columns"]["counts"] == counts(b12=2, b25=2, b37=2)
    assert found["columns"]["most"] == [[0, 0.75], [2, 0.75], [1, 0.5], [4, 0.5], [3, 0.25]]
    assert found["columns"]["least"] == [[3, 0.25], [5, 0.25], [1, 0.5], [4, 0.5], [0, 0.75]]
    assert found["pattern"] is None
    json.dumps(found, allow_nan=False)


def test_ends_of_the_bins():
    # 29/50 = 0.58 lies at an edge: the division must not push it below; 1 lies in the last bin.
    assert distribution(np.array([0.0, 1 - 21 / 50, 1.0]))["counts"] == counts(b0=1, b29=1, b49=1)


def test_scores_and_cuts_by_hand():
    found = score_histogram(SCORE, KEPT, ROW)
    # 24 scores: 0 ×3, 1 ×5, then 2 to 6 twice each, 8 ×3, 9 ×3. Median 3 > 9/4: linear, 64 bins of 9/64 = 0.140625.
    assert (found["scale"], found["low"], found["high"], found["n"]) == ("linear", 0, 9, 24)
    dropped, kept = np.zeros(SCORE_BINS, int), np.zeros(SCORE_BINS, int)
    dropped[[0, 7, 14, 21]] = [3, 5, 2, 2]  # 0, 1 / 0.140625 = 7.1, 14.2, 21.3
    kept[[28, 35, 42, 56, 63]] = [2, 2, 2, 3, 3]  # 4, 5, 6, 8, 9
    assert found["dropped"] == dropped.tolist() and found["kept"] == kept.tolist()
    # Largest dropped per row 3, 3, 1, 0: sorted 0 1 3 3; quantile q at place 3q: 0.15, 1 + 0.5 · 2 = 2, 3
    assert found["cut"] == {"within": "row", "low": 0.15, "median": 2.0, "high": 3.0, "n": 4}


@pytest.mark.parametrize(
    ("competition", "largest"),
    [
        (Competition("matrix"), [3]),
        # blocks of four columns, then two: dropped are 1 2 3 3 1 1 1 0 0 and 2 1 0
        (Competition("columns", 4), [3, 2]),
        # groups of three columns; three of the eight groups have dropped nothing
        (Competition("pattern", 3, 2), [3, 3, 1, 0, 0]),
    ],
)
def test_each_group_has_its_cut(competition, largest):
    cut = score_histogram(SCORE, KEPT, competition)["cut"]
    assert (cut["within"], cut["n"]) == (competition.within, len(largest))
    assert cut["median"] == np.median(largest)


def test_logarithmic_scale():
    # 2⁰ … 2⁶³: most are small beside the largest. log2 from 0 to 63 in 64 bins: one score in each.
    score = 2.0 ** torch.arange(64).reshape(1, 64).float()
    kept = (torch.arange(64) >= 32).float().reshape(1, 64)
    found = score_histogram(score, kept, ROW)
    assert (found["scale"], found["low"]) == ("log", 1.0)
    assert found["dropped"] == [1] * 32 + [0] * 32 and found["kept"] == [0] * 32 + [1] * 32
    assert found["cut"]["median"] == float(f"{2.0**31:.4g}")
    # Zeros lie in the first bin, whose edge is the smallest score above 0.
    score[0, :8] = 0
    found = score_histogram(score, kept, ROW)
    assert (found["low"], found["dropped"][0]) == (256.0, 9)  # eight zeros and 2⁸


@pytest.mark.parametrize("score", [torch.zeros(2, 3), torch.full((2, 3), -1.0), torch.tensor([[-2.0, 1, 5]])])
def test_scores_that_are_alike_or_negative(score):
    found = score_histogram(score, torch.ones_like(score), ROW)
    assert found["scale"] == "linear" and found["low"] < found["high"]
    assert sum(found["kept"]) == score.numel() and found["cut"] is None
    json.dumps(found, allow_nan=False)


def test_large_matrices_are_read_row_by_row():
    score = torch.rand(400, 400, generator=torch.Generator().manual_seed(0))
    kept = (score > 0.5).float()
    found = score_histogram(score, kept, ROW)
    # 160,000 weights are five times the limit of 32,768, rounded up: every fifth of 400 rows
    assert SAMPLE == 2**15 and found["n"] == 80 * 400
    assert sum(found["kept"]) == int(kept[::5].sum())
    assert found == score_histogram(score, kept, ROW)
    # 4,000,000 weights would be every 123rd row: it is every 64th
    large = score_histogram(torch.rand(8000, 500), torch.ones(8000, 500), ROW)
    assert large["n"] == 8000 // 64 * 500


def test_picture_of_a_small_matrix_is_its_mask():
    found = picture(KEPT)
    assert (found["height"], found["width"]) == (1, 1)
    assert np.array_equal(picture_shares(found, 4, 6), 1 - KEPT.numpy())


def test_picture_in_cells():
    # 100 rows in portions of ⌈100 / 48⌉ = 3: 33 of them and one of 1; 50 columns in portions of 2
    kept = torch.ones(100, 50)
    kept[:3, :2] = torch.tensor([[0.0, 1], [0, 1], [0, 1]])  # half of the first cell
    kept[99, 48:] = 0  # all of the last one, which is one row high
    found = picture(kept)
    shares = picture_shares(found, 100, 50)
    assert shares.shape == (34, 25) and max(shares.shape) <= CELLS
    assert shares[0, 0] == 0.5 and shares[33, 24] == 1.0 and shares.sum() == 1.5
    assert len(base64.b64decode(found["shares"])) == 34 * 25


def test_heads_by_hand():
    # Two heads of three columns: 1 + 2 + 1 and 3 + 2 + 3 of 12 weights are kept
    found = describer(Attention(2, 2, 3), ROW)(matrix("self_attn.o_proj"))["parts"]
    assert found["labels"] == ["o 0", "o 1"] and found["axis"] == "columns"
    assert found["shares"] == pytest.approx([1 - 4 / 12, 1 - 8 / 12], abs=5e-5)


def test_neurons_by_hand():
    # Rows 0 and 2 are of neuron 0, rows 1 and 3 of neuron 1
    parts = Parts("neurons", "rows", np.array([0, 1, 0, 1]))
    found = parts_sparsity(np.array([1.0, 0.5, 1.0, 0.25]), parts)
    assert (found["n"], found["gone"]) == (2, 1)  # neuron 0 has lost all
    assert found["most"] == [[0, 1.0], [1, 0.375]]
    assert found["counts"] == counts(b18=1, b49=1)


def test_share_of_groups_of_a_pattern():
    # Kept per group of three: 0 3, 3 0, 0 3, 1 2. Exactly 2 of 3 dropped: one of eight.
    assert pattern_share(KEPT, Competition("pattern", 3, 2)) == {"n": 2, "m": 3, "groups": 8, "exact": 1}
    found = describer(None, Competition("pattern", 3, 2))(matrix())
    assert found["pattern"]["exact"] == 1


def test_without_a_score():
    assert describer(None, ROW)(matrix(score=None))["score"] is None


def test_names_of_results():
    assert result_kind(12) == "matrices:0012"
    assert len(result_kind(99999)) <= 64
