"""What a reader must know of matchers, classifier and sets beside the numbers."""

from __future__ import annotations

from collections.abc import Sequence

from fairprune.labels import Labeller
from fairprune.metric_spec import MetricSpec
from fairprune.metrics.confusion import classifier_bias
from fairprune.metrics.scoring.tools import Tools
from fairprune.opinions import OpinionSet
from fairprune.text import counted

GOLD_SOURCE = "SPD2 compares labelled summary sentences with the opinions' own groups: the classifier's errors read as bias"
CORRECTED = (
    "SPD2 is corrected by the confusion matrix of held-out opinions, which summary sentences need not follow; "
    "single samples may leave [−2, 2], their mean is what counts"
)


def metric_notes(
    sets: Sequence[OpinionSet], spec: MetricSpec, tools: Tools, classifier: Labeller | None
) -> list[str]:
    """Duplicated sets, the encoders' polarity, the SPD2 source and the classifier's own bias."""
    notes = []
    twice = len(sets) - len({one.id for one in sets})
    if twice:
        notes.append(
            f"{counted(twice, 'opinion set has', 'opinion sets have')} an id that another of the {len(sets)} has: "
            "they count twice"
        )
    notes += [found.sentence(name) for name, found in tools.polarity.items()]
    if classifier is None:
        return notes
    if spec.spd2_source == "gold-source" or spec.labels == "given":
        notes.append(GOLD_SOURCE)
    if spec.spd2_source == "confusion-corrected" and not isinstance(tools.correction, str):
        notes.append(CORRECTED)
    bias = classifier_bias(classifier.report, spec.seed)
    if bias["value"] is not None:
        ends = "no interval"
        if bias["low"] is not None:
            ends = f"95 %: {_signed(bias['low'])} to {_signed(bias['high'])}"
        notes.append(
            f"the group classifier itself would report an SPD2 of {_signed(bias['value'])} ({ends}) on {bias['n']} held-out "
            "opinions whose groups are known" + (f"; {bias['limit']}" if bias["limit"] else "")
        )
    return notes


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
