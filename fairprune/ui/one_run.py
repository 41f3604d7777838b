"""The form of one run, with all that is told before it starts: what it is like, what is stored already, what it will need."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fairprune import jobs
from fairprune.debias_group import is_debiased
from fairprune.errors import BadInput, StoreError, Unavailable
from fairprune.expected import expected_spec, stored_run
from fairprune.plan import plan_run
from fairprune.spec import RunSpec
from fairprune.store import RESTARTABLE, Run, Store
from fairprune.ui import prefill
from fairprune.ui.address import choose_run
from fairprune.ui.debias_like import link_like
from fairprune.ui.form import require_model, run_form
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals
from fairprune.ui.preflight import draw_preflight
from fairprune.ui.preview import draw_preview
from fairprune.ui.runs import STATES

NOTICES = {
    "done": "This configuration was computed before: here is the stored run.",
    "running": "This configuration is being computed already: here it is.",
    "queued": "This configuration is waiting already: here it is.",
}


def new_run(store: Store, *, addressed: bool) -> None:
    """The form and its start button.

    Args:
        addressed: whether the form stands in the address; not while the page shows a run.
    """
    above = st.container()
    values = run_form()
    if addressed:
        prefill.write(prefill.values_text(values))
    asked = _asked(values)
    with above:
        _likeness(store, asked)
    draw_window_preview(values)
    draw_preflight(values, store)
    found = None if asked is None else _stored(asked, store)
    label, icon = "Start the run", ":material/play_arrow:"
    if found is not None:
        label, icon = _told(found)
    if st.button(label, type="primary", icon=icon, key="prune.start"):
        with refusals():
            start(store, values)


def draw_window_preview(values: dict[str, Any]) -> None:
    """The exact calibration windows, where one asks for them."""
    shown = st.toggle(
        "Preview calibration windows", key="prune.preview", help="The exact tokens, coloured by group."
    )
    if shown:
        with st.container(border=True), refusals():
            draw_preview(values)


def start(store: Store, values: dict[str, Any]) -> None:
    """Checks and queues the run, then shows it; a refusal leaves the form as it is."""
    require_model(values)
    with st.spinner("Checking model, data and device …"):
        run, queued = jobs.submit(plan_run(**values), store)
    st.session_state["notice"] = None if queued else [run.id, NOTICES.get(run.state, NOTICES["done"])]
    prefill.leave()
    choose_run(run.id)
    st.rerun()


def _asked(values: dict[str, Any]) -> RunSpec | None:
    """The form's spec, unchecked; None for a form that is refused: its start says why."""
    try:
        return plan_run(**values, checked=False)
    except (BadInput, Unavailable):
        return None


def _stored(asked: RunSpec, store: Store) -> Run | None:
    try:
        return stored_run(asked, store)
    except (BadInput, Unavailable):
        return None


def _told(run: Run) -> tuple[str, str]:
    """Says that this configuration is stored; what the button is called then, and its icon."""
    state = STATES[run.state][0]
    where = f"{inert(run.label)}, of {run.created:%Y-%m-%d}"
    if run.state in RESTARTABLE:
        st.info(f"Stored already, but {state}: {where}. It starts again.", icon=":material/history:")
        return "Start it again", ":material/replay:"
    what = "is opened" if run.state == "done" else f"is {state}"
    st.info(f"Stored already: {where}. Nothing is computed again, it {what}.", icon=":material/history:")
    return "Open the stored run", ":material/open_in_full:"


def _likeness(store: Store, asked: RunSpec | None) -> None:
    """What the form was filled from, and what has been changed since."""
    like = st.session_state.get(prefill.LIKE)
    if not like:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        run: Run | None = None
        text = f":material/content_copy: Like **{inert(str(like[1]))}**"
        try:
            run = store.run(str(like[0]))
        except StoreError:
            text += " (deleted since)"
        else:
            other = run.spec
            mine = None if asked is None else _expected(asked)
            changed = [] if mine is None else prefill.differences(mine, other)
            text += f". Other than there: {inert('; '.join(changed))}" if changed else ", unchanged"
        st.markdown(text)
        if run is not None and is_debiased(run.spec):
            st.caption("This form sets up pruning alone, without the edit or the recovery of that run.")
            link_like(run)
        st.button("Start from scratch", icon=":material/ink_eraser:", on_click=prefill.start_over)


def _expected(asked: RunSpec) -> RunSpec:
    try:
        return expected_spec(asked) or asked
    except (BadInput, Unavailable):
        return asked
