"""JSON text of a bundle → values of a known shape. Everything that a writer who means harm could put there is refused here."""

from __future__ import annotations

import json
import math
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from fairprune.errors import BadInput
from fairprune.text import printable

M = TypeVar("M", bound=BaseModel)

MOST_LEVELS = 32
"""Lists and objects within each other; a run's results have 7. Python's own functions for JSON, copies and pickles each give up at
another depth, some of them only when a page is drawn."""
MOST_KEYS = 4096
"""Of one object; a block of a mixture of experts has a thousand matrices."""
MOST_INTEGER = 2**63 - 1
"""What a database and a data frame hold."""
_LARGE = re.compile(rb"[0-9][eE]\+?[0-9]{3}|[0-9]{300}")
"""Where a number can be beyond what a float holds (1.8e308)."""
_LONG = re.compile(rb"(?<![0-9.])[0-9]{19}")
"""Where a whole number can be beyond `MOST_INTEGER`: not behind a point, where floats have as many digits."""


def load_json(data: bytes, what: str, most_keys: int = MOST_KEYS) -> Any:
    """The value of JSON text.

    Raises:
        BadInput: not UTF-8, no JSON, NaN or infinity, a whole number beyond 64 bits, nested too deeply, or an object of more than
            `most_keys` keys.
    """
    try:
        value = json.loads(
            data.decode("utf-8"),
            parse_constant=_no_number,
            # A call per number is slow: only where one of them may be too large.
            parse_float=_finite if _LARGE.search(data) else None,
            parse_int=_bounded if _LONG.search(data) else None,
        )
    except (ValueError, RecursionError) as error:
        raise BadInput(f"the bundle is damaged: {what} cannot be read ({str(error)[:120]})") from error
    wrong = _unwieldy(value, most_keys)
    if wrong:
        raise BadInput(f"the bundle is damaged: {what} cannot be read ({wrong})")
    return value


def one_line(text: str, most: int) -> str:
    """The beginning of a text of a bundle, for a sentence: no line ends, nothing that a terminal would obey.

    >>> one_line("a\\n\\x1b[2Jb", 5)
    'a \ufffd[2'
    """
    return printable(" ".join(text[: 4 * most].split()))[:most]


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number that a bundle may hold")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is beyond all numbers")
    return value


def _bounded(text: str) -> int:
    value = int(text)
    if abs(value) > MOST_INTEGER:
        raise ValueError(f"{text[:20]}… is beyond 64 bits")
    return value


def _unwieldy(value: Any, most_keys: int) -> str | None:
    """What is too much about a value; None for nothing. Level by level: the check itself has no depth."""
    level = [value]
    for _ in range(MOST_LEVELS):
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                if len(one) > most_keys:
                    return f"an object of {len(one):,} keys, more than {most_keys:,}"
                inner += [item for item in one.values() if isinstance(item, dict | list)]
            elif isinstance(one, list):
                inner += [item for item in one if isinstance(item, dict | list)]
        if not inner:
            return None
        level = inner
    return f"more than {MOST_LEVELS} levels within each other"


def checked(model: type[M], value: Any, what: str) -> M:
    """`value` as this kind of document.

    Raises:
        BadInput: the first field that is wrong.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = one_line(".".join(map(str, first["loc"])), 120)
        raise BadInput(
            f"the bundle is damaged: {what} has {where} = {repr(first['input'])[:60]} ({first['msg'][:120]})"
        ) from error
