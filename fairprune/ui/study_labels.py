"""The results of a study of labels: how often the classifier behind SPD2 says what people say, per system, and what that does to SPD2."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import streamlit as st

from fairprune.charts import confusion_heatmap, percent, plain_hover
from fairprune.judgments.bias import REGISTERED
from fairprune.judgments.closed import Closed, reported_spd2
from fairprune.judgments.label_errors import Word, word_of
from fairprune.judgments.label_report import WHAT_IT_MEANS, label_name, matrix_table, meaning
from fairprune.judgments.label_results import LabelResult, LabelResults, results_of_labels
from fairprune.judgments.labelling import EVERYTHING, Confusion
from fairprune.judgments.measured import Measured
from fairprune.judgments.report import GROUPS_NOTE, NOBODY_LEFT, told_group
from fairprune.store import Store
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui import study_numbers as numbers
from fairprune.ui.caption import draw_caption
from fairprune.ui.markup import inert
from fairprune.ui.page import capitalised
from fairprune.ui.study_counted import QUIET, analysed, draw_counted, draw_exclusions
from fairprune.ui.study_files import draw_flow, draw_label_files

WORDS: dict[Word, tuple[str, str, str]] = {
    "within": ("within the margin", "#009e73", "✓"),
    "beyond": ("beyond the margin", "#d55e00", "▲"),
    "undecided": ("undecided", markup.NEUTRAL, "–"),
    "demonstration": ("demonstration, no inference", markup.NEUTRAL, "–"),
}
"""What a margin says of an interval → word, colour and mark of its chip."""


def draw_labels(store: Store, closed: Closed) -> None:
    """Both analyses of every number; the confusion matrix of the classifier on summary sentences, per system and for all."""
    results = analysed(store, closed, results_of_labels)
    if results is None:
        return
    draw_counted(closed, results)
    if results.missing:
        st.caption(
            f"{counted(results.missing, 'sentence')} of a system without a label by the classifier: in no matrix."
        )
    found = {name: one.questions[results.question] for name, one in results.selections.items()}
    reported = reported_spd2(store, closed)
    st.header("Does the classifier say what people say?", anchor=False)
    st.html(accuracy_table(found))
    st.caption(
        "People's label is what more than half of a sentence's judges said. *One judge* is how often a single judge says what most of the "
        "others say: what people reach, not a bound."
    )
    _matrices(found)
    st.header("What does it mean for SPD2?", anchor=False)
    st.html(spd2_table(found, reported))
    st.caption(inert(WHAT_IT_MEANS + _more_groups(results)))
    if any(one.against for one in found.values()):
        st.html(against_table(found, results.margin))
        for name, own in found.items():
            for one in own.against:
                st.markdown(f"**{inert(capitalised(name))}.** {inert(meaning(one, results.margin))}")
    st.header("How far do judges agree?", anchor=False)
    st.html(label_agreement_table(found))
    st.caption("α is 0 where judges agree as often as chance would, and 1 where they always do.")
    draw_exclusions(results, closed.study.id)
    if any(one.by_group for one in found.values()):
        st.header("Do groups of judges differ?", anchor=False)
        st.html(label_group_table(found))
        st.caption(f"{GROUPS_NOTE} The classifier is compared with the majority of each.")
    draw_flow(closed)
    draw_label_files(closed, results, reported)


def _matrices(found: Mapping[str, LabelResult]) -> None:
    first = found.get(REGISTERED) or next(iter(found.values()))
    names = list(first.confusion)
    left, right = st.columns(2)
    with left:
        system = st.selectbox("Sentences of", names, index=names.index(EVERYTHING), key="study-labels-system")
    with right:
        analyses = list(found)
        name = st.segmented_control(
            "Judges",
            analyses,
            format_func=capitalised,
            default=REGISTERED if REGISTERED in found else analyses[0],
            required=True,
            key="study-labels-analysis",
        )
    one = found[name].confusion[system]
    left, right = st.columns(2, gap="large")
    text = (
        f"Confusion matrix of the group classifier on summary sentences, {system}, {name}: {counted(one.accuracy.n, 'sentence')} with a "
        f"majority of judges; {one.n_undecided} without, {one.n_unlabelled} not labelled."
    )
    with left:
        figure = confusion_heatmap(one.counts, [label_name(label) for label in one.labels])
        figure.update_layout(
            xaxis={"title": {"text": "the classifier said"}}, yaxis={"title": {"text": "people said"}}
        )
        # On two lines, so that they stand upright where there is little room.
        names = [plain_hover(label_name(label)) for label in one.labels]
        figure.update_xaxes(tickvals=names, ticktext=[name.replace(" ", "<br>") for name in names])
        st.plotly_chart(figure, key="study.confusion", config=QUIET, alt=text)
        st.caption(inert(text))
        draw_caption(text, "study.confusion")
    with right:
        st.html(recall_table(one))
        st.caption("Intervals by Wilson's method, which takes sentences as independent.")
    with st.expander("The matrix as a table"):
        heads, rows = matrix_table(one)
        st.html(
            markup.table([escape(head) for head in heads], [[escape(cell) for cell in row] for row in rows])
        )


def _more_groups(results: LabelResults) -> str:
    if len(results.groups) == 2:
        return f" Above zero it leans to {results.groups[0]}."
    return (
        " Of more than two groups it is the range of the errors over them, which is never below zero; a sentence of several groups counts "
        "the same for each."
    )


def accuracy_table(found: Mapping[str, LabelResult]) -> str:
    """Per system, under each analysis, the share of sentences on which classifier and people agree; HTML."""
    rows = []
    for name in next(iter(found.values())).confusion:
        cells = []
        for one in found.values():
            own = one.confusion[name]
            left_out = f"<small>{own.n_undecided} without a majority, {own.n_unlabelled} not labelled</small>"
            cells.append(numbers.cell(own.accuracy, "sentence", share=True) + left_out)
        rows.append([escape(name), *cells])
    rows.append(["One judge", *(numbers.cell(one.ceiling, "label", share=True) for one in found.values())])
    return markup.table(["Sentences of", *map(numbers.markup_title, found)], rows)


def spd2_table(found: Mapping[str, LabelResult], reported: Mapping[str, Mapping[str, Any]]) -> str:
    """Per system SPD2 as its run has it, and what of it the classifier's errors on the labelled sentences are; HTML."""
    first = next(iter(found.values()))
    rows = []
    for place, moved in enumerate(first.moved):
        cells = [numbers.cell(one.moved[place].error, "sentence", signed=True) for one in found.values()]
        rows.append([escape(moved.system), _reported(reported.get(moved.system)), *cells])
    heads = [f"Of it, the classifier's errors: {numbers.markup_title(name).lower()}" for name in found]
    return markup.table(["System", "SPD2 of all its summaries", *heads], rows)


def _reported(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return "<b>–</b><small>not defined: no run of it is stored</small>"
    why = found.get("reason") or found.get("limit")
    return numbers.cell(
        Measured(found["value"], found["low"], found["high"], found["n"], found["n"], why),
        "sample",
        signed=True,
    )


def against_table(found: Mapping[str, LabelResult], margin: float) -> str:
    """Per pruned system and its dense one what the errors do to the difference in SPD2, under each analysis; HTML."""
    rows = []
    for place, one in enumerate(next(iter(found.values())).against):
        pair = f"{escape(one.pruned)}<small>against {escape(one.dense)}</small>"
        for name, own in found.items():
            value = own.against[place]
            rows.append(
                [
                    f"{pair}<small>{numbers.markup_title(name)}</small>",
                    numbers.cell(value.accuracy, "sentence", share=True, signed=True),
                    numbers.cell(value.error, "sentence", signed=True),
                    markup.chip(*WORDS[word_of(value.error, margin)]),
                ]
            )
    heads = [
        "Pruned",
        "Agreement with people, minus dense's",
        "Of a difference in SPD2, its errors",
        f"Margin {margin:g}",
    ]
    return markup.table(heads, rows)


def label_agreement_table(found: Mapping[str, LabelResult]) -> str:
    """Agreement, α and consistency under each analysis; HTML."""
    rows = [
        [
            "Same label, of two judges of a sentence",
            *(numbers.cell(one.agreement.raw, "sentence", share=True) for one in found.values()),
        ],
        ["α, nominal", *(numbers.cell(one.agreement.nominal, "sentence") for one in found.values())],
        [
            "Same label when asked again",
            *(numbers.cell(one.consistency.same, "repeat", share=True) for one in found.values()),
        ],
    ]
    return markup.table(["Measure", *map(numbers.markup_title, found)], rows)


def label_group_table(found: Mapping[str, LabelResult]) -> str:
    """Per self-reported group who they are, how they agree, and how often the classifier says what they say; HTML."""
    rows = []
    for name in sorted({one.group for own in found.values() for one in own.by_group}):
        for title, own in found.items():
            who = f"<b>{escape(told_group(name))}</b><small>{numbers.markup_title(title)}</small>"
            one = next((one for one in own.by_group if one.group == name), None)
            if one is None:
                rows.append([who, "<b>0</b>", "<b>–</b>", f"<small>{NOBODY_LEFT}</small>"])
                continue
            count = f"<b>{one.votes:,}</b><small>by {counted(one.judges, 'judge')}</small>"
            cells = [numbers.cell(value, "sentence", share=True) for value in (one.raw, one.accuracy)]
            rows.append([who, count, *cells])
    return markup.table(["Judges", "Labels", "Same label", "The classifier agrees"], rows)


def recall_table(found: Confusion) -> str:
    """How often the classifier finds a label that people gave; HTML."""
    rows = [
        [
            escape(label_name(one.label)),
            f"<b>{percent(one.right / one.n if one.n else None)}</b>"
            + (
                f"<small>95 %: {percent(one.low)} to {percent(one.high)}</small><small>n = {one.n} sentences</small>"
                if one.low is not None
                else "<small>nobody gave this label</small>"
            ),
        ]
        for one in found.recalls
    ]
    return markup.table(["People said", "The classifier too"], rows)
