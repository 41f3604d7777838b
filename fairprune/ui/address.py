"""What one looks at, kept in the address and carried between pages.

The address wins over what the session remembers, so that a pasted link opens the same view; widgets take
their value from here and write it back, because a widget's own key does not outlive its page. A value that cannot
be used is said once, in words, and taken out.

With every press a browser sends its address and all its widgets as they are there, which may be from before the last answers:
neither may undo what was pressed since. The address that a press brings is set against the one that this session wrote last
(`_settle`), the value of a widget against what the browser sent of it before (`is_pick`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from fairprune.errors import suggestion
from fairprune.ui.markup import inert

_PREFIX = "carried."
_PAGE, _SAID = "address.page", "address.said"
_KNOWN, _PAST, _WIDGETS = "address.known", "address.past", "address.widgets"
SHOWN = 60
"""Characters of an unusable value that are shown."""
LATE, MOST_PAST = 30.0, 30
"""Seconds after an address was replaced in which a browser may still send it with a press; how many are kept."""


@dataclass
class _Drawing:
    """One run of a page."""

    behind: bool = False
    """It began with a late address: the browser had not heard what its widgets show by now."""
    shown: set[str] = field(default_factory=set)
    """Keys of widgets that it has prepared already."""


_DRAWINGS: WeakKeyDictionary[Any, _Drawing] = WeakKeyDictionary()
"""By what Streamlit makes anew for each run of a page."""


def _drawing() -> _Drawing:
    context = get_script_run_ctx()
    run = context.parallel_coordinator if context else None
    return _Drawing() if run is None else _DRAWINGS.setdefault(run, _Drawing())


def _tell_here(sentence: str) -> None:
    st.error(inert(sentence), icon=":material/error:")


_TELL: ContextVar[Callable[[str], None]] = ContextVar("tell", default=_tell_here)


def arrive(page: str) -> None:
    """The beginning of a page's run. What has left the address since this page was drawn last is forgotten.

    That is what the back button does to a first choice: without this the memory would bring it back. A page that one comes to
    from another keeps what the session remembers.
    """
    if st.session_state.get(_PAGE) == page:
        _settle()
    else:
        st.session_state[_PAST] = []
    st.session_state[_PAGE] = page
    _note()


def tell_by(tell: Callable[[str], None]) -> None:
    """What draws a sentence about the address: a page draws it where a person looks first, whoever finds what is wrong."""
    _TELL.set(tell)


def _address() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _note() -> None:
    """The address as this session has it now; the one before may still arrive with a press."""
    context = get_script_run_ctx()
    now = {"page": context.page_script_hash if context else "", "address": _address()}
    known = st.session_state.get(_KNOWN)
    if known == now:
        return
    if known is not None and known["page"] == now["page"]:
        past = st.session_state.get(_PAST, [])
        st.session_state[_PAST] = [*past[1 - MOST_PAST :], [time.monotonic(), known["address"]]]
    st.session_state[_KNOWN] = now


def _settle() -> None:
    """Before the address is read or written: is it the one that this session wrote last, one from before, or another one?

    A press whose address this session has replaced a moment ago was quicker than the answer to the press before: the newest
    address holds. Any other one is where a person went (the back button, a link); what has left it is forgotten.
    """
    context, known = get_script_run_ctx(), st.session_state.get(_KNOWN)
    if context is None or known is None or known["page"] != context.page_script_hash:
        return
    now = _address()
    if now == known["address"]:
        return
    after = next((moment for moment, one in reversed(st.session_state.get(_PAST, [])) if one == now), None)
    replaced = after is not None and time.monotonic() - after < LATE
    if replaced and not context.is_history_navigation and _pressed(context):
        _drawing().behind = True
        st.query_params.from_dict(known["address"])
        return
    for name in set(known["address"]) - set(now):
        st.session_state.pop(_PREFIX + name, None)
    _note()


def _pressed(context: Any) -> bool:
    """Whether a widget has begun this run, and no link. Streamlit 1.67 tells pages of the back button, and keeps this to itself."""
    state = context.session_state._state
    return bool(context.fragment_ids_this_run) or any(map(state._widget_changed, state._new_widget_state))


def show(key: str, value: Any) -> None:
    """Prepares the widget with this key to show `value`. Its callback asks `picked` or `is_pick` what a person chose in it."""
    widgets, drawing = st.session_state.get(_WIDGETS, {}), _drawing()
    again = key in drawing.shown and key in widgets
    sent = widgets[key]["sent"] if again else st.session_state.get(key, value)
    drawing.shown.add(key)
    st.session_state[_WIDGETS] = {**widgets, key: {"shown": value, "sent": sent}}
    st.session_state[key] = value


def is_pick(key: str) -> bool:
    """Whether the widget holds what a person chose, and not what the browser held before it heard what the page shows by now."""
    _settle()
    known = st.session_state.get(_WIDGETS, {}).get(key)
    return known is None or not _drawing().behind or st.session_state.get(key) != known["sent"]


def picked(key: str) -> Any:
    """What a person chose in the widget; what the page shows in it by now, where the browser has not heard that yet."""
    return st.session_state.get(key) if is_pick(key) else st.session_state[_WIDGETS][key]["shown"]


def was_missed(key: str) -> bool:
    """Whether a person's choice in the widget waits: the next press came before its callback had kept it."""
    context, known = get_script_run_ctx(), st.session_state.get(_WIDGETS, {}).get(key)
    if known is None or context is None or context.is_history_navigation or key not in st.session_state:
        return False
    return st.session_state[key] != known["shown"] and is_pick(key)


def carried(name: str) -> str | None:
    """The value of `?name=`, else what the session remembers of it."""
    _settle()
    found = st.query_params.get(name) or st.session_state.get(_PREFIX + name)
    return str(found) if found else None


def carry(name: str, value: str | None) -> None:
    """Puts a value into the address and the session's memory; None takes it out."""
    _settle()
    if value is None:
        st.session_state.pop(_PREFIX + name, None)
        st.query_params.pop(name, None)
    else:
        st.session_state[_PREFIX + name] = value
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    _note()


def held(name: str) -> str | None:
    """The carried value, put into the address: who comes back by a link that does not hold it finds it there again."""
    found = carried(name)
    if found is not None:
        carry(name, found)
    return found


def carry_all(values: Mapping[str, str | None]) -> None:
    """Several values as one change, so that the back button takes all of them back at once."""
    _settle()
    for name, value in values.items():
        if value is None:
            st.session_state.pop(_PREFIX + name, None)
        else:
            st.session_state[_PREFIX + name] = value
    put_all(values)


def put_all(values: Mapping[str, str | None]) -> None:
    """As `carry_all`, of what the session remembers in another way; nothing where the address says so already."""
    _settle()
    before = _address()
    kept = {name: given for name, given in before.items() if name not in values}
    address = kept | {name: [value] for name, value in values.items() if value is not None}
    if address != before:
        st.query_params.from_dict(address)
    _note()


def choose_run(run_id: str) -> None:
    """Another run: what was chosen within the old one no longer means anything. The beginning of an id names the same run."""
    before = carried("run")
    if before is not None and not run_id.startswith(before):
        for name in ("sample", "sentence", "step", "block", "matrix", "filter", "curve"):
            carry(name, None)
    carry("run", run_id)


def usable(name: str, fits: Container[str], right: str) -> str | None:
    """The carried value, put into the address, where it is one that fits; else None, and `amend` has said so.

    Args:
        right: what would be right: 'give a whole number from 1 to 8'.
    """
    found = carried(name)
    if found is not None and found in fits:
        carry(name, found)
        return found
    amend(name, None, right)
    return None


def amend(name: str, value: str | None, right: str) -> None:
    """Puts `value` in the place of what the address has under this name and nobody can use (None: nothing), and says so.

    What was chosen here and means nothing at the moment (fewer runs, a filter) stays without a word: it may mean something again.
    So does what was said before: the back button may come through it once more. What is empty goes without a word. What only
    the session remembers is another page's.

    Args:
        right: why it cannot be used, and what would be right.
    """
    _settle()
    given = st.query_params.get(name)
    if given is None:
        return
    said = list(st.session_state.get(_SAID, ()))
    if [name, given] in said:
        return
    chosen = st.session_state.get(_PREFIX + name) == given
    if chosen and value is None:
        return
    carry(name, value)
    if given and not chosen:
        st.session_state[_SAID] = [*said, [name, given]]
        shown = given if len(given) <= SHOWN else f"{given[:SHOWN]} …"
        _TELL.get()(f"{name}={shown} in the address cannot be used: {right}")


def choices(value: str, options: Sequence[str]) -> str:
    """What would be right in the place of `value`.

    >>> choices("dran", ["drawn", "change"]), choices("x", ["0", "1", "2"])
    ("did you mean 'drawn'? Known: drawn, change", 'give a whole number from 0 to 2')
    """
    if len(options) > 2 and all(option.isdecimal() for option in options):
        numbers = [int(option) for option in options]
        return f"give a whole number from {min(numbers):,} to {max(numbers):,}"
    return suggestion(value, options)


def one_of(name: str, options: Sequence[str], default: str, right: str | None = None) -> str:
    """The carried value, put into the address, where it is one of `options`; else `default`.

    Args:
        right: as `usable`; None: the options.
    """
    return usable(name, options, right or choices(st.query_params.get(name) or "", options)) or default


def number(name: str, most: int) -> int | None:
    """The carried whole number from 1 to `most`; None where there is none."""
    found = carried(name) or ""
    fits = [] if whole(found, most) is None else [found]
    return whole(usable(name, fits, f"give a whole number from 1 to {most:,}") or "", most)


def whole(text: str, most: int) -> int | None:
    """The whole number from 1 to `most` that a text is, else None.

    >>> whole("12", 20), whole("0", 20), whole("²", 20), whole("9" * 5000, 20)
    (12, None, None, None)
    """
    # int() takes digits of any script, and refuses thousands of them.
    fits = text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and 1 <= int(text) <= most
    return int(text) if fits else None


def bind(name: str, options: Sequence[str], default: str, right: str | None = None) -> str:
    """Prepares the widget with key `choice.name` to show the carried value, as `one_of` finds it. Returns its key.

    Give `keep` as the widget's on_change, with `name` as its argument.
    """
    key = f"choice.{name}"
    if was_missed(key):
        keep(name)
    show(key, one_of(name, options, default, right))
    return key


def keep(name: str) -> None:
    """The new value of the widget bound to `name`, into the address."""
    value = picked(f"choice.{name}")
    if value is not None:
        carry(name, str(value))
