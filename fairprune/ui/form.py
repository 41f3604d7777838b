"""The form of a run: widgets → the arguments of `plan_run`. What cannot go together is not offered."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st
from pydantic import BaseModel
from streamlit.delta_generator import DeltaGenerator

from fairprune import corpora, devices
from fairprune.catalogue import CATALOGUE
from fairprune.errors import BadInput
from fairprune.spec import (
    CALIBRATION_KINDS,
    PRESET_NOTES,
    PRESETS,
    CalibrationSpec,
    EvaluationSpec,
    ModelSpec,
    PruningSpec,
)
from fairprune.ui import upload
from fairprune.ui.form_metrics import draw_metrics
from fairprune.ui.markup import inert
from fairprune.ui.method import choose_method
from fairprune.ui.widgets import keyed, sentence

ALLOCATIONS = {"uniform": "Uniform", "owl": "By outliers (OWL)", "global": "Global"}
OTHER = "other"
SEED_HELP = "Of calibration windows, opinion sets, sampling and bootstrap alike."
KINDS = {
    "balanced": "Balanced",
    "random": "Random",
    "skewed": "Skewed to a group",
    "one-group": "One group only",
    "model-output": "The model's own summaries",
    "general": "No opinions",
    "denp": "Weighted by what pruning hurts (DENP)",
}


def run_form() -> dict[str, Any]:
    """Draws the form. Returns the arguments of `fairprune.plan.plan_run`."""
    preset = draw_preset()
    left, right = st.columns(2, gap="large")
    with left:
        st.header("Model", anchor=False)
        model = _model()
    with right:
        st.header("Opinions", anchor=False)
        corpus = draw_corpus()
        calibration = draw_calibration(corpus)
    upload.import_form()
    st.header("Method", anchor=False)
    method, options = choose_method(calibration)
    st.header("Sparsity", anchor=False)
    target = _target()
    st.header("Seed and device", anchor=False)
    return {
        "model": model,
        "corpus": corpus,
        "calibration": calibration,
        "method": method,
        "options": options,
        "preset": preset,
        **target,
        **_machine(),
        **draw_details(corpus, preset),
    }


def require_model(values: dict[str, Any]) -> str:
    """The model of the form.

    Raises:
        BadInput: none was given.
    """
    if not values["model"]:
        raise BadInput("no model was given: write a hub id (owner/name) or a local folder")
    return str(values["model"])


def draw_preset() -> str:
    names = list(PRESETS)
    preset = st.segmented_control(
        "Size of the run",
        names,
        default=names[0],
        format_func=str.capitalize,
        required=True,
        **keyed("preset"),
    )
    preset = preset or names[0]
    st.caption(PRESET_NOTES[preset])
    return preset


def _model() -> str:
    titles = {name: entry.title for name, entry in CATALOGUE.items()}
    titles[OTHER] = "Another: hub id or local folder …"
    name = st.selectbox(
        "Model",
        list(titles),
        format_func=titles.__getitem__,
        help=sentence(ModelSpec, "name"),
        **keyed("model"),
    )
    if name == OTHER:
        typed = st.text_input(
            "Hub id or folder", placeholder="owner/name, or /path/to/model", **keyed("model_typed")
        )
        st.caption(
            "A decoder model with config.json, tokenizer.json and safetensors. Pickled weights are refused."
        )
        return str(typed).strip()
    st.caption(CATALOGUE[name].needs)
    return str(name)


def draw_corpus() -> str:
    if st.session_state.get("imported"):  # an own file has just become a corpus: choose it
        st.session_state["prune.corpus"] = st.session_state.pop("imported")
    names = list(corpora.names())
    titles = {name: corpora.info(name).title for name in names}
    corpus = st.selectbox(
        "Corpus",
        names,
        format_func=titles.__getitem__,
        help=sentence(EvaluationSpec, "corpus"),
        **keyed("corpus", names),
    )
    info = corpora.info(corpus)
    st.caption(inert(f"Groups: {', '.join(info.groups)}. {info.note}"))
    return str(corpus)


def draw_calibration(corpus: str) -> str:
    kinds = list(KINDS)
    kind = st.selectbox(
        "Calibration set",
        kinds,
        format_func=KINDS.__getitem__,
        help=sentence(CalibrationSpec, "name"),
        **keyed("calibration"),
    )
    note = CALIBRATION_KINDS[kind]
    name = kind
    if kind in ("skewed", "one-group"):
        groups = list(corpora.info(corpus).groups)
        name = f"{kind}:{st.selectbox('Group', groups, **keyed('calibration_group', groups))}"
    elif kind == "model-output":
        which = st.segmented_control(
            "Summaries that BUR calls",
            ["fair", "unfair"],
            default="fair",
            required=True,
            **keyed("calibration_output"),
        )
        name = f"{kind}:{which or 'fair'}"
    elif kind == "general":
        texts = {"general": "Film plots (packaged)", "general:c4": "C4 (needs the hub)"}
        name = st.selectbox("Texts", list(texts), format_func=texts.__getitem__, **keyed("calibration_texts"))
    st.caption(inert(note))
    return str(name)


def _target() -> dict[str, Any]:
    left, right = st.columns(2, gap="large")
    with left:
        kind = st.segmented_control(
            "Kind of sparsity",
            ["unstructured", "n:m"],
            default="unstructured",
            required=True,
            **keyed("kind"),
        )
        if kind == "n:m":
            choice = st.segmented_control(
                "Pattern",
                ["2:4", "4:8", "own"],
                default="2:4",
                required=True,
                help=sentence(PruningSpec, "pattern"),
                **keyed("pattern"),
            )
            pattern = str(choice or "2:4")
            if choice == "own":
                pattern = st.text_input(
                    "n:m", value="1:4", help="n dropped of every m, 0 < n < m ≤ 64", **keyed("pattern_typed")
                )
            with right:
                st.caption(
                    "A pattern fixes the sparsity of every matrix: n/m of each, so the allocation is uniform."
                )
            return {"sparsity": None, "pattern": pattern, "allocation": "uniform"}
        share = st.slider(
            "Weights to drop, %", 0, 95, 50, 1, help=sentence(PruningSpec, "sparsity"), **keyed("sparsity")
        )
    with right:
        allocation = st.radio(
            "Allocation",
            list(ALLOCATIONS),
            format_func=ALLOCATIONS.__getitem__,
            help=sentence(PruningSpec, "allocation"),
            **keyed("allocation"),
        )
    return {"sparsity": share / 100, "pattern": None, "allocation": allocation}


def _machine() -> dict[str, Any]:
    left, right = st.columns(2, gap="large")
    with left:
        seed = st.number_input(
            "Seed",
            min_value=0,
            value=0,
            step=1,
            help=SEED_HELP,
            **keyed("seed"),
        )
    with right:
        device = draw_device()
    return {"seed": int(seed), "device": device}


def draw_device() -> str:
    there = {"auto": f"auto ({devices.available()[0]})", **{name: name for name in devices.available()}}
    return str(
        st.selectbox("Device", list(there), format_func=there.__getitem__, **keyed("device", list(there)))
    )


def _choice(part: type[BaseModel], field: str, label: str, column: DeltaGenerator) -> str:
    """A select box over the values that a field allows."""
    values = list(get_args(part.model_fields[field].annotation))
    return str(column.selectbox(label, values, help=sentence(part, field), **keyed(field)))


def draw_details(corpus: str, preset: str) -> dict[str, Any]:
    """Numbers that the preset decides unless they are filled in."""
    calibration, evaluation = PRESETS[preset]["calibration"], PRESETS[preset]["evaluation"]
    fields: tuple[tuple[str, str, Any, str, Any, int, int], ...] = (
        (
            "calibration_samples",
            "Calibration windows",
            CalibrationSpec,
            "samples",
            calibration["samples"],
            1,
            4096,
        ),
        ("seqlen", "Tokens per window", CalibrationSpec, "seqlen", calibration["seqlen"], 8, 32768),
        ("samples", "Opinion sets", EvaluationSpec, "samples", evaluation["samples"], 1, 100_000),
        (
            "max_new_tokens",
            "New tokens per summary",
            EvaluationSpec,
            "max_new_tokens",
            evaluation["max_new_tokens"],
            8,
            2048,
        ),
        ("batch_size", "Summaries at once", EvaluationSpec, "batch_size", evaluation["batch_size"], 1, 512),
    )
    values: dict[str, Any] = {}
    with st.expander("More settings"):
        columns = st.columns(3)
        for place, (name, label, part, field, default, least, most) in enumerate(fields):
            with columns[place % 3]:
                values[name] = st.number_input(
                    label,
                    min_value=least,
                    max_value=most,
                    value=None,
                    step=1,
                    placeholder="all" if default is None else f"{default} ({preset})",
                    help=sentence(part, field),
                    **keyed(name),
                )
        with columns[2]:
            kinds = list(get_args(ModelSpec.model_fields["dtype"].annotation))
            values["dtype"] = st.selectbox(
                "Number format", kinds, help=sentence(ModelSpec, "dtype"), **keyed("dtype")
            )
        values["compositions"] = _choice(EvaluationSpec, "compositions", "Group mix of the sets", columns[0])
        values["sample"] = st.toggle(
            "Sample tokens instead of taking the likeliest",
            help=sentence(EvaluationSpec, "sample"),
            **keyed("sample"),
        )
        values |= draw_metrics(corpus, preset)
    return values
