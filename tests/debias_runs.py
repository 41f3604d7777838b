"""Whole runs with an edit or a recovery on the tiny model, for tests of the worker, the report and the pages."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

from fairprune.debias import awareness
from fairprune.plan import plan_run
from fairprune.spec import RunSpec
from fairprune.store import Run, Store
from fairprune.worker import main
from tests.debias.spinning import three_sets

ASKED: dict[str, Any] = {
    "method": "wanda",
    "options": {"propagate": "dense"},
    "sparsity": 0.5,
    "samples": 3,
    "seqlen": 160,
    "calibration_samples": 2,
    "max_new_tokens": 10,
    "device": "cpu",
}


def own_sets(n: int = 6) -> dict[str, str]:
    """Role → name of an uploaded set of n prompts in the words of the tiny model."""
    found = {}
    for role, one in three_sets(n).items():
        rows = io.StringIO()
        writer = csv.writer(rows)
        writer.writerow(["prompt", "response", "unsafe_response", "pair"])
        for item in one.items:
            writer.writerow([item.prompt, item.response, item.unsafe_response, item.pair or ""])
        found[role] = awareness.PREFIX + awareness.save_uploaded(rows.getvalue().encode(), f"{role}.csv")
    return found


def edit(**values: Any) -> dict[str, Any]:
    """A SPIN edit that the tiny model has weights for."""
    return {"ratio": 0.08, "general_ratio": 0.02, "samples": 3, **own_sets(), **values}


def plan(folder: Path, corpus: str, **values: Any) -> RunSpec:
    return plan_run(model=str(folder), corpus=corpus, **{**ASKED, **values})


def execute(store: Store, spec: RunSpec) -> tuple[Run, int]:
    """The run, executed in this process, and its exit code."""
    run, _ = store.submit(spec)
    store.claim("cpu", 1)
    code = main([run.id])
    return store.run(run.id), code


def sides_accepted(monkeypatch: Any) -> None:
    """A random model reads all texts alike, and the split is refused: here what it finds is taken for two sets all the same."""
    from fairprune.debias import denp

    refused = denp.two_means
    monkeypatch.setattr(denp, "two_means", lambda *asked: replace(refused(*asked), accepted=True))
