"""What every page begins with: its frame, the navigation, the store, and errors as sentences."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from fairprune import jobs
from fairprune.errors import FairpruneError
from fairprune.paths import home
from fairprune.store import Store, open_store
from fairprune.ui.address import carried
from fairprune.ui.markup import inert

RECONCILE_SECONDS = 60
_PLAIN_WORD = re.compile(r"[a-z]+(?=[ ,;]|$)")
PAGES: tuple[tuple[str, str, str], ...] = (
    ("app.py", "Start", ":material/home:"),
    ("pages/1_Prune.py", "Prune", ":material/content_cut:"),
    ("pages/3_Summaries.py", "Summaries", ":material/article:"),
    ("pages/4_Layers.py", "Layers", ":material/grid_on:"),
    ("pages/5_Fairness.py", "Fairness", ":material/balance:"),
)
"""File, name and icon, in the order of the navigation."""


def open_page(title: str, heading: str | None = None) -> Store:
    """The first call of every page: frame, navigation and heading. Returns the store.

    Where the store cannot be opened the page says why and ends.

    Args:
        title: of the browser's tab.
        heading: the page's first line; `title` where it is None.
    """
    st.set_page_config(
        page_title=f"{title} · fairprune",
        page_icon=str(Path(__file__).parent / "icon.svg"),  # an icon by name would be fetched from elsewhere
        layout="wide",
        initial_sidebar_state="auto",
    )
    st.html(Path(__file__).parent / "style.css")
    _navigation()
    st.title(heading or title, anchor=False)
    folder, address = str(home()), os.environ.get("FAIRPRUNE_DATABASE_URL", "")
    try:
        store = _store(folder, address)
        _reconciled(folder, address)
    except FairpruneError as error:
        refuse(str(error))
        st.stop()
    return store


@contextmanager
def refusals() -> Iterator[None]:
    """Every `FairpruneError` inside as a sentence on the page; what was drawn and typed before stays."""
    try:
        yield
    except FairpruneError as error:
        refuse(str(error))


def refuse(sentence: str) -> None:
    """A sentence that says what was wrong. It may hold text of users, so Markdown in it has no effect."""
    st.error(inert(capitalised(sentence)), icon=":material/error:")


def capitalised(sentence: str) -> str:
    """`sentence` with a capital first letter, unless it begins with a name (a file, a folder, a model).

    A name is known by a first word of more than small letters: 'films.csv', 'owner/model', 'gpt2', 'q_proj'.
    """
    return sentence[:1].upper() + sentence[1:] if _PLAIN_WORD.match(sentence) else sentence


@st.cache_resource(show_spinner=False)
def _store(folder: str, address: str) -> Store:  # noqa: ARG001 (its key: a name with _ would be no part of it)
    return open_store(address or None)


@st.cache_resource(ttl=RECONCILE_SECONDS, show_spinner=False)
def _reconciled(folder: str, address: str) -> bool:
    """Once at the start of the server, and then now and then while somebody looks."""
    jobs.reconcile(_store(folder, address))
    return True


def reconcile_watched(store: Store) -> None:
    """Puts right what a dead worker left, for a page that watches a run: call it as often as it polls.

    Raises:
        StoreError, Unavailable: as `jobs.reconcile`.
    """
    _reconciled_watched(store.url, store)


@st.cache_resource(ttl=jobs.RECONCILE_SECONDS, show_spinner=False)
def _reconciled_watched(address: str, _store: Store) -> bool:  # noqa: ARG001 (part of the key)
    """All sessions that watch share one look; `_store` is no part of its key."""
    jobs.reconcile(_store)
    return True


_MARK = "<i>" + "".join(f'<b class="{shade}"></b>' for shade in "boxoxbxbo") + "</i>"


def _navigation() -> None:
    run = carried("run")
    with st.sidebar:
        st.html(f'<div class="fp-brand">{_MARK}fairprune</div>')
        for file, label, icon in PAGES:
            st.page_link(
                file, label=label, icon=icon, query_params={"run": run} if run else None, width="stretch"
            )
