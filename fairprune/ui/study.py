"""Studies as their leads see them: the list, how one is chosen, and the words that all parts of the page share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from fairprune.errors import FairpruneError
from fairprune.store import Store
from fairprune.store.judgments_values import Refused, Study
from fairprune.text import counted
from fairprune.ui.address import carried, carry, carry_all, picked, show
from fairprune.ui.markup import inert
from fairprune.ui.page import refusals, refuse

STUDY, PART, NEW, IMPORT = "study", "part", "new", "import"
STATES: dict[str, tuple[str, str, str]] = {
    "draft": ("draft", "gray", ":material/edit:"),
    "open": ("open", "green", ":material/lock_open:"),
    "closed": ("closed", "blue", ":material/lock:"),
    "imported": ("imported", "violet", ":material/upload_file:"),
}
"""State, or origin where the votes are of elsewhere → word, colour and icon of its badge."""
PARTS: dict[str, dict[str, str]] = {
    "draft": {"plan": "Plan", "preview": "Preview", "open": "Open"},
    "open": {"progress": "Progress", "links": "Links", "judges": "Judges", "promise": "What was promised"},
    "closed": {
        "results": "Results",
        "progress": "Progress",
        "judges": "Judges",
        "promise": "What was promised",
    },
    "imported": {"results": "Results", "judges": "Judges"},
}
"""State → part of the page, as the address has it, and its name."""
MOST_LISTED = 100
_SAID, _DELETED = "study.said", "study.deleted"


def kind_of(study: Study) -> str:
    """The state of a study, or that its votes are of elsewhere: a key of STATES and PARTS."""
    return "imported" if study.origin == "imported" else study.state


def moment(time: datetime | None) -> str:
    """A time for a person: '2026-11-30 08:12 UTC'."""
    return "–" if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def say(text: str) -> None:
    """What an action came to: said at the top of the next page."""
    st.session_state[_SAID] = text


def draw_said() -> None:
    text = st.session_state.pop(_SAID, None)
    if text:
        st.success(inert(text), icon=":material/check:")


def go(study_id: str | None, part: str | None = None) -> None:
    """Another study (None: the list), another part of it."""
    carry_all({STUDY: study_id, PART: part, "item": None})


def act(work: Callable[[], object], said: str, *, to: tuple[str | None, str | None] | None = None) -> None:
    """Does what a button is for, and says so; what is refused is said in its place, and nothing else changes.

    Args:
        to: study and part to show next; None: where one is.
    """
    try:
        work()
    except FairpruneError as error:
        st.session_state["study.refused"] = str(error)
        return
    say(said)
    if to is not None:
        go(*to)


def draw_refused() -> None:
    """Why the last action was not done."""
    text = st.session_state.pop("study.refused", None)
    if text:
        refuse(text)


def sure(key: str, label: str, question: str, yes: str, work: Callable[[], None]) -> None:
    """A button that asks once more before it does what cannot be taken back."""
    asked = f"study.sure.{key}"
    if not st.session_state.get(asked):
        st.button(label, key=f"study-{key}", on_click=st.session_state.update, args=({asked: True},))
        return
    st.warning(inert(question), icon=":material/warning:")
    with st.container(horizontal=True, gap="small"):
        st.button(yes, type="primary", key=f"study-{key}-yes", on_click=_surely, args=(asked, work))
        st.button("No", key=f"study-{key}-no", on_click=st.session_state.pop, args=(asked, None))


def _surely(asked: str, work: Callable[[], None]) -> None:
    st.session_state.pop(asked, None)
    work()


def chosen(store: Store) -> Study | None:
    """The study of the address. Where there is none of this id that is said, and the list is shown."""
    wanted = carried(STUDY)
    if wanted in (None, NEW, IMPORT):
        return None
    try:
        found = store.study(str(wanted))
    except Refused as error:
        refuse(str(error))
        go(None)
        return None
    carry(STUDY, found.id)
    return found


def badge(study: Study) -> None:
    word, colour, icon = STATES[kind_of(study)]
    waits = (
        study.state == "open" and study.opens is not None and study.opens > datetime.now(study.opens.tzinfo)
    )
    more = f", judges come in from {moment(study.opens)}" if waits else ""
    st.badge(f"{word}{more}", icon=icon, color=colour)  # type: ignore[arg-type]


def progress_text(store: Store, study: Study) -> str:
    """How far a study is, in one line."""
    if study.state == "draft":
        found = store.items(study.id)
        n = sum(item.kind == "main" and not item.excluded for item in found)
        return f"{counted(n, 'item')} planned, edited {moment(study.edited)}"
    found_progress = store.study_progress(study.id)
    judges = found_progress.judges
    if study.origin == "imported":
        people = counted(sum(judges.values()), "judge")
        return (
            f"{counted(found_progress.done, 'vote')} on {counted(found_progress.items, 'item')} by {people}, collected elsewhere; "
            f"read {moment(study.created)}"
        )
    active = f"{judges['active']} {'at it' if study.state == 'open' else 'did not finish'}"
    return (
        f"{found_progress.done} of {found_progress.wanted} votes, {counted(judges['completed'], 'judge')} completed, {active}; "
        f"opened {moment(study.opened)}"
    )


def draw_list(store: Store) -> None:
    """All studies with what can be done with each, or what a study is and how one begins."""
    studies = store.studies()
    if not studies:
        st.html(
            '<div class="fp-empty"><h2>No study yet</h2><div class="fp-lead">A study asks people which of two summaries of the same '
            "opinions is fairer to all groups, or which group a sentence of a summary speaks for, blind to the models. Choose "
            "runs, look at every item as a judge will see it, and send out a link. The example runs will do to try it: it takes a "
            "minute.</div></div>"
        )
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Plan a study" if studies else "Plan your first study",
            type="primary",
            icon=":material/add:",
            key="study-new",
            on_click=go,
            args=(NEW,),
        )
        st.button(
            "Import votes",
            icon=":material/upload_file:",
            key="study-import",
            help="Votes that were collected elsewhere, as a study of their own.",
            on_click=go,
            args=(IMPORT,),
        )
    for study in studies[:MOST_LISTED]:
        with st.container(border=True):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{inert(study.title)}**", width="content")
                badge(study)
            with refusals():
                st.caption(progress_text(store, study))
            _buttons(store, study)
    if len(studies) > MOST_LISTED:
        st.caption(f"The newest {MOST_LISTED} of {len(studies)} studies.")


def _buttons(store: Store, study: Study) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Open",
            icon=":material/arrow_forward:",
            key=f"study-go-{study.id}",
            on_click=go,
            args=(study.id,),
        )
        if study.origin == "here":
            draw_copy(store, study)
        if study.state == "draft":
            sure(
                f"delete-{study.id}",
                "Delete",
                f"Delete the draft {study.title!r} with its items?",
                "Delete it",
                lambda: act(lambda: store.delete_study(study.id), f"Deleted: {study.title}"),
            )
        elif study.state == "closed":
            st.button(
                "Delete …",
                icon=":material/delete:",
                key=f"study-delete-{study.id}",
                on_click=st.session_state.update,
                args=({_DELETED: study.id},),
            )
    if st.session_state.get(_DELETED) == study.id and study.state == "closed":
        with refusals():
            draw_deletion(store, study)


def draw_deletion(store: Store, study: Study) -> None:
    """What goes and what stays when a closed study is deleted; its title, typed, does it."""
    found = store.study_progress(study.id)
    judges = sum(found.judges.values())
    paid = len(store.payments(study.id))
    parts = [
        f"For good go: {counted(found.done, 'vote')} on {counted(found.items, 'item')}, the records of {counted(judges, 'judge')}, links, "
        f"and what was {'read' if study.origin == 'imported' else 'frozen'}. Runs, opinions, copies of this study, and files that were "
        "downloaded stay: export the votes first."
    ]
    if paid:
        parts.append(
            f"{counted(paid, 'id')} of the crowd site {'goes' if paid == 1 else 'go'} too: pay first, nobody can be paid by them "
            "afterwards."
        )
    st.warning(inert(" ".join(parts)), icon=":material/warning:")
    key = f"study-delete-{study.id}-title"
    st.text_input(inert(f"Type its title to delete it: {study.title}"), key=key)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Delete it for good",
            type="primary",
            key=f"study-delete-{study.id}-yes",
            on_click=_delete,
            args=(store, study, key),
        )
        st.button(
            "Keep it", key=f"study-delete-{study.id}-no", on_click=st.session_state.pop, args=(_DELETED, None)
        )


def _delete(store: Store, study: Study, key: str) -> None:
    if str(st.session_state.get(key, "")).strip() != study.title:
        st.session_state["study.refused"] = f"nothing is deleted: type the title as it is, {study.title!r}"
        return
    st.session_state.pop(_DELETED, None)
    act(lambda: store.delete_study(study.id), f"Deleted: {study.title}", to=(None, None))


def draw_copy(store: Store, study: Study) -> None:
    """A draft like this study, which can be changed."""
    st.button(
        "Copy",
        icon=":material/content_copy:",
        key=f"study-copy-{study.id}",
        help="A draft with the same plan and items, which can be changed. Judges and votes are not copied.",
        on_click=_copy,
        args=(store, study),
    )


def _copy(store: Store, study: Study) -> None:
    try:
        made = store.copy_study(study.id, f"Copy of {study.title}"[:300])
    except FairpruneError as error:
        st.session_state["study.refused"] = str(error)
        return
    say(f"This is a draft of its own: {made.title}")
    go(made.id)


def draw_head(store: Store, study: Study) -> str:
    """Title, state and the choice of a part. Returns the part."""
    parts = PARTS[kind_of(study)]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(inert(study.title), anchor=False, width="content")
        badge(study)
        st.button(
            "All studies",
            icon=":material/list:",
            key="study-list",
            type="tertiary",
            on_click=go,
            args=(None,),
        )
        if study.state != "draft" and study.origin == "here":
            draw_copy(store, study)
    names = list(parts)
    key = "choice.part"
    found = carried(PART)
    show(key, found if found in names else names[0])
    st.segmented_control(
        "Part",
        names,
        format_func=parts.__getitem__,
        key=key,
        on_change=_keep_part,
        label_visibility="collapsed",
    )
    return found if found in names else names[0]


def _keep_part() -> None:
    value = picked("choice.part")
    if value is not None:
        carry(PART, str(value))
