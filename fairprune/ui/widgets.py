"""What the widgets of the form share: their keys and their help."""

from __future__ import annotations

from typing import Any

import streamlit as st
from pydantic import BaseModel

from fairprune.ui.markup import inert


def sentence(part: type[BaseModel], name: str) -> str:
    """The sentence under a field of the spec: the widget's help."""
    return inert(part.model_fields[name].description or "")


def keyed(name: str, options: list[Any] | None = None) -> dict[str, Any]:
    """Key of a widget whose value survives a change of page; forgets a value that is not offered any more."""
    key = f"prune.{name}"
    if options is not None and key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
    return {"key": key, "persist_state": "session"}
