"""Votes of elsewhere on page Study: read, looked at, and stored as a closed study of their own."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st

from fairprune.judgments.closed import Closed
from fairprune.judgments.closed_files import read_elsewhere
from fairprune.judgments.elsewhere import Brought, brought
from fairprune.judgments.importing import Read
from fairprune.judgments.votes import BETTER, FAIRER
from fairprune.store import Store
from fairprune.text import counted
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals
from fairprune.ui.study import act, go

TYPES = ["csv", "jsonl", "parquet", "json"]
ACCEPTED = (
    "CSV, JSON Lines or Parquet: rows as fairprune exports them, or arena battles (model_a, model_b, winner)"
)


def draw_import(store: Store) -> None:
    """A file of votes that belongs to no study here."""
    st.header("Votes that were collected elsewhere", anchor=False)
    st.caption(
        "They become a closed study of their own, never part of another one. What the file does not say stays missing. Judges are "
        "numbered anew: what they are called in the file is not stored."
    )
    file = st.file_uploader(ACCEPTED, type=TYPES, key="study-import-file")
    st.button(
        "All studies",
        icon=":material/list:",
        type="tertiary",
        key="study-import-list",
        on_click=go,
        args=(None,),
    )
    if file is None:
        return
    with refusals():
        question = st.radio(
            "Question of battles that name none",
            [FAIRER, BETTER],
            key="study-import-question",
            horizontal=True,
        )
        data = file.getvalue()
        read = read_elsewhere(file.name, data, question)
        draw_store(store, read, file.name, data, None)


def draw_store(store: Store, read: Read, name: str, data: bytes, closed: Closed | None) -> None:
    """What was read, what is missing, and the button that stores it.

    Args:
        closed: the study whose items were judged elsewhere; None: the file stands alone.
    """
    stored = store.judged_sets(vote.sample for vote in read.votes if vote.sample)
    found = brought(
        read,
        name,
        data,
        questions=None if closed is None else closed.questions,
        items=() if closed is None else closed.items,
        stored=stored,
    )
    main = sum(item.kind == "main" for item in found.items)
    st.markdown(
        inert(
            f"{counted(len(found.votes), 'vote')} by {counted(len(found.judges), 'judge')} on {counted(main, 'item')} in {name}."
        )
    )
    st.markdown("**Not known, and missing from now on**")
    st.markdown("\n".join(f"- {inert(one)}" for one in found.missing))
    key = f"study-import-title-{name[:80]}"
    st.text_input("Title", value=PurePath(name).stem[:300], key=key)
    st.button(
        "Store as a study of its own",
        type="secondary" if closed else "primary",
        icon=":material/save:",
        key="study-import-store",
        on_click=_keep,
        args=(store, key, found, None if closed is None else closed.study.id),
    )


def _keep(store: Store, key: str, found: Brought, copied_from: str | None) -> None:
    title = str(st.session_state.get(key, ""))  # as it is typed now, not as it was when the button was drawn

    def work() -> None:
        made = store.import_study(
            title, found.design, found.items, found.judges, found.votes, copied_from=copied_from
        )
        go(made)

    act(work, f"Stored: {title}")
