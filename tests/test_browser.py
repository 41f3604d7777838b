"""The main job in real headless Chromium: open Prune, start a run on the tiny model, read its result by address."""

from __future__ import annotations

import time

import pytest

from fairprune.paths import home
from tests.browser import chromium, server, settled, watched
from tests.toy_corpus import import_toy

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def test_a_run_from_the_form_to_its_pages(tiny_folder, monkeypatch):
    corpus = import_toy()
    with server(home(), FAIRPRUNE_WORKER_IDLE="1") as (address, started), chromium() as browser:
        page, wrong = watched(browser, address)
        start = time.monotonic()
        page.goto(address)
        settled(page)
        first = time.monotonic() - start
        print(f"server up after {started:.1f} s, first page usable {first:.1f} s later")

        page.goto(f"{address}/Prune")
        settled(page)
        choose(page, "Model", "Another")
        fill(page, "Hub id or folder", str(tiny_folder))
        choose(page, "Corpus", "toy")
        page.get_by_text("More settings").click()
        for label, value in (
            ("Calibration windows", 2),
            ("Tokens per window", 200),
            ("Opinion sets", 3),
            ("New tokens per summary", 10),
        ):
            fill(page, label, str(value))
        page.get_by_role("button", name="Start").click()
        page.wait_for_url("**/Prune?*run=*", timeout=30_000)
        run_id = page.url.split("run=")[1].split("&")[0]
        assert len(run_id) == 16
        page.get_by_text("Unstructured zeros change neither").wait_for(timeout=120_000)
        settled(page)
        assert "50.00" in page.inner_text('[data-testid="stMain"]')

        for name, shows in (
            ("Summaries", "product"),
            ("Layers", "self_attn.q_proj"),
            ("Fairness", "demonstration, no inference"),
        ):
            fresh, also_wrong = watched(browser, address)
            fresh.goto(f"{address}/{name}?run={run_id}")
            settled(fresh)
            fresh.wait_for_function(
                "text => document.body.innerText.includes(text) || document.documentElement.innerHTML.includes(text)",
                arg=shows,
            )
            if name != "Summaries":
                fresh.locator(".js-plotly-plot").first.wait_for(timeout=30_000)
            assert not also_wrong, (name, also_wrong)
            fresh.context.close()
        page.goto(address)
        page.get_by_text(corpus).first.wait_for(timeout=30_000)
        assert not wrong, wrong


def choose(page, label: str, text: str) -> None:
    """Types into a select box and takes the first match."""
    box = page.get_by_role("combobox", name=label).first
    box.click()
    box.fill(text)
    page.get_by_role("option").first.click()
    settled(page)


def fill(page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")
    settled(page)
