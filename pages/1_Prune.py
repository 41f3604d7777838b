"""Prune: a form for a run or a sweep, a setting explored live, a run's live progress, its result card."""

from __future__ import annotations

import contextlib
from typing import Any

import streamlit as st

from fairprune.errors import StoreError
from fairprune.store import Store
from fairprune.ui import open_page, prefill, refusals, refuse
from fairprune.ui.address import bind, carried, carry, choose_run, keep
from fairprune.ui.debias_like import link_like
from fairprune.ui.explore import draw_explore
from fairprune.ui.one_run import new_run
from fairprune.ui.progress import run_panel
from fairprune.ui.runs import missing_assets, option
from fairprune.ui.sweep_form import new_sweep

MODES = {
    "run": ("One run", new_run),
    "sweep": ("Sweep", new_sweep),
    "explore": ("Explore live", draw_explore),
}
"""Value of `?mode=` → its name, and what draws it: (store, addressed=whether the form stands in the address)."""


def chosen_run(store: Store) -> str | None:
    """The run in the address, drawn above the form; None where there is none, or no such run."""
    if "like" in st.query_params and "run" not in st.query_params:
        carry("run", None)  # the form is what this address is about
    wanted = carried("run")
    if wanted is None:
        return None
    try:
        run = store.run(wanted)
    except StoreError as error:
        refuse(f"{error}. Choose one of the stored runs, or start a new one below.")
        runs = store.runs(limit=50)
        if runs:
            names = {run.id: option(run) for run in runs}
            st.selectbox(
                "Stored runs",
                list(names),
                format_func=names.__getitem__,
                index=None,
                placeholder=f"Choose one of {len(names)} runs",
                key="prune.stored",
                on_change=open_stored,
            )
        return None
    choose_run(run.id)
    notice = st.session_state.get("notice")
    if notice and notice[0] == run.id:
        st.success(notice[1], icon=":material/history:")
    run_panel(store, run.id)
    st.page_link(
        "pages/1_Prune.py",
        label="Set up another run like this",
        icon=":material/content_copy:",
        query_params={"like": run.id},
    )
    link_like(run)
    return run.id


def open_stored() -> None:
    if st.session_state["prune.stored"]:
        choose_run(st.session_state["prune.stored"])


def pick_mode() -> str:
    """One run or a sweep of them, by the address."""
    return str(
        st.segmented_control(
            "What to set up",
            list(MODES),
            format_func={name: title for name, (title, _) in MODES.items()}.__getitem__,
            required=True,
            label_visibility="collapsed",
            key=bind("mode", list(MODES), "run"),
            on_change=keep,
            args=("mode",),
        )
    )


page_store = open_page("Prune")
with refusals():
    missing_assets()
    shown = None if carried("mode") == "explore" else chosen_run(page_store)
    prefill.settle(page_store)
    frame: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
    if shown:
        frame = st.expander("Set up another run", icon=":material/add:")
    with frame:
        _, draw = MODES[pick_mode()]
        draw(page_store, addressed=shown is None)
