"""First page: what this is, and the latest runs."""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st

from fairprune.headlines import headlines
from fairprune.store import Run, Store
from fairprune.ui import markup, open_page, refusals
from fairprune.ui.bundle import draw_bundle_upload
from fairprune.ui.page import capitalised
from fairprune.ui.runs import badge, degenerate_badge, headline_tiles, missing_assets, no_runs, to_prune
from fairprune.ui.start import draw_examples, draw_story, story_run

RECENT = 6
LOOKED_AT = 200
STEPS = (
    (
        "Prune",
        "Choose a model, a method and the opinions that calibrate it. Everything runs on this computer.",
    ),
    ("Read", "See what the dense and the pruned model make of the same opinions, side by side, by group."),
    ("Measure", "Get every fairness metric with its interval, beside quality and a random extract."),
)


def introduction(steps: bool) -> None:
    """What this is; `steps`: with what one does here, where there is nothing to show yet."""
    st.html(
        '<div class="fp-lead">fairprune takes weights out of a language model '
        "and measures whom its summaries of opinions stop hearing.</div>"
    )
    if not steps:
        return
    tiles = [
        f'<div class="fp-tile fp-step"><b>{place}</b><strong>{escape(title)}</strong>'
        f'<span class="fp-quiet">{escape(text)}</span></div>'
        for place, (title, text) in enumerate(STEPS, start=1)
    ]
    st.html(markup.grid(tiles, "16rem"))


def run_card(run: Run, headline: dict[str, Any] | None) -> None:
    """One run: state, what was asked, what came out, and the way to it."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'<div class="fp-title">{escape(run.label)}</div>', width="content")
            badge(run)
            degenerate_badge(headline)
        tiles = headline_tiles((headline or {}).get("sparsity"), headline, brief=True)
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


def recent(store: Store, runs: list[Run]) -> None:
    own = [run for run in runs if run.origin != "example"]
    shown = own[:RECENT] or runs[: RECENT // 3]
    if not shown:
        no_runs("Start here:")
        to_prune("Prune your first model")
        return
    to_prune() if own else to_prune("Prune your first model")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("Latest runs" if own else "Example runs", anchor=False, width="content")
        st.page_link("pages/9_Runs.py", label="All runs", icon=":material/list:")
    known = headlines(store, [run.id for run in shown])
    for run in shown:
        run_card(run, known.get(run.id))


page_store = open_page("Start", "Who is still heard after pruning?")
with refusals():
    page_runs = page_store.runs(limit=LOOKED_AT)
    told = story_run(page_store, page_runs)
    introduction(steps=told is None)
    if told is not None:
        draw_story(page_store, told)
    missing_assets()
    recent(page_store, page_runs)
    draw_examples(page_store, page_runs)
    draw_bundle_upload(page_store)
