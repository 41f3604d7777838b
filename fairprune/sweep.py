"""A grid of models, methods, calibration sets, sparsities and seeds → the specs of its runs, in an order that shares work.

Statistics and dense summaries are kept by weights, windows and opinion sets: runs that share them follow one another. What
cannot be is named and left out; what would be computed twice is computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fairprune import catalogue
from fairprune.debias_group import group_of
from fairprune.errors import BadInput, FairpruneError, Unavailable, unknown
from fairprune.expected import expected_spec
from fairprune.methods import get_method
from fairprune.plan import plan_run
from fairprune.spec import RunSpec
from fairprune.text import short_name

LIMIT = 200
"""Most runs of one sweep."""


@dataclass(frozen=True)
class Axes:
    """What is varied. Every value of an axis meets every value of the others."""

    models: tuple[str, ...]
    methods: tuple[str, ...]
    calibrations: tuple[str, ...] = ("balanced",)
    sparsities: tuple[float, ...] = ()
    """Fractions in [0, 1)."""
    patterns: tuple[str, ...] = ()
    """n:m; sparsities and patterns are one axis."""
    seeds: tuple[int, ...] = (0,)

    def to_json(self) -> dict[str, Any]:
        return {
            "model": list(self.models),
            "method": list(self.methods),
            "calibration": list(self.calibrations),
            "sparsity": list(self.sparsities),
            "pattern": list(self.patterns),
            "seed": list(self.seeds),
        }

    def title(self, corpus: str) -> str:
        """One line for people: '2 models · wanda, hgla · 10–50 % (5) · balanced on movies · 3 seeds'."""
        amounts = [f"{value:.0%}" for value in sorted(self.sparsities)]
        shown = f"{amounts[0]} to {amounts[-1]} ({len(amounts)})" if len(amounts) > 3 else ", ".join(amounts)
        parts = [
            _named([short_name(model) for model in self.models], "models"),
            _named(self.methods, "methods"),
            ", ".join(part for part in (shown, ", ".join(self.patterns)) if part),
            f"{_named(self.calibrations, 'calibration sets')} on {corpus}",
        ]
        if len(self.seeds) > 1:
            parts.append(f"{len(self.seeds)} seeds")
        return " · ".join(parts)


def _named(values: Sequence[str], many: str) -> str:
    return ", ".join(values) if len(values) <= 3 else f"{len(values)} {many}"


@dataclass(frozen=True)
class LeftOut:
    """Mixes that are not run, and why."""

    reason: str
    mixes: tuple[str, ...]
    """'wanda 2:4 · balanced', as the grid names them."""


@dataclass(frozen=True)
class Plan:
    """The runs of a sweep."""

    specs: tuple[RunSpec, ...]
    """In the order in which they share most."""
    left_out: tuple[LeftOut, ...]


@dataclass
class _Checks:
    """What was checked once and holds for many runs of the grid."""

    checked: bool
    fits: dict[tuple[str, str], FairpruneError | None] = field(default_factory=dict)
    whole: dict[tuple[str, ...], RunSpec | FairpruneError] = field(default_factory=dict)

    def spec(self, values: Mapping[str, Any]) -> RunSpec:
        """The run's spec, as `plan_run(**values)` gives it.

        Raises:
            BadInput, Unavailable: as `plan_run`.
        """
        quick = plan_run(**values, checked=False)
        if quick.pruning.pattern:
            self._check_pattern(quick.model.name, quick.pruning.pattern)
        reads = get_method(quick.pruning.method).needs_windows(quick.pruning.allocation)
        parts = [quick.model, quick.evaluation, quick.metrics, *([quick.calibration] if reads else [])]
        key = tuple(part.model_dump_json() for part in parts)
        if key not in self.whole:
            self.whole[key] = self._ask(quick, values)
        whole = self.whole[key]
        if isinstance(whole, FairpruneError):
            raise whole
        return quick.model_copy(
            update={"model": whole.model, "evaluation": whole.evaluation, "metrics": whole.metrics}
        )

    def _ask(self, quick: RunSpec, values: Mapping[str, Any]) -> RunSpec | FairpruneError:
        try:
            return plan_run(**values) if self.checked else expected_spec(quick) or quick
        except (BadInput, Unavailable) as error:
            return error

    def _check_pattern(self, model: str, pattern: str) -> None:
        if (model, pattern) not in self.fits:
            self.fits[model, pattern] = None
            try:
                catalogue.check_pattern_fits(catalogue.resolve(model), pattern)
            except BadInput as error:
                self.fits[model, pattern] = error
        refusal = self.fits[model, pattern]
        if refusal is not None:
            raise refusal


def plan_sweep(
    axes: Axes,
    base: Mapping[str, Any],
    options: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    checked: bool = True,
) -> Plan:
    """The runs of a grid.

    Args:
        base: the other arguments of `plan_run`, the same for every run.
        options: method → its options; a method that is not named takes its defaults.
        checked: False: as far as can be told at once, for every change of a form (`fairprune.expected`).

    Raises:
        BadInput: an axis without a value, too many runs, or none that can be.
        Unavailable: none that can be had.
    """
    mixes, left_out = _mixes(axes, str(base.get("allocation") or "uniform"))
    checks, specs = _Checks(checked), []
    refused: dict[str, list[str]] = {}
    first: FairpruneError | None = None
    for mix in mixes:
        values = {**base, **mix, "options": dict((options or {}).get(str(mix["method"]), {}))}
        try:
            specs.append(checks.spec(values))
        except (BadInput, Unavailable) as error:
            first = first or error
            refused.setdefault(str(error), []).append(_mix_name(mix, axes))
    if not specs and first is not None:
        raise first
    found = [*left_out, *(LeftOut(reason, tuple(names)) for reason, names in refused.items())]
    return Plan(tuple({spec.id: spec for spec in specs}.values()), tuple(found))


def with_groups(plan: Plan) -> Plan:
    """The plan with what each edited or recovered run is compared with: the same without, and its controls (`debias_group`).

    Raises:
        BadInput: too many runs.
    """
    specs = {member.spec.id: member.spec for spec in plan.specs for member in group_of(spec)}
    if len(specs) > LIMIT:
        raise BadInput(
            f"this sweep has {len(specs)} runs with its controls, at most {LIMIT} are started together: take values out"
        )
    return Plan(tuple(specs.values()), plan.left_out)


def _mixes(axes: Axes, allocation: str) -> tuple[list[dict[str, Any]], list[LeftOut]]:
    """Every mix as arguments of `plan_run`, those that share windows together; and those that another run answers."""
    targets: list[dict[str, Any]] = [
        {"sparsity": value, "pattern": None} for value in dict.fromkeys(axes.sparsities)
    ]
    targets += [{"sparsity": None, "pattern": value} for value in dict.fromkeys(axes.patterns)]
    for name, values in (
        ("model", axes.models),
        ("method", axes.methods),
        ("calibration set", axes.calibrations),
        ("sparsity or pattern", targets),
        ("seed", axes.seeds),
    ):
        if not values:
            raise BadInput(f"the sweep has no {name}: choose at least one")
    methods, calibrations = dict.fromkeys(axes.methods), list(dict.fromkeys(axes.calibrations))
    reads = {name: get_method(name).needs_windows(allocation) for name in methods}
    without = [name for name in methods if not reads[name]]
    each = sum(len(calibrations) if reads[name] else 1 for name in methods)
    models, seeds = list(dict.fromkeys(axes.models)), list(dict.fromkeys(axes.seeds))
    count = len(models) * each * len(targets) * len(seeds)
    if count > LIMIT:
        raise BadInput(
            f"this sweep has {count} runs, at most {LIMIT} are started together: take values out, or start it in parts"
        )
    mixes = [
        {"model": model, "seed": seed, "calibration": calibration, "method": method, **target}
        for model in models
        for seed in seeds
        for place, calibration in enumerate(calibrations)
        for method in methods
        if reads[method] or place == 0
        for target in targets
    ]
    left_out = []
    if len(calibrations) > 1 and without:
        names = tuple(f"{method} · {name}" for method in without for name in calibrations[1:])
        left_out.append(
            LeftOut(f"reads no calibration data: its run on {calibrations[0]} stands for all", names)
        )
    return mixes, left_out


def _mix_name(mix: Mapping[str, Any], axes: Axes) -> str:
    """The mix by the values that tell it apart in this grid."""
    amount = mix["pattern"] or f"{mix['sparsity']:.0%}"
    parts = [f"{mix['method']} {amount}"]
    if len(axes.models) > 1:
        parts.insert(0, short_name(mix["model"]))
    if len(axes.calibrations) > 1:
        parts.append(mix["calibration"])
    if len(axes.seeds) > 1:
        parts.append(f"seed {mix['seed']}")
    return " · ".join(parts)


def options_of(methods: Sequence[str], given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Method → those of the given options that it has.

    Raises:
        BadInput: an option that none of the methods has, or a value that one of them refuses.
    """
    fields = {name: get_method(name).options.model_fields for name in methods}
    for key in given:
        if not any(key in known for known in fields.values()):
            known = dict.fromkeys(option for known in fields.values() for option in known)
            raise unknown(f"option of the methods {', '.join(methods)}:", key, known)
    found = {
        name: {key: value for key, value in given.items() if key in known} for name, known in fields.items()
    }
    for name, values in found.items():
        get_method(name).parse_options(values)
    return found


def numbers(texts: Sequence[str], kind: type[float] | type[int], what: str) -> tuple[Any, ...]:
    """['0.1,0.3', '0.5'] → (0.1, 0.3, 0.5).

    Raises:
        BadInput: a part that is no such number.
    """
    found = []
    for part in parts_of(texts):
        try:
            found.append(kind(part))
        except ValueError as error:
            form = "a whole number, such as 0" if kind is int else "a number, such as 0.5"
            raise BadInput(f"{what} {part!r} is not {form}") from error
    return tuple(found)


def parts_of(texts: Sequence[str]) -> Iterator[str]:
    """['a,b', 'c'] → a, b, c."""
    for text in texts:
        yield from (part.strip() for part in text.split(",") if part.strip())
