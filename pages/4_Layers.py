"""Layers: where pruning took the weights, matrix by matrix, alone or beside another run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from fairprune.captions import caption
from fairprune.charts import percent
from fairprune.errors import StoreError
from fairprune.layer_cells import DIFFERENCE, MEASURES, OVERLAP, telling
from fairprune.mask_overlap import Overlap
from fairprune.store import Run, Store
from fairprune.ui import markup, open_page, refusals, refuse
from fairprune.ui.address import carried
from fairprune.ui.caption import draw_caption
from fairprune.ui.downloads import file_of
from fairprune.ui.layers import (
    SCALES,
    VIEWS,
    choose_image,
    choose_measure,
    choose_view,
    draw_heatmap,
    matrices_frame,
    other_run,
    overlap_tiles,
    run_overlaps,
    total_tiles,
    view_cells,
    words,
)
from fairprune.ui.matrix import choose_matrix, chosen_place, draw_matrix, matrix_title
from fairprune.ui.runs import pick_run


def heatmap(
    run: Run,
    other: Run | None,
    report: Mapping[str, Any],
    others: Sequence[Mapping[str, Any]],
    found: Mapping[str, Overlap],
) -> None:
    matrices = report["matrices"]
    view = choose_view(other)
    measure = "achieved" if view == "overlap" else choose_measure(first=telling(matrices))
    cells, shown = view_cells(view, measure, matrices, others, found)
    if view == "overlap":
        if not found:
            return
        st.html(markup.grid(overlap_tiles(found)))
        text = f"{markup.inert(OVERLAP.explanation)} The scale is the same for every pair of runs. Number in a cell: percent."
    elif view == "difference":
        text = (
            f"{MEASURES[measure].title}. {DIFFERENCE.explanation} Grey: alike; blue: less in this run; orange: more. The scale is "
            f"the same for every pair of runs{SCALES[DIFFERENCE.scale]}."
        )
    else:
        text = (
            f"{markup.inert(shown.explanation)} The scale is the same for every run and ends at "
            f"{percent(shown.top, 0)}{SCALES[shown.scale]}. Number in a cell: percent."
        )
    methods = {one.spec.pruning.method for one in (run, other) if one is not None}
    if view == "difference" and measure == "score_removed" and len(methods) > 1:
        text += " The two methods score in different units: the shares that they call lost say little beside each other."
    st.caption(f"{text} Click a cell to open its matrix.")
    what = f"{VIEWS[view]}, {shown.title if view == 'overlap' else MEASURES[measure].title}"
    chosen = chosen_place(matrices, carried("block"), carried("matrix"))
    draw_heatmap(run, cells, shown, what, chosen)
    against = "" if other is None or view == "this" else f", against run {other.id} ({other.label})"
    more = f"colour: {what}{against}; scale ending at {percent(shown.top, 0)}; number in a cell: percent"
    draw_caption(caption(run, "layers", sparsity=report, more=more), "layers")
    if run.spec.pruning.allocation == "uniform" and measure in ("achieved", "asked") and view == "this":
        st.caption(
            "With uniform allocation every matrix is asked for the same sparsity, so all cells read alike "
            "up to rounding: what differs is which weights went, and the other colours show that."
        )


def compared(
    store: Store, run: Run, other: Run | None
) -> tuple[Sequence[Mapping[str, Any]], dict[str, Overlap]]:
    """The other run's matrices, and the overlap of the masks; a sentence where there are none."""
    if other is None:
        return (), {}
    report = store.result(other.id, "sparsity")
    if report is None:
        refuse(f"run {other.id} has no sparsity report: choose another one")
        return (), {}
    try:
        return report["matrices"], run_overlaps(run, other)
    except StoreError as error:
        st.info(markup.inert(f"No overlap can be shown: {error}."), icon=":material/info:")
        return report["matrices"], {}


def draw(store: Store, run: Run) -> None:
    report = store.result(run.id, "sparsity")
    if report is None or not report["matrices"]:
        refuse("this run has no sparsity report: start it again on the page Prune")
        return
    matrices = report["matrices"]
    other = other_run(store, run)
    st.html(markup.grid(total_tiles(report)))
    for note in report["notes"]:
        st.caption(markup.inert(note))
    others, found = compared(store, run, other)
    heatmap(run, other, report, others, found)
    words()
    st.header("One matrix", anchor=False)
    one = choose_matrix(matrices)
    theirs = next((matrix for matrix in others if matrix["name"] == one["name"]), None)
    st.markdown(f"**{matrix_title(one, theirs)}**")
    draw_matrix(store, run, one, other, theirs, found.get(one["name"]))
    frame = matrices_frame(run, matrices, other, others, found)
    with st.expander(f"All {len(frame):,} matrices as a table"):
        st.dataframe(frame.drop(columns="run"), hide_index=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            "All matrices as CSV",
            lambda: file_of(frame, "csv", tex=(), caption=""),
            f"layers-{run.id}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        choose_image()


page_store = open_page("Layers")
with refusals():
    page_run = pick_run(page_store)
    if page_run is not None:
        draw(page_store, page_run)
