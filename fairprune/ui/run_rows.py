"""One run as a row of a list: what it is, how it stands, its headline numbers. HTML is made here; widgets are not."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from fairprune.charts import METHOD_MARKS, percent
from fairprune.metrics import METRICS
from fairprune.store import Run
from fairprune.ui import markup
from fairprune.ui.page import capitalised

SHOWN = ("bur", "uer")
LONGEST_ERROR = 220


def row_html(run: Run, headline: Mapping[str, Any] | None) -> str:
    """Everything of a row below its title: the headline numbers, or what went wrong; tags and notes.

    How far a run is stands above the list, which goes on by itself: a row would soon say something else.
    """
    parts = []
    if headline is not None:
        parts.append(f'<div class="fp-cells">{"".join(cells(headline))}</div>')
    elif run.error:
        error = run.error if len(run.error) <= LONGEST_ERROR else f"{run.error[:LONGEST_ERROR]} …"
        parts.append(f'<div class="fp-note">{escape(capitalised(error))}</div>')
    parts.append(f'<div class="fp-note fp-rowfoot">{"".join(_tags(run))}{escape(facts(run))}</div>')
    if run.notes:
        first = run.notes.strip().splitlines()[0] if run.notes.strip() else ""
        more = " …" if len(run.notes.strip().splitlines()) > 1 or len(first) > LONGEST_ERROR else ""
        parts.append(f'<div class="fp-note">“{escape(first[:LONGEST_ERROR])}{more}”</div>')
    return "".join(parts)


def _tags(run: Run) -> list[str]:
    """What was done beside pruning, in the method's colour, then the tags that people gave."""
    colour = METHOD_MARKS[run.spec.pruning.method].colour
    return [
        *(
            markup.tag(f"+ {part.name}", colour)
            for part in (run.spec.edit, run.spec.recovery)
            if part is not None
        ),
        *(markup.tag(tag) for tag in run.tags),
    ]


def facts(run: Run) -> str:
    """Title where a name hides it, seed, device, time of submission and how long it took."""
    parts = [run.title] if run.name else []
    parts += [f"seed {run.spec.calibration.seed}", run.device, f"{run.created:%Y-%m-%d %H:%M} UTC"]
    took = sum(run.seconds.values())
    if run.state == "done" and took:
        parts.append(f"took {markup.duration(took)}")
    if run.origin != "here":
        parts.append({"imported": "imported", "example": "an example that comes with fairprune"}[run.origin])
    parts.append(run.id[:6])
    return " · ".join(parts)


def cells(headline: Mapping[str, Any]) -> list[str]:
    """Achieved sparsity, then BUR and UER from dense to pruned, each with its n and its intervals; HTML."""
    found = []
    sparsity = headline.get("sparsity")
    if sparsity is not None:
        asked, achieved = percent(sparsity["asked"], 0), percent(sparsity["achieved"], 2)
        found.append(_cell("Achieved sparsity", achieved, f"asked {asked}"))
    for name in SHOWN:
        values = headline["metrics"].get(name)
        if values is not None:
            found.append(_metric(name, values))
    return found


def _metric(name: str, values: Mapping[str, Any]) -> str:
    signed = METRICS[name].direction == "zero"
    shown = [markup.metric_value(values[system], signed) for system in ("dense", "pruned")]
    notes = []
    for system in ("dense", "pruned"):
        cell = values[system]
        unscored = f", {cell['n_unscored']} unscored" if cell.get("n_unscored") else ""
        n = f"n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}{cell['n']}"
        notes.append(f"{system}, {markup.interval(cell, signed)}, {n}{unscored}")
    return _cell(f"{name.upper()}, dense → pruned", markup.change(*shown), *notes)


def _cell(label: str, value: str, *notes: str) -> str:
    lines = "".join(f'<div class="fp-note">{escape(note)}</div>' for note in notes)
    return f'<div><p class="fp-name">{escape(label)}</p><div class="fp-mid">{markup.arrow(value)}</div>{lines}</div>'
