"""Somebody who is quicker than the network, in real headless Chromium: what the server says arrives after the next presses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from fairprune.paths import home
from fairprune.store import open_store
from fairprune.ui.session import TAKEN_UP
from tests.browser import chromium, free_port, server, settled, watched
from tests.pages.test_tradeoffs import write
from tests.test_voices import sweep

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
APART = 1500
"""Milliseconds between presses: the server has answered the one before, and nothing of it has arrived."""
INTERVALS, PANELS, CAMERA = "95 % intervals", "A panel for each", "Camera of the figures saves"


class Network:
    """What the server says to a page, which can be held back."""

    def __init__(self, page: Page) -> None:
        self.held: list[str | bytes] | None = None
        self.page = page
        page.route_web_socket(lambda url: "/_stcore/stream" in url, self._between)

    def _between(self, route: WebSocketRoute) -> None:
        def arrive(message: str | bytes) -> None:
            if self.held is None:
                route.send(message)
            else:
                self.held.append(message)

        self.route = route
        route.connect_to_server().on_message(arrive)

    @contextmanager
    def slow(self) -> Iterator[None]:
        """Nothing arrives inside; all of it afterwards, in its order."""
        self.held = []
        yield
        self.page.wait_for_timeout(APART)
        held, self.held = self.held, None
        assert held, "the server has said nothing"
        for message in held:
            self.route.send(message)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def opened(browser: Browser, address: str) -> tuple[Page, Network, list[str]]:
    page, wrong = watched(browser, address.partition("/S")[0].partition("/T")[0])
    network = Network(page)
    page.goto(address)
    settled(page)
    page.wait_for_timeout(500)
    return page, network, wrong


def option(page: Page, group: str, name: str) -> Locator:
    """One button of a segmented control."""
    return page.get_by_role("radiogroup", name=group).get_by_role("radio", name=name, exact=True)


def unfold(page: Page) -> None:
    """Shows the pickers of panels and intervals."""
    shown = page.get_by_role("radiogroup", name=INTERVALS)
    if not shown.count():
        page.locator(".st-key-tradeoffs-display summary").click()
        shown.wait_for()
    page.wait_for_timeout(500)  # it unfolds slowly


def press(page: Page, *buttons: Locator) -> None:
    for button in buttons:
        button.click()
        page.wait_for_timeout(APART)


def holds(page: Page, **address: str) -> None:
    """The address has these values; an empty one is not in it."""
    for name, value in address.items():
        if value:
            page.wait_for_url(f"**{name}={value}*", timeout=10_000)
        else:
            assert f"{name}=" not in page.url


@pytest.mark.parametrize("presses", [2, 3])
def test_quick_presses_on_trade_offs_all_stay(browser: Browser, presses: int) -> None:
    runs = [write(3, 0.25, "wanda"), write(6, 0.5, "wanda"), write(6, 0.5)]
    with server(home()) as (address, _):
        where = f"{address}/Trade-offs?runs={','.join(run.id[:8] for run in runs)}&intervals=bars"
        page, network, wrong = opened(browser, where)
        unfold(page)
        wanted = [(INTERVALS, "None"), (PANELS, "Method"), (CAMERA, "SVG")][:presses]
        with network.slow():
            press(page, *(option(page, *one) for one in wanted))
        settled(page)
        written = {"intervals": "none", "facet": "method", "image": "svg" if presses == 3 else ""}
        holds(page, **written)
        for one in wanted:
            expect(option(page, *one)).to_be_checked()

        # The address is a view that a reload and another browser open, and that the back button takes apart press by press.
        page.reload()
        settled(page)
        unfold(page)
        holds(page, **written)
        for one in wanted:
            expect(option(page, *one)).to_be_checked()
        for _ in wanted:
            page.go_back()
            settled(page)
        holds(page, intervals="bars", facet="", image="")
        expect(option(page, INTERVALS, "Bars")).to_be_checked()
        page.go_forward()
        settled(page)
        holds(page, intervals="none", facet="")
        expect(option(page, INTERVALS, "None")).to_be_checked()
        assert not wrong, wrong


def test_what_is_pressed_back_before_it_was_seen_stays_back(browser: Browser) -> None:
    runs = [write(3, 0.25, "wanda"), write(6, 0.5, "wanda"), write(6, 0.5)]
    with server(home()) as (address, _):
        where = f"{address}/Trade-offs?runs={','.join(run.id[:8] for run in runs)}&intervals=bars"
        page, network, wrong = opened(browser, where)
        unfold(page)
        with network.slow():
            press(page, option(page, INTERVALS, "None"), option(page, INTERVALS, "Bars"))
            press(page, option(page, PANELS, "Method"))
        settled(page)
        holds(page, intervals="bars", facet="method")
        expect(option(page, INTERVALS, "Bars")).to_be_checked()
        expect(option(page, PANELS, "Method")).to_be_checked()
        assert not wrong, wrong


def test_quick_presses_on_summaries_all_stay(browser: Browser) -> None:
    """The next sample is no widget that a person has set: what the browser still holds in the box must not undo it."""
    with open_store() as store:
        half, *_ = sweep(store)
    with server(home()) as (address, _):
        page, network, wrong = opened(
            browser, f"{address}/Summaries?run={half.id}&sample=1&order=drawn&view=side"
        )
        box = page.get_by_role("combobox", name="Sample", exact=True)
        expect(box).to_have_value(re.compile("^1/3"))
        with network.slow():
            press(page, page.get_by_role("button", name="Next"))
            press(page, page.get_by_text("Mark the words that differ from the dense summary"))
        settled(page)
        holds(page, sample="2", diff="1", order="drawn")
        expect(box).to_have_value(re.compile("^2/3"))
        expect(page.get_by_role("switch", name="Mark the words")).to_be_checked()
        page.go_back()
        settled(page)
        holds(page, sample="2", diff="")
        page.reload()
        settled(page)
        expect(box).to_have_value(re.compile("^2/3"))
        assert not wrong, wrong


def test_a_page_of_a_server_that_was_started_again_says_so(browser: Browser) -> None:
    runs = [write(3, 0.25, "wanda"), write(6, 0.5, "wanda"), write(6, 0.5)]
    port = free_port()
    where = f"http://127.0.0.1:{port}/Trade-offs?runs={','.join(run.id[:8] for run in runs)}"
    with server(home(), port=port):
        page, _ = watched(browser, f"http://127.0.0.1:{port}")
        page.goto(where)
        settled(page)
        unfold(page)
        press(page, option(page, INTERVALS, "None"))
        settled(page)
        holds(page, intervals="none")
        assert page.get_by_text(TAKEN_UP).count() == 0
    with server(home(), port=port):
        page.wait_for_timeout(8000)  # the browser connects again
        press(page, option(page, PANELS, "Method"))
        page.get_by_text(TAKEN_UP).wait_for(timeout=30_000)
        settled(page)
        holds(page, intervals="none", facet="")  # the address is kept, the press is not
        press(page, option(page, PANELS, "Method"))
        settled(page)
        holds(page, intervals="none", facet="method")
        assert page.get_by_text(TAKEN_UP).count() == 0
