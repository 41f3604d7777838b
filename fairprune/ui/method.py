"""The choice of a pruning method: the cards of all of them, and a widget for every option that one declares."""

from __future__ import annotations

from typing import Any, get_args

import streamlit as st
from pydantic.fields import FieldInfo

from fairprune.methods import METHODS, Method
from fairprune.ui.markup import inert
from fairprune.ui.widgets import draw_field, keyed

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
        draw_card(METHODS[str(name)])
        options = draw_options(METHODS[str(name)], calibration)
    compare_methods()
    return str(name), options


def compare_methods() -> None:
    """The cards of all methods beside one another, folded."""
    with st.expander(f"Compare all {len(METHODS)} methods", icon=":material/compare_arrows:"):
        methods = list(METHODS.values())
        for place in range(0, len(methods), 2):
            for column, method in zip(st.columns(2), methods[place : place + 2], strict=False):
                with column, st.container(border=True):
                    draw_card(method)
                    st.caption(inert(method.summary))


def draw_card(method: Method) -> None:
    """What the method does: formula, what it compares with what, what it reads, whether it needs gradients, its source."""
    st.subheader(inert(method.title), anchor=False)
    st.latex(method.formula)
    gradient = (
        "gradients needed: one more pass, more memory" if "gradient" in method.needs else "no gradients"
    )
    data = "reads calibration windows" if method.needs else "reads no calibration data"
    st.markdown(f"Weights compete {COMPARES[method.compares]} · {data} · {gradient}")
    st.caption(f"Source: {inert(method.source)}")


def draw_options(method: Method, calibration: str) -> dict[str, Any]:
    """A widget for every option of the method."""
    return {
        name: _option(method.name, name, field, calibration)
        for name, field in method.options.model_fields.items()
    }


def _option(method: str, name: str, field: FieldInfo, calibration: str) -> Any:
    """The widget that a field's type asks for; its sentence is the help."""
    values = None
    if name == "loss" and not calibration.startswith("model-output"):
        # There are no summary tokens then.
        values = [value for value in get_args(field.annotation) if value != "summary_tokens"]
    return draw_field(name.replace("_", " ").capitalize(), f"option.{method}.{name}", field, values)
