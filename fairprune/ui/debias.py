"""The page Debias: what it starts from, which of its parts is shown, and the runs that belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from fairprune.catalogue import CATALOGUE, resolve
from fairprune.corpora import info, names
from fairprune.debias_group import Member, base_of, group_of, is_debiased
from fairprune.errors import BadInput, StoreError, Unavailable
from fairprune.methods import METHODS
from fairprune.plan import plan_run
from fairprune.spec import PRESETS, RunSpec
from fairprune.store import Chosen, Run, Store
from fairprune.ui import debias_start
from fairprune.ui.address import bind, carried, carry, keep
from fairprune.ui.markup import inert
from fairprune.ui.runs import pick_run
from fairprune.ui.widgets import keyed

PAGE = "debias"
RESULT, LAB, FROM = "result", "lab", "from"


@dataclass(frozen=True)
class Lab:
    """One of the methods of this page."""

    title: str
    what: str
    """One sentence."""
    known: str
    """What of it is read in a paper and what is filled in here."""
    source: str
    formulas: tuple[tuple[str, str], ...]
    """(LaTeX, what it says)."""


LABS: dict[str, Lab] = {
    "spin": Lab(
        "SPIN",
        "Zeroes the few weights that two concerns (fairness and privacy) both rest on, and general text does not.",
        "Read in the paper and its code; the controls, the scope over all matrices and the paired comparison are ours.",
        "arXiv 2410.16672",
        (
            (
                r"I_D = \sum_{x \in D} \left| W \odot \frac{\partial L(x)}{\partial W} \right|",
                "Importance of each weight for a set D; L is the mean loss of the answer's tokens, one answer at a time.",
            ),
            (
                r"S = (\mathrm{top}_k\, I_A \cap \mathrm{top}_k\, I_B) \setminus \mathrm{top}_{p}\, I_G,"
                r"\quad k = \max(k_{\min}, \lfloor r \cdot n \rfloor)",
                "Per matrix: in the top of both awareness sets, not in that of general text. These weights become 0.",
            ),
        ),
    ),
    "collapse": Lab(
        "Neural Collapse",
        "How alike a model treats the words of groups: each word's row of the output matrix beside the mean of its contexts.",
        "Read in the papers; the word lists, the control list and the optional term for the mean are ours.",
        "arXiv 2410.04472",
        (
            (
                r"s_c = \cos(w_c,\ \mu_c - \mu_G)",
                "w is the word's row of the output matrix, μ the mean of the states before it, μ_G their mean over the words.",
            ),
            (
                r"\mathrm{NC3} = \mathrm{mean}_c\, s_c \qquad \mathrm{UNC3} = \mathrm{std}_c\, s_c",
                "Alignment, and how uneven it is.",
            ),
            (
                r"L = L_\mathrm{task} + \lambda \cdot \mathrm{UNC3} \;[\,+\, \lambda_\mathrm{mean} (1 - \mathrm{NC3})\,]",
                "The recovery. The term in brackets is an extension of ours.",
            ),
        ),
    ),
    "denp": Lab(
        "DENP",
        "Finds the texts whose loss pruning raises most, without group labels, and makes their tokens weigh as much as those of all "
        "other texts.",
        "After the abstract and a figure: the paper's formulas could not be read. What stands here is a reconstruction.",
        "IEEE TIP 2026, doi 10.1109/TIP.2026.3687070",
        (
            (
                r"\mathrm{RAC}_i = \frac{1}{K} \sum_{k=1}^{K} \left[ \mathrm{nll}_k(i) - \mathrm{nll}_0(i) \right]",
                "The mean rise of text i's loss along pruning by Wanda at 20 to 80 %, without training.",
            ),
            (
                r"w_t = T / (2 \cdot T_{\text{set of } t})",
                "2-means on RAC gives two sets; each token of an opinion gets the weight of its text, so that the tokens of both sets, "
                "T in all, sum alike. All other tokens of the windows weigh 1. A split that noise gives as well is refused.",
            ),
        ),
    ),
    "recovery": Lab(
        "Masked recovery",
        "Some steps of training on the weights that pruning kept. Zeros stay zero, which is checked after every step.",
        "Common practice; here it is the uniform control of the other recoveries, and of use by itself.",
        "AdamW: arXiv 1711.05101",
        (
            (
                r"W \leftarrow W - M \odot \mathrm{AdamW}\!\left(\nabla L\right)",
                "M is the keep-mask. L is the mean loss of the next tokens of calibration windows drawn evenly.",
            ),
        ),
    ),
}


@dataclass(frozen=True)
class Start:
    """What an edit or a recovery is added to."""

    spec: RunSpec
    """The run without either: as it is stored, or as the form has it, unchecked."""
    run: Run | None
    """The stored run that the address names; None: the form of a model."""
    values: dict[str, Any] | None
    """Arguments of `plan_run` for a model; None for a stored run."""


def pick_lab(spec: RunSpec | None) -> str:
    """The method of the address; of a stored run that has one already, that one."""
    default = lab_of(spec) if spec is not None and is_debiased(spec) else "spin"
    return str(
        st.segmented_control(
            "Method",
            list(LABS),
            format_func={name: lab.title for name, lab in LABS.items()}.__getitem__,
            required=True,
            key=bind(LAB, list(LABS), default),
            on_change=keep,
            args=(LAB,),
        )
        or default
    )


def lab_of(spec: RunSpec) -> str:
    """The part of the page that a run belongs to."""
    if spec.edit is not None:
        return "spin"
    kind = None if spec.recovery is None else spec.recovery.kind
    if kind == "nc3":
        return "collapse"
    return "recovery" if kind == "uniform" else "denp"


def pick_start(store: Store) -> Start | None:
    """A stored run, or a model; None where nothing is chosen yet, and the page has said what to do."""
    way = st.segmented_control(
        "Start from",
        ["run", "model"],
        format_func={"run": "A stored run", "model": "A model"}.__getitem__,
        required=True,
        key=bind(FROM, ["run", "model"], "run"),
        on_change=keep,
        args=(FROM,),
    )
    if way == "model":
        debias_start.settle()
        return _model()
    debias_start.leave()
    run = pick_run(store, done_only=False)
    if run is None:
        return None
    base = base_of(run.spec)
    if base != run.spec:
        st.caption(
            f"{inert(run.label)} is an edited or recovered run. It is compared with {inert(base.title())}."
        )
    return Start(base, run, None)


def _model() -> Start | None:
    """A model and how it is pruned: the run that has to be made first is part of the group."""
    begin = debias_start.first()
    left, right = st.columns(2, gap="large")
    with left:
        model = st.text_input(
            "Model",
            value=begin["model"],
            help=f"Catalogue name ({', '.join(CATALOGUE)}), hub id or local folder of a decoder model.",
            **keyed("model", page=PAGE),
        )
        known = list(names())
        corpus = st.selectbox(
            "Corpus",
            known,
            format_func={name: info(name).title for name in known}.__getitem__,
            **keyed("corpus", known, PAGE),
        )
    with right:
        method = st.selectbox(
            "Pruned by",
            list(METHODS),
            index=list(METHODS).index(begin["method"]),
            format_func={name: one.title for name, one in METHODS.items()}.__getitem__,
            **keyed("method", page=PAGE),
        )
        share = st.slider(
            "Weights to drop, %",
            0,
            debias_start.MOST,
            debias_start.percent_of(begin["sparsity"]),
            debias_start.STEP,
            help="0: the dense model.",
            **keyed("sparsity", page=PAGE),
        )
    preset = st.segmented_control(
        "Size of the run",
        list(PRESETS),
        default=begin["preset"],
        format_func=str.capitalize,
        required=True,
        **keyed("preset", page=PAGE),
    )
    values = {
        "model": str(model).strip(),
        "corpus": corpus,
        "method": method,
        "sparsity": share / 100,
        "preset": preset or begin["preset"],
    }
    debias_start.write(values)
    if not values["model"]:
        raise BadInput("no model was given: write a catalogue name, a hub id (owner/name) or a local folder")
    return Start(plan_run(**values, checked=False), None, values)


def results(store: Store, base: RunSpec, lab: str, opened: Run | None = None) -> list[Run]:
    """Stored runs of this part of the page whose base is this one, newest first; controls are no results of their own.

    Args:
        opened: the run of the address; an edit's control stands for itself where what it is a control of is not stored.
    """
    found = []
    for run in _added_runs(store, base):
        spec = run.spec
        if lab_of(spec) == lab and not _is_control(spec) and same_base(spec, base):
            found.append(run)
    alone = opened is not None and _is_control(opened.spec) and lab_of(opened.spec) == lab
    if opened is not None and alone and own_result(opened.spec) not in {run.id for run in found}:
        found.append(opened)
    return found


def _is_control(spec: RunSpec) -> bool:
    return spec.edit is not None and spec.edit.control != "none"


def _added_runs(store: Store, base: RunSpec) -> Iterator[Run]:
    """All stored runs that do more than prune, by the base's method and on its corpus, newest first."""
    chosen = Chosen(
        added=True, model=_stored_name(base), method=base.pruning.method, corpus=base.evaluation.corpus
    )
    offset, total = 0, 1
    while offset < total:
        listed = store.find_runs(chosen, offset=offset, limit=PORTION)
        yield from listed.runs
        offset, total = offset + PORTION, listed.total


PORTION = 500
"""Runs that are read at once."""


def _stored_name(base: RunSpec) -> str:
    """The model's name as a stored run has it; a form may hold a shorter one, or one that cannot be."""
    if base.model.identity:
        return base.model.name
    try:
        source = resolve(base.model.name)
    except (BadInput, Unavailable):
        return base.model.name
    return source.place if source.kind == "folder" else source.name


def same_base(spec: RunSpec, base: RunSpec) -> bool:
    """Whether a run without its edit or recovery is this one; of a form that is not checked yet, weights are not compared, nor how
    many samples the corpus gives.
    """
    mine = base_of(spec)
    if (
        spec.calibration.name == "denp"
    ):  # balanced windows, weighed, in the place of whatever the base has; of the same draw
        calibration = mine.calibration.model_copy(update={"name": base.calibration.name})
        mine = mine.model_copy(update={"calibration": calibration})
    if base.model.identity:
        return mine.id == base.id
    model = base.model.model_copy(update={"name": _stored_name(base), "identity": mine.model.identity})
    evaluation = mine.evaluation.model_copy(update={"samples": base.evaluation.samples})
    return mine.model_copy(update={"evaluation": evaluation}) == base.model_copy(update={"model": model})


def own_result(spec: RunSpec) -> str | None:
    """Id of the run whose result a run belongs to: its own; of an edit's control that of the edit. None for a run that only prunes."""
    return next((member.spec.id for member in group_of(spec) if member.role == "asked"), None)


OPENED = "debias.opened"
"""In the session: the run that was drawn last, with the method and the result that the address held then."""


def in_address() -> dict[str, bool]:
    """Which of run, method and result the address names itself, before anything of the page adds them."""
    carried("run")  # a late address is put right first
    return {name: bool(st.query_params.get(name)) for name in ("run", LAB, RESULT)}


def follow(run: Run, named: Mapping[str, bool]) -> None:
    """A run that is opened shows its own method and result, unless its address names others.

    What the address or the session still holds of the run that was open before means nothing of this one.

    Args:
        named: as `in_address` found it.
    """
    before = st.session_state.get(OPENED) or {}
    another = before.get("run") not in (None, run.id)
    for name in (LAB, RESULT):
        arrived = named["run"] and not named[name]
        left_over = another and carried(name) == before[name]
        if (arrived or left_over) and (name == RESULT or is_debiased(run.spec)):
            carry(name, None)


def opened(run: Run) -> None:
    """Notes what is drawn, for `follow`."""
    st.session_state[OPENED] = {"run": run.id, LAB: carried(LAB), RESULT: carried(RESULT)}


def pick_result(found: list[Run], start: Run | None = None) -> Run | None:
    """The result in the address, else that of the run that is open, else the newest.

    Args:
        start: the run that is open.
    """
    if not found:
        carry(RESULT, None)
        return None
    titles = {
        run.id: f"{' + '.join(run.spec.additions) or 'calibrated by DENP'} · seed {_seed(run.spec)} · {run.id[:6]}"
        for run in found
    }
    own = () if start is None else (own_result(start.spec), start.id)
    first = next((run_id for run_id in own if run_id in titles), found[0].id)
    if len(found) == 1:
        carry(RESULT, first)
        return found[0]
    chosen = st.selectbox(
        "Result",
        list(titles),
        format_func=titles.__getitem__,
        key=bind(RESULT, list(titles), first),
        on_change=keep,
        args=(RESULT,),
    )
    carry(RESULT, chosen)
    return next(run for run in found if run.id == chosen)


def _seed(spec: RunSpec) -> int:
    part = spec.edit or spec.recovery
    return spec.calibration.seed if part is None else part.seed


def stored_members(store: Store, spec: RunSpec) -> tuple[tuple[Member, Run | None], ...]:
    """The group of a run, each with what is stored of it."""
    members = group_of(spec)
    known = {run.id: run for run in store.runs_of([member.spec.id for member in members])}
    return tuple((member, known.get(member.spec.id)) for member in members)


def member_run(store: Store, spec: RunSpec) -> Run | None:
    """The stored run of a spec."""
    try:
        return store.run(spec.id)
    except (StoreError, Unavailable):
        return None
