"""The form of a run and its address: a pasted link fills the form, a stored run fills it whole, and what is changed is written back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from fairprune import corpora
from fairprune.catalogue import CATALOGUE
from fairprune.errors import BadInput, StoreError, unknown
from fairprune.methods import get_method
from fairprune.metrics.margins import MARGINS, scale
from fairprune.spec import PRESETS, RunSpec, parse_calibration, parse_pattern
from fairprune.store import Store
from fairprune.ui.address import amend, carried, put_all
from fairprune.ui.form import KINDS, OTHER
from fairprune.ui.form_address import forget, says_new, wrote
from fairprune.ui.form_metrics import BERTSCORES
from fairprune.ui.page import refuse

NAMES = ("preset", "model", "corpus", "calibration", "method", "sparsity", "pattern", "seed")
"""What of the form stands in the address, where it is not as in the run that it was filled from, or as at first."""
LISTED = ("model", "calibration", "method", "sparsity", "pattern", "seed")
"""Those that a sweep varies: there they hold several values, separated by commas."""
FIRST: dict[str, str] = {
    "preset": "quick",
    "model": next(iter(CATALOGUE)),
    "corpus": "movies",
    "calibration": "balanced",
    "method": "wanda",
    "sparsity": "0.5",
    "pattern": "",
    "seed": "0",
}
SWEEP_FIRST = {**FIRST, "sparsity": "0.3,0.5,0.7"}
LIKE, FORM = "prune.like", "form.prune"


def settle(store: Store) -> None:
    """Fills the form from the address where that says something new: first from a stored run, then value by value."""
    like = st.query_params.get("like")
    if like and (st.session_state.get(LIKE) or [""])[0] != like:
        try:
            run = store.run(like)
        except StoreError as error:
            refuse(str(error))
            put_all({"like": None})
        else:
            _forget()
            put(states_of(run.spec))
            st.session_state[LIKE] = [run.id, run.label, address_of(run.spec)]
            forget(FORM)
            put_all({"like": run.id})
    given = {name: st.query_params[name] for name in NAMES if name in st.query_params}
    if says_new(FORM, given):
        for name, value in {**base(), **given}.items():
            try:
                put(states_of_value(name, value))
            except BadInput as error:
                amend(name, None, str(error))
                given.pop(name, None)
        wrote(FORM, given)


def base() -> dict[str, str]:
    """What the form holds before anything is changed."""
    like = st.session_state.get(LIKE)
    return dict(like[2]) if like else dict(SWEEP_FIRST if carried("mode") == "sweep" else FIRST)


def write(values: Mapping[str, str]) -> None:
    """Puts what differs from the beginning into the address, as one change.

    Args:
        values: name of `NAMES` → its text.
    """
    usual = base()
    wanted = {name: values[name] for name in NAMES if name in values and values[name] != usual[name]}
    like = st.session_state.get(LIKE)
    put_all({name: wanted.get(name) for name in NAMES} | ({"like": like[0]} if like else {}))
    wrote(FORM, wanted)


def leave() -> None:
    """Takes the form out of the address: the page shows a run now."""
    put_all(dict.fromkeys((*NAMES, "like")))
    wrote(FORM, {})


def start_over() -> None:
    """Every widget of the form as at first."""
    _forget()
    st.session_state.pop(LIKE, None)
    leave()


def _forget() -> None:
    for key in [str(key) for key in st.session_state if str(key).startswith("prune.") and key != LIKE]:
        del st.session_state[key]


def put(states: Mapping[str, Any]) -> None:
    """Widget states, by the name after 'prune.'."""
    for name, value in states.items():
        st.session_state[f"prune.{name}"] = value


def values_text(values: Mapping[str, Any]) -> dict[str, str]:
    """The arguments of `plan_run` that stand in the address, as texts."""
    found = {name: str(values[name]) for name in ("preset", "model", "corpus", "calibration", "method")}
    pattern = values.get("pattern")
    sparsity = "" if values.get("sparsity") is None else f"{values['sparsity']:g}"
    return {**found, "sparsity": sparsity, "pattern": pattern or "", "seed": str(values["seed"])}


def address_of(spec: RunSpec) -> dict[str, str]:
    """`NAMES` of a stored run."""
    pattern = spec.pruning.pattern
    return {
        "preset": preset_of(spec),
        "model": spec.model.name,
        "corpus": spec.evaluation.corpus,
        "calibration": spec.calibration.name,
        "method": spec.pruning.method,
        "sparsity": "" if pattern else f"{spec.pruning.sparsity:g}",
        "pattern": pattern or "",
        "seed": str(spec.evaluation.seed),
    }


def states_of_value(name: str, value: str) -> dict[str, Any]:
    """The widgets that one value of the address fills: those of one run with its first value, those of a sweep with all.

    Raises:
        BadInput: no such preset, corpus, calibration set or method, or no number.
    """
    listed = [part for part in value.split(",") if part] if name in LISTED else [value]
    first = listed[0] if listed else ""
    found: dict[str, Any] = {}
    if name == "preset":
        if value not in PRESETS:
            raise unknown("preset", value, PRESETS)
        found = {"preset": value}
    elif name == "model" and first:
        known = first in CATALOGUE
        found = {"model": first if known else OTHER, **({} if known else {"model_typed": first})}
        found["sweep.model"] = listed
    elif name == "corpus":
        corpora.info(value)
        found = {"corpus": value}
    elif name == "calibration" and first:
        for one in listed:
            parse_calibration(one)
        found = {**calibration_states(first), "sweep.calibration": listed}
    elif name == "method" and first:
        for one in listed:
            get_method(one)
        found = {"method": first, "sweep.method": listed}
    elif name == "seed" and first:
        if not all(one.isascii() and one.isdigit() for one in listed):
            raise BadInput(f"seed {value!r} is not a whole number from 0 on")
        found = {"seed": int(first), "sweep.seed": listed}
    elif name in ("sparsity", "pattern"):
        found = _target_states(name, listed)
    return found


def _target_states(name: str, listed: list[str]) -> dict[str, Any]:
    if name == "pattern":
        for one in listed:
            parse_pattern(one)
        found: dict[str, Any] = {"sweep.pattern": listed}
        if listed:
            usual = listed[0] in ("2:4", "4:8")
            found |= {"kind": "n:m", "pattern": listed[0] if usual else "own"}
            found |= {} if usual else {"pattern_typed": listed[0]}
        return found
    try:
        shares = [float(one) for one in listed]
    except ValueError as error:
        raise BadInput(f"sparsity {','.join(listed)!r} is not a number in [0, 1), such as 0.5") from error
    if not all(0 <= share < 1 for share in shares):
        raise BadInput(f"sparsity {','.join(listed)} is outside [0, 1)")
    found = {"sweep.sparsity": [f"{100 * share:g}%" for share in shares]}
    if shares:
        found |= {"kind": "unstructured", "sparsity": min(95, round(100 * shares[0]))}
    return found


def calibration_states(name: str) -> dict[str, Any]:
    """The widgets of a calibration set."""
    kind, detail = parse_calibration(name)
    assert kind in KINDS
    if kind in ("skewed", "one-group"):
        return {"calibration": kind, "calibration_group": detail}
    if kind == "model-output":
        return {"calibration": kind, "calibration_output": detail}
    return {"calibration": kind, **({"calibration_texts": name} if kind == "general" else {})}


def preset_of(spec: RunSpec) -> str:
    """The preset whose perplexity windows, which the form has no widget for, are the run's; 'quick' where none fits."""
    asked = (spec.evaluation.perplexity_windows, spec.evaluation.perplexity_tokens)
    for name, preset in PRESETS.items():
        if (preset["evaluation"]["perplexity_windows"], preset["evaluation"]["perplexity_tokens"]) == asked:
            return name
    return "quick"


def states_of(spec: RunSpec) -> dict[str, Any]:
    """Every widget of the form as this run had it."""
    found: dict[str, Any] = {}
    for name, value in address_of(spec).items():
        found |= states_of_value(name, value) if name != "corpus" or value in corpora.names() else {}
    preset = PRESETS[preset_of(spec)]
    for name, part, field in (
        ("calibration_samples", "calibration", "samples"),
        ("seqlen", "calibration", "seqlen"),
        ("samples", "evaluation", "samples"),
        ("max_new_tokens", "evaluation", "max_new_tokens"),
        ("batch_size", "evaluation", "batch_size"),
    ):
        value = getattr(getattr(spec, part), field)
        found[name] = None if value == preset[part][field] else value
    found["allocation"] = spec.pruning.allocation
    for name, value in spec.pruning.options.items():
        found[f"option.{spec.pruning.method}.{name}"] = value
    found |= {"device": spec.device, "dtype": spec.model.dtype}
    found |= {
        name: getattr(spec.evaluation, name)
        for name in ("compositions", "sample", "noise_band", "loss_ratio")
    }
    return found | _metric_states(spec)


def _metric_states(spec: RunSpec) -> dict[str, Any]:
    metrics = spec.metrics
    found: dict[str, Any] = {
        name: getattr(metrics, name)
        for name in ("tau", "reading", "ties", "zero_match", "matcher", "matcher_model", "bertscore")
    }
    found |= {"temperature": metrics.temperature, "spd2_source": metrics.spd2_source}
    found |= {"extra": list(metrics.extra), "primary": list(metrics.primary)}
    found["entailment_model"] = metrics.entailment_model
    kind, _, name = metrics.labels.partition(":")
    found["labels"] = kind
    if kind == "model":
        found["labels_model"] = name
        found["label_map"] = ", ".join(f"{label}={group}" for label, group in metrics.label_map.items())
    encoder = metrics.quality_bertscore
    found[f"quality_bertscore.{preset_of(spec)}"] = encoder if encoder in BERTSCORES else "other"
    if encoder not in BERTSCORES:
        found["quality_bertscore_model"] = encoder
    for name, margin in metrics.margins.items():
        if margin != MARGINS.get(name):
            found[f"margin.{name}"] = margin * scale(name)
    return found


def differences(asked: RunSpec, like: RunSpec) -> list[str]:
    """What tells two specs apart, for a person: 'pruning.sparsity 0.5 → 0.4'. Hashes of weights are left out."""
    found = []
    mine, theirs = asked.model_dump(mode="json"), like.model_dump(mode="json")
    for name in ("edit", "recovery"):
        one, other = (getattr(spec, name) for spec in (asked, like))
        if one != other:
            found.append(f"{name} {_shown(other and other.label)} → {_shown(one and one.label)}")
        mine.pop(name, None)
    for part, values in mine.items():
        if not isinstance(values, dict):
            values, other = {part: values}, {part: theirs[part]}  # noqa: PLW2901
        else:
            other = theirs[part]
        for name in values.keys() | other.keys():
            old, new = other.get(name), values.get(name)
            if old != new and "identity" not in name:
                path = name if name == part else f"{part}.{name}"
                found.append(f"{path} {_shown(old)} → {_shown(new)}")
    return sorted(found)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {one}" for key, one in value.items()) or "none"
    return "none" if value is None or value == "" else str(value)
