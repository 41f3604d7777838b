"""Whether the parts of a run's results fit each other: what pages look up by name or by place is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairprune.errors import BadInput
from fairprune.opinions import OpinionSet

SYSTEMS = ("dense", "pruned")
TESTED = ("primary", "margin", "p_value", "p_holm", "smallest_detectable", "verdict_reason")
"""What stands beside a verdict, null where it was not computed."""
KNOWN_BY = ("source", "groups", "confusion", "n_train", "n_heldout", "held_out_by")
"""What stands beside the accuracy of a group classifier."""


def check_evaluation(evaluation: Mapping[str, Any], sets: Sequence[OpinionSet], what: str) -> None:
    """Checks an evaluation, each part of which has its shape already.

    Args:
        sets: what its samples are of, in their order.

    Raises:
        BadInput: the first part that is missing, or that does not fit another one.
    """
    for part in ("metrics", "quality"):
        for name, cells in evaluation[part].items():
            where = f"{what}: {part}.{name[:40]}"
            _need(cells, (*SYSTEMS, "difference"), where)
            if "verdict" in cells["difference"]:
                _need(cells["difference"], TESTED, f"{where}.difference")
    _need(evaluation["degenerate"], SYSTEMS, f"{what}: degenerate")
    for place, (sample, one) in enumerate(zip(evaluation["samples"], sets, strict=True)):
        for system in SYSTEMS:
            _check_grounds(sample[system], len(one.opinions), f"{what}: samples.{place}.{system}")
    _check_classifier(evaluation["classifier"], f"{what}: classifier")


def _check_grounds(scores: Mapping[str, Any], opinions: int, where: str) -> None:
    """Evidence is per sentence, and names opinions of its sample."""
    grounds = scores.get("evidence")
    if grounds is None:
        return
    if len(grounds) != len(scores["labels"]):
        raise _damaged(f"{where} has evidence for {len(grounds)} of {len(scores['labels'])} sentences")
    for place in (place for ground in grounds for place, _ in ground):
        if place >= opinions:
            raise _damaged(f"{where} has a sentence that rests on opinion {place + 1} of {opinions}")


def _check_classifier(report: Mapping[str, Any], where: str) -> None:
    if "accuracy" not in report:
        return
    _need(report, KNOWN_BY, where)
    if report.get("reliability", report) is None:
        raise _damaged(f"{where} has no reliability")
    sizes = {len(report["groups"]), len(report["confusion"]), *map(len, report["confusion"])}
    if len(sizes) != 1:
        raise _damaged(f"{where} has a confusion that is no square of its {len(report['groups'])} groups")


def _need(found: Mapping[str, Any], names: Sequence[str], where: str) -> None:
    for name in names:
        if name not in found:
            raise _damaged(f"{where} lacks {name}")


def _damaged(why: str) -> BadInput:
    return BadInput(f"the bundle is damaged: {why}")
