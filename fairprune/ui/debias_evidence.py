"""What an edit, a recovery and their data show of themselves: what an edit did, then splits, words and losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts_debias import (
    rac_curve,
    rac_histogram,
    recovery_losses,
    without_number,
)
from fairprune.debias_losses import GroupBeside
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.debias import LABS
from fairprune.ui.debias_numbers import cell_html, number
from fairprune.ui.debias_spin import draw_spin
from fairprune.ui.debias_words import draw_collapse

QUIET = {"displaylogo": False}


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
