"""Runs as pages show them: their state in words, the choice of one, the empty states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from fairprune import assets
from fairprune.charts import percent
from fairprune.errors import StoreError
from fairprune.metrics import METRICS
from fairprune.packages import ASSETS
from fairprune.store import RESTARTABLE, Run, Store
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.address import carried, choose_run, picked, show
from fairprune.ui.bundle import origin_badge
from fairprune.ui.page import refuse
from fairprune.uncertainty import DEMONSTRATION

STATES: dict[str, tuple[str, str, str]] = {
    "queued": ("waiting", "gray", ":material/schedule:"),
    "running": ("running", "blue", ":material/progress_activity:"),
    "done": ("done", "green", ":material/check:"),
    "failed": ("failed", "red", ":material/error:"),
    "cancelled": ("cancelled", "gray", ":material/block:"),
    "interrupted": ("interrupted", "orange", ":material/power_off:"),
}
"""State → word, colour and icon of its badge."""
MOST_RUNS = 200


def badge(run: Run) -> None:
    """The run's state; queued ones with their place."""
    word, colour, icon = STATES[run.state]
    place = f", number {run.queue_position} in the queue" if run.queue_position else ""
    st.badge(f"{word}{place}", icon=icon, color=colour)  # type: ignore[arg-type]
    origin_badge(run)


def degenerate_badge(evaluation: Mapping[str, Any] | None) -> None:
    """A warning before any fairness number of a run whose summaries say too little."""
    flagged = [name for name, found in (evaluation or {}).get("degenerate", {}).items() if found["flag"]]
    if flagged:
        st.badge(f"{' and '.join(flagged)} summaries degenerate", icon=":material/report:", color="red")


def option(run: Run) -> str:
    """The run in a list: title, state where it is not done, beginning of its id."""
    state = "" if run.state == "done" else f" · {STATES[run.state][0]}"
    origin = "" if run.origin == "here" else f" · {run.origin}"
    return f"{run.label}{state}{origin} · seed {run.spec.calibration.seed} · {run.id[:6]}"


def pick_run(store: Store, *, done_only: bool = True) -> Run | None:
    """The run in the address, else the last one looked at, else the newest; with a box to choose another.

    Draws what to do where there is no run, no such run, or (`done_only`) one without results yet: None.
    """
    runs = store.runs("done" if done_only else None, MOST_RUNS)
    wanted, run, stale = carried("run"), None, ""
    if wanted:
        try:
            run = store.run(wanted)
        except StoreError as error:
            stale = str(error)
    elif runs:
        run = runs[0]
    if run is not None and all(run.id != other.id for other in runs):
        runs = [run, *runs]
    if stale:
        refuse(f"{stale}. {'Choose one of the runs below' if runs else 'Start a run to have one'}.")
    if not runs:
        if not stale:
            no_runs("Results appear here when a run is done.")
        to_prune()
        return None
    known = {other.id: option(other) for other in runs}
    show("choice.run", run.id if run else None)
    st.selectbox(
        "Run",
        list(known),
        format_func=known.__getitem__,
        key="choice.run",
        index=0 if run else None,
        placeholder=f"Choose one of {len(runs)} runs",
        on_change=_chosen,
    )
    if run is None:
        return None
    choose_run(run.id)
    if done_only and run.state != "done":
        _without_results(run)
        return None
    return run


def _without_results(run: Run) -> None:
    """Why a run has no results to show, and the way to where something can be done about it."""
    if run.state not in RESTARTABLE:
        st.info(
            f"This run is {STATES[run.state][0]}: its results appear when it is done.",
            icon=":material/hourglass:",
        )
        label, icon = "Watch it", ":material/visibility:"
    else:
        if run.error:
            refuse(run.error)
        else:
            st.info("This run was cancelled before it had results.", icon=":material/block:")
        label, icon = "Open it to start it again", ":material/replay:"
    st.page_link("pages/1_Prune.py", label=label, icon=icon, query_params={"run": run.id})


def _chosen() -> None:
    run_id = picked("choice.run")
    if run_id:
        choose_run(str(run_id))


def no_runs(sentence: str) -> None:
    """The empty state: inviting, with what to do and how long it takes."""
    st.html(
        '<div class="fp-empty"><h2>No run yet</h2><div class="fp-lead">'
        f"{escape(sentence)} The packaged model of 135 million parameters, pruned by half and judged "
        "on eight sets of film reviews, takes a few minutes on a CPU: no GPU, no account, no network."
        "</div></div>"
    )


def to_prune(label: str = "Prune a model") -> None:
    """The button to the main job."""
    if st.button(label, type="primary", icon=":material/content_cut:"):
        st.switch_page("pages/1_Prune.py")


def missing_assets() -> bool:
    """Says which packaged parts are not here yet, and how to get them. True: something is missing."""
    missing = [name for name in ASSETS if not assets.is_ready(name)]
    if missing:
        size = sum(ASSETS[name].megabytes for name in missing)
        st.warning(
            f"Not here yet: {', '.join(missing)} ({size} MB to download). Run `make app` or "
            "`python -m fairprune assets` once; a run that needs them fetches them too.",
            icon=":material/download:",
        )
    return bool(missing)


def results_links(run: Run) -> None:
    """From a run's card to its pages."""
    with st.container(horizontal=True, gap="medium"):
        for file, label, icon in (
            ("pages/3_Summaries.py", "Read the summaries", ":material/article:"),
            ("pages/4_Layers.py", "Look into the layers", ":material/grid_on:"),
            ("pages/5_Fairness.py", "All fairness numbers", ":material/balance:"),
        ):
            st.page_link(file, label=label, icon=icon, query_params={"run": run.id})


def headline_tiles(
    sparsity: Mapping[str, Any] | None, evaluation: Mapping[str, Any] | None, *, brief: bool = False
) -> list[str]:
    """Asked and achieved sparsity, and BUR, UER, SPD2 dense → pruned with n and intervals; HTML.

    Args:
        brief: for a list of runs: BUR and UER alone, without their change.
    """
    tiles = []
    if sparsity is not None:
        asked, achieved = (percent(sparsity[key], 2) for key in ("asked", "achieved"))
        whole = f"{percent(sparsity['achieved_model'], 2)} of the whole model: embeddings are not pruned"
        tiles.append(
            markup.tile("Sparsity of the layers, asked → achieved", markup.change(asked, achieved), whole)
        )
    for name in ("bur", "uer") if brief else ("bur", "uer", "spd2"):
        if evaluation is not None and name in evaluation["metrics"]:
            tiles.append(_metric_tile(name, evaluation["metrics"][name], brief))
    if evaluation is not None and not brief:
        found = evaluation["degenerate"]
        shares = [percent(found[key]["share"], 0) if key in found else "–" for key in ("dense", "pruned")]
        what = "empty, under 5 words, repeating, or off the topic: they look fair because they say nothing"
        n = ", ".join(f"{_n(found[key]['n'])} {key}" for key in ("dense", "pruned") if key in found)
        tiles.append(markup.tile("Degenerate summaries, dense → pruned", markup.change(*shares), n, what))
    return tiles


def _n(count: int) -> str:
    """'n = 8', never broken between two lines."""
    return f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{count}"


def _metric_tile(name: str, cells: Mapping[str, Any], brief: bool) -> str:
    signed = METRICS[name].direction == "zero"
    dense, pruned, difference = (cells[key] for key in ("dense", "pruned", "difference"))
    value = markup.change(markup.metric_value(dense, signed), markup.metric_value(pruned, signed))
    notes = []
    for key in ("dense", "pruned"):
        unscored = f", {cells[key]['n_unscored']} unscored" if cells[key]["n_unscored"] else ""
        notes.append(f"{key}, {markup.interval(cells[key], signed)}, {_n(cells[key]['n'])}{unscored}")
    gap = markup.interval(difference, signed, True)
    if difference["value"] is None:
        gap = f"no change: {gap}"
    else:
        both = f"{_n(difference['n'])} scored for both"
        gap = f"change {markup.metric_difference(difference, signed)}, {gap}, {both}"
    if not brief:
        notes.insert(0, gap)
    return markup.tile(f"{name.upper()}, dense → pruned", value, *notes)


def flags(evaluation: Mapping[str, Any], *, notes: bool = True) -> None:
    """What must be known before any fairness number, the gravest first.

    Degenerate systems as an error, a dense model that supports no claim as a warning, what limits all inference as a note;
    what is known of data and labels is folded.
    """
    flagged = {name for name, found in evaluation["degenerate"].items() if found["flag"]}
    kinds: dict[str, list[str]] = {"error": [], "warning": [], "info": [], "folded": []}
    for note in evaluation["notes"]:
        kinds[_kind(note, flagged, evaluation.get("no_claim") or ())].append(note)
    kinds = {kind: [_capital(note) for note in merged(found)] for kind, found in kinds.items()}
    if kinds["error"]:
        st.error("\n\n".join(kinds["error"]), icon=":material/report:")
    if not notes:
        return
    if kinds["warning"]:
        st.warning("\n\n".join(kinds["warning"]), icon=":material/block:")
    if kinds["info"]:
        st.info("\n".join(f"- {note}" for note in kinds["info"]), icon=":material/info:")
    if kinds["folded"]:
        with st.expander(
            f"About the data, the labels and the encoders ({counted(len(kinds['folded']), 'note')})"
        ):
            st.markdown("\n".join(f"- {note}" for note in kinds["folded"]))


def merged(notes: Sequence[str]) -> list[str]:
    """Notes of one beginning ('what is so: what follows') as one, then notes of one end.

    >>> merged(["a is bad: no x", "a is bad: no y", "b: z", "c: z"])
    ['a is bad: no x; no y', 'b; c: z']
    """
    follows: dict[str, list[str]] = {}
    for note in notes:
        head, _, tail = note.partition(": ")
        follows.setdefault(head, []).append(tail)
    heads: dict[str, list[str]] = {}
    for head, tails in follows.items():
        heads.setdefault("; ".join(tails), []).append(head)
    bare = heads.pop("", [])
    return [*(f"{'; '.join(found)}: {tail}" for tail, found in heads.items()), *bare]


def _capital(note: str) -> str:
    return f"{markup.inert(note[:1].upper() + note[1:].rstrip('.'))}."


def _kind(note: str, flagged: set[str], no_claim: Sequence[str]) -> str:
    """How loud a note of the evaluation is."""
    if any(f"of the {name} summaries are degenerate" in note for name in flagged):
        return "error"
    if any(note.startswith(reason) for reason in no_claim):
        return "warning"
    limiting = (
        *(DEMONSTRATION, "read what pruning changed with care", "summaries unscored"),
        *("intervals are conditional", "there are no intervals"),
    )
    return "info" if any(words in note for words in limiting) else "folded"
