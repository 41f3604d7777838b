"""Values → HTML text. Every text of data, models and users is escaped here first; markup is added after."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from fairprune.charts import MARKS, group_colour, percent, points
from fairprune.voices import LABELS

NEUTRAL = "#8a94a3"
"""Of labels that are no group: 'none', 'mixed'."""


def inert(text: str) -> str:
    """`text` for a place that reads Markdown: every sign with a meaning there is escaped, and lines stay lines."""
    return re.sub(r"([\\`*_\[\]<>$:~#|!])", r"\\\1", text).replace("\n", "  \n")


def duration(seconds: float) -> str:
    """Seconds for a person: '8 s', '3 min 5 s', '2 h 4 min'."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def number(value: float | None, signed: bool = False) -> str:
    """Two decimals; '–' for a missing one."""
    if value is None:
        return "–"
    shown = round(value, 2) + 0.0  # what rounds to zero from below is 0, never −0
    return (f"{shown:+.2f}" if signed else f"{shown:.2f}").replace("-", "−")


def tag(text: str, colour: str | None = None) -> str:
    """A small label with the colour of its group around it; the name is always there as text."""
    style = f' style="--g:{escape(colour)}"' if colour else ""
    return f'<span class="fp-tag{"" if colour else " fp-plain"}"{style}>{escape(text)}</span>'


def system_name(system: str) -> str:
    """'dense', 'pruned' … with its mark."""
    return named_mark(system, MARKS[system].label)


def named_mark(system: str, name: str) -> str:
    """Another name with the mark of a system."""
    mark = MARKS[system]
    if mark.symbol.startswith("x"):
        return f'<span class="fp-cross" style="color:{mark.colour}"></span>{escape(name)}'
    shape = f" fp-{mark.symbol}" if mark.symbol in ("diamond", "square") else ""
    return f'<span class="fp-dot{shape}" style="--g:{mark.colour}"></span>{escape(name)}'


def tile(label: str, value: str, *notes: str) -> str:
    """A number with its name and what must stand beside it; all of it plain text."""
    lines = "".join(f'<div class="fp-note">{escape(note)}</div>' for note in notes if note)
    return f'<div class="fp-tile"><p class="fp-name">{escape(label)}</p><div class="fp-big">{arrow(value)}</div>{lines}</div>'


def arrow(text: str) -> str:
    """Escaped, with the arrow between two values drawn lighter."""
    return escape(text).replace("→", '<span class="fp-arrow">→</span>')


def grid(parts: Sequence[str], least: str = "13rem") -> str:
    """Parts beside one another, as many as have room for `least` each.

    The layout stands with the parts: the style sheet may come after them, and they would first stand one below the other.
    """
    columns = f"repeat(auto-fit,minmax(min({escape(least)},100%),1fr))"
    layout = f"display:grid;gap:0.8rem;grid-template-columns:{columns}"
    return f'<div class="fp-grid" style="{layout}">{"".join(parts)}</div>'


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already; on a narrow window every row is a card of its own.

    The last cell of a row with fewer cells than heads spans the rest; a row of one cell is a note on the row above it.
    """
    head = "".join(f"<th>{cell}</th>" for cell in heads)
    body = "".join(_row(heads, row) for row in rows)
    inner = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="fp-scroll" tabindex="0" role="group" aria-label="Table"><table class="fp-table">{inner}</table></div>'


def _row(heads: Sequence[str], row: Sequence[str]) -> str:
    if len(row) == 1 < len(heads):
        return f'<tr class="fp-sub"><td colspan="{len(heads)}">{row[0]}</td></tr>'
    cells = []
    for place, cell in enumerate(row):
        span = len(heads) - place if place == len(row) - 1 else 1
        # The head's text without its mark, for the card. A head is our own HTML: nothing of the data is in it unescaped.
        name = re.sub(r"<[^>]*>", "", heads[place]).replace('"', "&quot;") if span == 1 else ""
        spanned = f' colspan="{span}"' if span > 1 else ""
        cells.append(f'<td{spanned} data-label="{name}">{cell}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def chip(word: str, colour: str, symbol: str) -> str:
    """A word that is a result: a symbol and a colour beside it, never instead of it."""
    return f'<span class="fp-chip" style="--g:{escape(colour)}"><i>{escape(symbol)}</i>{escape(word)}</span>'


def rests_on(ground: Sequence[Sequence[Any]]) -> str:
    """'rests on opinions 2 (0.71) and 5 (0.55)', or on none; plain text."""
    if not ground:
        return "rests on no opinion"
    named = [f"{int(place) + 1} ({float(score):.2f})" for place, score in ground]
    if len(named) == 1:
        return f"rests on opinion {named[0]}"
    return f"rests on opinions {', '.join(named[:-1])} and {named[-1]}"


def summary_sentences(
    labels: Sequence[Sequence[Any]],
    groups: Sequence[str],
    evidence: Sequence[Sequence[Sequence[Any]]] | None = None,
) -> str:
    """A summary, sentence by sentence, numbered: the label as text and colour, and what the sentence rests on.

    Args:
        labels: [sentence, label, probability]; label None: nobody labelled it.
        evidence: per sentence [position of the opinion, score]; None: not looked for.
    """
    parts = []
    for place, (sentence, label, probability) in enumerate(labels):
        colour = group_colour(groups, label) if label in groups else NEUTRAL
        name = LABELS.get(label, str(label))
        lines = "" if label is None else f"<br>{tag(f'{name} {percent(probability, 0)}', colour)}"
        if evidence is not None:
            lines += f'<div class="fp-note">{escape(rests_on(evidence[place]))}</div>'
        parts.append(
            f'<div class="fp-opinion" style="--g:{colour}"><span class="fp-number">{place + 1}</span>'
            f"{escape(str(sentence))}{lines}</div>"
        )
    return "".join(parts)


def shares(sample: Mapping[str, Any], groups: Sequence[str]) -> str:
    """Per group: bar of its share in the summary, tick at its fair share, both as numbers."""
    rows = []
    for group in groups:
        fair = sample["p_x"].get(group)
        if fair is None:
            continue
        found = None if sample["p_y"] is None else sample["p_y"].get(group)
        width = 0.0 if found is None else 100 * min(1.0, found)
        rows.append(
            f'<div class="fp-share"><span>{escape(group)}</span>'
            f"<span>{percent(found, 0)} (fair {percent(fair, 0)})</span>"
            f'<span class="fp-bar"><span style="--g:{group_colour(groups, group)};width:{width:.1f}%"></span>'
            f'<u style="left:{100 * min(1.0, fair):.1f}%"></u></span></div>'
        )
    return "".join(rows)


def window(segments: Sequence[Mapping[str, Any]], groups: Sequence[str]) -> str:
    """A calibration window as the model reads it, its opinions marked by group."""
    parts = []
    for segment in segments:
        text = escape(str(segment["text"]))
        group = segment["group"]
        if group is not None:
            colour = group_colour(groups, group)
            parts.append(f'{tag(group, colour)}<mark style="--g:{colour}">{text}</mark>')
        elif segment["kind"] == "prompt":
            parts.append(f'<span class="fp-prompt">{text}</span>')
        else:
            parts.append(f"<span>{text}</span>")
    return f'<div class="fp-window">{" ".join(parts)}</div>'


def balance(tokens: Mapping[str, int], groups: Sequence[str]) -> str:
    """Tokens by group as one bar, with names and numbers below it."""
    total = sum(tokens.values())
    bars, names = "", ""
    for group in groups:
        colour, count = group_colour(groups, group), tokens.get(group, 0)
        share = count / total if total else None
        bars += f'<span style="--g:{colour};width:{100 * (share or 0.0):.2f}%"></span>'
        names += tag(f"{group}: {count:,} tokens, {percent(share)}", colour)
    return f'<div class="fp-bar">{bars}</div><div style="margin-top:.5rem;line-height:2">{names}</div>'


def change(dense: str, pruned: str) -> str:
    """'12.5 % → 50.0 %'."""
    return f"{dense} → {pruned}"


def metric_value(cell: Mapping[str, Any], signed: bool) -> str:
    """A metric's value as pages show it: percent, or signed decimals where zero is best."""
    return number(cell["value"], signed=True) if signed else percent(cell["value"])


def metric_difference(cell: Mapping[str, Any], signed: bool) -> str:
    """A difference of two values: percentage points, or signed decimals."""
    return number(cell["value"], signed=True) if signed else points(cell["value"])


def interval(cell: Mapping[str, Any], signed: bool, difference: bool = False) -> str:
    """'95 %: 1.0 to 2.0 %', or that there is none."""
    if cell["value"] is None:
        return str(cell.get("reason") or "missing")
    if cell["low"] is None or cell["high"] is None:
        return "no interval"
    if signed:
        ends = [number(cell[end], signed=True) for end in ("low", "high")]
    elif difference:
        ends = [points(cell[end]).removesuffix(" points") for end in ("low", "high")]
    else:
        unit = "\N{NO-BREAK SPACE}%"
        ends = [percent(cell["low"]).removesuffix(unit), percent(cell["high"])]
    return f"95 %: {ends[0]} to {ends[1]}"
