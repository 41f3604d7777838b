"""Somebody who explores, in real headless Chromium: from the examples to a run, its summaries, its layers, and all the way back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from fairprune.paths import home
from tests.browser import chromium, server, settled, watched

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def follow(page: Page, link: str, where: str) -> None:
    page.get_by_role("link", name=link, exact=True).first.click()
    page.wait_for_url(where)
    settled(page)


def test_from_the_examples_to_the_layers_and_back() -> None:
    with server(home(), FAIRPRUNE_EXAMPLES="1") as (address, _), chromium() as browser:
        page, wrong = watched(browser, address)
        page.goto(address)
        settled(page)
        visited = [page.url]
        follow(page, "What does fairness cost?", "**/Trade-offs*")
        visited.append(page.url)

        page.locator(".js-plotly-plot .points path").first.wait_for(timeout=30_000)
        page.wait_for_timeout(1500)  # the figure moves until it is drawn
        place = (
            page.locator(".js-plotly-plot").first.locator(".scatterlayer .points path").first.bounding_box()
        )
        assert place is not None
        page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        page.locator(".hoverlayer text").first.wait_for()
        page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        settled(page)
        page.get_by_text("All fairness numbers").first.click()
        page.wait_for_url("**/Fairness?run=*")
        settled(page)
        run = page.url.split("run=")[1].split("&")[0]
        visited.append(page.url)

        # The run goes along from page to page.
        for name in ("Summaries", "Layers"):
            follow(page, name, f"**/{name}?*run={run}*")
            visited.append(page.url)

        # The back button takes one page after the other, each with what was chosen there.
        assert len(set(visited)) == 5
        for url in reversed(visited[:-1]):
            for _ in range(3):
                page.go_back()
                settled(page)
                if page.url == url:
                    break
            assert page.url == url
        page.get_by_role("heading", name="Who is still heard after pruning?").wait_for()
        assert not wrong, wrong
