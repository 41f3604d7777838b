"""Runs: every run, what it found, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from fairprune.store import Store, Sweep
from fairprune.ui import open_page, refusals
from fairprune.ui.bundle import draw_bundle_upload
from fairprune.ui.markup import inert
from fairprune.ui.run_filters import (
    chosen,
    clear,
    draw_filters,
    filtered,
    order,
    settle,
    sweep_facts,
    sweep_of,
)
from fairprune.ui.run_list import draw_actions, draw_rows, draw_said, page_of, picked
from fairprune.ui.run_live import live_strip
from fairprune.ui.runs import no_runs, to_prune


def sweep_head(store: Store, sweep: Sweep) -> None:
    """What the sweep of the address varied, and how far it is."""
    states = store.states(sweep.run_ids)
    done, all_ = sum(state == "done" for state in states.values()), len(sweep.run_ids)
    with st.container(border=True):
        st.markdown(f"## :material/grid_view: {inert(sweep.title)}")
        for name, values in sweep_facts(sweep.axes):
            st.caption(f"{name}: {inert(values)}")
        st.progress(done / all_ if all_ else 0.0, text=f"{done} of {all_} runs done")
        if st.button(
            "Trade-offs of this sweep",
            icon=":material/scatter_plot:",
            disabled=done < 2,
            key="runs.sweep.tradeoffs",
        ):
            st.switch_page("pages/2_Trade-offs.py", query_params={"runs": ",".join(sweep.run_ids)})


def draw(store: Store) -> None:
    facets, sweeps = store.facets(), store.sweeps()
    settle(sweeps)
    notice = st.session_state.pop("sweep.notice", None)
    if notice:
        st.warning(inert(notice), icon=":material/info:")
    draw_said()
    if not facets.states:
        no_runs("Every run that you start stands here.")
        to_prune("Prune your first model")
        draw_bundle_upload(store)
        return
    live_strip(store)
    draw_filters(store, facets, sweeps)
    sweep = sweep_of(sweeps)
    if sweep is not None:
        sweep_head(store, sweep)
    wanted, by = chosen(sweeps), order()
    found = page_of(store, wanted, by)
    if filtered():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{found.total:,} of {sum(facets.states.values()):,} runs")
            st.button("Clear the filters", icon=":material/filter_alt_off:", key="runs.clear", on_click=clear)
    if found.total or picked():
        draw_actions(store, wanted, by, found)
    if not found.total:
        st.info("No run meets all of these filters: take one of them out.", icon=":material/search_off:")
    draw_rows(store, found)
    draw_bundle_upload(store)


page_store = open_page("Runs")
with refusals():
    draw(page_store)
