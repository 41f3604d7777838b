"""Summaries in real headless Chromium: dragging the sparsity, sentences that light up their opinions, hostile texts, a narrow window."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from fairprune.paths import home
from fairprune.store import open_store
from fairprune.voices import collect, renderer
from tests.browser import chromium, server, settled, watched
from tests.pages.filled import HOSTILE, fill, make_set, spec
from tests.test_voices import sweep

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

LONG = "a long opinion " * 700  # 10 500 characters
SCRIPTS = (
    make_set(
        "scripts <b>",
        [
            (HOSTILE, "fresh"),
            (LONG, "rotten"),
            ("مرحبا بالعالم، كان الفيلم رائعا.", "fresh"),
            ("这部电影很好。👩‍👩‍👧", "rotten"),
        ],
    ),
)


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def opened(
    browser: Browser, address: str, path: str, **more: int | bool
) -> tuple[Page, list[str], list[str]]:
    """The page, what went wrong in it, and the messages that it sends to the server."""
    page, wrong = watched(browser, address, **more)  # type: ignore[arg-type]
    sent: list[str] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda _: sent.append("message")))
    page.on("request", lambda request: sent.append(request.url))
    page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(f"{address}/{path}")
    settled(page)
    page.locator(".fv").wait_for()
    page.wait_for_timeout(500)
    return page, wrong, sent


def test_dragging_changes_the_summary_in_place_and_opinions_go_dark(browser: Browser) -> None:
    with open_store() as store:
        half, *_ = sweep(store)
    with server(home()) as (address, _):
        page, wrong, sent = opened(browser, address, f"Summaries?run={half.id}&view=drag&sample=1&step=0")
        slider = page.get_by_role("slider", name="Sparsity")
        assert slider.get_attribute("max") == "3"  # dense, 25, 50, 75 %: the stored ones
        said = page.locator(".fv-said-body")
        expect(said).to_contain_text("the story was boring")
        expect(page.locator(".fv-dark")).to_have_count(0)
        slider.focus()
        before = len(sent)
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        # at 50 % praise alone is left
        assert said.locator(".fv-words").all_inner_texts() == ["The acting was great."]
        dark = page.locator(".fv-dark")
        assert dark.count() == 1
        assert "The story was boring." in dark.inner_text() and "last heard at 25" in dark.inner_text()
        assert page.locator(".fv-count").all_inner_texts() == ["1 of 1 still heard", "0 of 1 still heard"]
        assert "1 of 2 opinions still heard" in (slider.get_attribute("aria-valuetext") or "")
        assert len(sent) == before, sent[before:]
        # The page is told once the slider rests, and the sample is still the same.
        page.wait_for_url("**step=0.5*", timeout=10_000)
        assert "sample=1" in page.url
        settled(page)
        assert said.locator(".fv-words").all_inner_texts() == ["The acting was great."]
        again, also_wrong, _ = opened(browser, address, page.url.removeprefix(f"{address}/"))
        assert again.locator(".fv-dark").count() == 1
        page.keyboard.press("End")
        expect(said).to_contain_text("The model wrote nothing.")
        expect(dark).to_have_count(2)
        page.wait_for_url("**step=0.75*", timeout=10_000)
        settled(page)
        page.go_back()
        page.wait_for_url("**step=0.5*", timeout=10_000)
        expect(dark).to_have_count(1)
        assert not wrong and not also_wrong, (wrong, also_wrong)


def test_the_step_is_there_again_for_who_comes_back_by_the_side_bar(browser: Browser) -> None:
    with open_store() as store:
        half, *_ = sweep(store)
    with server(home()) as (address, _):
        page, wrong, _ = opened(browser, address, f"Summaries?run={half.id}&view=drag&sample=1")
        slider = page.get_by_role("slider", name="Sparsity")
        slider.focus()
        page.keyboard.press("ArrowLeft")  # from the run's own 50 % to 25 %
        page.wait_for_url("**step=0.25*", timeout=10_000)
        settled(page)
        for name in ("Layers", "Summaries"):
            page.locator('[data-testid="stSidebar"]').get_by_role("link", name=name).click()
            page.wait_for_url(f"**/{name}?*", timeout=10_000)
            settled(page)
        expect(page.locator(".fv-big")).to_have_text("25\N{NO-BREAK SPACE}%")
        page.wait_for_url("**step=0.25*", timeout=10_000)
        assert not wrong, wrong


def test_a_sentence_lights_up_its_opinions(browser: Browser) -> None:
    with open_store() as store:
        run, other = fill(store), fill(store, spec(0.25))
    with server(home()) as (address, _):
        page, wrong, sent = opened(browser, address, f"Summaries?run={run.id}&with={other.id}&sample=1")
        assert page.locator(".fv-system").count() == 3
        pruned = page.locator(".fv-system").nth(1).locator(".fv-sentence")
        lit = page.locator(".fv-lit")
        before = len(sent)
        pruned.hover()
        expect(lit).to_have_count(1)
        assert "The acting was great." in lit.inner_text() and "similarity 1.00" in lit.inner_text()
        page.mouse.move(0, 0)
        expect(lit).to_have_count(0)
        page.locator(".fv-system").nth(0).locator(".fv-rests").focus()  # the dense one rests on both
        expect(lit).to_have_count(2)
        assert len(sent) == before, sent[before:]
        pruned.click()
        page.wait_for_url("**sentence=1.pruned.1*", timeout=10_000)
        settled(page)
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur()")
        expect(lit).to_have_count(1)
        again, also_wrong, _ = opened(browser, address, page.url.removeprefix(f"{address}/"))
        expect(again.locator(".fv-lit")).to_have_count(1)
        expect(again.locator(".fv-pinned")).to_have_count(1)
        pruned.click()
        page.wait_for_function("() => !location.search.includes('sentence')")
        settled(page)
        page.mouse.move(0, 0)
        expect(lit).to_have_count(0)
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("ArrowRight")
        page.wait_for_url("**sample=2*", timeout=10_000)
        expect(page.locator(".fv-source h2")).to_contain_text("tunnel")
        assert not wrong and not also_wrong, (wrong, also_wrong)


@pytest.mark.parametrize("view", ["side", "drag"])
def test_hostile_texts_are_text_and_a_narrow_window_is_wide_enough(browser: Browser, view: str) -> None:
    with open_store() as store:
        texts = {
            "dense": ["<script>alert(1)</script> great. 这部电影很好。"],
            "pruned": [f"{HOSTILE} great."],
        }
        run = fill(store, sets=SCRIPTS, texts=texts)
    with server(home()) as (address, _):
        path = f"Summaries?run={run.id}&view={view}&diff=1"
        page, wrong, _ = opened(browser, address, path, width=360, height=1600, dark=view == "drag")
        frame = page.locator(".fv")
        assert frame.locator("img, script, b b").count() == 0
        assert HOSTILE in frame.inner_text()
        assert frame.evaluate("node => node.scrollWidth <= node.clientWidth")
        assert page.evaluate("document.documentElement.scrollWidth <= 360")
        fold = page.get_by_role("button", name="Show all 10,500 characters")
        assert LONG not in frame.inner_text()
        fold.click()
        assert LONG.strip() in frame.inner_text()
        arabic = page.locator(".fv-opinion .fv-words", has_text="مرحبا")
        assert arabic.evaluate("node => getComputedStyle(node).direction") == "rtl"
        assert not wrong, wrong


def test_one_file_draws_the_same_without_a_server(browser: Browser, tmp_path) -> None:
    """As a talk holds it: script, style and data in one file, nothing else asked for."""
    with open_store() as store:
        half, *_ = sweep(store)
        data = collect(store, half, 0, ("fresh", "rotten")).to_json()
    script, style = renderer()
    held = json.dumps(data).replace("<", "\\u003c")
    file = tmp_path / "talk.html"
    file.write_text(
        f"<!doctype html><meta charset=utf-8><style>{style}</style><main id=here></main><script>{script}</script>"
        f"<script>fairpruneVoices.render(document.getElementById('here'), {held}, {{step: '0.25'}})</script>",
        encoding="utf-8",
    )
    page, wrong = watched(browser, "file://")
    page.emulate_media(reduced_motion="reduce")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    slider = page.get_by_role("slider", name="Sparsity")
    assert slider.get_attribute("aria-valuetext") == "25\N{NO-BREAK SPACE}%: 2 of 2 opinions still heard"
    slider.press("ArrowRight")
    assert page.locator(".fv-dark").count() == 1
    moving = "node => getComputedStyle(node).transitionDuration"
    assert page.locator(".fv-dark").evaluate(moving) == "0s"
    page.emulate_media(reduced_motion="no-preference")
    assert page.locator(".fv-dark").evaluate(moving).startswith("0.55s")
    assert asked == [file.as_uri()] and not wrong, (asked, wrong)
