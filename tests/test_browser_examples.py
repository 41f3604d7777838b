"""The examples in real headless Chromium: an empty store shows them at once, and an address opens the same view anywhere."""

from __future__ import annotations

import pytest

from fairprune.paths import home
from fairprune.store import open_store
from tests.browser import chromium, server, settled, watched

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
MAIN = '[data-testid="stMain"]'


def test_an_empty_store_shows_examples_and_every_view_has_an_address():
    with server(home(), FAIRPRUNE_EXAMPLES="1") as (address, _), chromium() as browser:
        page, wrong = watched(browser, address)
        page.goto(address)
        settled(page)
        text = page.inner_text(MAIN)
        assert "One summary that changed" in text and "example" in text and "No run yet" not in text
        page.get_by_role("link", name="Read it beside the opinions").click()
        page.wait_for_url("**/Summaries?*sample=*")
        settled(page)
        assert not wrong, wrong
        run = page.url.split("run=")[1].split("&")[0]
        with open_store() as store:
            assert store.run(run).origin == "example"

        # What somebody chose, as a link that is opened where nobody has been before.
        page.get_by_role("combobox", name="Order").click()
        page.get_by_role("option", name="Largest change", exact=True).click()
        page.wait_for_url("**order=change*")
        settled(page)
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(500)
        settled(page)
        same_elsewhere(browser, address, page)
        page.goto(f"{address}/Layers?run={run}")
        settled(page)
        page.get_by_role("radio").nth(1).click()
        page.wait_for_url("**measure=*")
        settled(page)
        same_elsewhere(browser, address, page)
        for name in ("Prune", "Fairness", ""):
            page.goto(f"{address}/{name}?run={run}" if name else address)
            settled(page)
            same_elsewhere(browser, address, page)
        assert not wrong, wrong


def same_elsewhere(browser, address, page) -> None:
    """A fresh profile shows the same text and the same choices at this address."""
    fresh, wrong = watched(browser, address)
    fresh.goto(page.url)
    settled(fresh)
    choices = "inputs => inputs.map(input => input.value || input.innerText)"
    fresh.wait_for_function(
        "text => document.querySelector('[data-testid=stMain]').innerText === text", arg=page.inner_text(MAIN)
    )
    inputs = "input[role=combobox]"
    assert fresh.locator(inputs).evaluate_all(choices) == page.locator(inputs).evaluate_all(choices)
    assert fresh.url == page.url and not wrong, wrong
    fresh.context.close()


def test_the_examples_can_be_removed_for_good():
    with server(home(), FAIRPRUNE_EXAMPLES="1") as (address, _), chromium() as browser:
        page, wrong = watched(browser, address)
        page.goto(address)
        settled(page)
        page.locator("summary", has_text="example runs").click()
        button = page.get_by_role("button", name="Remove the examples")
        button.wait_for(state="visible")
        settled(page)  # the button of a frame that is being replaced takes no click
        button.click()
        page.get_by_text("No run yet").wait_for(timeout=90_000)
        assert not wrong, wrong
    with server(home(), FAIRPRUNE_EXAMPLES="1") as (address, _), chromium() as browser:
        page, _wrong = watched(browser, address)
        page.goto(address)
        settled(page)
        assert "No run yet" in page.inner_text(MAIN)


def test_a_pasted_caption_and_an_uploaded_bundle(tmp_path):
    from fairprune.bundle import write_bundle
    from fairprune.store import open_store as opened
    from tests.pages.filled import fill

    with opened("sqlite://") as store:
        write_bundle(store, [fill(store).id], tmp_path / "runs.zip")
    with server(home()) as (address, _), chromium() as browser:
        page, wrong = watched(browser, address)
        page.goto(address)
        settled(page)
        page.get_by_text("Open a bundle of runs").click()
        page.locator("input[type=file]").set_input_files(str(tmp_path / "runs.zip"))
        page.get_by_text("1 run imported").wait_for(timeout=30_000)
        page.get_by_role("link", name="Open the first run").click()
        page.wait_for_url("**/Prune?run=*")
        settled(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Save as a bundle").click()
        assert download.value.suggested_filename.startswith("fairprune-")
        page.goto(page.url.replace("Prune", "Fairness"))
        settled(page)
        page.get_by_role("button", name="Caption").first.click()
        page.get_by_text("fair share", exact=False).last.wait_for()
        assert "fairprune 0.1.0" in page.locator('[data-testid="stCode"]').first.inner_text()
        assert not wrong, wrong
