"""The text that goes with a figure, to be copied."""

from __future__ import annotations

import streamlit as st


def draw_caption(text: str, key: str) -> None:
    """A button that opens the paragraph, with a button to copy it."""
    with st.popover("Caption", icon=":material/format_quote:", type="tertiary", key=f"caption.{key}"):
        st.code(text, language=None, wrap_lines=True)
