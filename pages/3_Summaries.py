"""Summaries: the same opinions as the dense and the pruned model summarise them."""

from __future__ import annotations

from html import escape
from typing import Any

import streamlit as st

from fairprune import corpora
from fairprune.evidence import LEAST_SCORE
from fairprune.opinions import OpinionSet
from fairprune.store import Run, Store
from fairprune.ui import markup, open_page, refusals, refuse
from fairprune.ui.address import bind, carry, keep
from fairprune.ui.fairness import change_text, fairness_change
from fairprune.ui.runs import flags, pick_run
from fairprune.ui.summaries import SYSTEMS, column, sentence_choices

ORDERS = {"drawn": "As drawn", "change": "Largest change first"}


def groups_of(run: Run, sets: list[OpinionSet]) -> tuple[str, ...]:
    """The corpus's groups in their order, or those of the sets where the corpus is gone."""
    if run.spec.evaluation.corpus in corpora.names():
        return corpora.info(run.spec.evaluation.corpus).groups
    return tuple(sorted({opinion.group for one in sets for opinion in one.opinions}))


def order_of(samples: list[dict[str, Any]], how: str) -> list[int]:
    """Positions in the order in which one leafs through them; samples without a change stand last."""
    places = list(range(len(samples)))
    if how == "drawn":
        return places
    changes = [fairness_change(sample) for sample in samples]
    return sorted(places, key=lambda i: -abs(changes[i] or 0.0) if changes[i] is not None else 1.0)


def leaf(by: int, order: list[int], current: int) -> None:
    """To the next or previous sample in the chosen order."""
    carry("sample", str(order[(order.index(current) + by) % len(order)] + 1))


def pick_sample(samples: list[dict[str, Any]], topics: list[str]) -> int:
    """The chosen sample's position; in the address it counts from 1."""
    left, middle, right = st.columns([1.2, 2.7, 1.5], vertical_alignment="bottom")
    with left:
        key = bind("order", list(ORDERS), "drawn")
        how = st.selectbox(
            "Order",
            list(ORDERS),
            format_func=ORDERS.__getitem__,
            key=key,
            on_change=keep,
            args=("order",),
        )
    order = order_of(samples, how)
    # The topic stands last: where the box is too narrow, a long one loses its end, and no number does.
    titles = {
        str(place + 1): f"{place + 1}/{len(order)} · {change_text(samples[place])} · {topics[place]}"
        for place in order
    }
    names = list(titles)
    with middle:
        chosen = st.selectbox(
            "Sample",
            names,
            format_func=titles.__getitem__,
            key=bind("sample", names, names[0]),
            on_change=keep,
            args=("sample",),
        )
    current = int(chosen) - 1
    with right, st.container(horizontal=True, gap="small"):
        for label, by, icon, shortcut in (
            ("Previous", -1, ":material/arrow_back:", "Left"),
            ("Next", 1, ":material/arrow_forward:", "Right"),
        ):
            st.button(label, icon=icon, shortcut=shortcut, on_click=leaf, args=(by, order, current))
    return current


def pick_sentence(sample: dict[str, Any], place: int) -> tuple[str, int] | None:
    """(system, position) of the sentence whose opinions are to be marked; None where none is chosen."""
    offered = sentence_choices(sample, place)
    if not offered:
        return None
    titles = {"none": "no sentence"} | {
        name: f"{system} {number + 1}" for name, (system, number) in offered.items()
    }
    chosen = st.pills(
        "Mark the opinions that a sentence rests on",
        list(titles),
        format_func=titles.__getitem__,
        key=bind("sentence", list(titles), "none"),
        on_change=keep,
        args=("sentence",),
    )
    return offered.get(str(chosen))


def draw(store: Store, run: Run) -> None:
    generation, evaluation = store.result(run.id, "generation"), store.result(run.id, "evaluation")
    if generation is None or evaluation is None:
        refuse("this run has no summaries: start it again on the page Prune")
        return
    found = store.sets(generation["sets"])
    sets = [found[key] for key in generation["sets"]]
    groups = groups_of(run, sets)
    flags(evaluation, notes=False)
    place = pick_sample(evaluation["samples"], [one.topic for one in sets])
    sample = evaluation["samples"][place]
    chosen = pick_sentence(sample, place)
    ground = None if chosen is None else sample[chosen[0]]["evidence"][chosen[1]]
    rows_of = [(one.text, one.group) for one in sets[place].opinions]
    opinions = markup.opinions(rows_of, groups, ground)
    parts = [f'<div class="fp-column"><h4>Opinions on {escape(sets[place].topic)}</h4>{opinions}</div>']
    for system in SYSTEMS:
        facts = generation["systems"].get(system)
        rows = {row.position: row for row in store.summaries(facts["id"])} if facts else {}
        text = rows[place].text if place in rows else None
        marked = chosen[1] if chosen is not None and chosen[0] == system else None
        parts.append(column(system, text, sample.get(system), groups, marked))
    st.html(markup.grid(parts, "16rem"))
    st.caption(
        "Bars: share of a group in the summary; tick: its fair share. Under a sentence: the group that the "
        "classifier hears in it, with its probability, and the opinions that are similar to it in content (cosine of "
        f"sentence embeddings from {LEAST_SCORE:g} on), which need not be of the same view. Keys ← and → leaf through the "
        "samples."
    )


page_store = open_page("Summaries")
with refusals():
    page_run = pick_run(page_store)
    if page_run is not None:
        draw(page_store, page_run)
