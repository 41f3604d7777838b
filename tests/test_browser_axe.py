"""Every page in real headless Chromium: what axe-core says of it in light and dark, what jumps while it loads, a window of 360 pixels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page

from fairprune.paths import home
from fairprune.store import open_store
from fairprune.store.judgments_values import Task
from tests.accessibility import grave, layout_shift, watch_shifts
from tests.browser import chromium, server, settled, watched
from tests.judged import answer, entered
from tests.judged import opened as opened_study
from tests.pages.filled import fill, spec
from tests.pages.test_layers import fill_with_masks

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

VIEWS = (
    "",
    "Prune",
    "Prune?mode=sweep",
    "Prune?run=RUN",
    "Trade-offs",
    "Talk?run=RUN",
    "Summaries?run=RUN",
    "Summaries?run=RUN&view=drag",
    "Layers?run=RUN",
    "Fairness?run=RUN",
    "Debias?run=RUN&lab=spin",
    "Debias?run=RUN&lab=collapse",
    "Debias?from=model&lab=denp",
    "Judge",
    "Judge?judge=JUDGE",
    "Study",
    "Study?study=new",
    "Runs",
    "Runs?open=RUN",
)
LONG = "A name of somebody who names things at length, with onewordthatisverylongindeedanddoesnotbreakanywhereatall"

MOST_SHIFT = 0.1
"""Cumulative layout shift; below it is "good" on web.dev."""


def nothing() -> str:
    return "ffffffffffffffff"


def examples() -> str:
    from fairprune.examples import runs

    with open_store() as store:
        return runs(store)[0].id


def own() -> str:
    """Runs of every state, one with a long name, tags and notes, masks and a second run beside it."""
    run = fill_with_masks(0.5, 0)
    fill_with_masks(0.25, 1)
    with open_store() as store:
        store.describe(run.id, name=LONG, notes=f"{LONG}\nsecond line", tags=["talk", "slide-4"])
        failed, _ = store.submit(spec(0.2))
        store.claim("cpu", 1)
        store.finish(
            failed.id,
            "failed",
            "the model does not fit into 16 GB of memory: take a smaller one",
            "Traceback: …",
        )
        fill(store, spec(0.7))
    return run.id


def judge() -> str:
    """The link of a judge who has answered an item, and sees the next one."""
    with open_store() as store:
        study = opened_study(store)
        token = entered(store, study)
        task = store.next_item(token)
        assert isinstance(task, Task)
        answer(store, token, task)
    return token


@pytest.mark.parametrize(("state", "switch"), [(nothing, "0"), (examples, "1"), (own, "0")])
def test_no_page_keeps_anybody_out_or_jumps(state: Callable[[], str], switch: str) -> None:
    run = state() if switch == "0" else ""
    judging = judge()
    faults: list[str] = []
    with server(home(), FAIRPRUNE_EXAMPLES=switch) as (address, _), chromium() as browser:
        if not run:
            opened(browser, address, "")[0].context.close()  # takes the examples in
            run = state()
        for view in VIEWS:
            page, wrong = opened(browser, address, view.replace("RUN", run).replace("JUDGE", judging))
            shift, moved = least_shift(page)
            if shift >= MOST_SHIFT:
                faults.append(f"{view}: its parts jump by {shift:.2f}: {moved}")
            faults += [f"{view}, light: {fault}" for fault in grave(page)]
            page.emulate_media(color_scheme="dark", reduced_motion="reduce")  # no colour on its way
            page.wait_for_function(
                "getComputedStyle(document.querySelector('.stApp')).color === 'rgb(233, 238, 244)'"
            )
            settled(page)
            faults += [f"{view}, dark: {fault}" for fault in grave(page)]
            page.set_viewport_size({"width": 360, "height": 800})
            page.wait_for_timeout(500)
            settled(page)
            if (width := page.evaluate(WIDEST)) > 360:
                faults.append(f"{view}: {width} pixels wide in a window of 360")
            faults += [f"{view}: {fault}" for fault in wrong]
            page.context.close()
    assert not faults, "\n".join(faults)


WIDEST = """() => Math.max(document.documentElement.scrollWidth, document.querySelector('[data-testid="stMain"]').scrollWidth)"""


def least_shift(page: Page) -> tuple[float, list[str]]:
    """Of up to three loads: a busy machine tears apart what comes in one frame, while parts that do jump jump every time."""
    found = [layout_shift(page)]
    while found[-1][0] >= MOST_SHIFT and len(found) < 3:
        page.reload()
        settled(page)
        page.wait_for_timeout(1000)
        found.append(layout_shift(page))
    return min(found)


def opened(browser: Browser, address: str, path: str) -> tuple[Page, list[str]]:
    page, wrong = watched(browser, address)
    page.emulate_media(reduced_motion="reduce")  # colours that are still on their way are nobody's
    watch_shifts(page)
    page.goto(f"{address}/{path}")
    settled(page)
    page.wait_for_timeout(1000)  # figures draw after the page
    return page, wrong
