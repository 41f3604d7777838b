"""The page Layers: one matrix from within, two runs beside each other, addresses that lead nowhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from fairprune import mask_files
from fairprune.mask_details import Competition, PrunedMatrix, describer, result_kind
from fairprune.store import Run, open_store
from fairprune.structure import Attention
from fairprune.ui.layers import matrices_frame, view_cells
from fairprune.ui.matrix import chosen_place, details_frame, extremes
from tests.pages.filled import app, checked, errors, fill, markup, report, spec

SPACE = "\N{NO-BREAK SPACE}"
MATRICES = report().to_json()["matrices"]
Q0 = "model.layers.0.self_attn.q_proj"


def details(matrix: dict[str, Any], keep: torch.Tensor) -> dict[str, Any]:
    score = torch.arange(keep.numel()).reshape(keep.shape).float()
    kept = keep.float()
    one = PrunedMatrix(matrix["name"], matrix["kind"], score, kept, kept.sum(1).numpy(), kept.sum(0).numpy())
    return describer(Attention(2, 2, 2), Competition("row"))(one)


def fill_with_masks(sparsity: float, shift: int, *, masks: bool = True) -> Run:
    """A done run whose matrices keep every second weight, moved by `shift` places."""
    with open_store() as store:
        run = fill(store, spec(sparsity))
        packed, columns = {}, {}
        blocks: dict[int, dict[str, Any]] = {}
        for matrix in MATRICES:
            keep = (torch.arange(matrix["rows"] * matrix["columns"]) + shift) % 2 == 0
            keep = keep.reshape(matrix["rows"], matrix["columns"])
            packed[matrix["name"]] = mask_files.pack(keep.numpy())
            columns[matrix["name"]] = matrix["columns"]
            blocks.setdefault(matrix["block"], {})[matrix["name"]] = details(matrix, keep)
        for block, found in blocks.items():
            store.put_result(run.id, result_kind(block), found)
    if masks:
        mask_files.write(run.id, packed, columns)
    return run


def charts(page: Any) -> list[str]:
    return [chart.proto.alt for chart in page.get("plotly_chart")]


def test_a_matrix_from_within() -> None:
    run = fill_with_masks(0.5, 0)
    page = app("Layers", run=run.id, block="0", matrix="self_attn.q_proj")
    alts = charts(page)
    assert len(alts) == 6 and all(alts)  # heatmap, rows, columns, scores, mask, heads
    assert any("attention head" in alt for alt in alts)
    # Every second of four columns: two of them dead, the others whole. Heads of two rows lose half each.
    captions = "\n".join(caption.value for caption in page.caption).replace("\\", "")
    assert f"All rows have lost the same share: 50.00{SPACE}%" in captions
    assert f"Most pruned, by number from 0: 1 (100.0{SPACE}%)" in captions
    assert f"From 50.00{SPACE}% to 50.00{SPACE}%" in captions
    page = app("Layers", run=run.id, block="0", matrix="mlp.up_proj")
    assert any("A neuron is one of the rows" in caption.value for caption in page.caption)


def test_a_run_of_an_earlier_version_says_what_is_missing() -> None:
    with open_store() as store:
        run = fill(store)
    page = app("Layers", run=run.id)
    assert len(charts(page)) == 1
    assert any("start it again" in note.value for note in page.info)


def test_two_runs_overlap_and_differ() -> None:
    run, other = fill_with_masks(0.5, 0), fill_with_masks(0.25, 1)
    page = app("Layers", run=run.id, other=other.id)
    text = markup(page)
    # What one keeps the other drops: no overlap; by chance a third.
    assert f"by chance, at these sparsities: 33.33{SPACE}%" in text
    assert f'<div class="fp-big">0.00{SPACE}%</div>' in text
    assert "40 of 40 weights are kept by one run alone" in text  # 16 + 8 + 16
    assert "Where the two masks differ" in "\n".join(element.value for element in page.markdown)
    (view,) = [control for control in page.segmented_control if control.label == "Show"]
    page = checked(view.set_value("difference").run())
    assert page.query_params["view"] == "difference" and page.query_params["other"] == other.id
    assert any("in percentage points" in caption.value for caption in page.caption)
    assert [control.label for control in page.segmented_control][:2] == ["Show", "Colour shows"]


def test_overlap_without_masks_is_a_sentence() -> None:
    run, other = fill_with_masks(0.5, 0), fill_with_masks(0.25, 1, masks=False)
    page = app("Layers", run=run.id, other=other.id)
    (note,) = [note.value for note in page.info if "overlap" in note.value]
    assert other.id in note.replace("\\", "") and "has no masks here" in note
    mask_files.path_of(other.id).write_bytes(b"no masks")
    page = app("Layers", run=run.id, other=other.id)
    assert any("cannot be read" in note.value for note in page.info)


@pytest.mark.parametrize("wanted", ["feedfacefeedface", "<b>x</b>", "../../etc/passwd"])
def test_another_run_that_is_not_there(wanted: str) -> None:
    run = fill_with_masks(0.5, 0)
    page = app("Layers", run=run.id, other=wanted)
    assert "no finished run on the same model" in errors(page)
    assert "other" not in page.query_params
    assert len(charts(page)) == 6


def test_only_runs_on_the_same_model_are_offered() -> None:
    run = fill_with_masks(0.5, 0)
    with open_store() as store:
        same = fill(store, spec(0.3))
        fill(store, spec(0.3, model={"name": "another/model", "identity": "hub:another@1"}))
    page = app("Layers", run=run.id)
    (box,) = [box for box in page.selectbox if box.label == "Compare with"]
    assert len(box.options) == 2 and same.id[:6] in box.options[1]


def test_the_table_has_all_numbers() -> None:
    run, other = fill_with_masks(0.5, 0), fill_with_masks(0.25, 1)
    frame = matrices_frame(run, MATRICES)
    assert len(frame) == 3 and list(frame["row_range"]) == [0.5] * 3
    assert frame["dead_column_share"].tolist() == [0.25, 0.5, 0.25]  # 1 of 4, 1 of 2
    from fairprune.ui.layers import run_overlaps

    frame = matrices_frame(run, MATRICES, other, MATRICES, run_overlaps(run, other))
    assert frame["kept_jaccard"].tolist() == [0.0] * 3
    assert frame["kept_by_chance"].tolist() == pytest.approx([1 / 3] * 3)
    assert frame["achieved_difference"].tolist() == [0.0] * 3
    assert np.isnan(frame["score_removed_difference"][1])  # the score of up_proj is missing


def test_the_files_of_a_matrix() -> None:
    run = fill_with_masks(0.5, 0)
    matrix = MATRICES[0]
    keep = torch.tensor([[True, False, True, False]] * 4)
    frame = details_frame(run, matrix, details(matrix, keep))
    assert frame["matrix"].unique().tolist() == [Q0]
    parts = frame.groupby("part", sort=False)["value"].sum().to_dict()
    assert parts == {"rows": 4, "columns": 4, "heads": 1.0, "scores dropped": 8, "scores kept": 8}


def test_the_place_of_the_address() -> None:
    assert chosen_place(MATRICES, "1", "self_attn.q_proj") == (1, "self_attn.q_proj")
    assert chosen_place(MATRICES, "1", "mlp.up_proj") == (1, "self_attn.q_proj")  # block 1 has none
    assert chosen_place(MATRICES, None, "mlp.up_proj") == (0, "mlp.up_proj")
    assert chosen_place(MATRICES, "9", None) == (0, "self_attn.q_proj")


def test_views() -> None:
    cells, shown = view_cells("this", "achieved", MATRICES, (), {})
    assert shown.title == "Sparsity" and [cell.value for cell in cells] == [0.5] * 3
    cells, shown = view_cells("overlap", "achieved", MATRICES, (), {})
    assert shown.title == "Overlap" and [cell.value for cell in cells] == [None] * 3


def test_extremes_in_words() -> None:
    assert extremes({"most": [[3, 0.5]], "least": [[0, 0.5]]}, "rows").startswith("All rows")
    assert "3 (75.0" in extremes({"most": [[3, 0.75]], "least": [[0, 0.5]]}, "rows")
