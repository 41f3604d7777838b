"""The page Trade-offs: does collapse of group words predict the fairness of summaries? Within fixed sparsity and corpus."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from fairprune.charts_debias import relation_chart
from fairprune.debias.relation import Association, Relation, relation
from fairprune.debias_stages import DEBIAS
from fairprune.store import Store
from fairprune.tradeoffs import Entry
from fairprune.tradeoffs_collapse import NUMBERS, placed
from fairprune.ui import markup
from fairprune.ui.address import bind, keep
from fairprune.ui.downloads import file_of
from fairprune.ui.tradeoffs import Picks, open_chosen

COLLAPSE = "collapse"
"""In the address: which number of the report."""


def draw_relation(store: Store, entries: Sequence[Entry], picks: Picks) -> None:
    """The figure, what it comes to in a sentence, and its numbers; where no run has a report, how to get one."""
    st.header("Does collapse predict fairness?", anchor=False)
    found = store.results(DEBIAS, [entry.run.id for entry in entries])
    reports = {key: value[COLLAPSE] for key, value in found.items() if value.get(COLLAPSE)}
    if not reports:
        st.info(
            "None of these runs has a report of Neural Collapse: ask for it on the page Debias, or by `python -m fairprune collapse RUN`.",
            icon=":material/query_stats:",
        )
        return
    number = str(
        st.selectbox(
            "Collapse of group words",
            list(NUMBERS),
            format_func={name: title for name, (title, _, _) in NUMBERS.items()}.__getitem__,
            key=bind(COLLAPSE, list(NUMBERS), "unc3"),
            on_change=keep,
            args=(COLLAPSE,),
            width=260,
        )
    )
    runs = placed(entries, reports, picks.y, number)
    answer = relation([one.row for one in runs])
    st.markdown(f"**{markup.inert(answer.sentence)}**")
    drawn = [one for one in runs if one.collapse is not None]
    if drawn:
        chart = relation_chart(drawn, NUMBERS[number][0], picks.y)
        event = st.plotly_chart(
            chart,
            key="tradeoffs.relation",
            on_select="rerun",
            selection_mode="points",
            config=picks.config("collapse"),
            alt="Collapse against fairness, each as its difference to the mean of runs of the same sparsity and corpus.",
        )
        open_chosen(event, chart, [one.entry for one in drawn])
    st.caption(
        markup.inert(
            "Collapse and fairness both follow damage: each run is drawn beside those of the same sparsity and corpus alone, and the "
            "correlation is partial on the perplexity ratio. Intervals leave out one method after the other. "
            f"{len(runs)} of {len(entries)} runs have a report; {answer.n_unusable} lack a number, {answer.n_alone} stand alone."
        )
    )
    with st.expander("In numbers"):
        frame = answer.frame()
        st.html(numbers_table(answer))
        st.download_button(
            "As CSV",
            lambda: file_of(frame, "csv", tex=(), caption=""),
            "collapse.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )


def numbers_table(answer: Relation) -> str:
    """Every number of the answer with its interval, runs, methods and strata, or why it is missing; HTML."""
    rows: list[tuple[str, str, str, Association]] = [
        ("Partial correlation", "all", "all", answer.partial),
        *(("Partial correlation", f"{sparsity:.0%}", corpus, one) for sparsity, corpus, one in answer.strata),
        ("Correlation over all runs", "all", "all", answer.raw),
        ("Error taken away for a left-out method", "all", "all", answer.gain),
    ]
    return markup.table(
        ["What", "Sparsity", "Corpus", "Value (95 %)", "Runs, methods, strata", "Why not"],
        [
            [
                f"<b>{escape(what)}</b>",
                escape(sparsity),
                escape(corpus),
                escape(one.shown.replace("-", "−")),
                f"{one.n}, {one.n_methods}, {one.n_strata}",
                escape(one.reason or ""),
            ]
            for what, sparsity, corpus, one in rows
        ],
    )
