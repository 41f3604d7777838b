"""Leafing through a run's samples: filter, order, the chosen one, previous and next. All of it stands in the address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from fairprune.opinions import OpinionSet
from fairprune.ui.address import amend, bind, carried, carry, held, keep, picked, show
from fairprune.ui.fairness import change_text
from fairprune.ui.samples import MOST_TEXT, STATES, SampleFilter, chosen, misread, mixes, read_filter, topics
from fairprune.ui.summaries import ORDER_HELP, ORDERS, Read, heard_text, order_of

_PARTS = ("state", "mix", "topic", "text")


def pick_sample(read: Read, sets: Sequence[OpinionSet], groups: Sequence[str], *, drag: bool) -> int | None:
    """The chosen sample's position, which the address counts from 1; None where the filter leaves no sample.

    Args:
        drag: whether what is heard is looked at, not UER: in titles, and in the order that nobody has chosen yet.
    """
    samples = read.evaluation["samples"]
    found = filter_of(sets, groups)
    texts = {
        name: {place: row.text for place, row in rows.items()} if found.text else {}
        for name, rows in read.rows.items()
    }
    spec = read.run.spec.metrics
    places = chosen(replace(found, sort="drawn"), samples, sets, texts, tau=spec.tau, ties=spec.ties)
    # One line where there is room: the box of samples takes what the others leave.
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        key = bind("order", list(ORDERS), "lost" if drag else "drawn")
        how = st.selectbox(
            "Order",
            list(ORDERS),
            format_func=ORDERS.__getitem__,
            key=key,
            on_change=keep,
            args=("order",),
            help=ORDER_HELP,
            width=175,
        )
        _filter(found, sets, f"{len(places)}/{len(samples)}")
        order = order_of(samples, places, how)
        say: Callable[[Mapping[str, Any]], str] = heard_text if drag else change_text
        # The topic stands last: where the box is too narrow, a long one loses its end, and no number does.
        titles = {
            str(place + 1): f"{place + 1}/{len(samples)} · {say(samples[place])} · {sets[place].topic}"
            for place in order
        }
        names = list(titles)
        current = None
        if names:
            picked = st.selectbox(
                "Sample",
                names,
                format_func=titles.__getitem__,
                key=bind("sample", names, names[0], _sample_words(len(places), len(samples))),
                on_change=keep,
                args=("sample",),
            )
            current = int(picked) - 1
            with st.container(horizontal=True, gap="xsmall", width="content", wrap=False):
                for label, by, icon, shortcut in (
                    ("Previous", -1, ":material/arrow_back:", "Left"),
                    ("Next", 1, ":material/arrow_forward:", "Right"),
                ):
                    st.button(label, icon=icon, shortcut=shortcut, on_click=_leaf, args=(by, order, current))
    if current is None:
        st.info(f"None of {len(samples)} samples fits this filter.", icon=":material/filter_alt_off:")
        st.button("Show all samples", on_click=carry, args=("filter", None))
    return current


def _sample_words(left: int, n: int) -> str:
    """What a number of a sample must be."""
    among = f", and one of the {left} that the filter leaves" if left < n else ""
    return f"give a whole number from 1 to {n:,}{among}"


def filter_of(sets: Sequence[OpinionSet], groups: Sequence[str]) -> SampleFilter:
    """The filter of the address; what of it means nothing here is said and left out."""
    given = carried("filter")
    found = read_filter(given, sets, groups)
    wrong = misread(given, sets, groups)
    if wrong:
        amend("filter", found.address(), "; ".join(wrong))
    held("filter")
    return found


def _leaf(by: int, order: list[int], current: int) -> None:
    """To the next or previous sample in the chosen order."""
    carry("sample", str(order[(order.index(current) + by) % len(order)] + 1))


def _filter(found: SampleFilter, sets: Sequence[OpinionSet], count: str) -> None:
    """The filter's widgets, folded; each shows what the address says."""
    for part in _PARTS:
        show(f"leafing.{part}", getattr(found, part))
    with st.popover(f"Filter {count}", icon=":material/filter_alt:"):
        _box("state", "Kind of sample", {"": "all"} | STATES, found)
        mix_titles = {mix: mix.replace("skewed:", "skewed to ") for mix in mixes(sets)}
        _box("mix", "Composition", {"": "all"} | mix_titles, found)
        _box("topic", "Topic", {"": "all"} | {topic: topic for topic in topics(sets)}, found)
        draw_search("leafing.text", found, partial(_keep, found))
        if found.under:
            st.caption("Also filtered by the page Fairness: samples that under-represent a group.")
        if found != SampleFilter(sort=found.sort):
            st.button("Show all samples", on_click=carry, args=("filter", None), key="leafing.all")


def draw_search(key: str, found: SampleFilter, keep: Callable[[], None]) -> None:
    """The box for a text, which holds what is searched for; of a longer one it says how much that is."""
    # No limit of its own: a browser drops what is longer without a word.
    st.text_input("Text", key=key, placeholder="in topic, opinions, summaries", on_change=keep)
    if len(found.text) == MOST_TEXT:
        st.caption(f"The first {MOST_TEXT:,} characters of the text are searched for.")


def _box(part: str, label: str, titles: Mapping[str, str], found: SampleFilter) -> None:
    name: Callable[[str], str] = titles.__getitem__
    st.selectbox(label, list(titles), format_func=name, key=f"leafing.{part}", on_change=_keep, args=(found,))


def _keep(found: SampleFilter) -> None:
    """All widgets, into the address; parts of the filter that have none here stay as they are."""
    given = {part: str(picked(f"leafing.{part}") or "") for part in _PARTS}
    carry("filter", replace(found, **given).address())
