"""The app in a real browser: a server of its own, headless Chromium, and an ear for everything that goes wrong."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.conftest import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
QUIET += ["--disable-component-update", "--disable-sync"]


def browser_path() -> str:
    """The installed Chromium or Chrome.

    Raises:
        RuntimeError: there is none; says what to install.
    """
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    raise RuntimeError("no Chromium was found: install the package chromium (Debian) or Google Chrome")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        found: int = free.getsockname()[1]
        return found


@contextmanager
def server(
    home: Path, *, module: str = "fairprune.ui.serve", port: int | None = None, **environment: str
) -> Iterator[tuple[str, float]]:
    """A running app with this home folder; yields its address and how long it took to answer, seconds.

    Args:
        module: what is started, with the arguments of `python -m streamlit`.
        port: where it listens; None: a free one.
    """
    port = port or free_port()
    command = [sys.executable, "-m", module, "run", str(ROOT / "app.py"), "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
    env = {**os.environ, "FAIRPRUNE_HOME": str(home), **environment}
    log = (home / "server.log").open("w")
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        while True:
            assert process.poll() is None, (home / "server.log").read_text()
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
                    break
            except OSError:
                assert time.monotonic() - start < 60, "the server does not answer"
                time.sleep(0.05)
        yield address, time.monotonic() - start
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


def watched(
    browser: Browser,
    address: str,
    *,
    width: int = 1400,
    height: int = 1000,
    dark: bool = False,
    phone: bool = False,
) -> tuple[Page, list[str]]:
    """A page in a fresh profile, and the list of what went wrong in it: console errors, exceptions, foreign requests."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        is_mobile=phone,
        has_touch=phone,
    )
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: heard(message, wrong))
    page.on("pageerror", lambda error: wrong.append(f"exception: {error}"))
    page.on(
        "request",
        lambda request: (
            wrong.append(f"foreign request: {request.url}")
            if request.url.startswith(("http", "ws"))
            and not request.url.replace("ws://", "http://").startswith(address)
            else None
        ),
    )
    return page, wrong


def heard(message: ConsoleMessage, wrong: list[str]) -> None:
    """Notes console errors. On a deep link Streamlit first looks for its server below the page's own path: that is no error."""
    probe = "/_stcore/" in message.location.get("url", "") and "404" in message.text
    if message.type == "error" and not probe:
        wrong.append(f"console: {message.text} ({message.location.get('url', '')})")


def settled(page: Page, *, timeout: float = 60) -> None:
    """Waits until Streamlit has drawn the page, and fails on an exception shown in it."""
    page.wait_for_selector('[data-testid="stApp"]', timeout=timeout * 1000)
    page.wait_for_selector('[data-testid="stMain"] h1', timeout=timeout * 1000)
    page.wait_for_function(
        """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === "notRunning" &&
                 !document.querySelector('[data-testid="stStatusWidget"]') &&
                 !document.querySelector('[data-testid="stSkeleton"]') &&
                 !document.querySelector('[data-stale="true"]')""",
        timeout=timeout * 1000,
    )
    assert page.locator('[data-testid="stException"]').count() == 0, page.inner_text('[data-testid="stMain"]')


def until(page: Page, expression: str, *, timeout: float = 30) -> None:
    """Waits for a JavaScript expression to be true, asking from outside.

    Playwright's own `wait_for_function` asks by `eval` inside the page, which a page with a content security
    policy refuses as soon as it has to ask twice.
    """
    end = time.monotonic() + timeout
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not within {timeout:g} s: {expression}"
        page.wait_for_timeout(50)
