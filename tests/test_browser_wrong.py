"""Everything that goes wrong, in real headless Chromium: hostile texts, broken files, a dead worker, a locked database, stale addresses.

Each time the page says what is wrong in a sentence, keeps what it can, and works again when the cause is gone.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from fairprune.executors.launch import device_lock
from fairprune.paths import home
from fairprune.store import open_store
from tests.browser import chromium, free_port, server, settled, watched
from tests.pages.filled import HOSTILE, PAGES, fill, make_set, spec

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]
MAIN = '[data-testid="stMain"]'


@pytest.fixture
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


def opened(browser: Browser, url: str) -> tuple[Page, list[str]]:
    page, wrong = watched(browser, f"http://{urlsplit(url).netloc}")
    page.on("dialog", lambda dialog: (wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(url)
    settled(page)
    return page, wrong


def paths(**query: str) -> list[str]:
    """All pages with this in their address."""
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return [f"{'' if file is None else name}?{asked}" for name, file in PAGES.items()]


def test_texts_of_data_are_text_on_every_page(browser: Browser) -> None:
    sets = (make_set(HOSTILE, [(HOSTILE, "fresh"), (f"**bold** $x$ {HOSTILE}", "rotten")]),)
    with open_store() as store:
        run = fill(store, sets=sets, texts={"dense": [f"{HOSTILE} great."], "pruned": [f"{HOSTILE} boring."]})
        store.describe(run.id, name=HOSTILE, notes=HOSTILE, tags=["<b>tag</b>"])
    with server(home()) as (address, _):
        for path in [*paths(run=run.id), f"Runs?open={run.id}", f"Summaries?run={run.id}&view=drag"]:
            page, wrong = opened(browser, f"{address}/{path}")
            page.wait_for_timeout(1000)  # figures draw after the page
            made = page.locator("img[src='x'], body script:has-text('alert('), .fp-tag b").count()
            assert not made and not wrong, (path, made, wrong)
            page.context.close()


def test_a_broken_bundle_is_refused_and_the_page_stays(browser: Browser) -> None:
    with server(home()) as (address, _):
        page, wrong = opened(browser, address)
        page.get_by_text("Open a bundle of runs").click()
        file = {"name": "runs.zip", "mimeType": "application/zip", "buffer": b"PK\x03\x04 no zip at all"}
        page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        said = page.get_by_role("alert").filter(has_text="zip")
        said.wait_for(timeout=30_000)
        settled(page)
        assert "Traceback" not in page.inner_text(MAIN) and "No run yet" in page.inner_text(MAIN)
        assert not wrong, wrong
    with open_store() as store:
        assert not store.run_ids()


@pytest.mark.parametrize(
    ("name", "content"),
    [("films.csv", b"\x00\xff\xfe\x00\x01"), ("films.csv", b"one,two\n1,2\n"), ("films.jsonl", b'{"text": ')],
)
def test_a_broken_table_of_opinions_is_refused_and_the_form_stays(
    browser: Browser, name: str, content: bytes
) -> None:
    with server(home()) as (address, _):
        page, wrong = opened(browser, f"{address}/Prune?sparsity=0.35")
        page.get_by_text("Use your own opinions").click()
        page.locator("input[type=file]").first.set_input_files(
            {"name": name, "mimeType": "text/plain", "buffer": content}  # type: ignore[arg-type]
        )
        use = page.get_by_role("button", name="Use these opinions")
        said = page.get_by_role("alert").filter(has_text=name)
        expect(said.or_(use).first).to_be_visible(timeout=30_000)
        if use.is_visible() and use.is_enabled():
            use.click()
            expect(page.get_by_role("alert").first).to_be_visible(timeout=30_000)
        settled(page)
        assert "Traceback" not in page.inner_text(MAIN)
        assert "sparsity=0.35" in page.url and page.get_by_role("button", name="Start").is_visible()
        assert not wrong, wrong


def test_a_worker_that_dies_is_said_while_one_watches(browser: Browser) -> None:
    with open_store() as store, device_lock("cpu").acquire(timeout=1) as held:
        run, _ = store.submit(spec())
        store.claim("cpu", os.getpid())
        with server(home()) as (address, _):
            page, wrong = opened(browser, f"{address}/Prune?run={run.id}")
            page.locator(MAIN).get_by_text("running").first.wait_for()
            held.release()
            page.get_by_text("The worker process ended before this run did").first.wait_for(timeout=90_000)
            settled(page)
            page.get_by_role("button", name="Start again").first.wait_for()
            assert store.run(run.id).state == "interrupted"
            assert not wrong, wrong


def test_a_locked_database_is_said_and_the_page_comes_back(browser: Browser) -> None:
    with open_store() as store:
        run = fill(store)
    file = home() / "fairprune.db"
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    with server(home(), FAIRPRUNE_DATABASE_URL=f"sqlite:///{file}?timeout=0.3") as (address, _):
        page, wrong = opened(browser, f"{address}/Runs")
        expect(page.get_by_role("alert").first).to_contain_text("is locked by another program")
        other.close()
        page.reload()
        settled(page)
        page.get_by_role("link", name=run.label).wait_for()

        # A writer that takes its time: what somebody typed is refused in words, and stands there still.
        page.goto(f"{address}/Runs?open={run.id}")
        settled(page)
        slow = sqlite3.connect(file, isolation_level=None)
        slow.execute("BEGIN IMMEDIATE")
        page.get_by_label("Name", exact=True).fill("For Oslo")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="is locked by another program")).to_be_visible()
        settled(page)
        assert page.get_by_label("Name", exact=True).input_value() == "For Oslo"
        slow.close()
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("link", name="For Oslo").wait_for(timeout=30_000)
        assert not wrong, wrong


def test_a_server_that_is_started_again_goes_on_with_the_pages_that_are_open(browser: Browser) -> None:
    """Each page shows widgets that its session alone remembers: a new server gets them from the browser, and does not draw them."""
    with open_store() as store:
        run = fill(store)
        fill(store, spec(0.25))
    port = free_port()
    with server(home(), port=port) as (address, _):
        form, rows, talk = pages = [
            opened(browser, f"{address}/{path}")[0]
            for path in ("Prune?sparsity=0.35", "Runs", f"Talk?run={run.id}")
        ]
        form.get_by_text("Use your own opinions").click()
        table = {
            "name": "films.csv",
            "mimeType": "text/csv",
            "buffer": b"text,group,topic\nGood,a,x\nBad,b,x\n",
        }
        form.locator("input[type=file]").first.set_input_files(table)  # type: ignore[arg-type]
        form.get_by_role("combobox", name="Text column").wait_for(timeout=30_000)
        rows.get_by_role("button", name="Choose these 2").click()
        rows.get_by_role("button", name="More").wait_for()
        for page in pages:
            settled(page)
    for page in pages:
        page.locator('[data-test-connection-state="CONNECTED"]').wait_for(state="detached", timeout=60_000)
    with server(home(), port=port):
        for page in pages:
            page.locator('[data-test-connection-state="CONNECTED"]').wait_for(timeout=60_000)
        # The first press makes the new server's session, with what it does not know; the second one counts.
        for page, pressed, then in (
            (form, form.get_by_text("Sweep", exact=True), form.get_by_role("combobox", name="Methods")),
            (
                rows,
                rows.get_by_role("button", name="Details").first,
                rows.get_by_role("button", name="Save", exact=True),
            ),
            (talk, talk.get_by_role("button", name="Next"), talk.get_by_text(re.compile(r"^2 of \d$"))),
        ):
            pressed.click()
            page.wait_for_timeout(2000)
            settled(page)
            if not then.is_visible():
                pressed.click()
            then.wait_for()
            settled(page)
        assert "sparsity=0.35" in form.url and rows.get_by_text("None chosen").is_visible()


def test_an_empty_store_leads_to_the_first_run_from_every_page(browser: Browser) -> None:
    with server(home()) as (address, _):
        for name in ("", "Trade-offs", "Summaries", "Layers", "Fairness", "Runs"):
            page, wrong = opened(browser, f"{address}/{name}")
            assert "No run yet" in page.inner_text(MAIN), name
            page.get_by_role("button", name="Prune").first.click()
            page.wait_for_url("**/Prune*")
            settled(page)
            page.get_by_role("button", name="Start").wait_for()
            assert not wrong, (name, wrong)
            page.context.close()


@pytest.mark.parametrize(
    "run_id", ["ffffff", "ffffffffffffffff", "'; drop table runs; --", "../../etc/passwd"]
)
def test_an_address_of_no_run_says_so_and_offers_the_others(browser: Browser, run_id: str) -> None:
    with open_store() as store:
        run = fill(store)
    with server(home()) as (address, _):
        for name in ("Prune", "Summaries", "Layers", "Fairness"):
            page, wrong = opened(browser, f"{address}/{name}?run={run_id}")
            expect(page.get_by_role("alert").first).to_contain_text("run")
            box = page.get_by_role("combobox", name="Run").or_(
                page.get_by_role("combobox", name="Stored runs")
            )
            box.first.click()
            page.get_by_role("option").first.click()
            page.wait_for_url(f"**run={run.id}*")
            settled(page)
            assert page.get_by_role("alert").filter(has_text="no run").count() == 0
            assert not wrong, (name, wrong)
            page.context.close()
        page, wrong = opened(browser, f"{address}/Trade-offs?runs={run_id}")
        expect(page.get_by_role("alert").first).to_contain_text("no run")
        assert not wrong, wrong
