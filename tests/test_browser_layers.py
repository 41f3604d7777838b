"""The page Layers in real headless Chromium: a click on a cell opens its matrix, on narrow windows too."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from fairprune.paths import home
from tests.browser import chromium, server, settled, watched
from tests.pages.test_layers import fill_with_masks

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def click_cell(page: Page, column: float, row: float) -> None:
    """Clicks at a place of the heatmap: shares of its width and height."""
    plot = page.locator(".js-plotly-plot .nsewdrag").first
    plot.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    box = plot.bounding_box()
    assert box is not None
    x, y = box["x"] + column * box["width"], box["y"] + row * box["height"]
    page.mouse.move(x, y)
    page.wait_for_timeout(300)
    page.mouse.click(x, y)


@pytest.mark.parametrize("width", [1400, 360])
def test_a_click_on_a_cell_opens_its_matrix(width: int) -> None:
    run, other = fill_with_masks(0.5, 0), fill_with_masks(0.25, 1)
    with server(home()) as (address, _), chromium() as browser:
        page, wrong = watched(browser, address, width=width)
        page.goto(f"{address}/Layers?run={run.id}&other={other.id}&view=difference&measure=asked")
        settled(page)
        page.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=30_000)
        page.get_by_text("Block 0 · self_attn.q_proj").wait_for()
        # Two blocks, two projections. Far from the middle of the cell of block 1, q:
        click_cell(page, 0.04, 0.9)
        page.wait_for_url("**/Layers?*block=1*", timeout=30_000)
        settled(page)
        page.get_by_text("Block 1 · self_attn.q_proj").wait_for(timeout=30_000)
        assert "matrix=self_attn.q_proj" in page.url and f"other={other.id}" in page.url
        click_cell(page, 0.95, 0.1)
        page.wait_for_url("**/Layers?*matrix=mlp.up_proj*", timeout=30_000)
        settled(page)
        page.get_by_text("Block 0 · mlp.up_proj").wait_for(timeout=30_000)

        # The address opens the same view in a fresh browser, and nothing is wider than the window.
        fresh, also_wrong = watched(browser, address, width=width, dark=True)
        fresh.goto(page.url)
        settled(fresh)
        fresh.get_by_text("Block 0 · mlp.up_proj").wait_for(timeout=30_000)
        fresh.get_by_text("Of this run minus the other one").wait_for()
        main = fresh.locator('[data-testid="stMain"]')
        assert main.evaluate("one => one.scrollWidth") <= width
        assert not wrong and not also_wrong, (wrong, also_wrong)
