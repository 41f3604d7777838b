"""What the widgets of the form share: their keys and their help."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args, get_origin

import streamlit as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from fairprune.ui.markup import inert


def sentence(part: type[BaseModel], name: str) -> str:
    """The sentence under a field of the spec: the widget's help."""
    return inert(part.model_fields[name].description or "")


def keyed(name: str, options: list[Any] | None = None, page: str = "prune") -> dict[str, Any]:
    """Key of a widget whose value survives a change of page; forgets a value that is not offered any more."""
    key = f"{page}.{name}"
    if options is not None and key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]
    return {"key": key, "persist_state": "session"}


SMALL = 0.05
"""Numbers of a default below this are written with an exponent."""


def limits(field: FieldInfo) -> tuple[Any, Any]:
    """The least and the largest value that a number's widget takes; None where there is no limit."""
    rules = {type(rule).__name__: rule for rule in field.metadata}
    least, most = (getattr(rules.get(rule), rule.lower(), None) for rule in ("Ge", "Le"))
    return least, most


def check_range(field: FieldInfo, value: float) -> None:
    """Refuses a number that the field cannot hold, with what would be right.

    Raises:
        ValueError: it is no number or outside the limits.
    """
    rules = {type(rule).__name__: rule for rule in field.metadata}
    above, below = getattr(rules.get("Gt"), "gt", None), getattr(rules.get("Lt"), "lt", None)
    least, most = limits(field)
    said = [
        f"{words} {limit:g}"
        for words, limit in (("at least", least), ("above", above), ("at most", most), ("below", below))
        if limit is not None
    ]
    fits = (
        math.isfinite(value)
        and (least is None or value >= least)
        and (above is None or value > above)
        and (most is None or value <= most)
        and (below is None or value < below)
    )
    if not fits:
        raise ValueError(" and ".join(said) or "a number")


def draw_field(
    label: str, where: str, field: FieldInfo, values: list[Any] | None = None, page: str = "prune"
) -> Any:
    """The widget that a field's type asks for; its sentence is the help.

    Args:
        where: its name in the session, after that of the page.
        values: of a choice, those that are offered; None: all.
    """
    help_text = inert(field.description or "")
    kind: Any = field.annotation
    if get_origin(kind) is Literal:
        offered = list(get_args(kind)) if values is None else values
        return st.selectbox(
            label,
            offered,
            index=offered.index(field.default),
            format_func={value: str(value).replace("_", " ") for value in offered}.__getitem__,
            help=help_text,
            **keyed(where, offered, page),
        )
    if kind is bool:
        return st.toggle(label, value=field.default, help=help_text, **keyed(where, page=page))
    if kind in (int, float):
        least, most = limits(field)
        small = kind is float and 0 < abs(field.default) < SMALL
        return st.number_input(
            label,
            min_value=None if least is None else kind(least),
            max_value=None if most is None else kind(most),
            value=kind(field.default),
            step=1 if kind is int else field.default / 10 if small else 0.1,
            format="%.1e" if small else None,
            help=help_text,
            **keyed(where, page=page),
        )
    return st.text_input(label, value=str(field.default), help=help_text, **keyed(where, page=page))
