"""Results as plain text tables for a terminal."""

from __future__ import annotations

from typing import Any

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
    lines += [f"note       {note}" for note in result["notes"]]
    for system, row in result["degenerate"].items():
        if row["flag"]:
            lines.append(
                f"WARNING    {row['share']:.0%} of the {system} summaries are degenerate: fairness numbers say little"
            )
    lines += ["", _row("", [*SYSTEMS, "n", "unscored"])]
    for name, cells in result["metrics"].items():
        lines.append(
            _row(name, [*(_cell(cells.get(system), 100, "%") for system in SYSTEMS), *_counts(cells)])
        )
    lines.append("")
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
            )
        )
    return "\n".join(lines)


def _row(name: str, cells: list[str]) -> str:
    return f"{name:11}" + "".join(
        f"{cell:>27}" if index < 4 else f"{cell:>9}" for index, cell in enumerate(cells)
    )


def _cell(cell: dict[str, Any] | None, scale: float, unit: str) -> str:
    """'12.5% [0.0, 37.5]', or '–' for what was not computed."""
    if cell is None or cell["value"] is None:
        return "–"
    value = f"{cell['value'] * scale:.1f}{unit}"
    if cell["low"] is None or cell["high"] is None:
        return value
    return f"{value} [{cell['low'] * scale:.1f}, {cell['high'] * scale:.1f}]"


def _counts(cells: dict[str, Any]) -> list[str]:
    """n and unscored of the pruned model's cell, or the dense model's where there is none."""
    cell = cells.get("pruned") or cells.get("dense") or {}
    return [str(cell.get("n", "–")), str(cell.get("n_unscored", "–"))]
