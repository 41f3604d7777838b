"""Edits, recoveries and reports on their way, in a real worker: cancelled, or killed with it, they end at once and leave nothing half."""

from __future__ import annotations

import errno
import os
import signal
import time

import pytest

from fairprune import jobs, mask_files
from fairprune.jobs import LOCAL
from tests.debias_runs import edit, execute, own_sets, plan
from tests.executors.place import gone, opened_place
from tests.toy_corpus import import_toy

SECONDS = 240.0
"""For a worker to come as far as the stage, torch and all, where the machine has other work."""
LONG = {"steps": 100_000, "samples": 4, "seqlen": 160, "batch_size": 2}


@pytest.fixture
def place(tmp_path, monkeypatch):
    with opened_place(tmp_path, monkeypatch) as made:
        yield made


def half_files(place) -> list[str]:
    """What is on its way to the disk: files and folders that are renamed once they are whole."""
    found = [path for path in place.folder.rglob("*") if ".partial" in path.name or path.suffix == ".tmp"]
    return [str(path.relative_to(place.folder)) for path in found]


def under_way(place, run_id, stage, says):
    """The run, in the middle of a stage."""

    def look():
        run = place.store.run(run_id)
        assert run.state in ("queued", "running"), (run.state, run.error, run.error_detail)
        return run if run.stage == stage and 0 < run.done < run.total and says in run.message else None

    return place.until(look, SECONDS)


def nothing_half(place, run_id, part):
    assert half_files(place) == []
    if mask_files.path_of(run_id).exists():  # a recovery comes after the masks, which are whole then
        assert part == "recovery"
        with mask_files.opened(run_id) as masks:
            assert all(masks.keep(name).shape[1] == columns for name, columns in masks.columns.items())
    found = place.store.result(run_id, "debias") or {}
    assert "report" not in found.get(part, {}) and "undo" not in found.get(part, {})


def ends_both_ways(place, spec, stage, says):
    """Cancelled in the middle, asked for again, and killed with its worker in the middle."""
    run, _ = jobs.submit(spec, place.store)
    under_way(place, run.id, stage, says)
    asked = time.monotonic()
    jobs.cancel(run.id, place.store)
    ended = place.ended(run.id, 5)
    assert (ended.state, ended.error, ended.stage) == ("cancelled", None, stage)
    assert time.monotonic() - asked < 5
    nothing_half(place, run.id, stage)

    assert jobs.retry(run.id, place.store).state == "queued"
    again = under_way(place, run.id, stage, says)
    assert again.attempt == 2
    [worker] = place.workers()
    children = [process.pid for process in worker.children(recursive=True)]
    os.kill(worker.pid, signal.SIGKILL)
    place.until(lambda: all(map(gone, [worker.pid, *children])), 5)
    assert LOCAL.settle("cpu", place.store) == [run.id]
    assert place.store.run(run.id).state == "interrupted"
    nothing_half(place, run.id, stage)


@pytest.mark.slow
def test_in_the_middle_of_the_gradient_passes(place, tiny_folder):
    # Before pruning, so that the dense model is not measured on the thousands of prompts first.
    asked = edit(samples=4096, order="before") | own_sets(3000)
    spec = plan(tiny_folder, import_toy(), edit=asked)
    ends_both_ways(place, spec, "edit", "importance of the")


@pytest.mark.slow
def test_in_the_middle_of_the_steps_of_a_recovery(place, tiny_folder):
    spec = plan(tiny_folder, import_toy(), recovery=LONG)
    ends_both_ways(place, spec, "recovery", "step ")


@pytest.mark.slow
def test_in_the_middle_of_the_path_of_denp(place, tiny_folder):
    asked = {"kind": "denp", "steps": 2, "samples": 4096, "seqlen": 160, "batch_size": 2}
    spec = plan(tiny_folder, import_toy(), recovery=asked)
    ends_both_ways(place, spec, "calibration", "losses, ")
    assert place.store.result(spec.id, "debias") is None


@pytest.mark.slow
def test_in_the_middle_of_a_report(place, tiny_folder):
    """It makes the run's model again, with all steps of its recovery."""
    spec = plan(tiny_folder, import_toy(), recovery=LONG)
    run, _ = place.store.submit(spec)
    place.store.claim("cpu", 1)
    place.store.finish(run.id, "done")
    place.store.put_result(run.id, "debias", {"recovery": {"kept": True}})

    def report():
        return place.store.report(run.id, "collapse")

    def on_its_way():
        assert report().state in ("queued", "running"), report().error
        return report().state == "running" and "recovery: step" in report().message

    jobs.ask_collapse(run.id, "sentiment", 16, store=place.store)
    place.until(on_its_way, SECONDS)
    jobs.cancel_report(run.id, place.store)
    place.until(lambda: report().state == "cancelled", 5)
    assert half_files(place) == []
    assert place.store.result(run.id, "debias") == {"recovery": {"kept": True}}
    assert place.store.run(run.id).state == "done"
    # It can be asked for again, and ends with its worker.
    jobs.ask_collapse(run.id, "sentiment", 16, store=place.store)
    place.until(on_its_way, SECONDS)
    [worker] = place.workers()
    children = [
        process.pid for process in worker.children(recursive=True)
    ]  # they hold the device's lock, too
    os.kill(worker.pid, signal.SIGKILL)
    place.until(lambda: all(map(gone, [worker.pid, *children])), 5)
    LOCAL.settle("cpu", place.store)
    assert report().state == "interrupted"
    assert place.store.result(run.id, "debias") == {"recovery": {"kept": True}}


def test_a_full_disk_costs_an_edited_run_its_masks_and_nothing_else(tiny_folder, monkeypatch):
    from fairprune.store import open_store

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(mask_files, "save_file", full)
    with open_store() as store:
        run, code = execute(store, plan(tiny_folder, import_toy(), edit=edit()))
        assert (code, run.state) == (0, "done"), run.error_detail
        assert not list(mask_files.path_of(run.id).parent.glob("*"))
        lines = [line.text for line in store.logs(run.id)]
        assert any(
            "No space left" in line and "overlap with other runs cannot be shown" in line for line in lines
        )
        undo = store.result(run.id, "debias")["edit"]["undo"]
        report = store.result(run.id, "sparsity")
        assert sum(matrix["edited"] for matrix in report["matrices"]) == len(undo) > 0
