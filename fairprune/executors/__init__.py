"""Where runs are executed. So far: in worker processes of this machine (`fairprune.executors.launch`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    # A child ties itself to its worker first of all: the database would be a slow import before that.
    from fairprune.store import Store


class Executor(Protocol):
    """What `fairprune.jobs` needs of a way to execute runs."""

    def wake(self, device: str, store: Store) -> bool:
        """Makes sure that somebody will claim the runs queued on the device. True: started somebody now."""
        ...

    def settle(self, device: str, store: Store) -> list[str]:
        """Ends a device's running runs whose executor has died (their ids); wakes one for waiting runs."""
        ...
