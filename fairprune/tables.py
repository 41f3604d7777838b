"""Results as plain text tables for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fairprune.metrics import METRICS, limits
from fairprune.text import counted

SYSTEMS = ("dense", "pruned", "difference", "random")


def result_table(result: dict[str, Any]) -> str:
    """The result of a run: what was pruned, warnings first, then metrics and quality with intervals and n.

    Below each part: why a number or its interval is missing.
    """
    sparsity = result["sparsity"]
    lines = [
        f"run {result['run_id']}",
        f"sparsity   asked {sparsity['asked']:.4f}   achieved {sparsity['achieved']:.4f} of the pruned layers, "
        f"{sparsity['achieved_model']:.4f} of the model (file size and speed do not change)",
    ]
    for name, facts in result["generation"].items():
        speed = facts["tokens_per_second"]
        shown = "–" if speed is None else f"{speed:.1f} tokens/s"
        lines.append(
            f"{name:10} {shown} on {facts['device']} ({facts['dtype']}){', reused' if facts['reused'] else ''}"
        )
    flagged = [
        f"of the {system} summaries are degenerate"
        for system, row in result["degenerate"].items()
        if row["flag"]
    ]
    for note in result["notes"]:
        lines.append(f"{'WARNING' if any(words in note for words in flagged) else 'note':10} {note}")
    names = {name: _shown(name, cells) for name, cells in result["metrics"].items()}
    rows = [["", *SYSTEMS, "unscored"], ["", "", "", "", "", "dense/pruned"]]
    told: list[tuple[str, Mapping[str, Any] | None]] = []
    for name, cells in result["metrics"].items():
        rows.append([names[name], *_cells(cells, SYSTEMS, METRICS[name].is_rate), _unscored(cells)])
        told += [(f"{names[name]} {system}", cells.get(system)) for system in SYSTEMS]
        distance = (cells.get("difference") or {}).get("distance") or {}
        if distance.get("value") is not None:
            told.append((f"{names[name]} distance from 0", distance))
    metrics = len(rows)
    for name, cells in result["quality"].items():
        rows.append([name, *_cells(cells, SYSTEMS[:3], name != "words"), "", _unscored(cells)])
    aligned = _aligned(rows)
    lines += ["", *aligned[:metrics], *reason_lines(told), ""]
    for name, cells in result["metrics"].items():
        own = {system: cells[system] for system in SYSTEMS[:2] if system in cells}
        lines += [f"{name:14} {part}" for part in beside_parts(own)]
    lines += [*verdict_lines(result["metrics"], result.get("validity") or {}), ""]
    told = []
    for row in result["groups"]:
        if row["system"] in SYSTEMS[:2]:
            lines.append(
                f"{'share of ' + row['group']:24} {row['system']:8} summary − source  {cell_text(row, 100, ' points', 1)}"
            )
            told.append((f"{row['group']} {row['system']}", row))
    lines += [*reason_lines(told), "", *aligned[metrics:]]
    lines += reason_lines(
        [
            (f"{name} {system}", cells.get(system))
            for name, cells in result["quality"].items()
            for system in SYSTEMS[:3]
        ]
    )
    lines += perplexity_lines(result["perplexity"] or {})
    return "\n".join(lines)


def reason_lines(cells: Iterable[tuple[str, Mapping[str, Any] | None]]) -> list[str]:
    """'no interval of uer difference, sof difference: every resample gives the same value …': one line per reason, then
    'limit of auc difference: …', one per limit of intervals that are there.

    Args:
        cells: what each is called, and the cell.
    """
    found: dict[str, dict[str, list[str]]] = {"no value": {}, "no interval": {}, "limit": {}}
    for name, cell in cells:
        why = missing_reason(cell)
        if why is not None:
            found[f"no {why[0]}"].setdefault(why[1], []).append(name)
        elif cell is not None and cell.get("limit"):
            found["limit"].setdefault(str(cell["limit"]), []).append(name)
    return [
        f"{what} of {', '.join(names)}: {reason}"
        for what, reasons in found.items()
        for reason, names in reasons.items()
    ]


def missing_reason(cell: Mapping[str, Any] | None) -> tuple[str, str] | None:
    """('value' or 'interval', why it is missing); None where nothing is."""
    if cell is None or cell.get("value") is None:
        return "value", str((cell or {}).get("reason") or "not computed")
    if cell.get("low") is None or cell.get("high") is None:
        # Runs of earlier versions do not say more.
        return "interval", str(cell.get("limit") or "there are too few topics, or nothing varies")
    return None


def cell_text(
    cell: Mapping[str, Any] | None, scale: float, unit: str, digits: int, *, signed: bool = False
) -> str:
    """'12.5% [0.0, 37.5]  n 40', of a difference '+2.5 points [-1.0, 6.0]  n 38'; '–' for what was not computed."""
    if cell is None or cell.get("value") is None:
        return "–"
    sign = "+" if signed else ""
    ends = ""
    if cell.get("low") is not None and cell.get("high") is not None:
        ends = f" [{cell['low'] * scale:.{digits}f}, {cell['high'] * scale:.{digits}f}]"
    return f"{cell['value'] * scale:{sign}.{digits}f}{unit}{ends}  n {cell['n']}"


def verdict_lines(metrics: Mapping[str, Any], validity: Mapping[str, Any]) -> list[str]:
    """One line per metric: verdict or why there is none, p, what n could have shown, whether the metric is valid here."""
    lines = []
    for name, cells in metrics.items():
        cell = cells.get("difference", {})
        if "verdict" not in cell:
            continue  # runs of earlier versions
        parts = verdict_parts(name, cell)
        if name in validity:
            parts.append(validity_text(validity[name]))
        lines.append(f"{name:14} {'   '.join(parts)}")
    return lines


def verdict_parts(name: str, cell: Mapping[str, Any]) -> list[str]:
    """What follows from a metric's difference: verdict or why there is none, p, margin, what this n could have shown."""
    scale, unit = (100, " points") if METRICS[name].is_rate else (1, "")
    parts = [
        cell["verdict"] or f"no verdict ({cell['verdict_reason']})",
        "primary" if cell["primary"] else "exploratory",
    ]
    if cell["p_value"] is not None:
        adjusted = "" if cell["p_holm"] is None else f", Holm {cell['p_holm']:.3f}"
        parts.append(f"p {cell['p_value']:.3f}{adjusted}")
    if cell["margin"] is not None:
        parts.append(f"margin {cell['margin'] * scale:g}{unit}")
    smallest = cell["smallest_detectable"]
    if smallest is not None and smallest > limits(METRICS[name])[1]:
        parts.append("detectable: no difference that there can be")
    elif smallest is not None:
        parts.append(f"detectable {smallest * scale:.{1 if unit else 2}f}{unit}")
    return parts


def validity_text(found: Mapping[str, Any]) -> str:
    """Whether a metric tells fair from unfair here, as `validity` of a result says it."""
    if found["share"] is None:
        return f"not known to be valid ({found.get('reason')})"
    word = "valid" if found["valid"] else "not valid here"
    return f"{word} ({found['share']:.0%} of resamples), n {found['n']}"


def beside_parts(cells: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What qualifies a metric's values, one text each: SPD2's absolute side, BUR without samples of one group, sentences
    without a group, summaries without a match.

    Args:
        cells: system → its cell of this metric; what runs of earlier versions do not have is left out.
    """

    def each(show: Callable[[Mapping[str, Any]], str | None]) -> str:
        found = {system: show(cell) for system, cell in cells.items() if cell.get("value") is not None}
        return ", ".join(f"{system} {text}" for system, text in found.items() if text is not None)

    parts = []
    if found := each(_absolute):
        parts.append(f"mean of absolute values: {found}")
    if any(cell.get("n_single_group") for cell in cells.values()):
        parts.append(f"samples with one group, always fair, and the others alone: {each(_multi)}")
    if found := each(lambda cell: None if cell.get("none_share") is None else f"{cell['none_share']:.0%}"):
        parts.append(f"sentences without a group: {found}")
    if found := each(lambda cell: str(cell["n_zero_match"]) if cell.get("n_zero_match") else None):
        parts.append(f"summaries of which no word matched: {found}")
    return parts


def _absolute(cell: Mapping[str, Any]) -> str | None:
    if cell.get("absolute") is None:
        return None
    ends = {"low": cell.get("absolute_low"), "high": cell.get("absolute_high")}
    why = f" ({cell.get('absolute_limit')})" if ends["low"] is None and cell.get("absolute_limit") else ""
    return cell_text({"value": cell["absolute"], **ends, "n": cell["n"]}, 1, "", 2) + why


def _multi(cell: Mapping[str, Any]) -> str | None:
    single = cell.get("n_single_group")
    if not single:
        return None if single is None else "0"
    if cell.get("value_multi") is None:
        return f"{single}, – ({cell.get('multi_limit') or 'not computed'})"
    ends = {"low": cell.get("multi_low"), "high": cell.get("multi_high")}
    why = f" ({cell.get('multi_limit')})" if ends["low"] is None and cell.get("multi_limit") else ""
    found = {"value": cell["value_multi"], **ends, "n": cell["n"] - single}
    return f"{single}, {cell_text(found, 100, '%', 1)}{why}"


def perplexity_lines(texts: Mapping[str, Any]) -> list[str]:
    """One line per text: dense, pruned, their ratio, what was read; or why it is missing. And why there is no interval."""
    lines = []
    for name, cells in texts.items():
        dense, pruned = cells["dense"], cells["pruned"]
        values = (dense["value"], pruned["value"], cells["ratio"])
        shown = "   ".join(
            f"{label} {perplexity_value(value)}"
            for label, value in zip(("dense", "pruned", "ratio"), values, strict=True)
        )
        lines.append(
            f"{'perplexity of ' + name:24} {shown}   n {pruned['tokens']} tokens in {counted(pruned['windows'], 'window')}"
        )
        lines += [
            f"{'':24} {system} is missing: {cell['reason']}"
            for system, cell in (("dense", dense), ("pruned", pruned))
            if cell["reason"]
        ]
    if any(cells[system]["value"] is not None for cells in texts.values() for system in SYSTEMS[:2]):
        lines.append("no interval of perplexity: the loss is summed over all windows, none is kept alone")
    return lines


def perplexity_value(value: float | None) -> str:
    """Two decimals, from a million on in scientific notation; '–' for a missing one."""
    if value is None:
        return "–"
    return f"{value:,.2f}" if value < 1e6 else f"{value:.2e}"


def _shown(name: str, cells: Mapping[str, Any]) -> str:
    """'bur (ngram)': the matcher is part of the name."""
    matcher = cells.get("dense", {}).get("matcher")
    return f"{name} ({matcher})" if matcher else name


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, the others to the right, as wide as they need."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "   ".join(
            [f"{row[0]:{widths[0]}}", *(f"{cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _cells(cells: Mapping[str, Any], systems: Sequence[str], is_rate: bool) -> list[str]:
    """Of a metric or quality number: what each system has."""
    found = []
    for system in systems:
        cell, signed = cells.get(system), system == "difference"
        value = (cell or {}).get("value")
        digits = 1 if is_rate or (value is not None and abs(value) > 2) else 2
        unit = (" points" if signed else "%") if is_rate else ""
        found.append(cell_text(cell, 100 if is_rate else 1, unit, digits, signed=signed))
    return found


def _unscored(cells: Mapping[str, Any]) -> str:
    """Unscored summaries of the dense and of the pruned model."""
    return "/".join(str(cells.get(system, {}).get("n_unscored", "–")) for system in SYSTEMS[:2])
