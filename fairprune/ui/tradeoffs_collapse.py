"""The page Trade-offs: how collapse of group words follows sparsity and method, and whether it predicts the fairness of summaries."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from fairprune.charts_debias import collapse_lines, relation_chart
from fairprune.debias.relation import Association, Named, Relation, relation
from fairprune.debias_stages import DEBIAS
from fairprune.store import Store
from fairprune.text import counted
from fairprune.tradeoffs import Entry
from fairprune.tradeoffs_axes import Axis
from fairprune.tradeoffs_collapse import (
    NUMBERS,
    Reports,
    of_list,
    placed,
    spots,
    that_count,
    word_lists,
)
from fairprune.ui import markup
from fairprune.ui.address import bind, keep
from fairprune.ui.downloads import file_of
from fairprune.ui.tradeoffs import Picks, open_chosen

COLLAPSE, WORDS = "collapse", "words"
"""In the address: which number of the report, and of which word list."""


def draw_relation(store: Store, entries: Sequence[Entry], picks: Picks) -> None:
    """Collapse over sparsity, then the question with its figure, sentence and numbers; where no run has a report, how to get one."""
    st.header("How does collapse follow sparsity and method?", anchor=False)
    found = store.results(DEBIAS, [entry.run.id for entry in entries])
    reports = {key: value[COLLAPSE] for key, value in found.items() if value.get(COLLAPSE)}
    if not reports:
        st.info(
            "None of these runs has a report of Neural Collapse: ask for it on the page Debias, or by `python -m fairprune collapse RUN`.",
            icon=":material/query_stats:",
        )
        return
    lists = word_lists(reports)
    with st.container(horizontal=True, gap="medium"):
        number = _pick(
            "Collapse of group words", list(NUMBERS), {k: v[0] for k, v in NUMBERS.items()}, COLLAPSE, "unc3"
        )
        words = _pick("Word list", lists, {name: name.capitalize() for name in lists}, WORDS, lists[0])
    own = of_list(entries, reports, words)
    _lines(own, reports, number, picks)
    others = (
        f" {counted(len(reports) - len(own), 'other has one', 'others have one')} of another word list."
        if len(reports) > len(own)
        else ""
    )
    st.caption(
        markup.inert(f"{len(own)} of {len(entries)} runs have a report of the word list {words}.{others}")
    )
    st.header("Does collapse predict fairness?", anchor=False)
    if picks.y.kind != "fairness":
        st.info(
            f"{markup.inert(picks.y.title)} is no fairness number: choose one as the vertical axis.",
            icon=":material/info:",
        )
        return
    _question(own, reports, number, picks)


def _pick(label: str, names: list[str], titles: dict[str, str], key: str, first: str) -> str:
    return str(
        st.selectbox(
            label,
            names,
            format_func=titles.__getitem__,
            key=bind(key, names, first),
            on_change=keep,
            args=(key,),
            width=260,
        )
    )


def _lines(own: Sequence[Entry], reports: Reports, number: str, picks: Picks) -> None:
    drawn = spots(own, reports, number)
    if not drawn:
        st.info("None of these reports has this number.", icon=":material/info:")
        return
    chart = collapse_lines(drawn, NUMBERS[number])
    event = st.plotly_chart(
        chart,
        key="tradeoffs.collapse",
        on_select="rerun",
        selection_mode="points",
        config=picks.config("collapse-lines"),
        alt=f"{NUMBERS[number][0]} over sparsity, a line for each method: group words beside control words.",
    )
    open_chosen(event, chart, [one.entry for one in drawn])


def named(number: str, y: Axis) -> Named:
    """What the sentence calls the two numbers, and which end is fairer."""
    away = y.better == "zero"
    return Named(
        NUMBERS[number][0],
        f"distance of {y.title} from 0" if away else y.title,
        "higher" if y.better == "higher" else "lower",
    )


def _question(own: Sequence[Entry], reports: Reports, number: str, picks: Picks) -> None:
    kept, out = that_count(own, picks.y, weak=picks.broken)
    runs = placed(kept, reports, picks.y, number)
    answer = relation([one.row for one in runs])
    st.markdown(f"**{markup.inert(answer.sentence(named(number, picks.y)))}**")
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
            "Collapse and fairness both follow damage: each run is drawn beside those alone that compare with it (one sparsity, corpus, "
            "model and setting), and the correlation is partial on the perplexity ratio. Intervals leave out one pruning method after the "
            f"other. Of {counted(len(runs), 'run')} {answer.n_unusable} lack a number, {answer.n_alone} stand alone. {out.sentence}"
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
    rows: list[tuple[str, str, str, str, Association]] = [
        ("Partial correlation", "all", "all", "all", answer.partial),
        *(
            ("Partial correlation", f"{sparsity:.0%}", corpus, setting, one)
            for sparsity, corpus, setting, one in answer.strata
        ),
        ("Correlation over all runs", "all", "all", "all", answer.raw),
        ("Error taken away for a left-out method", "all", "all", "all", answer.gain),
    ]
    return markup.table(
        ["What", "Sparsity", "Corpus", "Model · setting", "Value (95 %)", "Runs, methods, strata", "Why not"],
        [
            [
                f"<b>{escape(what)}</b>",
                escape(sparsity),
                escape(corpus),
                escape(setting),
                escape(one.shown.replace("-", "−")),
                f"{one.n}, {one.n_methods}, {one.n_strata}",
                escape(one.reason or ""),
            ]
            for what, sparsity, corpus, setting, one in rows
        ],
    )
