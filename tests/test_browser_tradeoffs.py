"""Trade-offs in real headless Chromium: a pasted address, another metric, back and forth, a click on a mark."""

from __future__ import annotations

import pytest

from fairprune.paths import home
from tests.browser import chromium, server, settled, watched
from tests.pages.test_tradeoffs import write

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def test_an_address_a_metric_and_the_way_back():
    runs = [write(3, 0.25, "wanda"), write(6, 0.5, "wanda"), write(6, 0.5)]
    with server(home()) as (address, _), chromium() as browser:
        page, wrong = watched(browser, address)
        page.goto(f"{address}/Trade-offs?runs={','.join(run.id[:8] for run in runs)}")
        settled(page)
        page.locator(".js-plotly-plot .points path").first.wait_for(timeout=30_000)
        assert page.get_by_text("BUR, binary unfair rate").count() == 1

        page.get_by_role("combobox", name="Fairness, upwards").click()
        page.get_by_role("option", name="UER").click()
        page.wait_for_url("**y=uer*")
        page.get_by_text("UER, unfair error rate").wait_for()
        settled(page)
        page.go_back()
        page.get_by_text("BUR, binary unfair rate").wait_for()
        settled(page)
        assert "y=" not in page.url and "runs=" in page.url
        page.go_forward()
        page.get_by_text("UER, unfair error rate").wait_for()
        settled(page)

        fresh, also_wrong = watched(browser, address, width=360, height=800, dark=True)
        fresh.goto(page.url)
        fresh.get_by_text("UER, unfair error rate").wait_for(timeout=60_000)
        settled(fresh)
        assert fresh.evaluate("document.documentElement.scrollWidth") <= 360
        assert not also_wrong, also_wrong
        fresh.context.close()

        with page.expect_download() as picture:
            page.locator('[data-title^="Download plot"]').first.dispatch_event("click")
        assert picture.value.suggested_filename == "trade-offs-uer.png"

        page.wait_for_timeout(1000)  # the figure moves until it is drawn
        mark = page.locator(".js-plotly-plot").first.locator(".scatterlayer .points path").first
        place = mark.bounding_box()
        assert place is not None
        page.mouse.move(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        page.locator(".hoverlayer text").first.wait_for()
        page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
        page.get_by_text("All fairness numbers").first.click()
        page.wait_for_url("**/Fairness?run=*")
        settled(page)
        assert page.url.split("run=")[1] in {run.id for run in runs}
        page.go_back()
        page.get_by_text("UER, unfair error rate").wait_for()
        settled(page)
        assert "/Trade-offs" in page.url and "y=uer" in page.url
        assert not wrong, wrong
