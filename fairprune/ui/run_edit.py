"""What people say of a run: its name, tags and notes, in the list or on its own page."""

from __future__ import annotations

import streamlit as st

from fairprune.store import Run, Store
from fairprune.store.library import MOST_NAME, MOST_NOTES, MOST_TAG, MOST_TAGS
from fairprune.sweep import parts_of
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals

NAMED = 12
"""Tags in use that the form lists."""


def edit_run(store: Store, run: Run) -> None:
    """Name, tags and notes of a run, kept with one button; what is refused stays typed."""
    where = f"edit.{run.id}"
    # No field has a limit of its own: a browser drops what is longer without a word, the store says why.
    with st.form(where, border=False):
        left, right = st.columns(2)
        with left:
            name = st.text_input(
                "Name",
                value=run.name or "",
                placeholder=run.title,
                help=f"What the run is called everywhere: at most {MOST_NAME} characters. Empty: its title.",
                key=f"{where}.name",
            )
        with right:
            tags = st.text_input(
                "Tags, separated by commas",
                value=", ".join(run.tags),
                placeholder="talk, paper",
                help=f"At most {MOST_TAGS}, of at most {MOST_TAG} characters each.",
                key=f"{where}.tags",
            )
        others = [tag for tag in store.tag_counts() if tag not in run.tags]
        if others:
            more = f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
            st.caption(inert(f"Tags of other runs: {', '.join(others[:NAMED])}{more}"))
        notes = st.text_area(
            "Notes",
            value=run.notes,
            height=90,
            help=f"At most {MOST_NOTES:,} characters.",
            key=f"{where}.notes",
        )
        if st.form_submit_button("Save", icon=":material/check:"):
            with refusals():
                store.describe(run.id, name=name, notes=notes, tags=list(parts_of([tags])))
                st.toast("Saved", icon=":material/check:")
                st.rerun()
