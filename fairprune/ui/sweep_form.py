"""The form of a sweep: axes with several values each → how many runs, what is stored, what cannot be, and how long it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from fairprune import corpora, devices, jobs
from fairprune.catalogue import CATALOGUE
from fairprune.errors import BadInput, Unavailable
from fairprune.methods import METHODS
from fairprune.preflight import words
from fairprune.preflight.several import SweepEstimate, estimate_sweep
from fairprune.spec import PruningSpec, RunSpec
from fairprune.store import Chosen, Store
from fairprune.sweep import LIMIT, Axes, Plan, plan_sweep
from fairprune.text import counted
from fairprune.ui import markup, prefill, upload
from fairprune.ui.form import ALLOCATIONS, SEED_HELP, draw_corpus, draw_details, draw_device, draw_preset
from fairprune.ui.markup import inert
from fairprune.ui.method import compare_methods, draw_options
from fairprune.ui.page import refusals
from fairprune.ui.widgets import keyed, sentence

SPARSITIES = ("10%", "20%", "30%", "40%", "50%", "60%", "70%", "80%")
FIRST_SHARES = [f"{100 * float(one):g}%" for one in prefill.SWEEP_FIRST["sparsity"].split(",")]
PATTERNS = ("2:4", "4:8", "1:4")
SHOWN_MIXES = 6


def new_sweep(store: Store, *, addressed: bool) -> None:
    """The form, what it comes to, and the button that queues it.

    Args:
        addressed: whether the form stands in the address; not while the page shows a run.
    """
    preset = draw_preset()
    left, right = st.columns(2, gap="large")
    with left:
        models = _several("Models", list(CATALOGUE), [next(iter(CATALOGUE))], "model", new=True)
        st.caption("Names of the catalogue; a hub id or a local folder is typed.")
    with right:
        corpus = draw_corpus()
        sets = calibration_sets(corpus)
        calibrations = _several("Calibration sets", sets, ["balanced"], "calibration")
    upload.import_form()
    methods = _several("Methods", list(METHODS), ["wanda"], "method", titles=METHOD_TITLES)
    compare_methods()
    options = _options(methods, calibrations)
    left, right = st.columns(2, gap="large")
    with left:
        shares = _several("Sparsities", list(SPARSITIES), FIRST_SHARES, "sparsity", new=True)
        patterns = _several("Patterns n:m", list(PATTERNS), [], "pattern", new=True)
    with right:
        seeds = _several("Seeds", ["0", "1", "2"], ["0"], "seed", new=True, help_text=SEED_HELP)
        allocation = st.selectbox(
            "Allocation",
            list(ALLOCATIONS),
            format_func=ALLOCATIONS.__getitem__,
            help=sentence(PruningSpec, "allocation"),
            **keyed("allocation"),
        )
    device = draw_device()
    base = {
        **draw_details(corpus, preset),
        "preset": preset,
        "corpus": corpus,
        "allocation": allocation,
        "device": device,
    }
    with refusals():
        axes = Axes(
            models=tuple(models),
            methods=tuple(methods),
            calibrations=tuple(calibrations),
            sparsities=tuple(share(text) for text in shares),
            patterns=tuple(patterns),
            seeds=tuple(whole(text) for text in seeds),
        )
        if addressed:
            prefill.write(texts(axes, preset, corpus))
        plan = plan_sweep(axes, base, options, checked=False)
        left_to_do = draw_plan(plan, store, device)
        if st.button(
            f"Start {counted(left_to_do, 'run')}" if left_to_do else "Open the stored sweep",
            type="primary",
            icon=":material/play_arrow:" if left_to_do else ":material/open_in_full:",
            key="sweep.start",
        ):
            _start(store, axes, base, options)


METHOD_TITLES = {name: method.title for name, method in METHODS.items()}


def calibration_sets(corpus: str) -> list[str]:
    """Every calibration set that this corpus allows, by name."""
    groups = corpora.info(corpus).groups
    skewed = [f"{kind}:{group}" for kind in ("skewed", "one-group") for group in groups]
    return [
        "balanced",
        "random",
        *skewed,
        "model-output:fair",
        "model-output:unfair",
        "general",
        "general:c4",
    ]


def share(text: str) -> float:
    """'35%' or '35' → 0.35.

    Raises:
        BadInput: no percentage from 0 to below 100.
    """
    try:
        value = float(text.strip().removesuffix("%").strip()) / 100
    except ValueError as error:
        raise BadInput(f"sparsity {text!r} is not a percentage, such as 35%") from error
    if not 0 <= value < 1:
        raise BadInput(f"sparsity {text!r} is outside 0 to below 100%")
    return round(value, 10)


def whole(text: str) -> int:
    """'3' → 3.

    Raises:
        BadInput: no whole number from 0 on.
    """
    clean = text.strip()
    if not (clean.isascii() and clean.isdigit()):
        raise BadInput(f"seed {text!r} is not a whole number from 0 on")
    return int(clean)


def texts(axes: Axes, preset: str, corpus: str) -> dict[str, str]:
    """The axes as the address writes them."""
    return {
        "preset": preset,
        "corpus": corpus,
        "model": ",".join(axes.models),
        "method": ",".join(axes.methods),
        "calibration": ",".join(axes.calibrations),
        "sparsity": ",".join(f"{value:g}" for value in axes.sparsities),
        "pattern": ",".join(axes.patterns),
        "seed": ",".join(str(seed) for seed in axes.seeds),
    }


def _several(
    label: str,
    options: list[str],
    first: list[str],
    name: str,
    *,
    new: bool = False,
    titles: dict[str, str] | None = None,
    help_text: str | None = None,
) -> list[str]:
    """An axis. What a link or an earlier visit put in is offered beside the usual values."""
    key = keyed(f"sweep.{name}")
    held = [str(value) for value in st.session_state.get(key["key"], first)]
    if not new and any(value not in options for value in held):
        held = [value for value in held if value in options]
        st.session_state[key["key"]] = held
    offered = list(dict.fromkeys([*options, *held]))
    shown = {value: (titles or {}).get(value, value) for value in offered}
    return [
        str(value)
        for value in st.multiselect(
            label,
            offered,
            default=first,
            format_func=shown.__getitem__ if not new else str,
            accept_new_options=new,
            select_all=not new,  # where one types, Enter takes the first line: never all of them
            placeholder="choose or type" if new else "choose",
            help=help_text,
            **key,
        )
    ]


def _options(methods: list[str], calibrations: list[str]) -> dict[str, dict[str, Any]]:
    """Options of the chosen methods, folded: a sweep usually takes them as they are."""
    found: dict[str, dict[str, Any]] = {}
    having = [name for name in methods if METHODS[name].options.model_fields]
    # 'summary_tokens' exists only where every calibration set holds summaries.
    own = all(name.startswith("model-output") for name in calibrations)
    if not having:
        return found
    with st.expander("Options of the methods"):
        for place in range(0, len(having), 3):
            for column, name in zip(st.columns(3), having[place : place + 3], strict=False):
                with column:
                    st.markdown(f"**{inert(METHODS[name].title)}**")
                    found[name] = draw_options(METHODS[name], "model-output" if own else "")
    return found


def draw_plan(plan: Plan, store: Store, device: str) -> int:
    """What the runs come to, before they start. Returns how many are not stored yet."""
    states = store.states([spec.id for spec in plan.specs])
    done = sum(state == "done" for state in states.values())
    under_way = sum(state in ("queued", "running") for state in states.values())
    left = [spec for spec in plan.specs if states.get(spec.id) not in ("done", "queued", "running")]
    told = _estimate((store.url, *(spec.id for spec in left)), left, store)
    with st.container(border=True):
        st.markdown("## Before the start")
        st.html(markup.grid(_tiles(plan, done, under_way, len(left), told, store, device), "11rem"))
        for one in plan.left_out:
            more = f" and {len(one.mixes) - SHOWN_MIXES} more" if len(one.mixes) > SHOWN_MIXES else ""
            names = f"{', '.join(one.mixes[:SHOWN_MIXES])}{more}"
            st.caption(f":material/block: Left out, {inert(names)}: {inert(one.reason)}.")
        if told is not None:
            for misfit in told.misfits:
                st.warning(inert(f"{misfit.spec.title()}: {words.misfit(misfit)}"), icon=":material/memory:")
            if not told.misfits:
                st.caption(":material/check_circle: Every run fits this machine.")
    return len(left)


def _tiles(
    plan: Plan, done: int, under_way: int, left: int, told: SweepEstimate | None, store: Store, device: str
) -> list[str]:
    stored = f"{done} of them stored already" + (f", {under_way} under way" if under_way else "")
    found = [markup.tile("Runs", str(len(plan.specs)), stored, f"at most {LIMIT} together")]
    if told is None:
        return found
    time = "–" if told.low is None or told.high is None else words.span(told.low, told.high)
    found.append(
        markup.tile(
            f"Time of {counted(left, 'run')}",
            time,
            told.rests_on or f"cannot be told before the first finished run on {told.host.spec.device}",
            "dense summaries and statistics that runs share are counted once",
        )
    )
    if told.accelerator is not None:
        stage = told.accelerator.accelerator_peak
        need = 0 if stage is None else stage.accelerator_bytes
        which = f"{words.free(told.accelerator, 'accelerator')}; {told.accelerator.spec.pruning.method}"
        found.append(markup.tile("Accelerator memory, highest peak", words.size(need), which))
    which = f"{words.free(told.host, 'host')}; the highest is of {told.host.spec.pruning.method}"
    found.append(markup.tile("Host memory, highest peak", words.size(told.host.host_peak.host_bytes), which))
    found.append(markup.tile("Place in the queue", *queue_place(store, devices.resolve(device))))
    return found


def queue_place(store: Store, device: str) -> tuple[str, str]:
    """What the first run of the sweep waits for: a number, and the sentence beside it."""
    ahead = store.find_runs(Chosen(states=("queued", "running"), device=device), limit=1).total
    if not ahead:
        return "1", f"nothing runs on {device}: it starts at once"
    return str(ahead + 1), f"{counted(ahead, 'run is', 'runs are')} before it on {device}"


@st.cache_data(ttl=60, max_entries=16, show_spinner="Estimating …")
def _estimate(key: tuple[str, ...], _specs: Sequence[RunSpec], _store: Store) -> SweepEstimate | None:  # noqa: ARG001 (the key)
    try:
        return estimate_sweep(_specs, _store)
    except (BadInput, Unavailable):
        return None  # the start says why


def _start(store: Store, axes: Axes, base: dict[str, Any], options: dict[str, dict[str, Any]]) -> None:
    """Checks everything, queues what is not stored, keeps the sweep and opens it on the page Runs."""
    with st.spinner("Checking models, data and device …"):
        plan = plan_sweep(axes, base, options)
        queued = [run.id for run, _ in jobs.submit_all(plan.specs, store)]
        sweep = store.put_sweep(axes.title(base["corpus"]), axes.to_json(), queued)
    if plan.left_out:
        reasons = "; ".join(f"{len(one.mixes)} because it {one.reason}" for one in plan.left_out)
        st.session_state["sweep.notice"] = f"Left out: {reasons}."
    prefill.leave()
    st.switch_page("pages/9_Runs.py", query_params={"sweep": sweep.id})
