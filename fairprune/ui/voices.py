"""The renderer of `fairprune.voices` as an element of a page: drawn in the browser, its choices in the address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fairprune.store import Run, Store
from fairprune.ui.address import carried, carry, usable
from fairprune.voices import Voices, collect, family, renderer

_PAGE = Path(__file__).parent / "assets" / "voices_page.js"
SECONDS = 60
"""For which what was read stays as it is: a run that is started again meanwhile shows after that."""
CHOICES = ("step", "sentence")
"""What a person chooses in it; each has its place in the address."""


@cache
def _component() -> Any:
    script, style = renderer()
    return st.components.v2.component(
        "fairprune_voices",
        js=f"{script}\n{_PAGE.read_text(encoding='utf-8')}",
        css=style,
        isolate_styles=False,  # found by the browser's own search, and in the page's own font
    )


def draw_voices(view: Mapping[str, Any], kind: str) -> None:
    """Draws `view`; what was chosen in it stands in the address and is shown again from there.

    Args:
        view: what `fairpruneVoices.render` draws.
        kind: one per place on a page: its state is kept under this name.
    """
    key = f"voices.{kind}"
    said = [one["id"] for system in view.get("systems", ()) for one in system["summary"]["sentences"]]
    if said:
        usable("sentence", said, "these summaries have no such sentence: a click on one chooses it")
    _component()(
        key=key,
        data={"view": view, **{name: carried(name) for name in CHOICES}},
        on_step_change=lambda: _keep(key, "step"),
        on_sentence_change=lambda: _keep(key, "sentence"),
    )
    plain_state(key)


def plain_state(key: str) -> None:
    """The component's state as the plain dictionary that it is.

    Streamlit 1.67 hands it out through a class that it makes anew at every look, which its own check of what a session keeps
    (`enforceSerializableSessionState`) then refuses. Without that class the check stays on for all that we keep ourselves.
    """
    context = get_script_run_ctx()
    if context is None:
        return
    known = context.session_state._state._new_widget_state.widget_metadata
    for name, metadata in list(known.items()):
        if name.endswith(f"-{key}"):
            known[name] = replace(metadata, presenter=None)


def collected(store: Store, run: Run, place: int, groups: tuple[str, ...], runs: Sequence[Run]) -> Voices:
    """As `fairprune.voices.collect`; read once while somebody drags."""
    members = tuple(member.id for member in family(run, runs))
    return _collected(store.url, run.id, place, groups, members, store, run, runs)


@st.cache_data(ttl=SECONDS, max_entries=64, show_spinner=False)
def _collected(
    url: str,  # noqa: ARG001 (part of the key, as the two after it and the members)
    run_id: str,  # noqa: ARG001
    place: int,
    groups: tuple[str, ...],
    members: tuple[str, ...],  # noqa: ARG001
    _store: Store,
    _run: Run,
    _runs: Sequence[Run],
) -> Voices:
    return collect(_store, _run, place, groups, _runs)


def _keep(key: str, name: str) -> None:
    """The new choice, into the address."""
    state = st.session_state.get(key) or {}
    value = state.get(name)
    carry(name, None if value is None else str(value))
