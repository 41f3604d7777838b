"""Runs as one file: the button that makes it, the place to open one, and where an imported run comes from."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from fairprune.bundle import read_bundle, write_bundle
from fairprune.bundle.archive import MAX_FILE_BYTES
from fairprune.bundle.terms import texts_of, warning_for
from fairprune.bundle.write import PROVENANCE
from fairprune.pictures import browser
from fairprune.store import Run, Store
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals

MOST_DRAWN = 20
"""Runs of which pictures are offered: a browser draws them one after the other, some seconds each."""
PORTION = 500
"""Runs that the store looks up in one query."""
ORIGINS: dict[str, tuple[str, str]] = {
    "imported": ("imported", ":material/inventory_2:"),
    "example": ("example", ":material/school:"),
}
"""Origin → word and icon of its badge; runs that were computed here have none."""


def draw_bundle_download(store: Store, run_ids: Sequence[str], key: str = "bundle") -> None:
    """The button that writes these finished runs into one file, and what must be known before it is passed on.

    Args:
        key: where several are drawn on one page.
    """
    runs = [
        run
        for start in range(0, len(run_ids), PORTION)
        for run in store.runs_of(run_ids[start : start + PORTION])
        if run.state == "done"
    ]
    if not runs:
        st.caption("Only finished runs can be saved as a bundle.")
        return
    pictures = len(runs) <= MOST_DRAWN and _with_pictures(key)
    name = f"fairprune-{runs[0].id}" if len(runs) == 1 else f"fairprune-{len(runs)}-runs"
    st.download_button(
        "Save as a bundle" if len(runs) == 1 else f"Save {len(runs)} runs as a bundle",
        partial(_made, store, [run.id for run in runs], pictures),
        f"{name}.zip",
        "application/zip",
        key=f"{key}.download",
        icon=":material/inventory_2:",
        on_click="ignore",
        help="One zip with texts, summaries, all numbers, log and notes. Another fairprune opens it read-only.",
    )
    warning = warning_for(name for run in runs for name in texts_of(run.spec))
    if warning:
        st.caption(f":material/copyright: {inert(warning)}.")


def _with_pictures(key: str) -> bool:
    """Whether figures go along, which is offered where there is a browser that draws them."""
    return browser() is not None and st.checkbox(
        "With pictures",
        key=f"{key}.pictures",
        help="Two figures of each run with captions, as PNG in the zip: the browser of this computer draws them, some seconds per run.",
    )


def _made(store: Store, run_ids: Sequence[str], pictures: bool) -> bytes:
    buffer = io.BytesIO()
    write_bundle(store, run_ids, buffer, pictures=pictures)
    return buffer.getvalue()


def draw_bundle_upload(store: Store) -> None:
    """The expander in which a bundle is opened; says what came of it, with a link to the first run."""
    with st.expander("Open a bundle of runs", icon=":material/inventory_2:"):
        st.caption(
            "A zip that fairprune wrote, here or elsewhere, at most "
            f"{MAX_FILE_BYTES // 1_000_000} MB. Its runs can be looked at, not started again."
        )
        uploaded = st.file_uploader(
            "Bundle file", type=["zip"], key="bundle.file", label_visibility="collapsed"
        )
        if uploaded is None:
            return
        with refusals():
            _say(store, uploaded.file_id, uploaded)


def _say(store: Store, file_id: str, uploaded: Any) -> None:
    # Read once: a file stays in the uploader while the page is drawn again.
    if (st.session_state.get("bundle.read") or [""])[0] != file_id:
        found = read_bundle(store, uploaded)
        ids = [*found.new, *found.kept]
        st.session_state["bundle.read"] = [file_id, found.sentence(), ids]
    _, sentence, ids = st.session_state["bundle.read"]
    st.success(f"{inert(sentence)}.", icon=":material/check:")
    st.page_link(
        "pages/1_Prune.py",
        label="Open the first run",
        icon=":material/open_in_full:",
        query_params={"run": ids[0]},
    )


def origin_badge(run: Run) -> None:
    """Says that a run was not computed here."""
    if run.origin in ORIGINS:
        word, icon = ORIGINS[run.origin]
        st.badge(word, icon=icon, color="violet")


def provenance(found: Mapping[str, Any] | None) -> list[str]:
    """Where an imported run or an example comes from, and whose its texts are; plain sentences.

    Args:
        found: its result of the kind `PROVENANCE`.
    """
    if found is None:
        return []
    made = found["written_with"]
    torch = made["packages"].get("torch", "not known")
    lines = [
        f"Exported on {made['date'][:10]} with fairprune {made['fairprune']} (torch {torch}, {made['platform']})."
    ]
    for entry in found["corpora"].values():
        end = "" if entry["redistribution"] == "allowed" else f", to be passed on: {entry['redistribution']}"
        lines.append(f"Texts: {entry['attribution'].rstrip('.')} (licence: {entry['licence']}{end}).")
    return lines


def draw_provenance(store: Store, run: Run) -> None:
    """The sentences of `provenance` under a run that was not computed here."""
    for line in provenance(store.result(run.id, PROVENANCE)) if run.origin != "here" else ():
        st.caption(inert(line))
