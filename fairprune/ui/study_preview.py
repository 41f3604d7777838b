"""Every item of a draft as a judge will see it, with what only the lead sees beside it; and which items are left out."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from fairprune.errors import FairpruneError
from fairprune.judgments.closed import read_asked
from fairprune.judgments.facts import brief_in, facts_of
from fairprune.judgments.label_report import label_name
from fairprune.store import Store
from fairprune.store.judgments_values import Item, Study, Task
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.address import carried, carry
from fairprune.ui.judge_item import desk, draw_texts, in_order
from fairprune.ui.judge_words import answer_name, answers_of, question_html, questions_of
from fairprune.ui.study import act
from fairprune.ui.study_files import draw_potato
from fairprune.ui.study_plan import draw_facts

KINDS = {
    "main": "asked for votes",
    "practice": "practice",
    "comprehension": "comprehension",
    "attention": "attention",
}
FILTERS = {
    "all": "All items",
    "main": "Asked for votes",
    "flagged": "Flagged",
    "other": "Practice and checks",
}


def draw_preview(store: Store, study: Study) -> None:
    """One item after the other, by `?item=`, counted from 1."""
    if st.session_state.get("study.unsaved") == study.id:
        st.info(
            "What was typed under Plan is not saved: this shows the stored draft.",
            icon=":material/edit_note:",
        )
    seen = store.preview(study.id)
    if not seen:
        st.info("The draft has no items yet: save a plan first.", icon=":material/info:")
        return
    brief = brief_in(study.design)
    if brief is not None:
        draw_facts(facts_of(brief, [item for item, _ in seen]), brief)
    _leave_flagged_out(store, study, [item for item, _ in seen])
    shown = _filtered(seen)
    if not shown:
        st.info("No item is of this kind.", icon=":material/filter_alt:")
        return
    place = _place(len(shown))
    item, task = shown[place]
    _lead(store, study, item)
    groups = in_order(one.opinions for _, one in seen if one.opinions)
    with st.container(border=True):
        draw_task(task, study, groups)
    _take(store, study)


def _take(store: Store, study: Study) -> None:
    """The stored items for annotators who work in Potato."""
    asked = read_asked(store, study)
    if not any(not item.automatic for item in asked.items):
        return
    with st.expander("Take the items to Potato"):
        with st.container(horizontal=True, gap="small"):
            draw_potato(asked)
        st.caption(
            "The draft as it is stored, without the items that are left out. Saving another plan gives its items new names: what Potato "
            "knows would fit no more. The key says what wrote each text: keep it from annotators. "
            + (
                "Labels that were collected elsewhere cannot be read here."
                if asked.label
                else "To read their answers here, open and close the study, and give the file to its results."
            )
        )


def _filtered(seen: list[tuple[Item, Task]]) -> list[tuple[Item, Task]]:
    how = st.segmented_control(
        "Which items",
        list(FILTERS),
        format_func=FILTERS.__getitem__,
        default="all",
        required=True,
        wrap=True,
        key="study-filter",
        on_change=carry,
        args=("item", None),
        label_visibility="collapsed",
    )
    return [
        (item, task)
        for item, task in seen
        if how == "all"
        or (how == "main" and item.kind == "main")
        or (how == "other" and item.kind != "main")
        or (how == "flagged" and item.flags)
    ]


def _place(n: int) -> int:
    found = carried("item") or ""
    at = min(n, max(1, int(found))) - 1 if found.isdecimal() else 0
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for name, label, to in (("back", "Previous", at - 1), ("next", "Next", at + 1)):
            st.button(
                label,
                key=f"study-{name}",
                icon=f":material/arrow_{'back' if name == 'back' else 'forward'}:",
                shortcut="Left" if name == "back" else "Right",
                disabled=not 0 <= to < n,
                on_click=carry,
                args=("item", str(to + 1)),
            )
        st.markdown(f"**{at + 1}** of {n}", width="content")
    return at


def _leave_flagged_out(store: Store, study: Study, items: Sequence[Item]) -> None:
    flagged = [item for item in items if item.flags and not item.excluded]
    if not flagged:
        return

    def leave_out() -> None:
        for item in flagged:
            store.exclude_item(study.id, item.id, True)

    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.warning(
            f"{counted(len(flagged), 'item')} may name a model or a method, which would tell judges what they must not know. Look at them: "
            "a word such as 'magnitude' may mean nothing of the kind. Texts are never altered.",
            icon=":material/flag:",
        )
        st.button(
            "Leave all of them out",
            key="study-flagged",
            on_click=act,
            args=(leave_out, f"Left out: {counted(len(flagged), 'item')}"),
        )


def _lead(store: Store, study: Study, item: Item) -> None:
    """What no judge sees."""
    systems = [one.system for one in item.sides]
    facts = [KINDS[item.kind], (" against " if item.b else " and ").join(systems), item.stratum]
    called = {label_name(one.predicted): one.confidence for one in item.sides if one.predicted is not None}
    facts += [
        f"the classifier calls it {name}" + ("" if sure is None else f" ({sure:.2f})")
        for name, sure in called.items()
    ]
    if item.automatic:
        facts.append("identical texts: a tie, never asked")
    if item.kind == "attention":
        facts.append(f"after {counted(item.after, 'item')}")
    st.caption(markup.inert("Only you see this: " + " · ".join(fact for fact in facts if fact)))
    for flag in item.flags:
        st.warning(markup.inert(flag[:1].upper() + flag[1:]), icon=":material/flag:")
    pair = item.b is not None
    named = {"a": item.a.system, "b": item.b.system} if item.b is not None else {}
    for question, answers in item.expected.items():
        right = " or ".join(named.get(answer) or answer_name(answer, pair=pair) for answer in answers)
        st.caption(markup.inert(f"Right answer to {question}: {right}"))
    key = f"study-out-{item.id}"
    st.session_state[key] = item.excluded
    st.toggle("Leave this item out", key=key, on_change=_exclude, args=(store, study, item, key))


def _exclude(store: Store, study: Study, item: Item, key: str) -> None:
    try:
        store.exclude_item(study.id, item.id, bool(st.session_state[key]))
    except FairpruneError as error:
        st.session_state["study.refused"] = str(error)


def draw_task(task: Task, study: Study, groups: Sequence[str]) -> None:
    """An item as a judge sees it, with answers that cannot be pressed."""
    pair = task.right is not None
    known = questions_of(study.design)
    with desk(task, groups):
        draw_texts(task)
        for place, name in enumerate(task.questions):
            question = known[name]
            text = str(question.get("text", name))
            st.html(question_html(text, place, len(task.questions), None, place == 0))
            names = [answer_name(answer, pair=pair) for answer in answers_of(question, pair=pair)]
            st.html("".join(map(markup.tag, names)))
        if task.practice or task.comprehension:
            st.caption("After the answer the judge reads the solution.")
