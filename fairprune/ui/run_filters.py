"""Which runs the page Runs lists: every filter is a widget and a part of the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from fairprune.charts import percent
from fairprune.store import ORDERS, ORIGINS, STATES, Chosen, Facets, Order, Store, Sweep
from fairprune.ui.address import (
    amend,
    bind,
    carried,
    carry,
    carry_all,
    choices,
    is_pick,
    keep,
    one_of,
    show,
    usable,
)
from fairprune.ui.runs import STATES as STATE_WORDS

FILTERS = ("state", "text", "tag", "sweep", "by_model", "by_method", "by_corpus", "origin")
"""Names of the filters in the address. `by_`: the form of a run has a model and a method of its own there."""
NAMES = (*FILTERS, "sort", "page")
FOLDED = ("tag", "sweep", "by_model", "by_method", "by_corpus", "origin")
ANY = "any"
ORDER_WORDS: dict[str, str] = {
    "newest": "Newest first",
    "oldest": "Oldest first",
    "name": "By name",
    "sparsity": "Least sparsity first",
    "uer": "Highest UER first",
    "bur": "Highest BUR first",
}
ORIGIN_WORDS = {"here": "computed here", "imported": "imported", "example": "examples"}


def settle(sweeps: Sequence[Sweep]) -> None:
    """An address that holds any filter is the whole view: what the session remembers of others does not narrow it further.

    One that holds none gets all that the session remembers, and is the whole view, too. What cannot be a filter is said and
    left out. What can, but no run has it (any more), stays: the widget shows it.
    """
    if any(name in st.query_params for name in NAMES):
        for name in NAMES:
            if name not in st.query_params:
                carry(name, None)
    one_of("origin", ORIGINS, "")
    one_of("sort", ORDERS, "")
    usable("sweep", [sweep.id for sweep in sweeps], "there is no such sweep: choose one under More filters")
    kept = [state for state in several("state") if state in STATES]
    if kept != several("state"):
        amend("state", ",".join(kept) or None, choices(carried("state") or "", STATES))
    carry_all(
        {name: value for name in (*FILTERS, "sort") if (value := carried(name))}
    )  # the page: where the list is read


def several(name: str) -> list[str]:
    """The values of a filter that takes several."""
    return [part for part in (carried(name) or "").split(",") if part]


def sweep_of(sweeps: Sequence[Sweep]) -> Sweep | None:
    """The sweep of the address."""
    return next((sweep for sweep in sweeps if sweep.id == carried("sweep")), None)


def chosen(sweeps: Sequence[Sweep]) -> Chosen:
    """The filters of the address. What cannot be one is left out, and `settle` has said so."""
    sweep = sweep_of(sweeps)
    origin = carried("origin")
    return Chosen(
        states=tuple(state for state in several("state") if state in STATES),
        text=carried("text") or "",
        tags=tuple(several("tag")),
        model=carried("by_model"),
        method=carried("by_method"),
        corpus=carried("by_corpus"),
        origin=origin if origin in ORIGINS else None,
        sweep=None if sweep is None else sweep.id,
    )


def order() -> Order:
    found = carried("sort")
    return found if found in ORDERS else "newest"


def clear() -> None:
    """Takes every filter away."""
    for name in (*FILTERS, "page"):
        carry(name, None)


def filtered() -> bool:
    return any(carried(name) for name in FILTERS)


def draw_filters(store: Store, facets: Facets, sweeps: list[Sweep]) -> None:
    """The widgets, in their order of use; what is rarely wanted is folded."""
    left, right = st.columns([2.6, 1], vertical_alignment="bottom")
    with left:
        key = "choice.text"
        show(key, carried("text") or "")
        st.text_input(
            "Find",
            key=key,
            placeholder="words of a name, title, note or id",
            icon=":material/search:",
            on_change=_keep_text,
        )
    with right:
        names = list(ORDERS)
        st.selectbox(
            "Order",
            names,
            format_func=ORDER_WORDS.__getitem__,
            key=bind("sort", [str(name) for name in names], "newest"),
            on_change=_keep_order,
        )
    _states(facets)
    hidden = [name for name in FOLDED if carried(name)]
    with st.expander(f"More filters{f' ({len(hidden)} set)' if hidden else ''}", expanded=bool(hidden)):
        left, right = st.columns(2)
        with left:
            _several("Tags", "tag", store.tag_counts())
        with right:
            _one("Sweep", "sweep", {one.id: f"{one.title} ({len(one.run_ids)})" for one in sweeps})
        for column, (label, name, counts) in zip(
            st.columns(4),
            (
                ("Model", "by_model", facets.models),
                ("Method", "by_method", facets.methods),
                ("Corpus", "by_corpus", facets.corpora),
                ("Origin", "origin", facets.origins),
            ),
            strict=True,
        ):
            with column:
                _one(label, name, {v: f"{ORIGIN_WORDS.get(v, v)} ({n})" for v, n in counts.items()})


def _states(facets: Facets) -> None:
    names = [state for state in STATES if facets.states.get(state) or state in several("state")]
    if not names:
        return
    # Never a lambda: what a session keeps must be serializable.
    titles = {str(state): f"{STATE_WORDS[state][0]} {facets.states.get(state, 0)}" for state in names}
    key = "choice.state"
    show(key, [state for state in several("state") if state in names])
    st.pills(
        "State",
        list(titles),
        selection_mode="multi",
        format_func=titles.__getitem__,
        key=key,
        on_change=_keep_several,
        args=("state",),
    )


def _several(label: str, name: str, counts: Mapping[str, int]) -> None:
    titles = {value: f"{value} ({counts.get(value, 0)})" for value in [*counts, *several(name)]}
    key = f"choice.{name}"
    show(key, several(name))
    st.multiselect(
        label,
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        placeholder="any",
        on_change=_keep_several,
        args=(name,),
    )


def _one(label: str, name: str, titles: Mapping[str, str]) -> None:
    """A box over what there is; one that an old link names stays in it, so that it can be taken out."""
    held = carried(name)
    shown = {ANY: ANY, **({held: held} if held else {}), **titles}
    key = f"choice.{name}"
    show(key, held or ANY)
    st.selectbox(
        label,
        list(shown),
        format_func=shown.__getitem__,
        key=key,
        on_change=_keep_one,
        args=(name,),
    )


def _changed(name: str, value: str | None) -> None:
    if is_pick(f"choice.{name}"):
        carry("page", None)  # another list begins at its first page
        carry(name, value or None)


def _keep_text() -> None:
    _changed("text", " ".join(str(st.session_state["choice.text"]).split()))


def _keep_several(name: str) -> None:
    _changed(name, ",".join(st.session_state[f"choice.{name}"]))


def _keep_one(name: str) -> None:
    value = str(st.session_state[f"choice.{name}"])
    _changed(name, None if value == ANY else value)


def _keep_order() -> None:
    if is_pick("choice.sort"):
        carry("page", None)
        keep("sort")


def sweep_facts(axes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(axis, its values) of a sweep, for a person; axes of one value are left out."""
    found = []
    for name, values in axes.items():
        if isinstance(values, list) and len(values) > 1:
            shown = [percent(v, 0) if name == "sparsity" and isinstance(v, float) else str(v) for v in values]
            found.append((name, ", ".join(shown)))
    return found
