"""A judge's session: how one comes in, and what every button of the page does. What it looks like: `judge_item`, `judge_steps`."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

import streamlit as st

from fairprune.errors import BadInput, FairpruneError
from fairprune.store import Store
from fairprune.store.judgments_values import Crowd, Refused, Task, Wait
from fairprune.ui.judge_words import QUICK, TROUBLE, WARNED

CROWD = ("PROLIFIC_PID", "STUDY_ID", "SESSION_ID")
QUICKEST = 0.4
"""Seconds between two answers below which the second is a double click or a key that is held, and no judgment."""
COMMENT = "judge.comment"
_TOKEN, _CAME, _SAID, _TOLD, _ACTED, _GONE = (
    "judge.token",
    "judge.came",
    "judge.said",
    "judge.told",
    "judge.acted",
    "judge.gone",
)
_BEFORE, _SENT, _BRIEFED, _SHOWN, _SURE, _CROWD = (
    "judge.before",
    "judge.sent",
    "judge.briefed",
    "judge.shown",
    "judge.sure",
    "judge.crowd",
)
_log = logging.getLogger(__name__)


class Said(NamedTuple):
    """What the last action came to; shown once."""

    kind: Literal["saved", "note", "warning"]
    text: str


class Told(NamedTuple):
    """A practised item with its solution, until the judge goes on."""

    task: Task
    given: dict[str, str]
    right: bool | None
    explanation: str


# Coming in


def come_in(store: Store) -> str | None:
    """The judge's own token, which is all that the address holds afterwards; None: there is no link in it.

    Raises:
        Refused, Unavailable: as `Store.enter`. A crowd id has left the address then too.
    """
    link = st.query_params.get("judge")
    if not link:
        return None
    person = st.query_params.get(CROWD[0])
    came = st.session_state.get(_CAME)
    if person is None and link == st.session_state.get(_TOKEN):
        token = link
    elif person is None and came is not None and came[0] == link:
        token = came[1]  # back at the open link, which would make another judge of the same person
    else:
        if person is not None:
            # Kept until the judge is in: the address, which loses it now, is not there to be read again.
            crowd = Crowd(person, *(st.query_params.get(name, "") for name in CROWD[1:]))
            st.session_state[_CROWD] = (link, crowd)
        _only(link)
        waiting = st.session_state.get(_CROWD)
        token = store.enter(link, waiting[1] if waiting is not None and waiting[0] == link else None).token
        _forget_session()
        st.session_state[_TOKEN], st.session_state[_CAME] = token, (link, token)
    _only(token)
    return token


def _only(token: str) -> None:
    if st.query_params.to_dict() != {"judge": token}:
        st.query_params.from_dict({"judge": token})


def _forget_session() -> None:
    for name in [str(key) for key in st.session_state if str(key).startswith("judge.")]:
        del st.session_state[name]


def gone() -> bool:
    """Whether this session's judge has had their data deleted, and no other link was opened since."""
    return bool(st.session_state.get(_GONE)) and not st.query_params.get("judge")


def briefed() -> bool:
    """Whether the instructions were read in this session."""
    return bool(st.session_state.get(_BRIEFED))


def begin() -> None:
    st.session_state[_BRIEFED] = True


def first_look(store: Store, token: str, task: Task) -> bool:
    """Whether this session has drawn no item yet; the item's seconds then begin now."""
    if st.session_state.get(_SHOWN):
        return False
    st.session_state[_SHOWN] = True
    store.shown(token, task.key)
    return True


# What was done


def say(kind: Literal["saved", "note", "warning"], text: str) -> None:
    st.session_state[_SAID] = Said(kind, text)


def said() -> Said | None:
    """What is to be said of the last action; once."""
    found: Said | None = st.session_state.pop(_SAID, None)
    return found


def told() -> Told | None:
    """The practised item whose solution is shown."""
    found: Told | None = st.session_state.get(_TOLD)
    return found


def go_on() -> None:
    st.session_state.pop(_TOLD, None)


@contextmanager
def spoken() -> Iterator[None]:
    """What is refused inside is said when the page is drawn; whatever else goes wrong is said without its details."""
    try:
        yield
    except (Refused, BadInput) as error:
        say("warning", str(error))
    except FairpruneError as error:
        _log.warning("a judge's page: %s", error)
        say("warning", TROUBLE)


def _too_soon(key: str, question: str) -> bool:
    """Notes an attempt. True: it came right after one at another question, so its finger was still at that one.

    Both times are the server's, and the second button is drawn after the first was pressed: waiting for the server makes it no shorter.
    """
    moment = time.monotonic()
    before = st.session_state.get(_ACTED)
    st.session_state[_ACTED] = (moment, key, question)
    return before is not None and before[1:] != (key, question) and moment - before[0] < QUICKEST


def answer(store: Store, token: str, task: Task, question: str, given: str, name: str) -> None:
    """Stores an answer, and says that it is stored.

    Args:
        name: of the answer, as the judge reads it.
    """
    if _too_soon(task.key, question):
        say("note", QUICK)
        return
    comment = str(st.session_state.get(COMMENT) or "")
    fresh = comment if comment != st.session_state.get(_SENT) else ""
    with spoken():
        found = store.record(token, task.key, question, given, comment=fresh)
        if not found.new:
            say("note", "An answer to this question was stored before, and it stands: it is marked below.")
            return
        say("saved", f"Saved: {name}")
        st.session_state[_SENT] = comment
        if found.finished:
            st.session_state[_BEFORE] = comment
            st.session_state[COMMENT] = ""
            st.session_state.pop(_SENT, None)
        if found.finished and (found.right is not None or found.explanation):
            given_all = {**task.answered, question: found.answer}
            st.session_state[_TOLD] = Told(task, given_all, found.right, found.explanation)
        if found.warned:
            say("warning", WARNED)


def skip(store: Store, token: str, task: Task) -> None:
    """Leaves the item to others."""
    with spoken():
        store.skip(token, task.key)
        comment = str(st.session_state.get(COMMENT) or "")
        st.session_state[_BEFORE] = comment
        st.session_state[COMMENT] = ""
        st.session_state.pop(_SENT, None)
        unsaid = " Your comment was not stored: it comes back with the item." if comment.strip() else ""
        say("note", f"Skipped: this item goes to somebody else. Undo brings it back.{unsaid}")


def undo(store: Store, token: str) -> None:
    """Takes the last answer or skip back."""
    with spoken():
        store.undo(token)
        go_on()
        if not st.session_state.get(COMMENT):
            st.session_state[COMMENT] = st.session_state.get(_BEFORE, "")
        st.session_state.pop(_SENT, None)
        say("note", "Taken back: answer it again.")


def consent(store: Store, token: str, agreed: bool) -> None:
    with spoken():
        store.consent(token, agreed)


def choose_group(store: Store, token: str, key: str) -> None:
    """Stores the group that the widget with this key holds."""
    group = st.session_state.get(key)
    if group is not None:
        with spoken():
            store.choose_group(token, str(group))


def finish_waiting(store: Store, token: str) -> None:
    with spoken():
        if isinstance(store.finish_waiting(token), Wait):
            say("note", "There is no answer of yours yet, so there is nothing to finish: wait a little.")


# Leaving


def sure() -> bool:
    """Whether the judge has asked for the deletion, and is asked once more."""
    return bool(st.session_state.get(_SURE))


def ask_sure(asked: bool) -> None:
    st.session_state[_SURE] = asked


def forget(store: Store, token: str) -> None:
    """Deletes the judge with all that they said; the link leads nowhere afterwards."""
    with spoken():
        store.forget(token)
        _forget_session()
        st.query_params.clear()
        st.session_state[_GONE] = True


def unreachable(error: FairpruneError) -> str:
    """The sentence in place of an error whose text is for leads; that one goes to the server's log."""
    _log.warning("a judge's page: %s", error)
    return TROUBLE
