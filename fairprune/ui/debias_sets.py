"""The three sets of an edit: packaged or uploaded awareness sets, with a preview; careless answers are folded away."""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st

from fairprune.debias import awareness
from fairprune.debias.awareness import AwarenessItem, AwarenessSet
from fairprune.debias_spec import EditSpec
from fairprune.errors import FairpruneError
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.page import refusals, refuse
from fairprune.ui.widgets import keyed, sentence

PAGE = "debias"
ROLES = {"first": "First concern", "second": "Second concern", "general": "General text"}
SHOWN = 8
"""Items of a preview."""


def pick_sets() -> dict[str, str]:
    """The names of the three sets. Draws the choice, an upload and a preview."""
    titles = _titles()
    found = {}
    for column, (role, label) in zip(st.columns(3), ROLES.items(), strict=True):
        with column:
            default = EditSpec.model_fields[role].default
            found[role] = str(
                st.selectbox(
                    label,
                    list(titles),
                    index=list(titles).index(default),
                    format_func=titles.__getitem__,
                    help=sentence(EditSpec, role),
                    **keyed(role, list(titles), PAGE),
                )
            )
    _upload()
    _preview(found)
    return found


def _titles() -> dict[str, str]:
    """Name → what it is called; a stored set that cannot be read is left out, and said."""
    found = {}
    for name in awareness.names():
        try:
            one = awareness.load(name)
        except FairpruneError as error:
            refuse(str(error))
            continue
        kind = (
            "packaged"
            if name in awareness.PACKAGED
            else f"uploaded, {name.removeprefix(awareness.PREFIX)[:6]}"
        )
        found[name] = f"{one.title} ({kind}, {counted(len(one.items), 'prompt')})"
    return found


def _upload() -> None:
    with st.expander("Use your own set", icon=":material/upload_file:"):
        st.caption(
            "CSV or JSON Lines with the columns prompt and response; unsafe_response (a careless answer, for the margin) and pair "
            "(the same situation in two sets) may be there. The file stays on this server, under a hash of its content."
        )
        uploaded = st.file_uploader(
            "File", type=["csv", "jsonl"], key="debias.file", label_visibility="collapsed"
        )
        if uploaded is not None:
            with refusals():
                name = awareness.PREFIX + awareness.save_uploaded(uploaded.getvalue(), uploaded.name)
                st.caption(f"Kept: choose {markup.inert(awareness.load(name).title)} above.")
                if st.session_state.get("debias.uploaded") != name:
                    st.session_state["debias.uploaded"] = name
                    st.rerun()  # the boxes above offer it now


def _preview(names: dict[str, str]) -> None:
    with st.expander("Read the sets", icon=":material/menu_book:"):
        role = st.segmented_control(
            "Set",
            list(ROLES),
            format_func=ROLES.__getitem__,
            default="first",
            required=True,
            key="debias.preview",
        )
        with refusals():
            one = awareness.load(names[str(role or "first")])
            paired = sum(item.pair is not None for item in one.items)
            unsafe = sum(item.unsafe_response is not None for item in one.items)
            st.caption(
                markup.inert(
                    f"{one.title}: {counted(len(one.items), 'prompt')}, {unsafe} with a careless answer, {paired} in pairs. "
                    f"Source: {one.source}. Half is for choosing the weights, the other half for measuring."
                )
            )
            st.html(items_html(one, unsafe=False))
            if unsafe and st.toggle(
                "Show careless answers too", key="debias.unsafe", help="They are mild, but some may offend."
            ):
                st.html(items_html(one, unsafe=True))


def items_html(one: AwarenessSet, *, unsafe: bool) -> str:
    """The first items as a table; with the careless answers, those that have one."""
    shown = [item for item in one.items if not unsafe or item.unsafe_response is not None][:SHOWN]
    heads = ["Prompt", "Careless answer" if unsafe else "Answer"]

    def row(item: AwarenessItem) -> list[Any]:
        answer = item.unsafe_response if unsafe else item.response
        return [escape(item.prompt), escape(answer or "–")]

    return markup.table(heads, [row(item) for item in shown])
