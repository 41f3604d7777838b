"""The links by which judges come in: made here, shown once, taken back here."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape
from urllib.parse import quote, urlsplit

import streamlit as st

from fairprune.spreadsheet import neutral
from fairprune.store import Store
from fairprune.store.judgments_values import Study
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.study import act, moment

MOST_SHOWN = 500
CROWD = "&PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
"""What a link for Prolific ends with: Prolific puts its ids there."""
_LINKS = "study.links"


def judge_address(token: str, here: str | None) -> str:
    """The address of page Judge with this token, on the server that the page came from.

    >>> judge_address("abc", "https://lab.example/fair/Study?study=1")
    'https://lab.example/fair/Judge?judge=abc'
    """
    parts = urlsplit(here or "")
    folder = parts.path.rpartition("/")[0]
    server = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
    return f"{server}{folder}/Judge?judge={quote(token, safe='')}"


def draw_links(store: Store, study: Study) -> None:
    """The open link and invitations: made here, shown once, taken back here."""
    kept = st.session_state.get(_LINKS)
    if kept and kept[0] == study.id:
        _draw_made(kept[1])
    st.header("Open link", anchor=False)
    st.caption(
        "Whoever has it takes part. A new one takes the place of the one before, which leads nowhere then; who is in goes on."
    )
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Make an open link",
            icon=":material/link:",
            key="study-link",
            type="primary",
            on_click=_make_open,
            args=(store, study),
        )
        st.button(
            "Close the open link",
            icon=":material/link_off:",
            key="study-unlink",
            on_click=act,
            args=(lambda: store.close_open_link(study.id), "The open link leads nowhere any more."),
        )
    st.header("Invitations", anchor=False)
    st.caption(
        "One link per judge, which always leads back to the same judge. One name a line: only you see the names."
    )
    names = st.text_area(
        "Whom to invite", height=110, key="study-names", placeholder="Ann\nBen", persist_state="session"
    )
    labels = [line.strip() for line in names.splitlines() if line.strip()]
    st.button(
        f"Make {counted(len(labels), 'invitation')}" if labels else "Make invitations",
        icon=":material/mail:",
        key="study-invite",
        disabled=not labels,
        on_click=_invite,
        args=(store, study, labels),
    )
    _draw_invites(store, study)


def _draw_made(made: Sequence[tuple[str, str]]) -> None:
    with st.container(border=True):
        st.warning(
            "Copy this now: links are shown once. Only their hashes are stored.",
            icon=":material/content_copy:",
        )
        addresses = [(label, judge_address(token, st.context.url)) for label, token in made]
        for label, address in addresses[:20]:
            if label:
                st.caption(markup.inert(label))
            st.code(address, language=None, wrap_lines=True)
        if len(addresses) == 1 and not addresses[0][0]:
            st.caption("For Prolific, where it puts its ids:")
            st.code(addresses[0][1] + CROWD, language=None, wrap_lines=True)
        else:
            st.download_button(
                f"All {len(addresses)} as CSV",
                csv_of(("name", "link"), addresses),
                "invitations.csv",
                "text/csv",
                icon=":material/download:",
                on_click="ignore",
            )
        st.button("I have copied it", key="study-copied", on_click=st.session_state.pop, args=(_LINKS, None))


def csv_of(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(heads)
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return file.getvalue().encode()


def _make_open(store: Store, study: Study) -> None:
    act(
        lambda: st.session_state.update({_LINKS: (study.id, [("", store.open_link(study.id))])}),
        "There is a new open link.",
    )


def _invite(store: Store, study: Study, labels: list[str]) -> None:
    def work() -> None:
        tokens = store.invite(study.id, labels)
        st.session_state[_LINKS] = (study.id, list(zip(labels, tokens, strict=True)))
        st.session_state["study-names"] = ""

    act(work, f"{counted(len(labels), 'invitation')} made.")


def _draw_invites(store: Store, study: Study) -> None:
    found = store.invites(study.id)
    if not found:
        return
    rows = [
        [
            escape(one.label),
            moment(one.created),
            "taken back" if one.revoked else "used" if one.used else "not used yet",
        ]
        for one in found[:MOST_SHOWN]
    ]
    st.html(markup.table(("Name", "Made", "State"), rows))
    unused = {one.id: one for one in found if not one.used and not one.revoked}
    if unused:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            chosen = st.selectbox(
                "Take an invitation back",
                list(unused),
                format_func={
                    key: f"{one.label} · {moment(one.created)}" for key, one in unused.items()
                }.__getitem__,
                key="study-revoked",
                index=None,
                placeholder=f"Choose one of {len(unused)} that nobody has used",
            )
            st.button(
                "Take it back",
                key="study-revoke",
                disabled=chosen is None,
                on_click=act,
                args=(
                    lambda: store.revoke_invite(study.id, str(chosen)),
                    "The invitation leads nowhere any more.",
                ),
            )
