"""Votes as files for other programs: one row per vote, and as arena scripts read them.

Judges stand under their pseudonyms, systems with the hash of the run that wrote the summary. CSV cells that a spreadsheet would
execute are neutralised; JSON Lines and Parquet have the texts as they are.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from fairprune.errors import BadInput
from fairprune.judgments.votes import Vote
from fairprune.spreadsheet import neutral

COLUMNS = (
    *("study", "judge", "item", "sample", "question", "system_left", "system_right", "run_left", "run_right"),
    *(
        "answer",
        "preferred",
        "seconds",
        "group",
        "position",
        "kind",
        "repeat_of",
        "expected",
        "comment",
        "sides",
    ),
)
"""Of a row, in this order."""
SIDES_KNOWN, SIDES_UNKNOWN = "as shown", "not known"
"""Whether `system_left` stood left."""
ARENA = ("question_id", "model_a", "model_b", "winner", "judge", "turn", "anony")
Row = dict[str, Any]


def rows(votes: Sequence[Vote], runs: Mapping[str, str]) -> list[Row]:
    """One row per vote, sorted by judge and position: a row says alone what was compared and what wrote it.

    Args:
        runs: of a system's name, the hash of the run whose summaries it shows. '' where none is known. Systems of
            practice and attention items may be left out.

    Raises:
        BadInput: a system of an item is not among the runs.
    """
    found = []
    for vote in sorted(votes, key=lambda one: (one.judge, one.position, one.item, one.question)):
        for system in (vote.system_left, vote.system_right):
            if vote.kind in ("item", "repeat") and system not in runs:
                raise BadInput(
                    f"system {system!r} of item {vote.item!r} has no run: name the run that wrote its summaries"
                )
        preferred = {"left": vote.system_left, "right": vote.system_right}.get(vote.answer)
        found.append(
            {
                "study": vote.study,
                "judge": vote.judge,
                "item": vote.item,
                "sample": vote.sample,
                "question": vote.question,
                "system_left": vote.system_left,
                "system_right": vote.system_right,
                "run_left": runs.get(vote.system_left) or None,
                "run_right": runs.get(vote.system_right) or None,
                "answer": vote.answer,
                "preferred": preferred,
                "seconds": vote.seconds,
                "group": vote.group,
                "position": vote.position,
                "kind": vote.kind,
                "repeat_of": vote.repeat_of,
                "expected": "; ".join(vote.expected) or None,
                "comment": vote.comment,
                "sides": SIDES_KNOWN if vote.sided else SIDES_UNKNOWN,
            }
        )
    return found


def to_csv(table: Sequence[Row], columns: Sequence[str] = COLUMNS) -> bytes:
    """UTF-8, a header, empty cells for what is missing; no cell that a spreadsheet would execute."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([neutral(name) for name in columns])
    for row in table:
        writer.writerow([neutral(row.get(name)) for name in columns])
    return out.getvalue().encode()


def to_jsonl(table: Sequence[Row]) -> bytes:
    """One JSON object a line, null for what is missing."""
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) for row in table]
    return "".join(f"{line}\n" for line in lines).encode()


def to_parquet(table: Sequence[Row], columns: Sequence[str] = COLUMNS) -> bytes:
    """Typed columns: seconds and confidence as float, position as integer, all else text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"seconds": pa.float64(), "confidence": pa.float64(), "position": pa.int64(), "turn": pa.int64()}
    kinds |= {"anony": pa.bool_()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in columns])
    data = {name: [row.get(name) for row in table] for name in columns}
    buffer = io.BytesIO()
    pq.write_table(pa.table(data, schema=schema), buffer)
    return buffer.getvalue()


def arena_rows(votes: Sequence[Vote], question: str) -> list[Row]:
    """`model_a, model_b, winner` as FastChat's scripts read battles: model_a stood left.

    'Both unfair' is their 'tie (bothbad)', which those scripts count as a tie; fairprune's own ranking does not. 'Cannot tell',
    repeats, attention and practice are left out.
    """
    winners = {"left": "model_a", "right": "model_b", "tie": "tie", "both_unfair": "tie (bothbad)"}
    return [
        {
            "question_id": vote.item,
            "model_a": vote.system_left,
            "model_b": vote.system_right,
            "winner": winners[vote.answer],
            "judge": vote.judge,
            "turn": 1,
            "anony": True,
        }
        for vote in votes
        if vote.kind == "item" and vote.question == question and vote.answer in winners
    ]
