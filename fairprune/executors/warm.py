"""The explorer of a device: a child of its worker that stays warm between questions and gives way to runs."""

from __future__ import annotations

from collections.abc import Callable

from fairprune.executors.child import EXPLORE, Child, failure_sentence
from fairprune.store import Store

AGAIN = "Ask again: a new explorer starts."


class Warm:
    """Starts the explorer when somebody asks, ends it when a run comes, and says so to those who wait."""

    def __init__(self, device: str, store: Store) -> None:
        self._device, self._store = device, store
        self._child: Child | None = None

    def tend(self, start: Callable[[str], Child]) -> bool:
        """Starts an explorer where a question waits and none lives. True while one lives.

        Args:
            start: makes a child of a run id.
        """
        if self._child is not None and self._child.ended():
            self._bury(self._child)
        if self._child is None and self._store.exploration_waits(self._device):
            try:
                self._child = start(f"{EXPLORE}{self._device}")
            except OSError as error:
                self._store.refuse_explorations(self._device, f"The explorer cannot be started: {error}")
        return self._child is not None

    def _bury(self, child: Child) -> None:
        """One that ended by itself: idle (exit code 0, nobody is told), or by a fault in the middle of an answer."""
        code = child.end()
        self._child = None
        if code != 0:
            sentence = failure_sentence(code, child.last_lines(), "explorer")
            self._store.refuse_explorations(self._device, f"{sentence} {AGAIN}", ("working",))
        child.forget_output()

    def give_way(self, what: str, label: str) -> None:
        """Ends the explorer before a run or a report begins, so that it has the device's memory; within 5 s."""
        self.end()
        self.refuse(what, label)

    def refuse(self, what: str, label: str) -> None:
        """Tells those who ask while a run or a report is at work why they get no answer.

        Args:
            what: 'run' or 'report'.
        """
        sentence = f"A {what} is using the device {self._device}: {label}. Ask again when it has ended."
        self._store.refuse_explorations(self._device, sentence)

    def end(self) -> None:
        """Ends the explorer, if one lives, with all that it started."""
        if self._child is not None:
            self._child.end()
            self._child.forget_output()
            self._child = None
