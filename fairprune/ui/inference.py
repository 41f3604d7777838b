"""What may be concluded: verdicts with margins, the references, whether a metric tells fair from unfair here. Values → HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from fairprune.charts import percent, points
from fairprune.metrics import METRICS
from fairprune.ui import markup
from fairprune.ui.fairness import is_signed, ordered

REFERENCES = {
    "oracle": "Oracle",
    "random": "Random extract",
    "first": "First opinions",
    "permuted": "Groups exchanged",
    "one_group": "One group alone",
}
"""System of the evaluation → head of its column, from the fairest to the least fair by construction."""
REFERENCES_NOTE = (
    "As long as the summaries and scored like them. Oracle: each group its share of the words. Groups exchanged: the summaries "
    "themselves, after the opinions changed groups at random. A metric is valid here when oracle < random < one group in at "
    "least 95 % of the resamples."
)
VERDICT_NOTE = (
    "Better and worse: the interval excludes zero and the paired test rejects (adjusted over the primary metrics). Non-inferior: "
    "harm beyond the margin is excluded. Undecided: neither is shown. Metrics that are not primary are exploratory."
)


def sections(evaluation: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(title, table, note) of what the evaluation has; [] for runs of earlier versions."""
    metrics = evaluation["metrics"]
    stated = " ".join(f"{limit}." for limit in limits(metrics))
    found = (
        ("What may be concluded?", verdict_table(metrics), f"{VERDICT_NOTE} {stated}".strip()),
        (
            "Beside fair and unfair by construction",
            reference_table(metrics, evaluation.get("validity", {})),
            REFERENCES_NOTE,
        ),
    )
    return [part for part in found if part[1]]


def verdict_table(metrics: Mapping[str, Any]) -> str:
    """Metric × verdict with margin, p-values, what n could have shown, bounds for unscored summaries; HTML.

    '' for runs of earlier versions, which have none.
    """
    rows = []
    for name in ordered(metrics):
        cell = metrics[name]["difference"]
        if "verdict" not in cell:
            continue
        signed = is_signed(METRICS[name])
        kind = "primary" if cell["primary"] else "exploratory"
        rows.append(
            [
                f"<b>{escape(name.upper())}</b><small>{kind}</small>",
                _verdict(cell),
                _amount(cell["margin"], signed),
                _p_value(cell),
                _amount(cell["smallest_detectable"], signed),
                _bounds(cell.get("bounds"), signed),
            ]
        )
    if not rows:
        return ""
    heads = ("Metric", "Pruned against dense", "Margin", "p", "Smallest detectable", "Bounds for unscored")
    return markup.table(heads, rows)


def reference_table(metrics: Mapping[str, Any], validity: Mapping[str, Any]) -> str:
    """Metric × references with intervals, and whether they keep their order; '' for runs of earlier versions."""
    if not validity:
        return ""
    rows = []
    for name in ordered(metrics):
        signed = is_signed(METRICS[name])
        row = [f"<b>{escape(name.upper())}</b>", _validity(validity.get(name))]
        for system in REFERENCES:
            cell = metrics[name].get(system)
            if cell is None or cell["value"] is None:  # why stands in the table of the metrics
                row.append("<b>–</b>")
                continue
            value = markup.metric_value(cell, signed)
            row.append(
                f"<b>{escape(value)}</b><small>{escape(markup.interval(cell, signed))}</small><small>n = {cell['n']}</small>"
            )
        rows.append(row)
    return markup.table(["Metric", "Order of references", *REFERENCES.values()], rows)


def limits(metrics: Mapping[str, Any]) -> list[str]:
    """What is known against single intervals, one line each: 'UER, pruned: …'."""
    found: dict[str, list[str]] = {}
    for name in ordered(metrics):
        for system in ("dense", "pruned", "difference"):
            limit = metrics[name][system].get("limit")
            if limit:
                found.setdefault(limit, []).append(f"{name.upper()} {system}")
    return [f"{', '.join(names)}: {limit}" for limit, names in found.items()]


def _verdict(cell: Mapping[str, Any]) -> str:
    if cell["verdict"] is None:
        return f"<b>–</b><small>{escape(str(cell['verdict_reason']))}</small>"
    return f"<b>{escape(cell['verdict'])}</b><small>n = {cell['n']}</small>"


def _p_value(cell: Mapping[str, Any]) -> str:
    if cell["p_value"] is None:
        return "<b>–</b>"
    adjusted = "" if cell["p_holm"] is None else f"<small>Holm {cell['p_holm']:.3f}</small>"
    return f"<b>{cell['p_value']:.3f}</b>{adjusted}"


def _amount(value: float | None, signed: bool) -> str:
    if value is None:
        return "<b>–</b>"
    return f"<b>{escape(markup.number(value) if signed else points(value).removeprefix('+'))}</b>"


def _bounds(bounds: Mapping[str, Any] | None, signed: bool) -> str:
    if bounds is None or bounds["low_fair"] is None:
        return "<b>–</b>"
    ends = [bounds["low_fair"], bounds["high_unfair"]]
    decimals = [markup.number(end, signed=True) for end in ends]
    shown = decimals if signed else [points(ends[0]).removesuffix(" points"), points(ends[1])]
    return f"<b>{escape(' to '.join(shown))}</b><small>n = {bounds['n']}</small>"


def _validity(found: Mapping[str, Any] | None) -> str:
    if found is None or found["share"] is None:
        return f"<b>–</b><small>{escape(str((found or {}).get('reason') or 'not computed'))}</small>"
    word = "valid" if found["valid"] else "not valid here"
    return f"<b>{word}</b><small>in {percent(found['share'])} of resamples</small><small>n = {found['n']}</small>"
