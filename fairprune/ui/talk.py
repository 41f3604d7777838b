"""A talk inside the app: the slides of `fairprune.talk`, one at a time, big; keys and buttons leaf through them."""

from __future__ import annotations

from functools import cache, partial
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from fairprune.audience.launch import close
from fairprune.errors import BadInput
from fairprune.store import Run, Store
from fairprune.talk.document import document, talk_script
from fairprune.talk.slides import Block, Slide
from fairprune.talk.story import Story, chosen_runs, tell
from fairprune.ui.address import amend, carried, carry, number, whole
from fairprune.ui.start import story_run
from fairprune.ui.voices import plain_state

_PAGE = Path(__file__).parent / "assets" / "talk_page.js"
LOOKED_AT = 200
MOST_SAMPLES = 1_000_000
STORY_SECONDS = 300
FIGURE_HEIGHT = 400


@cache
def _component() -> Any:
    script, style = talk_script()
    return st.components.v2.component(
        "fairprune_talk",
        js=f"{script}\n{_PAGE.read_text(encoding='utf-8')}",
        css=style,
        isolate_styles=False,
    )


def told_runs(store: Store) -> list[Run]:
    """The runs of the address (`?runs=ID,ID`, else `?run=ID`), else what the first page tells of; [] in an empty store.

    Raises:
        NoSuchRun, StoreError: as `chosen_runs`.
    """
    # Trade-offs remembers its runs under the same name: here only those of the address count.
    asked = st.query_params.get("runs") or carried("run") or ""
    names = [name for name in asked.split(",") if name]
    if not names:
        found = story_run(store, store.runs(limit=LOOKED_AT))
        names = [] if found is None else [found.id]
    return chosen_runs(store, names) if names else []


def story_of(store: Store, runs: list[Run]) -> Story:
    """The talk of these runs, with the samples of the address: `?sample=` to show, `?judged=` to judge.

    One that is not there, or that cannot be judged, is said, and another one stands in its place.

    Raises:
        StoreError: a run without results.
    """
    ids = tuple(run.id for run in runs)
    places: dict[str, int | None] = {}
    for name in ("sample", "judged"):
        found = whole(carried(name) or "", MOST_SAMPLES)
        places[name] = None if found is None else found - 1
        if found is None:
            amend(name, None, "a sample is named by a whole number, from 1 on")
    try:
        return _story(store.url, ids, places["sample"], places["judged"], store, runs)
    except BadInput:
        for name, place in places.items():
            try:
                alone = {"sample": None, "judged": None, name: place}
                _story(store.url, ids, alone["sample"], alone["judged"], store, runs)
            except BadInput as error:
                amend(name, None, str(error))
                places[name] = None
    return _story(store.url, ids, places["sample"], places["judged"], store, runs)


@st.cache_resource(ttl=STORY_SECONDS, max_entries=8, show_spinner=False)
def _story(
    address: str,  # noqa: ARG001 (part of the key)
    run_ids: tuple[str, ...],  # noqa: ARG001 (part of the key)
    sample: int | None,
    judged: int | None,
    _store: Store,
    _runs: list[Run],
) -> Story:
    """Leafing reads nothing again; the story is frozen, and nobody changes what is in it."""
    return tell(_store, _runs, sample=sample, judged=judged)


def draw_slide(slide: Slide, kind: str) -> None:
    """All blocks of a slide in their order; figures by Streamlit, which brings Plotly, the others by the talk's own script."""
    waiting: list[Block] = []
    place = 0
    for block in slide.blocks:
        if block["kind"] != "figures":
            waiting.append(block)
            continue
        draw_blocks(waiting, f"{kind}.{place}", keys=False)
        waiting = []
        place += 1
        columns = st.columns(len(block["figures"]), gap="medium")
        for column, entry in zip(columns, block["figures"], strict=True):
            with column:
                if entry["title"]:
                    st.html(f'<div class="fp-title">{escape(entry["title"])}</div>')
                st.plotly_chart(
                    _figure(entry["figure"]),
                    key=f"talk.figure.{kind}.{entry['title']}",
                    config={"displaylogo": False, "displayModeBar": False},
                    alt=entry["alt"],
                )
    draw_blocks(waiting, f"{kind}.{place}", keys=True)


def _figure(found: dict[str, Any]) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure(found["data"], found["layout"])
    return figure.update_layout(height=FIGURE_HEIGHT)


def draw_blocks(blocks: list[Block], key: str, *, keys: bool) -> None:
    """Blocks by the talk's own script; `keys`: with an ear for the keys of a talk, once per page."""
    if blocks or keys:
        _component()(key=f"talk.{key}", data={"blocks": blocks, "keys": keys})
        plain_state(f"talk.{key}")


def leaf(store: Store, story: Story) -> int:
    """The bar of a talk: where one is, back and on, the file, the way out. Returns the slide's place."""
    last = len(story.slides) - 1
    at = (number("slide", last + 1) or 1) - 1
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, label, icon, to in (
            ("back", "Back", ":material/arrow_back:", at - 1),
            ("next", "Next", ":material/arrow_forward:", at + 1),
        ):
            st.button(
                label,
                icon=icon,
                key=f"talk-{name}",
                disabled=not 0 <= to <= last,
                on_click=carry,
                args=("slide", str(to + 1)),
            )
        with st.container(key="talk-ends"):  # Home and End press them; on the bar there is no room for them
            for name, to in (("first", 0), ("last", last)):
                st.button(
                    f"To the {name} slide",
                    key=f"talk-{name}",
                    disabled=at == to,
                    on_click=carry,
                    args=("slide", str(to + 1)),
                )
        marks = "".join(f'<i class="{"fp-here" if place == at else ""}"></i>' for place in range(last + 1))
        st.html(f'<div class="fp-marks">{marks}<span>{at + 1} of {last + 1}</span></div>', width="content")
        st.space("stretch")
        st.download_button(
            "Talk as a file",
            partial(_file, story),
            f"talk-{story.run.id}.html",
            "text/html",
            icon=":material/download:",
            on_click="ignore",
            type="tertiary",
            help="All slides in one HTML file that needs no network and nothing else.",
        )
        if st.button("Leave the talk", icon=":material/close:", key="talk-leave", type="tertiary"):
            close(store, story.run.id)  # the questions to the room end with the talk
            st.switch_page("app.py", query_params={"run": story.run.id})
    return at


def _file(story: Story) -> bytes:
    return document(story).encode()
