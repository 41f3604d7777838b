"""What leaves a closed study: report, raw votes, files for other programs; and votes that come in from elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from fairprune.judgments.closed import Asked, Closed
from fairprune.judgments.closed_files import (
    FORMATS,
    arena_file,
    ratings_file,
    raw_file,
    read_elsewhere,
    together,
)
from fairprune.judgments.elsewhere import IMPORTED
from fairprune.judgments.label_results import LabelResults
from fairprune.judgments.metric_agreement import Comparison
from fairprune.judgments.potato import potato_of
from fairprune.judgments.report import flow_diagram
from fairprune.judgments.report_file import (
    flow_svg,
    label_report_html,
    methods_text,
    report_html,
    report_rows,
)
from fairprune.judgments.results import Results, analyse, flow_in
from fairprune.judgments.votes import Vote
from fairprune.store import Store
from fairprune.text import counted
from fairprune.ui import study_numbers as numbers
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals
from fairprune.ui.study_import import ACCEPTED, TYPES, draw_store

QUESTION = "study-question"
"""Key of the question that the page speaks of, with the study's id behind it."""


def draw_flow(closed: Closed) -> None:
    """Who took part, and where they went."""
    st.header("Who took part?", anchor=False)
    with refusals():
        flow = flow_in(closed, closed.rules)
        st.image(flow_svg(flow, closed.study.withdrawn), alt=flow_diagram(flow))
    st.caption("The flow of participants, after CONSORT. Rules in the order in which they are applied.")


def draw_files(
    store: Store, closed: Closed, results: Results, trusted: Mapping[str, Comparison | str], question: str
) -> None:
    """The report, the files, and reading votes of elsewhere.

    Args:
        trusted: as `report_html` takes it.
        question: whose battles an arena script gets.
    """
    _report(closed, lambda each, currency: report_html(closed, results, trusted, each, currency))
    st.header("Take the votes with you", anchor=False)
    _raw(closed)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**For other programs**", width=190)
        _download(
            closed,
            "Arena battles",
            partial(arena_file, closed, question),
            f"{question}-battles.csv",
            "text/csv",
            "study-arena",
        )
        if not closed.imported:
            draw_potato(closed)
    st.caption(
        "Arena scripts count *both unfair*, their *tie (bothbad)*, as a tie; the strengths above do not."
        + ("" if closed.imported else " The key says which system stands where: keep it from annotators.")
    )
    if not closed.imported:
        draw_elsewhere(store, closed, results.primary)


def draw_potato(asked: Asked) -> None:
    """The items for Potato, what its configuration says of them, and the key."""
    _download(
        asked,
        "Potato items",
        lambda: potato_of(asked).items_file,
        "potato.jsonl",
        "application/x-ndjson",
        "study-potato",
    )
    _download(
        asked,
        "Potato settings",
        lambda: potato_of(asked).settings_file,
        "potato-settings.json",
        "application/json",
        "study-potato-schemes",
    )
    _download(
        asked,
        "Potato key",
        lambda: potato_of(asked).key_file,
        "potato-key.csv",
        "text/csv",
        "study-potato-key",
        icon=":material/key:",
    )


def _download(
    asked: Asked,
    title: str,
    make: Callable[[], bytes],
    name: str,
    mime: str,
    key: str,
    *,
    icon: str = ":material/download:",
    primary: bool = False,
) -> None:
    """A button that saves a file of this study, made when it is pressed."""
    file = f"study-{asked.study.id}-{name}"
    st.download_button(
        title,
        make,
        file,
        mime,
        key=key,
        type="primary" if primary else "secondary",
        icon=icon,
        on_click="ignore",
    )


def _raw(closed: Closed) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("**Raw rows**", width=190)
        for ending, (title, mime) in FORMATS.items():
            _download(
                closed,
                title,
                partial(raw_file, closed, ending),
                f"votes.{ending}",
                mime,
                f"study-raw-{ending}",
            )
        if closed.ratings:
            _download(
                closed,
                "Ratings (CSV)",
                partial(ratings_file, closed),
                "ratings.csv",
                "text/csv",
                "study-ratings",
            )
    st.caption(
        "A row per vote: pseudonyms, no network address, no crowd id; the run of each side; how the judge's part has ended. In CSV an "
        "apostrophe stands before a text that a spreadsheet would run."
    )


def _report(closed: Closed, make: Callable[[float | None, str], str]) -> None:
    """The report, its methods paragraph, and the hashes.

    Args:
        make: what was paid to each judge, and the currency → the report.
    """
    st.header("Report", anchor=False)
    each, currency = (None, "") if closed.imported else _paid()
    with refusals():
        flow = flow_in(closed, closed.rules)
        report_rows(closed, flow, each, currency)
        _download(
            closed,
            "Report",
            lambda: make(each, currency).encode(),
            "report.html",
            "text/html",
            "study-report",
            primary=True,
            icon=":material/description:",
        )
        st.caption(
            "One file: flow of participants, methods, exclusions, pay and time, findings, and the hashes of what was frozen."
        )
        st.markdown("**Methods paragraph**")
        st.code(methods_text(closed, flow), language=None, wrap_lines=True)
    draw_hashes(closed)


def _paid() -> tuple[float | None, str]:
    """What was paid to each judge who completed, for the table of pay and time."""
    with st.container(horizontal=True):
        each = st.number_input(
            "Paid to each judge who completed",
            min_value=0.0,
            value=None,
            step=0.5,
            key="study-pay",
            placeholder="not recorded",
            width=260,
        )
        currency = st.text_input("Currency", key="study-currency", placeholder="GBP", width=120)
    return each, currency.strip()


def draw_hashes(closed: Closed) -> None:
    """What was frozen, so that anybody can check it."""
    st.markdown("**Hash of what was read**" if closed.imported else "**Hash of the frozen design**")
    what = "questions and items as they were read" if closed.imported else "design and items as opened"
    lines = [f"{closed.study.hash}  {what}"]
    if closed.imported:
        lines.append(f"{closed.study.design[IMPORTED]['sha256']}  the file")
    if closed.promise is not None:
        lines.append(f"{closed.promise[1].digest}  hypotheses, exclusions and primary analysis")
    st.code("\n".join(lines), language=None, wrap_lines=True)


def draw_label_files(
    closed: Closed, results: LabelResults, reported: Mapping[str, Mapping[str, Any]]
) -> None:
    """Report and raw rows of a study of labels.

    Args:
        reported: as `label_report_html` takes it.
    """
    _report(closed, lambda each, currency: label_report_html(closed, results, reported, each, currency))
    st.header("Take the labels with you", anchor=False)
    _raw(closed)
    if not closed.imported:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**For other programs**", width=190)
            draw_potato(closed)
    st.caption(
        "Of labels a row per vote and system: a sentence that several systems wrote was labelled for each of them. *predicted* and "
        "*confidence* are the classifier's, which Potato's items do not name. Labels that were collected elsewhere cannot be read here."
    )


# Votes that were collected elsewhere


def draw_elsewhere(store: Store, closed: Closed, primary: str) -> None:
    """The same analysis of a file of votes, alone or beside the study's; stored only as a study of its own.

    Args:
        primary: the question of battles that name none, where the page speaks of no other.
    """
    st.header("Votes that were collected elsewhere", anchor=False)
    file = st.file_uploader(
        f"{ACCEPTED}, or what Potato wrote about the items above (user_state.json too)",
        type=TYPES,
        key="study-upload",
    )
    st.caption(
        "Read here and analysed in the same way; nothing is added to this study. Judges get new pseudonyms: what they are called in the "
        "file is not shown."
    )
    if file is None:
        return
    with refusals():
        data = file.getvalue()
        question = st.session_state.get(f"{QUESTION}-{closed.study.id}") or primary
        read = read_elsewhere(file.name, data, question, closed)
        votes = list(read.votes)
        joined = st.toggle("Together with this study's votes", key="study-together")
        given = together(closed, votes) if joined else votes
        asked = {one.question for one in votes}
        words = {name: closed.questions.get(name, name) for name in sorted(asked)}
        found = _elsewhere(
            closed.study.id, hashlib.sha256(data).hexdigest(), joined, tuple(words.items()), given
        )
        n = len({one.judge for one in votes})
        st.markdown(inert(f"{counted(len(votes), 'vote')} by {counted(n, 'judge')} in {file.name}."))
        st.html(numbers.tiles(found))
        for name, text in words.items():
            st.markdown(f"**{inert(text)}**")
            own = {title: one.questions[name] for title, one in found.selections.items()}
            st.html(numbers.strength_table(own, {}))
            st.html(numbers.agreement_table(own))
        st.caption(
            "By fairprune's usual rules, exploratory: what was collected elsewhere was not registered here."
        )
        draw_store(store, read, file.name, data, closed)


@st.cache_resource(max_entries=6, show_spinner="Analysing the votes …")
def _elsewhere(
    study_id: str,  # noqa: ARG001 (its key, as the next two)
    digest: str,  # noqa: ARG001
    joined: bool,  # noqa: ARG001
    words: tuple[tuple[str, str], ...],
    _votes: Sequence[Vote],
) -> Results:
    return analyse(_votes, dict(words))
