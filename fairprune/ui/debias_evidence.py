"""What an edit, a recovery and their data show of themselves: verdicts first, then chosen weights, splits, words and losses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts_debias import (
    chosen_chart,
    rac_curve,
    rac_histogram,
    recovery_losses,
    without_number,
)
from fairprune.debias.spin_verdict import MEASURED_UNPRUNED, of_unpruned
from fairprune.debias_losses import GroupBeside
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.debias import LABS
from fairprune.ui.debias_numbers import cell_html, number, value_text
from fairprune.ui.debias_words import draw_collapse

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


def draw_evidence(found: Mapping[str, Any] | None, losses: Sequence[GroupBeside] = ()) -> None:
    """Every part of the stored result `debias` that is there.

    Args:
        losses: of a recovery's held-out opinions, beside its control.
    """
    if not found:
        return
    if "edit" in found:
        draw_spin(found["edit"])
    if "calibration" in found:
        st.header("Which texts pruning hurts", anchor=False)
        draw_rac(found["calibration"]["rac"], "calibration")
    recovery = found.get("recovery") or {}
    if "rac" in recovery:
        st.header("Which texts pruning hurts", anchor=False)
        draw_rac(recovery["rac"], "recovery")
    if "report" in recovery:
        draw_recovery(recovery, losses)
    if "collapse" in recovery:
        st.header("The words before and after the recovery", anchor=False)
        draw_collapse(recovery["collapse"], "recovery", ("pruned", "recovered"))


# SPIN --------------------------------------------------------------------------------------------------------


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


# DENP --------------------------------------------------------------------------------------------------------


def draw_rac(found: Mapping[str, Any], key: str) -> None:
    """The split and both of its numbers, the histogram, the curve, labels that were held back, the most affected texts."""
    split = found["split"]
    outcome = "Two sets" if split["accepted"] else "Refused: no two sets"
    st.markdown(f"**{outcome}.** {markup.inert(split['reason'][:1].upper() + split['reason'][1:])}.")
    if found.get("windows") and "places" not in found:
        st.caption(
            "Stored before repeated opinions were counted once: an opinion in several windows is several texts here, and "
            "noise passes for two sets more often than in 1 % of cases. Start the run anew to be sure."
        )
    limit = "–" if split["limit"] is None else f"{split['limit']:.2f}"
    st.html(
        markup.grid(
            [
                markup.tile(
                    "Gap of the two means", f"{split['gap']:.2f}", "standard deviations within the sets"
                ),
                markup.tile(
                    "Limit", limit, f"99 % of {split['samples']} samples without groups lie below it"
                ),
                markup.tile(
                    "Affected texts",
                    f"{split['sizes']['high']} of {split['n']}",
                    f"{found['counted_tokens']:,} tokens counted{_places(found)}",
                ),
                *shares_tile(found.get("shares")),
            ]
        )
    )
    if told := larger_set(found):
        st.caption(f":material/warning: {markup.inert(told)}")
    left, right = st.columns(2, gap="large")
    if "values" in found:
        with left:
            st.plotly_chart(
                rac_histogram(found["values"], found["members"], split),
                key=f"debias.{key}.histogram",
                config=QUIET,
                alt="Histogram of the rise of each text's loss along pruning, the two sets apart.",
            )
            if told := without_number(found["values"], "texts"):
                st.caption(markup.inert(told))
    with right:
        st.plotly_chart(
            rac_curve(found["curve"]),
            key=f"debias.{key}.curve",
            config=QUIET,
            alt="Mean loss of the affected texts and of the rest over sparsity, with intervals.",
        )
        if told := without_number(curve_values(found["curve"]), "means over the path"):
            st.caption(markup.inert(told))
    if found["auroc"]:
        st.html(auroc_table(found["auroc"]))
        st.caption(
            "AUROC of the rise against labels that the split never read, beside the dense model's loss. 0.5 is chance."
        )
    elif found.get("no_auroc"):
        st.caption(markup.inert(f"No AUROC: {found['no_auroc']}."))
    with st.expander(f"The {len(found['texts'])} most affected texts"):
        st.caption(markup.inert(f"{found['note']} The texts are those of the corpus, and may offend."))
        st.html(texts_table(found["texts"]))


def shares_tile(shares: Mapping[str, Any] | None) -> list[str]:
    """Which share of the opinions' tokens the affected texts have as they weigh, and had before; none of a refused split. HTML."""
    if not shares:
        return []
    before = f"{shares['before']:.1%} before, {shares['affected']:,} of {shares['tokens']:,} tokens: all counted, so without an interval"
    return [markup.tile("Their share as weighed", f"{shares['after']:.1%}", before)]


def larger_set(found: Mapping[str, Any]) -> str:
    """A sentence where the affected set is the larger one, whose weights are the smaller then; '' where it is not."""
    sizes = found["split"]["sizes"]
    shares = found.get("shares") or {"before": sizes["high"] / max(1, sizes["high"] + sizes["low"])}
    if not found["split"]["accepted"] or shares["before"] <= 0.5:
        return ""
    return (
        f"The affected texts are the larger set ({sizes['high']} of {found['split']['n']} texts, "
        f"{shares['before']:.0%} of what is weighed): equal shares then favour the other texts, whose loss pruning raises least."
    )


def _places(found: Mapping[str, Any]) -> str:
    """Where texts stand more than once, in how many places."""
    places = found.get("places", found["n"])
    return f", in {counted(places, 'place')}" if places > found["n"] else ""


def curve_values(curve: Mapping[str, Any]) -> list[float | None]:
    """The means of every set that the curve draws."""
    return [cell["value"] for name in ("all", "affected", "rest") for cell in curve.get(name) or ()]


def auroc_table(rows: Sequence[Mapping[str, Any]]) -> str:
    heads = ["Group", "RAC", "Dense loss", "Difference"]
    made = [
        [f"<b>{escape(str(row['group']))}</b><small>{row['members']} of {row['n']} texts</small>"]
        + [cell_html(row[name]) for name in ("rac", "dense", "difference")]
        for row in rows
    ]
    return markup.table(heads, made)


def texts_table(texts: Sequence[Mapping[str, Any]]) -> str:
    heads = ["Rise, nats per token", "Group", "Text"]
    rows = [
        [f"<b>{number(one['rac'], 2)}</b>", escape(str(one["group"] or "–")), escape(str(one["text"]))]
        for one in texts
    ]
    return markup.table(heads, rows)


# Recovery ----------------------------------------------------------------------------------------------------


def draw_recovery(found: Mapping[str, Any], losses: Sequence[GroupBeside]) -> None:
    """The worst group's loss before and after and beside the control, what moved, the loss of each step."""
    report = found["report"]
    st.header("What the recovery did", anchor=False)
    if losses:
        st.html(losses_table(losses))
        controlled = any(row.difference is not None for row in losses)
        st.caption(
            "Mean loss of held-out opinions per group, nats per token, the worst group first; lower is better. "
            + (
                "What counts is recovered − control: the control has as many steps."
                if controlled
                else "This run is itself what other recoveries have as their control."
            )
        )
    st.html(
        markup.grid(
            [
                markup.tile(
                    "Steps",
                    f"{report['steps']}",
                    f"of {report['batch_size']} windows, learning rate {report['learning_rate']:g}",
                ),
                markup.tile(
                    "Tokens",
                    f"{report['tokens']:,}",
                    f"{report['windows_drawn']} of {report['windows']} windows drawn",
                ),
                markup.tile(
                    "Weights that moved",
                    f"{report['moved']:,}",
                    f"{report['zeros']:,} zeros stayed zero, checked after every step",
                ),
            ]
        )
    )
    st.plotly_chart(
        recovery_losses(report),
        key="debias.losses",
        config=QUIET,
        alt="Loss of each step's windows before the step.",
    )
    for note in report["notes"]:
        st.caption(markup.inert(note))


def losses_table(rows: Sequence[GroupBeside]) -> str:
    """Group × pruned, recovered, control, and both paired differences; HTML."""
    controlled = any(row.difference is not None for row in rows)
    heads = ["Group", "Pruned (before)", "Recovered"]
    heads += ["Control: uniform", "Recovered − control, paired"] if controlled else []
    heads.append("After − before, paired")
    made = []
    for row in rows:
        cells = [row.before, row.after]
        if row.control is not None and row.difference is not None:
            cells += [row.control, row.difference]
        made.append([f"<b>{escape(str(row.group))}</b>", *(cell_html(cell) for cell in (*cells, row.change))])
    return markup.table(heads, made)


# Formulas ----------------------------------------------------------------------------------------------------


def draw_about(lab: str) -> None:
    """What a method is, in a sentence; its formulas and what is read or reconstructed, one click away."""
    one = LABS[lab]
    st.markdown(f"{markup.inert(one.what)}")
    st.caption(f":material/menu_book: {markup.inert(one.known)} Source: {markup.inert(one.source)}.")
    with st.expander("Formulas", icon=":material/function:"):
        for formula, words in one.formulas:
            st.latex(formula)
            st.caption(markup.inert(words))
