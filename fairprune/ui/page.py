"""What every page begins with: its frame, the navigation, the store, and errors as sentences."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import streamlit as st

from fairprune import examples, jobs
from fairprune.access import Role
from fairprune.errors import BadInput, FairpruneError
from fairprune.paths import home
from fairprune.store import Store, open_store
from fairprune.ui import form_address
from fairprune.ui.address import amend, arrive, carried, tell_by
from fairprune.ui.gate import current_role, draw_login, draw_role
from fairprune.ui.loading import load_soon
from fairprune.ui.markup import inert
from fairprune.ui.session import forget_undrawn, tell_taken_up

RECONCILE_SECONDS = 60
_log = logging.getLogger(__name__)
_PLAIN_WORD = re.compile(r"[a-z]+(?=[ ,;]|$)")
PAGES: tuple[tuple[str, str, str], ...] = (
    ("app.py", "Start", ":material/home:"),
    ("pages/1_Prune.py", "Prune", ":material/content_cut:"),
    ("pages/2_Trade-offs.py", "Trade-offs", ":material/show_chart:"),
    ("pages/3_Summaries.py", "Summaries", ":material/article:"),
    ("pages/4_Layers.py", "Layers", ":material/grid_on:"),
    ("pages/5_Fairness.py", "Fairness", ":material/balance:"),
    ("pages/6_Debias.py", "Debias", ":material/healing:"),
    ("pages/7_Judge.py", "Judge", ":material/how_to_vote:"),
    ("pages/8_Study.py", "Study", ":material/fact_check:"),
    ("pages/9_Runs.py", "Runs", ":material/list:"),
    ("pages/11_Talk.py", "Talk", ":material/co_present:"),
)
"""File, name and icon, in the order of the navigation."""
TALK = "pages/11_Talk.py"
TOLD = ("run", "runs", "sample", "judged", "slide")
"""What a talk is made of, in the address."""


def open_page(title: str, heading: str | None = None, *, bare: bool = False, public: bool = False) -> Store:
    """The first call of every page: frame, navigation and heading. Returns the store.

    Where leads have to log in and this session has not, the page ends with a login before anything is read, unless it is
    `public`. Where the store cannot be opened the page says why and ends.

    Args:
        title: of the browser's tab.
        heading: the page's first line; `title` where it is None, none where it is ''.
        bare: a slide of a talk: no side bar, no heading, big type. Any other page goes there with `?talk=1`.
        public: for judges too, who see no navigation; nor does anybody who opens a judge's link (`?judge=`).
    """
    forget_undrawn()
    try:
        role = current_role()
    except BadInput as error:
        _log.warning("nobody is let in: %s", error)
        role = "judge"
    if public and "judge" in st.query_params:
        role = "judge"
    if not bare and role != "judge" and st.query_params.get("talk") == "1":
        st.switch_page(
            TALK, query_params={key: st.query_params[key] for key in TOLD if key in st.query_params}
        )
    st.set_page_config(
        page_title=f"{title} · fairprune",
        page_icon=str(Path(__file__).parent / "icon.svg"),  # an icon by name would be fetched from elsewhere
        layout="wide",
        initial_sidebar_state="collapsed" if bare or role == "judge" else "auto",
    )
    if role != "judge":
        arrive(title)
        form_address.arrive(title)
    # What Streamlit's own elements look like goes to both: the browser fetches its programs for Markdown and for HTML apart, and what
    # the first of them draws has its style then. A style alone would be put elsewhere, and come later still.
    # Until then each of the two holds the room of a line: one pixel is seen of it, and nothing below it moves when it goes.
    own = " ".join(map(_sheet, ("frame.css", "assets/table.css", "style.css")))
    head = st.container(gap=None)
    with head, st.container(height=1, border=False):
        st.html(f"<style>{own}</style><i hidden></i>")
        st.markdown(f"<style>{_sheet('frame.css')}</style>", unsafe_allow_html=True)
    if role == "judge" and not public:
        draw_login()
        st.stop()
    if bare:
        st.html(Path(__file__).parent / "talk.css")
    else:
        if role != "judge":
            _navigation(role)
        if heading != "":
            head.title(heading or title, anchor=False)
    about_address = st.container()
    with about_address:
        tell_taken_up()

    def tell(sentence: str) -> None:
        with about_address:
            refuse(sentence)

    tell_by(tell)
    if not bare:
        amend("talk", None, "talk=1 opens the talk")
    folder, address = str(home()), os.environ.get("FAIRPRUNE_DATABASE_URL", "")
    try:
        store = _store(folder, address)
        if role == "judge":
            return store
        _reconciled(folder, address)
    except FairpruneError as error:
        refuse(str(error))
        st.stop()
    with refusals():
        _examples(folder, address)
    load_soon()
    return store


@cache
def _sheet(name: str) -> str:
    """A style sheet of this folder on one line: an empty one would end the block of HTML for Markdown."""
    return " ".join((Path(__file__).parent / name).read_text(encoding="utf-8").split())


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


@st.cache_resource(show_spinner="Opening the example runs …")
def _examples(folder: str, address: str) -> bool:
    """Once at the start of the server: an empty store shows the runs that come with fairprune."""
    examples.ensure(_store(folder, address))
    return True


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


def _navigation(role: Role) -> None:
    run = carried("run")
    with st.sidebar, st.container(gap=None, key="fp-navigation"):
        st.html(f'<div class="fp-brand">{_MARK}fairprune</div>')
        for file, label, icon in PAGES:
            st.page_link(
                file, label=label, icon=icon, query_params={"run": run} if run else None, width="stretch"
            )
    with st.sidebar:
        draw_role(role)
