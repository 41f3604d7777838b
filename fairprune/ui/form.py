"""The form of a run: widgets → the arguments of `plan_run`. What cannot go together is not offered."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from fairprune import corpora, devices
from fairprune.catalogue import CATALOGUE
from fairprune.errors import BadInput
from fairprune.methods import METHODS, Method
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
from fairprune.ui.markup import inert

OTHER = "other"
KINDS = {
    "balanced": "Balanced",
    "random": "Random",
    "skewed": "Skewed to a group",
    "one-group": "One group only",
    "model-output": "The model's own summaries",
    "general": "No opinions",
}
COMPARES = {"row": "within each output row", "matrix": "within the whole matrix"}


def run_form() -> dict[str, Any]:
    """Draws the form. Returns the arguments of `fairprune.plan.plan_run`."""
    preset = _preset()
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Model", anchor=False)
        model = _model()
    with right:
        st.subheader("Opinions", anchor=False)
        corpus = _corpus()
        calibration = _calibration(corpus)
    upload.import_form()
    st.subheader("Method", anchor=False)
    method, options = _method(calibration)
    st.subheader("Sparsity", anchor=False)
    target = _target()
    st.subheader("Seed and device", anchor=False)
    return {
        "model": model,
        "corpus": corpus,
        "calibration": calibration,
        "method": method,
        "options": options,
        "preset": preset,
        **target,
        **_machine(),
        **_details(preset),
    }


def require_model(values: dict[str, Any]) -> str:
    """The model of the form.

    Raises:
        BadInput: none was given.
    """
    if not values["model"]:
        raise BadInput("no model was given: write a hub id (owner/name) or a local folder")
    return str(values["model"])


def _field(part: Any, name: str) -> str:
    """The sentence under a field of the spec: the widget's help."""
    return inert(part.model_fields[name].description or "")


def _keyed(name: str, options: list[Any] | None = None) -> dict[str, Any]:
    """Key of a widget whose value survives a change of page; forgets a value that is not offered any more."""
    key = f"prune.{name}"
    if options is not None and key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
    return {"key": key, "persist_state": "session"}


def _preset() -> str:
    names = list(PRESETS)
    preset = st.segmented_control(
        "Size of the run",
        names,
        default=names[0],
        format_func=str.capitalize,
        required=True,
        **_keyed("preset"),
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
        help=_field(ModelSpec, "name"),
        **_keyed("model"),
    )
    if name == OTHER:
        typed = st.text_input(
            "Hub id or folder", placeholder="owner/name, or /path/to/model", **_keyed("model_typed")
        )
        st.caption(
            "A decoder model with config.json, tokenizer.json and safetensors. Pickled weights are refused."
        )
        return str(typed).strip()
    st.caption(CATALOGUE[name].needs)
    return str(name)


def _corpus() -> str:
    if st.session_state.get("imported"):  # an own file has just become a corpus: choose it
        st.session_state["prune.corpus"] = st.session_state.pop("imported")
    names = list(corpora.names())
    titles = {name: corpora.info(name).title for name in names}
    corpus = st.selectbox(
        "Corpus",
        names,
        format_func=titles.__getitem__,
        help=_field(EvaluationSpec, "corpus"),
        **_keyed("corpus", names),
    )
    info = corpora.info(corpus)
    st.caption(inert(f"Groups: {', '.join(info.groups)}. {info.note}"))
    return str(corpus)


def _calibration(corpus: str) -> str:
    kinds = list(KINDS)
    kind = st.selectbox(
        "Calibration set",
        kinds,
        format_func=KINDS.__getitem__,
        help=_field(CalibrationSpec, "name"),
        **_keyed("calibration"),
    )
    note = CALIBRATION_KINDS[kind]
    name = kind
    if kind in ("skewed", "one-group"):
        groups = list(corpora.info(corpus).groups)
        name = f"{kind}:{st.selectbox('Group', groups, **_keyed('calibration_group', groups))}"
    elif kind == "model-output":
        which = st.segmented_control(
            "Summaries that BUR calls",
            ["fair", "unfair"],
            default="fair",
            required=True,
            **_keyed("calibration_output"),
        )
        name = f"{kind}:{which or 'fair'}"
    elif kind == "general":
        texts = {"general": "Film plots (packaged)", "general:c4": "C4 (needs the hub)"}
        name = st.selectbox(
            "Texts", list(texts), format_func=texts.__getitem__, **_keyed("calibration_texts")
        )
    st.caption(inert(note))
    return str(name)


def _method(calibration: str) -> tuple[str, dict[str, Any]]:
    left, right = st.columns([1, 1.25], gap="large")
    names = list(METHODS)
    with left:
        name = st.radio(
            "Method",
            names,
            index=names.index("wanda") if "wanda" in names else 0,
            format_func={key: METHODS[key].title for key in names}.__getitem__,
            captions=[METHODS[key].summary for key in names],
            label_visibility="collapsed",
            **_keyed("method", names),
        )
    with right, st.container(border=True):
        return str(name), _card(METHODS[str(name)], calibration)


def _card(method: Method, calibration: str) -> dict[str, Any]:
    """What the method does, and its options."""
    st.markdown(f"#### {method.title}")
    st.latex(method.formula)
    gradient = (
        "gradients needed: one more pass, more memory" if "gradient" in method.needs else "no gradients"
    )
    data = "reads calibration windows" if method.needs else "reads no calibration data"
    st.markdown(f"Weights compete {COMPARES[method.compares]} · {data} · {gradient}")
    st.caption(f"Source: {inert(method.source)}")
    options: dict[str, Any] = {}
    for name, field in method.options.model_fields.items():
        options[name] = _option(method.name, name, field, calibration)
    return options


def _option(method: str, name: str, field: FieldInfo, calibration: str) -> Any:
    """The widget that a field's type asks for; its sentence is the help."""
    label = name.replace("_", " ").capitalize()
    where = f"option.{method}.{name}"
    help_text = inert(field.description or "")
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        values = list(get_args(kind))
        if name == "loss" and not calibration.startswith("model-output"):
            values = [
                value for value in values if value != "summary_tokens"
            ]  # there are no summary tokens then
        return st.selectbox(
            label,
            values,
            index=values.index(field.default),
            format_func={value: str(value).replace("_", " ") for value in values}.__getitem__,
            help=help_text,
            **_keyed(where, values),
        )
    if kind is bool:
        return st.toggle(label, value=field.default, help=help_text, **_keyed(where))
    if kind in (int, float):
        limits = {type(rule).__name__: rule for rule in field.metadata}
        least, most = (getattr(limits.get(rule), rule.lower(), None) for rule in ("Ge", "Le"))
        return st.number_input(
            label,
            min_value=None if least is None else kind(least),
            max_value=None if most is None else kind(most),
            value=field.default,
            step=1 if kind is int else 0.1,
            help=help_text,
            **_keyed(where),
        )
    return st.text_input(label, value=str(field.default), help=help_text, **_keyed(where))


def _target() -> dict[str, Any]:
    left, right = st.columns(2, gap="large")
    with left:
        kind = st.segmented_control(
            "Kind of sparsity",
            ["unstructured", "n:m"],
            default="unstructured",
            required=True,
            **_keyed("kind"),
        )
        if kind == "n:m":
            choice = st.segmented_control(
                "Pattern",
                ["2:4", "4:8", "own"],
                default="2:4",
                required=True,
                help=_field(PruningSpec, "pattern"),
                **_keyed("pattern"),
            )
            pattern = str(choice or "2:4")
            if choice == "own":
                pattern = st.text_input(
                    "n:m", value="1:4", help="n dropped of every m, 0 < n < m ≤ 64", **_keyed("pattern_typed")
                )
            with right:
                st.caption(
                    "A pattern fixes the sparsity of every matrix: n/m of each, so the allocation is uniform."
                )
            return {"sparsity": None, "pattern": pattern, "allocation": "uniform"}
        share = st.slider(
            "Weights to drop, %", 0, 95, 50, 1, help=_field(PruningSpec, "sparsity"), **_keyed("sparsity")
        )
    with right:
        allocation = st.radio(
            "Allocation",
            ["uniform", "global"],
            format_func=str.capitalize,
            help=_field(PruningSpec, "allocation"),
            **_keyed("allocation"),
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
            help="Of calibration windows, opinion sets, sampling and bootstrap alike.",
            **_keyed("seed"),
        )
    with right:
        there = {"auto": f"auto ({devices.available()[0]})", **{name: name for name in devices.available()}}
        device = st.selectbox(
            "Device",
            list(there),
            format_func=there.__getitem__,
            **_keyed("device", list(there)),
        )
    return {"seed": int(seed), "device": device}


def _details(preset: str) -> dict[str, Any]:
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
                    help=_field(part, field),
                    **_keyed(name),
                )
        with columns[2]:
            kinds = list(get_args(ModelSpec.model_fields["dtype"].annotation))
            values["dtype"] = st.selectbox(
                "Number format", kinds, help=_field(ModelSpec, "dtype"), **_keyed("dtype")
            )
        values["sample"] = st.toggle(
            "Sample tokens instead of taking the likeliest",
            help=_field(EvaluationSpec, "sample"),
            **_keyed("sample"),
        )
    return values
