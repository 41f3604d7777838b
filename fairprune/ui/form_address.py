"""A form in the address: when the address says something that the form has not written there."""

from __future__ import annotations

from typing import Any

import streamlit as st

_BEFORE, _DRAWN = "form.page.before", "form.page"


def arrive(page: str) -> None:
    """The beginning of a page's run: which page was drawn before it."""
    st.session_state[_BEFORE] = st.session_state.get(_DRAWN)
    st.session_state[_DRAWN] = page


def says_new(form: str, given: Any) -> bool:
    """Whether the form is to be filled from what the address gives: a pasted link, or the back button.

    The back button empties the address, too, while who comes from another page by a link that holds nothing of the form finds it as
    it was left.

    Args:
        given: of the address; empty where it holds nothing of the form.
    """
    if given == st.session_state.get(f"{form}.written", type(given)()):
        return False
    return bool(given) or st.session_state.get(_BEFORE) == st.session_state.get(_DRAWN)


def wrote(form: str, value: Any) -> None:
    """Notes what the form has put into the address, or taken from it."""
    st.session_state[f"{form}.written"] = value


def forget(form: str) -> None:
    """The form is filled from elsewhere: whatever the address says next is new."""
    st.session_state.pop(f"{form}.written", None)
