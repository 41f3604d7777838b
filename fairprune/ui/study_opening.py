"""What a study promises and the hash of it: before it opens, at its opening, and ever after."""

from __future__ import annotations

import hashlib

import streamlit as st

from fairprune.errors import FairpruneError
from fairprune.judgments.facts import power_in
from fairprune.judgments.frozen import Design, freeze, promised
from fairprune.judgments.registering import open_registered, registered
from fairprune.store import Store
from fairprune.store.judgments_values import Study
from fairprune.text import counted
from fairprune.ui.page import refuse
from fairprune.ui.study import act
from fairprune.ui.study_claims import promise_html


def draw_opening(store: Store, study: Study) -> None:
    """What will be frozen, with its hash, and the button that does it."""
    if st.session_state.get("study.unsaved") == study.id:
        st.info(
            "What was typed under Plan is not saved: the stored draft is opened.", icon=":material/edit_note:"
        )
    items = store.items(study.id)
    try:
        design = registered(study, items)
    except FairpruneError as error:
        refuse(str(error))
        return
    st.html(promise_html(design, power_in(study.design, items)))
    st.caption("SHA-256 of what is promised here; it will be part of the study's own hash.")
    st.code(freeze(design).digest, language=None, wrap_lines=True)
    if isinstance(design, Design):
        if design.power is None:
            st.warning(
                "The power was not simulated for this plan: nobody knows how likely it is to find anything.",
                icon=":material/casino:",
            )
        if not design.hypotheses:
            st.info("No hypothesis is registered: all results will be exploratory.", icon=":material/info:")
    flagged = [item for item in items if item.flags and not item.excluded]
    if flagged:
        st.warning(
            f"{counted(len(flagged), 'item')} may name a model or a method and will be asked: look at them under Preview.",
            icon=":material/flag:",
        )
    agreed = st.checkbox(
        "I have looked at the items as judges will see them. Nothing of this study can be changed once it is open.",
        key=f"study-agreed-{study.id}",
    )
    st.button(
        "Open the study",
        type="primary",
        icon=":material/lock_open:",
        key="study-open",
        disabled=not agreed,
        on_click=act,
        args=(
            lambda: open_registered(store, study.id, edited=study.edited),
            "The study is open. Make a link for its judges.",
        ),
        kwargs={"to": (study.id, "links")},
    )


def draw_promise(store: Store, study: Study) -> None:
    """What was frozen, with both hashes and the file that they are of."""
    try:
        found = promised(study.design)
    except FairpruneError as error:
        refuse(str(error))
        found = None
    if found is not None:
        st.html(promise_html(found[0], power_in(study.design, store.items(study.id))))
    st.caption(
        "SHA-256 of the whole frozen study: plan, wording, items, and the hashes of all texts. Publish it before the first vote."
    )
    st.code(study.hash or "", language=None, wrap_lines=True)
    text = store.frozen_study(study.id)
    if hashlib.sha256(text.encode()).hexdigest() != study.hash:
        st.error(
            "The stored study is not the one with this hash: it was changed in the database.",
            icon=":material/report:",
        )
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "The frozen study",
            text.encode(),
            f"study-{study.id}.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
            help="`sha256sum` of this file gives the hash. Summaries stand in it as their hashes, so that it can be published.",
        )
        if found is not None:
            st.download_button(
                "The promise alone",
                found[1].text.encode(),
                f"promise-{study.id}.json",
                "application/json",
                icon=":material/download:",
                on_click="ignore",
                help=f"SHA-256 {found[1].digest}",
            )
