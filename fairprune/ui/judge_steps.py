"""What stands around the items of a judge: the way in, consent, group, instructions, waiting, the end, deletion."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from fairprune.store import Store
from fairprune.store.judgments_values import Completion, Judge, Refused, Wait
from fairprune.text import counted
from fairprune.ui import judge as session
from fairprune.ui.judge_words import ENDS, paragraphs, prose
from fairprune.ui.markup import inert

LONGEST_LOOK = 15.0
"""Seconds between two looks of who waits."""


def draw_way_in(study_page: str | None) -> None:
    """The page without a link.

    Args:
        study_page: the page on which studies are made, for whom may see it.
    """
    st.title("Judge", anchor=False)
    st.html(
        '<div class="fp-empty"><h2>Judges come here by a link</h2>'
        "<p>If you were invited to judge summaries, open the link that you were given, and copy it whole. "
        "If you come from a crowd site, start the study there once more.</p></div>"
    )
    if study_page is not None:
        st.page_link(study_page, label="Make a study, and its links", icon=":material/fact_check:")


def draw_heading(judge: Judge) -> None:
    """The study's public title."""
    with st.container(key="judge-head"):
        st.title(inert(str(judge.public.get("public_title") or "Judge")), anchor=False)


def draw_nowhere(error: Refused) -> None:
    """A link that leads nowhere, a study that is not open, a crowd id that is missing."""
    heading = {"unknown": "This link leads nowhere", "closed": "The study is closed"}.get(error.reason)
    st.title(heading or "You cannot come in now", anchor=False)
    st.warning(_sentence(error), icon=":material/link_off:")
    if error.reason == "not_open":
        draw_look_again()


def draw_notice(error: Refused) -> None:
    """Something that stops a judge for now."""
    st.warning(_sentence(error), icon=":material/schedule:")
    draw_look_again()


def _sentence(error: Exception) -> str:
    text = str(error)
    return inert(text[:1].upper() + text[1:])


def draw_look_again() -> None:
    """Pressing anything draws the page anew; this says so."""
    st.button("Look again", icon=":material/refresh:", key="judge-look")


def draw_said() -> None:
    """What the last action came to, on pages without an item."""
    found = session.said()
    if found is not None:
        (st.warning if found.kind == "warning" else st.info)(inert(found.text))


def draw_consent(store: Store, token: str, judge: Judge) -> None:
    """What the study is about, and whether one takes part."""
    public = judge.public
    facts = [
        ("Time", f"about {public['minutes']} minutes" if public.get("minutes") else ""),
        ("Pay", str(public.get("pay") or "")),
        ("Questions to", str(public.get("contact") or "")),
    ]
    rows = "".join(
        f'<dt>{name}</dt><dd dir="auto">{escape(text)}</dd>' for name, text in facts if text.strip()
    )
    with st.container(key="judge-read"):
        if opening := prose(public.get("introduction")) + (
            f'<dl class="fp-terms">{rows}</dl>' if rows else ""
        ):
            st.html(opening)
        st.header("Consent", anchor=False)
        consent = public.get("consent") if paragraphs(public.get("consent")) else CONSENT
        st.html(prose(consent) + prose(PROMISE))
        with st.container(horizontal=True, key="judge-consent", gap="small"):
            st.button(
                "I agree and take part",
                type="primary",
                icon=":material/check:",
                key="judge-agree",
                on_click=session.consent,
                args=(store, token, True),
            )
            st.button(
                "I do not take part",
                key="judge-decline",
                on_click=session.consent,
                args=(store, token, False),
            )


CONSENT = "You may stop at any time, without giving a reason."
PROMISE = (
    "Stored are your answers, comments and how long each took, under a number. No network address, no cookie and nothing of your browser "
    "is stored; an id of a crowd site is kept apart, for payment. This page's address is yours: with it you come back, and you can "
    "have everything deleted."
)


def draw_group(store: Store, token: str, judge: Judge) -> None:
    """The question what one is, asked once."""
    groups: Mapping[str, Any] = judge.public.get("groups") or {}
    names = [str(name) for name in groups.get("names", [])]
    with st.container(key="judge-read"):
        st.radio(
            inert(str(groups.get("question") or "Which describes you best?")),
            names,
            index=None,
            format_func=inert,
            key="judge-group",
        )
        st.caption("This is asked once, and cannot be changed.")
        st.button(
            "Continue",
            type="primary",
            key="judge-group-done",
            disabled=st.session_state.get("judge-group") is None,
            on_click=session.choose_group,
            args=(store, token, "judge-group"),
        )


def draw_briefing(judge: Judge) -> None:
    """The instructions, before the first item."""
    with st.container(key="judge-read"):
        draw_codebook(judge.public, folded=False)
        st.button(
            "Start",
            type="primary",
            icon=":material/arrow_forward:",
            key="judge-start",
            shortcut="Enter",
            on_click=session.begin,
        )


def draw_codebook(public: Mapping[str, Any], *, folded: bool) -> None:
    """The study's instructions, and how the page is used."""
    pair = public.get("task", "pair") == "pair"
    own = "".join(f'<li dir="auto">{escape(part)}</li>' for part in paragraphs(public.get("codebook")))
    what = "two summaries, A and B, and one or more questions" if pair else "a sentence of a summary"
    use = (
        f"You see {what}. Press an answer, or its key: 1, 2, 3 … stand for the answers of the question "
        "that is marked. U takes the last answer back, S skips. Where an item has a right answer the first one counts. Every answer is "
        "stored at once; come back to this address to go on."
    )
    body = (f'<ol class="fp-codebook">{own}</ol>' if own else "") + prose(use)
    if folded:
        with st.expander("How to judge"):
            st.html(body)
    else:
        st.header("How to judge", anchor=False)
        st.html(body)


def draw_wait(store: Store, token: str, judge: Judge, wait: Wait) -> None:
    """Others are at the last items; the page looks again by itself."""
    st.header("All items are with others at the moment", anchor=False)
    st.text(
        "Somebody may leave one free. This page looks again by itself; what you answered so far is stored."
    )
    with st.container(horizontal=True, gap="small"):
        draw_look_again()
        if judge.answered:
            st.button(
                "Finish here",
                type="primary",
                key="judge-finish",
                on_click=session.finish_waiting,
                args=(store, token),
            )

    @st.fragment(run_every=min(LONGEST_LOOK, max(2.0, wait.seconds)))
    def look() -> None:
        if st.session_state.get("judge.looked"):
            del st.session_state["judge.looked"]
            st.rerun()
        st.session_state["judge.looked"] = True

    st.session_state.pop("judge.looked", None)
    look()


def draw_end(judge: Judge, found: Completion) -> None:
    """How it ended, and what to take back to the crowd site. Nobody is sent there without having asked for it."""
    heading, text = ENDS[found.kind]
    st.header(heading, anchor=False)
    st.text(text)
    if judge.study_state == "closed":
        st.text("The study is closed: nothing more can be answered.")
    if judge.answered:
        st.text(f"Stored: {counted(judge.answered, 'item')}.")
    if found.code:
        st.html('<h3 class="fp-name">Your completion code</h3>')
        st.code(found.code, language=None)
    if found.redirect.startswith("https://"):
        st.link_button(
            "Back to the crowd site",
            found.redirect,
            type="primary",
            icon=":material/open_in_new:",
        )
    elif found.code:
        st.caption("Copy the code into the page that you came from.")


def draw_data(store: Store, token: str) -> None:
    """The way to have everything deleted, at the end of every page of a judge."""
    with st.expander("Your data", key="judge-data"):
        st.text(
            "You can have everything deleted that you said here. It cannot be brought back, and your link leads nowhere afterwards."
        )
        if not session.sure():
            st.button("Delete my data", key="judge-delete", on_click=session.ask_sure, args=(True,))
            return
        st.warning("Delete all your answers and comments now? A completion code is not shown afterwards.")
        with st.container(horizontal=True, gap="small"):
            st.button(
                "Yes, delete everything",
                type="primary",
                key="judge-forget",
                on_click=session.forget,
                args=(store, token),
            )
            st.button("Keep them", key="judge-keep", on_click=session.ask_sure, args=(False,))


def draw_gone() -> None:
    st.title("Deleted", anchor=False)
    st.success("Everything that you said here is deleted, and your link leads nowhere any more. Thank you.")
