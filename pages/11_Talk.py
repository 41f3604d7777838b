"""Talk: the story of a run in big type, one slide at a time, with the votes of the room at its end."""

from __future__ import annotations

import streamlit as st

from fairprune.errors import FairpruneError
from fairprune.store import Store
from fairprune.talk.slides import Slide
from fairprune.talk.story import Story, without_pair
from fairprune.ui import open_page, refusals, refuse
from fairprune.ui.audience import asked, draw_invitation, draw_room
from fairprune.ui.runs import no_runs, to_prune
from fairprune.ui.talk import draw_slide, leaf, story_of, told_runs


def judge(store: Store, story: Story, slide: Slide) -> None:
    """The pair on the wall, or, when the room is asked, on its phones."""
    question = asked(store, story)
    if question is None:
        draw_slide(slide, slide.name)
        draw_invitation(store, story)
        return
    results = next(block["results"] for block in slide.blocks if block["kind"] == "judge")
    draw_slide(without_pair(slide), "room")
    flags = [{"kind": "flags", "texts": results["flags"]}] if results["flags"] else []
    draw_room(store, story, question.id, flags, {"kind": "numbers", **results})


def found(store: Store) -> Story | None:
    """What is told; where there is nothing, or no such run, the page says so."""
    try:
        runs = told_runs(store)
        if runs:
            return story_of(store, runs)
    except FairpruneError as error:
        st.title("Talk", anchor=False)
        refuse(str(error))
        with st.container(horizontal=True):
            st.page_link("pages/9_Runs.py", label="Choose runs", icon=":material/list:")
            st.page_link("app.py", label="Leave the talk", icon=":material/close:")
        return None
    st.title("Talk", anchor=False)
    no_runs("There is nothing to tell of yet.")
    to_prune("Prune your first model")
    st.page_link("app.py", label="Leave the talk", icon=":material/close:")
    return None


def draw(store: Store, story: Story) -> None:
    place = leaf(store, story)
    slide = story.slides[place]
    st.title(slide.title, anchor=False)
    if slide.name == "You judge":
        judge(store, story, slide)
    else:
        draw_slide(slide, slide.name)


page_store = open_page("Talk", bare=True)
page_story = found(page_store)
if page_story is not None:
    with refusals():
        draw(page_store, page_story)
