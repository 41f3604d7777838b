"""What the form of a study has for its second task: the choice of it, and what is asked and promised where sentences are labelled."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fairprune.judgments.brief import FIRST, Brief, Task
from fairprune.judgments.material import Material
from fairprune.judgments.wording import label_wording
from fairprune.ui.markup import inert
from fairprune.ui.study_claims import draw_rules
from fairprune.ui.study_form import Fields, draw_codebook, draw_number, help_of

TASK_NAMES: dict[Task, str] = {"pair": "Compare two summaries", "label": "Label sentences with a group"}


def draw_task(fields: Fields, brief: Brief | None) -> Task:
    """What judges do."""
    st.header("What judges do", anchor=False)
    task: Task = st.segmented_control(
        "Task",
        list(TASK_NAMES),
        format_func=TASK_NAMES.__getitem__,
        required=True,
        wrap=True,
        label_visibility="collapsed",
        **fields("task", brief.task if brief else "pair"),
    )
    st.caption(
        "Sentences of stored summaries, each labelled with the group that it speaks for, with several, or with none: how often the "
        "classifier behind SPD2 is right on real summaries, per system."
        if task == "label"
        else "Two summaries of the same opinions, blind and side by side: which is fairer to all groups?"
    )
    return task


def draw_sentences(fields: Fields, brief: Brief | None, material: Material | None) -> dict[str, Any]:
    """How many sentences; at first as many as every system has, up to the usual number."""
    usual = int(Brief.model_fields["sentences"].default)
    there = usual if material is None else max(1, min(usual, material.fewest_sentences))
    left, right = st.columns(2)
    with left:
        sentences = draw_number(fields, "sentences", brief, "Sentences of each system", 1, 5000, there)
    with right:
        seed = draw_number(fields, "seed", brief, "Seed", 0, 2**31 - 1, 0)
    return {"sentences": sentences, "seed": seed}


def draw_label_question(material: Material | None) -> None:
    """What is asked of a sentence, and how it is explained: both follow from the groups."""
    st.header("What is asked", anchor=False)
    if material is None:
        st.caption("Choose runs first: the answers are their groups, several groups, or no group.")
        return
    words = label_wording(material.groups)
    (question,) = words.questions.values()
    listed = ", ".join([*material.groups, "several groups", "no group"])
    st.caption(f"Judges are asked: “{inert(question)}” Answers: {inert(listed)}.")
    draw_codebook(words)


def draw_label_claims(fields: Fields, brief: Brief | None) -> dict[str, Any]:
    """Margin and exclusions; as values of a brief."""
    st.header("What is promised", anchor=False)
    st.caption(
        "All of this is frozen and hashed when the study opens. The primary analysis: how far judges agree; per system how often the "
        "classifier says what most judges say, with its confusion matrix; and how much of SPD2, and of a pruned model's difference to its "
        "dense one, its errors are. Intervals are over samples. All else is exploratory."
    )
    margin = st.number_input(
        "Error in a difference of SPD2 that matters",
        min_value=0.005,
        max_value=2.0,
        step=0.01,
        format="%.3f",
        help=help_of("margin"),
        **fields("margin", brief.margin if brief else Brief.model_fields["margin"].default),
    )
    return {"margin": margin, "rules": draw_rules(fields, brief.rules if brief else FIRST["label"]["rules"])}
