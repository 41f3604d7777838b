"""The Neural Collapse report of a stored run on the page Debias: asked for, watched, shown."""

from __future__ import annotations

import streamlit as st

from fairprune import jobs
from fairprune.cli_collapse import default_words
from fairprune.debias.words import WORD_LISTS, load_words
from fairprune.debias_stages import COLLAPSE_WINDOWS, DEBIAS
from fairprune.store import Report, Run, Store
from fairprune.ui import markup
from fairprune.ui.address import bind, carry, keep
from fairprune.ui.debias_words import draw_collapse
from fairprune.ui.page import reconcile_watched, refusals, refuse
from fairprune.ui.runs import STATES

POLL_SECONDS = 1.0
WORDS = "words"


def draw_report(store: Store, run: Run) -> None:
    """The report that is there; else the button that asks for it, or how far it is."""
    st.header("Report on this run", anchor=False)
    report = store.report(run.id, "collapse")
    if report is not None and not report.ended:
        st.fragment(_watch, run_every=POLL_SECONDS)(store, run.id)
        return
    if report is not None and report.state != "done":
        _failed(report)
    found = (store.result(run.id, DEBIAS) or {}).get("collapse")
    if found is not None:
        draw_collapse(found, "report", ("dense", "pruned" if not run.spec.additions else "this run"))
    _ask(store, run, found is not None)


def _watch(store: Store, run_id: str) -> None:
    with refusals():
        reconcile_watched(store)
        report = store.report(run_id, "collapse")
        if report is None or report.ended:
            st.rerun()  # the whole page: the report is there, or says why not
        with st.container(border=True):
            waits = report.state == "queued"
            st.progress(
                report.done / report.total if report.total else 0.0,
                text="Waiting for its turn" if waits else markup.inert(report.message or "starting"),
            )
            st.button(
                "Cancelling …" if report.cancel_requested else "Cancel the report",
                icon=":material/stop_circle:",
                disabled=report.cancel_requested,
                key="collapse.cancel",
                on_click=jobs.cancel_report,
                args=(run_id, store),
            )


def _failed(report: Report) -> None:
    if report.error:
        refuse(report.error)
    else:
        st.info(f"The report was {STATES[report.state][0]}.", icon=":material/block:")
    if report.error_detail:
        with st.expander("Details for a report of a defect"):
            st.code(report.error_detail, language=None, wrap_lines=True)


def _ask(store: Store, run: Run, again: bool) -> None:
    """The word list, its words, and the button."""
    if run.origin != "here":
        st.info(
            "A report needs the model itself, and this run was not computed here: start the run here first.",
            icon=":material/info:",
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        words = st.selectbox(
            "Word list",
            list(WORD_LISTS),
            format_func=str.capitalize,
            key=bind(WORDS, list(WORD_LISTS), default_words(run.spec.evaluation.corpus)),
            on_change=keep,
            args=(WORDS,),
            width=220,
        )
        st.button(
            "Make the report again" if again else "Make the report",
            type="secondary" if again else "primary",
            icon=":material/query_stats:",
            key="collapse.ask",
            on_click=_start,
            args=(store, run.id, str(words)),
            help=f"Queued to the worker: the model is pruned again from what is stored, and reads {COLLAPSE_WINDOWS} held-out windows.",
        )
    with st.expander("Read the words"):
        for group, own in load_words(str(words)).items():
            st.caption(f"**{markup.inert(group)}**: {markup.inert(', '.join(own))}")


def _start(store: Store, run_id: str, words: str) -> None:
    with refusals():
        jobs.ask_collapse(run_id, words, COLLAPSE_WINDOWS, store)
        carry(WORDS, words)
