"""What is known of the group classifier: tiles and sentences. Values → HTML or plain text; nothing is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairprune.charts import percent
from fairprune.text import counted
from fairprune.ui import markup


def classifier_tiles(report: Mapping[str, Any], polarity: Mapping[str, Any]) -> list[str]:
    """Accuracy of the group classifier, the SPD2 that it alone would report, and what its encoder hears; HTML."""
    tiles = []
    if "accuracy" in report:
        ends = f"95 %: {percent(report['low'])} to {percent(report['high'])}, n = {report['n_heldout']}"
        tiles.append(
            markup.tile(
                "Accuracy on held-out opinions", percent(report["accuracy"]), ends, *label_facts(report)
            )
        )
    bias = report.get("spd2_bias")
    if bias is not None:
        shown = markup.number(bias["value"], signed=True)
        if bias["value"] is None:
            notes = [str(bias.get("reason") or "not computed")]
        else:
            notes = [
                f"{markup.interval(bias, signed=True)}, n = {bias['n']}",
                *([bias["limit"]] if bias.get("limit") else []),
                "on held-out opinions whose groups are known: an SPD2 of that size says nothing",
            ]
        tiles.append(markup.tile("SPD2 of the classifier's own errors", shown, *notes))
    for encoder, found in polarity.items():
        tiles.append(
            markup.tile(
                f"Polarity test of {encoder}, AUC",
                f"{found['auc']:.2f}",
                f"95 %: {found['low']:.2f} to {found['high']:.2f}, {found['pairs']} minimal pairs; chance is 0.5",
                "passed" if found["passed"] else "not passed: withheld for groups that are sentiments",
            )
        )
    return tiles


def untested(report: Mapping[str, Any]) -> str:
    """Why the labels have no accuracy; or why there are no labels."""
    lead = f"{report['source']}: not tested" if "source" in report else "SPD2 is missing"
    return f"{lead}: {report.get('reason', 'no group classifier')}."


def label_facts(report: Mapping[str, Any]) -> list[str]:
    """How the classifier was tested, line by line."""
    kind = {"topic": "topics", "speaker": "speakers", "opinion": "opinions"}.get(str(report["held_out_by"]))
    if report["n_train"]:
        tested = f"each tested once, by a model that has not seen its {report['held_out_by']}"
        units = f" ({report['n_units']} {kind} in {report['n_folds']} parts)" if "n_units" in report else ""
        lines = [f"trained on {counted(report['n_train'], 'opinion')}; {tested}{units}"]
    else:
        lines = ["not trained here; whether its makers had these opinions is not known"]
    lines.append(
        f"{percent(report['none_share'])} are left without a group because no group is likely enough"
    )
    return [*([str(report["source"])] if "source" in report else []), *lines]


def reliability_note(found: Mapping[str, Any]) -> str:
    """The calibration error, what it would be by chance alone, and what the interval rests on."""
    ends = f"95 %: {percent(found['low'])} to {percent(found['high'])}, bootstrap over {found['by']}s"
    return (
        f"Expected calibration error {percent(found['ece'])} ({ends}): how far stated confidence and accuracy lie apart. "
        f"A perfectly calibrated classifier would show {percent(found['calibrated'])} on so few opinions, and at most "
        f"{percent(found['calibrated_high'])} in 95 of 100 cases."
    )
