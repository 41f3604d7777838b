"""Many runs in one figure: which of them compare, what stands in one panel, what one line holds. No Streamlit, no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fairprune.errors import unknown
from fairprune.spec import RunSpec, content_hash
from fairprune.store import Run
from fairprune.text import short_name
from fairprune.tradeoffs_axes import Axis, cell_of
from fairprune.uncertainty import Estimate


@dataclass(frozen=True)
class Entry:
    """One finished run and its headline."""

    run: Run
    headline: Mapping[str, Any]

    @property
    def spec(self) -> RunSpec:
        return self.run.spec

    @property
    def degenerate(self) -> bool:
        """Whether more than a fifth of the pruned summaries say nothing."""
        return bool((self.headline["degenerate"].get("pruned") or {}).get("flag"))

    @property
    def achieved(self) -> float | None:
        """Of the pruned layers, a fraction."""
        found = self.headline["sparsity"]
        return None if found is None else float(found["achieved"])

    @property
    def asked(self) -> float:
        return self.spec.pruning.sparsity


_OTHER_TEXT = ("perplexity_windows", "perplexity_tokens")
_NO_VALUE = ("noise_band", "loss_ratio", *_OTHER_TEXT)
"""Fields of the evaluation that move no fairness or quality number."""
_NO_METRIC = ("resamples", "seed", "margins", "primary", "alpha", "extra", "quality_bertscore")
"""Fields of the metrics' spec that move no value, only intervals, verdicts, or which numbers there are."""


def measured_by(spec: RunSpec, perplexity: bool = False) -> dict[str, Any]:
    """What must be equal for two runs' numbers to stand in one figure, name → value.

    Args:
        perplexity: whether the windows of held-out text matter, too.
    """
    evaluation = spec.evaluation.model_dump(mode="json")
    metrics = spec.metrics.model_dump(mode="json")
    model = spec.model
    return {
        "model": model.name,
        "weights": model.identity,
        "number format": model.dtype,
        "device": spec.device,
        **{
            name.replace("_", " "): value
            for name, value in evaluation.items()
            if name not in _NO_VALUE or (perplexity and name in _OTHER_TEXT)
        },
        **{f"metrics' {name}".replace("_", " "): v for name, v in metrics.items() if name not in _NO_METRIC},
    }


def comparison_key(spec: RunSpec, perplexity: bool = False) -> str:
    """Equal for runs that were measured alike: 16 hex digits of `measured_by`."""
    return content_hash(json.dumps(measured_by(spec, perplexity), sort_keys=True))


def why_apart(one: Entry, other: Entry, perplexity: bool = False) -> str:
    """Why `other` does not compare with `one`, in words: 'corpus movies instead of products'."""
    a, b = measured_by(one.spec, perplexity), measured_by(other.spec, perplexity)
    found = [f"{name} {_word(b[name])} instead of {_word(a[name])}" for name in a if a[name] != b[name]]
    if "model" in {name for name in a if a[name] != b[name]}:
        found = [text for text in found if not text.startswith("weights ")]
    if not found and one.headline["sets"] != other.headline["sets"]:
        found = ["other opinion sets under the same settings: the corpus has changed in between"]
    return "; ".join(found)


def _word(value: Any) -> str:
    if value is None or value == "":
        return "all" if value is None else "none"
    return str(value)


def dense_key(entry: Entry) -> tuple[str, str, str]:
    """Equal for runs whose dense model is one row of a table: the same model, opinion sets and device."""
    return entry.spec.model.name, entry.headline["sets"], entry.spec.device


def comparable(entries: Sequence[Entry], perplexity: bool = False) -> list[list[Entry]]:
    """The runs in lists of those that compare, the longest first; within one length the order stays."""
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((comparison_key(entry.spec, perplexity), entry.headline["sets"]), []).append(entry)
    return sorted(found.values(), key=len, reverse=True)


FACETS = {
    "none": "One panel",
    "calibration": "Calibration set",
    "corpus": "Corpus",
    "model": "Model",
    "method": "Method",
}
"""What panels may be made of → its name."""


def facet_of(spec: RunSpec, facet: str) -> str:
    """The panel in which a run stands.

    Raises:
        BadInput: no facet has this name.
    """
    if facet == "none":
        return ""
    if facet == "calibration":
        return f"{spec.calibration.name} on {spec.calibration.corpus}"
    if facet == "corpus":
        return spec.evaluation.corpus
    if facet == "model":
        return short_name(spec.model.name)
    if facet == "method":
        return spec.pruning.method
    raise unknown("facet", facet, FACETS)


def default_facet(entries: Sequence[Entry]) -> str:
    """The first of corpus, model and calibration set in which the runs differ; else one panel."""
    for facet in ("corpus", "model", "calibration"):
        if len({facet_of(entry.spec, facet) for entry in entries}) > 1:
            return facet
    return "none"


@dataclass(frozen=True)
class Panel:
    """Runs that are drawn together."""

    title: str
    entries: tuple[Entry, ...]
    apart: tuple[tuple[Entry, str], ...]
    """Runs of this panel that do not compare with those drawn, and why."""


def panels(entries: Sequence[Entry], facet: str, perplexity: bool = False) -> list[Panel]:
    """One panel per value of the facet, the fullest first; of runs that do not compare the most are drawn.

    Raises:
        BadInput: no facet has this name.
    """
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(facet_of(entry.spec, facet), []).append(entry)
    made = []
    for title, members in sorted(found.items(), key=lambda item: -len(item[1])):
        drawn, *others = comparable(members, perplexity)
        apart = tuple((entry, why_apart(drawn[0], entry, perplexity)) for rest in others for entry in rest)
        made.append(Panel(title, tuple(drawn), apart))
    return made


def _setting(spec: RunSpec) -> dict[str, Any]:
    """A run without what only draws anew: the seed of the calibration windows and that of a random method."""
    pruning = spec.pruning.model_dump(mode="json")
    pruning["options"] = {name: value for name, value in pruning["options"].items() if name != "seed"}
    calibration = spec.calibration.model_dump(mode="json")
    del calibration["seed"]
    added = {
        name: {key: value for key, value in part.model_dump(mode="json").items() if key != "seed"}
        for name, part in (("edit", spec.edit), ("recovery", spec.recovery))
        if part is not None
    }
    return {"pruning": pruning, "calibration": calibration, **added}


def _parts(spec: RunSpec) -> dict[str, str]:
    """What a line holds constant, name → words."""
    setting = _setting(spec)
    pruning, calibration = setting["pruning"], setting["calibration"]
    return {
        "pattern": "n:m" if pruning["pattern"] else "unstructured",
        "allocation": pruning["allocation"],
        **{name: f"{name} {value}" for name, value in sorted(pruning["options"].items())},
        "calibration": calibration["name"],
        "corpus": f"calibrated on {calibration['corpus']}",
        "windows": f"{calibration['samples']} × {calibration['seqlen']} tokens",
        # A line of its own, and named for what was done beside pruning.
        **({"added": " + ".join(spec.additions)} if spec.additions else {}),
    }


@dataclass(frozen=True)
class Spot:
    """One setting on two axes: a run, or the mean of several draws of it."""

    entries: tuple[Entry, ...]
    x: float
    y: float
    low: float | None
    high: float | None
    x_low: float | None = None
    x_high: float | None = None

    @property
    def degenerate(self) -> bool:
        return any(entry.degenerate for entry in self.entries)


@dataclass(frozen=True)
class Line:
    """Settings that differ in sparsity alone, by achieved sparsity."""

    method: str
    label: str
    """The method, and what tells this line from others of the method."""
    variant: int
    """0, 1, … among the lines of a method: the dash."""
    spots: tuple[Spot, ...]
    added: bool = False
    """Whether its runs do more than prune: an edit or a recovery."""


Draws = Callable[[Sequence[Entry], Axis], Estimate | None]
"""Runs of one setting → the mean over draws on an axis, with its two-level interval; None where samples do not give it."""


def lines(
    entries: Sequence[Entry], x: Axis, y: Axis, draws: Draws
) -> tuple[list[Line], list[tuple[Entry, str]]]:
    """The lines of a panel, by method, and the runs that have no point on these axes, with why."""
    missing: list[tuple[Entry, str]] = []
    drawn: dict[str, dict[str, list[Entry]]] = {}
    for entry in entries:
        lacking = [
            f"no {axis.title}: {(cell or {}).get('reason') or 'not computed'}"
            for axis in dict.fromkeys((y, x))
            if (cell := cell_of(entry.headline, axis, "pruned")) is None or cell["value"] is None
        ]
        if lacking:
            missing.append((entry, "; ".join(lacking)))
            continue
        key = json.dumps([entry.spec.pruning.method, _parts(entry.spec)], sort_keys=True)
        setting = json.dumps(_setting(entry.spec), sort_keys=True)
        drawn.setdefault(key, {}).setdefault(setting, []).append(entry)
    made = []
    by_method: dict[str, list[list[list[Entry]]]] = {}
    for settings in drawn.values():
        groups = list(settings.values())
        by_method.setdefault(groups[0][0].spec.pruning.method, []).append(groups)
    for method in sorted(by_method):
        variants = by_method[method]
        labels = _labels([groups[0][0].spec for groups in variants])
        for place, (groups, label) in enumerate(zip(variants, labels, strict=True)):
            spots = sorted((_spot(group, x, y, draws) for group in groups), key=_by_sparsity)
            added = bool(groups[0][0].spec.additions)
            made.append(Line(method, f"{method}{label}", place, tuple(spots), added))
    return made, missing


def _by_sparsity(spot: Spot) -> float:
    return spot.entries[0].achieved or spot.entries[0].asked


def _labels(specs: Sequence[RunSpec]) -> list[str]:
    """Per line of one method what tells it from the others: ' · skewed:fresh'; '' for a line alone."""
    parts = [_parts(spec) for spec in specs]
    names = list(dict.fromkeys(name for one in parts for name in one))
    telling = [name for name in names if len({one.get(name) for one in parts}) > 1]
    return ["".join(f" · {one[name]}" for name in telling if name in one) for one in parts]


def _spot(group: Sequence[Entry], x: Axis, y: Axis, draws: Draws) -> Spot:
    xs, ys = ([cell_of(entry.headline, axis, "pruned") or {} for entry in group] for axis in (x, y))
    if len(group) == 1:
        return Spot(
            tuple(group),
            xs[0]["value"],
            ys[0]["value"],
            ys[0]["low"],
            ys[0]["high"],
            xs[0]["low"],
            xs[0]["high"],
        )
    found = draws(group, y)
    middle = sum(cell["value"] for cell in ys) / len(ys)
    low, high = (None, None) if found is None else (found.low, found.high)
    if found is not None and found.value is not None:
        middle = found.value
    return Spot(tuple(group), sum(cell["value"] for cell in xs) / len(xs), middle, low, high)
