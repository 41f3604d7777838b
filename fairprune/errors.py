"""The few kinds of error that a person may read.

Every message says what was wrong, the value, and what would be right. Anything that is not a
`FairpruneError` is a defect of ours: pages and the command line show it folded away, never bare.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class FairpruneError(Exception):
    """Base of all errors with a text for a person."""


class BadInput(FairpruneError):
    """A value that the user gave cannot be used (command line: exit code 2)."""


class Unavailable(FairpruneError):
    """Something outside cannot be had: a package, a hub, a model, a device, room on the disk."""


class NumericError(FairpruneError):
    """A number that must not occur: NaN or infinite scores, a layer without a gradient, a count that is off."""


class StoreError(FairpruneError):
    """The database cannot answer, or does not know what was asked for."""


class NoSuchRun(StoreError, BadInput):
    """A run that was asked for is not stored, or its id is not clear."""


MOST_NAMES = 40
"""Names that a sentence lists."""


def suggestion(value: str, known: Iterable[str]) -> str:
    """What could stand in the place of a name that is not in a list: the nearest one, then all, or how many there are.

    >>> suggestion("wnada", ["wanda", "hgla"])
    "did you mean 'wanda'? Known: wanda, hgla"
    """
    names = list(known)
    near = get_close_matches(value, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{hint}Known: {', '.join(names[:MOST_NAMES])}{more}"


def unknown(kind: str, value: str, known: Iterable[str], more: str = "") -> BadInput:
    """The error for a name that is not in a list: names the nearest one, then all.

    >>> str(unknown("method", "wnada", ["wanda", "hgla"]))
    "unknown method 'wnada': did you mean 'wanda'? Known: wanda, hgla"
    """
    return BadInput(f"unknown {kind} {value!r}: {suggestion(value, known)}{more}")
