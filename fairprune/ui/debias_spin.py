"""What an edit by SPIN shows of itself on the page Debias: its verdict, measures beside both controls, chosen weights, undo."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts_debias import chosen_chart
from fairprune.debias.spin_verdict import MEASURED_UNPRUNED, of_unpruned
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.debias_numbers import cell_html, number, value_text

QUIET = {"displaylogo": False}
SHOWN_MATRICES = 30
UNDO_HELP = (
    "For a folder that `prune` wrote with this edit: `python -m fairprune spin --undo FOLDER --list undo.json --out BEFORE` gives the "
    "values back, bit for bit; not where pruning or a recovery came after the edit."
)
SYSTEM_TITLES = {
    "dense": "dense",
    "before": "before the edit",
    "edited": "edited",
    "random": "control: random",
    "first-only": "control: first set alone",
    "final": "edited, then pruned",
}
OLD_HSIC = (
    "HSIC of this run is the biased estimate of an earlier version: its values lie too high, and their intervals are too narrow. "
    "Start the run anew to have the unbiased one."
)
QUANTITIES = {
    "margin": ("Margin", "log p(careful answer) − log p(careless answer)"),
    "cautionary phrases": ("Cautionary phrases", "in answers that the model writes"),
    "hsic": (
        "HSIC",
        "dependence of the two concerns' states at fixed widths, beside what unpaired prompts give; 0 is none",
    ),
    "hsic without scale": (
        "HSIC without scale",
        "the same at each model's own widths; 0 is none, 1 the most",
    ),
    "perplexity": ("Perplexity of general text", "ratio to the model before at most 1.02"),
}


def draw_spin(found: Mapping[str, Any]) -> None:
    """Verdict, measures beside both controls, chosen weights with overlap and chance, the list for undoing."""
    st.header("What the edit did", anchor=False)
    verdict, unpruned = found.get("verdict"), (found.get("edit") or {}).get("order") == "before"
    if verdict is not None:
        sentence = of_unpruned(verdict["sentence"]) if unpruned else verdict["sentence"]
        icon = {"works": ":material/check_circle:", "none": ":material/do_not_disturb_on:"}
        st.markdown(f"{icon.get(verdict['outcome'], ':material/info:')} **{markup.inert(sentence)}**")
    if found.get("quantities"):
        if unpruned:
            st.caption(markup.inert(unpruned_note(found["quantities"])))
        st.html(quantities_table(found))
        hsic = found.get("hsic") or {}
        if hsic.get("reason"):
            st.caption(markup.inert(f"HSIC is left out: {hsic['reason']}."))
        elif any(one["name"] == "hsic" for one in found["quantities"]) and "estimate" not in hsic:
            st.caption(OLD_HSIC)
        st.caption(markup.inert(sets_note(found["sets"])))
        with st.expander("Phrases that count as cautionary"):
            st.caption(markup.inert("; ".join(found.get("phrases") or ())))
    st.header("Which weights it chose", anchor=False)
    choice = found["choice"]
    st.html(markup.grid(choice_tiles(choice)))
    if found.get("controls"):
        st.caption(markup.inert(controls_note(found["controls"])))
    if choice["matrices"]:
        st.plotly_chart(
            chosen_chart(choice["matrices"]),
            key="debias.chosen",
            config=QUIET,
            alt="Per matrix: weights in both tops, zeroed, and expected by chance; the numbers stand in the table below.",
        )
        with st.expander(f"{counted(len(choice['matrices']), 'matrix', 'matrices')} in numbers"):
            st.html(matrices_table(choice["matrices"][:SHOWN_MATRICES]))
            if len(choice["matrices"]) > SHOWN_MATRICES:
                st.caption(
                    f"The first {SHOWN_MATRICES} of {len(choice['matrices'])}; the file below has all."
                )
    st.download_button(
        "The zeroed weights with their old values, for undoing",
        lambda: json.dumps(found["undo"], indent=0),
        "undo.json",
        "application/json",
        icon=":material/download:",
        on_click="ignore",
        help=UNDO_HELP,
    )


def unpruned_note(quantities: Sequence[Mapping[str, Any]]) -> str:
    """What an edit before pruning is measured on, in words."""
    final = "final" in quantities[0]["systems"]
    there = f" The column '{SYSTEM_TITLES['final']}' is the model that the run goes on with." if final else ""
    return (
        f"{MEASURED_UNPRUNED}: the edited model and both controls here are not pruned.{there} Pruned controls are runs of their "
        "own, and stand in the tables side by side."
    )


def choice_tiles(choice: Mapping[str, Any]) -> list[str]:
    """Weights that were zeroed, in both tops, and what chance gives; HTML."""
    share = choice["weights"] / choice["of"] if choice["of"] else 0.0
    both, chance = choice["both"], choice["chance"]
    times = f"{both / chance:.1f} times as many as by chance" if chance else "none expected by chance"
    return [
        markup.tile(
            "Weights set to zero",
            f"{choice['weights']:,}",
            f"of {choice['of']:,} in the edited matrices: {share:.2e}",
        ),
        markup.tile(
            "In both tops", f"{both:,}", f"{chance:.1f} by chance, were the two sets independent", times
        ),
        markup.tile(
            "Spared for general text",
            f"{both - choice['coupled']:,}",
            f"of those in both tops; {choice['coupled']:,} are left",
        ),
    ]


def controls_note(controls: Mapping[str, Mapping[str, Any]]) -> str:
    """How many weights each control zeroes, and how many of them are the edit's own."""
    parts = [
        f"{SYSTEM_TITLES.get(name, name)}: {counted(one['weights'], 'weight')}"
        + (f", {one['fewer']:,} fewer than the edit because no more are left" if one["fewer"] else "")
        + f", {one['shared']:,} shared with the edit"
        for name, one in controls.items()
    ]
    return f"{'; '.join(parts)}."


def matrices_table(matrices: Sequence[Mapping[str, Any]]) -> str:
    """Per matrix: tops, overlap and chance, what is left and zeroed; HTML."""
    heads = ["Matrix", "Top of each set", "In both", "By chance", "Not in general", "Zeroed"]
    rows = [
        [
            f"<b>{escape(str(one['name']))}</b><small>{one['rows']} × {one['columns']}</small>",
            f"{one['first']} and {one['second']}<small>general {one['general']}</small>",
            str(one["both"]),
            f"{one['chance']:.2f}",
            str(one["coupled"]),
            str(one["chosen"]),
        ]
        for one in matrices
    ]
    return markup.table(heads, rows)


def quantities_table(found: Mapping[str, Any]) -> str:
    """Measure × models, each with interval and n; below it the paired differences of the edited one; HTML."""
    systems = [name for name in SYSTEM_TITLES if name in found["quantities"][0]["systems"]]
    rows: list[list[str]] = []
    for one in found["quantities"]:
        name, what = QUANTITIES.get(one["name"], (one["name"], ""))
        of = f" ({found['sets'][one['concern']]['title']})" if one["concern"] else ""
        better = "higher" if one["better"] == "higher" else "lower"
        row = [f"<b>{escape(name + of)}</b><small>{escape(what)}; {better} is sought</small>"]
        digits = 4 if one["name"] == "hsic" else 3
        row += [cell_html(one["systems"][system], digits) for system in systems]
        rows.append(row)
        sign = "divided by" if one["name"] == "perplexity" else "minus"
        parts = [
            f"edited {sign} {SYSTEM_TITLES[other]}: {value_text(cell, digits)}"
            for other, cell in one["differences"].items()
        ]
        nulls = [
            f"{SYSTEM_TITLES[system]}: {null_text(cell)}"
            for system, cell in one["systems"].items()
            if cell.get("null_mean") is not None
        ]
        rows.append([escape(" · ".join(parts + nulls))])
    return markup.table(["Measure", *(escape(SYSTEM_TITLES[system]) for system in systems)], rows)


def null_text(cell: Mapping[str, Any]) -> str:
    """What HSIC is of mixed pairs, and how often that is as high."""
    parts = [f"{number(cell['null_mean'], 4)} on average where pairs are mixed"]
    if cell.get("null_95") is not None:
        parts.append(f"95 % below {number(cell['null_95'], 4)}")
    if cell.get("p_value") is not None:
        parts.append(f"p = {cell['p_value']:.3f}")
    return ", ".join(parts)


def sets_note(sets: Mapping[str, Any]) -> str:
    """Which prompts were read and which measured on."""
    parts = [
        f"{one['title']}: {one['selection']} prompts chose the weights, {one['measurement']} others are measured on"
        + (f" ({one['with_unsafe']} with a careless answer)" if one["with_unsafe"] else "")
        for one in sets.values()
    ]
    return f"{'; '.join(parts)}. Packaged sets are small and for demonstration."
