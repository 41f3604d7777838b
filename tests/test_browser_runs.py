"""The list of runs and the sweep in real headless Chromium: by keyboard, on a narrow window, and with the tiny model."""

from __future__ import annotations

import pytest

from fairprune.executors.launch import device_lock
from fairprune.paths import home
from fairprune.store import open_store
from tests.browser import chromium, server, settled, watched
from tests.pages.filled import fill, spec
from tests.test_browser import choose
from tests.test_browser import fill as type_in
from tests.toy_corpus import import_toy

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def press(page, name):
    """Presses a button by keyboard alone."""
    button = page.get_by_role("button", name=name, exact=True).first
    button.focus()
    button.press("Enter")
    settled(page)


def test_runs_are_found_named_tagged_retried_and_deleted_by_keyboard():
    with open_store() as store, device_lock("cpu").acquire(timeout=1):
        done = fill(store)
        failed = store.submit(spec(0.2))[0]
        store.claim("cpu", 1)
        store.finish(failed.id, "failed", "<img src=x onerror=alert(1)> is gone", "Traceback: a line")
        with server(home()) as (address, _), chromium() as browser:
            page, wrong = watched(browser, address, width=360, height=900)
            page.goto(f"{address}/Runs")
            settled(page)
            page.get_by_text("<img src=x onerror=alert(1)> is gone").wait_for()
            # Nothing is wider than the window.
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
            find = page.get_by_label("Find", exact=True)
            find.fill("magnitude 20%")
            find.press("Enter")
            page.wait_for_url("**text=magnitude*")
            page.get_by_text("1 of 2 runs").wait_for()
            press(page, "Start again")
            page.get_by_text("1 run waits again.").wait_for()
            assert store.run(failed.id).state == "queued"

            # The same view in a fresh browser, and the way back.
            fresh, also_wrong = watched(browser, address)
            fresh.goto(page.url)
            settled(fresh)
            fresh.get_by_text("1 of 2 runs").wait_for()
            press(fresh, "Clear the filters")
            fresh.wait_for_url(lambda url: "text=" not in url)
            fresh.go_back()
            fresh.get_by_text("1 of 2 runs").wait_for(timeout=10_000)
            press(fresh, "Clear the filters")

            row = fresh.locator(f".st-key-runs-row-{done.id}")
            row.get_by_role("button", name="Details").press("Enter")
            settled(fresh)
            name = fresh.get_by_label("Name", exact=True)
            name.fill("For Oslo")
            notes = fresh.get_by_label("Notes", exact=True)
            notes.fill("slide 4")
            press(fresh, "Save")
            fresh.get_by_text("“slide 4”").wait_for()
            assert store.run(done.id).label == "For Oslo"

            box = row.get_by_role("checkbox", name="Choose")
            box.focus()
            box.press("Space")
            fresh.get_by_text("1 chosen").wait_for()
            fresh.get_by_role("button", name="More").press("Enter")
            fresh.get_by_label("Tags for all chosen runs, separated by commas").fill("talk")
            fresh.get_by_label("Tags for all chosen runs, separated by commas").press("Enter")
            press(fresh, "Tag them")
            fresh.get_by_text("1 run has talk now.").wait_for()
            settled(fresh)
            if not fresh.get_by_role("button", name="Delete …").is_visible():  # it may have closed by itself
                fresh.get_by_role("button", name="More").press("Enter")
            press(fresh, "Delete …")
            fresh.get_by_text("This cannot be undone").wait_for()
            assert len(store.run_ids()) == 2
            press(fresh, "Delete 1 run")
            fresh.get_by_text("1 run is deleted.").wait_for()
            assert store.run_ids() == [failed.id]
            assert not wrong and not also_wrong, (wrong, also_wrong)


def test_a_sweep_from_the_form_to_its_results(tiny_folder):
    import_toy()
    with server(home(), FAIRPRUNE_WORKER_IDLE="1") as (address, _), chromium() as browser:
        page, wrong = watched(browser, address)
        page.goto(f"{address}/Prune?mode=sweep&model={tiny_folder}&method=magnitude&sparsity=0.25,0.5")
        settled(page)
        choose(page, "Corpus", "toy")
        page.get_by_text("More settings").click()
        for label, value in (("Opinion sets", 2), ("New tokens per summary", 8)):
            type_in(page, label, str(value))
        page.get_by_role("button", name="Start 2 runs").click()
        page.wait_for_url("**/Runs?sweep=*", timeout=60_000)
        page.get_by_text("2 of 2 runs done").wait_for(timeout=240_000)
        settled(page)
        assert page.get_by_text("Achieved sparsity").count() == 2
        with open_store() as store:
            (sweep,) = store.sweeps()
            assert [run.state for run in store.runs_of(sweep.run_ids)] == ["done", "done"]
        # The same sweep again is stored: it is opened, and nothing is computed.
        page.go_back()
        page.get_by_role("button", name="Open the stored sweep").wait_for(timeout=60_000)
        assert not wrong, wrong
