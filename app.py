"""First page: what this is, and the latest runs."""

from __future__ import annotations

from html import escape

import streamlit as st

from fairprune.store import Run, Store
from fairprune.ui import markup, open_page, refusals
from fairprune.ui.page import capitalised
from fairprune.ui.runs import badge, degenerate_badge, headline_tiles, missing_assets, no_runs, to_prune

RECENT = 6
STEPS = (
    (
        "Prune",
        "Choose a model, a method and the opinions that calibrate it. Everything runs on this computer.",
    ),
    ("Read", "See what the dense and the pruned model make of the same opinions, side by side, by group."),
    ("Measure", "Get every fairness metric with its interval, beside quality and a random extract."),
)


def introduction() -> None:
    st.html(
        '<div class="fp-lead">fairprune takes weights out of a language model '
        "and measures whom its summaries of opinions stop hearing.</div>"
    )
    steps = [
        f'<div class="fp-tile fp-step"><b>{place}</b><strong>{escape(title)}</strong>'
        f'<span class="fp-quiet">{escape(text)}</span></div>'
        for place, (title, text) in enumerate(STEPS, start=1)
    ]
    st.html(markup.grid(steps, "16rem"))


def run_card(
    run: Run, results: dict[str, dict[str, object]], evaluations: dict[str, dict[str, object]]
) -> None:
    """One run: state, what was asked, what came out, and the way to it."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'<div class="fp-title">{escape(run.title)}</div>', width="content")
            badge(run)
            degenerate_badge(evaluations.get(run.id))
        tiles = headline_tiles(results.get(run.id), evaluations.get(run.id), brief=True)
        if tiles:
            st.html(markup.grid(tiles, "14rem"))
        elif run.error:
            st.text(capitalised(run.error))
        elif run.state == "running" and run.stage:
            st.text(f"{run.stage}: {run.message}")
        with st.container(horizontal=True, gap="medium"):
            st.page_link(
                "pages/1_Prune.py", label="Open", icon=":material/open_in_full:", query_params={"run": run.id}
            )
            if run.state == "done":
                st.page_link(
                    "pages/3_Summaries.py",
                    label="Summaries",
                    icon=":material/article:",
                    query_params={"run": run.id},
                )
                st.page_link(
                    "pages/5_Fairness.py",
                    label="Fairness",
                    icon=":material/balance:",
                    query_params={"run": run.id},
                )


def recent(store: Store) -> None:
    runs = store.runs(limit=RECENT)
    if not runs:
        no_runs("Start here:")
        to_prune("Prune your first model")
        return
    to_prune()
    st.subheader("Latest runs", anchor=False)
    ids = [run.id for run in runs]
    sparsity, evaluations = store.results("sparsity", ids), store.results("evaluation", ids)
    for run in runs:
        run_card(run, sparsity, evaluations)


page_store = open_page("Start", "Who is still heard after pruning?")
with refusals():
    introduction()
    missing_assets()
    recent(page_store)
