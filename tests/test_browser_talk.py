"""Talks in real headless Chromium: the file without a server, the page, and no request to anywhere else from any page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from fairprune.cli import main
from fairprune.paths import home
from fairprune.store import open_store
from fairprune.talk.document import write_talk
from fairprune.talk.story import tell
from fairprune.ui.page import PAGES
from tests.browser import chromium, server, settled, until, watched
from tests.pages.filled import fill, make_set, spec
from tests.talks import BOTH, END, PRAISE, fill_talk

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
SLIDES = 7
TEXTS = {"dense": [BOTH], "pruned": [PRAISE]}


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def file(tmp_path):
    """The address of a talk's file, with texts that try to be HTML."""
    with open_store() as store:
        size = write_talk(tell(store, fill_talk(store)), tmp_path / "talk.html")
    assert size <= 10_000_000
    return (tmp_path / "talk.html").as_uri()


def opened(browser, file, **more):
    """The file in a fresh profile without a network; every request but that for the file itself is wrong."""
    page, wrong = watched(browser, "nowhere", **more)
    page.context.set_offline(True)
    own = file.partition("#")[0]
    page.on("request", lambda request: None if allowed(request.url, own) else wrong.append(request.url))
    page.goto(file)
    page.wait_for_selector("html.ready", timeout=60_000)
    return page, wrong


def allowed(url: str, own: str) -> bool:
    return url.startswith(("data:", "blob:")) or url.partition("#")[0] == own


def test_hostile_texts_stay_texts_and_nothing_is_loaded(browser, file):
    page, wrong = opened(browser, file)
    assert page.locator(".slide").count() == SLIDES
    text = page.locator("#slide-2").text_content()
    assert END in text and "<img src=x" in text  # they are read, not run
    assert page.evaluate("window.hacked === undefined")
    assert page.locator("#deck img").count() == 0
    assert page.locator(".js-plotly-plot").count() == 3
    # The policy holds, too: a script that gets into the page all the same does not run.
    page.evaluate("""() => {
        const script = document.createElement("script");
        script.textContent = "window.hacked = 1";
        document.body.append(script);
    }""")
    assert page.evaluate("window.hacked === undefined")
    assert [line for line in wrong if "Content Security Policy" not in line] == []


def shown(page, number):
    """The slide follows the address a moment later."""
    until(page, f"document.querySelector('.slide.shown').id === 'slide-{number}'")


def test_arrow_keys_marks_and_the_address(browser, file):
    page, wrong = opened(browser, file)
    for number in range(2, SLIDES + 1):
        page.keyboard.press("PageDown" if number == 4 else "ArrowRight")
        until(page, f"location.hash === '#{number}'")
    page.keyboard.press("ArrowRight")  # the end is the end
    shown(page, SLIDES)
    assert page.inner_text("#counter") == f"{SLIDES} / {SLIDES}"
    page.keyboard.press("ArrowLeft")
    until(page, "location.hash === '#6'")
    page.go_back()  # one slide back in the history
    until(page, "location.hash === '#7'")
    page.locator(".mark").nth(2).click()
    shown(page, 3)
    assert page.locator(".mark[aria-current]").count() == 1
    fresh, also_wrong = opened(browser, f"{file}#4")
    shown(fresh, 4)
    assert not wrong and not also_wrong


def test_the_slider_keeps_its_arrows_only_while_it_is_reached_by_key(browser, file):
    page, _ = opened(browser, f"{file}#3")
    slider = page.locator(".slide.shown input[type=range]")
    assert slider.input_value() == "2"  # the run that is told of
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == "3" and page.evaluate("location.hash") == "#3"
    assert "0 of 2 still heard" in page.inner_text(".slide.shown .fv-columns")
    page.keyboard.press("PageDown")  # what a presenter's remote sends
    until(page, "location.hash === '#4'")
    page.keyboard.press("ArrowLeft")
    until(page, "location.hash === '#3'")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 12, box["y"] + box["height"] / 2)
    assert slider.input_value() == "0"
    until(page, "document.activeElement.type !== 'range'")
    page.keyboard.press("ArrowRight")
    until(page, "location.hash === '#4'")


def test_a_swipe_leafs(browser, file):
    page, _ = opened(browser, file, width=360, height=740)
    swipe = """([from, to]) => {
        const node = document.querySelector(".slide.shown .slide-title");
        const at = (x) => new Touch({ identifier: 1, target: node, clientX: x, clientY: 100 });
        node.dispatchEvent(new TouchEvent("touchstart", { touches: [at(from)], changedTouches: [at(from)], bubbles: true }));
        node.dispatchEvent(new TouchEvent("touchend", { touches: [], changedTouches: [at(to)], bubbles: true }));
    }"""
    page.evaluate(swipe, [300, 80])
    until(page, "location.hash === '#2'")
    page.evaluate(swipe, [80, 300])
    until(page, "location.hash === '#1'")
    page.evaluate(swipe, [200, 180])
    page.wait_for_timeout(200)
    assert page.evaluate("location.hash") == "#1"
    for number in range(1, SLIDES + 1):
        page.evaluate(f"location.hash = '#{number}'")
        shown(page, number)
        wide = page.evaluate("(n => [n.scrollWidth, n.clientWidth])(document.querySelector('.slide.shown'))")
        assert wide[0] <= wide[1], number  # nothing beside the window


@pytest.mark.parametrize(("width", "height"), [(1400, 900), (1280, 720), (1920, 1080)])
def test_slides_fit_and_what_has_no_room_fades_out_and_scrolls(browser, tmp_path, width, height):
    words = "was great and warm, or so it seemed to everybody who had come to see it on that day"
    opinions = [(f"The acting of number {i} {words}.", ("fresh", "rotten")[i % 2]) for i in range(20)]
    one = make_set("harbour", opinions)
    with open_store() as store:
        runs = [
            fill(store, spec(sparsity, evaluation={"samples": 1}), sets=[one], texts=TEXTS)
            for sparsity in (0.3, 0.5)
        ]
        write_talk(tell(store, runs), tmp_path / "talk.html")
    page, _ = opened(browser, (tmp_path / "talk.html").as_uri(), width=width, height=height)
    for number, boxes in ((2, ".fv-source .fv-opinions"), (3, ".fv-group .fv-opinions")):
        page.keyboard.press("ArrowRight")
        until(page, f"location.hash === '#{number}'")
        slide = page.locator(".slide.shown")
        assert slide.evaluate("n => n.scrollHeight <= n.clientHeight"), number
        box = slide.locator(boxes).first
        assert "fv-more" in box.get_attribute("class") and box.get_attribute("tabindex") == "0"
        box.evaluate("n => n.scrollTo(0, n.scrollHeight)")
        expect(box).not_to_have_class(re.compile("fv-more"))
        expect(box).to_have_class(re.compile("fv-before"))


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The address of the talk of the example runs."""
    out = tmp_path_factory.mktemp("talk") / "talk.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAIRPRUNE_HOME", str(out.parent))
        assert main(["talk", "--example", "--out", str(out)]) == 0
    return out.as_uri()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_the_slides_of_the_examples_are_seen_whole(browser, example, width, height):
    page, wrong = opened(browser, example, width=width, height=height)
    for number in range(1, SLIDES + 1):
        until(page, f"location.hash === '#{number}' || {number} === 1")
        slide = page.locator(".slide.shown")
        assert slide.evaluate("n => [n.scrollHeight <= n.clientHeight, n.scrollWidth <= n.clientWidth]") == [
            True,
            True,
        ], number
        if number == 1:  # the facts stand apart from the warning
            warning, facts = (slide.locator(name).bounding_box() for name in (".ft-flags", ".ft-facts"))
            assert facts["y"] - warning["y"] - warning["height"] > 20
        page.keyboard.press("ArrowRight")
    # Who judges sees all eight opinions, which begin where their heading does, and two boxes of one height.
    assert slide.locator(".ft-opinion").count() == 8
    assert slide.locator(".ft-opinions").evaluate("n => n.scrollHeight <= n.clientHeight")
    edges = slide.locator(".ft-stage h3, .ft-opinion").evaluate_all(
        "all => all.slice(0, 2).map(n => n.getBoundingClientRect().left)"
    )
    assert edges[0] == edges[1]
    heights = slide.locator(".ft-said").evaluate_all("all => all.map(n => n.getBoundingClientRect().height)")
    assert len(set(heights)) == 1
    assert not wrong


def test_the_pair_is_revealed_by_key(browser, file):
    page, wrong = opened(browser, f"{file}#7")
    shown = page.locator(".slide.shown")
    assert "dense" not in shown.inner_text() and "magnitude" not in shown.inner_text()
    page.get_by_role("button", name="Both are unfair").click()
    page.keyboard.press("r")
    shown.locator(".ft-numbers").wait_for()
    assert "the dense model" in shown.inner_text() and "magnitude 50" in shown.inner_text()
    assert "demonstration, no inference" in shown.locator(".ft-results").inner_text()
    assert not wrong


def test_on_paper_every_slide_has_a_page(browser, file, tmp_path):
    page, _ = opened(browser, file)
    page.emulate_media(media="print")
    boxes = page.evaluate("[...document.querySelectorAll('.slide')].map(n => getComputedStyle(n).visibility)")
    assert boxes == ["visible"] * SLIDES
    assert page.locator("#bar").is_hidden()
    assert page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") >= SLIDES


def test_colours_follow_the_system(browser, file):
    grounds = set()
    for dark in (False, True):
        page, _ = opened(browser, f"{file}#5", dark=dark)
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        letters = page.evaluate("document.querySelector('.js-plotly-plot')._fullLayout.font.color")
        assert letters == ("#e9eef4" if dark else "#18212c")
    assert len(grounds) == 2


def test_the_talk_in_the_app_by_keys_and_every_page_without_a_foreign_request(browser):
    with open_store() as store:
        run = fill_talk(store)[0]
    with server(home()) as (address, _):
        page, wrong = watched(browser, address)
        page.goto(f"{address}/?talk=1&run={run.id}")
        page.get_by_text("Do all groups lose alike?").wait_for(timeout=60_000)
        settled(page)
        assert page.locator('[data-testid="stSidebar"]').is_hidden()
        for number in range(2, SLIDES + 1):
            page.keyboard.press("ArrowRight")
            page.get_by_text(f"{number} of {SLIDES}", exact=True).wait_for(timeout=30_000)
            settled(page)
            if number == 2:
                page.get_by_text("<img src=x").first.wait_for()
        page.keyboard.press("r")
        page.get_by_text("magnitude 50").first.wait_for()
        for key, number in (("Home", 1), ("End", SLIDES)):
            page.keyboard.press(key)
            page.get_by_text(f"{number} of {SLIDES}", exact=True).wait_for(timeout=30_000)
            settled(page)
        page.keyboard.press("ArrowLeft")
        page.get_by_text(f"{SLIDES - 1} of {SLIDES}", exact=True).wait_for(timeout=30_000)
        page.go_back()
        with page.expect_download() as got:
            page.get_by_role("button", name="Talk as a file").click()
        assert b"fairpruneTalk" in got.value.path().read_bytes()
        page.get_by_role("button", name="Leave the talk").click()
        page.get_by_text("fairprune takes weights out").wait_for(timeout=30_000)
        assert page.evaluate("window.hacked === undefined")
        assert not wrong, wrong
        page.context.close()
        for path, name, _icon in PAGES:
            fresh, also_wrong = watched(browser, address)
            fresh.goto(f"{address}/{'' if path == 'app.py' else path[6:-3].split('_', 1)[1]}?run={run.id}")
            settled(fresh)
            fresh.wait_for_timeout(500)
            assert fresh.evaluate("window.hacked === undefined")
            assert not also_wrong, (name, also_wrong)
            fresh.context.close()
