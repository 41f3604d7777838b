"""Flat copies of what a bundle holds, for other programs: data frames → Parquet. A bundle's reader never reads them back."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fairprune.headlines import SYSTEMS, headline
from fairprune.opinions import OpinionSet
from fairprune.store import Run, SummaryRow
from fairprune.store.database import plain

NUMBERS = ("run", "title", "part", "name", "system", "value", "low", "high", "n", "n_unscored", "reason")
SCORES = ("bur", "uer", "auc", "spd2", "rouge_l", "words", "unscored")


def parquet(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A table as a Parquet file."""
    import pandas as pd  # slow to import, and reading a bundle needs none of it

    buffer = io.BytesIO()
    pd.DataFrame(list(rows)).to_parquet(buffer, index=False, compression="zstd")
    return buffer.getvalue()


def numbers_table(run: Run, documents: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per cell of the metrics and the quality of a run: fractions, None where missing."""
    found = headline(documents["evaluation"], documents["sparsity"], documents.get("perplexity"))
    return list(_cells(run, found))


def _cells(run: Run, found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for part in ("metrics", "quality"):
        for name, cells in found[part].items():
            for system in SYSTEMS:
                if system in cells:
                    cell = {key: cells[system].get(key) for key in NUMBERS[5:]}
                    yield {
                        "run": run.id,
                        "title": plain(run.title),
                        "part": part,
                        "name": name,
                        "system": system,
                        **cell,
                    }
    for key in ("asked", "achieved"):
        yield {
            **dict.fromkeys(NUMBERS),
            "run": run.id,
            "title": plain(run.title),
            "part": "sparsity",
            "name": key,
            "system": "pruned",
            "value": found["sparsity"][key],
        }


def summaries_table(
    run: Run, documents: Mapping[str, Any], rows: Mapping[str, Sequence[SummaryRow]]
) -> list[dict[str, Any]]:
    """One row per summary of a run, with its scores.

    Args:
        rows: system → its summaries.
    """
    samples = documents["evaluation"]["samples"]
    return [
        {
            "run": run.id,
            "system": system,
            "sample": row.position + 1,
            "set_id": row.set_id,
            "text": plain(row.text),
            "tokens": row.tokens,
            "truncated": row.truncated,
            **{key: (samples[row.position].get(system) or {}).get(key) for key in SCORES},
        }
        for system, found in rows.items()
        for row in found
    ]


def opinions_table(corpus: str, sets: Sequence[OpinionSet]) -> list[dict[str, Any]]:
    """One row per opinion of the sets, in the order in which the model read them."""
    return [
        {
            "set_id": one.id,
            "corpus": corpus,
            "topic": plain(one.topic),
            "composition": plain(one.composition),
            "position": place,
            "group": plain(opinion.group),
            "text": plain(opinion.text),
            "source": plain(opinion.source),
            "speaker": plain(opinion.speaker),
        }
        for one in sets
        for place, opinion in enumerate(one.opinions)
    ]
