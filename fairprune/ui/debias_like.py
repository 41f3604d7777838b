"""From an edited or recovered run to the page Debias with its form filled as that run was: page Prune has none of it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from fairprune.debias_group import is_debiased
from fairprune.debias_spec import EditSpec
from fairprune.spec import RunSpec
from fairprune.store import Run
from fairprune.ui.debias import LAB, lab_of
from fairprune.ui.debias_form import SET, set_text


def address_like(run: Run) -> dict[str, str] | None:
    """The parameters of page Debias that fill its form as this run was; None for a run that was only pruned."""
    spec = run.spec
    if not is_debiased(spec):
        return None
    lab = lab_of(spec)
    text = set_text(lab, _asked(spec)) or f"seed:{EditSpec.model_fields['seed'].default}"  # all as at first
    return {"run": run.id, LAB: lab, SET: text}


def _asked(spec: RunSpec) -> dict[str, Any]:
    """The part of the page's form that this run fills; of a control, that of what it is a control of."""
    if spec.edit is not None:
        return {"edit": spec.edit.model_dump(mode="json", exclude={"control"})}
    if spec.recovery is not None:
        return {"recovery": spec.recovery.model_dump(mode="json")}
    return {"calibration": spec.calibration.name}


def left_out(spec: RunSpec) -> str:
    """What the form of page Debias, which has one method at a time, does not take over; '' for nothing."""
    parts = [part.label for part in (spec.edit, spec.recovery) if part is not None]
    if spec.calibration.name == "denp":
        parts.append("calibration by DENP")
    return ", ".join(parts[1:])


def link_like(run: Run) -> None:
    """The way to the filled form, beside that of page Prune, which sets up pruning alone."""
    address = address_like(run)
    if address is None:
        return
    st.page_link(
        "pages/6_Debias.py",
        label="Set up another edit or recovery like this",
        icon=":material/healing:",
        query_params=address,
        help="The form of this page sets up pruning alone. The page Debias lays the same edit or recovery over it, with its controls.",
    )
    if missing := left_out(run.spec):
        st.caption(f"One at a time there: without {missing}.")
