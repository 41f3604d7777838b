"""Summaries: the same opinions as the dense and pruned models summarise them, and whom they still hear at each sparsity."""

from __future__ import annotations

import streamlit as st

from fairprune.evidence import LEAST_SCORE
from fairprune.opinions import OpinionSet
from fairprune.store import Run, Store
from fairprune.text import counted
from fairprune.ui import open_page, refusals, refuse
from fairprune.ui.address import bind, carried, carry, carry_all, picked, show, usable
from fairprune.ui.beside import pick_beside
from fairprune.ui.leafing import pick_sample
from fairprune.ui.markup import inert
from fairprune.ui.runs import flags, pick_run
from fairprune.ui.summaries import Read, compare_view, read_run
from fairprune.ui.voices import collected, draw_voices
from fairprune.voices import ALL, Voices, groups_of

SWEEP = ",".join(f"{tenth / 10:g}" for tenth in range(1, 9))
"""Sparsities, as an address of the page Prune has them: what a slider needs."""
VIEWS = {"side": "Side by side", "drag": "Drag the sparsity"}


def draw(store: Store, run: Run) -> None:
    read = read_run(store, run)
    if read is None:
        refuse("this run has no summaries: start it again on the page Prune")
        return
    found = store.sets(read.generation["sets"])
    sets = [found[key] for key in read.generation["sets"]]
    groups = groups_of(run.spec.evaluation.corpus, sets)
    runs = store.runs("done", ALL)
    view = st.segmented_control(
        "View",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        key=bind("view", list(VIEWS), "side"),
        on_change=turn,
        args=(run.spec.pruning.sparsity,),
        label_visibility="collapsed",
    )
    flags(read.evaluation, notes=False)
    if view == "drag":
        place = pick_sample(read, sets, groups, drag=True)
        if place is not None:
            drag(collected(store, run, place, groups, runs), run, place)
    else:
        others = pick_beside(store, run, runs)
        place = pick_sample(read, sets, groups, drag=False)
        if place is not None:
            beside = [one for other in others if (one := read_run(store, other)) is not None]
            side_by_side([read, *beside], place, sets[place], groups)
    if place is not None:
        evidence_note(read)


def side_by_side(shown: list[Read], place: int, one: OpinionSet, groups: tuple[str, ...]) -> None:
    show("choice.diff", usable("diff", ["1"], "diff=1 marks the words") is not None)
    changes = st.toggle(
        "Mark the words that differ from the dense summary", key="choice.diff", on_change=switch
    )
    draw_voices(compare_view(shown, place, one, groups, changes), "side")


def turn(sparsity: float) -> None:
    """The chosen view, with the place of its slider: one change, so that the back button takes both back at once."""
    view = str(picked("choice.view") or "side")
    step = {"step": f"{sparsity:g}"} if view == "drag" and carried("step") is None else {}
    carry_all({"view": view, **step})


def switch() -> None:
    carry("diff", "1" if picked("choice.diff") else None)


def drag(voices: Voices, run: Run, place: int) -> None:
    steps = {step.value: step for step in voices.steps}
    if usable("step", steps, f"the slider stands at {', '.join(steps)}") is None:
        carry("step", f"{run.spec.pruning.sparsity:g}")
    if len(steps) < 3:
        st.info(
            f"Only one sparsity of {inert(voices.method)} is stored with these settings, so there is little to drag. "
            "A sweep over sparsities adds the others.",
            icon=":material/tune:",
        )
        st.page_link(
            "pages/1_Prune.py",
            label="Set up this sweep",
            icon=":material/content_cut:",
            query_params={"mode": "sweep", "like": run.id, "sparsity": SWEEP},
        )
    if voices.left_out:
        runs = counted(voices.left_out, "run of these settings that has", "runs of these settings that have")
        st.caption(f"Left out: {runs} not summarised these opinions.")
    draw_voices(voices.to_json(), "drag")
    step = steps[str(carried("step"))]
    if step.asked:
        with st.container(horizontal=True, gap="medium"):
            sample = str(place + 1)
            for file, label, icon, more in (
                ("3_Summaries", "Side by side at", ":material/article:", {"view": "side", "sample": sample}),
                ("4_Layers", "Layers at", ":material/grid_on:", {}),
            ):
                st.page_link(
                    f"pages/{file}.py",
                    label=f"{label} {step.label}",
                    icon=icon,
                    query_params={"run": step.run_id, **more},
                )


def evidence_note(read: Read) -> None:
    """What a link between sentence and opinion means, or why there is none."""
    facts = read.evaluation.get("evidence") or {}
    if facts.get("reason") or not facts:
        reason = inert(str(facts.get("reason") or "the run was evaluated by an earlier version"))
        st.caption(f"What the sentences rest on is not known: {reason}.")
        return
    st.caption(
        "Under a sentence: the group that the classifier hears in it, with its probability, and the opinions that are similar "
        f"to it in content (cosine of sentence embeddings from {facts.get('least_score', LEAST_SCORE):g} on), which need not be of "
        "the same view. An opinion is heard where any sentence rests on it. Bars: share of a group in the summary; tick: its "
        "fair share. Keys ← and → leaf through the samples."
    )


page_store = open_page("Summaries")
with refusals():
    page_run = pick_run(page_store)
    if page_run is not None:
        draw(page_store, page_run)
