"""What Streamlit keeps of a browser's session, where its own rules would end a page."""

from __future__ import annotations

from functools import cache, wraps

from streamlit.runtime.state.session_state import SessionState


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
