"""A study of labels in a real browser: a lead plans and opens it, a judge labels by keyboard, closed it shows the matrix."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from fairprune.paths import home
from fairprune.store import open_store
from tests.accessibility import grave
from tests.browser import chromium, server, settled, watched
from tests.closed import SYSTEMS, label_of, runs_of
from tests.test_browser_judge import calm, listened, narrow, press
from tests.test_browser_study import SECONDS, no_wider_than_the_window, says

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
KEYS = {"fresh": "1", "rotten": "2", "mixed": "3", "none": "4"}
"""Label → key, in the order of the answers."""
ITEMS = 20
"""Eight of both dense models, which wrote the same; eight of wanda, who wrote four of them with magnitude; four more of magnitude."""
STEPS = ITEMS + 3
"""With the two attention items and the repeat, which look like all others in the progress too."""


def planned(page: Page, address: str) -> str:
    """Plans and opens a study of labels; the link for its judges."""
    page.goto(f"{address}/Study")
    settled(page, timeout=SECONDS)
    page.get_by_role("button", name="Plan your first study").click()
    says(page, "What it comes to")
    page.get_by_text("Label sentences with a group").click()
    says(page, "Whose sentences are labelled")
    for name, value in (
        ("Sentences of each system", "8"),
        ("Votes per item", "1"),
        ("Practice items", "1"),
        ("Items per judge", "100"),
    ):
        page.get_by_label(name, exact=True).fill(value)
        page.keyboard.press("Tab")
        settled(page, timeout=SECONDS)
    assert no_wider_than_the_window(page)
    page.get_by_role("button", name="Save the draft").click()
    says(page, "The draft is saved")
    study_id = re.search(r"study=([0-9a-f]{16})", page.url)[1]
    page.goto(f"{address}/Study?study={study_id}&part=preview&item=5")
    says(page, "the classifier calls it")
    page.goto(f"{address}/Study?study={study_id}&part=open")
    says(page, "Primary analysis")
    page.locator('label:has-text("I have looked at the items")').click()
    settled(page, timeout=SECONDS)
    page.get_by_role("button", name="Open the study").click()
    says(page, "Make an open link")
    page.get_by_role("button", name="Make an open link").click()
    says(page, "Copy this now")
    return page.locator('[data-testid="stCode"]').first.inner_text().strip()


def sentence(page: Page) -> str:
    return page.locator(".fp-side .fp-text").inner_text()


def judged(page: Page, link: str) -> list[bytes]:
    """One judge's whole part by keyboard, with an undo, a skip and a page that is opened anew; what the server has sent."""
    heard = listened(page)
    page.goto(link)
    settled(page)
    page.get_by_role("button", name="I agree and take part").click()
    expect(page.get_by_text("How to judge")).to_be_visible(timeout=30_000)
    calm(page)
    press(page, "Enter", "Practice: this item does not count")
    press(page, KEYS[label_of(sentence(page))], "That is right")
    press(page, "Enter", "This item checks that the task is clear")
    press(page, KEYS["mixed"], "That is right")
    press(page, "Enter", f"0 of {STEPS}")
    buttons = page.locator('[class*="st-key-judge-answers-"] button')
    assert [text.split("\n")[0] for text in buttons.all_inner_texts()] == [
        *("fresh", "rotten", "Several groups", "No group")
    ]
    assert not grave(page)
    before = sentence(page)
    press(page, "2", f"1 of {STEPS}")
    press(page, "u", "Taken back")
    assert sentence(page) == before
    press(page, "s", "Skipped")
    assert sentence(page) != before
    press(page, "u", "Taken back")
    assert sentence(page) == before
    press(page, KEYS[label_of(before)], f"1 of {STEPS}")
    page.goto(page.url)
    settled(page)
    expect(page.locator(".fp-said")).to_contain_text(f"Welcome back: 1 of {STEPS}", timeout=30_000)
    for _ in range(60):
        if "Thank you" in page.locator('[data-testid="stMain"]').inner_text():
            return heard
        text = sentence(page)
        page.keyboard.press(KEYS[label_of(text)])
        page.wait_for_function(
            "(text) => document.querySelector('.fp-side .fp-text')?.innerText !== text",
            arg=text,
            timeout=30_000,
        )
        calm(page)
    raise AssertionError("the part does not end")


def test_from_a_plan_to_the_confusion_matrix() -> None:
    with open_store() as store:
        runs = runs_of(store)
        with server(home()) as (address, _), chromium() as browser:
            page, wrong = watched(browser, address)
            page.set_default_timeout(SECONDS * 1000)
            link = planned(page, address)
            judge, also_wrong = watched(browser, address)
            heard = b"\n".join(judged(judge, link))
            assert b"Which group does this sentence speak for?" in heard
            for word in (*SYSTEMS[1:], "wanda", *(run.id for run in runs.values()), "predicted"):
                assert word.encode() not in heard and word not in judge.content(), word
            (study,) = store.studies()
            page.goto(f"{address}/Study?study={study.id}")
            says(page, "sealed until the study is closed")
            page.get_by_role("button", name="Close the study").click()
            says(page, "Close it for good?")
            page.get_by_role("button", name="Close it", exact=True).click()
            says(page, "Does the classifier say what people say?")
            expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=SECONDS * 1000)
            text = page.inner_text("body")
            for word in (
                *SYSTEMS,
                "all systems",
                "the classifier said",
                "What does it mean for SPD2?",
                "α, nominal",
            ):
                assert word in text, word
            rows = [row for row in store.vote_rows(study.id) if row.kind == "main"]
            assert {row.answer for row in rows} == {"mixed", "fresh", "rotten"}
            assert "n = 8 sentences" in text and not grave(page)
            with page.expect_download() as waited:
                page.get_by_role("button", name="Report", exact=True).click()
            report = waited.value.path().read_text(encoding="utf-8")
            assert "Confusion matrix: wanda 50 %" in report and "What it means for SPD2" in report
            narrow(page)
            assert not wrong and not also_wrong, (wrong, also_wrong)
