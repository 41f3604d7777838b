"""What a paper says of a study of labels, written from its values: the methods paragraph, findings in sentences, tables. Text only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairprune.errors import BadInput
from fairprune.judgments.frozen import Frozen, LabelDesign, freeze
from fairprune.judgments.label_errors import Against, word_of
from fairprune.judgments.label_results import LabelResult
from fairprune.judgments.labelling import LABEL, Confusion
from fairprune.judgments.report import (
    NOBODY_LEFT,
    Flow,
    checks_sentence,
    number,
    number_of,
    people,
    rules_sentence,
    told_group,
)
from fairprune.judgments.votes import Given
from fairprune.text import counted

LABEL_NAMES = {"mixed": "several groups", "none": "no group"}
"""Labels that are no group's name, in words."""
ACCURACY_HEADS = ("Sentences of", "Classifier and people agree", "n", "Without a majority", "Not labelled")
SPD2_HEADS = ("System", "SPD2, all its summaries", "Of SPD2, by the classifier's errors here", "n")
AGAINST_HEADS = (
    "Pruned against dense",
    "Difference in agreement with people",
    "Of a difference in SPD2, by the classifier's errors",
    "n",
    "By the registered margin",
)
LABEL_GROUP_HEADS = (
    "Judges",
    "Counted",
    "Labels",
    "Same label, of two judges of a sentence",
    "The classifier agrees with their majority",
)
WHAT_IT_MEANS = (
    "An error in SPD2 is the balance of the groups by the classifier's labels minus that by people's, of the same sentences. Errors on the "
    "opinions are the same for every system, and cancel in a difference of two; errors on the summaries do not."
)


def label_name(label: str) -> str:
    """A label in words; a group as it is called."""
    return LABEL_NAMES.get(label, label)


def label_methods(design: LabelDesign, frozen: Frozen, flow: Flow, votes: Sequence[Given]) -> str:
    """The methods paragraph: what was labelled, by whom, and how it is analysed.

    Raises:
        BadInput: a design that is not the frozen one.
    """
    if freeze(design) != frozen:
        raise BadInput(
            f"the design is not the one with the hash {frozen.digest[:16]}…: report what was frozen"
        )
    per_system: dict[str, list[int]] = {}
    for one in design.drawn:
        row = per_system.setdefault(one.system, [0, 0])
        row[0] += one.sentences
        row[1] += one.of
    drawn = ", ".join(f"{n} of {of} of {name}" for name, (n, of) in per_system.items())
    analysis = design.analysis
    return " ".join(
        [
            "Judges saw single sentences of summaries beside the opinions that were summarised, by group, blind to the system and to the "
            f"classifier's label. They answered “{design.texts[LABEL]}” with {', '.join(design.groups)}, several groups or no group.",
            f"Sentences were drawn at random, of each system those of each label of the classifier ({design.classifier}) in proportion to "
            f"their number: {drawn}, from {counted(len(design.samples), 'sample')}. A sentence that several systems wrote of the same "
            f"opinions was asked once: {counted(design.items, 'item')} with {counted(design.votes_per_item, 'label')} each.",
            checks_sentence(design, votes),
            rules_sentence(design.rules),
            people(flow),
            "People's label of a sentence is what more than half of its judges said; sentences without a majority are left out. Intervals "
            f"are 95 %, by a bootstrap over samples ({analysis.resamples:,} resamples), those of single rows of a matrix by Wilson's "
            "method. What the classifier's errors do to a difference in SPD2 was called within, or beyond, a margin of "
            f"{analysis.margin:g} where the whole interval is.",
            f"Sentences, exclusions and the primary analysis were frozen before the first vote (SHA-256 {frozen.digest}).",
        ]
    )


def label_findings(found: LabelResult, margin: float) -> list[str]:
    """What was found, in sentences; what is missing with its reason."""
    agreed = found.agreement
    told = [
        f"Judges among themselves: raw agreement {number(agreed.raw)} and Krippendorff's α (nominal) {number(agreed.nominal)} over "
        f"{counted(agreed.raw.n, 'sentence')}; one judge says what most of the others say in {number(found.ceiling)} of "
        f"{counted(found.ceiling.n, 'label')}; asked again, judges gave the same label in {number(found.consistency.same)} of "
        f"{counted(found.consistency.same.n, 'repeat')}."
    ]
    told += [
        f"{name}: classifier and people agree on {number(one.accuracy)} of {counted(one.accuracy.n, 'sentence')}; "
        f"{one.n_undecided} without a majority and {one.n_unlabelled} without a label are left out."
        for name, one in found.confusion.items()
    ]
    told += [
        f"{one.system}: the classifier's errors move SPD2 by {number(one.error)} (n = {one.error.n} sentences)."
        for one in found.moved
    ]
    return [*told, *(meaning(one, margin) for one in found.against)]


def meaning(found: Against, margin: float) -> str:
    """What the errors mean for a difference in SPD2, in a sentence that claims no more than the interval does."""
    lead = (
        f"{found.pruned} against {found.dense}: of a difference in SPD2 the classifier's errors on the sentences are "
        f"{number(found.error)} (n = {counted(found.error.n, 'sentence')} of {counted(found.error.n_clusters, 'sample')})"
    )
    word = word_of(found.error, margin)
    if word == "demonstration":
        return f"{lead}. So few samples carry no inference: a demonstration."
    if word == "undecided":
        return f"{lead}. Whether they stay below the margin of {margin:g} is undecided."
    if word == "within":
        return f"{lead}. That is within the margin of {margin:g}: they alone do not make such a difference."
    return f"{lead}. That is beyond the margin of {margin:g}: a difference in SPD2 of that size may be the classifier's alone."


def accuracy_rows(found: LabelResult) -> list[list[str]]:
    """By ACCURACY_HEADS."""
    return [
        [name, number(one.accuracy), str(one.accuracy.n), str(one.n_undecided), str(one.n_unlabelled)]
        for name, one in found.confusion.items()
    ]


def matrix_table(found: Confusion) -> tuple[list[str], list[list[str]]]:
    """(heads, rows): what people said down, what the classifier said across, counts with their share of the row; how often it found it."""
    heads = [
        "People said",
        *(f"Classifier: {label_name(one)}" for one in found.labels),
        "Found by the classifier",
        "n",
    ]
    rows = []
    for recall, row in zip(found.recalls, found.counts, strict=True):
        cells = [f"{n} ({n / recall.n:.0%})" if recall.n else "0" for n in row]
        told = "nobody gave this label"
        if recall.low is not None and recall.high is not None:
            told = f"{recall.right / recall.n:.2f} [{recall.low:.2f}, {recall.high:.2f}]"
        rows.append([label_name(recall.label), *cells, told, str(recall.n)])
    return heads, rows


def spd2_rows(found: LabelResult, reported: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """By SPD2_HEADS.

    Args:
        reported: system → the cell of SPD2 of its run.
    """
    return [
        [one.system, reported_text(reported.get(one.system)), number(one.error), str(one.error.n)]
        for one in found.moved
    ]


def reported_text(cell: Mapping[str, Any] | None) -> str:
    """SPD2 as a run has it, with its interval and n, or that there is none."""
    if cell is None or cell.get("value") is None:
        return "not stored" if cell is None else f"not defined ({cell.get('reason')})"
    ends = "no interval" if cell.get("low") is None else f"[{cell['low']:.2f}, {cell['high']:.2f}]"
    return f"{cell['value']:.2f} {ends}, n = {cell['n']} samples"


def against_rows(found: Sequence[Against], margin: float) -> list[list[str]]:
    """By AGAINST_HEADS."""
    return [
        [
            f"{one.pruned} – {one.dense}",
            number(one.accuracy),
            number(one.error),
            str(one.error.n),
            word_of(one.error, margin),
        ]
        for one in found
    ]


def label_group_rows(found: Mapping[str, LabelResult]) -> list[list[str]]:
    """By LABEL_GROUP_HEADS, per group and analysis; [] where no judge told a group.

    Args:
        found: name of an analysis → what its judges say.
    """
    rows = []
    for name in sorted({one.group for own in found.values() for one in own.by_group}):
        for title, result in found.items():
            own = next((one for one in result.by_group if one.group == name), None)
            cells = ["0", "–", NOBODY_LEFT]
            if own is not None:
                count = f"{counted(own.votes, 'label')} by {counted(own.judges, 'judge')}"
                cells = [count, *(number_of(one, "sentence") for one in (own.raw, own.accuracy))]
            rows.append([told_group(name), title, *cells])
    return rows
