"""Neural Collapse of words as a page shows it: measures of group words beside control words, and each word's cosine."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts_debias import word_cosines
from fairprune.ui import fairness, markup
from fairprune.ui.debias_numbers import cell_html

QUIET = {"displaylogo": False}
SHOWN_WORDS = 60


def draw_collapse(found: Mapping[str, Any], key: str, names: tuple[str, str] = ("dense", "pruned")) -> None:
    """Measures of group words beside control words, then each word's cosine."""
    st.html(collapse_table(found, names))
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
    with st.expander("What do these measures mean?", icon=":material/help:"):
        terms = "".join(
            f"<dt>{escape(one['title'])}</dt><dd>{escape(one['what'])}</dd>"
            for one in found["measures"].values()
        )
        st.html(f'<dl class="fp-terms">{terms}</dl>')


def collapse_table(found: Mapping[str, Any], names: tuple[str, str]) -> str:
    """List × measure: both models, their ratio, and the ratio against the control's; HTML."""
    heads = ["Measure", *names, "Ratio", "Ratio over the control's"]
    rows: list[list[str]] = []
    told: list[tuple[str, Mapping[str, Any] | None]] = []
    for key, one in found["lists"].items():
        rows.append(
            [
                f"<b>{escape(one['title'])}</b><small>{one['words']} words, {one['features']:,} features</small>",
                "",
            ]
        )
        if one["reason"]:
            rows.append([escape(one["reason"])])
            continue
        for name, cells in one["measures"].items():
            title = found["measures"][name]["title"]
            against = cell_html(found["against_control"][name]) if key == "group" else ""
            rows.append(
                [escape(title), *(cell_html(cells[part]) for part in ("dense", "pruned", "ratio")), against]
            )
            told += [
                (
                    f"{title}, {one['title'].lower()}, {shown}",
                    {**cells[part], "limit": cells[part].get("limit") or cells[part]["reason"]},
                )
                for part, shown in (("dense", names[0]), ("pruned", names[1]), ("ratio", "ratio"))
                if cells[part]["value"] is not None
            ]
    return markup.table(heads, rows) + fairness.reasons(told)


def words_note(found: Mapping[str, Any]) -> str:
    """What was read, and which words do not count."""
    dropped = ", ".join(f"{n} {why}" for why, n in found["dropped"].items() if n)
    tied = " Output matrix and input embedding are one." if found["tied"] else ""
    return (
        f"Word list {found['list']}: {found['tokens']:,} tokens in {found['windows']} held-out windows. Left out: {dropped or 'no word'}; "
        f"{found['rare']} with fewer than {found['min_count']} features. Control words are as frequent, and drawn at random.{tied}"
    )
