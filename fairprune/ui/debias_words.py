"""Neural Collapse of words as a page shows it: measures of group words beside control words, and each word's cosine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts_debias import word_cosines
from fairprune.debias.collapse_report import NO_RATIO
from fairprune.tables import missing_reason
from fairprune.ui import fairness, markup
from fairprune.ui.debias_numbers import cell_html, ends_text, number

QUIET = {"displaylogo": False}
SHOWN_WORDS = 60
FIRST = ("unc3", "nc3")
"""The measures that stand on the page; the others are folded."""


def draw_collapse(found: Mapping[str, Any], key: str, names: tuple[str, str] = ("dense", "pruned")) -> None:
    """What changed beside the control words, NC3 and UNC3 of each list, each word's cosine; the other measures folded.

    Args:
        key: tells this one's widgets from another's on the page.
        names: of the two models, of which the document calls the first dense and the second pruned.
    """
    st.markdown(f"**{markup.inert(change_sentence(found))}**")
    st.html(collapse_table(found, names, FIRST))
    st.caption(markup.inert(words_note(found)))
    if found["words"]:
        st.plotly_chart(
            word_cosines(found["words"][:SHOWN_WORDS], names),
            key=f"debias.{key}.words",
            config=QUIET,
            alt="Per word: its cosine in both models; group words first.",
        )
        if len(found["words"]) > SHOWN_WORDS:
            st.caption(f"The {SHOWN_WORDS} most frequent of {len(found['words'])} words are drawn.")
    with st.expander("NC1, NC2, GNC2 and NC4", icon=":material/table_rows:"):
        st.html(collapse_table(found, names, [name for name in found["measures"] if name not in FIRST]))
    with st.expander("What do these measures mean?", icon=":material/help:"):
        terms = "".join(
            f"<dt>{escape(one['title'])}</dt><dd>{escape(one['what'])}</dd>"
            for one in found["measures"].values()
        )
        st.html(f'<dl class="fp-terms">{terms}</dl>')


def change_sentence(found: Mapping[str, Any]) -> str:
    """How UNC3 of the group words changed beside that of the control words, and whether that is more than theirs; plain text."""
    group, control = (found["lists"][name] for name in ("group", "control"))
    own = group["measures"]["unc3"]["ratio"]
    if group["reason"] or own["value"] is None:
        return f"No UNC3 of group words: {group['reason'] or own['reason']}."
    said = f"UNC3 of group words is {_times(own)} what it was"
    against = found["against_control"]["unc3"]
    if control["reason"] or against["value"] is None:
        return f"{said}; nothing to compare it with: {control['reason'] or against['reason']}."
    said += f", that of control words {_times(control['measures']['unc3']['ratio'])}"
    if against["low"] is None:
        return f"{said}: {number(against['value'], 2)} times the control's change, without an interval that could tell it from none."
    beside = f"{said}: beside the control's change {_times(against)} as much"
    if against["low"] <= 1 <= against["high"]:
        return f"{beside}, no change beyond that of control words."
    return f"{beside}, {'less' if against['high'] < 1 else 'more'} than control words alone would have it."


def _times(cell: Mapping[str, Any]) -> str:
    """'0.82 times (95 %: 0.63 to 1.05)'."""
    ends = "" if cell["low"] is None or cell["high"] is None else f" ({ends_text(cell, 2)})"
    return f"{number(cell['value'], 2)} times{ends}"


def collapse_table(found: Mapping[str, Any], names: tuple[str, str], measures: Sequence[str]) -> str:
    """Measure × list: both models, their ratio (of NC3, which may be below 0, the difference), and the ratio over the control's; HTML."""
    heads = ["Measure", *names, "Change", "Beside the control's"]
    rows: list[list[str]] = []
    told: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for name in measures:
        title = found["measures"][name]["title"]
        for key, one in found["lists"].items():
            label = f"{title}, {one['title'].lower()}"
            read = f"{one['title'].lower()}, {one['words']:,} in {one['features']:,} contexts"
            first = f"<b>{escape(title)}</b><small>{escape(read)}</small>"
            if one["reason"]:
                rows.append([first, f"<b>–</b><small>{escape(one['reason'])}</small>", "", "", ""])
                continue
            cells = one["measures"][name]
            change, sign = ("difference", True) if cells["ratio"]["reason"] == NO_RATIO else ("ratio", False)
            parts = [cell_html(cells["dense"]), cell_html(cells["pruned"])]
            parts.append(_change_html(cells[change], sign))
            against = found["against_control"][name] if key == "group" and not sign else None
            rows.append([first, *parts, "" if against is None else _change_html(against, False)])
            for cell in (cells["dense"], cells["pruned"], cells[change]):
                why = missing_reason(cell)
                limit = cell.get("limit") or cell["reason"]
                if cell["value"] is not None and (why is not None or limit):
                    # One line for a measure of a list, however many of its numbers have that reason.
                    told.setdefault(f"{label} {limit}", (label, {**cell, "limit": limit}))
    return markup.table(heads, rows) + fairness.reasons(told.values())


def _change_html(cell: Mapping[str, Any], difference: bool) -> str:
    """'× 0.82' or '+0.004', with its interval and n; HTML."""
    if cell["value"] is None:
        return cell_html(cell)
    shown = number(cell["value"])
    shown = f"{'+' if difference and cell['value'] > 0 else ''}{shown}" if difference else f"× {shown}"
    return f"<b>{shown}</b><small>{escape(ends_text(cell))}</small><small>n = {cell['n']:,}</small>"


def words_note(found: Mapping[str, Any]) -> str:
    """What was read, and which words do not count."""
    dropped = ", ".join(f"{n} {why}" for why, n in found["dropped"].items() if n)
    tied = " Output matrix and input embedding are one." if found["tied"] else ""
    return (
        f"Word list {found['list']}: {found['tokens']:,} tokens in {found['windows']} held-out windows. Left out: {dropped or 'no word'}; "
        f"{found['rare']} with fewer than {found['min_count']} contexts. Control words are as frequent, and drawn at random.{tied}"
    )
