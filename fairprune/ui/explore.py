"""Explore live: a setting → masks, overlap and a sign of perplexity from the warm explorer, without a run."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import streamlit as st

from fairprune import jobs, mask_files
from fairprune.errors import BadInput
from fairprune.exploration import (
    ExploreSpec,
    Ground,
    check_live,
    grounds,
    kinds_in_words,
    live_pruning,
    offered,
    read_setting,
    setting_text,
)
from fairprune.methods import METHODS, Method
from fairprune.spec import PruningSpec
from fairprune.store import Run, Store
from fairprune.text import short_name
from fairprune.ui.address import amend, bind, carried, carry, choose_run, keep
from fairprune.ui.explore_answer import draw_answer
from fairprune.ui.explore_start import MAKING, draw_start
from fairprune.ui.markup import inert
from fairprune.ui.one_run import NOTICES
from fairprune.ui.page import refusals
from fairprune.ui.runs import MOST_RUNS, option

ASKER, ASKED, WRITTEN = "explore.asker", "explore.asked", "explore.written"
COMPARE = {
    "before": "The setting before this one",
    "setting": "Another setting",
    "run": "A stored run",
    "nothing": "Nothing",
}
LIVE_ALLOCATIONS = {"uniform": "Uniform", "owl": "By outliers (OWL)"}
SWEEP = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
"""Sparsities of the sweep that a setting becomes; its own is added."""


def draw_explore(store: Store, *, addressed: bool = True) -> None:
    """The whole tab: choices, answer, and the ways on to a run and a sweep.

    Args:
        addressed: whether the view stands in the address.
    """
    st.caption(
        "Move the slider and see which weights a method would drop. Nothing is queued: the answer comes from stored statistics "
        "and a model that stays in memory for a while, and gives way to runs."
    )
    found = {ground.run.id: ground for ground in grounds(store)}
    if not found:
        draw_start(store)
        return
    carry(MAKING, None)
    left, right = st.columns([1, 2.1], gap="large")
    with left:
        ground = choose_ground(found)
        methods, reasons = offered(ground.kinds)
        fill(ground.kinds)
        pruning = choose_setting(ground.kinds, methods)
        other, other_run, beside = choose_other(store, ground, methods, pruning)
        if addressed:
            write(pruning, other, other_run)
        with st.popover(f"{len(reasons)} of {len(METHODS)} methods are not offered", icon=":material/info:"):
            st.markdown("\n".join(f"- {inert(reason)}" for reason in reasons.values()))
        spec = ExploreSpec(
            run=ground.run.spec, place=ground.place, pruning=pruning, other=other, other_run=other_run
        )
        go_on(store, ground, spec)
    with right, refusals():
        ask(store, spec)
        draw_answer(store, st.session_state[ASKED]["number"], beside, again)


def choose_ground(found: dict[str, Ground]) -> Ground:
    names = list(found)
    chosen = st.selectbox(
        "Model and calibration set",
        names,
        format_func={name: ground_title(ground) for name, ground in found.items()}.__getitem__,
        key=bind(
            "on",
            names,
            names[0],
            "this run has left no statistics that are still stored: choose another one below",
        ),
        on_change=keep,
        args=("on",),
        help="Those whose statistics are stored. Any run whose method calibrates on the dense model adds its own.",
    )
    ground = found[chosen or names[0]]
    st.caption(inert(f"Stored: {kinds_in_words(ground.kinds)}; {ground.place.dtype}, {ground.place.device}."))
    return ground


def ground_title(ground: Ground) -> str:
    """'smollm2-135m · balanced on movies, 8 × 128 tokens, seed 0'."""
    spec = ground.run.spec
    cut = spec.calibration
    return f"{short_name(spec.model.name)} · {cut.name} on {cut.corpus}, {cut.samples} × {cut.seqlen} tokens, seed {cut.seed}"


def fill(kinds: frozenset[str]) -> None:
    """Puts a setting of the address into the widgets, where it says something new."""
    given = {name: carried(name) or "" for name in ("setting", "beside")}
    if given == st.session_state.get(WRITTEN):
        return
    for name, value in given.items():
        try:
            if name == "beside" and value.startswith("run:"):
                st.session_state["explore.compare"] = "run"
                st.session_state["explore.other_run"] = value.removeprefix("run:")
            elif value:
                put("other_" if name == "beside" else "", read_setting(value, kinds))
                if name == "beside":
                    st.session_state["explore.compare"] = "setting"
        except BadInput as error:
            amend(name, None, str(error))


def put(prefix: str, pruning: PruningSpec) -> None:
    """A setting into its widgets."""
    state = {
        "method": pruning.method,
        "sparsity": min(95, round(100 * pruning.sparsity)),
        "kind": pruning.pattern or "unstructured",
        "allocation": pruning.allocation,
    }
    for name, value in state.items():
        st.session_state[f"explore.{prefix}{name}"] = value


def write(pruning: PruningSpec, other: PruningSpec | None, other_run: str | None) -> None:
    """The view into the address."""
    beside = f"run:{other_run}" if other_run else setting_text(other) if other else ""
    written = {"setting": setting_text(pruning), "beside": beside}
    for name, value in written.items():
        carry(name, value or None)
    st.session_state[WRITTEN] = written


def widget(name: str, default: Any, options: list[Any] | None = None) -> dict[str, Any]:
    """Key of a widget that keeps its value over a change of page; a value that is not offered any more is forgotten."""
    key = f"explore.{name}"
    if key not in st.session_state or (options is not None and st.session_state[key] not in options):
        st.session_state[key] = default
    return {"key": key, "persist_state": "session"}


def titles(methods: dict[str, Method]) -> Callable[[str], str]:
    return {name: method.title for name, method in methods.items()}.__getitem__


def choose_setting(kinds: frozenset[str], methods: dict[str, Method]) -> PruningSpec:
    names = list(methods)
    method = st.selectbox(
        "Method",
        names,
        format_func=titles(methods),
        help="With its default options, calibrated on the dense model.",
        **widget("method", "wanda" if "wanda" in names else names[0], names),
    )
    kinds_of = ["unstructured", "2:4", "4:8"]
    kind = st.segmented_control(
        "Kind of sparsity",
        kinds_of,
        required=True,
        **widget("kind", kinds_of[0], kinds_of),
    )
    if kind in ("2:4", "4:8"):
        st.caption("Half of the weights of every matrix: the pattern decides.")
        return live_pruning(str(method), kinds, pattern=kind)
    share = st.slider("Weights to drop, %", 0, 95, step=1, **widget("sparsity", 50))
    allocations = list(LIVE_ALLOCATIONS)
    allocation = st.segmented_control(
        "Allocation",
        allocations,
        format_func=LIVE_ALLOCATIONS.__getitem__,
        required=True,
        **widget("allocation", "uniform", allocations),
    )
    return live_pruning(str(method), kinds, sparsity=share / 100, allocation=allocation or "uniform")


def choose_other(
    store: Store, ground: Ground, methods: dict[str, Method], pruning: PruningSpec
) -> tuple[PruningSpec | None, str | None, str]:
    """What the masks are compared with: a setting, or a stored run, and its name for people; '' for nothing."""
    compare = st.selectbox(
        "Compare masks with",
        list(COMPARE),
        format_func=COMPARE.__getitem__,
        help="How many of the kept weights the two have in common (Jaccard index).",
        **widget("compare", "before", list(COMPARE)),
    )
    if compare == "run":
        runs = with_masks(store, ground)
        if not runs:
            st.caption("No finished run on this model has stored masks yet.")
            return None, None, ""
        names = list(runs)
        if st.session_state.get("explore.other_run", names[0]) not in names:
            amend(
                "beside",
                None,
                "it is no finished run on this model with stored masks: choose another one below",
            )
        chosen = st.selectbox(
            "Run",
            names,
            format_func={name: option(run) for name, run in runs.items()}.__getitem__,
            **widget("other_run", names[0], names),
        )
        return None, str(chosen), runs[str(chosen)].label
    other = None
    if compare == "setting":
        other = another_setting(ground.kinds, methods, pruning)
    elif compare == "before":
        other = setting_before(store, ground, pruning)
        if other is None:
            st.caption("Change the setting: the masks are then compared with those of now.")
    if other is not None and nested(pruning, other):
        st.caption(
            "The same scores with another cut: one mask is a part of the other, so their overlap says how much more is "
            "dropped, and nothing of the method."
        )
    return other, None, "" if other is None else setting_words(other)


def nested(one: PruningSpec, other: PruningSpec) -> bool:
    """Whether the masks must lie in one another: the same scores compete within the same groups, for another share."""
    same = (one.method, one.options, one.allocation) == (other.method, other.options, other.allocation)
    return same and one.allocation == "uniform" and not one.pattern and not other.pattern


def with_masks(store: Store, ground: Ground) -> dict[str, Run]:
    identity = ground.place.weights
    runs = store.runs("done", MOST_RUNS)
    return {run.id: run for run in runs if run.spec.model.identity == identity and mask_files.kept(run.id)}


def another_setting(kinds: frozenset[str], methods: dict[str, Method], pruning: PruningSpec) -> PruningSpec:
    names = list(methods)
    usual = next((name for name in names if name != pruning.method), names[0])
    method = st.selectbox(
        "Its method",
        names,
        format_func=titles(methods),
        **widget("other_method", usual, names),
    )
    if pruning.pattern:
        return live_pruning(str(method), kinds, pattern=pruning.pattern)
    share = round(100 * pruning.sparsity)
    chosen = st.slider("Its weights to drop, %", 0, 95, step=1, **widget("other_sparsity", share))
    return live_pruning(str(method), kinds, sparsity=chosen / 100)


def setting_before(store: Store, ground: Ground, pruning: PruningSpec) -> PruningSpec | None:
    """The setting whose masks were shown last; of an answer that was never shown, what it would have been compared with."""
    asked = st.session_state.get(ASKED)
    if asked is None or asked["on"] != ground.run.id:
        return None
    text = asked["other"]
    if asked["setting"] != setting_text(pruning):
        answer = store.exploration(asked["number"])
        if answer is not None and answer.masks is not None:
            text = asked["setting"]
    try:
        return read_setting(text, ground.kinds) if text else None
    except BadInput:  # statistics have gone since
        return None


def setting_words(pruning: PruningSpec) -> str:
    """'Wanda 50 %', 'RIA 35 %, by outliers (OWL)'."""
    amount = pruning.pattern or f"{100 * pruning.sparsity:g}\N{NO-BREAK SPACE}%"
    shared = "" if pruning.allocation == "uniform" else ", by outliers (OWL)"
    return f"{METHODS[pruning.method].title} {amount}{shared}"


def ask(store: Store, spec: ExploreSpec) -> None:
    """Asks, unless just this was asked last and its answer is still there."""
    question = spec.model_dump_json()
    asked = st.session_state.get(ASKED)
    if asked is not None and asked["question"] == question and store.exploration(asked["number"]) is not None:
        return
    asker = st.session_state.setdefault(ASKER, secrets.token_hex(8))
    st.session_state[ASKED] = {
        "question": question,
        "number": jobs.explore(spec, asker, store),
        "on": spec.run.id,
        "setting": setting_text(spec.pruning),
        "other": setting_text(spec.other) if spec.other else None,
    }


def again() -> None:
    """The next drawing of the page asks anew."""
    st.session_state[ASKED] = {**st.session_state[ASKED], "question": ""}


def go_on(store: Store, ground: Ground, spec: ExploreSpec) -> None:
    """The ways from here: a run of this setting, or a sweep around it."""
    with st.container(border=True):
        st.button(
            "Make this a run",
            type="primary",
            icon=":material/play_arrow:",
            key="explore.run",
            on_click=make_run,
            args=(store, spec),
            help="Queued with everything else as in the run that left the statistics: its dense summaries are used again.",
        )
        pruning = spec.pruning
        run = ground.run.spec
        shares = sorted({*SWEEP, round(pruning.sparsity, 4)})
        target = (
            {"pattern": pruning.pattern}
            if pruning.pattern
            else {"sparsity": ",".join(f"{share:g}" for share in shares)}
        )
        st.page_link(
            "pages/1_Prune.py",
            label="Make this a sweep",
            icon=":material/grid_view:",
            query_params={
                "mode": "sweep",
                "like": ground.run.id,
                "model": run.model.name,
                "corpus": run.evaluation.corpus,
                "calibration": run.calibration.name,
                "method": pruning.method,
                **target,
            },
            help="Opens the sweep builder with this method at several sparsities.",
        )


def make_run(store: Store, spec: ExploreSpec) -> None:
    """Queues the run, or finds it, and shows it."""
    with refusals():
        check_live(spec.pruning, spec.place.kinds())
        run, queued = jobs.submit(spec.as_run(), store)
        st.session_state["notice"] = None if queued else [run.id, NOTICES.get(run.state, NOTICES["done"])]
        choose_run(run.id)
        carry("mode", "run")
