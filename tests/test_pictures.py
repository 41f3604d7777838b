"""Figures as PNG, drawn by the Chromium that is here."""

from __future__ import annotations

import io

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image
from plotly.offline import get_plotlyjs

from fairprune import pictures
from fairprune.errors import Unavailable
from fairprune.pictures import SCALE, SIGNATURE, png
from fairprune.talk.document import inline_script

HOSTILE = '</title><script>document.body.innerHTML = ""</script><b>'


@pytest.mark.slow
def test_a_figure_with_its_words_becomes_a_picture() -> None:
    figure = go.Figure(
        go.Bar(x=["</script>", "b"], y=[1, 3], marker_color="#0072b2"),
        {"height": 200, "margin": {"t": 5, "b": 25}},
    )
    found = png(figure, HOSTILE, f"A caption. {HOSTILE}", width=500, height=500)
    assert found.startswith(SIGNATURE)
    pixels = np.asarray(Image.open(io.BytesIO(found)).convert("RGB")).astype(int)
    assert pixels.shape == (500 * SCALE, 500 * SCALE, 3)
    blue = (abs(pixels - (0x00, 0x72, 0xB2)).sum(axis=2) < 12).any(axis=1)
    rows = np.flatnonzero(blue)
    assert rows.size > 100  # the bars, many pixels high
    ink = (pixels.sum(axis=2) < 500).any(axis=1)
    assert (
        ink[: rows[0]].any() and ink[rows[-1] + 40 * SCALE :].any()
    )  # words above and below: no script took them away


def test_no_text_is_anything_but_text() -> None:
    page = pictures._page(go.Figure(go.Bar(x=[HOSTILE], y=[1])), HOSTILE, HOSTILE)
    ours = page.replace(inline_script(get_plotlyjs()), "")
    assert "<script>document.body" not in ours and "<b>" not in ours and ours.count("<script") == 3
    assert 'content="default-src &#39;none&#39;; script-src &#39;sha256-' in ours
    assert " src=" not in ours and "href" not in ours


def test_without_a_browser_it_says_what_to_do(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pictures.browser() is None
    with pytest.raises(Unavailable, match="pictures need a Chrome or Chromium"):
        png(go.Figure(), "", "")
    monkeypatch.setenv(pictures.VARIABLE, "no-such-browser")
    assert pictures.browser() is None


def test_a_browser_that_draws_nothing_or_does_not_end(monkeypatch, tmp_path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho no display >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv(pictures.VARIABLE, str(broken))
    with pytest.raises(Unavailable, match="broken drew no picture: no display"):
        png(go.Figure(), "", "")
    broken.write_text("#!/bin/sh\nsleep 60 & sleep 60\n")
    monkeypatch.setattr(pictures, "_SECONDS", 0.3)
    with pytest.raises(Unavailable, match=r"drew nothing within 0 s"):
        png(go.Figure(), "", "")
