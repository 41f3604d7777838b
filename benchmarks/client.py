"""A browser that draws nothing: speaks Streamlit's protocol, knows the buttons of its page, presses them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

LONGEST = 60.0
"""Seconds within which a page must have come."""


@dataclass(frozen=True)
class Button:
    id: str
    """Ends with the key that the page gave it."""
    label: str
    shortcut: str


class Client:
    """One tab. Every call returns when the server has sent the whole page."""

    def __init__(self, address: str, path: str, never: Sequence[str] = ()) -> None:
        """Args:
        path: such as 'Judge?judge=TOKEN', without a slash before it.
        never: words of which nothing that the server sends may hold one.
        """
        self.page, _, self.query = path.partition("?")
        self._address, self._never = address, [word.encode() for word in never]
        self.buttons: list[Button] = []
        """That can be pressed."""
        self.text = ""
        """HTML, headings, notes and codes of the page, without backslashes."""
        self.named = 0
        """Messages that held one of the words."""
        self._socket: ClientConnection | None = None
        self._stack = ExitStack()

    def open(self) -> float:
        """Connects and asks for the page; seconds until it was there."""
        self.close()
        start = time.monotonic()
        socket = f"{self._address.replace('http', 'ws', 1)}/_stcore/stream"
        streamlit, origin = [Subprotocol("streamlit")], Origin(self._address)
        self._socket = self._stack.enter_context(
            connect(socket, subprotocols=streamlit, origin=origin, max_size=None)
        )
        self._run(None)
        return time.monotonic() - start

    def press(self, button: Button) -> float:
        """Presses a button; seconds until the page that follows was there.

        Raises:
            websockets' ConnectionClosed, OSError, TimeoutError: the server is gone, or does not answer.
        """
        start = time.monotonic()
        self._run(button.id)
        return time.monotonic() - start

    def close(self) -> None:
        self._socket = None
        self._stack.close()

    def _run(self, pressed: str | None) -> None:
        assert self._socket is not None
        asked = BackMsg()
        run = asked.rerun_script
        run.query_string, run.page_name = self.query, self.page
        if pressed is not None:
            widget = run.widget_states.widgets.add()
            widget.id, widget.trigger_value = pressed, True
        self._socket.send(asked.SerializeToString())
        end = time.monotonic() + LONGEST
        while True:
            found = self._socket.recv(timeout=max(0.0, end - time.monotonic()))
            payload = found if isinstance(found, bytes) else found.encode()
            self.named += any(word in payload for word in self._never)
            message = ForwardMsg()
            message.ParseFromString(payload)
            if self._take(message):
                return

    def _take(self, message: ForwardMsg) -> bool:
        """Notes a message; whether it was the last one of a page."""
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.buttons, self.text = [], ""
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._element(message.delta.new_element)
        elif kind == "script_finished":
            return message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN
        return False

    def _element(self, element: object) -> None:
        kind = element.WhichOneof("type")  # type: ignore[attr-defined]
        value = getattr(element, kind) if kind else None
        if kind == "button" and not value.disabled:
            self.buttons.append(Button(value.id, value.label, value.shortcut))
        elif kind in ("html", "markdown", "alert", "heading", "text", "code"):
            body = str(getattr(value, "body", "") or getattr(value, "code_text", ""))
            self.text += "\n" + body.replace("\\", "")  # signs of Markdown that were made harmless
