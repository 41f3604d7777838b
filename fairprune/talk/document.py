"""Slides → one HTML file that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from fairprune import __version__
from fairprune.errors import Unavailable
from fairprune.talk.story import Story
from fairprune.voices import renderer

MOST_BYTES = 10_000_000
_ASSETS = Path(__file__).parent / "assets"
_UNSAFE = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026"}


def asset(name: str) -> str:
    """One of our own scripts or style sheets."""
    return (_ASSETS / name).read_text(encoding="utf-8")


def talk_script() -> tuple[str, str]:
    """Script and style that draw slides: define `fairpruneTalk` and `fairpruneVoices`, and load nothing."""
    script, style = renderer()
    table = (_ASSETS.parents[1] / "ui" / "assets" / "table.css").read_text(encoding="utf-8")
    return f"{script}\n{asset('talk.js')}", f"{style}\n{table}\n{asset('talk.css')}"


def safe_json(value: Any) -> str:
    """JSON for a `<script>`: no text of data can end the element or begin another, and no line separator can break a line.

    >>> safe_json("</script>\\u2028&")
    '"\\\\u003c/script\\\\u003e\\\\u2028\\\\u0026"'
    """
    # ASCII escapes everything else that is not plain, the line separators U+2028 and U+2029 too.
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).translate(_UNSAFE)


def policy(*scripts: str) -> str:
    """The Content-Security-Policy of the file: these scripts and no other, and nothing from anywhere.

    Plotly writes styles into the page, so that styles cannot be named one by one.
    """
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def document(story: Story) -> str:
    """The whole file."""
    from plotly.offline import get_plotlyjs

    script, style = talk_script()
    script = f"{script}\n{asset('deck.js')}"
    plotly = inline_script(get_plotlyjs())
    return _template().render(
        policy=policy(plotly, inline_script(script)),
        version=__version__,
        title=story.title,
        style=Markup(f"{asset('deck.css')}\n{style}"),  # noqa: S704 (ours)
        story=Markup(safe_json(story.to_json())),  # noqa: S704 (escaped by safe_json)
        plotly=Markup(plotly),  # noqa: S704 (of the package)
        script=Markup(inline_script(script)),  # noqa: S704 (ours)
    )


def inline_script(script: str) -> str:
    """A script as it stands in a page; the page reads line ends as '\\n', and its hash is of what it reads.

    Raises:
        ValueError: it would end its own element.
    """
    found = script.replace("\r\n", "\n").replace("\r", "\n")
    if "</script" in found.lower() or "<!--" in found:
        raise ValueError("a script that holds '</script' or '<!--' cannot stand in a page")
    return found


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(asset("page.html"))


def write_talk(story: Story, target: Path) -> int:
    """Writes the file and returns its size in bytes.

    Raises:
        Unavailable: it cannot be written, or would have more than `MOST_BYTES`.
    """
    content = document(story).encode()
    if len(content) > MOST_BYTES:
        raise Unavailable(
            f"the talk would have {len(content):,} bytes, more than {MOST_BYTES:,}: name fewer runs, or a sample with fewer opinions"
        )
    try:
        target.write_bytes(content)
    except OSError as error:
        raise Unavailable(f"the talk {target} cannot be written ({error.strerror})") from error
    return len(content)
