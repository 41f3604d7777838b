"""An item before a judge: opinions beside the texts, the questions with their answers, comment, skip and undo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

import streamlit as st

from fairprune import corpora
from fairprune.opinions import OpinionSet
from fairprune.store import Store
from fairprune.store.judgments_answers import LONGEST_COMMENT
from fairprune.store.judgments_values import Judge, Task
from fairprune.ui import judge as session
from fairprune.ui.judge_steps import draw_codebook
from fairprune.ui.judge_words import (
    answer_name,
    answers_of,
    opinions_html,
    prose,
    question_html,
    questions_of,
    stored_sentence,
    texts_html,
)
from fairprune.ui.markup import inert

KEYS = 9
"""Answers that have a key: 1 to 9."""


@st.cache_data(max_entries=64, show_spinner=False)
def study_groups(url: str, study_id: str, _store: Store) -> tuple[str, ...]:  # noqa: ARG001 (url: part of the key)
    """All groups of the opinions of an open study, whose items do not change: each has one colour throughout, as on other pages."""
    names = {item.set_id for item in _store.items(study_id) if item.set_id}
    return in_order(_store.judged_sets(names).values())


def in_order(sets: Iterable[OpinionSet]) -> tuple[str, ...]:
    """The groups of these opinions as their corpus has them, so that each has the same colour wherever it stands."""
    present = {opinion.group for one in sets for opinion in one.opinions}
    every = (corpora.info(name).groups for name in corpora.names())
    known = next((groups for groups in every if present and present <= set(groups)), ())
    return tuple(dict.fromkeys((*known, *sorted(present))))


def draw_item(store: Store, token: str, judge: Judge, task: Task) -> None:
    """One item with all that can be done about it. What the session has done last is said above the questions."""
    if session.first_look(store, token, task) and (judge.done or task.answered):
        session.say("note", stored_sentence(judge.done, judge.of, task))
    st.progress(min(1.0, judge.done / judge.of), text=f"**{judge.done} of {judge.of}** items are stored")
    with desk(task, study_groups(store.url, judge.study_id, store)):
        draw_texts(task)
        _said()
        _questions(store, token, judge, task)
        _aside(store, token, judge, task)


def draw_told(store: Store, judge: Judge, told: session.Told) -> None:
    """A practised item with its solution, and the way on."""
    pair = told.task.right is not None
    with desk(told.task, study_groups(store.url, judge.study_id, store)):
        st.html(texts_html(told.task))
        for place, name in enumerate(told.task.questions):
            text = str(questions_of(judge.public)[name]["text"])
            given = answer_name(told.given.get(name, ""), pair=pair)
            st.html(question_html(text, place, len(told.task.questions), given, False))
        _said()
        show = {True: st.success, False: st.warning, None: st.info}[told.right]
        first = {True: "That is right.", False: "That is not what the instructions ask for.", None: ""}[
            told.right
        ]
        show(inert(f"{first} {told.explanation}".strip()), icon=":material/school:")
        st.button(
            "Continue",
            type="primary",
            key="judge-go-on",
            on_click=session.go_on,
            shortcut="Enter",
            icon=":material/arrow_forward:",
        )


def desk(task: Task, groups: Sequence[str]) -> st.delta_generator.DeltaGenerator:
    """What kind of item it is, where a judge may know; the opinions where it has some; returns the place of texts and questions.

    Args:
        groups: all of the study, so that a group has the same colour beside every item.
    """
    if task.practice:
        st.info("Practice: this item does not count.", icon=":material/school:")
    elif task.comprehension:
        st.info(
            "This item checks that the task is clear. You have two tries at it.", icon=":material/checklist:"
        )
    if task.opinions is None:
        return st.container(key="judge-alone")
    beside, place = st.columns([5, 7], gap="medium")
    with beside:
        st.html(opinions_html(task.opinions, groups))
    with place:
        return st.container(key="judge-desk")


def draw_texts(task: Task) -> None:
    """The texts, and what to look at."""
    st.html(texts_html(task))
    if task.prompt:
        st.html(prose(task.prompt))


def _said() -> None:
    """What the last action came to, for eyes and ears; in its place from the start, so that nothing moves."""
    found = session.said()
    if found is not None and found.kind == "warning":
        st.warning(inert(found.text), icon=":material/error:")
        found = None
    text = "Every answer is stored as soon as you give it." if found is None else found.text
    mark = "✓ " if found is not None and found.kind == "saved" else ""
    st.html(f'<p class="fp-said" role="status">{mark}{escape(text)}</p>')


def _questions(store: Store, token: str, judge: Judge, task: Task) -> None:
    pair = task.right is not None
    known = questions_of(judge.public)
    first = next(iter(task.open_questions), None)
    for place, name in enumerate(task.questions):
        question = known[name]
        answers = answers_of(question, pair=pair)
        stored = task.answered.get(name)
        shown = None if stored is None else answer_name(stored, pair=pair)
        st.html(
            question_html(str(question.get("text", name)), place, len(task.questions), shown, name == first)
        )
        with st.container(horizontal=True, key=f"judge-answers-{place}", gap="small"):
            for number, answer in enumerate(answers):
                _button(store, token, task, (place, name), (number, answer), name == first)


def _button(
    store: Store,
    token: str,
    task: Task,
    question: tuple[int, str],
    answer: tuple[int, str],
    focused: bool,
) -> None:
    place, name = question
    number, value = answer
    label = answer_name(value, pair=task.right is not None)
    stored = task.answered.get(name)
    st.button(
        inert(label),
        # The task's key is in it: a click on its way when the item changes means nothing to the next one.
        key=f"judge-{task.key}-{place}-{number}",
        on_click=session.answer,
        args=(store, token, task, name, value, label),
        disabled=stored is not None,
        icon=":material/check:" if stored == value else None,
        shortcut=str(number + 1) if focused and number < KEYS else None,
        width="stretch",
        wrap=True,
    )


def _aside(store: Store, token: str, judge: Judge, task: Task) -> None:
    st.text_area(
        "Comment (optional; stored with your next answer)",
        key=session.COMMENT,
        height=68,
    )
    # No limit of its own: a browser drops what is longer without a word.
    written = len(str(st.session_state.get(session.COMMENT) or ""))
    if written > LONGEST_COMMENT:
        st.warning(
            f"Your comment has {written:,} characters, and {LONGEST_COMMENT:,} are kept at most: shorten it before you answer.",
            icon=":material/warning:",
        )
    with st.container(horizontal=True, key="judge-aside", gap="small"):
        st.button(
            "Undo",
            icon=":material/undo:",
            key="judge-undo",
            shortcut="U",
            on_click=session.undo,
            args=(store, token),
            help="Takes your last answer back, or your last skip.",
        )
        if not (task.practice or task.comprehension):
            left = judge.skips_left
            st.button(
                f"Skip ({left} left)",
                icon=":material/skip_next:",
                key=f"judge-skip-{task.key}",
                shortcut="S",
                on_click=session.skip,
                args=(store, token, task),
                disabled=left == 0,
                help="Leaves this item to somebody else.",
            )
    draw_codebook(judge.public, folded=True)
