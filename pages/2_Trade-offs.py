"""Trade-offs: fairness against sparsity and quality over many runs, and which of them no other beats."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fairprune.charts_front import front_chart
from fairprune.charts_tradeoffs import ends_of, span, trade_off_chart
from fairprune.pareto import Front, Scores
from fairprune.store import Store
from fairprune.tradeoffs import Entry, Line, Panel, lines, panels
from fairprune.tradeoffs_axes import cell_of
from fairprune.tradeoffs_table import caption
from fairprune.ui import markup, open_page, refusals
from fairprune.ui import tradeoffs as ui
from fairprune.ui.runs import no_runs, to_prune
from fairprune.ui.tradeoffs_choice import choose
from fairprune.ui.tradeoffs_collapse import draw_relation
from fairprune.ui.tradeoffs_numbers import draw_numbers, means_table
from fairprune.ui.tradeoffs_scores import over_draws, read_scores

MOST_PANELS = 12


def figure(
    panel: Panel, drawn: list[Line], picks: ui.Picks, scores: dict[str, Scores], spans: Any, place: int
) -> None:
    """One panel, and what of it is not drawn."""
    if panel.title:
        st.markdown(f"**{markup.inert(panel.title)}**")
    first = panel.entries[0]
    known = [scores[entry.run.id].random for entry in panel.entries if entry.run.id in scores]
    chart = trade_off_chart(
        drawn,
        picks.x,
        picks.y,
        dense={
            "x": cell_of(first.headline, picks.x, "dense"),
            "y": cell_of(first.headline, picks.y, "dense"),
        },
        random=next((found[picks.y.name] for found in known if picks.y.name in found), None),
        intervals=picks.intervals,
        x_span=spans[0],
        y_span=spans[1],
    )
    event = st.plotly_chart(
        chart,
        key=f"tradeoffs.panel.{place}",
        on_select="rerun",
        selection_mode="points",
        config=picks.config("trade-offs"),
        alt=f"{picks.y.title} over {picks.x.title} per method, with the dense model; the numbers stand in the table below.",
    )
    ui.open_chosen(event, chart, panel.entries)


def panels_of(store: Store, entries: list[Entry], picks: ui.Picks, scores: dict[str, Scores]) -> list[int]:
    """All panels of the first figure. Returns of how many draws each of its points is the mean, where it is of several."""
    made = panels(entries, picks.facet, picks.perplexity)
    drawn = [
        lines(panel.entries, picks.x, picks.y, lambda group, axis: over_draws(store, scores, group, axis))
        for panel in made[:MOST_PANELS]
    ]
    dense = [cell_of(panel.entries[0].headline, picks.y, "dense") for panel in made[:MOST_PANELS]]
    ends = [
        end for (found, _), cell in zip(drawn, dense, strict=True) for end in ends_of(found, picks.y, cell)
    ]
    across = [spot.x for found, _ in drawn for line in found for spot in line.spots]
    spans = (span(picks.x, across) if picks.x.kind == "sparsity" else None, span(picks.y, ends))
    columns = st.columns(2, gap="large") if len(made) > 1 else [st.container()]
    for place, (panel, (found, _)) in enumerate(zip(made, drawn, strict=False)):
        with columns[place % len(columns)]:
            figure(panel, found, picks, scores, spans, place)
    for sentence in ui.left_out(made, [missing for _, missing in drawn], MOST_PANELS):
        st.caption(markup.inert(sentence))
    means = [spot for found, _ in drawn for line in found for spot in line.spots if len(spot.entries) > 1]
    if means:
        st.caption(ui.means_note([len(spot.entries) for spot in means], picks.y))
        if picks.y.kind != "judges":
            st.html(means_table(store, scores, means, picks.y))
    return [len(spot.entries) for spot in means]


def fronts_of(
    store: Store, entries: list[Entry], picks: ui.Picks, scores: dict[str, Scores]
) -> dict[str, Front]:
    """The second figure: one panel per list of runs that compare. Returns run id → its front."""
    st.header("What does fairness cost in quality?", anchor=False)
    ui.pick_front(picks, entries)
    made = ui.read_fronts(store, scores, entries, picks)
    columns = st.columns(2, gap="large") if len(made) > 1 else [st.container()]
    for place, (members, front) in enumerate(made[:MOST_PANELS]):
        with columns[place % len(columns)]:
            if len(made) > 1:
                st.markdown(f"**{markup.inert(ui.named_class(members[0]))}**")
            chart = front_chart(members, picks.quality, picks.y, front, bars=picks.intervals != "none")
            event = st.plotly_chart(
                chart,
                key=f"tradeoffs.front.{place}",
                on_select="rerun",
                selection_mode="points",
                config=picks.config("front"),
                alt=f"{picks.y.title} against {picks.quality.title}; the numbers stand in the table below.",
            )
            ui.open_chosen(event, chart, members)
            broken = 0 if picks.broken else sum(entry.degenerate for entry in members)
            st.caption(markup.inert(ui.front_words(front, broken)))
    return {entry.run.id: front for members, front in made for entry in members}


def draw(store: Store) -> None:
    runs = choose(store)
    if runs is None:
        no_runs("Lines over sparsity appear here when a run is done.")
        to_prune()
        return
    entries = ui.read_entries(store, runs)
    if not entries:
        st.info("There is nothing to draw: choose runs that are done.", icon=":material/info:")
        to_prune()
        return
    picks = ui.pick(entries)
    if picks is None:
        return
    scores = read_scores(store, entries)
    ui.flags(entries)
    means = panels_of(store, entries, picks, scores)
    st.caption(markup.inert(ui.axis_words(picks)))
    if len(entries) == 1:
        st.caption("One run is one point: a sweep over sparsities makes a line.")
    if len(entries) > 1 and (note := ui.panels_note(entries)) != "":
        st.caption(note)
    fronts = fronts_of(store, entries, picks, scores)
    draw_relation(store, entries, picks)
    text = caption(entries, picks.x, picks.y, intervals=picks.intervals != "none", several=means)
    draw_numbers(entries, picks, fronts, text)


page_store = open_page("Trade-offs")
with refusals():
    draw(page_store)
