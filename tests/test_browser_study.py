"""A study in a real browser: planned from the example runs, opened, and its link leads a judge in."""

from __future__ import annotations

import re

import pytest

from fairprune.paths import home
from fairprune.store import open_store
from tests.browser import chromium, server, settled, watched

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
SECONDS = 120


def says(page, text: str) -> None:
    page.wait_for_function(
        "(text) => document.body.innerText.includes(text)", arg=text, timeout=SECONDS * 1000
    )
    settled(page, timeout=SECONDS)


def no_wider_than_the_window(page) -> bool:
    return page.evaluate(
        """() => [document.documentElement, document.querySelector('[data-testid="stMain"]')]
                 .every((part) => part.scrollWidth <= window.innerWidth)"""
    )


def test_from_the_examples_to_a_link():
    with server(home(), FAIRPRUNE_EXAMPLES="1") as (address, _), chromium() as browser:
        page, wrong = watched(browser, address)
        page.set_default_timeout(SECONDS * 1000)
        page.goto(f"{address}/Study")
        settled(page, timeout=SECONDS)
        assert "No study yet" in page.inner_text("body")
        page.get_by_role("button", name="Plan your first study").click()
        says(page, "What it comes to")
        page.get_by_role("textbox", name="Name of the study").fill("Products <img src=x onerror=alert(1)>")
        page.keyboard.press("Tab")
        settled(page, timeout=SECONDS)
        page.get_by_role("button", name="Save the draft").click()
        says(page, "The draft is saved")
        study_id = re.search(r"study=([0-9a-f]{16})", page.url).group(1)
        # The address alone opens the same part, on a phone and in the dark too.
        phone, also_wrong = watched(browser, address, width=360, height=740, dark=True)
        phone.set_default_timeout(SECONDS * 1000)
        for part, text in (
            ("plan", "What it comes to"),
            ("preview", "Only you see this"),
            ("open", "Hypotheses"),
        ):
            phone.goto(f"{address}/Study?study={study_id}&part={part}")
            says(phone, text)
            assert no_wider_than_the_window(phone), part
        phone.locator('label:has-text("I have looked at the items")').click()
        settled(phone, timeout=SECONDS)
        phone.get_by_role("button", name="Open the study").click()
        says(phone, "Make an open link")
        phone.get_by_role("button", name="Make an open link").click()
        says(phone, "Copy this now")
        assert no_wider_than_the_window(phone)
        link = phone.locator('[data-testid="stCode"]').first.inner_text().strip()
        assert link.startswith(f"{address}/Judge?judge=")
        with open_store(f"sqlite:///{home() / 'fairprune.db'}") as store:
            entered = store.enter(link.partition("judge=")[2])
            assert entered.judge.study_id == study_id and entered.judge.study_state == "open"
        page.goto(f"{address}/Study?study={study_id}")
        says(page, "sealed until the study is closed")
        assert "Products <img src=x onerror=alert(1)>" in page.inner_text("body")
        assert wrong == [] and also_wrong == []
