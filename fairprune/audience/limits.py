"""How often one address may ask, and how many phones may answer from it. Kept in memory, forgotten with the process; nothing of it is
stored.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

MOST_KEYS = 4096
"""Addresses that are remembered; the one that was quiet for longest is forgotten first."""


@dataclass
class Bucket:
    """A token bucket per key: `burst` at once, then `per_second`."""

    burst: float
    per_second: float
    clock: Callable[[], float] = time.monotonic
    _levels: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)

    def take(self, key: str) -> bool:
        """Whether `key` may ask now; it has asked then."""
        now = self.clock()
        level, since = self._levels.pop(key, (self.burst, now))
        level = min(self.burst, level + (now - since) * self.per_second)
        allowed = level >= 1
        self._levels[key] = (level - 1 if allowed else level, now)
        if len(self._levels) > MOST_KEYS:
            self._levels.popitem(last=False)
        return allowed


MOST_PHONES = 5_000
"""Phones that answer; a talk has fewer listeners."""
PHONES_PER_ADDRESS = 200
"""Phones that answer from one address. In the network of a room each phone has an address of its own; behind a router that hides them
all have the same one, and then it is as many as a large room holds."""
Entry = Literal["in", "wait", "crowded", "full"]
"""Whether a phone may answer: yes; in a moment; its address has had its share; all places are taken."""


@dataclass
class Roll:
    """Who has answered. A phone that has may change its answer for ever; each new one takes a place of its address.

    A program that invents phones is stopped twice: by the pace at which new phones of one address come in, and by their number.
    """

    per_address: int = PHONES_PER_ADDRESS
    # A whole room behind one address answers in the first seconds; then people come one by one.
    pace: Bucket = field(default_factory=lambda: Bucket(100, 1))
    turned_away: int = 0
    """Answers that were refused because their address had had its share."""
    _phones: set[str] = field(default_factory=set)
    _of_address: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self._phones)

    def enter(self, number: str, address: str) -> Entry:
        """Takes a place for a new phone where there is one."""
        if number in self._phones:
            return "in"
        if len(self._phones) >= MOST_PHONES:
            return "full"
        if self._of_address[address] >= self.per_address:
            self.turned_away += 1
            return "crowded"
        if not self.pace.take(address):
            return "wait"
        self._phones.add(number)
        self._of_address[address] += 1
        return "in"
