"""Numbers, and tables of them, as Markdown: what `debias_tables` is made of."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from fairprune.uncertainty.intervals import t_interval

MISSING = "–"


def cell(found: Mapping[str, Any], digits: int = 2, *, sign: bool = False) -> str:
    """'0.12 [0.05, 0.19]'; a value without interval says so, a missing one is a dash."""
    if found["value"] is None:
        return MISSING
    form = f"{'+' if sign else ''}.{digits}f"
    if found["low"] is None:
        return f"{found['value']:{form}} [no interval]"
    return f"{found['value']:{form}} [{found['low']:{form}}, {found['high']:{form}}]"


def shared_text(controls: Mapping[str, Any] | None, titles: Mapping[str, str]) -> str:
    """Weights of each control, and of the edit's among them; nothing of rows of before."""
    parts = [
        f"{titles[name]} {one['weights']} weights, {one['shared']} of them the edit's"
        for name, one in (controls or {}).items()
    ]
    return f" {'; '.join(parts)}." if parts else ""


def null_text(found: Mapping[str, Any]) -> str:
    """Of HSIC: what mixed pairs give."""
    if "p_value" not in found:
        return ""
    return f"; mixed pairs {found['null_mean']:.4f}, 95 % below {found['null_95']:.4f}, p = {found['p_value']:.3f}"


def over_seeds(values: Sequence[float | None], most: float = math.inf) -> dict[str, Any]:
    """Mean over the seeds that have a value, with its 95 % t interval up to `most`; none for one seed."""
    known = [value for value in values if value is not None]
    n = len(known)
    if not n:
        return {"value": None, "low": None, "high": None, "n": 0}
    mean = statistics.fmean(known)
    if n < 2:
        return {"value": mean, "low": None, "high": None, "n": n}
    low, high = t_interval(mean, statistics.stdev(known) / math.sqrt(n), n - 1)
    return {"value": mean, "low": low, "high": min(high, most), "n": n}


def made(row: Mapping[str, Any]) -> str:
    """Date, model, versions and time of a row, for the line under a table."""
    how, took = row["made"], row["seconds"]
    versions = ", ".join(f"{name} {version}" for name, version in how["versions"].items())
    threads = f"{how['threads']} thread" + ("" if how["threads"] == 1 else "s")
    return (
        f"{how['date']}, {how['model']}, {versions}, {threads}; "
        f"{took['wall']:.0f} s ({took['processor']:.0f} s of processor)"
    )


def table(heads: Sequence[str], body: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(heads) + " |",
        "|" + "---|" * len(heads),
        *("| " + " | ".join(one) + " |" for one in body),
    ]
