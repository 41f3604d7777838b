"""The metrics of a run as small multiples, each with its verdict and what it means."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts_metrics import (
    NEUTRAL,
    REFERENCE_MARKS,
    by_unit,
    metric_label,
    metric_panel,
    scale_range,
)
from fairprune.metrics import METRICS, in_order
from fairprune.ui import markup
from fairprune.ui.fairness import better, matched_by
from fairprune.ui.inference import verdict_chip

COLUMNS = 2
SYMBOLS = {"oracle": "▲", "random": "✕", "one_group": "▼"}


def draw_panels(metrics: Mapping[str, Any], validity: Mapping[str, Any]) -> None:
    """One panel per metric, those of one unit beside one another on one scale; metrics without a value as a sentence."""
    st.html(legend(metrics))
    names = in_order(metrics)
    drawn = [name for name in names if _known(metrics[name])]
    for unit, members in by_unit(drawn).items():
        scale = 100.0 if METRICS[members[0]].is_rate else 1.0
        span = scale_range([metrics[name] for name in members], scale)
        for start in range(0, len(members), COLUMNS):
            for column, name in zip(st.columns(COLUMNS, gap="large"), members[start:], strict=False):
                with column:
                    _panel(name, metrics[name], validity.get(name), unit, span)
    missing: dict[str, list[str]] = {}
    for name in names:
        if name not in drawn:
            missing.setdefault(str(metrics[name]["dense"].get("reason") or "not computed"), []).append(name)
    for reason, members in missing.items():
        st.caption(f"– {', '.join(map(metric_label, members))}: {markup.inert(reason)}.")
        with st.container(horizontal=True):
            for name in members:
                _meaning(name)


def legend(metrics: Mapping[str, Any]) -> str:
    """What the marks mean; HTML."""
    marks = [f"<span>{markup.system_name(system)}</span>" for system in ("dense", "pruned", "difference")]
    marks += [
        f'<span><i style="color:{NEUTRAL}">{SYMBOLS[name]}</i>{escape(mark.label)}</span>'
        for name, mark in REFERENCE_MARKS.items()
        if any((cells.get(name) or {}).get("value") is not None for cells in metrics.values())
    ]
    if any(cells.get("noise") for cells in metrics.values()):
        marks.append(
            f'<span><i style="background:{NEUTRAL}66;padding:0 .7rem"></i>noise of asking twice</span>'
        )
    marks.append("<span>lines: 95 % intervals</span>")
    return f'<div class="fp-legend">{"".join(marks)}</div>'


def panel_head(name: str, cells: Mapping[str, Any], validity: Mapping[str, Any] | None) -> str:
    """Name, title, verdict, and whether the metric is valid here; HTML."""
    chip = verdict_chip(cells["difference"])
    doubt = "<small>not valid here</small>" if validity and validity.get("valid") is False else ""
    return f'<div class="fp-panel"><b>{escape(metric_label(name))}</b><small>{escape(METRICS[name].title)}</small>{chip}{doubt}</div>'


def _known(cells: Mapping[str, Any]) -> bool:
    return any(cells[system]["value"] is not None for system in ("dense", "pruned"))


def _panel(
    name: str,
    cells: Mapping[str, Any],
    validity: Mapping[str, Any] | None,
    unit: str,
    span: tuple[float, float],
) -> None:
    st.html(panel_head(name, cells, validity))
    figure = metric_panel(name, cells, span)
    figure.update_xaxes(title={"text": unit, "font": {"size": 13}, "standoff": 4})
    st.plotly_chart(
        figure,
        key=f"fairness.panel.{name}",
        config={"displaylogo": False, "displayModeBar": False},
        alt=f"{METRICS[name].title}: dense, pruned, references and the change, with 95 % intervals.",
    )
    _meaning(name, cells["dense"].get("matcher"))


def _meaning(name: str, matcher: str | None = None) -> None:
    metric = METRICS[name]
    with st.popover(f"What does {metric_label(name)} mean?", icon=":material/help:", type="tertiary"):
        st.markdown(f"**{markup.inert(metric.meaning)}** {markup.inert(metric.definition)} {better(metric)}.")
        st.latex(metric.formula)
        how = f"{matched_by(matcher)}. " if matcher else ""
        st.caption(
            markup.inert(f"{how[:1].upper()}{how[1:]}Best value {metric.best:g}. Source: {metric.source}")
        )
