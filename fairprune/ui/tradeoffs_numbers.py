"""The runs of Trade-offs in numbers: the table with its links, the files, the caption."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts import METHOD_MARKS, percent
from fairprune.charts_tradeoffs import interval_text
from fairprune.pareto import DENSE, Front, Scores, resampled
from fairprune.store import Store
from fairprune.tradeoffs import Entry, Spot, dense_key
from fairprune.tradeoffs_axes import Axis, cell_of
from fairprune.tradeoffs_table import TEX, runs_frame
from fairprune.ui import markup
from fairprune.ui.downloads import FORMATS, file_of
from fairprune.ui.inference import verdict_chip
from fairprune.ui.tradeoffs import Picks, pick_image
from fairprune.ui.tradeoffs_scores import over_draws
from fairprune.uncertainty import Estimate

_FLAG = "<small><strong>degenerate: over 20 % of summaries say nothing</strong></small>"


def draw_numbers(entries: Sequence[Entry], picks: Picks, fronts: Mapping[str, Front], caption: str) -> None:
    """The table, its files, and the caption of the first figure, ready to copy."""
    st.header("All runs in numbers", anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for ending in ("csv", "tex"):
            label, mime = FORMATS[ending]
            st.download_button(
                label,
                partial(_made, entries, picks, fronts, ending, caption),
                f"trade-offs-{picks.y.name}.{ending}",
                mime,
                key=f"tradeoffs.download.{ending}",
                icon=":material/download:",
                on_click="ignore",
            )
        pick_image()
    st.caption(
        "Files: fractions, not percent; empty where missing. Pictures: the camera in the figure's own bar."
    )
    st.markdown("**Caption of the first figure**")
    st.code(caption, language=None, wrap_lines=True)
    st.html(runs_table(entries, picks, fronts))


def _made(
    entries: Sequence[Entry], picks: Picks, fronts: Mapping[str, Front], ending: str, caption: str
) -> bytes:
    return file_of(runs_frame(entries, picks.y, picks.quality, fronts), ending, tex=TEX, caption=caption)


def runs_table(entries: Sequence[Entry], picks: Picks, fronts: Mapping[str, Front]) -> str:
    """A row per run with a link to it: sparsity, fairness with interval and n, difference to dense, quality, front; HTML."""
    y, quality = picks.y, picks.quality
    heads = [
        "Run",
        "Asked → achieved",
        escape(y.label),
        "Pruned − dense",
        escape(quality.label),
        "On the front",
    ]
    rows, seen = [], set()
    for entry in entries:
        base = dense_key(entry)
        found = fronts.get(entry.run.id)
        if base not in seen:
            seen.add(base)
            rows.append(
                [
                    f"{markup.system_name(DENSE)}<small>{escape(entry.spec.evaluation.corpus)}</small>",
                    "<b>0</b>",
                    _cell(cell_of(entry.headline, y, DENSE), y),
                    "",
                    _cell(cell_of(entry.headline, quality, DENSE), quality),
                    _chance(found, DENSE),
                ]
            )
        rows.append(
            [
                _named(entry),
                f"<b>{escape(percent(entry.asked))} → {escape(percent(entry.achieved, 2))}</b>",
                _cell(cell_of(entry.headline, y, "pruned"), y),
                _gap(cell_of(entry.headline, y, "difference"), y),
                _cell(cell_of(entry.headline, quality, "pruned"), quality),
                _chance(found, entry.run.id),
            ]
        )
    return markup.table(heads, rows)


def _named(entry: Entry) -> str:
    mark = METHOD_MARKS[entry.spec.pruning.method]
    added = "".join(markup.tag(f"+ {one}") for one in entry.spec.additions)
    seed = f"seed {entry.spec.calibration.seed} · {entry.run.id[:6]}"
    return (
        f'<a href="Fairness?run={escape(entry.run.id)}" target="_self">{escape(entry.run.label)}</a>'
        f"<small>{markup.tag(mark.label, mark.colour)}{added}{escape(seed)}</small>{_FLAG if entry.degenerate else ''}"
    )


def means_table(store: Store, scores: Mapping[str, Scores], means: Sequence[Spot], axis: Axis) -> str:
    """A row per setting of several draws: how many, their mean and its paired difference to dense, both resampled on two levels."""
    rows = []
    for spot in means:
        first = spot.entries[0]
        seeds = ", ".join(_seed(entry) for entry in spot.entries)
        found, gap = (
            over_draws(store, scores, spot.entries, axis, to_dense=paired) for paired in (False, True)
        )
        cells = [
            _mean(one, spot.y if place == 0 else None, axis, shown)
            for place, (one, shown) in enumerate(((found, axis.shown), (gap, axis.change)))
        ]
        rows.append(
            [
                f"{escape(first.run.title)}<small>seeds {seeds}</small>{_FLAG if spot.degenerate else ''}",
                f"<b>{len(spot.entries)}</b>",
                *cells,
            ]
        )
    return markup.table(["Setting", "Draws", f"{escape(axis.label)}, mean", "Mean of pruned − dense"], rows)


def _seed(entry: Entry) -> str:
    """The seed of a draw, a random method's own where it has one, with the link to its run; HTML."""
    seed = entry.spec.pruning.options.get("seed", entry.spec.calibration.seed)
    return f'<a href="Fairness?run={escape(entry.run.id)}" target="_self">{escape(str(seed))}</a>'


def _mean(found: Estimate | None, otherwise: float | None, axis: Axis, shown: Callable[[float], str]) -> str:
    """A mean over draws with interval, n and what is known against it, or why there is none."""
    value = otherwise if found is None else found.value
    if found is None or value is None:
        unstored = resampled(axis.name) or f"{axis.label} is not stored per sample"
        why = unstored if found is None else "no sample is scored in every draw"
        head = "–" if value is None else shown(value)
        return f"<b>{escape(head)}</b><small>no interval: {escape(why)}</small>"
    ends = "no interval"
    if found.low is not None and found.high is not None:
        ends = f"95 %: {shown(found.low).removesuffix(' points')} to {shown(found.high)}"
    limit = f"<small>{escape(found.limit)}</small>" if found.limit else ""
    return f"<b>{escape(shown(value))}</b><small>{escape(ends)}, n = {found.n}</small>{limit}"


def _cell(cell: Mapping[str, Any] | None, axis: Axis) -> str:
    if cell is None or cell["value"] is None:
        return f"<b>–</b><small>{escape(str((cell or {}).get('reason') or 'not computed'))}</small>"
    ends = (
        ""
        if axis.kind == "perplexity"
        else f"<small>{escape(interval_text(axis, cell['low'], cell['high']))}</small>"
    )
    unscored = f", {cell['n_unscored']} unscored" if cell.get("n_unscored") else ""
    count = "" if cell["n"] is None else f"<small>n = {cell['n']:,}{unscored}</small>"
    return f"<b>{escape(axis.shown(cell['value']))}</b>{ends}{count}"


def _gap(cell: Mapping[str, Any] | None, axis: Axis) -> str:
    if cell is None or cell["value"] is None:
        return f"<b>–</b><small>{escape(str((cell or {}).get('reason') or 'not computed'))}</small>"
    ends = "no interval"
    if cell["low"] is not None and cell["high"] is not None:
        ends = f"95 %: {axis.change(cell['low']).removesuffix(' points')} to {axis.change(cell['high'])}"
    chip = (
        verdict_chip(cell)
        or f"<small>no verdict: {escape(str(cell.get('verdict_reason') or 'not computed'))}</small>"
    )
    return f"<b>{escape(axis.change(cell['value']))}</b><small>{escape(ends)}, n = {cell['n']}</small>{chip}"


def _chance(found: Front | None, name: str) -> str:
    if found is None or name not in found.probability:
        return "<b>–</b>"
    return f"<b>{escape(percent(found.probability[name], 0))}</b><small>n = {found.n}</small>"
