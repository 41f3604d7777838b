"""Explore live before there are statistics: one button that makes them, what that costs, and its progress until they are there."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fairprune import jobs
from fairprune.errors import BadInput, StoreError, Unavailable
from fairprune.expected import stored_run
from fairprune.methods import METHODS
from fairprune.plan import plan_run
from fairprune.preflight import Preflight, estimate, words
from fairprune.spec import RunSpec
from fairprune.store import ENDED, Run, Store
from fairprune.ui.address import carried, carry
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals
from fairprune.ui.progress import run_panel

MAKING = "making"
"""In the address: the run that makes the statistics."""
ASKED: dict[str, Any] = {
    "model": "smollm2-135m",
    "corpus": "products",
    "method": "wanda",
    "options": {"propagate": "dense"},
    "sparsity": 0.5,
    "preset": "quick",
}
"""Of `plan_run`: the packaged model, and a method that calibrates on the dense one and so leaves its statistics."""
MOST_SEEDS = 100


def draw_start(store: Store) -> None:
    """Instead of the explorer while nothing is stored that it could answer from.

    When the run that makes the statistics has ended, the page is drawn anew, finds them and shows the explorer.
    """
    run = _making(store)
    live = run is not None and run.state not in ENDED
    if run is not None and live:
        st.info(
            "The statistics are being made. When the run has ended, the explorer opens here by itself.",
            icon=":material/hourglass_top:",
        )
    if run is not None and run.state != "done":
        run_panel(store, run.id)
    if live:
        return
    if run is not None and run.state == "done":
        st.warning(
            "The run has ended, but its statistics are not on disk any more.", icon=":material/database_off:"
        )
    _offer(store)


def _making(store: Store) -> Run | None:
    wanted = carried(MAKING)
    if wanted is None:
        return None
    try:
        return store.run(wanted)
    except StoreError:  # deleted, or a link from elsewhere
        carry(MAKING, None)
        return None


def _offer(store: Store) -> None:
    st.info(
        "No statistics are stored yet: the explorer answers from those of a run whose method calibrates on the dense model.",
        icon=":material/database:",
    )
    with st.container(border=True):
        spec = first_spec(store)
        st.markdown(
            f"**{inert(spec.title())}**, an ordinary run of the packaged model, leaves what the explorer needs."
        )
        with refusals():
            st.caption(inert(cost(estimate(spec, store=store))))
        st.button(
            "Make the statistics",
            type="primary",
            icon=":material/play_arrow:",
            key="explore.first",
            on_click=_make,
            args=(store,),
            help="Queues that run. Summaries and fairness numbers come with it; the explorer opens here when it has ended.",
        )
    st.page_link(
        "pages/1_Prune.py",
        label="Or set up a run of another model, with HGLA, or Wanda with propagate = dense",
        icon=":material/content_cut:",
        query_params={"mode": "run", "method": "hgla"},
    )


def first_spec(store: Store) -> RunSpec:
    """The run to start, unchecked: with the first seed of which no finished run is stored, since that would not run again."""
    for seed in range(MOST_SEEDS):
        spec = plan_run(**ASKED, seed=seed, checked=False)
        found = _stored(spec, store)
        if found is None or found.state != "done":
            return spec
    raise BadInput(
        f"{MOST_SEEDS} runs of {METHODS[ASKED['method']].title} are stored, all without statistics: delete one"
    )


def _stored(spec: RunSpec, store: Store) -> Run | None:
    try:
        return stored_run(spec, store)
    except (BadInput, Unavailable):  # said when the run starts
        return None


def cost(found: Preflight) -> str:
    """What the run needs, for people: time and what that rests on, memory, disk."""
    parts = [f"Time: {words.when(found)}", f"host memory: {words.size(found.host_peak.host_bytes)}"]
    if found.accelerator_peak is not None:
        parts.append(f"accelerator memory: {words.size(found.accelerator_peak.accelerator_bytes)}")
    made_of = f" ({words.made_of(found.disk)})" if found.disk else ""
    parts.append(f"disk: {words.size(found.disk_bytes)}{made_of}")
    return "; ".join(parts) + f". {words.misfit(found) or 'It fits this machine.'}"


def _make(store: Store) -> None:
    """Queues the run, or finds it queued, and remembers it."""
    with refusals():
        run, _ = jobs.submit(plan_run(**ASKED, seed=first_spec(store).evaluation.seed), store)
        carry(MAKING, run.id)
