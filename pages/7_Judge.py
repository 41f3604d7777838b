"""Judge: what a judge of a study sees. Blind: nothing on this page names a model, a method or a run."""

from __future__ import annotations

import streamlit as st

from fairprune.errors import BadInput, FairpruneError
from fairprune.store import Store
from fairprune.store.judgments_values import ENDS, Ended, Judge, Refused, Wait
from fairprune.ui import judge as session
from fairprune.ui import open_page, refuse
from fairprune.ui.gate import current_role
from fairprune.ui.judge_item import draw_item, draw_told
from fairprune.ui.judge_steps import (
    draw_briefing,
    draw_consent,
    draw_data,
    draw_end,
    draw_gone,
    draw_group,
    draw_heading,
    draw_look_again,
    draw_notice,
    draw_nowhere,
    draw_said,
    draw_wait,
    draw_way_in,
)
from fairprune.ui.judge_top import draw_style, draw_top
from fairprune.ui.page import PAGES


def study_page() -> str | None:
    """The page of studies, for whom may open it."""
    try:
        allowed = current_role() != "judge"
    except BadInput:
        allowed = False
    return next((file for file, name, _ in PAGES if name == "Study"), None) if allowed else None


def work(store: Store, token: str, judge: Judge) -> str:
    """The items, and the end. Returns what is shown, in a word."""
    told = session.told()
    if told is not None:
        draw_told(store, judge, told)
        return f"{told.task.key} solved"
    if not judge.answered and not session.briefed():
        draw_said()
        draw_briefing(judge)
        return "instructions"
    step = store.next_item(token)
    if isinstance(step, Ended):
        return end(store, token)
    if isinstance(step, Wait):
        draw_said()
        draw_wait(store, token, judge, step)
        return "wait"
    draw_item(store, token, judge, step)
    return step.key


def end(store: Store, token: str) -> str:
    draw_said()
    draw_end(store.judge(token), store.completion(token))
    return "end"


def draw(store: Store, token: str, judge: Judge) -> str:
    if judge.study_state == "closed" or judge.state in ENDS:
        return end(store, token)
    if judge.state == "entered":
        draw_said()
        draw_consent(store, token, judge)
        return "consent"
    if judge.needs_group:
        draw_said()
        draw_group(store, token, judge)
        return "group"
    return work(store, token, judge)


def enter(store: Store) -> None:
    try:
        token = session.come_in(store)
        if token is None:
            draw_gone() if session.gone() else draw_way_in(study_page())
            return
        judge = store.judge(token)
    except Refused as error:
        draw_nowhere(error)
        return
    draw_heading(judge)
    shown = "notice"
    try:
        shown = draw(store, token, judge)
    except Refused as error:
        if error.reason in ("consent", "group", "ended", "closed", "late"):
            st.rerun()  # another tab was faster: what is asked now is read anew
        draw_notice(error)
    draw_data(store, token)
    draw_top(shown)


page_store = open_page("Judge", "", public=True)
draw_style()
try:
    enter(page_store)
except FairpruneError as problem:
    refuse(session.unreachable(problem))
    draw_look_again()
