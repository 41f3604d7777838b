"""The table of a run's samples with its filters, which stand in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import streamlit as st

from fairprune.opinions import OpinionSet
from fairprune.store import Run, Store
from fairprune.ui.address import carry, picked, show
from fairprune.ui.leafing import draw_search, filter_of
from fairprune.ui.samples import (
    SORTS,
    STATES,
    SampleFilter,
    chosen,
    mixes,
    sample_rows,
    topics,
    under_choices,
)

_PARTS = tuple(field.name for field in fields(SampleFilter))
HEIGHT = 420
"""Of the table, pixels; a shorter one has its own height."""


def draw_samples(
    store: Store,
    run: Run,
    generation: Mapping[str, Any] | None,
    samples: Sequence[Mapping[str, Any]],
    sets: Sequence[OpinionSet],
    groups: Sequence[str],
) -> None:
    """Filters, how many samples they leave, and the table; each row leads to the sample's summaries."""
    found = filter_of(sets, groups)
    _widgets(found, sets, groups)
    texts: dict[str, dict[int, str | None]] = {}
    if found.text:
        for name, facts in (generation or {}).get("systems", {}).items():
            texts[name] = {row.position: row.text for row in store.summaries(facts["id"])}
    spec = run.spec.metrics
    places = chosen(found, samples, sets, texts, tau=spec.tau, ties=spec.ties)
    count = f"{len(places)} of {len(samples)} samples"
    if not places:
        st.info(f"{count}: nothing fits these filters.", icon=":material/filter_alt_off:")
        return
    st.caption(f"{count}. A row's link opens its opinions and summaries.")
    st.dataframe(
        sample_rows(places, samples, sets, f"Summaries?run={run.id}&sample="),
        hide_index=True,
        placeholder="–",
        height=min(HEIGHT, 40 + 36 * len(places)),
        row_height=36,
        column_config={
            "sample": st.column_config.NumberColumn(width=70),
            "read": st.column_config.LinkColumn("read", display_text="summaries", width=100),
            "topic": st.column_config.TextColumn(width=170),
            "mix": st.column_config.TextColumn("composition", width=130),
            "UER dense %": st.column_config.NumberColumn(format="%.1f", width=100),
            "UER pruned %": st.column_config.NumberColumn(format="%.1f", width=105),
            "UER change": st.column_config.NumberColumn("UER change", format="%+.1f pts", width=110),
            "BUR dense": st.column_config.TextColumn(width=90),
            "BUR pruned": st.column_config.TextColumn(width=95),
            "notes": st.column_config.TextColumn(width="large"),
        },
        alt="One row per sample: topic, composition, UER and BUR of both systems, notes.",
    )


def _widgets(found: SampleFilter, sets: Sequence[OpinionSet], groups: Sequence[str]) -> None:
    """One widget per part of the filter, each showing what the address says."""
    for part in _PARTS:
        show(f"samples.{part}", getattr(found, part))
    first, second = st.columns(3), st.columns(3)
    under = {"": "any group, or none"} | {
        choice: f"{choice.partition(' ')[2]}, {choice.partition(' ')[0]}" for choice in under_choices(groups)
    }
    _box(first[0], "sort", "Worst samples first by", SORTS)
    _box(first[1], "under", "Under-represented by BUR", under)
    _box(first[2], "state", "Kind of sample", {"": "all"} | STATES)
    _box(
        second[0],
        "mix",
        "Composition",
        {"": "all"} | {mix: mix.replace("skewed:", "skewed to ") for mix in mixes(sets)},
    )
    _box(second[1], "topic", "Topic", {"": "all"} | {topic: topic for topic in topics(sets)})
    with second[2]:
        draw_search("samples.text", found, _keep)


def _box(column: Any, part: str, label: str, titles: Mapping[str, str]) -> None:
    name: Callable[[str], str] = titles.__getitem__
    column.selectbox(label, list(titles), format_func=name, key=f"samples.{part}", on_change=_keep)


def _keep() -> None:
    """All widgets, into the address."""
    given = {part: str(picked(f"samples.{part}") or "") for part in _PARTS}
    carry("filter", SampleFilter(**given).address())
