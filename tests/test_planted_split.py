"""Calibration by DENP as a whole run in a real worker, on a model in which who loses by pruning is planted."""

from __future__ import annotations

import numpy as np
import pytest

from fairprune import jobs
from tests.debias_runs import plan
from tests.executors.place import opened_place
from tests.planted import RARE, planted_corpus, planted_model

SECONDS = 300.0


@pytest.fixture
def place(tmp_path, monkeypatch):
    with opened_place(tmp_path, monkeypatch) as made:
        yield made


@pytest.mark.slow
def test_calibration_by_denp_weighs_the_texts_that_pruning_hurts(place, tmp_path):
    model, corpus = planted_model(tmp_path / "planted"), planted_corpus()
    asked = {"calibration_samples": 31, "seqlen": 160}
    specs = [plan(model, corpus, calibration=name, **asked) for name in ("balanced", "denp")]
    runs = [place.ended(jobs.submit(spec, place.store)[0].id, SECONDS) for spec in specs]
    assert [run.state for run in runs] == ["done", "done"], [run.error_detail for run in runs]
    rac = place.store.result(runs[1].id, "debias")["calibration"]["rac"]
    split = rac["split"]
    assert split["accepted"] and split["gap"] > split["limit"]
    # Told without labels; these were held back, and say that it is the planted texts.
    [rare] = [row for row in rac["auroc"] if row["group"] == RARE]
    assert (
        rare["rac"]["value"] > 0.8 and rare["difference"]["value"] > 0
    )  # of too few films for a narrow interval
    # An odd number of windows: of an even one both kinds have as many tokens, and nothing would be weighed.
    assert rac["n"] < rac["places"] and rac["shares"]["before"] != rac["shares"]["after"] == pytest.approx(
        0.5
    )
    windows = [place.store.result(run.id, "calibration") for run in runs]
    weights = np.array(windows[1]["weights"])
    assert weights.shape == (31,) and weights.mean() == pytest.approx(1) and weights.std() > 0
    assert windows[0]["windows"] == windows[1]["windows"] and "weights" not in windows[0]
    # Same windows, other weights: other statistics, whose sums nobody reuses for the other run. Both kinds are as many, so that
    # weights are near 1 and the masks of so small a model may be the same.
    places = [place.store.result(run.id, "statistics")["place"]["windows"] for run in runs]
    assert places[0] != places[1]
    reports = [place.store.result(run.id, "sparsity") for run in runs]
    assert reports[0]["dropped"] == reports[1]["dropped"]
