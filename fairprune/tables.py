"""Results as plain text tables for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairprune.metrics import METRICS

SYSTEMS = ("dense", "pruned", "difference", "random")


def result_table(result: dict[str, Any]) -> str:
    """The result of a run: what was pruned, warnings first, then metrics and quality with intervals and n."""
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
    width = max(
        18, *(len(name) + 2 for name in names.values()), *(len(name) + 2 for name in result["quality"])
    )
    heads = ([*SYSTEMS, "n", "unscored"], ["", "", "", "", *["dense/pruned"] * 2])
    lines += ["", *(_row("", head, width) for head in heads)]
    for name, cells in result["metrics"].items():
        scale, unit = (100, "%") if METRICS[name].is_rate else (1, "")
        values = [_cell(cells.get(system), scale, unit) for system in SYSTEMS]
        lines.append(_row(names[name], [*values, *_counts(cells)], width))
    lines += ["", *verdict_lines(result["metrics"], result.get("validity") or {}), ""]
    for row in result["groups"]:
        if row["system"] in ("dense", "pruned"):
            lines.append(
                f"{'share of ' + row['group']:24} {row['system']:8} summary − source  {_cell(row, 100, ' points')}  n {row['n']}"
            )
    lines.append("")
    for name, cells in result["quality"].items():
        scale, unit = (1, "") if name == "words" else (100, "%")
        lines.append(
            _row(
                name,
                [*(_cell(cells.get(system), scale, unit) for system in SYSTEMS[:3]), "", *_counts(cells)],
                width,
            )
        )
    lines += perplexity_lines(result["perplexity"] or {})
    return "\n".join(lines)


def verdict_lines(metrics: Mapping[str, Any], validity: Mapping[str, Any]) -> list[str]:
    """One line per metric: verdict or why there is none, p, what n could have shown, whether the metric is valid here."""
    lines = []
    for name, cells in metrics.items():
        cell = cells.get("difference", {})
        if "verdict" not in cell:
            continue  # runs of earlier versions
        scale, unit = (100, " points") if METRICS[name].is_rate else (1, "")
        parts = [cell["verdict"] or f"no verdict ({cell['verdict_reason']})"]
        parts.append("primary" if cell["primary"] else "exploratory")
        if cell["p_value"] is not None:
            adjusted = "" if cell["p_holm"] is None else f", Holm {cell['p_holm']:.3f}"
            parts.append(f"p {cell['p_value']:.3f}{adjusted}")
        if cell["margin"] is not None:
            parts.append(f"margin {cell['margin'] * scale:g}{unit}")
        if cell["smallest_detectable"] is not None:
            digits = 1 if unit else 2
            parts.append(f"detectable {cell['smallest_detectable'] * scale:.{digits}f}{unit}")
        found = validity.get(name)
        if found and found["share"] is not None:
            word = "valid" if found["valid"] else "not valid here"
            parts.append(f"{word} ({found['share']:.0%} of resamples)")
        lines.append(f"{name:14} {'   '.join(parts)}")
    return lines


def perplexity_lines(texts: Mapping[str, Any]) -> list[str]:
    """One line per text: dense, pruned, their ratio, what was read; or why it is missing."""
    lines = []
    for name, cells in texts.items():
        dense, pruned = cells["dense"], cells["pruned"]
        values = (dense["value"], pruned["value"], cells["ratio"])
        shown = "   ".join(
            f"{label} {perplexity_value(value)}"
            for label, value in zip(("dense", "pruned", "ratio"), values, strict=True)
        )
        lines.append(
            f"{'perplexity of ' + name:24} {shown}   n {pruned['tokens']} tokens in {pruned['windows']} windows"
        )
        lines += [
            f"{'':24} {system} is missing: {cell['reason']}"
            for system, cell in (("dense", dense), ("pruned", pruned))
            if cell["reason"]
        ]
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


def _row(name: str, cells: list[str], width: int) -> str:
    return f"{name:{width}}" + "".join(
        f"{cell:>27}" if index < 4 else f"{cell:>14}" for index, cell in enumerate(cells)
    )


def _cell(cell: dict[str, Any] | None, scale: float, unit: str) -> str:
    """'12.5% [0.0, 37.5]', or '–' for what was not computed."""
    if cell is None or cell["value"] is None:
        return "–"
    digits = 1 if unit or scale != 1 or abs(cell["value"]) > 2 else 2
    value = f"{cell['value'] * scale:.{digits}f}{unit}"
    if cell["low"] is None or cell["high"] is None:
        return value
    return f"{value} [{cell['low'] * scale:.{digits}f}, {cell['high'] * scale:.{digits}f}]"


def _counts(cells: dict[str, Any]) -> list[str]:
    """Scored and unscored summaries of the dense and of the pruned model."""
    return [
        "/".join(str(cells.get(system, {}).get(key, "–")) for system in SYSTEMS[:2])
        for key in ("n", "n_unscored")
    ]
