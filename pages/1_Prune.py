"""Prune: a form for a run, its live progress, its result card."""

from __future__ import annotations

import contextlib
from typing import Any

import streamlit as st

from fairprune import jobs
from fairprune.errors import StoreError
from fairprune.plan import plan_run
from fairprune.store import Store
from fairprune.ui import open_page, refusals, refuse
from fairprune.ui.address import carried, choose_run
from fairprune.ui.form import require_model, run_form
from fairprune.ui.preflight import draw_preflight
from fairprune.ui.preview import draw_preview
from fairprune.ui.progress import run_panel
from fairprune.ui.runs import missing_assets, option

NOTICES = {
    "done": "This configuration was computed before: here is the stored run.",
    "running": "This configuration is being computed already: here it is.",
    "queued": "This configuration is waiting already: here it is.",
}


def chosen_run(store: Store) -> str | None:
    """The run in the address, drawn above the form; None where there is none, or no such run."""
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
    return run.id


def open_stored() -> None:
    if st.session_state["prune.stored"]:
        choose_run(st.session_state["prune.stored"])


def start(store: Store, values: dict[str, Any]) -> None:
    """Checks and queues the run, then shows it; a refusal leaves the form as it is."""
    require_model(values)
    with st.spinner("Checking model, data and device …"):
        run, queued = jobs.submit(plan_run(**values), store)
    st.session_state["notice"] = None if queued else [run.id, NOTICES.get(run.state, NOTICES["done"])]
    choose_run(run.id)
    st.rerun()


def new_run(store: Store) -> None:
    values = run_form()
    shown = st.toggle(
        "Preview calibration windows", key="prune.preview", help="The exact tokens, coloured by group."
    )
    if shown:
        with st.container(border=True), refusals():
            draw_preview(values)
    draw_preflight(values, store)
    if st.button("Start the run", type="primary", icon=":material/play_arrow:", key="prune.start"):
        with refusals():
            start(store, values)


page_store = open_page("Prune")
with refusals():
    missing_assets()
    if chosen_run(page_store):
        frame: contextlib.AbstractContextManager[Any] = st.expander(
            "Set up another run", icon=":material/add:"
        )
    else:
        frame = contextlib.nullcontext()
    with frame:
        new_run(page_store)
