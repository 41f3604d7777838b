"""Judging in real headless Chromium: a whole part by keyboard, one on a phone, and a server that ends in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from fairprune.judgments.wording import wording
from fairprune.paths import home
from fairprune.store import Store, open_store
from fairprune.store.judgments_values import NewItem, Side, Study
from tests.accessibility import grave
from tests.browser import chromium, free_port, server, settled, watched
from tests.judged import design
from tests.pages.filled import HOSTILE, make_set

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
A, B = "Zebrafinch-7B", "wanda⟂hgla 50 %"
"""Names of systems that stand nowhere else."""
WORDS = wording("proportional")
LONG = "Tax cuts leave more money with families and small firms, who know best how to spend it. " * 3


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def pair(number: int, set_id: str, **more: object) -> NewItem:
    values: dict[str, object] = {"kind": "main", **more}
    text = f"Some praise it, others fear for schools, says number {number}. {HOSTILE}"
    return NewItem(
        a=Side(A, text, "a" * 16),
        b=Side(B, f"All praise it, says number {number}. אחרים חולקים.", "b" * 16),
        set_id=set_id,
        **values,
    )  # type: ignore[arg-type]


def made(store: Store, n: int = 3, **more: object) -> Study:
    one = make_set(
        "Tax cuts",
        [(LONG, "left"), (LONG * 2, "right"), ("המס הזה אינו צודק", "left"), (HOSTILE, "right")] * 3,
    )
    store.put_sets([one], "debates")
    questions = [{"id": name, "text": text} for name, text in WORDS.questions.items()]
    values: dict[str, object] = {
        "public_title": "Whose views does a summary hear?",
        "questions": questions,
        "codebook": list(WORDS.codebook),
        "items_per_judge": n,
        "groups": {"question": "Which describes you best?", "quotas": {"left": None, "neither": None}},
        **more,
    }
    study = store.create_study(f"{A} against {B}", design(**values))
    practice = pair(
        90, one.id, kind="practice", expected={"fairer": ("a",)}, explanation="It hears both groups."
    )
    store.set_items(study.id, [practice, *(pair(number, one.id) for number in range(n + 2))])
    return store.open_study(study.id)


def listened(page: Page) -> list[bytes]:
    """All that the server sends over web sockets from now on."""
    heard: list[bytes] = []

    def on_frame(payload: bytes | str) -> None:
        heard.append(payload if isinstance(payload, bytes) else payload.encode())

    page.on("websocket", lambda socket: socket.on("framereceived", on_frame))
    return heard


def calm(page: Page) -> None:
    """After an answer: drawn, and longer ago than a double click."""
    page.wait_for_timeout(500)
    settled(page)


def press(page: Page, key: str, then: str) -> None:
    page.keyboard.press(key)
    expect(page.locator('[data-testid="stMain"]')).to_contain_text(then, timeout=30_000)
    calm(page)


def progress(page: Page) -> str:
    return page.locator('[data-testid="stProgress"]').inner_text().strip()


def nothing_named(heard: list[bytes], page: Page) -> None:
    whole = b"\n".join(heard)
    assert b"says number" in whole and WORDS.questions["better"].encode() in whole
    for name in (A, B, "hgla", "a" * 16, "b" * 16):
        assert name.encode() not in whole, name
        assert name not in page.content(), name
    assert b"wanda" not in whole and "wanda" not in page.content()


def test_a_whole_part_by_keyboard(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRPRUNE_SECRET", "a secret of the tests, long enough")
    with open_store() as store:
        study = made(store, crowd=True)
        link = store.open_link(study.id)
        with server(home()) as (address, _):
            page, wrong = watched(browser, address)
            page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
            heard = listened(page)
            page.emulate_media(reduced_motion="reduce")
            page.goto(f"{address}/Judge?judge={link}&PROLIFIC_PID=5f1e2dabc&STUDY_ID=s1&SESSION_ID=t1")
            settled(page)
            assert "5f1e2d" not in page.url and "s1" not in page.url and link not in page.url
            assert page.locator('[data-testid="stSidebarContent"]').count() == 0
            token = page.url.split("judge=")[1]
            faults = grave(page)
            focus(page, "I agree and take part")
            press(page, "Enter", "Which describes you best?")
            faults += grave(page)
            page.keyboard.press("Tab")
            while page.evaluate("document.activeElement.type") != "radio":
                page.keyboard.press("Tab")
            page.keyboard.press("Space")
            expect(page.get_by_role("button", name="Continue")).to_be_enabled(timeout=30_000)
            focus(page, "Continue")
            press(page, "Enter", "How to judge")
            page.evaluate("document.activeElement.blur()")
            press(page, "Enter", "Practice: this item does not count")
            faults += grave(page)
            assert page.locator("img[src='x']").count() == 0 and page.get_by_text("<img src=x").count() > 1
            press(page, "1", "Saved: A")
            press(page, "2", "It hears both groups.")
            faults += grave(page)
            press(page, "Enter", "0 of 3")
            assert store.judge(token).answered == 0
            # Key 5 belongs to the question that is marked; a key that is held down counts once.
            for _ in range(8):
                page.keyboard.down("5")
            expect(page.locator(".fp-said")).to_contain_text("Saved: Cannot tell", timeout=30_000)
            calm(page)
            assert page.locator(".fp-stored").count() == 1
            page.keyboard.up("5")
            press(page, "u", "Taken back")
            assert page.locator(".fp-stored").count() == 0
            page.get_by_label("Comment").fill("1 2 3 no key of the page")
            page.evaluate("document.activeElement.blur()")
            calm(page)
            assert page.locator(".fp-stored").count() == 0
            press(page, "1", "Saved: A")
            press(page, "4", "1 of 3")
            before = page.locator(".fp-pair").inner_text()
            press(page, "s", "Skipped")
            assert page.locator(".fp-pair").inner_text() != before
            faults += grave(page)
            page.emulate_media(color_scheme="dark")
            page.wait_for_function(
                "getComputedStyle(document.querySelector('.stApp')).color === 'rgb(233, 238, 244)'"
            )
            faults += grave(page)
            for answered in (2, 3):
                press(page, "3", "Saved: Tie")
                press(page, "3", "Thank you" if answered == 3 else f"{answered} of 3")
            assert page.locator('[data-testid="stCode"]').inner_text().strip() == "DONE"
            way = page.get_by_role("link", name="Back to the crowd site")
            assert way.get_attribute("href") == "https://crowd.example/done" and "noreferrer" in str(
                way.get_attribute("rel")
            )
            page.wait_for_timeout(1000)
            assert page.url == f"{address}/Judge?judge={token}"  # nobody is sent away
            faults += grave(page)
            nothing_named(heard, page)
            assert not wrong and not faults, (wrong, faults)
        assert store.judge(token).state == "completed"
        store.close_study(study.id)
        rows = [row for row in store.vote_rows(study.id) if row.kind == "main" and row.complete]
        assert len(rows) == 6 and [row.comment for row in rows].count("1 2 3 no key of the page") == 1
        assert {row.answer for row in rows} == {"left", "both_unfair", "tie"}


def focus(page: Page, name: str) -> None:
    """Goes to a button as a person with a keyboard does."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.closest('button')?.innerText ?? ''"):
            return
    raise AssertionError(f"{name!r} cannot be reached by key")


def test_a_whole_part_on_a_phone(browser: Browser) -> None:
    with open_store() as store:
        study = made(store, n=2)
        [link] = store.invite(study.id, ["Ann"])
        with server(home()) as (address, _):
            page, wrong = watched(browser, address, width=390, height=844, dark=True, phone=True)
            heard = listened(page)
            page.goto(f"{address}/Judge?judge={link}")
            settled(page)
            narrow(page)
            tap(page, "I agree and take part", "Which describes you best?")
            page.get_by_text("neither").tap()
            expect(page.get_by_role("button", name="Continue")).to_be_enabled(timeout=30_000)
            tap(page, "Continue", "How to judge")
            narrow(page)
            tap(page, "Start", "Practice: this item does not count")
            narrow(page)
            assert page.locator('[aria-label^="Shortcut"]:visible').count() == 0  # nobody has keys here
            for button in page.locator('[class*="st-key-judge-answers-"] button').all():
                box = button.bounding_box()
                assert box is not None and box["height"] >= 44 and box["width"] >= 44
            left, right = (page.locator(".fp-side").nth(place).bounding_box() for place in (0, 1))
            assert left and right and left["y"] + left["height"] <= right["y"]  # one below the other
            tap(page, "A", "Saved: A")
            tap(page, "B", "It hears both groups.")
            tap(page, "Continue", "0 of 2")
            for answered in (1, 2):
                tap(page, "Both unfair", "Saved: Both unfair")
                tap(page, "Cannot tell", "Thank you" if answered == 2 else f"{answered} of 2")
                # The next item begins at its top, though the thumb was at the end of the one before.
                page.wait_for_function(
                    "document.querySelector('[data-testid=stMain]').scrollTop < 10", timeout=10_000
                )
            narrow(page)
            nothing_named(heard, page)
            page.get_by_text("Your data").tap()
            tap(page, "Delete my data", "Delete all your answers and comments now?")
            tap(page, "Yes, delete everything", "your link leads nowhere any more")
            assert "judge=" not in page.url and not wrong, (page.url, wrong)
        assert store.study(study.id).withdrawn == 1 and store.study_progress(study.id).done == 0


def tap(page: Page, name: str, then: str) -> None:
    button = (
        page.get_by_role("button", name=name, exact=len(name) < 4)
        .and_(page.locator(":not([disabled])"))
        .first
    )
    button.scroll_into_view_if_needed()
    button.tap()
    expect(page.locator('[data-testid="stMain"]')).to_contain_text(then, timeout=30_000)
    calm(page)


def narrow(page: Page) -> None:
    """Nothing stands over the edge, at 390 pixels and at 360."""
    for width in (360, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_timeout(300)
        found = page.evaluate(
            "Math.max(document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth)"
        )
        assert found <= width, (found, width)


def test_a_server_that_ends_in_the_middle_has_every_answer_that_it_confirmed(browser: Browser) -> None:
    with open_store() as store:
        study = made(store)
        [token] = store.invite(study.id, ["Ann"])
        port = free_port()
        with server(Path(home()), port=port) as (address, _):
            page, _ = watched(browser, address)
            page.goto(f"{address}/Judge?judge={token}")
            settled(page)
            page.get_by_role("button", name="I agree and take part").click()
            page.get_by_text("neither").click()
            expect(page.get_by_role("button", name="Continue")).to_be_enabled(timeout=30_000)
            page.get_by_role("button", name="Continue").click()
            page.get_by_role("button", name="Start").click()
            expect(page.get_by_text("Practice: this item does not count")).to_be_visible(timeout=30_000)
            calm(page)
            press(page, "1", "Saved: A")
            press(page, "1", "It hears both groups.")
            page.get_by_role("button", name="Continue").click()
            expect(page.get_by_text("0 of 3")).to_be_visible(timeout=30_000)
            calm(page)
            press(page, "2", "Saved: B")
            text = page.locator(".fp-pair").inner_text()
        page.keyboard.press("3")  # meets no server
        page.wait_for_timeout(1000)
        with server(Path(home()), port=port):
            start = page.get_by_role("button", name="Start")
            for _ in range(
                30
            ):  # the browser finds the new server by itself, and the new server learns of it by the next press
                page.keyboard.press("3")
                page.wait_for_timeout(2000)
                if start.is_visible():
                    break
            calm(page)
            page.get_by_role("button", name="Start").click()
            expect(page.locator(".fp-stored")).to_have_text("✓ B", timeout=30_000)
            calm(page)
            assert "0 of 3 items are stored, and 1 of 2 answers" in page.locator(".fp-said").inner_text()
            assert page.locator(".fp-pair").inner_text() == text
            press(page, "3", "1 of 3")
        assert store.judge(token).answered == 1
