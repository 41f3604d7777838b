"""What runs and waits at the moment, above the list: drawn anew every two seconds while there is something to see."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from fairprune.remaining import fraction, kind_of, time_left
from fairprune.store import Chosen, Listed, Run, Store
from fairprune.ui import markup
from fairprune.ui.page import reconcile_watched, refusals
from fairprune.ui.progress import cancel, usual

POLL_SECONDS = 2.0
SHOWN_WAITING = 3


def live_strip(store: Store) -> None:
    """The running and the waiting runs; nothing where there are none."""
    found = _active(store)
    if found.total:
        st.fragment(_strip, run_every=POLL_SECONDS)(store, _signature(found))


def _active(store: Store) -> Listed:
    return store.find_runs(Chosen(states=("running", "queued")), order="oldest", limit=200)


def _signature(found: Listed) -> tuple[tuple[str, str], ...]:
    return tuple((run.id, run.state) for run in found.runs)


def _strip(store: Store, drawn: tuple[tuple[str, str], ...]) -> None:
    with refusals():
        reconcile_watched(store)
        found = _active(store)
        if _signature(found) != drawn:
            st.rerun()  # the whole page: a run has begun or ended, and the list below is another one
        running = [run for run in found.runs if run.state == "running"]
        waiting = [run for run in found.runs if run.state == "queued"]
        with st.container(border=True, key="runs-live"):
            for run in running:
                draw_running(store, run)
            if waiting:
                st.caption(waiting_text(waiting, found.total - len(running), partial(usual, store), running))


def draw_running(store: Store, run: Run) -> None:
    """A running run: a link to it, how far it is, and the button that ends it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.page_link(
            "pages/1_Prune.py",
            label=f"**{markup.inert(run.label)}**",
            icon=":material/progress_activity:",
            query_params={"run": run.id},
        )
        st.button(
            "Cancelling …" if run.cancel_requested else "Cancel",
            key=f"live.cancel.{run.id}",
            icon=":material/stop_circle:",
            disabled=run.cancel_requested,
            on_click=cancel,
            args=(store, run.id),
        )
    st.progress(fraction(run), text=markup.inert(progress_text(run, usual(store, run))))


def progress_text(run: Run, known: Mapping[str, float], now: datetime | None = None) -> str:
    """'pruning: block 4 of 30 · 1 min 5 s elapsed, about 3 min 0 s left'."""
    moment = now or datetime.now(UTC)
    where = run.stage or "starting"
    if run.message:
        where += f": {run.message}"
    if run.started is None:
        return where
    elapsed = markup.duration((moment - run.started).total_seconds())
    left = time_left(run, moment, known)
    rest = "" if left is None else f", about {markup.duration(left)} left"
    return f"{where} · {elapsed} elapsed{rest}"


def waiting_text(
    waiting: Sequence[Run],
    count: int,
    seconds: Callable[[Run], Mapping[str, float]],
    running: Sequence[Run],
) -> str:
    """The next in the queue, how many wait in all, and how long all of it takes where earlier runs tell.

    Args:
        count: of those that wait; `waiting` may be the first of them.
        seconds: of a run's stages, as `fairprune.remaining.usual_seconds`.
    """
    names = ", ".join(markup.inert(run.label) for run in waiting[:SHOWN_WAITING])
    more = f" and {count - SHOWN_WAITING} more" if count > SHOWN_WAITING else ""
    text = f":material/schedule: Waiting ({count}): {names}{more}."
    one_of = {kind_of(run): run for run in waiting}
    usually = {kind: sum(seconds(run).values()) for kind, run in one_of.items()}
    each = [usually[kind_of(run)] for run in waiting]
    if all(each) and len(waiting) == count:
        now = datetime.now(UTC)
        current = [time_left(run, now, seconds(run)) or 0.0 for run in running]
        text += f" All done in about {markup.duration(sum(each) + sum(current))}."
    return text
