"""Explore live in real headless Chromium: drag, see masks and overlap, kill the explorer, ask again, open the address anew."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from fairprune.paths import home
from fairprune.store import open_store
from tests.browser import chromium, server, settled, watched
from tests.explored import explored

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
SPACE = "\N{NO-BREAK SPACE}"
MEASURED = "127 tokens predicted"


def explorers() -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get("FAIRPRUNE_HOME") == str(home())
            if mine and "fairprune.worker" in process.cmdline():
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def test_from_the_slider_to_a_run(tiny_folder):
    with open_store() as store:
        ground = explored(store, tiny_folder)
    times = {"FAIRPRUNE_WORKER_IDLE": "1", "FAIRPRUNE_EXPLORER_IDLE": "20"}
    with server(home(), **times) as (address, _), chromium() as browser:
        page, wrong = watched(browser, address)
        page.goto(f"{address}/Prune?mode=explore")
        page.get_by_text(MEASURED).wait_for(timeout=90_000)
        settled(page)
        slider = page.get_by_role("slider").first
        slider.focus()
        for _ in range(25):  # a dragged slider: many settings, one answer that is shown
            slider.press("ArrowRight")
        # 75 % of 16 and of 32 inputs is exact, and half of what was kept at 50 %.
        page.get_by_text(f"75.000{SPACE}%").wait_for(timeout=30_000)
        page.get_by_text(MEASURED).wait_for(timeout=30_000)
        page.get_by_text("Overlap", exact=True).click()
        page.get_by_text("Jaccard index of the weights").wait_for()
        page.locator(".js-plotly-plot").first.wait_for()
        settled(page)
        assert "setting=wanda%400.75" in page.url and "beside=wanda" in page.url

        # Another browser opens the same view by its address, as a session of its own.
        fresh, also_wrong = watched(browser, address, width=360, height=800, dark=True)
        fresh.goto(page.url)
        fresh.get_by_text(MEASURED).wait_for(timeout=60_000)
        fresh.get_by_text(f"75.000{SPACE}%").wait_for()
        assert not also_wrong, also_wrong
        fresh.context.close()

        # Nobody answers any more: the next question starts another explorer.
        for pid in explorers():
            os.kill(pid, signal.SIGKILL)
        slider = page.get_by_role("slider").first
        slider.focus()
        slider.press("ArrowLeft")
        page.get_by_text(f"asked 74.00{SPACE}%").wait_for(timeout=90_000)
        page.get_by_text(MEASURED).wait_for(timeout=30_000)
        settled(page)

        page.get_by_role("button", name="Make this a run").click()
        page.wait_for_url("**/Prune?*run=*", timeout=30_000)
        page.get_by_text("Unstructured zeros change neither").wait_for(timeout=120_000)
        run_id = page.url.split("run=")[1].split("&")[0]
        assert not wrong, wrong
        page.go_back()
        settled(page)
    with open_store() as store:
        run = store.run(run_id)
        assert (run.state, run.spec.pruning.sparsity) == ("done", 0.74)
        assert run.spec.pruning.options == {"propagate": "dense"}
        assert store.result(run.id, "statistics")["reused"]
        assert {one.id for one in store.runs()} == {run.id, ground.run.id}
