"""What the page Debias asks for: options of an edit or a recovery, their address, what the runs will cost, and their start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import streamlit as st
from pydantic import BaseModel

from fairprune import catalogue, jobs
from fairprune.debias import awareness
from fairprune.debias_group import Member, group_of
from fairprune.debias_plan import check_debias
from fairprune.debias_spec import ROLES, EditSpec, RecoverySpec
from fairprune.errors import BadInput
from fairprune.plan import check_weighed, plan_run
from fairprune.spec import RunSpec, parse_part
from fairprune.store import Store
from fairprune.sweep import Plan
from fairprune.text import counted
from fairprune.ui import markup
from fairprune.ui.address import amend, carry, choices, put_all
from fairprune.ui.debias import PAGE, RESULT, Start
from fairprune.ui.debias_sets import pick_sets
from fairprune.ui.form_address import says_new, wrote
from fairprune.ui.sweep_form import draw_plan
from fairprune.ui.widgets import check_range, draw_field, keyed

SET = "set"
"""In the address: the options that are not as at first, 'ratio:1e-05,order:before'."""
FORM = "form.debias.set"
EDIT_FIRST = ("ratio", "modules", "order")
EDIT_MORE = ("general_ratio", "minimum", "scope", "samples", "selection", "seed")
RECOVERY_FIRST = ("steps", "learning_rate", "batch_size")
RECOVERY_MORE = ("samples", "seqlen", "seed")
NC3 = ("words", "strength", "parameters")
NC3_MORE = ("mean_strength", "reset")
WAYS = {
    "recovery": "Masked recovery (carries the effect)",
    "calibration": "Calibration statistics (training-free)",
}
LABELS = {
    "ratio": "Share that counts as important, r",
    "general_ratio": "Share of general text, p",
    "minimum": "At least so many, k_min",
    "samples": "Prompts or windows read",
    "mean_strength": "Strength of the mean, λ_mean (extension)",
    "strength": "Strength of UNC3, λ",
    "reset": "Totals start anew every … steps",
    "parameters": "What moves beside the words",
    "seqlen": "Tokens per window",
}


def settle() -> None:
    """Puts the options of the address into the widgets, where it says something new: what it does not name is as at first.

    An option that cannot be is said.
    """
    given = st.query_params.get(SET) or ""
    if not says_new(FORM, given):
        return
    found = {}
    for pair in given.split(",") if given else ():
        name, _, value = pair.partition(":")
        field = EditSpec.model_fields.get(name) or RecoverySpec.model_fields.get(name)
        if field is None and (name != "way" or value not in WAYS):
            amend(SET, None, "write options as name:value, such as ratio:1e-05")
            return
        kind = None if field is None else field.annotation
        values = get_args(kind)
        if values and value not in values:
            amend(SET, None, choices(value, values))
            return
        if name in ROLES and value not in awareness.names():
            amend(SET, None, choices(value, awareness.names()))
            return
        try:
            found[name] = kind(value) if kind in (int, float) else value
            if field is not None and kind in (int, float):
                check_range(field, float(found[name]))
        except ValueError as error:
            right = (
                str(error) if name in found else f"a number, such as {name}:{field.default if field else 1:g}"
            )
            amend(SET, None, f"{name} is {right}")
            return
    states: dict[str, Any] = {f"{PAGE}.way": found.get("way", "recovery")}
    for part in (EditSpec, RecoverySpec):
        for name, field in part.model_fields.items():
            states[f"{PAGE}.{_key(part, name)}"] = found.get(name, field.default)
    st.session_state.update(states)
    wrote(FORM, given)


def _key(part: type[BaseModel], name: str) -> str:
    """Of a field's widget, after that of the page: an edit and a recovery have fields of the same name and another beginning."""
    twice = part is EditSpec and name in RecoverySpec.model_fields
    return f"edit.{name}" if twice else name


def draw_form(lab: str) -> dict[str, Any]:
    """The options of a part of the page → `edit`, `recovery` and `calibration` as a spec has them; those that are None are left out."""
    if lab == "spin":
        sets = pick_sets()
        return {"edit": {**_fields(EditSpec, EDIT_FIRST, EDIT_MORE), **sets, "kind": "spin"}}
    if lab == "denp":
        way = st.segmented_control(
            "Where the balanced weights enter",
            list(WAYS),
            format_func=WAYS.__getitem__,
            default="recovery",
            required=True,
            **keyed("way", page=PAGE),
        )
        if way == "calibration":
            st.caption(
                "The windows of the run's own calibration set, balanced, each token with its text's weight in every sum of the statistics. "
                "On small models this moves little: the recovery carries the effect."
            )
            return {"calibration": "denp"}
        return {"recovery": {**_fields(RecoverySpec, RECOVERY_FIRST, RECOVERY_MORE), "kind": "denp"}}
    if lab == "collapse":
        found = _fields(RecoverySpec, (*NC3, *RECOVERY_FIRST), (*RECOVERY_MORE, *NC3_MORE))
        return {"recovery": {**found, "kind": "nc3"}}
    return {"recovery": {**_fields(RecoverySpec, RECOVERY_FIRST, RECOVERY_MORE), "kind": "uniform"}}


def _fields(part: type[BaseModel], first: Sequence[str], more: Sequence[str]) -> dict[str, Any]:
    """A widget for each field, the rarer ones folded."""
    values = _row(part, first)
    with st.expander("More options"):
        return values | _row(part, more)


def _row(part: type[BaseModel], names: Sequence[str]) -> dict[str, Any]:
    columns = st.columns(3)
    values = {}
    for place, name in enumerate(names):
        with columns[place % 3]:
            label = LABELS.get(name, name.replace("_", " ").capitalize())
            values[name] = draw_field(label, _key(part, name), part.model_fields[name], page=PAGE)
    return values


def write(lab: str, asked: Mapping[str, Any]) -> None:
    """The options that are not as at first, into the address."""
    text = set_text(lab, asked)
    wrote(FORM, text or "")
    put_all({SET: text})


def set_text(lab: str, asked: Mapping[str, Any]) -> str | None:
    """The options that are not as at first, as the address has them: 'ratio:1e-05,order:before'; None where all are."""
    part = EditSpec if lab == "spin" else RecoverySpec
    usual = {name: field.default for name, field in part.model_fields.items()}
    values = asked.get("edit") or asked.get("recovery") or {}
    found = [
        f"{name}:{exact(value)}" if isinstance(value, float) else f"{name}:{value}"
        for name, value in values.items()
        if name != "kind" and value != usual.get(name)
    ]
    if "calibration" in asked:
        found.append("way:calibration")
    return ",".join(found) or None


def exact(value: float) -> str:
    """A number in as few digits as give the very same one again, so that a filled form asks for the same run.

    >>> exact(1e-05), exact(0.5), exact(100.0), exact(0.00012345678)
    ('1e-05', '0.5', '100', '0.00012345678')
    """
    short = f"{value:g}"
    return short if float(short) == value else repr(value)


def asked_spec(start: Start, asked: Mapping[str, Any]) -> RunSpec:
    """What was asked for, on top of the start; unchecked.

    Raises:
        BadInput: options that do not fit one another.
    """
    parts = start.spec.model_dump(mode="json")
    seed = start.spec.evaluation.seed
    if "calibration" in asked:
        parts["calibration"] = {**parts["calibration"], "name": asked["calibration"]}
    for name in ("edit", "recovery"):
        if name in asked:
            parts[name] = {"seed": seed, **asked[name]}
    return parse_part(RunSpec, parts)


def draw_start(store: Store, start: Start, asked: Mapping[str, Any]) -> None:
    """Which runs there will be, what they cost, and the button that queues those that are not stored."""
    spec = asked_spec(start, asked)
    check_weighed(spec)
    members = group_of(spec)
    st.caption(
        "Runs side by side: "
        + "; ".join(f"**{markup.inert(one.title)}** ({markup.inert(one.what)})" for one in members)
        + "."
    )
    plan = Plan(tuple(one.spec for one in members), ())
    left = draw_plan(plan, store, spec.device)
    label = f"Start {counted(left, 'run')}" if left else "Open the stored result"
    icon = ":material/play_arrow:" if left else ":material/open_in_full:"
    if st.button(label, type="primary", icon=icon, key="debias.start"):
        _start(store, start, asked)


def _start(store: Store, start: Start, asked: Mapping[str, Any]) -> None:
    """Checks and queues the group, keeps it as a sweep, and shows it; a refusal leaves the form as it is."""
    with st.spinner("Checking model, sets and text …"):
        spec = checked_spec(start, asked)
        members = group_of(spec)
        queued = [run.id for run, _ in jobs.submit_all([one.spec for one in members], store)]
        store.put_sweep(sweep_title(spec), sweep_axes(members), queued)
    carry(RESULT, spec.id)
    st.rerun()


def checked_spec(start: Start, asked: Mapping[str, Any]) -> RunSpec:
    """What was asked for, with everything checked that can be before a run.

    Raises:
        BadInput, Unavailable: names what was wrong, the value, and what would be right.
    """
    if start.values is not None:
        parts: dict[str, Any] = {
            name: asked[name] for name in ("edit", "recovery", "calibration") if name in asked
        }
        spec = plan_run(**start.values, **parts)
    else:
        spec = asked_spec(start, asked)
    source = catalogue.check(spec.model.name)
    if start.values is None and catalogue.identity(source) != spec.model.identity:
        raise BadInput(
            f"the weights of {source.name} are not those that the run was made of: start from the model instead"
        )
    for member in group_of(spec):  # a control may need what the run itself does not
        check_debias(member.spec, source, catalogue.preview_folder(source))
    return spec


def sweep_title(spec: RunSpec) -> str:
    """'SPIN with its controls, beside wanda 50 %'."""
    added = " + ".join(spec.additions) or "calibration by DENP"
    base = spec.model_copy(update={"edit": None, "recovery": None})
    return f"{added} with its controls, beside {base.system_name()} on {spec.evaluation.corpus}"


def sweep_axes(members: Sequence[Member]) -> dict[str, Any]:
    return {"beside one another": [one.title for one in members]}
