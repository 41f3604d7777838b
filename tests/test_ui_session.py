"""What a browser sends to a server that was started again, in Streamlit's own state of a session."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator

import pytest
from streamlit.errors import UnserializableSessionStateError
from streamlit.proto.WidgetStates_pb2 import WidgetStates
from streamlit.runtime.state.common import WidgetMetadata
from streamlit.runtime.state.session_state import SessionState

from fairprune.ui.session import forget_undrawn


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[SessionState]:
    """A session whose browser sent two widgets; only 'drawn' has been drawn here."""
    monkeypatch.setattr(SessionState, "_check_serializable", inspect.unwrap(SessionState._check_serializable))
    forget_undrawn.cache_clear()
    forget_undrawn()
    found = SessionState()
    sent = WidgetStates()
    for name in ("drawn", "hidden"):
        sent.widgets.add(id=name, string_value=f"{name} as typed")
    found.set_widgets_from_proto(sent)
    found._set_widget_metadata(WidgetMetadata("drawn", str, str, "string_value"))
    yield found
    forget_undrawn.cache_clear()


def test_what_was_not_drawn_is_dropped_and_the_rest_stays(state: SessionState) -> None:
    state._check_serializable()
    assert list(state._new_widget_state.states) == ["drawn"] and state["drawn"] == "drawn as typed"


def test_what_we_keep_ourselves_is_checked_as_before(state: SessionState) -> None:
    state["ours"] = threading.Lock()
    with pytest.raises(UnserializableSessionStateError, match="ours"):
        state._check_serializable()


def test_streamlit_still_needs_it() -> None:
    """Without it the check ends in an error: where this fails, a new Streamlit has no need of this module."""
    found, sent = SessionState(), WidgetStates()
    sent.widgets.add(id="hidden", string_value="x")
    found.set_widgets_from_proto(sent)
    with pytest.raises(KeyError, match="hidden"):
        inspect.unwrap(SessionState._check_serializable)(found)
