"""Audience mode on the slide of the judgment: a code for phones, how many have voted, and the verdict when it is revealed."""

from __future__ import annotations

from html import escape

import segno
import streamlit as st

from fairprune.audience.launch import close, current, start
from fairprune.audience.network import NO_NETWORK, addresses
from fairprune.audience.tally import OUTCOMES, Outcome, tally
from fairprune.charts_metrics import NEUTRAL
from fairprune.store import Audience, Run, Store
from fairprune.talk.pair import QUESTION
from fairprune.talk.slides import Block, mark_of
from fairprune.talk.story import Story
from fairprune.text import counted
from fairprune.ui.address import carry, usable
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals
from fairprune.ui.talk import draw_blocks

POLL_SECONDS = 1.0


def asked(store: Store, story: Story) -> Audience | None:
    """The room's question about the pair of this talk: the open one, or the one of the address; None: the room is not asked."""
    if story.pair is None:
        return None
    found = current(store, story.run.id)
    if found is not None and found.position == story.pair.position:
        carry("asked", found.id)
        return found
    past = {one.id: one for one in store.audiences(story.run.id) if one.position == story.pair.position}
    named = usable(
        "asked", past, "the room was never asked that about this pair: ask it with the button below"
    )
    return past.get(named or "")


def draw_invitation(store: Store, story: Story) -> None:
    """The button that asks the room, and what it does."""
    if story.pair is None:
        return
    found = addresses()
    if not found:
        st.caption(f":material/wifi_off: The room cannot vote: {inert(NO_NETWORK)}.")
        return
    st.button("Ask the room", icon=":material/groups:", key="talk-ask", on_click=_start, args=(store, story))
    st.caption(
        f"Opens a voting page on this computer's address in the local network ({found[0]}) until you close it. Phones on that "
        "network see this pair without names, and can send an answer and nothing else."
    )


def _start(store: Store, story: Story) -> None:
    assert story.pair is not None
    with refusals():
        start(store, story.run, story.pair.position)


@st.fragment(run_every=POLL_SECONDS)
def draw_room(store: Store, story: Story, audience_id: str, flags: list[Block], results: Block) -> None:
    """The code, the count and the verdict, anew every second.

    Args:
        flags: what stands before numbers.
        results: BUR and UER of the sample and the run: a block of numbers.
    """
    with refusals():
        audience = store.audience(audience_id)
        found = tally(store.vote_counts(audience_id))
        voters = counted(found.n, "phone has voted", "phones have voted")
        if audience.closed is not None:
            st.html(f'<div class="fp-title">Voting is closed: {voters}.</div>')
        elif audience.revealed is not None:
            where = escape(audience.address.removeprefix("http://"))
            st.html(f'<div class="fp-title">{voters} at {where}</div>')
        else:
            st.html(_code(audience, found.n))
        _controls(store, story.run, audience)
        if audience.revealed is None:
            st.caption("The verdict is withheld until you reveal it (button, or key R).")
            return
        room, metrics = st.columns([2, 3], gap="large")
        with room:
            st.subheader("The room", anchor=False)
            st.html("".join(_outcome(one, story.run) for one in found.outcomes))
            if found.sides:
                st.caption(f"Votes for the side that stood first: {found.left} of {found.sides}.")
        with metrics:
            st.subheader("The metrics", anchor=False)
            draw_blocks([*flags, results], "results", keys=False)


def _code(audience: Audience, n: int) -> str:
    """QR code and address, with the count; HTML. The code is dark on light with its quiet zone, whatever the theme."""
    picture = segno.make(audience.address, error="m").png_data_uri(
        scale=10, border=4, dark="#000", light="#fff"
    )
    shown = audience.address.removeprefix("http://")
    return (
        f'<div class="fp-room"><img src="{escape(picture)}" alt="QR code of {escape(audience.address)}">'
        f"<div><p>{escape(QUESTION)} Read both summaries on your phone and answer there. Join this computer's network first.</p>"
        f'<p><b>{escape(shown)}</b></p><p><span class="fp-count">{n}</span> {"vote" if n == 1 else "votes"}</p></div></div>'
    )


def _controls(store: Store, run: Run, audience: Audience) -> None:
    with st.container(horizontal=True, gap="small"):
        shown = audience.revealed is not None
        st.button(
            "Hide the verdict" if shown else "Reveal the verdict",
            icon=":material/visibility_off:" if shown else ":material/visibility:",
            key="talk-reveal",
            on_click=store.reveal_audience,
            args=(audience.id, not shown),
        )
        if audience.closed is None:
            st.button(
                "Close the voting",
                icon=":material/block:",
                key="talk-close",
                on_click=close,
                args=(store, run.id),
                help="No vote counts any more; what was given stays.",
            )
        else:
            st.button(
                "Back to the pair",
                icon=":material/undo:",
                key="talk-back-to-pair",
                on_click=carry,
                args=("asked", None),
            )


def _outcome(one: Outcome, run: Run) -> str:
    """One answer: bar of its share, line from end to end of its interval, both in words; HTML."""
    colour = mark_of(one.name, run).colour if one.name in ("dense", "pruned") else NEUTRAL
    ends = (
        f'<u style="left:{100 * one.low:.1f}%;width:{100 * (one.high - one.low):.1f}%"></u>'
        if one.low is not None and one.high is not None
        else ""
    )
    return (
        f'<div class="fp-outcome"><b>{escape(OUTCOMES[one.name])}</b><span>{escape(one.words)}</span>'
        f'<div class="fp-whole" style="--g:{colour}"><span style="width:{100 * (one.share or 0.0):.1f}%"></span>{ends}</div></div>'
    )
