"""The numbers of one sample as a result keeps them, and why those are missing that are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fairprune.evidence import Evidence, sample_evidence
from fairprune.metrics.matchers.base import EMPTY, NO_WORDS, NOT_WRITTEN
from fairprune.metrics.matchers.words import tokens
from fairprune.metrics.quality import loss_ratio
from fairprune.metrics.scoring.cells import SYSTEMS
from fairprune.metrics.scoring.systems import System
from fairprune.opinions import CorpusInfo, OpinionSet
from fairprune.spec import MetricSpec

MORE = ("ec", "ec_embedding")
"""Optional metrics whose corpus value is the mean of the samples'."""
NO_LOSS = "losses under the dense model were not asked for"
UNREADABLE = "no token that the dense model could be asked for"
NO_RATIO = "no loss of both summaries, or a dense one of 0"
FEW_WORDS = "fewer than four words"
NO_ROUGE = "no opinion has a word"
ONE_GROUP = "only one group has text"

Losses = Mapping[str, Sequence[float | None]]


def loss_ratios(losses: Losses) -> list[float | None]:
    """Per sample the loss of the pruned summary over that of the dense one; [] where there are none."""
    pairs = zip(losses.get("pruned", ()), losses.get("dense", ()), strict=False)
    return [loss_ratio(pruned, dense) for pruned, dense in pairs]


def sample_rows(
    sets: Sequence[OpinionSet],
    systems: Mapping[str, System],
    info: CorpusInfo,
    spec: MetricSpec,
    *,
    losses: Losses | None,
    grounds: Mapping[str, Evidence],
    no_evidence: str | None,
    no_labels: str,
) -> list[dict[str, Any]]:
    """Per sample its set's id, `loss_ratio` and, by system, its numbers; `reasons` says why a number of them is null.

    Args:
        losses: system → per-token loss of each text under the dense model; None: not asked for.
        grounds: system → what its summaries rest on.
        no_evidence: why there is no evidence at all.
        no_labels: why sentences have no labels.
    """
    given = losses or {}
    ratios = loss_ratios(given)
    why = NO_LOSS if losses is None else NO_RATIO
    rows: list[dict[str, Any]] = []
    for i, one in enumerate(sets):
        row: dict[str, Any] = {"set_id": one.id}
        for name in SYSTEMS:
            if name in systems:
                numbers = _numbers(i, systems[name], info, spec)
                numbers["loss"] = given[name][i] if name in given else None
                numbers |= sample_evidence(grounds.get(name), i, info.groups)
                numbers["reasons"] = _reasons(numbers, i, systems[name], losses, no_evidence, no_labels)
                row[name] = numbers
        row["loss_ratio"] = ratios[i] if ratios else None
        if row["loss_ratio"] is None:
            row["loss_ratio_reason"] = why
        rows.append(row)
    return rows


def _numbers(i: int, system: System, info: CorpusInfo, spec: MetricSpec) -> dict[str, Any]:
    def number(table: str) -> float | None:
        value = float(system.tables[table][i, 0]) if table in system.tables else None
        return None if value is None or math.isnan(value) else value

    shares = system.main[i]
    p_x = {
        group: float(share)
        for group, share in zip(info.groups, shares.fair(spec.reading), strict=True)
        if share is not None
    }
    p_y = None
    if shares.summary is not None:
        p_y = {
            group: float(share)
            for group, share in zip(info.groups, shares.summary, strict=True)
            if share is not None
        }
    bur, length = number("bur"), number("words")
    return {
        "bur": None if bur is None else int(bur),
        "uer": number("uer"),
        "auc": number("auc"),
        "spd2": number("spd2"),
        "p_x": p_x,
        "p_y": p_y,
        "unscored": shares.unscored,
        "rouge_l": number("rouge_l"),
        "copied": number("copied"),
        "words": None if length is None else int(length),
        "repetition": number("repetition"),
        "degenerate": system.degenerate[i],
        **{name: number(name) for name in MORE if name in system.tables},
        "labels": [
            [label.sentence, label.label, label.probability]
            for label in (system.labels[i] if system.labels else [])
        ],
    }


def _reasons(
    numbers: Mapping[str, Any],
    i: int,
    system: System,
    losses: Losses | None,
    no_evidence: str | None,
    no_labels: str,
) -> dict[str, str]:
    """Every number that is null → why."""
    text = system.texts[i]
    unread = NOT_WRITTEN if text is None else EMPTY if not text.strip() else None
    wordless = unread or (None if tokens(text or "") else NO_WORDS)
    own = {
        "bur": system.main[i].unscored,
        "uer": system.main[i].unscored,
        "auc": system.main[i].unscored,
        "p_y": system.main[i].unscored,
        "rouge_l": NOT_WRITTEN if text is None else NO_ROUGE,
        "copied": wordless,
        "words": NOT_WRITTEN,
        "repetition": unread or FEW_WORDS,
        "loss": NO_LOSS if losses is None else unread or UNREADABLE,
        "evidence": no_evidence or NOT_WRITTEN,
        "coverage": no_evidence or NOT_WRITTEN,
    }
    for name in ("spd2", *MORE):
        inputs = system.inputs.get(name)
        own[name] = no_labels if inputs is None else inputs[i].unscored or ONE_GROUP
    return {
        name: str(own[name] or "not computed")
        for name, value in numbers.items()
        if value is None and name in own
    }
