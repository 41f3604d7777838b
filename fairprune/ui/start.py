"""The first page's story: one summary that pruning changed, and the way on from it; the examples and what to do with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from fairprune import examples
from fairprune.bundle.write import PROVENANCE
from fairprune.changed import most_changed
from fairprune.charts import percent
from fairprune.headlines import headlines
from fairprune.store import Run, Store
from fairprune.ui import markup
from fairprune.ui.bundle import provenance
from fairprune.ui.fairness import change_text
from fairprune.ui.page import PAGES, refusals
from fairprune.ui.summaries import SYSTEMS, column
from fairprune.voices import groups_of

ROOT = Path(__file__).parents[2]
TOLD_FROM = 20
"""Newest runs of the user's own among which one is looked for that can be told of."""
ROOM = 800
"""Height of the story's frame, CSS pixels, until it is drawn: what follows it has its place from the start."""
MEASURES_TOLD = "Bars: words shared with each group's opinions; chip: the classifier's label: two measures that may differ."
STORY = (
    ("pages/3_Summaries.py", "Read it beside the opinions"),
    ("pages/2_Trade-offs.py", "What does fairness cost?"),
    ("pages/4_Layers.py", "Where did the weights go?"),
    ("pages/5_Fairness.py", "All numbers, with intervals"),
    ("pages/7_Judge.py", "Judge for yourself"),
    ("pages/11_Talk.py", "Tell it as a talk"),
)
"""File → the next question, in the order in which one tells it; those that are not there are left out."""


def story_run(store: Store, runs: Sequence[Run]) -> Run | None:
    """The run to tell of: the newest finished one of the user's own whose summaries say something, else such an example.

    Where all are degenerate (of the newest `TOLD_FROM`), the newest; None where no run is finished.
    """
    done = [run for run in runs if run.state == "done"]
    own = [run for run in done if run.origin != "example"][:TOLD_FROM]
    offered = [*own, *(run for run in done if run.origin == "example")][: 2 * TOLD_FROM]
    known = headlines(store, [run.id for run in offered])
    telling = (run for run in offered if run.id in known and _says_something(known[run.id]))
    return next(telling, offered[0] if offered else None)


def _says_something(headline: Mapping[str, Any]) -> bool:
    """Whether neither model's summaries are degenerate, and any sample has a number of both."""
    flagged = any(found["flag"] for found in headline["degenerate"].values())
    uer = headline["metrics"].get("uer", {}).get("difference", {})
    return not flagged and uer.get("value") is not None


def draw_story(store: Store, run: Run) -> None:
    """Dense and pruned summary of the sample that changed most, and links to the next steps. Nothing where there is none."""
    evaluation, generation = store.result(run.id, "evaluation"), store.result(run.id, "generation")
    if evaluation is None or generation is None:
        return
    place = most_changed(evaluation)
    with st.container(border=True, height=ROOM, key="start-story"):
        if place is not None:
            _pair(store, run, evaluation["samples"][place], generation, place)
        else:
            st.html(f'<h2 class="fp-title">{escape(run.label)}</h2>')
        _steps(run, place)


def _pair(
    store: Store,
    run: Run,
    sample: dict[str, object],
    generation: dict[str, dict[str, dict[str, str]]],
    place: int,
) -> None:
    key = list(generation["sets"])[place]
    one = store.sets([key])[key]
    groups = groups_of(run.spec.evaluation.corpus, [one])
    counts = one.counts()
    who = " and ".join(f"{counts[group]} {group}" for group in groups if counts[group])
    amount = run.spec.pruning.pattern or percent(run.spec.pruning.sparsity, 0)
    st.html(
        f'<h2 class="fp-title">One summary that changed: {escape(one.topic)}</h2>'
        f'<div class="fp-quiet">{len(one.opinions)} opinions, {escape(who)}. '
        f"{escape(run.spec.pruning.method)} took {escape(amount)} of the layers' weights: "
        f"{escape(change_text(sample))}. Chosen because it changed much, one of {len(generation['sets'])} samples: no average.</div>"
    )
    parts = []
    for system in SYSTEMS:
        rows = {row.position: row for row in store.summaries(generation["systems"][system]["id"])}
        text = rows[place].text if place in rows else None
        parts.append(column(system, text, sample.get(system), groups))  # type: ignore[arg-type]
    st.html(f'<div class="fp-story">{markup.grid(parts, "18rem")}</div>')
    if any((sample.get(system) or {}).get("labels") for system in SYSTEMS):  # type: ignore[attr-defined]
        st.caption(MEASURES_TOLD)


def _steps(run: Run, place: int | None) -> None:
    icons = {file: icon for file, _, icon in PAGES}
    with st.container(horizontal=True, gap="medium"):
        for file, label in STORY:
            if not (ROOT / file).is_file():
                continue
            query = {"run": run.id}
            if place is not None and file == STORY[0][0]:
                query["sample"] = str(place + 1)
            st.page_link(
                file, label=label, icon=icons.get(file, ":material/arrow_forward:"), query_params=query
            )


def draw_examples(store: Store, runs: Sequence[Run]) -> None:
    """What the example runs are, whose their texts are, and the way to be rid of them."""
    found = [run for run in runs if run.origin == "example"]
    if not found:
        return
    with st.expander(f"About the example runs ({len(found)})", icon=":material/school:"):
        names = sorted({run.spec.evaluation.corpus for run in found})
        methods = sorted({run.spec.pruning.method for run in found})
        said = (
            f"They come with fairprune and were computed by 'make examples': {found[0].spec.model.name}, a small model, pruned "
            f"by {', '.join(methods)}, on {' and '.join(names)}, with tokens drawn at random (seeded). They show how the pages "
            "work and carry no claim."
        )
        st.markdown(markup.inert(said))
        firsts = [next(run for run in found if run.spec.evaluation.corpus == name).id for name in names]
        known = store.results(PROVENANCE, firsts)
        for line in dict.fromkeys(line for run_id in firsts for line in provenance(known.get(run_id))):
            st.caption(markup.inert(line))
        st.button(
            "Remove the examples",
            icon=":material/delete:",
            key="examples.hide",
            on_click=_hide,
            args=(store,),
            help="Deletes the example runs of this database for good. Your own runs stay.",
        )


def _hide(store: Store) -> None:
    with refusals():
        examples.hide(store)
