"""The live view of one run: rows of the database, read every second while it waits or runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from html import escape

import streamlit as st

from fairprune import jobs
from fairprune.remaining import fraction, kind_of, time_left, usual_seconds
from fairprune.stages import stages_of
from fairprune.store import ENDED, RESTARTABLE, Run, Store
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.bundle import draw_bundle_download, draw_provenance
from fairprune.ui.page import reconcile_watched, refusals, refuse
from fairprune.ui.runs import badge, flags, headline_tiles, results_links

POLL_SECONDS = 1.0
MOST_LOG_LINES = 5000
NOTE = "Unstructured zeros change neither file size nor speed: the pruned model is stored dense."


def run_panel(store: Store, run_id: str) -> None:
    """Progress of a run that waits or runs, its end, or its result card. An ended run is not polled."""
    live = store.run(run_id).state not in ENDED
    st.fragment(_panel, run_every=POLL_SECONDS if live else None)(store, run_id, live)


def _panel(store: Store, run_id: str, live: bool) -> None:
    if live:
        # A killed worker writes nothing any more: the rows alone would say "running" without end.
        with refusals():
            reconcile_watched(store)
    with refusals():
        run = store.run(run_id)
        if live and run.state in ENDED:
            st.rerun()  # the whole page: drawn anew without the clock
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.html(f'<div class="fp-title">{escape(run.label)}</div>', width="content")
                badge(run)
            if run.state == "done":
                _result(store, run)
            elif run.state in RESTARTABLE:
                _ended_early(store, run)
            else:
                _progress(store, run)


def timing(run: Run, now: datetime, known: Mapping[str, float]) -> str:
    """Elapsed time, and how long the whole run still takes where that can be told.

    Args:
        known: as `fairprune.remaining.usual_seconds`.
    """
    if run.started is None:
        return ""
    text = f"{markup.duration((now - run.started).total_seconds())} elapsed"
    left = time_left(run, now, known)
    if left is not None:
        rests_on = "by earlier runs like it" if known else "by how far it is"
        text += f", about {markup.duration(left)} left ({rests_on})"
    return text


def usual(store: Store, run: Run) -> dict[str, float]:
    """As `usual_seconds`, asked once a minute for runs of one kind, however often a page that watches asks."""
    return _usual(store.url, kind_of(run), store, run)


@st.cache_data(ttl=60, max_entries=64, show_spinner=False)
def _usual(address: str, kind: str, _store: Store, _run: Run) -> dict[str, float]:  # noqa: ARG001 (parts of the key)
    return usual_seconds(_store, _run)


def _progress(store: Store, run: Run) -> None:
    if run.state == "queued":
        ahead = (run.queue_position or 1) - 1
        words = "starts in a moment" if ahead == 0 else f"{counted(ahead, 'run')} before it on {run.device}"
        label = f"Waiting: {words}"
    else:
        stages = stages_of(run.spec)
        place = stages.index(run.stage) + 1 if run.stage in stages else 0
        label = f"Stage {place} of {len(stages)}: {run.stage}" if place else "Starting the process"
    st.progress(fraction(run), text=label)
    message = "Cancelling …" if run.cancel_requested else run.message or " "
    known = usual(store, run) if run.started is not None else {}
    st.text(f"{timing(run, datetime.now(UTC), known)}\n{message}")
    _log(store, run)
    st.button(
        "Cancel this run",
        icon=":material/stop_circle:",
        disabled=run.cancel_requested,
        on_click=cancel,
        args=(store, run.id),
        key="run.cancel",
    )
    st.caption(
        "The run goes on when this page is closed. Its address shows it again, here or in another browser."
    )


def _log(store: Store, run: Run) -> None:
    lines = store.logs(run.id, limit=MOST_LOG_LINES)[-200:]
    text = "\n".join(f"{line.time:%H:%M:%S}  {line.text}" for line in lines) or "nothing said yet"
    with st.container(height=190, border=False, autoscroll=True):
        st.code(text, language=None, wrap_lines=True)


def cancel(store: Store, run_id: str) -> None:
    """What a button does; a refusal is drawn."""
    with refusals():
        jobs.cancel(run_id, store)


def _again(store: Store, run_id: str) -> None:
    with refusals():
        jobs.retry(run_id, store)


def _ended_early(store: Store, run: Run) -> None:
    if run.error:
        refuse(run.error)
    else:
        st.info(
            "This run was cancelled. What was already computed and stored is kept.", icon=":material/block:"
        )
    if run.error_detail:
        with st.expander("Details for a report"):
            st.code(run.error_detail, language=None, wrap_lines=True)
    with st.expander("Log"):
        _log(store, run)
    if run.origin == "here" and st.button(
        "Start again",
        type="primary",
        icon=":material/replay:",
        key="run.again",
        on_click=_again,
        args=(store, run.id),
    ):
        st.rerun()  # the whole page: now there is something to follow


def _result(store: Store, run: Run) -> None:
    evaluation = store.result(run.id, "evaluation")
    sparsity = store.result(run.id, "sparsity")
    generation = store.result(run.id, "generation")
    if evaluation is not None:
        flags(evaluation)
    tiles = headline_tiles(sparsity, evaluation)
    if generation is not None:
        tiles.append(speed_tile(generation["systems"]))
    st.html(markup.grid(tiles, "15rem"))
    took = sum(run.seconds.values())
    st.caption(f"{NOTE} The run took {markup.duration(took)} on {run.device}.")
    draw_provenance(store, run)
    results_links(run)
    draw_bundle_download(store, [run.id])
    with st.expander("Seconds per stage, and log"):
        st.html(
            markup.table(
                ["Stage", "Time"],
                [
                    [escape(name), markup.duration(run.seconds[name])]
                    for name in stages_of(run.spec)
                    if name in run.seconds
                ],
            )
        )
        _log(store, run)


def speed_tile(systems: dict[str, dict[str, object]]) -> str:
    """Tokens per second of both systems, with device, number format and batch; HTML."""
    values, notes = [], []
    for name in ("dense", "pruned"):
        facts = systems.get(name)
        rate = None if facts is None else facts.get("tokens_per_second")
        values.append(f"{rate:.0f}" if isinstance(rate, int | float) else "–")
        if facts is not None:
            reused = ", reused" if facts.get("reused") else ""
            notes.append(
                f"{name}: {facts.get('device')}, {facts.get('dtype')}, "
                f"batch of {facts.get('batch_size')}{reused}"
            )
    return markup.tile("Tokens a second, dense → pruned", markup.change(*values), *notes)
