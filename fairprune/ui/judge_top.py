"""Where a judge's page stands: at its top when something new is shown. Streamlit itself stays where the last item was left."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from fairprune.ui.voices import plain_state

_PAGE = Path(__file__).parent / "assets" / "judge_page.js"
_KEY = "judge-top"


@cache
def _component() -> Any:
    return st.components.v2.component("fairprune_judge", js=_PAGE.read_text(encoding="utf-8"))


def draw_style() -> None:
    """What Streamlit's own elements look like on this page alone."""
    st.html(Path(__file__).parent / "judge.css")


def draw_top(view: str) -> None:
    """Scrolls up where `view` is another one than at the last run of this page.

    Args:
        view: names what is shown: a task's key, 'consent', …
    """
    _component()(key=_KEY, data={"view": view})
    plain_state(_KEY)
