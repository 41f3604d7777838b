"""Neural Collapse of words as a page shows it: measures of group words beside control words, and each word's cosine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts_debias import word_cosines
from fairprune.debias.collapse_words import change_of, change_sentence, limits_of
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
            st.caption(
                f"The first {SHOWN_WORDS} of {len(found['words'])} words are drawn: group words before control words, frequent ones first."
            )
    with st.expander("NC1, NC2, GNC2 and NC4", icon=":material/table_rows:"):
        st.html(collapse_table(found, names, [name for name in found["measures"] if name not in FIRST]))
    with st.expander("What do these measures mean?", icon=":material/help:"):
        terms = "".join(
            f"<dt>{escape(one['title'])}</dt><dd>{escape(one['what'])}</dd>"
            for one in found["measures"].values()
        )
        st.html(f'<dl class="fp-terms">{terms}</dl>')


def collapse_table(found: Mapping[str, Any], names: tuple[str, str], measures: Sequence[str]) -> str:
    """Measure × list: both models, their ratio (of NC3, which may be below 0, the difference), and the ratio over the control's; HTML."""
    heads = ["Measure", *names, "Change", "Beside the control's"]
    rows: list[list[str]] = []
    for name in measures:
        title = found["measures"][name]["title"]
        for key, one in found["lists"].items():
            read = f"{one['title'].lower()}, {one['words']:,} in {one['features']:,} contexts"
            first = f"<b>{escape(title)}</b><small>{escape(read)}</small>"
            if one["reason"]:
                rows.append([first, f"<b>–</b><small>{escape(one['reason'])}</small>", "", "", ""])
                continue
            cells = one["measures"][name]
            change = change_of(cells)
            sign = change == "difference"
            parts = [cell_html(cells["dense"]), cell_html(cells["pruned"])]
            parts.append(_change_html(cells[change], sign))
            against = found["against_control"][name] if key == "group" and not sign else None
            rows.append([first, *parts, "" if against is None else _change_html(against, False)])
    return markup.table(heads, rows) + fairness.reasons(limits_of(found, measures))


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
    contexts = [found["lists"][name]["features"] for name in ("group", "control")]
    beside = (
        "there are no control words"
        if found["lists"]["control"]["reason"]
        else f"control words are drawn at random among those about as frequent ({contexts[1]:,} contexts beside {contexts[0]:,})"
    )
    return (
        f"Word list {found['list']}: {found['tokens']:,} tokens in {found['windows']} held-out windows. Left out: {dropped or 'no word'}; "
        f"{found['rare']} with fewer than {found['min_count']} contexts; {beside}.{tied}"
    )
