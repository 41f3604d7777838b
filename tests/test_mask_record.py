"""What a run leaves of its masks: worker, store, file, deletion."""

from __future__ import annotations

import numpy as np
import pytest

from fairprune import mask_files
from fairprune.allocation import Target
from fairprune.mask_details import SCORE_BINS, Competition, result_kind
from fairprune.mask_record import MaskRecord, competition
from fairprune.methods import get_method
from fairprune.models import load
from fairprune.plan import plan_run
from fairprune.prune import LayerPruned, prune
from fairprune.store import open_store
from fairprune.worker import Execution
from tests.toy_corpus import import_toy


@pytest.fixture
def store():
    with open_store() as opened:
        yield opened


def pruned(store, tiny_folder, **values):
    """A run as far as its pruning."""
    asked = {"method": "wanda", "sparsity": 0.5, "seqlen": 160, "calibration_samples": 2, "samples": 1}
    spec = plan_run(model=str(tiny_folder), corpus=import_toy(), device="cpu", **{**asked, **values})
    run, _ = store.submit(spec)
    store.claim("cpu", 1)
    job = Execution(store, run.id, spec)
    for step in (job.load_model, job.cut_windows, job.collect_statistics, job.prune):
        step()
    return run, job


@pytest.mark.parametrize(
    ("values", "within"),
    [
        ({"method": "wanda"}, "row"),
        ({"method": "magnitude"}, "matrix"),
        ({"method": "sparsegpt"}, "columns"),
        ({"method": "wanda", "pattern": "2:4", "sparsity": None}, "pattern"),
        ({"method": "hgla", "allocation": "global"}, "row"),
    ],
)
def test_the_worker_keeps_masks_and_details(store, tiny_folder, values, within):
    run, job = pruned(store, tiny_folder, **values)
    matrices = {matrix.name: matrix for matrix in job.report.matrices}
    with mask_files.opened(run.id) as masks:
        assert list(masks.columns) and set(masks.columns) == set(matrices)
        for name, matrix in matrices.items():
            keep = masks.keep(name)
            assert keep.shape == (matrix.rows, matrix.columns)
            assert int((~keep).sum()) == matrix.dropped
            weight = job.loaded.linears()[name].weight.detach().float().numpy()
            assert not weight[~keep].any()
    for block in range(2):
        found = store.result(run.id, result_kind(block))
        assert set(found) == {name for name, matrix in matrices.items() if matrix.block == block}
        for name, details in found.items():
            matrix = matrices[name]
            assert sum(details["rows"]["counts"]) == matrix.rows
            assert sum(details["columns"]["counts"]) == matrix.columns
            score = details["score"]
            assert len(score["kept"]) == SCORE_BINS
            assert sum(score["dropped"]) == matrix.dropped and score["n"] == matrix.rows * matrix.columns
            assert score["cut"]["within"] == within
            assert details["parts"]["what"] == ("heads" if "attn" in name else "neurons")
            if within == "pattern":
                assert details["pattern"]["exact"] == details["pattern"]["groups"] == score["n"] // 4
    assert any("masks kept" in line.text for line in store.logs(run.id))


def test_details_do_not_change_what_is_pruned(tiny_folder):
    method = get_method("magnitude")
    options = method.parse_options({})
    found = []
    for described in (False, True):
        loaded = load(tiny_folder)
        describe = (lambda one: {"n": one.kept.numel()}) if described else None
        events = [
            event
            for event in prune(loaded, method, options, Target(0.5), describe=describe)
            if isinstance(event, LayerPruned)
        ]
        assert all((event.details is None) is not described for event in events)
        found.append([event.keep.numpy() for event in events])
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))


def test_deletion_removes_the_masks(store, tiny_folder):
    run, _ = pruned(store, tiny_folder, method="magnitude")
    store.finish(run.id, "done")
    assert mask_files.kept(run.id)
    store.delete(run.id[:8])
    assert not mask_files.kept(run.id)
    assert store.result(run.id, result_kind(0)) is None


def test_masks_of_large_models_are_not_kept_and_the_run_says_so(store, tiny_folder, monkeypatch):
    monkeypatch.setattr(mask_files, "LIMIT_WEIGHTS", 100)
    run, _ = pruned(store, tiny_folder, method="magnitude")
    assert not mask_files.kept(run.id)
    assert any(
        "masks are not kept" in line.text and "more than 100" in line.text for line in store.logs(run.id)
    )
    assert store.result(run.id, result_kind(1)) is not None  # the details are small whatever the model


def test_a_full_disk_ends_no_run(store, tiny_folder, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(mask_files, "save_file", full)
    run, job = pruned(store, tiny_folder, method="magnitude")
    assert job.report.achieved == 0.5
    assert any("No space left" in line.text for line in store.logs(run.id))


def test_competition_of_methods():
    def of(name, pattern=None, **options):
        method = get_method(name)
        return competition(method, method.parse_options(options), pattern)

    assert of("wanda") == Competition("row")
    assert of("magnitude") == Competition("matrix")
    assert of("magnitude", compare="row") == Competition("row")
    assert of("sparsegpt", block_size=64) == Competition("columns", 64)
    assert of("wanda", (2, 4)) == Competition("pattern", 4, 2)


def test_what_waits_is_stored_at_the_end(store, tiny_folder):
    loaded = load(tiny_folder)
    record = MaskRecord(store, "no run", loaded)
    assert record.keeps and "masks kept" in record.close()
