"""Words of the list of runs, and the form's way into the address and back, without a page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from fairprune.errors import BadInput
from fairprune.remaining import usual_seconds
from fairprune.spec import PRESETS, build
from fairprune.store import Run, open_store
from fairprune.ui import prefill
from fairprune.ui.run_filters import sweep_facts
from fairprune.ui.run_live import progress_text, waiting_text
from fairprune.ui.run_rows import facts, row_html
from tests.pages.filled import spec

HOSTILE = "<img src=x onerror=alert(1)>"
START = datetime(2025, 1, 2, 3, 4, tzinfo=UTC)


def run_of(**values: Any) -> Run:
    with open_store("sqlite://") as store:
        run, _ = store.submit(spec())
    return replace(run, created=START, **values)


def test_a_row_escapes_whatever_people_and_models_write() -> None:
    html = row_html(run_of(name=HOSTILE, notes=HOSTILE, tags=(HOSTILE,), error=HOSTILE, state="failed"), None)
    assert "<img" not in html and html.count("&lt;img") == 3  # the name is the link, drawn by Streamlit
    running = row_html(run_of(state="running", stage="pruning", message="block 3 of 6"), None)
    assert "pruning" not in running and "block 3" not in running


def test_long_errors_and_notes_are_cut() -> None:
    html = row_html(run_of(state="failed", error="e" * 500, notes="first\nsecond"), None)
    assert "E" + "e" * 219 + " …" in html and "“first …”" in html


def test_a_missing_number_has_its_reason_and_its_count() -> None:
    cell = {"value": None, "low": None, "high": None, "n": 0, "n_unscored": 3, "reason": "no match <3>"}
    headline = {
        "sparsity": {"asked": 0.5, "achieved": 0.4987},
        "metrics": {"bur": {"dense": {**cell, "value": 0.25, "n": 4, "n_unscored": 0}, "pruned": cell}},
    }
    html = row_html(run_of(state="done"), headline).replace("\N{NO-BREAK SPACE}", " ")
    assert "49.87 %" in html and "asked 50 %" in html
    assert "dense, no interval, n = 4" in html
    assert "pruned, no match &lt;3&gt;, n = 0, 3 unscored" in html


def test_facts_of_a_row() -> None:
    run = run_of(state="done", name="Mine", seconds={"pruning": 61.0}, origin="imported")
    assert (
        facts(run)
        == f"{run.title} · seed 0 · cpu · 2025-01-02 03:04 UTC · took 1 min 1 s · imported · {run.id[:6]}"
    )


def test_progress_in_words() -> None:
    run = run_of(state="running", started=START, stage="pruning", done=1, total=2, message="block 1 of 2")
    now = START + timedelta(seconds=10)
    # 10 s for one of two steps: 10 more; then the two later stages of 4 s each
    usual = {"pruned summaries": 4.0, "metrics": 4.0}
    assert progress_text(run, usual, now) == "pruning: block 1 of 2 · 10 s elapsed, about 18 s left"
    assert progress_text(replace(run, started=None, stage=None, message=""), {}, now) == "starting"


def test_what_waits_is_named_and_counted() -> None:
    with open_store("sqlite://") as store:
        waiting = [store.submit(spec(share / 10))[0] for share in range(1, 6)]
        text = waiting_text(waiting, 5, partial(usual_seconds, store), []).replace("\\", "")
        assert (
            "Waiting (5): model · magnitude 10%" in text and "and 2 more" in text and "All done" not in text
        )
        store.claim("cpu", 1)
        store.stage_seconds(waiting[0].id, "pruning", 30.0)
        store.finish(waiting[0].id, "done")
        assert "All done in about 2 min 0 s" in waiting_text(
            waiting[1:], 4, partial(usual_seconds, store), []
        )  # 4 · 30 s


def test_a_sweep_says_what_it_varied() -> None:
    axes = {"sparsity": [0.1, 0.25], "pattern": [], "seed": [0], "method": ["wanda", "hgla"]}
    found = [(name, values.replace("\N{NO-BREAK SPACE}", " ")) for name, values in sweep_facts(axes)]
    assert found == [("sparsity", "10 %, 25 %"), ("method", "wanda, hgla")]


def test_the_preset_of_a_run_is_told_by_its_perplexity_windows() -> None:
    for name, preset in PRESETS.items():
        made = build(
            model={"name": "m"},
            pruning={"method": "wanda"},
            calibration=preset["calibration"],
            evaluation=preset["evaluation"],
        )
        assert prefill.preset_of(made) == name
        assert prefill.address_of(made)["preset"] == name
        assert prefill.states_of(made)["batch_size"] is None  # as the preset has it


def test_values_of_the_address_fill_the_widgets_of_a_run_and_of_a_sweep() -> None:
    assert prefill.states_of_value("method", "hgla,wanda") == {
        "method": "hgla",
        "sweep.method": ["hgla", "wanda"],
    }
    assert prefill.states_of_value("sparsity", "0.35,0.5") == {
        "sweep.sparsity": ["35%", "50%"],
        "kind": "unstructured",
        "sparsity": 35,
    }
    assert prefill.states_of_value("pattern", "1:8")["pattern_typed"] == "1:8"
    assert prefill.states_of_value("pattern", "") == {"sweep.pattern": []}
    assert prefill.states_of_value("model", "owner/name")["model_typed"] == "owner/name"
    assert prefill.states_of_value("calibration", "general:c4")["calibration_texts"] == "general:c4"
    with pytest.raises(BadInput, match="outside"):
        prefill.states_of_value("sparsity", "0.5,1")


def test_differences_name_what_changed() -> None:
    other = spec(0.4, metrics={"tau": "0.7", "margins": {"bur": 0.1}})
    found = prefill.differences(other, spec(0.5))
    assert found[0].startswith("metrics.margins bur 0.05") and "→ bur 0.1," in found[0]
    assert found[1:] == ["metrics.tau 0.8 → 0.7", "pruning.sparsity 0.5 → 0.4"]
    assert prefill.differences(spec(), spec()) == []
