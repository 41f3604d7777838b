"""What Streamlit keeps of a browser's session, where its own rules would end a page."""

from __future__ import annotations

from functools import cache, wraps

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state.session_state import SessionState

_BEGUN = "session.begun"
TAKEN_UP = (
    "The server was started again, or this page was away for too long: it has been drawn anew from its address. What was pressed last "
    "may not have counted, and what was typed and not saved may be gone. Look, and press again where it did not."
)


def tell_taken_up() -> None:
    """Says once, at the beginning of a session, that a browser goes on in it with a page that another session has drawn.

    A server that was started again knows nothing of its pages. Streamlit's browser (1.67) connects again and stays silent until the next
    press, which brings the values of all widgets to a session that has none, so that no callback is called. A page that is opened
    brings no widgets.
    """
    context = get_script_run_ctx()
    if context is None or st.session_state.get(_BEGUN):
        return
    st.session_state[_BEGUN] = True
    if context.session_state._state._new_widget_state.states:
        st.warning(TAKEN_UP, icon=":material/history:")


@cache
def forget_undrawn() -> None:
    """Once per server: from now on what browsers sent of widgets that nobody has drawn is dropped.

    A server that was started again gets all widgets of the browser's page, and may draw another state of it. Streamlit 1.67's own check of
    what a session keeps (`enforceSerializableSessionState`), which follows every run of a page and of each of its fragments, then ends in
    a KeyError, and the page with it. What we keep ourselves is checked as before.
    """
    check = SessionState._check_serializable

    @wraps(check)
    def dropped_and_checked(state: SessionState) -> None:
        found = state._new_widget_state
        for name in [name for name in found.states if name not in found.widget_metadata]:
            del found.states[name]
        check(state)

    SessionState._check_serializable = dropped_and_checked  # type: ignore[assignment, method-assign]
