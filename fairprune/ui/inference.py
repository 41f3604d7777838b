"""What may be concluded: verdicts with margins, the references, whether a metric tells fair from unfair here. Values → HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from fairprune.charts import percent, points
from fairprune.charts_metrics import metric_label
from fairprune.metrics import METRICS, in_order
from fairprune.metrics import limits as limits_of
from fairprune.ui import markup
from fairprune.ui.fairness import is_signed, reasons

REFERENCES = {
    "oracle": "Oracle",
    "random": "Random extract",
    "first": "First opinions",
    "permuted": "Groups exchanged",
    "one_group": "One group alone",
}
"""System of the evaluation → head of its column, from the fairest to the least fair by construction."""
CHIPS = {
    "better": ("#009e73", "▲"),
    "non-inferior": ("#0072b2", "="),
    "worse": ("#d55e00", "▼"),
    "undecided": ("#8a94a3", "?"),
}
"""Verdict → colour and symbol of its chip."""
WORDS = {
    "Better": "The whole interval lies on the fairer side of zero, and the paired test rejects.",
    "Non-inferior": "Harm beyond the margin is excluded; a benefit is not shown.",
    "Worse": "The whole interval lies on the less fair side of zero and reaches the margin, and the paired test rejects.",
    "Undecided": "Neither a harm beyond the margin nor its absence is shown: more samples would be needed.",
    "No verdict (–)": "With fewer than 30 paired samples, on one topic, without a margin, or where the dense model supports no "
    "claim about pruning. The numbers stand, but nothing follows from them.",
    "Margin": "The largest harm that the run's author would accept, chosen before looking.",
    "p, and Holm": "How often systems that do not differ would lie at least this far apart, when they are exchanged in whole "
    "topics. Holm's method adjusts it over the primary metrics.",
    "Primary, exploratory": "Primary metrics were named before looking. What is exploratory suggests, and shows nothing.",
    "Smallest detectable": "The true difference that a run of this n would find in 80 of 100 cases. A smaller one may be there unseen.",
    "Bounds for unscored": "The difference if every unscored summary were fair in one system and fully unfair in the other.",
    "Valid here": "On this corpus the metric puts oracle < random < one group in at least 95 % of the resamples. A metric that "
    "is not valid here cannot tell fair from unfair summaries of this length.",
    "Random extract": "Sentences of the opinions drawn at random, as long as the summary: what length alone scores. Zero is "
    "out of reach for a short summary, so compare with this.",
    "Oracle, one group": "The fairest and the least fair summary of that length, by construction.",
    "Noise": "The dense model's own difference, asked twice with the opinions in another order and in other batches. A change "
    "by pruning within that band is no change.",
    "Bootstrap bias": "How far resampling alone moves a mean of absolute values; such values come out too large.",
}
"""A word on the page → what it means."""
REFERENCES_NOTE = (
    "As long as the summaries and scored like them. Oracle: each group its share of the words. Groups exchanged: the summaries "
    "themselves, after the opinions changed groups at random."
)


def words_list() -> str:
    """All words of a verdict and what they mean; HTML."""
    parts = "".join(f"<dt>{escape(word)}</dt><dd>{escape(what)}</dd>" for word, what in WORDS.items())
    return f'<dl class="fp-terms">{parts}</dl>'


def verdict_chip(cell: Mapping[str, Any]) -> str:
    """The verdict as a chip; '' where there is none."""
    verdict = cell.get("verdict")
    return markup.chip(verdict, *CHIPS[verdict]) if verdict else ""


def no_verdicts(metrics: Mapping[str, Any]) -> list[str]:
    """Why there is no verdict, 'BUR, UER: why'; [] where there is one, whose table then gives the reasons of the others."""
    found: dict[str, list[str]] = {}
    for name in in_order(metrics):
        cell = metrics[name]["difference"]
        if cell.get("verdict"):
            return []
        if "verdict" in cell:
            found.setdefault(str(cell["verdict_reason"]), []).append(metric_label(name))
    return [f"{', '.join(names)}: {reason}" for reason, names in found.items()]


def verdict_table(metrics: Mapping[str, Any], validity: Mapping[str, Any]) -> str:
    """Metric × verdict with margin, p-values, what n could have shown, bounds for unscored summaries, validity; HTML.

    '' for runs of earlier versions, which have none. Where no metric has a verdict, the reasons are left to `no_verdicts`.
    """
    told = bool(no_verdicts(metrics))
    rows = []
    for name in in_order(metrics):
        cell = metrics[name]["difference"]
        if "verdict" not in cell:
            continue
        signed = is_signed(METRICS[name])
        kind = "primary" if cell["primary"] else "exploratory"
        if not cell["n"]:
            why = f"<b>–</b><small>{escape(str(cell.get('reason') or 'nothing is scored'))}</small>"
            rows.append([f"<b>{escape(metric_label(name))}</b><small>{kind}</small>", why])
            continue
        rows.append(
            [
                f"<b>{escape(metric_label(name))}</b><small>{kind}</small>",
                _verdict(cell, told),
                _amount(cell["margin"], signed, "none given"),
                _p_value(cell),
                _detectable(name, cell["smallest_detectable"], signed),
                _bounds(cell, signed),
                _validity(validity.get(name)),
            ]
        )
        distance = cell.get("distance")
        if distance is not None and distance["value"] is not None:
            ends = markup.interval(distance, signed, True)
            rows.append(
                [
                    escape(
                        f"judged by its distance from 0: {markup.metric_difference(distance, signed)}, {ends}"
                    )
                ]
            )
    if not rows:
        return ""
    heads = ("Metric", "Verdict", "Margin", "p", "Smallest detectable", "Bounds for unscored", "Valid here?")
    return markup.table(heads, rows)


def reference_table(metrics: Mapping[str, Any]) -> str:
    """Metric × references with intervals; '' for runs of earlier versions, which have a random extract alone."""
    if not any(cells.get("oracle") for cells in metrics.values()):
        return ""
    rows = []
    told: list[tuple[str, Mapping[str, Any] | None]] = []
    for name in in_order(metrics):
        signed = is_signed(METRICS[name])
        row = [f"<b>{escape(metric_label(name))}</b>"]
        cells = [metrics[name].get(system) for system in REFERENCES]
        whys = {(cell or {}).get("reason") for cell in cells}
        if len(whys) == 1 and all(cell is None or cell["value"] is None for cell in cells):
            rows.append([*row, f"<b>–</b><small>{escape(str(whys.pop() or 'not computed'))}</small>"])
            continue
        for cell in cells:
            if cell is None:
                row.append("<b>–</b><small>not computed</small>")
                continue
            value = markup.metric_value(cell, signed)
            row.append(
                f"<b>{escape(value)}</b><small>{escape(markup.interval(cell, signed))}</small><small>n = {cell['n']}</small>"
            )
        rows.append(row)
        told += [(f"{metric_label(name)} {system}", metrics[name].get(system)) for system in REFERENCES]
    return markup.table(["Metric", *REFERENCES.values()], rows) + reasons(told)


def limits(metrics: Mapping[str, Any]) -> list[str]:
    """What is known against single intervals, one line each: 'UER, BUR pruned: …'; a metric alone means all its intervals."""
    systems = ("dense", "pruned", "difference")
    found: dict[str, list[str]] = {}
    for name in in_order(metrics):
        cells = {system: metrics[name][system] for system in systems}
        cells["distance from 0"] = metrics[name]["difference"].get("distance") or {}
        told: dict[str, list[str]] = {}
        for system, cell in cells.items():
            if limit := cell.get("limit"):
                told.setdefault(limit, []).append(system)
        label = metric_label(name)
        for limit, where in told.items():
            alone = set(systems) <= set(where)
            names = [label] if alone else [f"{label} {system}" for system in where]
            found.setdefault(limit, []).extend(names)
    return [f"{', '.join(names)}: {limit}" for limit, names in found.items()]


def _verdict(cell: Mapping[str, Any], told: bool) -> str:
    """The chip, or a dash with the reason unless that was told before."""
    chip = verdict_chip(cell)
    lines = [*([] if chip or told else [str(cell["verdict_reason"])]), f"n = {cell['n']} paired"]
    return (chip or "<b>–</b>") + "".join(f"<small>{escape(line)}</small>" for line in lines)


def _p_value(cell: Mapping[str, Any]) -> str:
    if cell["p_value"] is None:
        return "<b>–</b><small>not tested</small>"
    adjusted = "" if cell["p_holm"] is None else f"<small>Holm {cell['p_holm']:.3f}</small>"
    return f"<b>{cell['p_value']:.3f}</b>{adjusted}"


def _amount(value: float | None, signed: bool, missing: str) -> str:
    if value is None:
        return f"<b>–</b><small>{escape(missing)}</small>"
    return f"<b>{escape(markup.number(value) if signed else points(value).removeprefix('+'))}</b>"


def _detectable(name: str, value: float | None, signed: bool) -> str:
    """The smallest difference that this n could have shown; a dash where none that there can be would have been."""
    if value is not None and value > limits_of(METRICS[name])[1]:
        return "<b>–</b><small>none: larger than any difference</small>"
    return _amount(value, signed, "no standard error")


def _bounds(cell: Mapping[str, Any], signed: bool) -> str:
    bounds = cell.get("bounds")
    if bounds is None or bounds["low_fair"] is None:
        why = "scores of a model have none" if bounds is None and cell["n"] else "nothing is scored"
        return f"<b>–</b><small>{why}</small>"
    low, high = bounds["low_fair"], bounds["high_unfair"]
    if signed:
        shown = f"{markup.number(low, True)} to {markup.number(high, True)}"
    else:
        shown = " to ".join(points(end).removesuffix(" points") for end in (low, high))
    unit = "" if signed else "points, "
    return f"<b>{escape(shown)}</b><small>{unit}n = {bounds['n']}</small>"


def _validity(found: Mapping[str, Any] | None) -> str:
    if found is None or found["share"] is None:
        return f"<b>–</b><small>{escape(str((found or {}).get('reason') or 'not computed'))}</small>"
    word = "valid" if found["valid"] else "not valid here"
    order = f"oracle < random < one group in {percent(found['share'], 0)} of resamples"
    return f"<b>{word}</b><small>{escape(order)}, n = {found['n']}</small>"
