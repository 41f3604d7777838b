"""Whom the results of a closed study count, of every task: both analyses, rules that can be switched off, times out of line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from fairprune.errors import BadInput
from fairprune.judgments.bias import Rule, left_out
from fairprune.judgments.closed import Closed
from fairprune.judgments.report_file import methods_text
from fairprune.judgments.results import NOT_REGISTERED, Analysed, Found, flow_in, lacking
from fairprune.judgments.votes import AnyVote
from fairprune.store import Store
from fairprune.text import counted
from fairprune.ui import study_numbers as numbers
from fairprune.ui.markup import inert
from fairprune.ui.page import capitalised
from fairprune.ui.study_files import draw_flow

RULES: tuple[Rule, ...] = ("attention", "too_fast", "straight_lining")
WITHOUT = "study-without"
QUIET = {"displaylogo": False, "displayModeBar": False}
"""How Plotly draws the charts of results."""
All = TypeVar("All")
BOTH_NOTE = (
    "*All* counts every judge with a finished answer. *As registered* leaves out the judges whom the rules name, with all "
    "that they said. The two always stand side by side."
)


def version(closed: Closed) -> tuple[int, int, int]:
    """Changes when a judge's data are deleted: nothing else changes in a closed study."""
    return len(closed.given), len(closed.judges), closed.study.withdrawn


def without(study_id: str) -> tuple[Rule, ...]:
    """Rules that are switched off on the page."""
    return tuple(rule for rule in RULES if st.session_state.get(f"{WITHOUT}-{study_id}-{rule}") is False)


def analysed(store: Store, closed: Closed, work: Callable[[Closed, tuple[Rule, ...]], All]) -> All | None:
    """What the votes come to, computed once; None: the page says why they cannot be analysed, and what is missing.

    Args:
        work: a closed study and the rules that are switched off → all its numbers.
    """
    study_id = closed.study.id
    try:
        return _analysed(store.url, study_id, version(closed), without(study_id), closed, work)
    except BadInput as error:
        st.info(inert(f"{capitalised(str(error))}."), icon=":material/info:")
    if not any(vote.kind == "item" for vote in closed.given):
        st.markdown("\n".join(f"- {inert(sentence)}" for sentence in lacking(closed)))
    draw_flow(closed)
    return None


@st.cache_resource(max_entries=24, show_spinner="Analysing the votes …")
def _analysed(
    address: str,  # noqa: ARG001 (its key, as the next two)
    study_id: str,  # noqa: ARG001
    version: tuple[int, int, int],  # noqa: ARG001
    without: tuple[Rule, ...],
    _closed: Closed,
    _work: Callable[[Closed, tuple[Rule, ...]], All],
) -> All:
    return _work(_closed, without)


def draw_counted(closed: Closed, results: Analysed[AnyVote, Found]) -> None:
    """Who is in which analysis, and what one might not expect of it."""
    st.html(numbers.tiles(results))
    st.caption(BOTH_NOTE)
    note = numbers.own_note(results)
    if note:
        st.warning(note, icon=":material/science:")
    if closed.imported:
        st.info(inert(methods_text(closed, flow_in(closed, results.rules))), icon=":material/upload_file:")
    elif not results.registered:
        st.info(f"{capitalised(NOT_REGISTERED)}.", icon=":material/info:")
    parts = []
    if closed.ties():
        n = sum(item.automatic for item in closed.items)
        parts.append(
            f"{counted(n, 'further item')} had the same text twice: nobody was asked, and the strengths count them as ties"
        )
    if closed.n_unfinished:
        parts.append(
            f"{counted(closed.n_unfinished, 'answer')} on unfinished items are in no number: others judged them"
        )
    if parts:
        st.caption(inert(f"{capitalised('; '.join(parts))}."))


def draw_exclusions(results: Analysed[AnyVote, Found], study_id: str) -> None:
    """The rules as switches, whom they leave out, and answers whose time is out of line."""
    st.header("Who is left out, and what if not?", anchor=False)
    for rule, words in left_out(results.rules).items():
        n = sum(one.rule == rule for one in results.exclusions)
        st.toggle(
            inert(f"{capitalised(words)} ({counted(n, 'judge')})"),
            value=True,
            key=f"{WITHOUT}-{study_id}-{rule}",
        )
    st.caption(
        "Nothing is deleted. A rule that is switched off adds a third analysis, without it, to every number above."
    )
    if results.exclusions:
        st.html(numbers.exclusion_table(results))
    st.markdown("**Times that are out of line**")
    if not results.outliers:
        st.caption(f"None of {counted(results.n_timed, 'timed vote')} is.")
        return
    st.html(numbers.outlier_table(results))
    more = len({one.vote.judge for one in results.outliers}) - numbers.MOST_OUTLIERS
    shown = f" The {numbers.MOST_OUTLIERS} judges with most of them are shown." if more > 0 else ""
    st.caption(
        f"{len(results.outliers)} of {counted(results.n_timed, 'timed vote')}: more than 3.5 robust standard deviations from the median, "
        f"in log seconds. They are shown, and no rule drops them.{shown}"
    )
