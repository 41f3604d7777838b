"""The app by key alone, in real headless Chromium: focus that can be seen and that goes on where one is, the way back through a form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from fairprune.paths import home
from fairprune.store import open_store
from tests.browser import chromium, server, settled, watched
from tests.pages.filled import fill, spec

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
FOCUS = """(() => { const here = document.activeElement;
    return here.tagName === "MAIN" ? "" : here.innerText || here.getAttribute("aria-label"); })()"""
"""What the focused element is called; the scrolling main part is a stop, too, and holds all words."""
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


@pytest.fixture
def opened() -> Iterator[tuple[str, Browser]]:
    with open_store() as store:
        fill(store)
        fill(store, spec(0.25))
    with server(home()) as (address, _), chromium() as browser:
        yield address, browser


def tab_to(page: Page, name: str, *, most: int = 40) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if name in str(page.evaluate(FOCUS) or "").splitlines():
            return
    raise AssertionError(f"{name} is not among the first {most} stops")


def test_the_figure_of_trade_offs_stands_in_the_first_window(opened: tuple[str, Browser]) -> None:
    address, browser = opened
    page, wrong = watched(browser, address, width=1280, height=720)
    page.goto(f"{address}/Trade-offs")
    settled(page)
    figure = page.locator(".js-plotly-plot").first
    figure.wait_for(timeout=30_000)
    box = figure.bounding_box()
    assert box is not None and box["y"] < 500, box

    tab_to(page, "Trade-offs")  # the link of the page one is on, whose ground is that of a focused link
    assert page.evaluate(OUTLINE) == "solid"

    tab_to(page, "Intervals")
    page.keyboard.press("Enter")
    tab_to(page, "Bands", most=3)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.wait_for_url("**intervals=bars*")
    settled(page)
    assert page.evaluate(FOCUS) == "Bars"

    fresh, also_wrong = watched(browser, address, width=360, height=800, dark=True)
    fresh.goto(page.url)
    settled(fresh)
    fresh.get_by_text("Intervals", exact=True).click()
    expect(fresh.get_by_role("radio", name="Bars")).to_have_attribute("aria-checked", "true")
    assert fresh.evaluate("document.documentElement.scrollWidth") <= 360
    assert not wrong and not also_wrong, wrong + also_wrong


def test_the_back_button_takes_back_what_was_set_in_a_form(opened: tuple[str, Browser]) -> None:
    address, browser = opened
    page, wrong = watched(browser, address, width=1280, height=720)
    page.goto(f"{address}/Prune")
    settled(page)
    standard = page.get_by_role("radio", name="Standard")
    standard.focus()
    page.keyboard.press("Space")
    page.wait_for_url("**preset=standard*")
    settled(page)
    page.go_back()
    expect(page.get_by_role("radio", name="Quick")).to_have_attribute("aria-checked", "true")
    settled(page)
    assert "preset" not in page.url

    page.goto(f"{address}/Debias?from=model&lab=spin")
    settled(page)
    corpus = page.get_by_role("combobox", name="Corpus")
    first = corpus.input_value()
    corpus.focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
        page.wait_for_timeout(200)
    page.wait_for_url("**start=corpus*")
    settled(page)
    chosen = corpus.input_value()
    assert chosen != first

    fresh, also_wrong = watched(browser, address)
    fresh.goto(page.url)
    settled(fresh)
    assert fresh.get_by_role("combobox", name="Corpus").input_value() == chosen
    fresh.context.close()

    # Prompts of an edit are no windows of a recovery.
    page.get_by_role("radio", name="Masked recovery").press("Space")
    page.wait_for_url("**lab=recovery*")
    settled(page)
    assert "samples" not in page.url
    page.go_back()
    page.wait_for_url("**lab=spin*")
    settled(page)
    page.go_back()
    expect(corpus).to_have_value(first)
    settled(page)
    assert "start=" not in page.url
    assert not wrong and not also_wrong, wrong + also_wrong
