"""A figure with its caption as a PNG, drawn by a Chrome of this computer. Where there is none there are no pictures.

The page that Chrome draws holds all it needs; it may load nothing, and no name of another host is looked up.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup

from fairprune.errors import Unavailable
from fairprune.talk.document import inline_script, policy, safe_json

if TYPE_CHECKING:
    import plotly.graph_objects as go

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
VARIABLE = "FAIRPRUNE_CHROME"
"""Environment variable: the browser, where it has another name."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
SCALE = 2
"""Pixels of the picture per pixel of the page: for print."""
_SECONDS = 90.0
_QUIET = (
    *("--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND",
    # Time goes on as soon as nothing is left to do: the figure is whole, however slow the machine.
    "--virtual-time-budget=10000",
)
_DRAW = """
const story = JSON.parse(document.getElementById("figure").textContent);
Plotly.newPlot("plot", story.data, story.layout, {staticPlot: true, displayModeBar: false});
"""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{{ policy }}"><title>{{ heading }}</title>
<style>body{margin:0;padding:24px;background:#fff;color:#18212c;font:15px/1.45 system-ui,sans-serif}h1{font-size:20px;margin:0 0 8px}
p{margin:8px 0 0;color:#44505f}</style></head><body><h1>{{ heading }}</h1><div id="plot"></div><p>{{ caption }}</p>
<script type="application/json" id="figure">{{ figure }}</script><script>{{ plotly }}</script><script>{{ draw }}</script></body></html>"""


def browser() -> str | None:
    """The Chrome or Chromium of this computer; None: there is none."""
    names = [os.environ[VARIABLE]] if os.environ.get(VARIABLE) else BROWSERS
    return next((path for name in names if (path := shutil.which(name))), None)


def png(figure: go.Figure, heading: str, caption: str, width: int = 1000, height: int = 700) -> bytes:
    """The picture, `SCALE` times as many pixels as asked.

    Args:
        heading, caption: plain text above and below the figure.
        width, height: of the page, in pixels; what is taller is cut.

    Raises:
        Unavailable: no browser, or it draws nothing.
    """
    program = browser()
    if program is None:
        raise Unavailable(
            f"pictures need a Chrome or Chromium, and none of {', '.join(BROWSERS)} is there: install one, or name it in {VARIABLE}"
        )
    with tempfile.TemporaryDirectory(prefix="fairprune-") as name:
        folder = Path(name)
        page, target = folder / "page.html", folder / "picture.png"
        page.write_text(_page(figure, heading, caption), encoding="utf-8")
        said = _run(
            [
                program,
                *_QUIET,
                # Chrome refuses its own sandbox to root. The page is ours, and its policy lets nothing else run.
                *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
                f"--user-data-dir={folder / 'profile'}",
                f"--force-device-scale-factor={SCALE}",
                f"--window-size={width},{height}",
                f"--screenshot={target}",
                page.as_uri(),
            ]
        )
        found = target.read_bytes() if target.is_file() else b""
    if not found.startswith(SIGNATURE):
        raise Unavailable(f"{program} drew no picture: {said or 'it says nothing'}")
    return found


def _page(figure: go.Figure, heading: str, caption: str) -> str:
    """A page that holds all it needs. No text of data is anything but text in it."""
    import json

    import plotly.graph_objects as go
    from plotly.offline import get_plotlyjs

    plotly = inline_script(get_plotlyjs())
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(_PAGE).render(
        policy=policy(plotly, _DRAW),
        heading=heading,
        caption=caption,
        figure=Markup(safe_json(json.loads(go.Figure(figure, layout_template="plotly_white").to_json()))),  # noqa: S704 (escaped by safe_json)
        plotly=Markup(plotly),  # noqa: S704 (of the package)
        draw=Markup(_DRAW),  # noqa: S704 (ours)
    )


def _run(command: list[str]) -> str:
    """Runs it in a process group of its own, which ends with it; the end of what it wrote.

    Raises:
        Unavailable: it cannot be started, or does not end.
    """
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable(f"{command[0]} cannot be started ({error.strerror})") from error
    try:
        _, said = process.communicate(timeout=_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} drew nothing within {_SECONDS:.0f} s") from error
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stderr is not None
        process.stderr.close()
    return " ".join(said.decode(errors="replace").split())[-300:]
