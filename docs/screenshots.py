"""Pictures of every page from a stored run: `python docs/screenshots.py [RUN] [--out docs/screenshots]` (or `make screenshots`).

Without RUN the newest finished run of this FAIRPRUNE_HOME is shown, else an example; where neither is, one is made first:
Wanda at 40 % on the packaged model and `products`. Runs that stand beside it are those measured alike.

Explore live, the room's votes and a study (`--only live`, a few minutes) need stored statistics and leave votes behind: they are shown in a
folder of their own, which borrows the assets of FAIRPRUNE_HOME and goes away. The phones vote over this computer's own network.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from fairprune import examples  # noqa: E402
from fairprune.audience.network import addresses  # noqa: E402
from fairprune.paths import home, subfolder  # noqa: E402
from fairprune.store import open_store  # noqa: E402
from fairprune.tradeoffs import comparison_key  # noqa: E402
from fairprune.ui.summaries import fitting  # noqa: E402
from tests.browser import chromium, server, settled, watched  # noqa: E402

PAGES = (
    ("start", ""),
    ("prune-form", "Prune?mode=run"),
    ("sweep", "Prune?mode=sweep&method=wanda,hgla,sparsegpt&sparsity=0.1,0.3,0.5,0.7"),
    ("prune", "Prune?run=RUN"),
    ("trade-offs", "Trade-offs?of=like:ALIKE"),
    ("summaries", "Summaries?run=RUN&with=OTHER&order=lost"),
    ("drag", "Summaries?run=RUN&view=drag&order=lost"),
    ("layers", "Layers?run=RUN"),
    ("fairness", "Fairness?run=RUN"),
    ("debias", "Debias?run=RUN"),
    ("runs", "Runs"),
    ("talk", "Talk"),
)
"""Name of the picture → address. RUN, OTHER and ALIKE stand for the run, one beside it, and how they were measured."""
FIRST_RUN = [
    *("--model", "smollm2-135m", "--method", "wanda", "--sparsity", "0.4"),
    *("--corpus", "products", "--samples", "12"),
]
LEAVES_STATISTICS = [
    *("--model", "smollm2-135m", "--method", "wanda", "--option", "propagate=dense", "--sparsity", "0.3"),
    *("--corpus", "products", "--samples", "2"),
]
"""A run after which settings can be explored live."""
LENT = ("assets", "archives", "embeddings")
"""Folders of FAIRPRUNE_HOME that another one can use as they are."""
ANSWERS = ("a", "b", "a", "tie", "a", "both_unfair", "b", "a", "cannot_tell", "a", "b")
"""Of the phones in the picture, by the sides that each of them saw."""
PHONE = (390, 844)


def newest() -> str | None:
    with open_store() as store:
        examples.ensure(store)
        done = store.runs("done", limit=1)
    return done[0].id if done else None


def beside(run_id: str) -> tuple[str, str, str]:
    """The run's whole id, that of another one of the same opinion sets ('' where there is none), and what they have in common."""
    with open_store() as store:
        run = store.run(run_id)
        others, _ = fitting(store, run, store.runs("done", limit=500))
    key = comparison_key(run.spec)
    alike = [other for other in others if comparison_key(other.spec) == key]
    return run.id, alike[0].id if alike else "", key


@contextmanager
def borrowed() -> Iterator[Path]:
    """A FAIRPRUNE_HOME of its own with the assets of this one."""
    with TemporaryDirectory(prefix="fairprune-pictures-", ignore_cleanup_errors=True) as folder:
        for name in LENT:
            (Path(folder) / name).symlink_to(subfolder(name), target_is_directory=True)
        yield Path(folder)


class Camera:
    """Opens pages in fresh profiles and takes their pictures."""

    def __init__(self, browser: Browser, out: Path, *, width: int, height: int, dark: bool) -> None:
        self.browser, self.out = browser, out
        self.width, self.height, self.dark = width, height, dark

    def open(self, address: str, path: str, *, size: tuple[int, int] | None = None) -> tuple[Page, list[str]]:
        """The page at `path`, and what goes wrong in it."""
        width, height = size or (self.width, self.height)
        page, wrong = watched(self.browser, address, width=width, height=height, dark=self.dark)
        page.goto(f"{address}/{path}")
        return page, wrong

    def take(self, page: Page, name: str, wrong: list[str]) -> None:
        page.wait_for_timeout(1500)  # figures draw after the page
        page.screenshot(path=str(self.out / f"{name}.png"))
        for line in wrong:
            print(f"{name}: {line}", file=sys.stderr)
        wrong.clear()


def pages(camera: Camera, run: str) -> None:
    """Every page of `PAGES`."""
    names = dict(zip(("RUN", "OTHER", "ALIKE"), beside(run), strict=True))
    with server(home()) as (address, _):
        for name, path in PAGES:
            for word, value in names.items():
                path = path.replace(word, value)  # noqa: PLW2901
            page, wrong = camera.open(address, path)
            settled(page)
            camera.take(page, name, wrong)
            page.context.close()


def explore(camera: Camera, address: str) -> None:
    """A setting and the one before it: what a person sees who has just moved the slider."""
    page, wrong = camera.open(address, "Prune?mode=explore")
    page.get_by_text("tokens predicted").first.wait_for(timeout=300_000)
    settled(page)
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    page.get_by_text("asked 60.00\N{NO-BREAK SPACE}%").wait_for(timeout=300_000)  # from 50 % on, ten steps
    page.get_by_text("tokens predicted").first.wait_for(timeout=300_000)
    settled(page)
    camera.take(page, "explore", wrong)
    page.context.close()


def room(camera: Camera, address: str) -> None:
    """The slide that asks the room, what a phone sees, the votes as they come in, and the verdict."""
    page, wrong = camera.open(address, "Talk?slide=1")
    settled(page)
    page.keyboard.press("End")
    page.get_by_role("button", name="Ask the room").click(timeout=60_000)
    page.get_by_text("0 votes").wait_for(timeout=60_000)
    origin, code = page.locator(".fp-room b").inner_text().rsplit("/", 1)
    for place, answer in enumerate(ANSWERS):
        phone, also_wrong = camera.open(f"http://{origin}", code, size=PHONE)
        if place == 0:
            camera.take(phone, "audience-phone", also_wrong)
        phone.locator(f"button[name=answer][value={answer}]").click()
        phone.get_by_text("Your answer:").wait_for()
        phone.context.close()
    page.get_by_text(f"{len(ANSWERS)} votes").wait_for(timeout=30_000)
    camera.take(page, "audience", wrong)
    page.get_by_role("button", name="Reveal the verdict").click()
    page.get_by_text("The metrics").wait_for(timeout=30_000)
    settled(page)
    camera.take(page, "audience-verdict", wrong)
    page.get_by_role("button", name="Leave the talk").click()
    settled(page)
    page.context.close()


def judging(camera: Camera, address: str) -> None:
    """A study planned from the examples, what it comes to, and its first item as a judge sees it."""
    page, wrong = camera.open(address, "Study?study=new")
    page.get_by_text("What it comes to").first.wait_for(timeout=60_000)
    page.get_by_role("textbox", name="Name of the study").fill("Which summaries of products are fairer?")
    page.keyboard.press("Tab")
    settled(page)
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_text("The draft is saved").wait_for(timeout=60_000)
    settled(page)
    camera.take(page, "study", wrong)
    page.goto(page.url.replace("part=plan", "part=open") if "part=" in page.url else f"{page.url}&part=open")
    settled(page)
    page.locator('label:has-text("I have looked at the items")').click()
    settled(page)
    page.get_by_role("button", name="Open the study").click()
    page.get_by_role("button", name="Make an open link").click(timeout=60_000)
    page.get_by_text("Copy this now").wait_for(timeout=60_000)
    link = page.locator('[data-testid="stCode"]').first.inner_text().strip()
    page.context.close()
    judge, wrong = camera.open(address, link.removeprefix(f"{address}/"))
    settled(judge)
    for button in ("I agree", "Start"):
        judge.get_by_role("button", name=button).first.click(timeout=60_000)
        settled(judge)
    camera.take(judge, "judge", wrong)
    judge.context.close()


def live(camera: Camera) -> None:
    """What works on stored statistics, what a room does, and a study from its plan to its first judge."""
    with borrowed() as folder:
        times = {"FAIRPRUNE_WORKER_IDLE": "2", "FAIRPRUNE_EXPLORER_IDLE": "5", "FAIRPRUNE_EXAMPLES": "1"}
        environment = {**os.environ, **times, "FAIRPRUNE_HOME": str(folder)}
        environment.pop("FAIRPRUNE_DATABASE_URL", None)
        command = [sys.executable, "-m", "fairprune", "run", *LEAVES_STATISTICS]
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        with server(folder, FAIRPRUNE_DATABASE_URL="", **times) as (address, _):
            judging(camera, address)
            explore(camera, address)
            if addresses():
                room(camera, address)
            else:
                print("audience: this computer is in no network, so no phone can vote", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "screenshots")
    parser.add_argument("--width", type=int, default=1400)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--whole", action="store_true", help="the whole page, not one window of it")
    parser.add_argument("--only", choices=("pages", "live"), help="one half of the pictures")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        height = 2600 if arguments.whole else 950
        camera = Camera(browser, arguments.out, width=arguments.width, height=height, dark=arguments.dark)
        if arguments.only != "live":
            run = arguments.run or newest()
            if run is None:
                subprocess.run([sys.executable, "-m", "fairprune", "run", *FIRST_RUN], check=True, cwd=ROOT)
                run = newest()
            pages(camera, str(run))
        if arguments.only != "pages":
            live(camera)


if __name__ == "__main__":
    main()
