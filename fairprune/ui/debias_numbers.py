"""Numbers of edits and recoveries with their intervals and n: as HTML for tables, and as plain text."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any


def cell_html(cell: Mapping[str, Any], digits: int = 3) -> str:
    """A value with its interval and n, a line each; '–' with the reason for a missing one; HTML."""
    if cell["value"] is None:
        why = cell.get("reason") or cell.get("limit") or "missing"
        return f"<b>–</b><small>{escape(str(why))}</small>"
    return f"<b>{number(cell['value'], digits)}</b><small>{escape(ends_text(cell, digits))}</small><small>n = {cell['n']:,}</small>"


def value_text(cell: Mapping[str, Any], digits: int = 3) -> str:
    """The same in plain text."""
    if cell["value"] is None:
        return f"– ({cell.get('reason') or cell.get('limit') or 'missing'})"
    return f"{number(cell['value'], digits)} ({ends_text(cell, digits)}), n = {cell['n']:,}"


def ends_text(cell: Mapping[str, Any], digits: int = 3) -> str:
    if cell["low"] is None or cell["high"] is None:
        return "no interval"
    return f"95 %: {number(cell['low'], digits)} to {number(cell['high'], digits)}"


def number(value: float, digits: int = 3) -> str:
    """Decimals with a true minus."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
