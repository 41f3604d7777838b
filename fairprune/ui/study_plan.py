"""The part Plan of a study: the form, what it comes to, its power, and the draft that it is stored in."""

from __future__ import annotations

import logging
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts import percent
from fairprune.errors import BadInput, FairpruneError
from fairprune.judgments.brief import Brief, brief_of, quotas_of
from fairprune.judgments.building import build, save, simulate_power
from fairprune.judgments.design import Balance
from fairprune.judgments.facts import Facts, brief_in, power_in
from fairprune.judgments.label_report import label_name
from fairprune.judgments.material import Material, families, material_of
from fairprune.labels.sentences import MIXED, NONE
from fairprune.store import Store
from fairprune.store.judgments_values import Study
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.page import refuse
from fairprune.ui.runs import no_runs, to_prune
from fairprune.ui.study import NEW, go, say
from fairprune.ui.study_claims import draw_assumed, draw_claims, power_tile
from fairprune.ui.study_form import Fields, draw_people, draw_questions, draw_systems, draw_words, draw_work
from fairprune.ui.study_form_labels import draw_label_claims, draw_label_question, draw_sentences, draw_task
from fairprune.uncertainty import wilson

SIMULATED = (100, 200, 400, 1000)
LIKELY = 0.8
"""Accuracy of a classifier with which the width of an interval is told beforehand."""
_log = logging.getLogger(__name__)


def draw_plan(store: Store, study: Study | None) -> None:
    """The form of a draft, or of a study that is not stored yet."""
    found = families(store)
    if not found:
        no_runs("A study asks people about the summaries of stored runs.")
        to_prune("Prune your first model")
        return
    try:
        brief = brief_in(study.design) if study else None
        if study is not None and brief is not None:
            brief = brief.model_copy(update={"title": study.title})  # a copy has a title of its own
    except BadInput as error:
        refuse(f"the stored plan cannot be read, so the form begins anew: {error}")
        brief = None
    fields = Fields(study.id if study else NEW)
    task = draw_task(fields, brief)
    chosen = draw_systems(fields, found, brief, task)
    material = _material(store, chosen)
    # Each task keeps what was typed for it, where it begins with other values.
    own, same = (
        Fields(f"{fields.where}.label") if task == "label" else fields,
        brief if brief and brief.task == task else None,
    )
    if task == "label":
        asked = draw_sentences(fields, same, material)
        draw_label_question(material)
    else:
        asked = draw_questions(fields, brief)
    values = {
        **chosen,
        **asked,
        **draw_work(own, same, task),
        **draw_words(fields, own, brief, task),
        **draw_people(fields, brief),
    }
    if task == "label":
        values |= draw_label_claims(own, same)
    else:
        systems = [source.system.name for source in material.sources] if material else []
        questions = ("fairer", "better") if values["better"] else ("fairer",)
        values |= draw_claims(fields, same, systems, questions)
    st.header("What it comes to", anchor=False)
    plan = _planned(values, material, fields, brief)
    _keep(store, study, fields, plan, brief)
    if study is not None and task == "pair":
        _power(store, study, same=plan is not None and plan == brief)


def _material(store: Store, chosen: dict[str, Any]) -> Material | None:
    try:
        labelled = chosen["task"] == "label"
        return material_of(store, chosen["runs"], dense=chosen["dense"], labelled=labelled)
    except FairpruneError as error:
        refuse(str(error))
        return None


def _planned(
    values: dict[str, Any], material: Material | None, fields: Fields, brief: Brief | None
) -> Brief | None:
    """The brief of what is typed, and what it comes to; None: it cannot be, and the page says why."""
    if values["task"] == "pair":
        with st.expander("Assumptions for the power"):
            values["assumed"] = draw_assumed(fields, brief)
    if material is None:
        st.caption("Choose runs to see what the plan comes to.")
        return None
    try:
        plan = brief_of({**values, "quotas": quotas_of(values["quotas"])})
        draw_facts(build(plan, material).facts, plan, material)
    except FairpruneError as error:
        refuse(str(error))
        return None
    return plan


def draw_facts(facts: Facts, brief: Brief, material: Material | None = None) -> None:
    """Items, votes, judges, and how even the design is: the numbers beside the words."""
    identical = (
        f"{counted(facts.automatic, 'item')} with identical texts: ties that nobody is asked"
        if facts.automatic
        else ""
    )
    out = f"{counted(facts.excluded, 'item')} left out by hand" if facts.excluded else ""
    flagged = (
        f"{counted(facts.flagged, 'item')} that may name a model or method: look at them"
        if facts.flagged
        else ""
    )
    tiles = [markup.tile("Items that are asked", f"{facts.asked}", identical, out, flagged)]
    if facts.asked:
        per_judge = min(brief.items_per_judge, facts.asked)
        tiles += [
            markup.tile("Votes", f"{facts.votes:,}", f"{brief.votes_per_item} for every item, exactly"),
            markup.tile("Judges", f"{facts.judges}", f"if each judges {counted(per_judge, 'item')}"),
        ]
    st.html(markup.grid(tiles, "12rem"))
    if not facts.asked:
        st.warning(
            "There is no item to ask: all texts are identical, or left out.", icon=":material/warning:"
        )
        return
    if facts.balance is None:
        _draw_drawn(facts)
    else:
        _draw_balance(facts, facts.balance)
    if material is not None and material.incomplete:
        st.caption(
            f"{counted(material.incomplete, 'sample')} of {len(material.sets)} cannot be drawn: one of the systems wrote nothing there."
        )
    if brief.max_judges is not None and brief.max_judges < facts.judges:
        st.warning(
            f"At most {counted(brief.max_judges, 'judge')} may take part, but {facts.judges} are needed: votes will be missing.",
            icon=":material/group_off:",
        )


def _draw_drawn(facts: Facts) -> None:
    """Which sentences are labelled, and how narrow their intervals can get."""
    labels = sorted({label for _, label in facts.drawn}, key=lambda one: (one in (MIXED, NONE), one))
    sizes: dict[str, int] = {}
    for (system, _), n in facts.drawn.items():
        sizes[system] = sizes.get(system, 0) + n
    rows = [
        [
            escape(system),
            *(str(facts.drawn.get((system, label), 0)) for label in labels),
            f"<b>{n}</b>",
        ]
        for system, n in sorted(sizes.items())
    ]
    heads = ["Sentences of", *(escape(f"classifier: {label_name(label)}") for label in labels), "together"]
    st.html(markup.table(heads, rows))
    fewest = min(sizes.values())
    low, high = wilson(round(LIKELY * fewest), fewest)
    shared = sum(sizes.values()) - facts.asked
    st.caption(
        "Drawn at random, of each system those of each label of the classifier in proportion to their number, so that no weights are "
        "needed. "
        + (
            f"{counted(shared, 'item')} fewer, because several systems wrote the same sentence of the same opinions: it is asked once. "
            if shared
            else ""
        )
        + f"Of a classifier that is right about {percent(LIKELY, 0)}, {counted(fewest, 'sentence')} of a system show {percent(low, 0)} to "
        f"{percent(high, 0)} at best: sentences of one summary are not independent."
    )


def _draw_balance(facts: Facts, balance: Balance) -> None:
    st.caption(
        f"Balanced incomplete design: each pair on {_range(balance.per_pair)} samples, each sample in {_range(balance.per_sample)} items, "
        f"each system in {_range(balance.per_system)} items. "
        + (
            f"All {facts.n_systems} systems are connected by pairs that are asked."
            if balance.connected
            else ""
        )
    )
    drawn = ", ".join(f"{name} {n}" for name, n in facts.strata.items() if name)
    if drawn:
        st.caption(markup.inert(f"Samples, drawn in proportion to the compositions of opinions: {drawn}."))
    if not balance.connected:
        st.warning(
            "The systems are not connected by the items that are asked: no ranking of all of them will come out.",
            icon=":material/link_off:",
        )


def _range(ends: tuple[int, int]) -> str:
    return str(ends[0]) if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


def _keep(store: Store, study: Study | None, fields: Fields, plan: Brief | None, brief: Brief | None) -> None:
    changed = plan is None or plan != brief
    st.session_state["study.unsaved"] = study.id if study is not None and changed else None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            "Save the draft",
            type="primary",
            icon=":material/save:",
            key="study-save",
            disabled=plan is None or not changed,
        ):
            _save(store, study, fields, plan)
        if study is not None and changed:
            st.button(
                "Take the changes back", icon=":material/undo:", key="study-undo", on_click=fields.forget
            )
            st.caption("Not saved yet.")
        if study is not None and not changed:
            st.caption("Saved. Next: look at every item under Preview.")
        if study is None:
            st.button(
                "All studies",
                icon=":material/list:",
                key="study-list",
                type="tertiary",
                on_click=go,
                args=(None,),
            )


def _save(store: Store, study: Study | None, fields: Fields, plan: Brief | None) -> None:
    if plan is None:
        return
    try:
        kept = save(store, study.id if study else None, plan)
    except FairpruneError as error:
        refuse(str(error))
        return
    fields.forget()
    say(f"The draft is saved: {kept.title}")
    go(kept.id)
    st.rerun()


def _power(store: Store, study: Study, *, same: bool) -> None:
    st.header("Power by simulation", anchor=False)
    found = power_in(study.design, store.items(study.id))
    if found is not None and same:
        st.html(power_tile(found))
        st.caption("More samples, votes and judges raise it. Studies usually aim at 80 % or more.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        n = st.selectbox("Simulated studies", SIMULATED, index=1, key="study-simulations", width=180)
        pressed = st.button(
            "Simulate the power",
            icon=":material/casino:",
            key="study-power",
            disabled=not same,
            help="Every simulated study is analysed as the real one will be. Some ten seconds to a few minutes.",
        )
    if not same:
        st.caption("Save the draft first: what is simulated is the stored plan.")
    elif found is None:
        st.caption("Not simulated yet, or the plan has changed since.")
    if pressed:
        with st.spinner(f"Simulating {n} studies …"):
            try:
                simulate_power(store, study, simulations=int(n))
            except FairpruneError as error:
                refuse(str(error))
                return
        st.rerun()
