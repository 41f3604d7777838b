"""The answer of the explorer, as it comes in: masks and overlap first, perplexity after. Read from rows while it is at work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from fairprune.charts import percent
from fairprune.charts_layers import layer_heatmap
from fairprune.exploration import TOKENS
from fairprune.layer_cells import MEASURES, OVERLAP, measure_cells, overlap_cells
from fairprune.mask_overlap import Overlap, total
from fairprune.store import Exploration, Store
from fairprune.ui import markup
from fairprune.ui.layers import choose_measure, image_config
from fairprune.ui.page import reconcile_watched, refusals, refuse

POLL_SECONDS = 0.3
PLACE = 900
"""Pixels that are kept free for the heatmap until it comes: what stands below it does not jump."""
HEIGHT = "explore.height"
ROUGH = (
    f"Perplexity is of one window of at most {TOKENS} held-out tokens of opinions: a rough sign, no measurement. It has no "
    "interval, because one window says nothing of how much another would differ."
)


def draw_answer(store: Store, number: int, beside: str, again: Callable[[], None]) -> None:
    """The answer to a question. It is polled until it has ended.

    Args:
        beside: what the masks are compared with, for people; '' for nothing.
        again: asks once more.
    """
    found = store.exploration(number)
    live = found is None or not found.ended
    st.fragment(_draw, run_every=POLL_SECONDS if live else None)(store, number, beside, again, live)


def _draw(store: Store, number: int, beside: str, again: Callable[[], None], live: bool) -> None:
    with refusals():
        if live:
            reconcile_watched(store)  # a killed worker answers nothing any more
        found = store.exploration(number)
        if live and (found is None or found.ended):
            st.rerun()  # the whole page: drawn anew without the clock
        if found is None or found.state == "superseded":
            # Another tab of the same session has asked since.
            st.info("This answer is not current any more.", icon=":material/history:")
            st.button("Ask again", icon=":material/refresh:", on_click=again, key="explore.again")
        elif found.state == "failed":
            refuse(found.error or "the explorer gave no reason")
            st.button("Ask again", icon=":material/refresh:", on_click=again, key="explore.again")
        else:
            st.html(markup.grid(tiles(found, beside), "9.5rem"))
            st.caption(f"{taken(found)}{ROUGH}")
            _heatmap(found, beside)


def tiles(found: Exploration, beside: str) -> list[str]:
    """Sparsity, overlap, perplexity and how long it took; HTML. What is on its way has a tile of the same size."""
    masks, measured = found.masks, found.perplexity
    waiting = waiting_for(found)
    if masks is None:
        parts = [
            markup.tile("Achieved in the layers", "…", waiting),
            markup.tile("Mask overlap", "…", " "),
        ]
    else:
        report = masks["report"]
        parts = [
            markup.tile(
                "Achieved in the layers",
                percent(report["achieved"], 3),
                f"asked {percent(report['asked'], 2)}",
                f"{percent(report['achieved_model'], 2)} of the whole model",
            ),
            overlap_tile(masks["overlap"], beside),
        ]
    if measured is None:
        parts.append(markup.tile("Perplexity ratio", "…", " " if masks is None else waiting))
        return parts
    ratio = measured["ratio"]
    parts.append(
        markup.tile(
            "Perplexity ratio",
            "–" if ratio is None else f"{ratio:,.3g}",
            _both(measured),
        )
    )
    return parts


def taken(found: Exploration) -> str:
    """How long the answer took since it was asked for, for people."""
    parts = [
        f"{name} after {part['seconds']:.1f} s"
        for name, part in (("masks", found.masks), ("perplexity", found.perplexity))
        if part is not None
    ]
    return f"{', '.join(parts).capitalize()}. " if parts else ""


def waiting_for(found: Exploration) -> str:
    """What the explorer does at the moment."""
    if found.state == "waiting":
        return "waiting for the explorer; its first start loads torch and the model"
    if found.masks is not None:
        return "masks are here; perplexity is being measured"
    return found.message or "at work"


def _both(measured: Mapping[str, Any]) -> str:
    dense, pruned = measured["dense"], measured["pruned"]
    for one in (dense, pruned):
        if one["value"] is None:
            return str(one["reason"])
    return f"dense {dense['value']:,.4g} → {pruned['value']:,.4g}; {pruned['tokens']} tokens predicted"


def overlap_tile(overlaps: Mapping[str, Mapping[str, Any]] | None, beside: str) -> str:
    """Jaccard index over all matrices, and what chance alone would give."""
    if overlaps is None:
        return markup.tile("Mask overlap", "–", "nothing to compare with")
    whole = total(read_overlaps(overlaps).values())
    return markup.tile(
        "Mask overlap",
        percent(whole.kept_jaccard, 1),
        f"kept weights, with {beside} (Jaccard)" if beside else "kept weights (Jaccard)",
        f"by chance {percent(whole.kept_by_chance, 1)}",
    )


def read_overlaps(stored: Mapping[str, Mapping[str, Any]]) -> dict[str, Overlap]:
    return {name: Overlap(**counts) for name, counts in stored.items()}


def _heatmap(found: Exploration, beside: str) -> None:
    view = choose_measure("colour", {"overlap": OVERLAP.title}, draw=st.pills)
    if found.masks is None:
        st.html(f'<div style="height:{int(st.session_state.get(HEIGHT, PLACE))}px"></div>')
        return
    matrices = found.masks["report"]["matrices"]
    overlaps = found.masks["overlap"]
    if view == "overlap" and overlaps is None:
        st.caption("There is nothing to compare with yet: change the setting, or choose another one above.")
        view = "score_removed"
    if view == "overlap":
        measure, cells = OVERLAP, overlap_cells(matrices, read_overlaps(overlaps))
    else:
        measure, cells = MEASURES[view], measure_cells(matrices, view)
    with_what = f" With {beside}." if view == "overlap" and beside else ""
    st.caption(markup.inert(f"{measure.explanation}{with_what}"))
    figure = layer_heatmap(cells, measure)
    st.session_state[HEIGHT] = int(figure.layout.height)
    st.plotly_chart(
        figure,
        key="explore.heatmap",
        config=image_config("explore"),
        alt=f"{measure.title}: heatmap of blocks by projections for the setting above.",
    )
