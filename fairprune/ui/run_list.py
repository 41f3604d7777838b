"""The list of runs: rows that can be chosen, opened and named; what is done with the chosen ones; pages of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from fairprune import jobs
from fairprune.errors import FairpruneError
from fairprune.headlines import headlines
from fairprune.store import RESTARTABLE, Chosen, Listed, Order, Run, Store
from fairprune.sweep import parts_of
from fairprune.text import counted
from fairprune.ui.address import amend, carried, carry, usable, whole
from fairprune.ui.bundle import draw_bundle_download
from fairprune.ui.debias_like import link_like
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals, refuse
from fairprune.ui.progress import run_panel
from fairprune.ui.run_edit import edit_run
from fairprune.ui.run_rows import row_html
from fairprune.ui.runs import badge, degenerate_badge

PAGE = 20
"""Runs on one page of the list."""
MOST_PAGES = 100_000
PICKED = "runs.picked"
CONFIRM = "runs.confirm"
MENU = "runs.more"
"""Whether the menu of the chosen runs is open: what is chosen in it closes it, since it stands over what is then said."""
NAMED = 5
"""Running runs that a refusal to delete names; the others are counted."""
SIDE_BY_SIDE = 3
"""Runs that the page Summaries shows beside the dense model."""


def picked() -> list[str]:
    """Ids of the chosen runs, in the order in which they were chosen; they stay chosen over pages of the list."""
    return list(st.session_state.get(PICKED, []))


def _pick(run_ids: Sequence[str], on: bool) -> None:
    held = [run_id for run_id in picked() if run_id not in run_ids]
    st.session_state[PICKED] = [*held, *run_ids] if on else held
    st.session_state.pop(CONFIRM, None)


def page_of(store: Store, chosen: Chosen, order: Order) -> Listed:
    """The page of the list that the address names; the last one where it names one beyond the end."""
    place = _place()
    found = store.find_runs(chosen, order=order, offset=PAGE * (place - 1), limit=PAGE)
    last = _last(found)
    if whole(carried("page") or "1", last) is None:
        shown = min(place, last)
        amend("page", str(shown), f"give a whole number from 1 to {last:,}. Page {shown:,} is shown")
        if shown != place:
            found = store.find_runs(chosen, order=order, offset=PAGE * (shown - 1), limit=PAGE)
    elif place > 1:
        carry("page", str(place))
    return found


def _place() -> int:
    """The page of the address, from 1."""
    return whole(carried("page") or "1", MOST_PAGES) or 1


def _last(found: Listed) -> int:
    """The last page of the list, from 1."""
    return max(1, -(-found.total // PAGE))


def draw_rows(store: Store, found: Listed) -> None:
    """The rows of one page, and the way to the others."""
    numbers = headlines(store, [run.id for run in found.runs])
    opened = carried("open")
    if opened and all(run.id != opened for run in found.runs):
        known = [run.id for run in store.runs_of([opened])]  # on another page of the list, perhaps
        usable("open", known, "there is no such run: open another one by its button Details")
    for run in found.runs:
        _row(store, run, numbers.get(run.id))
    if found.total > PAGE:
        _pages(found)


def _row(store: Store, run: Run, headline: dict[str, Any] | None) -> None:
    opened = carried("open") == run.id
    with st.container(border=True, key=f"runs-row-{run.id}", gap="small"):
        with st.container(horizontal=True, wrap=False, gap="small"):
            key = f"runs.pick.{run.id}"
            st.session_state[key] = run.id in picked()
            st.checkbox(
                f"Choose {inert(run.label)}, {run.id[:6]}",
                key=key,
                label_visibility="collapsed",
                on_change=_toggle,
                args=(run.id,),
                width="content",
            )
            with st.container(gap="xxsmall"):
                with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                    st.page_link(
                        "pages/1_Prune.py", label=f"**{inert(run.label)}**", query_params={"run": run.id}
                    )
                    badge(run)
                    degenerate_badge(headline)
                st.html(row_html(run, headline))
            _row_buttons(store, run, opened)
        if opened:
            details(store, run)


def _row_buttons(store: Store, run: Run, opened: bool) -> None:
    with st.container(width="content", gap="xsmall", horizontal_alignment="right"):
        st.button(
            "Close" if opened else "Details",
            key=f"runs.open.{run.id}",
            type="tertiary",
            icon=":material/expand_less:" if opened else ":material/expand_more:",
            on_click=carry,
            args=("open", None if opened else run.id),
        )
        if run.state in RESTARTABLE and run.origin == "here":
            st.button(
                "Start again",
                key=f"runs.again.{run.id}",
                type="tertiary",
                icon=":material/replay:",
                on_click=_again,
                args=(store, [run.id]),
            )


def details(store: Store, run: Run) -> None:
    """All of one run: what people say of it, its progress or its results, another one like it."""
    edit_run(store, run)
    st.page_link(
        "pages/1_Prune.py",
        label="Set up another run like this",
        icon=":material/content_copy:",
        query_params={"like": run.id},
    )
    link_like(run)
    run_panel(store, run.id)


def _toggle(run_id: str) -> None:
    _pick([run_id], bool(st.session_state[f"runs.pick.{run_id}"]))


def _pages(found: Listed) -> None:
    place, last = min(_place(), _last(found)), _last(found)
    first = PAGE * (place - 1)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="center"):
        for label, icon, wanted in (
            ("Previous page", ":material/arrow_back:", place - 1),
            ("Next page", ":material/arrow_forward:", place + 1),
        ):
            st.button(
                label,
                icon=icon,
                disabled=not 1 <= wanted <= last,
                on_click=carry,
                args=("page", str(wanted)),
                key=f"runs.page.{label}",
            )
        st.caption(f"{first + 1} to {first + len(found.runs)} of {found.total:,}")


def draw_actions(store: Store, chosen: Chosen, order: Order, found: Listed) -> None:
    """How many are chosen, and what can be done with them: one line that stays in sight while one scrolls."""
    mine = picked()
    here = [run.id for run in found.runs]
    with st.container(border=True, key="runs-actions", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{len(mine)} chosen**" if mine else "**None chosen**", width="content")
            if not mine:
                _choose(store, chosen, order, here, found.total)
            else:
                _compare(mine)
                with st.popover("More", icon=":material/more_horiz:", key=MENU, on_change="rerun"):
                    _change(store, mine)
                    _choose(store, chosen, order, here, found.total)
                st.button(
                    "Choose none",
                    key="runs.none",
                    icon=":material/close:",
                    on_click=_pick,
                    args=(mine, False),
                )
        if st.session_state.get(CONFIRM):
            _confirm(store, mine)


def _choose(store: Store, chosen: Chosen, order: Order, here: list[str], total: int) -> None:
    if here:
        st.button(
            f"Choose these {len(here)}" if len(here) > 1 else "Choose this one",
            key="runs.all",
            icon=":material/done_all:",
            on_click=_pick,
            args=(here, True),
        )
    if total > len(here):
        st.button(
            f"Choose all {total:,}",
            key="runs.everything",
            icon=":material/library_add_check:",
            on_click=_pick_everything,
            args=(store, chosen, order),
        )


def _pick_everything(store: Store, chosen: Chosen, order: Order) -> None:
    with refusals():
        _pick(store.run_ids(chosen, order=order), True)


def _compare(mine: list[str]) -> None:
    if st.button(
        "Trade-offs",
        key="runs.tradeoffs",
        icon=":material/scatter_plot:",
        disabled=len(mine) < 2,
        help="Fairness, quality and sparsity of the chosen runs in one figure. Needs two or more.",
    ):
        st.switch_page("pages/2_Trade-offs.py", query_params={"runs": ",".join(mine)})
    if st.button(
        "Side by side",
        key="runs.beside",
        icon=":material/compare:",
        disabled=not 2 <= len(mine) <= SIDE_BY_SIDE,
        help=f"The same opinions as two or {SIDE_BY_SIDE} runs summarise them, beside the dense model.",
    ):
        st.switch_page("pages/3_Summaries.py", query_params={"run": mine[0], "with": ",".join(mine[1:])})


def _change(store: Store, mine: list[str]) -> None:
    st.text_input("Tags for all chosen runs, separated by commas", key="runs.tags")
    st.button("Tag them", key="runs.tag", icon=":material/sell:", on_click=_tag, args=(store, mine))
    st.button(
        "Start again what failed or was stopped",
        key="runs.again",
        icon=":material/replay:",
        on_click=_again_some,
        args=(store, mine),
    )
    st.button(
        "Cancel what runs or waits",
        key="runs.cancel",
        icon=":material/stop_circle:",
        on_click=_cancel,
        args=(store, mine),
    )
    draw_bundle_download(store, mine, "runs.bundle")
    st.button("Delete …", key="runs.delete", icon=":material/delete:", on_click=_ask)


def _ask() -> None:
    st.session_state[CONFIRM] = True
    st.session_state[MENU] = False


def _confirm(store: Store, mine: list[str]) -> None:
    """What will be gone, before it is; a run that is running is named and stays."""
    states = store.states(mine)
    running = [run_id for run_id in mine if states.get(run_id) == "running"]
    rest = [run_id for run_id in mine if run_id in states and run_id not in running]
    if running:
        names = ", ".join(inert(run.label) for run in store.runs_of(running[:NAMED]))
        more = f" and {len(running) - NAMED:,} more" if len(running) > NAMED else ""
        are = "is" if len(running) == 1 else "are"
        st.error(f"{names}{more} {are} running: cancel first, then delete.", icon=":material/error:")
    what = counted(len(rest), "run")
    if rest:
        st.warning(
            f"Delete {what} with log, results and what was noted? This cannot be undone. Summaries that other runs share stay.",
            icon=":material/delete:",
        )
    with st.container(horizontal=True):
        if rest:
            st.button(
                f"Delete {what}",
                key="runs.delete.yes",
                type="primary",
                on_click=_delete,
                args=(store, rest),
            )
        st.button("Keep them" if rest else "Close", key="runs.delete.no", on_click=_pick, args=([], True))


def said(sentence: str, icon: str = ":material/check:") -> None:
    """A sentence for the next drawing of the page, where the list begins."""
    st.session_state[MENU] = False
    st.session_state["runs.said"] = [sentence, icon]


def draw_said() -> None:
    """What the last action did, or why it did not."""
    for refusal in st.session_state.pop("runs.refused", []):
        refuse(refusal)
    found = st.session_state.pop("runs.said", None)
    if found:
        st.success(inert(found[0]), icon=found[1])


def _refused(error: FairpruneError) -> None:
    # A callback draws above the page: the page draws it where the list begins.
    st.session_state["runs.refused"] = [*st.session_state.get("runs.refused", []), str(error)]


def _delete(store: Store, run_ids: list[str]) -> None:
    st.session_state.pop(CONFIRM, None)
    try:
        count = store.delete_runs(run_ids)
    except FairpruneError as error:
        _refused(error)
        return
    _pick(run_ids, False)
    if carried("run") in run_ids:
        carry("run", None)
    said(f"{counted(count, 'run is', 'runs are')} deleted.")


def _tag(store: Store, run_ids: list[str]) -> None:
    tags = list(parts_of([str(st.session_state.get("runs.tags", ""))]))
    try:
        store.add_tags(run_ids, tags)
    except FairpruneError as error:
        _refused(error)
        return
    st.session_state["runs.tags"] = ""
    if tags:
        said(f"{counted(len(run_ids), 'run has', 'runs have')} {', '.join(tags)} now.")


def _again(store: Store, run_ids: list[str]) -> None:
    count = 0
    for run_id in run_ids:
        try:
            jobs.retry(run_id, store)
            count += 1
        except FairpruneError as error:
            _refused(error)
    if count:
        said(f"{counted(count, 'run waits', 'runs wait')} again.", ":material/replay:")


def _again_some(store: Store, run_ids: list[str]) -> None:
    states = store.states(run_ids)
    wanted = [run_id for run_id in run_ids if states.get(run_id) in RESTARTABLE]
    if not wanted:
        said("None of the chosen runs failed, was cancelled or interrupted.", ":material/info:")
    _again(store, wanted)


def _cancel(store: Store, run_ids: list[str]) -> None:
    states = store.states(run_ids)
    wanted = [run_id for run_id in run_ids if states.get(run_id) in ("running", "queued")]
    try:
        for run_id in wanted:
            jobs.cancel(run_id, store)
    except FairpruneError as error:
        _refused(error)
        return
    said(
        f"{counted(len(wanted), 'run is', 'runs are')} cancelled; one that runs ends within 5 s."
        if wanted
        else "None of the chosen runs runs or waits.",
        ":material/stop_circle:",
    )
