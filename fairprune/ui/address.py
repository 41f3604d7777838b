"""What one looks at, kept in the address and carried between pages.

The address wins over what the session remembers, so that a pasted link opens the same view; widgets take
their value from here and write it back, because a widget's own key does not outlive its page. A value that cannot
be used is said once, in words, and taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from contextvars import ContextVar

import streamlit as st

from fairprune.errors import suggestion
from fairprune.ui.markup import inert

_PREFIX = "carried."
_PAGE, _NAMES, _SAID = "address.page", "address.names", "address.said"
SHOWN = 60
"""Characters of an unusable value that are shown."""


def _tell_here(sentence: str) -> None:
    st.error(inert(sentence), icon=":material/error:")


_TELL: ContextVar[Callable[[str], None]] = ContextVar("tell", default=_tell_here)


def arrive(page: str) -> None:
    """The beginning of a page's run. What has left the address since this page was drawn last is forgotten.

    That is what the back button does to a first choice: without this the memory would bring it back. A page that one comes to
    from another keeps what the session remembers.
    """
    if st.session_state.get(_PAGE) == page:
        for name in set(st.session_state.get(_NAMES, ())) - set(st.query_params):
            st.session_state.pop(_PREFIX + name, None)
    st.session_state[_PAGE] = page
    _note()


def tell_by(tell: Callable[[str], None]) -> None:
    """What draws a sentence about the address: a page draws it where a person looks first, whoever finds what is wrong."""
    _TELL.set(tell)


def _note() -> None:
    st.session_state[_NAMES] = list(st.query_params)


def carried(name: str) -> str | None:
    """The value of `?name=`, else what the session remembers of it."""
    found = st.query_params.get(name) or st.session_state.get(_PREFIX + name)
    return str(found) if found else None


def carry(name: str, value: str | None) -> None:
    """Puts a value into the address and the session's memory; None takes it out."""
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
    for name, value in values.items():
        if value is None:
            st.session_state.pop(_PREFIX + name, None)
        else:
            st.session_state[_PREFIX + name] = value
    put_all(values)


def put_all(values: Mapping[str, str | None]) -> None:
    """As `carry_all`, of what the session remembers in another way; nothing where the address says so already."""
    before = {name: st.query_params.get_all(name) for name in st.query_params}
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
    st.session_state[key] = one_of(name, options, default, right)
    return key


def keep(name: str) -> None:
    """The new value of the widget bound to `name`, into the address."""
    value = st.session_state.get(f"choice.{name}")
    if value is not None:
        carry(name, str(value))
