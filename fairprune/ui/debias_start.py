"""The model that page Debias starts from, and its address: a pasted link fills the form, and what is changed is written back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import streamlit as st

from fairprune.catalogue import CATALOGUE
from fairprune.corpora import names
from fairprune.methods import METHODS
from fairprune.spec import PRESETS
from fairprune.ui.address import amend, choices, put_all
from fairprune.ui.form_address import says_new, wrote

START = "start"
"""In the address: what is not as at first, 'corpus:politics,sparsity:0.35'."""
FORM = "form.debias.start"
STEP, MOST = 5, 95
"""Of the slider, percent."""


def first() -> dict[str, str]:
    """What the form begins with: the name of a value (in the session after 'debias.') → its text."""
    return {
        "model": next(iter(CATALOGUE)),
        "corpus": names()[0],
        "method": "wanda",
        "sparsity": "0.5",
        "preset": "quick",
    }


def settle() -> None:
    """Puts the address into the widgets where it says something new; a value that cannot be is said."""
    text = st.query_params.get(START) or ""
    if not says_new(FORM, text):
        return
    found = dict(first())
    for pair in text.split(",") if text else ():
        name, _, value = pair.partition(":")
        if wrong := _wrong(name, unquote(value)):
            amend(START, None, wrong)
            text, found = "", first()
            break
        found[name] = unquote(value)
    st.session_state.update({f"debias.{name}": widget_value(name, value) for name, value in found.items()})
    wrote(FORM, text)


def _wrong(name: str, value: str) -> str:
    """What would be right in the place of a value; '' where it can be used."""
    offered = {"corpus": list(names()), "method": list(METHODS), "preset": list(PRESETS)}
    if name not in first() or not value:
        return f"write {', '.join(first())} as name:value, such as corpus:{names()[-1]}"
    if name in offered and value not in offered[name]:
        return choices(value, offered[name])
    if name == "sparsity" and percent_of(value) is None:
        return f"sparsity is a multiple of {STEP / 100:g} from 0 to {MOST / 100:g}, such as sparsity:0.35"
    return ""


def widget_value(name: str, text: str) -> Any:
    """As its widget holds it: the slider in percent."""
    return percent_of(text) if name == "sparsity" else text


def percent_of(text: str) -> int | None:
    """A share in percent; None for what the slider cannot show.

    >>> percent_of("0.35"), percent_of("0.33"), percent_of("much"), percent_of("nan")
    (35, None, None, None)
    """
    try:
        share = 100 * float(text)
    except ValueError:
        return None
    if not 0 <= share <= MOST:
        return None
    found = round(share)
    return found if found % STEP == 0 and abs(share - found) < 1e-9 else None


def write(values: Mapping[str, Any]) -> None:
    """Puts what is not as at first into the address.

    Args:
        values: name → value as `plan_run` takes it, the sparsity as a share.
    """
    texts = {name: f"{values[name]:g}" if name == "sparsity" else str(values[name]) for name in first()}
    changed = [
        f"{name}:{quote(text, safe='/')}" for name, text in texts.items() if text and text != first()[name]
    ]
    text = ",".join(changed)
    wrote(FORM, text)
    put_all({START: text or None})


def leave() -> None:
    """Takes the form out of the address, where it stays as it is: the page starts from a stored run."""
    wrote(FORM, "")
    put_all({START: None})
