"""What one looks at, kept in the address and carried between pages.

The address wins over what the session remembers, so that a pasted link opens the same view; widgets take
their value from here and write it back, because a widget's own key does not outlive its page.
"""

from __future__ import annotations

import streamlit as st

_PREFIX = "carried."


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


def choose_run(run_id: str) -> None:
    """Another run: what was chosen within the old one no longer means anything."""
    if carried("run") != run_id:
        for name in ("sample", "sentence", "block", "matrix", "filter", "curve"):
            carry(name, None)
    carry("run", run_id)


def one_of(name: str, options: list[str], default: str) -> str:
    """The carried value, put into the address, where it is one of `options`; else `default`."""
    found = carried(name)
    if found not in options:
        return default
    carry(name, found)
    return found


def bind(name: str, options: list[str], default: str) -> str:
    """Prepares the widget with key `choice.name` to show the carried value. Returns its key.

    Give `keep` as the widget's on_change, with `name` as its argument.
    """
    key = f"choice.{name}"
    st.session_state[key] = one_of(name, options, default)
    return key


def keep(name: str) -> None:
    """The new value of the widget bound to `name`, into the address."""
    value = st.session_state.get(f"choice.{name}")
    if value is not None:
        carry(name, str(value))
