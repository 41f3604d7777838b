"""Pruning into a folder from Python: statistics are reused, progress is spoken."""

from __future__ import annotations

import numpy as np
import pytest

from fairprune.errors import BadInput
from fairprune.plan import plan_run
from fairprune.pruning_job import prune_to_folder, read_ids
from tests.conftest import TINY


def spec(method="hgla", sparsity=0.5):
    return plan_run(
        model=str(TINY), method=method, sparsity=sparsity, device="cpu", summaries=False, windows=False
    )


def test_a_second_sparsity_reads_the_stored_statistics(tmp_path):
    ids = read_ids(TINY / "calibration_ids.npy")
    said: list[str] = []
    prune_to_folder(spec(), tmp_path / "one", ids, said.append)
    assert "statistics: window 12 of 12" in said and not any("reused" in line for line in said)
    said.clear()
    report = prune_to_folder(spec(sparsity=0.3), tmp_path / "two", ids, said.append)
    assert "statistics of these windows are stored already: reused" in said
    assert report.achieved == pytest.approx(38400 / 129024)  # as the reference counts at 0.3
    other = ids.copy()
    other[0, 0] += 1
    said.clear()
    prune_to_folder(spec(), tmp_path / "three", other, said.append)
    assert not any("reused" in line for line in said)


def test_nothing_is_computed_for_a_folder_that_cannot_be_used(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    said: list[str] = []
    with pytest.raises(BadInput, match="not an empty folder"):
        prune_to_folder(spec(), tmp_path / "full", np.zeros((1, 4), dtype=np.int32), said.append)
    assert not said


def test_windows_longer_than_the_models_context_are_refused(tmp_path):
    longer = np.tile(read_ids(TINY / "calibration_ids.npy"), (1, 2))  # 96 tokens; the config says 48
    with pytest.raises(BadInput, match=r"windows of 96 tokens are longer than the context .*which has 48"):
        prune_to_folder(spec(), tmp_path / "out", longer, lambda _text: None)
    assert not (tmp_path / "out").exists()
