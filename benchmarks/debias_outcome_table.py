"""The rows of `benchmarks.debias_outcome` as Markdown. Without torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.debias_cells import MISSING, cell, made, table


def outcome_tables(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[str]]:
    """Per row: preferences in pairs of sentences and fairness numbers of each model, and paired differences of the recovered one."""
    if rows:
        yield ["### Outcomes beside UNC3"]
    for row in rows:
        one = row["found"]
        setting, asked = one["setting"], one["titles"]["asked"]
        systems = list(one["pairs"])
        others = list(one["pairs_difference"])
        body = [
            [
                "stereotyped sentence likelier, share of pairs (50 % is sought)",
                *(cell(one["pairs"][name]["share"]) for name in systems),
                *(MISSING for _ in others),
            ],
            [
                "log p stereotyped − log p other, nats (0 is sought)",
                *(cell(one["pairs"][name]["nats"], sign=True) for name in systems),
                *(cell(one["pairs_difference"][name], 3, sign=True) for name in others),
            ],
        ]
        for name, metric in one["metrics"].items():
            body.append(
                [
                    f"{name.upper()} (lower is fairer)",
                    *(_counted(metric["cells"][system]) for system in systems),
                    *(_counted(metric["differences"][other], sign=True) for other in others),
                ]
            )
        for text in ("opinions", "general"):
            ratios = [_ratio(one["perplexity"].get(system), text) for system in systems]
            body.append([f"perplexity of {text}, ratio to dense", *ratios, *(MISSING for _ in others)])
        heads = ["", *systems, *(f"{asked} − {other}" for other in others)]
        yield [
            f"λ = {setting['strength']:g}, {setting['steps']} steps of {setting['learning_rate']:g}, {setting['parameters']}; "
            f"{one['pairs']['dense']['n']} pairs of sentences, {one['samples']} summaries of `{one['corpus']}`. Differences of the "
            "preference are of its size.",
            "",
            *table(heads, body),
            "",
            f"{made(row)}.",
        ]


def _counted(found: Mapping[str, Any], *, sign: bool = False) -> str:
    """With the scored samples that it rests on: a broken model's summaries are mostly unscored."""
    return f"{cell(found, 3, sign=sign)}, n = {found['n']}" if found["value"] is not None else cell(found, 3)


def _ratio(found: Mapping[str, Any] | None, text: str) -> str:
    if not found or text not in found or found[text].get("ratio") is None:
        return MISSING
    ratio = found[text]["ratio"]
    return f"{ratio['value'] if isinstance(ratio, Mapping) else ratio:.3f}"
