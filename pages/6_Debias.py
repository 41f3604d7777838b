"""Debias: SPIN, Neural Collapse, DENP and masked recovery on a pruned model, beside the controls that tell an effect from noise."""

from __future__ import annotations

import streamlit as st

from fairprune.debias_stages import DEBIAS
from fairprune.store import ENDED, Run, Store
from fairprune.ui import markup, open_page, refusals
from fairprune.ui.debias import (
    Start,
    follow,
    in_address,
    opened,
    pick_lab,
    pick_result,
    pick_start,
    results,
    stored_members,
)
from fairprune.ui.debias_collapse import draw_report
from fairprune.ui.debias_evidence import draw_about, draw_evidence
from fairprune.ui.debias_form import draw_form, draw_start, settle, write
from fairprune.ui.debias_results import draw_beside, draw_progress, losses_beside, sparsity_tiles


def result(store: Store, run: Run) -> None:
    """What was asked for once: progress while it runs, then what changed, the evidence, and all numbers beside the controls."""
    members = stored_members(store, run.spec)
    draw_progress(store, members)
    if run.state not in ENDED:
        return
    tiles = sparsity_tiles(store, members)
    if tiles:
        st.html(markup.grid(tiles, "15rem"))
    draw_evidence(store.result(run.id, DEBIAS), losses_beside(store, run, members))
    draw_beside(store, members)


def setup(store: Store, start: Start, lab: str) -> None:
    """The form, what its runs cost, and their start."""
    asked = draw_form(lab)
    write(lab, asked)
    draw_start(store, start, asked)


def draw(store: Store) -> None:
    named = in_address()
    start = pick_start(store)
    if start is None:
        st.info(
            "An edit or a recovery is laid over a pruned run: choose one above, or start from a model, which is pruned first.",
            icon=":material/healing:",
        )
        return
    if start.run is not None:
        follow(start.run, named)
    lab = pick_lab(None if start.run is None else start.run.spec)
    draw_about(lab)
    if lab == "collapse" and start.run is not None and start.run.state == "done":
        draw_report(store, start.run)
    found = results(store, start.spec, lab, start.run)
    shown = pick_result(found, start.run)
    if start.run is not None:
        opened(start.run)
    if shown is None:
        st.header("Set it up", anchor=False)
        with refusals():
            setup(store, start, lab)
        return
    with st.expander("Set up another one", icon=":material/add:"), refusals():
        setup(store, start, lab)
    result(store, shown)


page_store = open_page("Debias")
with refusals():
    settle()
    draw(page_store)
