"""The runs that stand beside the chosen one: `with=ID,ID` in the address. Only runs of the same opinion sets fit."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from fairprune.errors import StoreError
from fairprune.store import Run, Store
from fairprune.text import counted
from fairprune.ui.address import carry, held, picked, show
from fairprune.ui.markup import inert
from fairprune.ui.runs import option
from fairprune.ui.summaries import MOST_BESIDE, fitting

_KEY = "choice.with"
MOST_NAMED = 50
"""Runs that do not fit and are named."""


def pick_beside(store: Store, run: Run, runs: Sequence[Run]) -> list[Run]:
    """The chosen runs, at most `MOST_BESIDE`; says of each in the address that does not fit why it does not."""
    by_id = {other.id: other for other in runs}
    ids, reasons = _fitting(store.url, run.id, tuple(by_id), store, run, runs)
    known = {name: by_id[name] for name in ids}
    asked = [name for name in dict.fromkeys((held("with") or "").split(",")) if name and name != run.id]
    refused = [name for name in asked if name not in known]
    chosen = [name for name in asked if name in known]
    too_many, chosen = chosen[MOST_BESIDE:], chosen[:MOST_BESIDE]
    for name in refused:
        st.warning(f"{_title(store, name)} cannot stand beside this run: {_why(store, name, reasons)}.")
    if too_many:
        names = ", ".join(inert(known[name].label) for name in too_many)
        st.warning(f"At most {MOST_BESIDE} runs stand beside the chosen one; left out: {names}.")
    if refused or too_many:
        st.button("Leave out what is not shown", on_click=carry, args=("with", ",".join(chosen) or None))
    titles = {name: option(other) for name, other in known.items()}
    show(_KEY, chosen)
    st.multiselect(
        "Runs beside it",
        list(known),
        format_func=titles.__getitem__,
        key=_KEY,
        max_selections=MOST_BESIDE,
        placeholder=f"Add up to {MOST_BESIDE} of {len(known)} runs of the same opinion sets"
        if known
        else "No other run has summarised these opinion sets",
        disabled=not known,
        on_change=_keep,
    )
    if reasons:
        _not_offered(by_id, reasons)
    return [known[name] for name in chosen]


@st.cache_data(ttl=60, max_entries=16, show_spinner=False)
def _fitting(
    url: str,  # noqa: ARG001 (part of the key, as the two after it)
    run_id: str,  # noqa: ARG001
    ids: tuple[str, ...],  # noqa: ARG001
    _store: Store,
    _run: Run,
    _runs: Sequence[Run],
) -> tuple[list[str], dict[str, str]]:
    """Ids of the runs that fit, and the reasons of the others: looked up once for a while, of a thousand runs."""
    found, reasons = fitting(_store, _run, _runs)
    return [other.id for other in found], reasons


def _keep() -> None:
    carry("with", ",".join(picked(_KEY) or []) or None)


def _title(store: Store, name: str) -> str:
    try:
        return inert(store.run(name).label)
    except StoreError:
        return f"Run {inert(name[:40])}"


def _why(store: Store, name: str, reasons: dict[str, str]) -> str:
    if name in reasons:
        return inert(reasons[name])
    try:
        run = store.run(name)
    except StoreError:
        return "there is no such run here"
    if run.state != "done":
        return f"it is {run.state}, and has no summaries yet"
    return "it has no summaries"


def _not_offered(runs: dict[str, Run], reasons: dict[str, str]) -> None:
    """The other runs by reason, folded."""
    named: dict[str, list[str]] = {}
    for name, reason in list(reasons.items())[:MOST_NAMED]:
        named.setdefault(reason, []).append(option(runs[name]))
    with st.expander(f"Why {counted(len(reasons), 'other run is', 'other runs are')} not offered"):
        for reason, labels in named.items():
            st.markdown(f"**{inert(reason[0].upper() + reason[1:])}**")
            st.markdown("\n".join(f"- {inert(label)}" for label in labels))
        if len(reasons) > MOST_NAMED:
            st.caption(f"and {len(reasons) - MOST_NAMED} more")
