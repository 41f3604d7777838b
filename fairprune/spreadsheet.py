"""Texts that a spreadsheet does not run. Whatever leaves as CSV goes through here."""

from __future__ import annotations

from typing import Any

EXECUTED = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula; the wide forms are read as the narrow ones in East Asian settings."""


def neutral(text: Any) -> Any:
    """A text that no spreadsheet executes: an apostrophe stands before `=`, `+`, `-`, `@` (blanks before them do not
    hide them), a tab or a line end. Numbers stay as they are.

    Source: OWASP, CSV Injection.

    >>> neutral("=1+1"), neutral("1+1"), neutral(-0.5)
    ("'=1+1", '1+1', -0.5)
    """
    return f"'{text}" if isinstance(text, str) and _runs(text) else text


def original(text: str) -> str:
    """What `neutral` was given: takes off the apostrophe that it put there, and no other.

    >>> original("'=1+1"), original("'tis"), original("=1")
    ('=1+1', "'tis", '=1')
    """
    return text[1:] if text.startswith("'") and _runs(text[1:]) else text


def _runs(text: str) -> bool:
    return text.startswith(EXECUTED) or text.lstrip(" \u00a0").startswith(EXECUTED)
