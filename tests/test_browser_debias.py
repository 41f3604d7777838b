"""The page Debias in real headless Chromium, to its end: own sets uploaded, runs started there, watched, and shown on every other page."""

from __future__ import annotations

import csv
import io

import pytest

from fairprune.debias import awareness
from fairprune.debias_group import group_of
from fairprune.paths import home
from fairprune.store import open_store
from tests.browser import chromium, server, settled, watched
from tests.debias.spinning import three_sets
from tests.debias_runs import execute, plan
from tests.toy_corpus import import_toy

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]

ROLES = {"first": "First concern", "second": "Second concern", "general": "General text"}
RECOVERY = "set=steps:3,samples:4,seqlen:160,batch_size:2"


def as_csv(one: awareness.AwarenessSet) -> bytes:
    rows = io.StringIO()
    writer = csv.writer(rows)
    writer.writerow(["prompt", "response", "unsafe_response", "pair"])
    writer.writerows(
        [[item.prompt, item.response, item.unsafe_response, item.pair or ""] for item in one.items]
    )
    return rows.getvalue().encode()


def pick(page, label, title):
    page.get_by_role("combobox", name=label).click()
    page.get_by_role("option", name=title).first.click()
    settled(page)


def test_an_edit_and_a_recovery_from_the_page_to_their_end(tiny_folder):
    with open_store() as store:
        base, code = execute(store, plan(tiny_folder, import_toy()))
        assert code == 0, base.error_detail
    with server(home(), FAIRPRUNE_WORKER_IDLE="1") as (address, _), chromium() as browser:
        page, wrong = watched(browser, address)
        page.goto(f"{address}/Debias?run={base.id}&lab=spin&set=ratio:0.08,general_ratio:0.02,samples:3")
        settled(page)

        # A file that is no set is refused in a sentence, and nothing is lost.
        page.get_by_text("Use your own set").click()
        files = page.locator('[data-testid="stFileUploader"] input[type="file"]').first
        files.set_input_files(
            {"name": "wrong.csv", "mimeType": "text/csv", "buffer": b"question,answer\na,b\n"}
        )
        page.get_by_text("prompt", exact=False).filter(has_text="column").first.wait_for()
        for role, one in three_sets(6).items():
            files.set_input_files({"name": f"{role}-own.csv", "mimeType": "text/csv", "buffer": as_csv(one)})
            page.get_by_text(f"Kept: choose {role}-own").wait_for()
            settled(page)
            pick(page, ROLES[role], f"{role}-own")
        page.get_by_role("button", name="Start 3 runs").click()
        page.wait_for_url("**result=*", timeout=60_000)
        page.get_by_text("Waiting:").or_(page.get_by_role("button", name="Cancel")).first.wait_for(
            timeout=60_000
        )
        page.get_by_text("Fairness, side by side").wait_for(timeout=240_000)
        page.get_by_text("minus control: random").first.wait_for(timeout=240_000)
        page.get_by_text("minus control: first-only").first.wait_for(timeout=240_000)
        settled(page)
        page.get_by_text("Which weights it chose").wait_for()
        with open_store() as store:
            [sweep] = store.sweeps()
            edited = next(
                run
                for run in store.runs_of(sweep.run_ids)
                if run.spec.edit and run.spec.edit.control == "none"
            )
            assert {run.state for run in store.runs_of(sweep.run_ids)} == {"done"}
            assert len(group_of(edited.spec)) == len(sweep.run_ids) == 4
            matrix = next(one for one in store.result(edited.id, "sparsity")["matrices"] if one["edited"])

        # The same page in a fresh browser; then the run on every page that shows results.
        again, also_wrong = watched(browser, address, width=360, dark=True)
        again.goto(page.url)
        settled(again)
        again.get_by_text("minus control: first-only").first.wait_for()
        assert again.evaluate("document.documentElement.scrollWidth") <= 360
        for name, shows in (
            ("Summaries", "Opinions on movie"),
            ("Layers", "Shown is the mask after the edit"),
            ("Fairness", "BUR"),
            ("Trade-offs", "SPIN"),
        ):
            again.goto(f"{address}/{name}?run={edited.id}&block={matrix['block']}&matrix={matrix['kind']}")
            settled(again)
            again.locator('[data-testid="stMain"]').get_by_text(shows, exact=False).filter(
                visible=True
            ).first.wait_for()
        assert not also_wrong, also_wrong

        page.goto(f"{address}/Debias?run={base.id}&lab=collapse&{RECOVERY},words:sentiment")
        settled(page)
        page.get_by_role("button", name="Start 2 runs").click()
        page.get_by_text("The words before and after the recovery").wait_for(timeout=240_000)
        page.get_by_text("minus control: uniform").first.wait_for(timeout=240_000)
        settled(page)
        assert (
            page.get_by_text("UNC3 of group words").count()
            or page.get_by_text("No UNC3 of group words").count()
        )
        assert not wrong, wrong
