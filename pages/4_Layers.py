"""Layers: where pruning took the weights."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from fairprune.charts import MEASURES, layer_heatmap, measure_value, percent
from fairprune.store import Run, Store
from fairprune.ui import markup, open_page, refusals, refuse
from fairprune.ui.address import bind, keep
from fairprune.ui.layers import matrix_numbers, total_tiles
from fairprune.ui.runs import pick_run

SCALES = {
    "linear": "",
    "root": ", with small values drawn apart (square root)",
    "log": "; it is logarithmic: each tick is ten times the one below it",
}


def heatmap(run: Run, matrices: list[dict[str, Any]]) -> None:
    names = list(MEASURES)
    measure = st.segmented_control(
        "Colour shows",
        names,
        format_func={name: MEASURES[name].title for name in names}.__getitem__,
        required=True,
        key=bind("measure", names, names[0]),
        on_change=keep,
        args=("measure",),
    )
    shown = MEASURES[measure or names[0]]
    st.caption(
        f"{markup.inert(shown.explanation)} The scale is the same for every run and ends at "
        f"{percent(shown.top, 0)}{SCALES[shown.scale]}. "
        "Number in a cell: sparsity in percent."
    )
    if run.spec.pruning.allocation == "uniform":
        st.caption(
            "With uniform allocation every matrix is asked for the same sparsity, so all cells read alike "
            "up to rounding: what differs is which weights went, and the other colours show that."
        )
    st.plotly_chart(
        layer_heatmap(matrices, measure or names[0]),
        key="layers.heatmap",
        config={
            "displaylogo": False,
            "toImageButtonOptions": {"format": "svg", "filename": f"layers-{run.id}"},
        },
        alt="Heatmap of blocks by projections; the same numbers are in the table below.",
    )


def one_matrix(matrices: list[dict[str, Any]]) -> None:
    st.subheader("One matrix", anchor=False)
    left, right = st.columns(2)
    blocks = [str(block) for block in sorted({matrix["block"] for matrix in matrices})]
    with left:
        block = st.selectbox(
            "Block", blocks, key=bind("block", blocks, blocks[0]), on_change=keep, args=("block",)
        )
    here = {str(matrix["kind"]): matrix for matrix in matrices if str(matrix["block"]) == block}
    kinds = list(here)
    with right:
        kind = st.selectbox(
            "Matrix", kinds, key=bind("matrix", kinds, kinds[0]), on_change=keep, args=("matrix",)
        )
    rows = matrix_numbers(here[kind])
    st.html(markup.table(["Number", "Value"], [[escape(name), escape(value)] for name, value in rows]))


def download(run: Run, matrices: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(matrices)
    frame["dead_column_share"] = [measure_value("dead_columns", matrix) for matrix in matrices]
    frame["row_range"] = [measure_value("row_range", matrix) for matrix in matrices]
    st.download_button(
        "All matrices as CSV",
        frame.to_csv(index=False),
        f"layers-{run.id}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def draw(store: Store, run: Run) -> None:
    report = store.result(run.id, "sparsity")
    if report is None or not report["matrices"]:
        refuse("this run has no sparsity report: start it again on the page Prune")
        return
    st.html(markup.grid(total_tiles(report)))
    for note in report["notes"]:
        st.caption(markup.inert(note))
    heatmap(run, report["matrices"])
    one_matrix(report["matrices"])
    download(run, report["matrices"])


page_store = open_page("Layers")
with refusals():
    page_run = pick_run(page_store)
    if page_run is not None:
        draw(page_store, page_run)
