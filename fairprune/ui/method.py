"""The choice of a pruning method: its card, and a widget for every option that it declares."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from fairprune.methods import METHODS, Method
from fairprune.ui.markup import inert
from fairprune.ui.widgets import keyed

COMPARES = {
    "row": "within each output row",
    "matrix": "within the whole matrix",
    "block": "within blocks of columns, and those that stay are updated",
}


def choose_method(calibration: str) -> tuple[str, dict[str, Any]]:
    """Draws the list of methods and the card of the chosen one. Returns its name and its options."""
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
            **keyed("method", names),
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
            **keyed(where, values),
        )
    if kind is bool:
        return st.toggle(label, value=field.default, help=help_text, **keyed(where))
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
            **keyed(where),
        )
    return st.text_input(label, value=str(field.default), help=help_text, **keyed(where))
